"""Other people's web servers on loopback, for tests: certificates, ports, nginx."""
import contextlib
import pathlib
import shutil
import socket
import subprocess
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "decoy.example"
NGINX = shutil.which("nginx")


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


@contextlib.contextmanager
def serving(*command):
    """command with PORT filled in; gives the port once somebody listens there."""
    port = free_port()
    words = [str(word).replace("PORT", str(port)) for word in command]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        listening(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def nginx(folder, leaf, server="", main="", listen="ssl http2"):
    """Debian's nginx with what `server` and `main` add to those blocks; its pages are in folder/www."""
    folder, (key, cert), port = pathlib.Path(folder), leaf, free_port()
    config = folder / f"nginx-{port}.conf"
    config.write_text(f"""
        daemon off; master_process off; pid {folder}/nginx-{port}.pid; error_log {folder}/error.log;
        {main}
        events {{}}
        http {{
            access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
            fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
            ssl_session_cache shared:all:1m; ssl_protocols TLSv1.2 TLSv1.3;
            server {{ listen 127.0.0.1:{port} {listen}; ssl_certificate {cert}; ssl_certificate_key {key};
                root {folder}/www; {server} }}
        }}""")
    process = subprocess.Popen([NGINX, "-c", config, "-e", folder / "error.log"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        listening(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


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

    def authority(self, name, kind="p256"):
        key = self.key(name, kind)
        cert = self.folder / f"{name}.pem"
        run("openssl", "req", "-x509", "-new", "-key", key, "-subj", f"/CN={name}", "-days", "2", "-out", cert)
        return cert

    def middle(self, name, kind, root):
        """An authority that `root` vouches for."""
        key, cert = self.key(name, kind), self.folder / f"{name}.pem"
        request = run("openssl", "req", "-new", "-key", key, "-subj", f"/CN={name}", "-addext",
                      "basicConstraints=critical,CA:TRUE").stdout
        run("openssl", "x509", "-req", "-CA", root, "-CAkey", root.with_suffix(".key"), "-days", "2", "-copy_extensions",
            "copy", "-out", cert, input=request)
        return cert

    def leaf(self, kind, name=NAME, days=1, ca=None):
        """(key, certificate)"""
        ca = ca or self.ca
        stem = f"{kind}-{name}-{days}-{ca.stem}"
        key, cert = self.key(stem, kind), self.folder / f"{stem}.pem"
        request = run("openssl", "req", "-new", "-key", key, "-subj", "/CN=leaf",
                      "-addext", f"subjectAltName=DNS:{name}").stdout
        run("openssl", "x509", "-req", "-CA", ca, "-CAkey", ca.with_suffix(".key"), "-days", str(days),
            "-copy_extensions", "copy", "-out", cert, input=request)
        return key, cert
