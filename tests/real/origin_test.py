#!/usr/bin/env python3
"""qnet-origin seen by curl, OpenSSL and Python: a real site, and what a lab asks of it.

Environment: ORIGIN, the program.
"""
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

ORIGIN = os.environ["ORIGIN"]
NAME = "decoy.example"
PROXY_V4 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 1, 127, 0, 0, 1]) + b"\x30\x39\x01\xbb"
H2_START = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")


class Origin:
    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.process = subprocess.Popen([ORIGIN, "--lab", "--dir", folder, "--name", NAME, *options],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(re.fullmatch(r"qnet-origin: ready on 127\.0\.0\.1:(\d+)\n", line)[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.process.stdout.close()
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
            self.process.stdout.close()

    def curl(self, path, *options):
        done = subprocess.run(["curl", "-sS", "--cacert", self.folder / "ca.pem", "--resolve",
                               f"{NAME}:{self.port}:127.0.0.1", *options, f"https://{NAME}:{self.port}{path}"],
                              capture_output=True, timeout=60)
        return done.returncode, done.stdout

    def tls(self, protocols, before=b""):
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        context.set_alpn_protocols(protocols)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        raw.sendall(before)
        return context.wrap_socket(raw, server_hostname=NAME)


def read_all(sock):
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def ends(sock):
    """Nothing comes but the end; what was not read makes it a reset."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def frames(got):
    """[(type, flags, stream, payload)] of whole HTTP/2 frames."""
    found, at = [], 0
    while len(got) - at >= 9:
        n = int.from_bytes(got[at : at + 3], "big")
        found.append((got[at + 3], got[at + 4], int.from_bytes(got[at + 5 : at + 9], "big"), got[at + 9 : at + 9 + n]))
        at += 9 + n
    return found


def get(path, stream=1):
    block = b"\x82\x87\x04" + bytes([len(path)]) + path + b"\x01" + bytes([len(NAME)]) + NAME.encode()
    return len(block).to_bytes(3, "big") + b"\x01\x05" + stream.to_bytes(4, "big") + block


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.origin = Origin(cls.scratch.name)

    @classmethod
    def tearDownClass(cls):
        status = cls.origin.stop()
        cls.scratch.cleanup()
        assert status == 0, f"qnet-origin ended with {status}"

    def test_curl_reads_the_same_pages_by_both_versions(self):
        for path in ("/", "/about", "/article", "/style.css", "/photo.bmp", "/photo.bmp?1"):
            bodies = []
            for version, says in (("--http1.1", b"HTTP/1.1 200"), ("--http2", b"HTTP/2 200")):
                status, out = self.origin.curl(path, version, "-i")
                head, _, body = out.partition(b"\r\n\r\n")
                self.assertEqual(status, 0)
                self.assertTrue(head.startswith(says), head)
                self.assertRegex(head.lower(), rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} gmt")
                bodies.append(body)
            self.assertEqual(bodies[0], bodies[1])

    def test_it_has_a_page_of_about_20_kib_and_an_image(self):
        self.assertAlmostEqual(len(self.origin.curl("/article")[1]), 20480, delta=2048)
        self.assertTrue(self.origin.curl("/photo.bmp")[1].startswith(b"BM"))

    def test_a_large_file_arrives_whole_and_the_same(self):
        sums = {subprocess.run(["sha256sum"], input=self.origin.curl("/large.bin", version)[1], capture_output=True,
                               check=True).stdout for version in ("--http1.1", "--http2")}
        self.assertEqual(len(sums), 1)
        self.assertEqual(len(self.origin.curl("/large.bin")[1]), 64 << 20)

    def test_what_is_not_there_is_404_and_what_is_not_read_405(self):
        for version in ("--http1.1", "--http2"):
            self.assertEqual(self.origin.curl("/none", version, "-o", "/dev/null", "-w", "%{http_code}")[1], b"404")
            self.assertEqual(self.origin.curl("/", version, "-d", "x", "-o", "/dev/null", "-w", "%{http_code}")[1],
                             b"405")

    def test_tls_1_3_only_with_a_chain_of_two(self):
        base = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.origin.port}", "-servername", NAME, "-CAfile",
                self.origin.folder / "ca.pem", "-verify_return_error", "-showcerts", "-alpn", "h2"]
        good = subprocess.run(base, input=b"", capture_output=True, timeout=20)
        self.assertEqual(good.returncode, 0)
        self.assertIn(b"ALPN protocol: h2", good.stdout)
        self.assertIn(b"TLSv1.3", good.stdout)
        self.assertEqual(good.stdout.count(b"BEGIN CERTIFICATE"), 2)
        old = subprocess.run([*base, "-tls1_2"], input=b"", capture_output=True, timeout=20)
        self.assertNotEqual(old.returncode, 0)

    def test_requests_in_a_row_share_one_http_1_connection(self):
        with self.origin.tls(["http/1.1"]) as sock:
            sock.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n"
                         b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got = read_all(sock)
        self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", got), [b"200", b"404", b"200"])

    def test_a_request_that_cannot_be_decoded_ends_its_connection_at_once(self):
        with self.origin.tls(["h2"]) as sock:
            sock.sendall(H2_START + bytes.fromhex("000001010500000001") + b"\x80")  # HPACK has no index 0
            self.assertIn((7, bytes([0, 0, 0, 9])), [(kind, data[4:8]) for kind, _, _, data in frames(read_all(sock))])

    def test_rubbish_ends_only_its_own_connection(self):
        with self.origin.tls(["http/1.1"]) as sock:
            sock.sendall(b"\0" * 20000)
            self.assertTrue(ends(sock))
        with self.origin.tls(["h2"]) as sock:
            sock.sendall(b"\0" * 20000)
            try:
                self.assertLess(len(read_all(sock)), 200)
            except ConnectionResetError:
                pass
        self.assertEqual(self.origin.curl("/about")[0], 0)


class Ways(unittest.TestCase):
    """Each with an origin of its own."""

    def start(self, *options):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        origin = Origin(scratch.name, *options)
        self.addCleanup(origin.kill)
        return origin

    def test_outside_a_lab_it_does_not_start(self):
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run([ORIGIN, "--dir", scratch, "--name", NAME], capture_output=True, timeout=20)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"--lab", done.stderr)
            self.assertEqual(os.listdir(scratch), [])

    def test_it_keeps_its_certificate_and_wants_no_other_name_for_it(self):
        origin = self.start()
        first = (origin.folder / "chain.pem").read_bytes()
        self.assertEqual((origin.folder / "key.pem").stat().st_mode & 0o777, 0o600)
        self.assertEqual(origin.stop(), 0)
        origin = Origin(str(origin.folder))
        self.assertEqual((origin.folder / "chain.pem").read_bytes(), first)
        self.assertEqual(origin.stop(), 0)
        other = subprocess.run([ORIGIN, "--lab", "--dir", origin.folder, "--name", "other.example"],
                               capture_output=True, timeout=20)
        self.assertEqual(other.returncode, 1)

    def test_sites_started_at_once_share_the_authority_one_of_them_makes(self):
        with tempfile.TemporaryDirectory() as scratch:
            ca, folders = pathlib.Path(scratch, "ca"), [pathlib.Path(scratch, f"{i}") for i in range(4)]
            made = [subprocess.Popen([ORIGIN, "--lab", "--dir", folder, "--name", f"{folder.name}.test", "--ca", ca,
                                      "--certify"]) for folder in folders]
            self.assertEqual([process.wait(30) for process in made], [0] * 4)
            self.assertEqual((ca / "issuer.key").stat().st_mode & 0o777, 0o600)
            for folder in folders:
                self.assertEqual((folder / "ca.pem").read_bytes(), (ca / "ca.pem").read_bytes())
                shown = subprocess.run(["openssl", "verify", "-CAfile", ca / "ca.pem", "-untrusted", ca / "issuer.pem",
                                        "-verify_hostname", f"{folder.name}.test", folder / "chain.pem"],
                                       capture_output=True, timeout=20)
                self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_a_proxy_header_is_taken_off_and_asked_for(self):
        origin = self.start("--proxy")
        with origin.tls(["http/1.1"], PROXY_V4) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            self.assertTrue(read_all(sock).startswith(b"HTTP/1.1 200"))
        for wrong in (b"GET / HTTP/1.1\r\n\r\n", PROXY_V4[:12] + b"\x31" + PROXY_V4[13:], PROXY_V4[:14] + b"\0\4abcd"):
            with socket.create_connection(("127.0.0.1", origin.port), timeout=20) as raw:
                raw.sendall(wrong)
                self.assertTrue(ends(raw))
        for half in (PROXY_V4[:5], PROXY_V4[:20]):
            with socket.create_connection(("127.0.0.1", origin.port), timeout=20) as raw:
                raw.sendall(half)
                raw.shutdown(socket.SHUT_WR)
                self.assertTrue(ends(raw))
        self.assertEqual(origin.stop(), 0)

    def test_the_last_request_of_a_connection_gets_goaway_and_its_answer(self):
        origin = self.start("--requests", "2")
        with origin.tls(["h2"]) as sock:
            sock.sendall(H2_START + get(b"/") + get(b"/about", 3))
            got = frames(read_all(sock))
        self.assertIn((7, 0, 0, bytes([0, 0, 0, 3, 0, 0, 0, 0])), got)
        self.assertEqual({stream for kind, flags, stream, _ in got if kind == 0 and flags & 1}, {1, 3})
        with origin.tls(["http/1.1"]) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n" * 2)
            self.assertEqual(read_all(sock).count(b"Connection: close"), 1)
        self.assertEqual(origin.stop(), 0)

    def test_an_idle_connection_is_ended(self):
        origin = self.start("--idle", "1")
        for protocol, start in (("h2", H2_START), ("http/1.1", b"")):
            with origin.tls([protocol]) as sock:
                sock.sendall(start)
                got = read_all(sock)
            self.assertEqual(7 in [kind for kind, *_ in frames(got)], protocol == "h2")
        self.assertEqual(origin.stop(), 0)

    def test_a_stop_lets_an_answer_under_way_finish(self):
        for protocol, ask in (("h2", H2_START + bytes.fromhex("000004080000000000") + b"\x04\0\0\0"
                               + bytes.fromhex("000006040000000000") + b"\0\4\x04\0\0\0" + get(b"/large.bin")),
                              ("http/1.1", b"GET /large.bin HTTP/1.1\r\n\r\n")):
            origin = self.start()
            with origin.tls([protocol]) as sock:
                sock.sendall(ask)
                got = sock.recv(65536)
                while len(got) < 200000:
                    got += sock.recv(65536)
                origin.process.send_signal(signal.SIGTERM)
                got += read_all(sock)
            self.assertEqual(origin.stop(), 0)
            self.assertGreater(len(got), 64 << 20)
            if protocol == "h2":
                found = frames(got)
                self.assertIn(7, [kind for kind, *_ in found])
                self.assertEqual(sum(len(data) for kind, _, _, data in found if kind == 0), 64 << 20)


if __name__ == "__main__":
    unittest.main()
