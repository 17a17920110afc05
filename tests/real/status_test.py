#!/usr/bin/env python3
"""The status surface: true, bounded, and deaf to web pages (promise P7)."""
import contextlib
import json
import os
import socket
import stat
import subprocess
import time

import mesh
from mesh import MeshTest, ask, host_port, wait_for


def raw(address, request, timeout=10):
    """Sends bytes, returns all that comes back."""
    with socket.create_connection(host_port(address), timeout=timeout) as conn:
        conn.sendall(request)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while got := conn.recv(65536):
                answer += got
        return answer


def code_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer else 0


class Surface(MeshTest):
    arguments = ["--carrier", "bare", "--relays", "1"]

    def setUp(self):
        self.address = self.mesh.nodes["client1"]["status"]

    def request(self, line="GET /status HTTP/1.1", *headers, host=None):
        host = self.address if host is None else host
        return raw(self.address, "\r\n".join([line, f"Host: {host}", *headers, "", ""]).encode())

    def test_answers_ourselves(self):
        self.assertEqual(code_of(self.request()), 200)
        localhost = "localhost:%d" % host_port(self.address)[1]
        self.assertEqual(code_of(self.request(host=localhost)), 200)

    def test_no_web_page_is_answered(self):
        for host in ("evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", ""):
            with self.subTest(host=host):
                answer = self.request(host=host)
                self.assertEqual(code_of(answer), 403)
                self.assertNotIn(b"peer_id", answer)
        for origin in ("null", "http://evil.example", f"http://{self.address}"):
            with self.subTest(origin=origin):
                answer = self.request("GET /status HTTP/1.1", f"Origin: {origin}")
                self.assertEqual(code_of(answer), 403)
                self.assertNotIn(b"peer_id", answer)

    def test_never_allows_another_origin(self):
        for answer in (self.request(), self.request("OPTIONS /status HTTP/1.1")):
            self.assertNotIn(b"access-control", answer.lower())

    def test_is_read_only(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "FOO"):
            with self.subTest(method=method):
                answer = self.request(f"{method} /status HTTP/1.1")
                self.assertEqual(code_of(answer), 405)
                self.assertIn(b"\r\nAllow: GET, HEAD\r\n", answer)

    def test_head_has_no_body(self):
        head, _, body = self.request("HEAD /status HTTP/1.1").partition(b"\r\n\r\n")
        self.assertIn(b" 200 ", head)
        self.assertEqual(body, b"")

    def test_every_answer_is_json(self):
        for path, code in (("/status", 200), ("/circuits", 200), ("/peers", 200), ("/ping", 200),
                           ("/", 404), ("/terminate", 404), ("/status?x", 404), ("/STATUS", 404)):
            with self.subTest(path=path):
                answer = self.request(f"GET {path} HTTP/1.1")
                self.assertEqual(code_of(answer), code)
                self.assertIsInstance(json.loads(answer.partition(b"\r\n\r\n")[2]), dict)

    def test_long_heads_and_bodies_are_refused(self):
        self.assertEqual(code_of(self.request("GET /status HTTP/1.1", "A: " + "b" * 5000)), 431)
        self.assertEqual(code_of(self.request("GET /status HTTP/1.1", "Content-Length: 5")), 413)

    def test_a_dribbling_request_is_over_after_seconds(self):
        with socket.create_connection(host_port(self.address), timeout=1) as conn:
            began = time.monotonic()
            with contextlib.suppress(OSError):
                while time.monotonic() - began < 15:
                    conn.sendall(b"G")
                    with contextlib.suppress(TimeoutError):
                        if conn.recv(1) == b"":
                            break
            self.assertLess(time.monotonic() - began, 10)

    def test_idle_connections_keep_nobody_out(self):
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(socket.create_connection(host_port(self.address), timeout=10))
            self.assertEqual(code_of(self.request()), 200)

    def test_every_mode_tells_the_truth(self):
        for name, node in self.mesh.nodes.items():
            with self.subTest(name=name):
                status = ask(node["status"])
                self.assertEqual(status["mode"], node["mode"])
                self.assertEqual(status["peer_id"], node["peer_id"])
                self.assertEqual(status["carrier"], "bare")
                self.assertIs(status["lab"], True)
                self.assertEqual(status["network"]["name"], "localnet")
                self.assertLess(status["memory"]["used"], status["memory"]["limit"])
                self.assertGreater(status["bytes_in"], 0)
                self.assertEqual(status["socks_addr"] is not None, node["mode"] == "client")

    def test_connected_means_an_exit_answered(self):
        status = ask(self.address)
        self.assertEqual((status["state"], status["advice"]), ("connected", ""))
        self.assertLess(status["last_checked_ms_ago"], 60000)

    def test_a_client_without_an_exit_is_not_connected_and_says_what_to_do(self):
        lonely = mesh.Mesh("--carrier", "bare", "--relays", "1", "--exits", "0", "--clients", "0")
        self.addCleanup(lonely.down)
        state = os.path.join(lonely.folder, "lonely")
        node = subprocess.Popen([mesh.QNET, "run", "--state", state, "--network",
                                 os.path.join(lonely.folder, "network"), "--carrier", "bare", "--lab",
                                 "--socks-port", "any", "--status-port", "any"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(node.wait)
        self.addCleanup(node.terminate)
        wait_for(lambda: os.path.exists(os.path.join(state, "run.json")), "a ready node")
        os.kill(lonely.nodes["super1"]["pid"], 9)
        with open(os.path.join(state, "run.json"), encoding="utf-8") as f:
            status = ask(json.load(f)["status"])
        self.assertIn(status["state"], ("offline", "calibrating"))
        self.assertNotEqual(status["advice"], "")
        self.assertIsNone(status["last_checked_ms_ago"])

    def test_the_command_line_asks_through_a_socket_of_its_owner(self):
        state = os.path.join(self.mesh.folder, "client1")
        mode = os.stat(os.path.join(state, "status.sock")).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        for what in ("status", "circuits", "peers"):
            asked = subprocess.run([mesh.QNET, what, "--state", state, "--json"], capture_output=True,
                                   check=True, timeout=20)
            self.assertEqual(json.loads(asked.stdout)["schema"], 1)
            shown = subprocess.run([mesh.QNET, what, "--state", state], capture_output=True,
                                   check=True, timeout=20)
            self.assertGreater(len(shown.stdout), 10)


if __name__ == "__main__":
    mesh.main()
