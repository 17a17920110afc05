"""The peer under test, and clients of it: tests/probe/ends.c, both ends with keys that everybody knows."""
import os
import queue
import re
import subprocess
import threading

import proxy
import wire
from origins import NAME, Absent
from talk import Talk
from wire import ROOT

PAGES = ("/,70000", "/?2,70000")  # each answer has exactly one large record, as a peer needs it


def program():
    for found in (os.environ.get("HTX_ENDS"), *(ROOT / "build" / p / "bin" / "htx_ends" for p in ("release", "dev"))):
        if found and os.access(found, os.X_OK):
            return found
    raise Absent("htx_ends is not built")


def profile(browser):
    return ROOT / "profiles" / f"{browser}.cbor"


def stolen_hello(origin, browser="chromium-156"):
    """A tagged hello whose client never got it out."""
    done = subprocess.run([program(), "hello", profile(browser), origin.folder / "ca.pem", NAME], capture_output=True,
                          check=True, timeout=30)
    return bytes.fromhex(done.stdout.decode())


def dial(origin, port, pings=3, browser="chromium-156", pages=PAGES):
    """(whether it became a link, the lines it said)"""
    done = subprocess.run([program(), "dial", profile(browser), origin.folder / "ca.pem", NAME, str(port), *pages,
                           str(pings)], capture_output=True, text=True, timeout=90)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"htx_ends: status {done.returncode}: {done.stderr[-2000:]}")
    return done.returncode == 0, done.stdout.splitlines()


def first_flight(origin):
    """The application records of the origin's first flight, as lengths added up."""
    talk = Talk(origin.address)
    talk.send(wire.browser_hello(NAME))
    talk.flight()
    talk.close()
    return sum(len(body) for kind, _, body in wire.split(talk.got)[0] if kind == wire.DATA)


class Peer:
    """A context manager; .address, and .links: how many there have been."""

    version = "htx_ends serve"

    def __init__(self, origin):
        self.origin, self.lines = origin, queue.Queue()

    def __enter__(self):
        flight = first_flight(self.origin)
        least = flight - 6 if self.origin.ecdsa else flight
        words = [program(), "serve", NAME, self.origin.own or self.origin.port, least, 60,
                 "own" if self.origin.own else "mirror"]
        with open(self.origin.folder / "peer.log", "wb") as log:
            self.process = subprocess.Popen([str(w) for w in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=log, text=True)
        ready = self.process.stdout.readline()
        self.address = ("127.0.0.1", int(re.fullmatch(r"ready (\d+)\n", ready)[1]))
        threading.Thread(target=self.listen, daemon=True).start()
        return self

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def links(self):
        return self.lines.qsize()

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait(5)
        if status != 0:
            raise RuntimeError(f"the peer ended with status {status}; see {self.origin.folder}/peer.log")


class Recorder(proxy.Hook):
    """Keeps what a client says before it is answered: its hello, tag and all."""

    def __init__(self):
        super().__init__()
        self.hello, self.answered = b"", False

    def client(self, data):
        if not self.answered:
            self.hello += data
        return data

    def server(self, data):
        self.answered = True
        return data


def used_hello(origin, peer):
    """A tagged hello whose client became a link."""
    with proxy.Proxy(peer.address, Recorder) as between:
        up, lines = dial(origin, between.address[1], pings=1)
    if not up:
        raise RuntimeError(f"the client got no link over {origin.name}: {lines}")
    return between.hooks[0].hello
