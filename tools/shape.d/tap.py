"""A TCP forwarder on loopback that writes down the TLS record headers that pass: [milliseconds, direction, type, length].

Direction 0 goes to the server. Nothing is decrypted and no byte is changed, merged or held back.
"""
import asyncio
import time

CHUNK = 65536
RECORDS_MAX = 20000  # of one connection


class Track:
    """Record headers in one direction of a byte stream."""

    def __init__(self):
        self.head, self.left = b"", 0

    def feed(self, data):
        at = 0
        while at < len(data):
            if self.left:
                step = min(self.left, len(data) - at)
                self.left -= step
                at += step
                continue
            step = min(5 - len(self.head), len(data) - at)
            self.head += data[at:at + step]
            at += step
            if len(self.head) == 5:
                length = int.from_bytes(self.head[3:], "big")
                yield self.head[0], length
                self.left, self.head = length, b""


def server_name(hello):
    """The name in a ClientHello's first bytes; empty when there is none."""
    try:
        at = 5 + 4 + 2 + 32
        at += 1 + hello[at]
        at += 2 + int.from_bytes(hello[at:at + 2], "big")
        at += 1 + hello[at]
        end = at + 2 + int.from_bytes(hello[at:at + 2], "big")
        at += 2
        while at < end:
            kind, size = (int.from_bytes(hello[at + i:at + i + 2], "big") for i in (0, 2))
            if kind == 0:
                return hello[at + 9:at + 4 + size].decode()
            at += 4 + size
    except (IndexError, UnicodeDecodeError):
        pass
    return ""


class Tap:
    def __init__(self, target):
        self.target, self.flows, self.named = target, [], asyncio.Event()
        self.until = None

    async def open(self):
        server = await asyncio.start_server(self.join, "127.0.0.1", 0, limit=CHUNK)
        self.port = server.sockets[0].getsockname()[1]

    async def join(self, reader, writer):
        try:
            upstream = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        flow = {"name": "", "start": time.monotonic(), "records": []}
        self.flows.append(flow)
        try:
            await asyncio.gather(self.pipe(flow, 0, reader, upstream[1]), self.pipe(flow, 1, upstream[0], writer))
        except asyncio.CancelledError:
            writer.close()

    async def pipe(self, flow, direction, reader, writer):
        track, hello = Track(), b""
        try:
            while data := await reader.read(CHUNK):
                if direction == 0 and not flow["name"] and len(hello) < 4096:
                    hello += data
                    self.name(flow, hello)
                now = round((time.monotonic() - flow["start"]) * 1000, 1)
                for kind, length in track.feed(data):
                    if len(flow["records"]) < RECORDS_MAX:
                        flow["records"].append([now, direction, kind, length])
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        writer.close()

    def name(self, flow, hello):
        flow["name"] = server_name(hello)
        if self.until is not None and flow["name"] == self.until:
            self.named.set()
