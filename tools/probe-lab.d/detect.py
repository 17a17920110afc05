"""Two passive detectors on HTX's flows: the rules of Wu et al. (USENIX Security 2023) and nDPI as Debian has it.

The first judges a connection by the client's first payload alone. A detector that finds nothing anywhere is broken, so
each is also shown what it must find: Shadowsocks, recorded.
"""
import collections
import contextlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import compare
import link
import proxy
from origins import NAME, Absent, free_port
from wire import ROOT

VECTORS = ROOT / "tests" / "vectors" / "shadowsocks" / "first-payloads.txt"
FLOWS = 1000
VISITS = 3  # links, and page loads of Chromium, that ndpiReader is shown
CIPHERS = ("chacha20-ietf-poly1305", "aes-256-gcm")


# ---- the five rules ---------------------------------------------------------------------------


def printable(byte):
    return 0x20 <= byte <= 0x7E


def longest_run(payload):
    best = run = 0
    for byte in payload:
        run = run + 1 if printable(byte) else 0
        best = max(best, run)
    return best


def exempt(payload):
    """Why the rules let this first payload pass, or None: it is blocked."""
    bits = sum(byte.bit_count() for byte in payload) / max(len(payload), 1)
    if re.match(rb"[\x16\x17]\x03[\x00-\x09]", payload) or re.match(rb"(GET|PUT|POST|HEAD) ", payload):
        return "protocol"
    if bits <= 3.4 or bits >= 4.6:
        return "bits"
    if len(payload) >= 6 and all(map(printable, payload[:6])):
        return "first six"
    if sum(map(printable, payload)) > len(payload) / 2:
        return "half"
    return "run" if longest_run(payload) > 20 else None


def recorded_shadowsocks():
    lines = VECTORS.read_text().splitlines()
    return [bytes.fromhex(line.split()[1]) for line in lines if not line.startswith("#")]


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def process(*words):
    running = subprocess.Popen([str(w) for w in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(10)


def record_shadowsocks(count):
    """First payloads of ss-local at an ss-server, both on loopback, as (cipher, bytes)."""
    out = []
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    for cipher in CIPHERS:
        outside, inside = free_port(), free_port()
        common = ("-s", "127.0.0.1", "-k", "a plain password", "-m", cipher)
        with process("ss-server", "-p", outside, *common), proxy.Proxy(("127.0.0.1", outside), link.Recorder) as between, \
                process("ss-local", "-p", between.address[1], "-l", inside, *common):
            time.sleep(1)
            for i in range(count):
                subprocess.run(["curl", "-s", "-o", "/dev/null", "--socks5-hostname", f"127.0.0.1:{inside}",
                                f"http://127.0.0.1:{web.server_port}/page/{i}"], timeout=20, check=True)
            out += [(cipher, hook.hello) for hook in between.hooks]
    web.shutdown()
    return out


# ---- nDPI -------------------------------------------------------------------------------------


@contextlib.contextmanager
def capture(port, file):
    """tshark on loopback."""
    words = ["tshark", "-q", "-i", "lo", "-f", f"tcp port {port}", "-w", file]
    with process(*words):
        deadline = time.monotonic() + 20
        while not os.path.exists(file) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(2)  # the file is there a moment before the filter is
        yield
        time.sleep(2)


def labels(file):
    """How ndpiReader names the flows of a capture, with their risks, and how often."""
    done = subprocess.run(["ndpiReader", "-q", "-v", "2", "-i", file], capture_output=True, text=True, check=True, timeout=60)
    found = collections.Counter()
    for line in done.stdout.splitlines():
        proto = re.search(r"\[proto: ([^\]]*)\]", line)
        if proto and re.match(r"\s*\d+\s+TCP", line):
            risk = re.search(r"\[Risk: ([^\]]*)\]", line)
            score = re.search(r"\[Risk Score: (\d+)", line)
            found[(proto[1], risk[1].strip() if risk else "none", score[1] if score else "0")] += 1
    return found


def chromium_loads(origin, address):
    sys.path.append(str(ROOT / "tools" / "hello.d"))
    import browsers
    with browsers.running("chromium", origin.folder / "ca.pem", address[1], f"https://{NAME}/"):
        time.sleep(12)


# ---- both -------------------------------------------------------------------------------------


class Detect:
    """say(row); .rows and .bad count."""

    def __init__(self, origin, peer, say):
        self.origin, self.peer, self.say = origin, peer, say
        self.rows = self.bad = 0
        self.kept = {}

    def row(self, what, where, text, wrong):
        self.rows += 1
        self.kept[f"{what}: {where}"] = text
        self.bad += bool(wrong)
        self.say(compare.row(self.origin.name, what, where, ("WRONG: " if wrong else "") + text))

    def rules(self, flows):
        for browser in ("chromium-156", "firefox-esr-153"):
            blocked = sum(exempt(h) is None for h in link.hellos(self.peer, flows // 2, browser))
            self.row("first-payload rules", f"HTX as {browser}", f"{blocked} of {flows // 2} blocked", blocked)
        known = recorded_shadowsocks()
        blocked = sum(exempt(p) is None for p in known)
        self.row("first-payload rules", "Shadowsocks, kept", f"{blocked} of {len(known)} blocked", blocked < 0.9 * len(known))
        if shutil.which("ss-local"):
            fresh = [payload for _, payload in record_shadowsocks(25)]
            blocked = sum(exempt(p) is None for p in fresh)
            self.row("first-payload rules", "Shadowsocks, now", f"{blocked} of {len(fresh)} blocked",
                     not fresh or blocked < 0.9 * len(fresh))

    def ndpi(self):
        missing = [p for p in ("ndpiReader", "tshark", "chromium") if not shutil.which(p)]
        if missing:
            raise Absent(f"{', '.join(missing)} not installed")
        with tempfile.TemporaryDirectory() as folder:
            with capture(self.peer.address[1], f"{folder}/link.pcap"):
                for _ in range(VISITS):
                    link.dial(self.peer, self.peer.address[1], 30)
            with capture(self.origin.address[1], f"{folder}/browser.pcap"):
                chromium_loads(self.origin, self.origin.address)
            ours, browser = labels(f"{folder}/link.pcap"), labels(f"{folder}/browser.pcap")
        self.row("ndpiReader", "HTX against Chromium", f"{dict(ours)} against {dict(browser)}",
                 not ours or not set(ours) <= set(browser))

    def run(self):
        self.rules(FLOWS)
        self.ndpi()
