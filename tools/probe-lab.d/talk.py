"""One connection of a prober, and everything it could see of the other side."""
import contextlib
import hashlib
import re
import select
import socket
import struct
import time

import wire

LIMIT = 3.2  # seconds after which "still open" is the answer; every origin here that has a time limit has 2
QUIET = 0.15  # what an origin has to say at once, it has said by then
DATA_SEGS_IN = 152  # offset of tcpi_data_segs_in in Linux's struct tcp_info


class Talk:
    """Sends, and keeps what comes: bytes, when each read returned, and how it ends."""

    def __init__(self, address):
        self.got, self.reads, self.end, self.after, self.notes = b"", [], None, None, []
        self.finished, self.counted = False, None
        self.start = time.monotonic()
        self.socket = socket.create_connection(address, timeout=LIMIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    def send(self, data):
        """In one write. What a dead connection does with it is for read() to find out."""
        if self.end is None:
            with contextlib.suppress(OSError):
                self.socket.sendall(data)

    def finish(self):
        if self.end is None:
            self.finished = True
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    def read(self, seconds):
        """Whether something came, or it ended, within so long."""
        if self.end is not None:
            return False
        self.socket.settimeout(max(seconds, 0.001))
        try:
            part = self.socket.recv(1 << 20)
        except socket.timeout:
            return False
        except OSError:
            self.end, part = "RST", b""
        else:
            self.end = None if part else "FIN"
        self.reads.append((round((time.monotonic() - self.start) * 1000, 3), len(part)))
        self.got += part
        return True

    def flight(self, seconds=1.0):
        """Until the other side has spoken and is quiet again; seconds bound the first word."""
        if self.read(seconds):
            while self.end is None and self.read(QUIET):
                pass

    def settle(self, limit=LIMIT):
        """Until it ends, or has been left alone for the limit."""
        deadline = time.monotonic() + limit
        while self.end is None and time.monotonic() < deadline:
            self.read(deadline - time.monotonic())
        if self.end is None:
            self.end = "open"
        self.knock()

    def knock(self):
        """What becomes of one byte after its FIN: a closed socket answers with RST, one that is half closed takes it."""
        if self.end != "FIN" or self.finished:
            return
        self.segments()
        with contextlib.suppress(OSError):  # an earlier byte may have met that RST already
            self.socket.sendall(b"\0")
        watch = select.poll()
        watch.register(self.socket, 0)
        self.after = "RST" if watch.poll(300) else "taken"

    def segments(self):
        """Data segments that arrived; the kernel counts them."""
        if self.counted is None:
            info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            self.counted = struct.unpack_from("=I", info, DATA_SEGS_IN)[0]
        return self.counted

    def transcript(self, ecdsa):
        records, rest = wire.split(self.got)
        seen = {"records": [name(*r, ecdsa) for r in records], "end": self.end, "segments": self.segments(),
                "bytes": len(self.got)}
        if self.after:
            seen["after"] = self.after
        if rest:
            seen["rest"] = describe(rest)
        if self.notes:
            seen["notes"] = sorted(set(self.notes))
        seen["reads"] = self.reads
        return seen


ECDSA = range(91, 98)  # a CertificateVerify with a P-256 signature, sealed


def name(kind, version, body, ecdsa):
    """A record as it is compared: all that is in the clear and not drawn."""
    what = f"{kind}:signature" if ecdsa and kind == wire.DATA and len(body) in ECDSA else f"{kind}:{len(body)}"
    if kind == wire.HANDSHAKE:
        retry = body[6:38] == wire.RETRY_RANDOM
        what += f"/{body[0]}{'r' if retry else ''}"
    if kind in (wire.ALERT, wire.CCS) and len(body) <= 2:
        what += f"/{body.hex()}"
    return what if version == 0x0303 else f"{what}@{version:04x}"


def describe(rest):
    """Bytes that are no records: text without its numbers, or only how many."""
    text = re.sub(rb"\w{3}, \d\d \w{3} \d{4} [\d:]{8}", b"DATE", rest)
    return f"{len(rest)} bytes {hashlib.sha256(text).hexdigest()[:8] if text.startswith(b'HTTP') else ''}".strip()
