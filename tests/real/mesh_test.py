#!/usr/bin/env python3
"""A whole mesh on loopback, seen from the application: bytes, paths, refusals, fairness. What depends on links runs
over HTX; what concerns the edges only, over bare, which starts sooner."""
import json
import os
import socket
import subprocess
import tempfile

import mesh
from mesh import MIB, MeshTest, socks_open

CONNECT, BIND, UDP_ASSOCIATE = 1, 2, 3
NOT_ALLOWED, REFUSED, UNSUPPORTED = 2, 5, 7


class Bytes(MeshTest):
    def test_small_and_odd_sizes_arrive_whole_in_both_modes(self):
        for user in ("fast", "privacy"):
            for size in (0, 1, 1000, 16320, 16321, MIB, 3 * MIB + 1):
                with self.subTest(user=user, size=size):
                    self.assert_whole(size, user)

    def test_a_large_transfer_arrives_whole_in_both_modes(self):
        size = 1024 * MIB if mesh.RELEASE else 32 * MIB
        for user in ("fast", "privacy"):
            with self.subTest(user=user):
                self.assert_whole(size, user, limit=120)

    def test_uploads_arrive_whole_in_both_modes(self):
        size = 16 * MIB + 1
        with tempfile.NamedTemporaryFile() as body:
            for chunk in mesh.chunks(size):
                body.write(chunk)
            body.flush()
            for user in ("fast", "privacy"):
                with self.subTest(user=user):
                    done = subprocess.run(
                        ["curl", "-sS", "--max-time", "60", "-x", f"socks5h://{user}:x@{self.mesh.socks}",
                         "-T", body.name, "-H", "Expect:", self.url("take", size)],
                        capture_output=True, text=True, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(done.stdout, mesh.digest(size))

    def test_without_a_user_name_the_configured_route_is_taken(self):
        fetch, path = self.half_done(2 * MIB)
        self.assertEqual(len(path), 1)
        fetch.kill()


class Paths(MeshTest):
    size = 16 * MIB

    def carried(self, user):
        """Fetches once; returns the path's names and the names of all that carried the bytes."""
        before = self.mesh.traffic()
        fetch, path = self.half_done(2 * self.size, user)
        after = self.mesh.traffic()
        fetch.kill()
        return path, {n for n in after if after[n] - before[n] >= self.size}, \
            {n: after[n] - before[n] for n in after}

    def test_exactly_client_and_named_hops_carry_the_bytes(self):
        for user, hops in (("fast", 1), ("privacy", 3)):
            with self.subTest(user=user):
                path, carriers, grown = self.carried(user)
                self.assertEqual(len(set(path)), hops)
                self.assertEqual(carriers, {"client1", *path})
                for name in set(grown) - carriers:
                    self.assertLess(grown[name], self.size // 8, f"{name} carried bytes")

    def test_a_hundred_fetches_use_every_relay(self):
        for i in range(100):
            self.assertEqual(self.fetch("file", 1000, "privacy").end(), 0)
        for name in ("relay1", "relay2", "relay3"):
            self.assertGreater(self.mesh.status(name)["counters"]["relayed"], 0, name)


    def test_a_circuit_is_explained_and_what_it_does_not_hide_is_said(self):
        fetch, path = self.half_done(2 * self.size, "privacy")
        state = os.path.join(self.mesh.folder, "client1")
        listed = mesh.ask(self.mesh.nodes["client1"]["status"], "circuits")["circuits"]
        used = next(c for c in listed if c["streams"] > 0 and len(c["hops"]) == 3)

        def show(*arguments):
            return subprocess.run([mesh.QNET, "circuit", "show", *arguments], capture_output=True, text=True,
                                  timeout=30, check=False)
        told = json.loads(show(str(used["id"]), "--state", state, "--json").stdout)
        self.assertEqual([self.mesh.names[hop] for hop in told["hops"]], path)
        self.assertEqual(len(told["choice"]), 3)
        self.assertGreaterEqual(told["choice"][0]["fitting"], 1)
        self.assertAlmostEqual(told["anonymity"]["both_ends"][1]["probability"], 0.0025)
        self.assertTrue(any("no guard" in w for w in told["weaknesses"]), "labs have none")
        words = show(str(used["id"]), "--state", state).stdout
        self.assertIn("hop 3", words)
        self.assertIn("does not hide", words)
        for wrong, status in ((["999999", "--state", state], 1), (["x", "--state", state], 2), (["1"], 2), ([], 2)):
            self.assertEqual(show(*wrong).returncode, status, wrong)
        fetch.kill()


class Refusals(MeshTest):
    @classmethod
    def setUpClass(cls):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            cls.closed = "%s:%d" % nobody.getsockname()
        cls.arguments = ["--carrier", "bare", "--exit-allow", cls.closed]
        super().setUpClass()

    def test_a_port_nobody_listens_on_is_refused(self):
        conn, code = socks_open(self.mesh.socks, CONNECT, self.closed)
        self.assertEqual(code, REFUSED)
        conn.close()

    def test_bind_and_udp_are_refused_as_unsupported(self):
        for command in (BIND, UDP_ASSOCIATE, 9):
            with self.subTest(command=command):
                conn, code = socks_open(self.mesh.socks, command, self.web.address)
                self.assertEqual(code, UNSUPPORTED)
                self.assertEqual(conn.recv(1), b"")
                conn.close()

    def test_unlisted_destinations_are_not_allowed(self):
        for dest in ("127.0.0.1:22", "10.0.0.1:80", "169.254.169.254:80", "0.0.0.0:80"):
            with self.subTest(dest=dest):
                conn, code = socks_open(self.mesh.socks, CONNECT, dest)
                self.assertEqual(code, NOT_ALLOWED)
                conn.close()

    def test_garbage_ends_that_conn_and_nothing_else(self):
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
                        b"\x05\x00", b"\x05\x01\x09", b"\xff" * 600, b"\x05\x01\x00\x05\x01\x00\x09aa"):
            with self.subTest(garbage=garbage):
                with socket.create_connection(mesh.host_port(self.mesh.socks), timeout=15) as conn:
                    conn.sendall(garbage)
                    conn.shutdown(socket.SHUT_WR)
                    ended = b""
                    try:
                        while got := conn.recv(4096):
                            ended += got
                    except ConnectionResetError:
                        pass
                    self.assertLess(len(ended), 512)
        self.assert_whole(1000)

    def test_a_server_that_resets_mid_body_ends_in_an_error(self):
        for user in ("fast", "privacy"):
            with self.subTest(user=user):
                fetch = self.fetch("reset", 2 * MIB, user)
                self.assertNotIn(fetch.end(), (0, 28), "a short body passed for whole, or a timeout")
                self.assertLessEqual(fetch.received, MIB)

    def test_a_server_that_stops_short_is_not_hidden(self):
        fetch = self.fetch("short", 2 * MIB)
        self.assertEqual(fetch.end(), 18)  # curl: partial file
        self.assertEqual(fetch.received, MIB)


class Fairness(MeshTest):
    def test_slow_readers_disturb_nobody(self):
        slow = []
        for _ in range(8):
            conn, code = socks_open(self.mesh.socks, CONNECT, self.web.address)
            self.assertEqual(code, 0)
            conn.sendall(b"GET /file/%d HTTP/1.1\r\nHost: x\r\n\r\n" % (64 * MIB))
            slow.append(conn)  # and never read
        for user in ("fast", "privacy"):
            self.assert_whole(4 * MIB, user)
        for conn in slow:
            conn.close()

    def test_many_at_once_all_arrive_whole(self):
        fetches = [self.fetch("file", MIB, "privacy" if i % 2 else "fast") for i in range(16)]
        for fetch in fetches:
            self.assertEqual(fetch.end(), 0, fetch.error)
            self.assertEqual(fetch.sha.hexdigest(), mesh.digest(MIB))


if __name__ == "__main__":
    mesh.main()
