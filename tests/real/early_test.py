#!/usr/bin/env python3
"""Applications that speak, or are answered, before their stream is open: what they say arrives once, and only a
destination they have reached lately is answered for the exit."""
import socket
import struct
import unittest

import mesh
from mesh import PATIENCE, MeshTest

REFUSED = 5
USERS = ("fast", "privacy")


class Door:
    """A port that is ours all the time, and open when we say so."""

    def __init__(self):
        self.holder = self.bound(0)
        self.port = self.holder.getsockname()[1]
        self.address, self.listener = f"127.0.0.1:{self.port}", None

    @staticmethod
    def bound(port):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(("127.0.0.1", port))
        return made

    def open(self):
        self.listener = self.bound(self.port)
        self.listener.listen(8)
        self.listener.settimeout(PATIENCE)

    def shut(self):
        """Whoever waited to be accepted is reset."""
        if self.listener:
            self.listener.close()
        self.listener = None

    def close(self):
        self.shut()
        self.holder.close()


def connect(socks, user, address, more=b""):
    """Greets and asks, with more right behind the request; returns (conn, reply code)."""
    host, port = mesh.host_port(address)
    conn = socket.create_connection(mesh.host_port(socks), timeout=PATIENCE)
    conn.sendall(b"\x05\x01\x02")
    assert mesh.exactly(conn, 2) == b"\x05\x02"
    conn.sendall(b"\x01" + bytes([len(user)]) + user.encode() + b"\x01x")
    assert mesh.exactly(conn, 2) == b"\x01\x00"
    conn.sendall(b"\x05\x01\x00\x01" + socket.inet_aton(host) + struct.pack(">H", port) + more)
    return conn, mesh.exactly(conn, 10)[1]


def rest(conn):
    """All that comes until the end; raises ConnectionResetError when it is no clean one."""
    data = b""
    while got := conn.recv(65536):
        data += got
    return data


class Bytes(MeshTest):
    def test_what_is_said_behind_the_request_arrives_once(self):
        size = 300000
        body = b"".join(mesh.chunks(size))
        for user in USERS:
            for contact in ("first", "second", "third"):
                with self.subTest(user=user, contact=contact):
                    head = f"PUT /take/{size} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
                    conn, code = connect(self.mesh.socks, user, self.web.address, head.encode() + body)
                    with conn:
                        self.assertEqual(code, 0)
                        self.assertTrue(rest(conn).endswith(mesh.digest(size).encode()))


class Answers(MeshTest):
    @classmethod
    def setUpClass(cls):
        cls.door = Door()
        cls.addClassCleanup(cls.door.close)
        cls.arguments = ["--exit-allow", cls.door.address]
        super().setUpClass()
        cls.again()

    @classmethod
    def again(cls, *more):
        """The client with one circuit for each user, so that the one that was heard is asked again."""
        cls.mesh.kill("client1")
        cls.mesh.restart("client1", "--circuits-ready", "1", *more)

    def code(self, user):
        conn, code = connect(self.mesh.socks, user, self.door.address)
        conn.close()
        return code

    def reach(self, user):
        """The destination is there: it accepts, and answers what it hears."""
        self.door.open()
        conn, code = connect(self.mesh.socks, user, self.door.address)
        with conn, self.door.listener.accept()[0] as served:
            self.assertEqual(code, 0)
            conn.sendall(b"ping")
            served.sendall(mesh.exactly(served, 4))
            self.assertEqual(mesh.exactly(conn, 4), b"ping")
        self.door.shut()

    def reset_after_an_answer(self, user):
        """Reaches the destination, shuts it, and asks again. False: the way there had not just been heard, which a
        busy machine may bring about, and the exit's own answer came."""
        self.reach(user)
        conn, code = connect(self.mesh.socks, user, self.door.address)
        with conn:
            if code != 0:
                self.assertEqual(code, REFUSED)
                return False
            try:
                conn.sendall(b"ping")
                rest(conn)
            except (ConnectionResetError, BrokenPipeError):
                return True
        raise AssertionError("a clean end")

    def test_a_first_contact_learns_why_and_a_known_one_is_reset_and_forgotten(self):
        for user in ("fast+first", "privacy+first"):
            with self.subTest(user=user):
                self.assertEqual(self.code(user), REFUSED)
                mesh.wait_for(lambda: self.reset_after_an_answer(user), "an early answer", 3 * PATIENCE)
                self.assertEqual(self.code(user), REFUSED)

    def test_who_has_other_credentials_knows_nothing_of_it(self):
        for user in USERS:
            with self.subTest(user=user):
                self.reach(user)
                self.assertEqual(self.code(user + "+else"), REFUSED)

    def test_never_means_that_the_exit_answers_first(self):
        self.again("--socks-early-reply", "never")
        for user in USERS:
            with self.subTest(user=user):
                self.reach(user)
                self.assertEqual(self.code(user), REFUSED)


if __name__ == "__main__":
    mesh.main()
