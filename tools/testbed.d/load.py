"""The people of a testbed and the sites they visit: one thread, with sockets in many hosts.

A fetch is what the simulator's is (io-sim/model/socks-fetch.h): SOCKS5 with a user name, CONNECT to a name, one GET, and
the times of the first byte of the answer and the last of its body since the greeting.
"""
import asyncio
import csv
import random

COLUMNS = ("client,workload,region,route,size_bytes,start_ns,ttfb_ns,ttlb_ns,bytes,hops,circuit,outcome,socks_reply,"
           "measured").split(",")
CHUNK = 1 << 18


def content(size):
    """An object by its size: as good as random, so that nothing compresses it."""
    return random.Random(size).randbytes(size)


class Objects(dict):
    def __missing__(self, size):
        self[size] = content(size)
        return self[size]


OBJECTS = Objects()


class Site:
    """GET /bytes/N from every port 80 that it was given."""

    async def serve(self, reader, writer):
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            size = int(request.split(b" ", 2)[1].rpartition(b"/")[2])
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n"
                         "Connection: close\r\n\r\n".encode() + OBJECTS[size])
            await writer.drain()
        except (OSError, ValueError, IndexError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # it went away, or the testbed ends
        finally:
            writer.close()

    async def open(self, place):
        listening = place.socket()
        listening.bind((place.address, 80))
        return await asyncio.start_server(self.serve, sock=listening, backlog=256)


class Fetch:
    """One row of a schedule, and what became of it."""

    def __init__(self, row):
        self.row = dict(row, ttfb_ns="", ttlb_ns="", bytes=0, hops="", circuit="", outcome="no-node", socks_reply=0)
        self.size = int(row["size_bytes"])

    async def run(self, place, port, host, patience):
        try:
            await asyncio.wait_for(self._fetch(place, port, host), patience)
        except asyncio.TimeoutError:
            self.row["outcome"] = "timed-out"
        except (OSError, asyncio.IncompleteReadError):
            if self.row["outcome"] == "unfinished":
                self.row["outcome"] = "reset"

    async def _fetch(self, place, port, host):
        loop, sock = asyncio.get_running_loop(), place.socket()
        try:
            await loop.sock_connect(sock, ("127.0.0.1", port))
            reader, writer = await asyncio.open_connection(sock=sock, limit=CHUNK)
        except OSError:
            sock.close()
            raise
        try:
            self.row["outcome"] = "unfinished"
            began = loop.time()
            if await self._connect(reader, writer, host):
                await self._get(reader, writer, host, lambda: int((loop.time() - began) * 1e9))
        finally:
            writer.transport.abort()

    async def _connect(self, reader, writer, host):
        user, password, name = self.row["route"].encode(), b"web", host.encode()
        writer.write(b"\5\1\2")
        await reader.readexactly(2)
        writer.write(b"\1" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        await reader.readexactly(2)
        writer.write(b"\5\1\0\3" + bytes([len(name)]) + name + (80).to_bytes(2, "big"))
        reply = await reader.readexactly(4)
        self.row["socks_reply"] = reply[1]
        rest = {1: 4, 4: 16}.get(reply[3])
        await reader.readexactly((rest if rest is not None else (await reader.readexactly(1))[0]) + 2)
        if reply[1] != 0:
            self.row["outcome"] = "socks-error"
        return reply[1] == 0

    async def _get(self, reader, writer, host, elapsed):
        writer.write(f"GET /bytes/{self.size} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: qnet-sim\r\nAccept: */*\r\n"
                     "Connection: close\r\n\r\n".encode())
        first = await reader.readexactly(1)
        self.row["ttfb_ns"] = elapsed()
        head = first + await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            self.row["outcome"] = "http-error"
            return
        wanted, at = OBJECTS[self.size], 0
        while at < self.size:
            part = await reader.read(CHUNK)
            if not part or part != wanted[at:at + len(part)]:
                self.row["outcome"] = "corrupt" if part else "truncated"
                return
            at += len(part)
            self.row["bytes"] = at
        self.row["ttlb_ns"] = elapsed()
        self.row["outcome"] = "done"


def read_schedule(path):
    """Rows of a run's streams.csv, in the order of their starts."""
    with open(path, encoding="ascii", newline="") as f:
        return sorted(csv.DictReader(f), key=lambda row: int(row["start_ns"]))


def write_streams(path, fetches):
    with open(path, "w", encoding="ascii", newline="") as f:
        out = csv.DictWriter(f, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(fetch.row for fetch in fetches)


async def play(fetches, began, person, patience):
    """Starts each when it is due. person(row) is the place, SOCKS port (None: not yet up) and site of a fetch."""
    loop = asyncio.get_running_loop()

    async def later(fetch):
        await asyncio.sleep(max(began + int(fetch.row["start_ns"]) / 1e9 - loop.time(), 0))
        place, port, host = person(fetch.row)
        if port is not None:
            await fetch.run(place, port, host, patience)

    await asyncio.gather(*(later(fetch) for fetch in fetches))
