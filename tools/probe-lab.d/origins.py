"""Web sites behind a peer, each a process of its own on loopback, with the same pages and a limit of two seconds."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

from wire import ROOT

NAME = "decoy.example"
IDLE = 2  # seconds, unless told otherwise; what an origin waits for a handshake or a request
NODE = r"""
const fs = require("fs"), http2 = require("http2");
const [, folder, port, idle] = process.argv;
const page = n => fs.readFileSync(`${folder}/site/${n}`);
const pages = {"/": page("index.html"), "/about": page("about"), "/article": page("article"),
               "/photo.bmp": page("photo.bmp")};
const server = http2.createSecureServer({key: fs.readFileSync(`${folder}/key.pem`),
    cert: fs.readFileSync(`${folder}/chain.pem`), handshakeTimeout: Number(idle), minVersion: "TLSv1.3"});
server.setTimeout(Number(idle));
server.on("stream", (stream, headers) => {
    const body = pages[headers[":path"].split("?")[0]];
    stream.on("error", () => {});
    stream.respond({":status": body ? 200 : 404, "content-type": "text/html"});
    stream.end(body || "none");
});
server.on("sessionError", () => {});
process.on("uncaughtException", why => console.log(why.message));  // of damage to a stream: the site stays
server.listen(Number(port), "127.0.0.1");
"""
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    log_format plain '$request $status $http_user_agent'; access_log {folder}/access.log plain;
    client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp;
    fastcgi_temp_path {folder}/tmp; uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
    client_header_timeout {idle}; client_body_timeout {idle}; keepalive_timeout {idle}; http2_idle_timeout {idle};
    default_type text/html; server_tokens off;
    server {{
        listen 127.0.0.1:{port} ssl http2; listen 127.0.0.1:{own} ssl http2 proxy_protocol; root {folder}/site;
        ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.3; {more}
    }}
}}
"""


class Absent(Exception):
    """An origin that cannot be had here; the text is the reason."""


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, timeout=60, **more)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_port(port, process):
    for _ in range(400):
        if process.poll() is not None:
            raise Absent(f"{process.args[0]} ended with status {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.025)
    raise Absent(f"{process.args[0]} does not listen")


def certificates(folder):
    """ca.pem, chain.pem and key.pem for NAME, and the pages."""
    (folder / "site").mkdir(parents=True, exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    key = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]  # whose signatures are all of one length
    run("openssl", "genpkey", *key, "-out", folder / "ca.key")
    run("openssl", "req", "-x509", "-new", "-key", folder / "ca.key", "-subj", "/CN=probe-lab", "-days", "2", "-out",
        folder / "ca.pem")
    run("openssl", "genpkey", *key, "-out", folder / "key.pem")
    asked = run("openssl", "req", "-new", "-key", folder / "key.pem", "-subj", f"/CN={NAME}", "-addext",
                f"subjectAltName=DNS:{NAME}").stdout
    run("openssl", "x509", "-req", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-days", "2",
        "-copy_extensions", "copy", "-out", folder / "leaf.pem", input=asked)
    (folder / "chain.pem").write_bytes((folder / "leaf.pem").read_bytes() + (folder / "ca.pem").read_bytes())
    for page, size in (("index.html", 3000), ("about", 2000), ("article", 20000), ("photo.bmp", 48000)):
        text = f"<!doctype html><title>{page}</title><img src=/photo.bmp><p>" + "A plain page of a plain site. " * (size // 30)
        (folder / "site" / page).write_text(text)


class Origin:
    """address, folder (with ca.pem) and version; a context manager."""

    logs = False  # each request in access.log
    eligible = True  # a link can be made over it; else it is only spliced
    ecdsa = False  # its signatures differ in length from one handshake to the next
    own = None  # a second port, for a peer that says by PROXY protocol who comes
    retries = False  # answers every hello with HelloRetryRequest
    workers = 12  # connections at a time that do not change what it does

    def __init__(self, folder, idle=IDLE):
        self.folder, self.idle = pathlib.Path(folder), idle
        self.processes = []

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        with open(self.folder / "log", "wb") as log:
            for words in self.commands():
                self.processes.append(subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=log,
                                                       stderr=log))
                await_port(self.port if len(self.processes) == 1 else self.own, self.processes[-1])
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def commands(self):
        """The processes that make it up; the first listens on .port."""
        return [self.command()]


def program(name, hint):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        raise Absent(f"{name} is not installed ({hint})")
    return found


class Nginx(Origin):
    name, more, logs = "nginx", "", True

    def version(self):
        return run(program("nginx", "tools/setup"), "-v").stderr.decode().strip().rpartition("/")[2]

    def command(self):
        certificates(self.folder)
        self.own = free_port()
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, port=self.port, idle=self.idle,
                                                             more=self.more, own=self.own))
        return [program("nginx", "tools/setup"), "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"]


class NginxRetry(Nginx):
    """Asks every browser for another share, and speaks the one suite a prober of ours can."""

    name, retries = "nginx-retry", True
    more = "ssl_ecdh_curve secp384r1; ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;"


class Embedded(Origin):
    name, ecdsa = "qnet-origin", True

    def version(self):
        return "of this build"

    def commands(self):
        for chosen in (os.environ.get("ORIGIN"), *(ROOT / "build" / p / "bin" / "qnet-origin" for p in ("release", "dev"))):
            if chosen and os.access(chosen, os.X_OK):
                break
        else:
            raise Absent("qnet-origin is not built")
        self.own = free_port()
        base = [chosen, "--lab", "--dir", self.folder, "--name", NAME, "--idle", self.idle]
        return [[*base, "--port", self.port], [*base, "--port", self.own, "--proxy"]]


class Node(Origin):
    name = "node"

    def program(self):
        """Version 24 from the registry, else what is installed: another TLS stack in any case."""
        got = subprocess.run([ROOT / "tests" / "interop" / "fetch-node"], capture_output=True, text=True, timeout=300)
        found = got.stdout.strip() if got.returncode == 0 else shutil.which("node")
        if not found:
            raise Absent(f"no Node.js ({got.stderr.strip()})")
        return found

    def version(self):
        return run(self.program(), "--version").stdout.decode().strip()

    def command(self):
        certificates(self.folder)
        return [self.program(), "-e", NODE, self.folder, self.port, 1000 * self.idle]


class GnuTls(Origin):
    name, eligible, workers = "gnutls-serv", False, 3

    def version(self):
        words = run(program("gnutls-serv", "gnutls-bin"), "--version").stdout.decode()
        return re.search(r"\d+\.\d+\.\d+", words)[0]

    def command(self):
        certificates(self.folder)
        return [program("gnutls-serv", "gnutls-bin"), "--port", self.port, "--x509keyfile", self.folder / "key.pem",
                "--x509certfile", self.folder / "chain.pem", "--http", "--disable-client-cert", "--quiet"]


ORIGINS = {kind.name: kind for kind in (Nginx, Embedded, Node, GnuTls, NginxRetry)}
