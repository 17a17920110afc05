"""Ordinary clients: what they get of the origin itself and through the peer must be one and the same."""
import hashlib
import pathlib
import re
import subprocess
import sys
import time

import compare
from origins import NAME
from wire import ROOT

BROWSERS = ("chromium", "firefox")
PATIENCE = 45  # seconds for a browser to start and to load a page


def run(*words, **more):
    return subprocess.run([str(w) for w in words], capture_output=True, timeout=60, check=False, **more)


def curl(origin, address):
    """Status, certificate chain and page, verified against the lab's authority."""
    port = address[1]
    got = run("curl", "-sS", "--cacert", origin.folder / "ca.pem", "--resolve", f"{NAME}:{port}:127.0.0.1", "-w",
              "\n=%{http_code} HTTP/%{http_version} %{certs}", f"https://{NAME}:{port}/")
    body, _, rest = got.stdout.rpartition(b"\n=")
    return got.returncode, rest[:12].decode(), hashlib.sha256(body).hexdigest(), hashlib.sha256(rest).hexdigest()


def s_client(origin, address):
    """What openssl says of the connection, without what is drawn in it."""
    got = run("openssl", "s_client", "-connect", f"127.0.0.1:{address[1]}", "-servername", NAME, "-CAfile",
              origin.folder / "ca.pem", "-verify_return_error", "-showcerts", "-alpn", "h2", input=b"")
    text = got.stdout.decode(errors="replace")
    kept = re.findall(r"(?m)^(?:subject=.*|issuer=.*|New, .*|ALPN protocol: .*|Server Temp Key: .*|Verif.*)$", text)
    return got.returncode, *kept, *re.findall(r"-----BEGIN CERTIFICATE-----[^-]*", text)


def browser_requests(origin, browser, address):
    """The requests that reached the site: a browser sends none over a certificate it does not accept."""
    sys.path.append(str(ROOT / "tools" / "hello.d"))
    import browsers
    log = pathlib.Path(origin.folder / "access.log")
    before = len(log.read_text().splitlines())
    deadline = time.monotonic() + PATIENCE
    with browsers.running(browser, origin.folder / "ca.pem", address[1], f"https://{NAME}/"):
        while time.monotonic() < deadline and "/photo.bmp" not in "\n".join(log.read_text().splitlines()[before:]):
            time.sleep(0.5)
        time.sleep(1)
    return sorted(set(line for line in log.read_text().splitlines()[before:] if "favicon" not in line))


class Clients:
    """say(row); .rows and .bad count."""

    def __init__(self, origin, peer, say, browsers):
        self.origin, self.peer, self.say, self.browsers = origin, peer, say, browsers
        self.rows = self.bad = 0
        self.kept = {}

    def hold(self, what, function, *more):
        direct, through = (function(self.origin, *more, at) for at in (self.origin.address, self.peer.address))
        self.kept[what] = {"direct": direct, "through the peer": through}
        wrong = ""
        if direct != through:
            wrong = f"{through} instead of {direct}"
        elif not direct or direct[0] in range(1, 256):
            wrong = f"the origin itself gives it nothing: {direct}"
        self.rows += 1
        self.bad += bool(wrong)
        self.say(compare.row(self.origin.name, what, "through the peer", f"DIFFERENT: {wrong}" if wrong else "same"))

    def run(self):
        self.hold("curl", curl)
        self.hold("openssl s_client", s_client)
        for browser in BROWSERS if self.browsers and self.origin.logs else ():
            self.hold(browser, browser_requests, browser)
