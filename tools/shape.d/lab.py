"""nginx with the site of website.py, a tap in front of it, and a browser: all in a temporary folder and on loopback."""
import asyncio
import contextlib
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hello.d"))
import browsers
import website
from shim import open_shim
from tap import Tap

# An idle connection is closed before the next page: browsers use one again for another name its certificate has.
NGINX = """
daemon off; error_log {dir}/nginx.err warn; pid {dir}/nginx.pid; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off; types {{ text/html html; text/css css; application/javascript js; image/png png; application/json json; }}
  client_body_temp_path {dir}/t0; proxy_temp_path {dir}/t1; fastcgi_temp_path {dir}/t2; uwsgi_temp_path {dir}/t3;
  scgi_temp_path {dir}/t4; client_max_body_size 8m; client_body_buffer_size 4m; keepalive_timeout 150ms;
  server {{
    listen 127.0.0.1:{port} ssl http2; ssl_protocols TLSv1.3;
    ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
    root {dir}/www; location = /sink {{ return 204; }}
  }}
}}
"""


STALL = 60  # seconds without a new connection: the browser will not go on
PAGE = 10  # seconds for each page at most, on the average


def program(name, option=""):
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if path is None:
        raise browsers.Missing(f"{name} is not installed: tools/setup{option}")
    return path


def end_on_signals():
    """SIGTERM and SIGHUP end the program as SIGINT does: what it started is ended on its way out."""

    def leave(number, _):
        for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def openssl(*words):
    subprocess.run([program("openssl"), *words], check=True, capture_output=True, timeout=60)


def certificate(folder):
    """A throw-away authority in ca.pem and the site's certificate from it."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    (folder / "names.txt").write_text(f"subjectAltName=DNS:*.{website.DOMAIN}\nextendedKeyUsage=serverAuth\n")
    openssl("req", "-x509", *key, "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.pem", "-days", "30",
            "-subj", "/CN=throw-away")
    openssl("req", *key, "-keyout", f"{folder}/key.pem", "-out", f"{folder}/request.pem", "-subj", "/CN=pages")
    openssl("x509", "-req", "-in", f"{folder}/request.pem", "-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca.key",
            "-CAcreateserial", "-days", "20", "-extfile", f"{folder}/names.txt", "-out", f"{folder}/cert.pem")


class Lab:
    """Use as a context manager."""

    def __init__(self, seed):
        self.seed = seed

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="qnet-shape-"))
        self.dir.chmod(0o755)
        website.make(self.dir / "www", self.seed)
        certificate(self.dir)
        self.port = free_port()
        (self.dir / "nginx.conf").write_text(NGINX.format(dir=self.dir, port=self.port))
        self.nginx = subprocess.Popen([program("nginx"), "-p", str(self.dir), "-c", f"{self.dir}/nginx.conf"],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.nginx.terminate()
        self.nginx.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)

    async def flows(self, browser, pages, kind="", tunnel=None):
        """The connections of so many page loads, each of a kind, or of all in turn.

        With a tunnel, a function of (tap, seconds) -> (SOCKS port, what ends it), the browser goes through it: (its
        connections, the pages' inside it).
        """
        inner = await self.tapped(("127.0.0.1", self.port))
        inner.until = f"done.{website.DOMAIN}"
        with contextlib.ExitStack() as stack:
            options = ()
            if tunnel is not None:
                outer = await self.tapped(("127.0.0.1", free_port()))
                socks = stack.enter_context(tunnel(outer, self.dir))
                port = await open_shim(socks, inner.port)
                options = (f"--proxy-server=socks5://127.0.0.1:{port}", "--host-resolver-rules=")
            url = f"https://p0.{website.DOMAIN}/{kind or website.page_of(0)}.html#{pages},{kind}"
            stack.enter_context(browsers.running(browser, str(self.dir / "ca.pem"), inner.port, url, options))
            try:
                await asyncio.wait_for(self.finished(inner), STALL + PAGE * pages)
            except asyncio.TimeoutError:
                raise RuntimeError(f"{browser} did not load {pages} pages: {len(inner.flows)} connections, then none") from None
            await asyncio.sleep(0.3)
        loaded = [f for f in inner.flows if f["name"].startswith("p")]
        return loaded if tunnel is None else (outer.flows, loaded)

    @staticmethod
    async def finished(tap):
        """The last page was left. TimeoutError: for STALL seconds nothing happened."""
        seen = -1
        while not tap.named.is_set():
            try:
                await asyncio.wait_for(tap.named.wait(), STALL)
            except asyncio.TimeoutError:
                if len(tap.flows) == seen:
                    raise
                seen = len(tap.flows)

    @staticmethod
    async def tapped(target):
        tap = Tap(target)
        await tap.open()
        return tap
