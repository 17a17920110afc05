"""The peer under test, qnet itself or its machine alone, and clients of it (tests/probe/ends.c)."""
import json
import os
import re
import subprocess
import threading

import proxy
import wire
from origins import NAME, Absent, await_port, free_port, run
from talk import Talk
from wire import ROOT

PAGES = ("/,70000", "/?2,70000")  # each answer has exactly one large record, as a peer needs it


def built(name, variable):
    """A program of this build."""
    for found in (os.environ.get(variable), *(ROOT / "build" / p / "bin" / name for p in ("release", "dev"))):
        if found and os.access(found, os.X_OK):
            return found
    raise Absent(f"{name} is not built")


def program():
    return built("htx_ends", "HTX_ENDS")


def profile(browser):
    return ROOT / "profiles" / f"{browser}.cbor"


def hellos(peer, count, browser="chromium-156"):
    """Tagged hellos whose clients never get them out."""
    done = subprocess.run([program(), "hello", profile(browser), peer.origin.folder / "ca.pem", peer.who, str(count)],
                          capture_output=True, check=True, timeout=120)
    return [bytes.fromhex(line) for line in done.stdout.decode().split()]


def stolen_hello(peer):
    return hellos(peer, 1)[0]


def dial(peer, port, pings=3, browser="chromium-156"):
    """(whether it became a link, the lines it said)"""
    done = subprocess.run([program(), "dial", profile(browser), peer.origin.folder / "ca.pem", peer.who, str(port), *PAGES,
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


class Ends:
    """htx_ends, the peer's machine in the smallest of worlds; a context manager. .address; .who: what a client of it
    must be told."""

    who = NAME

    def __init__(self, origin):
        self.origin = origin

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
        self.reader = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait(5)
        self.reader.join(5)
        self.process.stdout.close()
        if status != 0:
            raise RuntimeError(f"the peer ended with status {status}; see {self.origin.folder}/peer.log")


class Node:
    """qnet itself, the only operator of a network of one, in front of the origin as qnet-origin-check measured it."""

    def __init__(self, origin):
        self.origin, self.folder = origin, origin.folder / "node"
        self.program = built("qnet", "QNET")
        self.check = built("qnet-origin-check", "ORIGIN_CHECK")
        self.who = str(self.folder / "network")

    def prepare(self):
        state, file, port = self.folder / "state", self.folder / "origin.file", free_port()
        at = self.origin.own or self.origin.port
        own = ["--proxy"] if self.origin.own else ["--mode", "mirror"]
        run(self.check, f"127.0.0.1:{at}", "--name", NAME, *own, "--ca", self.origin.folder / "ca.pem", "--quick",
            "--requests", "1000", "--seconds", "3600", "--idle", str(self.origin.idle), "--page", "/", "--page", "/about",
            "--out", file)
        run(self.program, "keygen", "--operator", "--state", state)
        run(self.program, "network", "init", "--out", self.who, "--name", "probe-lab", "--lab", "--operator-state", state,
            "--operator-addr", f"127.0.0.1:{port}", "--operator-origin", file)
        (self.folder / "hosts").write_text(f"127.0.0.1 {NAME}\n")
        lines = {"mode": "super", "state": state, "network": self.who, "lab": "true", "status.port": "any",
                 "listen": f"127.0.0.1:{port}", "roots": self.origin.folder / "ca.pem", "hosts": self.folder / "hosts",
                 "origin.file": file, "exit.contact": "lab@localhost", "log.level": "info"}
        (self.folder / "node.yaml").write_text("".join(f"{k}: {json.dumps(str(v))}\n" for k, v in lines.items()))
        self.address = ("127.0.0.1", port)

    def __enter__(self):
        self.folder.mkdir()
        self.prepare()
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([self.program, "run", "--config", self.folder / "node.yaml"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        await_port(self.address[1], self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(20)
        if status != 0:
            raise RuntimeError(f"the node ended with status {status}; see {self.folder}/log")


PEERS = {"node": Node, "ends": Ends}


def peer(origin, kind):
    """A node refuses to stand before an origin that is not fit; its machine alone does not ask."""
    return PEERS[kind if origin.eligible and not origin.retries else "ends"](origin)


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


def used_hello(peer):
    """A tagged hello whose client became a link."""
    with proxy.Proxy(peer.address, Recorder) as between:
        up, lines = dial(peer, between.address[1], pings=1)
    if not up:
        raise RuntimeError(f"the client got no link over {peer.origin.name}: {lines}")
    return between.hooks[0].hello
