#!/usr/bin/env python3
"""The TLS client against other people's servers, each a process of its own on loopback.

Environment: TLS_CLIENT, the program of tls_client.c; NODE (optional), a Node.js of version 24 or later, the only server
at hand that speaks X25519MLKEM768: tests/interop/fetch-node brings one.
"""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENT = os.environ["TLS_CLIENT"]
NAME = "decoy.example"
PROFILES = ("chromium-156", "firefox-esr-153")
NODE_SERVER = """
const fs = require("fs"), tls = require("http2");
const [, key, cert, port] = process.argv;
tls.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }).listen(Number(port), "127.0.0.1");
"""


def run(*args, **more):
    return subprocess.run(args, check=True, capture_output=True, timeout=60, **more)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listening(port, process):
    for _ in range(400):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.025)
    raise RuntimeError("the server never listened")


def node():
    """A Node.js of version 24; skips the test where none can be had."""
    got = subprocess.run([ROOT / "tests/interop/fetch-node"], capture_output=True, text=True, timeout=300)
    if got.returncode == 77:
        raise unittest.SkipTest(got.stderr.strip())
    if got.returncode != 0:
        raise RuntimeError(got.stderr.strip())
    return got.stdout.strip()


class Certificates:
    """A throw-away authority and what it signs, as files."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ca = self.authority("ca")

    def key(self, name, kind):
        path = self.folder / f"{name}.key"
        options = {"rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "ed25519": ["ED25519"],
                   "p256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                   "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]}[kind]
        run("openssl", "genpkey", "-algorithm", *options, "-out", path)
        return path

    def authority(self, name):
        key = self.key(name, "p256")
        cert = self.folder / f"{name}.pem"
        run("openssl", "req", "-x509", "-new", "-key", key, "-subj", f"/CN={name}", "-days", "2", "-out", cert)
        return cert

    def leaf(self, kind, name=NAME, days=1):
        """(key, certificate)"""
        stem = f"{kind}-{name}-{days}"
        key, cert = self.key(stem, kind), self.folder / f"{stem}.pem"
        request = run("openssl", "req", "-new", "-key", key, "-subj", "/CN=leaf",
                      "-addext", f"subjectAltName=DNS:{name}").stdout
        run("openssl", "x509", "-req", "-CA", self.ca, "-CAkey", self.ca.with_suffix(".key"), "-days", str(days),
            "-copy_extensions", "copy", "-out", cert, input=request)
        return key, cert


class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.certificates = Certificates(folder.name)
        cls.leaves = {kind: cls.certificates.leaf(kind) for kind in ("rsa", "p256", "p384", "ed25519")}

    @contextlib.contextmanager
    def server(self, *command):
        """command with PORT filled in."""
        port = free_port()
        words = [str(word).replace("PORT", str(port)) for word in command]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            listening(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(10)

    def s_server(self, kind, *more, leaf=None):
        key, cert = leaf or self.leaves[kind]
        return self.server("openssl", "s_server", "-accept", "127.0.0.1:PORT", "-key", key, "-cert", cert, "-www", *more)

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

    def test_every_suite_and_kind_of_key(self):
        suites = {"TLS_AES_128_GCM_SHA256": "1301", "TLS_AES_256_GCM_SHA384": "1302",
                  "TLS_CHACHA20_POLY1305_SHA256": "1303"}
        for (name, number), kind in zip(suites.items(), ("rsa", "p256", "p384")):
            with self.s_server(kind, "-ciphersuites", name) as port:
                for profile in PROFILES:
                    line = self.connect(port, profile)[0]
                    self.must_be_up(line, suite=number, group="29", retried="0", err="OK")
                    self.assertGreater(int(line["bytes"]), 100)

    def test_another_group_means_a_retry(self):
        with self.s_server("p256", "-groups", "P-384") as port:
            for profile in PROFILES:
                self.must_be_up(self.connect(port, profile)[0], group="24", retried="1", err="OK")

    def test_tickets_resume(self):
        for count in (0, 1, 5):
            with self.s_server("p256", "-num_tickets", str(count)) as port:
                first, second = self.connect(port, count=2)
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

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_nginx(self):
        key, cert = self.leaves["p256"]
        port = free_port()
        config = self.folder / "nginx.conf"
        config.write_text(f"""
            daemon off; master_process off; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log;
            events {{}}
            http {{
                access_log off; client_body_temp_path {self.folder}; proxy_temp_path {self.folder};
                fastcgi_temp_path {self.folder}; uwsgi_temp_path {self.folder}; scgi_temp_path {self.folder};
                ssl_session_cache shared:all:1m;
                server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {cert}; ssl_certificate_key {key};
                    ssl_protocols TLSv1.3; return 200 "hello"; }}
            }}""")
        process = subprocess.Popen(["nginx", "-c", config, "-e", self.folder / "error.log"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            listening(port, process)
            for profile in PROFILES:
                first, second = self.connect(port, profile, count=2)
                self.must_be_up(first, alpn="h2", resumed="0")
                self.must_be_up(second, alpn="h2")
        finally:
            process.terminate()
            process.wait(10)

    @unittest.skipUnless(shutil.which("gnutls-serv"), "gnutls-serv is not installed")
    def test_gnutls(self):
        key, cert = self.leaves["rsa"]
        with self.server("gnutls-serv", "--port", "PORT", "--x509keyfile", key, "--x509certfile", cert, "--http") as port:
            for profile in PROFILES:
                self.must_be_up(self.connect(port, profile)[0])

    def test_node_agrees_by_ml_kem(self):
        key, cert = self.leaves["p256"]
        with self.server(node(), "-e", NODE_SERVER, key, cert, "PORT") as port:
            for profile in PROFILES:
                self.must_be_up(self.connect(port, profile)[0], group="4588", alpn="h2")


if __name__ == "__main__":
    unittest.main()
