#!/usr/bin/env python3
"""The TLS client against other people's servers, each a process of its own on loopback.

Environment: TLS_CLIENT, the program of tls_client.c; NODE (optional), a Node.js of version 24 or later, the only server
at hand that speaks X25519MLKEM768: tests/interop/fetch-node brings one.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from servers import NAME, NGINX, ROOT, Certificates, nginx, node, serving

CLIENT = os.environ["TLS_CLIENT"]
PROFILES = ("chromium-156", "firefox-esr-153")
SUITES = {"TLS_AES_128_GCM_SHA256": "1301", "TLS_AES_256_GCM_SHA384": "1302", "TLS_CHACHA20_POLY1305_SHA256": "1303"}
NODE_SERVER = """
const fs = require("fs"), tls = require("http2");
const [, key, cert, port] = process.argv;
tls.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }).listen(Number(port), "127.0.0.1");
"""


class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.certificates = Certificates(folder.name)
        cls.leaves = {kind: cls.certificates.leaf(kind) for kind in ("rsa", "p256", "p384", "ed25519")}

    def s_server(self, kind, *more, leaf=None):
        key, cert = leaf or self.leaves[kind]
        return serving("openssl", "s_server", "-accept", "127.0.0.1:PORT", "-key", key, "-cert", cert, "-www", *more)

    def connect(self, port, profile=PROFILES[0], ca=None, name=NAME, count=1):
        """Each connection's line as a dictionary."""
        out = subprocess.run([CLIENT, ROOT / f"profiles/{profile}.cbor", ca or self.certificates.ca, name, str(port),
                              str(count)], capture_output=True, text=True, timeout=60)
        self.assertIn(out.returncode, (0, 1), out.stderr)
        lines = [dict(word.split("=", 1) for word in line.split()) for line in out.stdout.splitlines()]
        self.assertEqual(len(lines), count)
        return lines

    def must_be_up(self, line, **want):
        self.assertEqual(line["up"], "1", line)
        for key, value in want.items():
            self.assertEqual(line[key], value, line)

    def must_resume(self, port, **want):
        for profile in PROFILES:
            first, second = self.connect(port, profile, count=2)
            self.must_be_up(first, resumed="0", **want)
            self.must_be_up(second, resumed="1", **want)

    def test_every_suite_with_every_kind_of_key(self):
        for name, number in SUITES.items():
            for kind in ("rsa", "p256", "p384"):
                with self.s_server(kind, "-ciphersuites", name) as port:
                    for profile in PROFILES:
                        line = self.connect(port, profile)[0]
                        self.must_be_up(line, suite=number, group="29", retried="0", err="OK")
                        self.assertGreater(int(line["bytes"]), 100)

    def test_every_suite_resumes(self):
        for name, number in SUITES.items():
            with self.s_server("p256", "-ciphersuites", name) as port:
                self.must_resume(port, suite=number, err="OK")

    def test_chains_of_three(self):
        for kind in ("rsa", "p256"):
            root = self.certificates.authority(f"root-{kind}", kind)
            middle = self.certificates.middle(f"middle-{kind}", kind, root)
            leaf = self.certificates.leaf(kind, ca=middle)
            with self.s_server(kind, "-cert_chain", middle, leaf=leaf) as port:
                for profile in PROFILES:
                    self.must_be_up(self.connect(port, profile, ca=root)[0], err="OK")
            with self.s_server(kind, leaf=leaf) as port:  # nobody says who the middle is
                self.assertEqual(self.connect(port, ca=root)[0]["err"], "AUTH")

    def test_another_group_means_a_retry(self):
        with self.s_server("p256", "-groups", "P-384") as port:
            for profile in PROFILES:
                self.must_be_up(self.connect(port, profile)[0], group="24", retried="1", err="OK")
            self.must_resume(port, group="24", retried="1")

    def test_tickets_resume(self):
        for count in (0, 1, 5):
            with self.s_server("p256", "-num_tickets", str(count)) as port:
                for profile in PROFILES:
                    first, second = self.connect(port, profile, count=2)
                    self.must_be_up(first, resumed="0", tickets=str(count))
                    self.must_be_up(second, resumed="1" if count else "0")

    def test_a_client_certificate_is_declined(self):
        with self.s_server("p256", "-verify", "1") as port:
            self.must_be_up(self.connect(port)[0], asked="1", err="OK")

    def test_refuses_what_a_browser_refuses(self):
        with self.s_server("p256") as port:
            other = self.certificates.authority("other")
            for want, more in (("AUTH", {"ca": other}), ("UNKNOWN", {"name": "another.example"})):
                line = self.connect(port, **more)[0]
                self.assertEqual((line["up"], line["err"]), ("0", want))
        with self.s_server("p256", leaf=self.certificates.leaf("p256", days=-1)) as port:
            self.assertEqual(self.connect(port)[0]["err"], "EXPIRED")
        with self.s_server("p256", "-tls1_2") as port:
            self.assertEqual(self.connect(port)[0]["err"], "VERSION")
        with self.s_server("ed25519") as port:
            line = self.connect(port)[0]
            self.assertEqual((line["up"], line["err"]), ("0", "REFUSED"))

    @unittest.skipUnless(NGINX, "nginx is not installed")
    def test_nginx(self):
        with nginx(self.folder, self.leaves["p256"], 'ssl_protocols TLSv1.3; return 200 "hello";') as port:
            self.must_resume(port, alpn="h2")

    @unittest.skipUnless(shutil.which("gnutls-serv"), "gnutls-serv is not installed")
    def test_gnutls(self):
        key, cert = self.leaves["rsa"]
        with serving("gnutls-serv", "--port", "PORT", "--x509keyfile", key, "--x509certfile", cert, "--http") as port:
            self.must_resume(port)

    def test_node_agrees_by_ml_kem(self):
        key, cert = self.leaves["p256"]
        with serving(node(), "-e", NODE_SERVER, key, cert, "PORT") as port:
            self.must_resume(port, group="4588", alpn="h2")


if __name__ == "__main__":
    unittest.main()
