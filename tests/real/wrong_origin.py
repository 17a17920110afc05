"""Sites for qnet-origin-check: one over Python's ssl that is wrong in one chosen way, and what may stand in front of a
right one, to hide damage or to count."""
import contextlib
import socket
import ssl
import threading

SETTINGS, ACK = bytes.fromhex("000000040000000000"), bytes.fromhex("000000040100000000")
DATE = "Fri, 20 Nov 2026 10:00:00 GMT"


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def field(name, value):
    """A literal of HPACK that is not indexed."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


@contextlib.contextmanager
def listener(handle):
    """Gives the port; handle(socket) runs in a thread for every connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=guarded, args=(server.accept()[0],), daemon=True).start()

        def guarded(sock):
            with contextlib.suppress(OSError, ValueError), sock:
                sock.settimeout(20)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    handle(sock)
                finally:
                    sock.shutdown(socket.SHUT_RDWR)  # a thread may still read from it

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


class Site:
    """wrong: "" (fit), "short-records", "long-control", "elsewhere", "small", "no-date", "varies"."""

    def __init__(self, leaf, wrong=""):
        self.wrong, self.answers = wrong, 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(leaf[1], leaf[0])
        self.context.set_alpn_protocols(["h2"])

    def greet(self, tls):
        if self.wrong == "short-records":  # two bytes of content: as long as an alert
            tls.sendall(SETTINGS[:2])
            tls.sendall(SETTINGS[2:])
            return
        tls.sendall(SETTINGS)
        if self.wrong == "long-control":
            tls.sendall(frame(0xbb, 0, 0, b"\0" * 1400))  # of an unknown type: to be ignored

    def answer(self, tls, stream):
        head = b"\x88"
        if self.wrong != "no-date":
            head += field("date", DATE)
        if self.wrong == "elsewhere":
            head += field("alt-svc", 'h3=":443"')
        self.answers += self.wrong == "varies"
        size = 50 if self.wrong == "small" else 4000 + self.answers
        tls.sendall(frame(1, 4, stream, head) + frame(0, 1, stream, b"x" * size))

    def __call__(self, sock):
        with self.context.wrap_socket(sock, server_side=True) as tls:
            self.greet(tls)
            got = b""
            while part := tls.recv(65536):
                got += part
                if got.startswith(b"PRI"):
                    got = got[24:]
                while len(got) >= 9 and len(got) >= (size := 9 + int.from_bytes(got[:3], "big")):
                    kind, flags, stream = got[3], got[4], int.from_bytes(got[5:9], "big")
                    if kind == 4 and not flags & 1:
                        tls.sendall(ACK)
                    if kind == 1 and not flags & 0x20 and got[9:10] == b"\x80":  # HPACK has no index 0
                        tls.sendall(frame(7, 0, 0, stream.to_bytes(4, "big") + bytes([0, 0, 0, 9])))
                        return
                    if kind == 1:
                        self.answer(tls, stream)
                    got = got[size:]


class Endless(Site):
    """Its answers never end."""

    def answer(self, tls, stream):
        tls.sendall(frame(1, 4, stream, b"\x88"))
        while True:
            tls.sendall(frame(0, 0, stream, b"x" * 16000))


def rubbish(reply):
    """A server that reads a hello and says these bytes."""
    def handle(sock):
        sock.recv(65536)
        sock.sendall(reply)
    return handle


class Forwarder:
    """A bystander that swallows every change_cipher_spec but the first: the site behind it never sees a stray one."""

    swallows = True

    def __init__(self, port):
        self.port = port

    def __call__(self, sock):
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as origin:
            origin.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.back, args=(origin, sock), daemon=True).start()
            got, seen = b"", 0
            while part := sock.recv(65536):
                got += part
                while len(got) >= 5 and len(got) >= (size := 5 + int.from_bytes(got[3:5], "big")):
                    seen += got[0] == 20
                    if got[0] != 20 or seen == 1 or not self.swallows:
                        origin.sendall(got[:size])
                    got = got[size:]
                if len(got) >= 5 and int.from_bytes(got[3:5], "big") > 16640:  # no record will come of it
                    origin.sendall(got)
                    got = b""

    @staticmethod
    def back(origin, sock):
        with contextlib.suppress(OSError):
            while part := origin.recv(65536):
                sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)


class Doubler(Forwarder):
    """Every change_cipher_spec of the origin comes twice: every client puts up with it, a peer's automaton does not."""

    swallows = False

    @staticmethod
    def back(origin, sock):
        with contextlib.suppress(OSError):
            got = b""
            while part := origin.recv(65536):
                got += part
                while len(got) >= 5 and len(got) >= (size := 5 + int.from_bytes(got[3:5], "big")):
                    sock.sendall(got[:size] * (2 if got[0] == 20 else 1))
                    got = got[size:]
            sock.shutdown(socket.SHUT_WR)


class Counter:
    """A bystander who notes, per connection, the lengths of the origin's application records until the client's
    change_cipher_spec: its first flight."""

    def __init__(self, port):
        self.port, self.flights = port, []

    def __call__(self, sock):
        flight, answered = [], threading.Event()
        self.flights.append(flight)
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as origin:
            origin.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.forth, args=(sock, origin, answered), daemon=True).start()
            got = b""
            while part := origin.recv(65536):
                got += part
                while len(got) >= 5 and len(got) >= (size := 5 + int.from_bytes(got[3:5], "big")):
                    if got[0] == 23 and not answered.is_set():
                        flight.append(size - 5)
                    got = got[size:]
                sock.sendall(part)

    @staticmethod
    def forth(sock, origin, answered):
        with contextlib.suppress(OSError):
            while part := sock.recv(65536):
                if part[0] == 20:  # it comes in a segment of its own, or first in one
                    answered.set()
                origin.sendall(part)
            origin.shutdown(socket.SHUT_WR)
