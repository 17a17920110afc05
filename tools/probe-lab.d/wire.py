"""TLS records and hellos as a prober sees and makes them; layout only, no keys."""
import os
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "hello.d"))  # behind our own modules
import hello as reader  # noqa: E402  (tools/hello-diff's)

CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
ONE_CCS = bytes.fromhex("140303000101")


def record(kind, body, version=0x0303):
    return struct.pack(">BHH", kind, version, len(body)) + body


def split(stream):
    """([(type, version, body)], what is left of an incomplete or alien record)."""
    out, at = [], 0
    while len(stream) - at >= 5 and stream[at] in (CCS, ALERT, HANDSHAKE, DATA) and stream[at + 1] == 3:
        n = int.from_bytes(stream[at + 3:at + 5], "big")
        if len(stream) - at - 5 < n:
            break
        out.append((stream[at], stream[at + 1] << 8 | stream[at + 2], stream[at + 5:at + 5 + n]))
        at += 5 + n
    return out, stream[at:]


def vector(size, body):
    return len(body).to_bytes(size, "big") + body


def captured():
    """A browser's hello with all its lengths and keys as the browser drew them."""
    path = ROOT / "tests" / "vectors" / "fingerprints" / "chromium-156" / "fresh-01.hex"
    return reader.load(str(path))[0][0]


class Hello:
    """A ClientHello message taken apart just enough to change it."""

    def __init__(self, message):
        at = 4 + 2
        self.random = message[at:at + 32]
        self.session = message[at + 33:at + 33 + message[at + 32]]
        at += 33 + message[at + 32]
        n = int.from_bytes(message[at:at + 2], "big")
        self.ciphers = message[at + 2:at + 2 + n]
        at += 2 + n
        at += 1 + message[at] + 2
        self.extensions = []
        while at < len(message):
            kind, n = struct.unpack(">HH", message[at:at + 4])
            self.extensions.append((kind, message[at + 4:at + 4 + n]))
            at += 4 + n

    def message(self):
        body = (b"\3\3" + self.random + vector(1, self.session) + vector(2, self.ciphers) + b"\1\0"
                + vector(2, b"".join(struct.pack(">H", k) + vector(2, b) for k, b in self.extensions)))
        return b"\1" + vector(3, body)

    def replace(self, kind, body):
        self.extensions = [(k, body if k == kind else b) for k, b in self.extensions]

    def before_last(self, kind, body):
        """A new extension where no browser of ours has a fixed one."""
        self.extensions.insert(len(self.extensions) - 1, (kind, body))


def browser_hello(name):
    """One whole record; nobody knows its keys, and it has no tag."""
    made = Hello(captured())
    made.random, made.session = os.urandom(32), os.urandom(32)
    made.replace(0, vector(2, b"\0" + vector(2, name.encode())))
    return record(HANDSHAKE, made.message(), 0x0301)
