#!/usr/bin/env python3
"""The same conversation on real sockets and in the simulator: the same bytes, replies and endings.

QNET and TWO_WORLD_SIM name the programs. The conversation and its format: two_world/conversation.txt.
"""
import contextlib
import functools
import hashlib
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "real"))
sys.dont_write_bytecode = True
import mesh  # noqa: E402  (tests/real: a localnet and sockets)
from web_object import web_object  # noqa: E402

SIM = os.environ["TWO_WORLD_SIM"]
CONVERSATION = os.path.join(HERE, "two_world", "conversation.txt")
PATIENCE = 60  # seconds for any one step
FORBIDDEN_PORT = 25

web_object = functools.lru_cache(maxsize=None)(web_object)


class Server:
    """What io-sim/model/web-server.h describes, on a real socket."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with conn, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                request += conn.recv(65536)
            verb, n, cut = re.match(rb"GET /(\w+)/(\d+)(?:/(\d+))? ", request).groups()
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\nConnection: close\r\n\r\n" % n)
            conn.sendall(web_object(int(n))[:int(cut or n)])
            if verb == b"reset":
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def steps():
    with open(CONVERSATION, encoding="utf-8") as f:
        return [line.strip() for line in f if line.strip() and not line.startswith("#")]


def socks(proxy, user, port):
    """The dialogue of RFC 1928 and 1929. Returns (conn, reply)."""
    conn = socket.create_connection(mesh.host_port(proxy), timeout=PATIENCE)
    conn.sendall(b"\x05\x01\x02")
    mesh.exactly(conn, 2)
    conn.sendall(b"\x01" + bytes([len(user)]) + user.encode() + b"\x01x")
    mesh.exactly(conn, 2)
    conn.sendall(b"\x05\x01\x00\x01" + socket.inet_aton("127.0.0.1") + struct.pack(">H", port))
    return conn, mesh.exactly(conn, 10)[1]


def rest(conn):
    """Everything until the end, and which end it was."""
    data = b""
    try:
        while got := conn.recv(65536):
            data += got
        return data, "fin"
    except ConnectionResetError:
        return data, "rst"


def right_so_far(response, n, cut):
    _, found, body = response.partition(b"\r\n\r\n")
    return not found or (len(body) <= cut and web_object(n).startswith(body))


def hold(proxy, ports):
    """The real half: what each step looked like to the program at the SOCKS port."""
    for line in steps():
        verb, route, *numbers = line.split()
        conn, reply = socks(proxy, route, ports.get(verb, ports["fetch"]))
        with conn:
            if reply == 0:
                path = "/".join(["bytes" if verb == "fetch" else "reset", *numbers])
                conn.sendall(f"GET /{path} HTTP/1.1\r\nHost: www0.example\r\nConnection: close\r\n\r\n".encode())
            data, end = rest(conn)
        if verb == "reset":
            seen = "right so far" if right_so_far(data, *map(int, numbers)) else "WRONG"
        else:
            seen = f"{len(data)} bytes {hashlib.sha256(data).hexdigest()}"
        yield f"{line}: reply {reply}, {seen}, end {end}"


class TwoWorlds(unittest.TestCase):
    maxDiff = None

    def simulated(self, tier):
        done = subprocess.run([SIM, os.path.join(HERE, "two_world", "mesh.yaml"), CONVERSATION, tier],
                              capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def real(self):
        server = Server()
        self.addCleanup(server.listener.close)
        closed = socket.socket()  # bound and never listening: refused, and nobody else's port
        self.addCleanup(closed.close)
        closed.bind(("127.0.0.1", 0))
        refused = closed.getsockname()[1]
        net = mesh.Mesh("--carrier", "bare", "--exit-allow", f"127.0.0.1:{server.port}", "--exit-allow",
                        f"127.0.0.1:{refused}")
        self.addCleanup(net.down)
        return list(hold(net.socks, {"fetch": server.port, "refused": refused, "forbidden": FORBIDDEN_PORT}))

    def test_both_worlds_hold_the_same_conversation(self):
        real = self.real()
        for tier in "MTP":
            with self.subTest(tier=tier):
                simulated = self.simulated(tier)
                self.assertEqual(len(simulated), len(steps()))
                self.assertNotIn("WRONG", " ".join(simulated))
                self.assertEqual(simulated, real)


unittest.main()
