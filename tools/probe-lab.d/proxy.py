"""A man in the middle: TCP connections passed on as they are, but for what a hook does to them.

A hook is made per connection and is asked for each read: client(bytes) and server(bytes) return what goes on, or None
to end both sides at once; ended(side) is told of a FIN and may return a delay in seconds, broken(side) of a reset.
Plants, recorders and tamperers are hooks.
"""
import contextlib
import os
import select
import socket
import struct
import threading
import time

import wire

RESET = struct.pack("ii", 1, 0)


class Hook:
    def __init__(self):
        self.to_client = b""  # to be sent beside what is passed on

    def client(self, data):
        return data

    def server(self, data):
        return data

    def ended(self, _side):
        return 0.0

    def broken(self, _side):
        pass


class Leg:
    def __init__(self, sock):
        self.socket, self.open = sock, True  # open: may still say something
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


class Proxy:
    """with Proxy(target, Hook) as p: ... p.address; hooks made are in p.hooks."""

    def __init__(self, target, make_hook=Hook):
        self.target, self.make_hook, self.hooks = target, make_hook, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.listener.settimeout(0.2)
        self.address = self.listener.getsockname()
        self.threads, self.stopping = [], False

    def __enter__(self):
        self.start(self.accept)
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.listener.close()
        for thread in self.threads:
            thread.join(10)

    def drain(self, seconds=5.0):
        """Until every connection so far has ended and its hook has seen how."""
        deadline = time.monotonic() + seconds
        for thread in self.threads[1:]:
            thread.join(max(deadline - time.monotonic(), 0))

    def start(self, function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while not self.stopping:
            try:
                client, _ = self.listener.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            self.start(self.connection, client)

    def connection(self, client):
        hook = self.make_hook()
        self.hooks.append(hook)
        with contextlib.closing(client):
            try:
                server = socket.create_connection(self.target, timeout=5)
            except OSError:
                Leg(client).reset()
                return
            server.settimeout(None)
            client.settimeout(None)
            with contextlib.closing(server):
                self.relay(Leg(client), Leg(server), hook)

    def relay(self, client, server, hook):
        watch = select.poll()
        joined = {client.socket.fileno(): (client, server, hook.client),
                  server.socket.fileno(): (server, client, hook.server)}
        for number in joined:
            watch.register(number, select.POLLIN)
        while not self.stopping:
            for number, events in watch.poll(200):
                source, sink, change = joined[number]
                if not source.open:  # it has said FIN; now it refuses what is sent to it, or is closed both ways
                    if events & select.POLLERR:
                        hook.broken("client" if source is client else "server")
                        sink.reset()
                    return
                if not self.one(source, sink, change, hook, client):
                    return
                if not source.open:
                    watch.modify(number, 0)

    @staticmethod
    def one(source, sink, change, hook, client):
        """One read of one side; False: all is over."""
        side = "client" if source is client else "server"
        try:
            data = source.socket.recv(1 << 18)
        except OSError:
            hook.broken(side)
            sink.reset()
            return False
        if not data:
            time.sleep(hook.ended(side))
            source.open = False
            with contextlib.suppress(OSError):
                sink.socket.shutdown(socket.SHUT_WR)
            return source.open or sink.open
        passed = change(data)
        if passed is None:
            sink.reset()
            source.reset()
            return False
        if passed:
            sink.send(passed)
        if hook.to_client:
            client.send(hook.to_client)
            hook.to_client = b""
        return True


class Records(Hook):
    """Cuts each direction into records; from_client and from_server get the number and the record, and give bytes."""

    def __init__(self):
        super().__init__()
        self.part = {"client": b"", "server": b""}
        self.count = {"client": 0, "server": 0}

    def each(self, side, data, change):
        out, part = b"", self.part[side] + data
        while part and part[0] in (wire.CCS, wire.ALERT, wire.HANDSHAKE, wire.DATA):
            n = 5 + int.from_bytes(part[3:5], "big")
            if len(part) < max(n, 5):
                self.part[side] = part
                return out
            out += change(self.count[side], part[:n])
            self.count[side] += 1
            part = part[n:]
        self.part[side] = b""
        return out + part  # no record: as it is

    def client(self, data):
        return self.each("client", data, self.from_client)

    def server(self, data):
        return self.each("server", data, self.from_server)

    def from_client(self, _number, record):
        return record

    def from_server(self, _number, record):
        return record


# ---- wrong peers, so that the battery is known to see ------------------------------------------


class ExtraRecord(Hook):
    """An encrypted alert of the peer's own behind whatever follows a hello's flight."""

    flights = 0

    def client(self, data):
        self.flights += 1
        if self.flights == 2:
            self.to_client = wire.record(wire.DATA, os.urandom(19))
        return data


class LateFin(Hook):
    """The peer ends its own connection when it thinks fit."""

    def ended(self, side):
        return 0.9 if side == "server" else 0.0


class MissingTicket(Records):
    """The peer ends TLS itself and sends no tickets: what follows the client's Finished is swallowed once."""

    swallowed = False
    spoken = 0

    def from_client(self, _number, record):
        self.spoken += record[0] == wire.DATA
        return record

    def from_server(self, _number, record):
        if self.spoken and not self.swallowed and len(record) > 5 + 150:
            self.swallowed = True
            return b""
        return record


class VisibleProof(Records):
    """An answer of the peer's own to every hello: a record with a curve point in the clear, behind the flight."""

    spoken = False

    def from_client(self, number, record):
        if number == 0 and record[0] == wire.HANDSHAKE:
            self.spoken = True
        return record

    def from_server(self, number, record):
        if self.spoken and record[0] == wire.DATA:
            self.spoken = False
            return wire.record(wire.DATA, os.urandom(32) + bytes(1133)) + record
        return record


PLANTS = {"extra-record": ExtraRecord, "late-fin": LateFin, "missing-ticket": MissingTicket,
          "visible-proof": VisibleProof}
