#!/usr/bin/env python3
"""Snipers, clients that ask for much and never read a byte of it: no process of the mesh grows beyond its memory cap and
what stands beside the cap, and those who read go on.

What the core counts by itself is in tests/pocket/promise_test.c (near_the_memory_cap_the_stalest_gives_way).
"""
import contextlib
import socket
import struct
import sys
import time
import unittest

import mesh
from mesh import MIB, RELEASE, MeshTest, wait_for

CAP = 24 * MIB
# Beside what memory.max counts (docs/limits.md): the program and its libraries, OpenSSL's and the resolver's own
# memory, and what the allocator keeps of blocks that were given back.
BESIDE = 16 * MIB
SNIPERS = 480
ASKED = 100 * MIB


@unittest.skipUnless(RELEASE, "a sanitizer's own memory is most of a process's")
class Snipers(MeshTest):
    arguments = ["--relays", "2", "--exits", "1", "--clients", "2"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name in cls.mesh.nodes:
            cls.mesh.kill(name)
            cls.mesh.restart(name, "--memory-max", f"{CAP // MIB} MiB")
        wait_for(lambda: all(cls.mesh.status(name)["state"] == "connected" for name in ("client1", "client2")),
                 "the clients are connected again", 60)

    def resident(self, name):
        """What the process ever had in memory, in bytes."""
        with open(f"/proc/{self.mesh.nodes[name]['pid']}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))

    def snipe(self, user):
        """A stream that was asked for everything and whose socket holds next to nothing."""
        conn = socket.socket()
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        conn.settimeout(30)
        conn.connect(mesh.host_port(self.mesh.socks))
        name = user.encode()
        conn.sendall(b"\x05\x01\x02\x01" + bytes([len(name)]) + name + b"\x01x")
        host, port = mesh.host_port(self.web.address)
        conn.sendall(b"\x05\x01\x00\x01" + socket.inet_aton(host) + struct.pack(">H", port))
        conn.sendall(b"GET /file/%d HTTP/1.1\r\n\r\n" % ASKED)
        return conn

    def others_go_on(self, user):
        """Another client's page. While the snipers' first bytes come all have just moved one, so the stalest may for a
        moment be anybody (docs/limits.md): such a page is loaded again."""
        def whole():
            fetch = mesh.Fetch(self.mesh.nodes["client2"]["socks"], self.url("file", 8 * MIB), user, 30)
            if fetch.end() != 0:
                return False
            self.assertEqual(fetch.sha.hexdigest(), mesh.digest(8 * MIB))
            return True
        wait_for(whole, "a page of another client", 30)

    def snipers_from(self, route):
        with contextlib.ExitStack() as stack:
            for i in range(SNIPERS):
                stack.enter_context(self.snipe(f"{route}+{i % 20}"))
            for i in range(3):
                self.others_go_on(f"{route}+other{i}")
                time.sleep(1)
            most = {name: self.resident(name) for name in self.mesh.nodes}
            counted = {name: self.mesh.status(name)["memory"]["peak"] for name in self.mesh.nodes}
        said = ", ".join(f"{name} {most[name] / MIB:.1f} ({counted[name] / MIB:.1f} counted)" for name in most)
        print(f"{SNIPERS} snipers by {route}, cap {CAP // MIB} MiB: MiB resident at most: {said}", file=sys.stderr)
        self.assertGreater(counted["client1"], CAP * 3 // 4, "too few snipers to be felt")
        for name in most:
            self.assertLessEqual(counted[name], CAP, name)
            self.assertLessEqual(most[name], CAP + BESIDE, name)
        self.assert_whole(MIB, f"{route}+after")

    def test_one_hop(self):
        self.snipers_from("fast")

    def test_three_hops(self):
        self.snipers_from("privacy")


if __name__ == "__main__":
    mesh.main()
