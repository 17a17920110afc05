#!/usr/bin/env python3
"""qnet-censor-proxy on loopback: real flows are judged as the tests' are."""
import errno
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import unittest

PROXY = os.environ["QNET_CENSOR_PROXY"]
VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"
PATIENCE = 10


def browser_hello():
    text = (VECTORS / "fingerprints" / "chromium-156" / "fresh-01.hex").read_text()
    return bytes.fromhex("".join(line for line in text.splitlines() if not line.startswith("#")))


def shadowsocks():
    lines = (VECTORS / "shadowsocks" / "first-payloads.txt").read_text().splitlines()
    return [bytes.fromhex(line.split()[1]) for line in lines if not line.startswith("#")]


class Echo:
    """Says back what it hears, with `more` bytes behind it."""

    def __init__(self, more=0):
        self.more = more
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with conn:
            try:
                while data := conn.recv(65536):
                    conn.sendall(data + bytes(self.more))
            except OSError:
                pass


class Silent(Echo):
    """Answers what it has not heard before, and reads on without a word otherwise, as Shadowsocks does."""

    heard = set()

    def serve(self, conn):
        with conn:
            try:
                while data := conn.recv(65536):
                    if len(data) != 221 and data not in self.heard:
                        self.heard.add(data)
                        conn.sendall(data)
            except OSError:
                pass


class Proxied(unittest.TestCase):
    def between(self, *options, more=0, kind=Echo):
        server = kind(more)
        self.addCleanup(server.listener.close)
        self.running = subprocess.Popen([PROXY, "--to", f"127.0.0.1:{server.port}", *options],
                                        stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.running.stdout.close)
        self.addCleanup(self.running.wait)
        self.addCleanup(self.running.kill)
        host, port = self.running.stdout.readline().strip().split(":")
        self.address = (host, int(port))

    def dial(self):
        conn = socket.create_connection(self.address, PATIENCE)
        self.addCleanup(conn.close)
        return conn

    def say(self, payload):
        """The answer; None: reset; b"" after the end: cut without a word."""
        conn = self.dial()
        try:
            conn.sendall(payload)
            conn.shutdown(socket.SHUT_WR)
            answer = b""
            while data := conn.recv(65536):
                answer += data
            return answer
        except OSError as error:
            if error.errno not in (errno.ECONNRESET, errno.ENOTCONN, errno.EPIPE):  # whichever call meets the reset
                raise
            return None

    def report(self):
        self.running.send_signal(signal.SIGTERM)
        out, _ = self.running.communicate(timeout=PATIENCE)
        self.assertEqual(self.running.returncode, 0)
        return json.loads(out)

    def test_encrypted_drops_shadowsocks_and_passes_browsers(self):
        self.between("--kind", "encrypted")
        hello = browser_hello()
        self.assertEqual(self.say(hello), hello)
        payloads = shadowsocks()[:20]
        answered = sum(self.say(p) == p for p in payloads)
        self.assertLessEqual(answered, 2)
        seen = self.report()
        self.assertEqual(seen["flows"], 21)
        self.assertEqual(seen["caught"], 20 - answered)

    def test_sni_resets_the_listed_name_only(self):
        self.between("--kind", "sni", "--name", "decoy.example", "--reset")
        self.assertIsNone(self.say(browser_hello()))
        self.assertEqual(self.say(b"GET / HTTP/1.1\r\n\r\n"), b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual(self.report()["caught"], 1)
        self.between("--kind", "sni", "--name", "other.example", "--reset")
        self.assertEqual(self.say(browser_hello()), browser_hello())
        self.assertEqual(self.report()["caught"], 0)

    def test_keyword_resets_and_keeps_apart(self):
        self.between("--kind", "keyword", "--name", "forbidden", "--penalty", "3600")
        self.assertEqual(self.say(b"GET / HTTP/1.1"), b"GET / HTTP/1.1")
        self.assertIsNone(self.say(b"GET /forbidden HTTP/1.1"))
        self.assertEqual(self.say(b"GET / HTTP/1.1"), b"")
        self.assertEqual(self.report()["penalised"], 1)

    def test_freeze_stops_a_large_answer(self):
        self.between("--kind", "freeze", "--limit", "16384", more=100000)
        answer = self.say(browser_hello())
        self.assertLessEqual(len(answer), 16384)
        self.assertEqual(self.report()["caught"], 1)

    def test_throttle_passes_every_byte(self):
        self.between("--kind", "throttle", "--rate", "8000000", more=50000)
        hello = browser_hello()
        self.assertEqual(self.say(hello), hello + bytes(50000))
        self.assertEqual(self.report()["slowed"], 1)

    def test_a_prober_finds_who_is_silent_and_blocks_him(self):
        self.between("--kind", "prober", "--probe", "0", kind=Silent)
        payload = shadowsocks()[0]
        self.assertEqual(self.say(payload), payload)
        lines = {self.running.stdout.readline().strip() for _ in range(2)}
        self.assertEqual(lines, {"probe: replay DISTINGUISHABLE", "probe: random DISTINGUISHABLE"})
        self.assertEqual(self.say(shadowsocks()[1]), b"")
        seen = self.report()
        self.assertEqual((seen["probes"], seen["found"], seen["caught"]), (2, 1, 1))

    def test_who_answers_the_same_again_is_let_be(self):
        self.between("--kind", "duplicator", "--probe", "0")
        payload = shadowsocks()[0]
        self.assertEqual(self.say(payload), payload)
        self.assertEqual(self.running.stdout.readline().strip(), "probe: replay as before")
        self.assertEqual(self.say(payload), payload)
        self.assertEqual(self.report()["found"], 0)

    def test_wrong_usage_is_one_sentence(self):
        for words in ([], ["--kind", "magic", "--to", "127.0.0.1:1"], ["--kind", "sni", "--to", "127.0.0.1:1"],
                      ["--kind", "encrypted", "--to", "192.0.2.1:1"], ["--kind", "encrypted", "--to", "127.0.0.1:1", "--share", "1001"]):
            done = subprocess.run([PROXY, *words], capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        done = subprocess.run([PROXY, "--help"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertIn("usage:", done.stdout)


unittest.main()
