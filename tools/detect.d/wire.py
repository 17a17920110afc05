"""TLS record headers of TCP connections to given ports, read off the loopback interface (needs CAP_NET_RAW)."""
import asyncio
import socket
import struct
import time

from tap import RECORDS_MAX, Track

OUTGOING = 4  # loopback may show each packet twice


class Wire:
    def __init__(self, ports):
        self.ports, self.flows, self.open = set(ports), [], {}

    def __enter__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.socket.bind(("lo", 0))
        self.socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self.socket, self.read)
        return self

    def __exit__(self, *_):
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def read(self):
        for _ in range(256):
            try:
                packet, where = self.socket.recvfrom(1 << 17)
            except BlockingIOError:
                return
            if where[2] != OUTGOING and packet[23] == socket.IPPROTO_TCP:
                self.packet(packet[14:])

    def packet(self, ip):
        at = (ip[0] & 15) * 4
        source, target, sequence = struct.unpack("!HHI", ip[at:at + 8])
        direction = 0 if target in self.ports else 1 if source in self.ports else None
        if direction is None:
            return
        flags, data = ip[at + 13], ip[at + (ip[at + 12] >> 4) * 4:struct.unpack("!H", ip[2:4])[0] or len(ip)]
        key = (source, target) if direction == 0 else (target, source)
        # A link may be older than we are; then nothing is under way on it, and what comes begins a record.
        if flags & 0x12 == 0x02 or key not in self.open:  # SYN
            flow = {"name": str(target), "start": time.monotonic(), "records": []}
            self.flows.append(flow)
            self.open[key] = (flow, [Track(), Track()], [None, None])
        if key in self.open and data:
            self.data(*self.open[key], direction, sequence, data)

    @staticmethod
    def data(flow, tracks, expected, direction, sequence, data):
        if expected[direction] is not None and sequence != expected[direction]:
            return  # sent again
        expected[direction] = sequence + len(data) & 0xFFFFFFFF
        now = round((time.monotonic() - flow["start"]) * 1000, 1)
        for kind, length in tracks[direction].feed(data):
            if len(flow["records"]) < RECORDS_MAX:
                flow["records"].append([now, direction, kind, length])
