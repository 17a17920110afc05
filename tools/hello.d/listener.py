"""A TLS 1.3 and HTTP/2 server on loopback that writes down what a browser does, record by record and frame by frame.

It serves one scene (scenes.py) chosen by the name in the hello. All times are seconds since the listener began.
"""
import re
import socket
import ssl
import threading
import time

import hello
import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TYPES = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
         "CONTINUATION")
FRAME = 16384
MOST_RECORDS = 20000  # of one connection; a browser that sends more is not what this was made for


class Window:
    """What may still be sent to the client."""

    def __init__(self):
        self.whole, self.first, self.streams = 65535, 65535, {}

    def room(self, stream):
        return min(self.whole, self.streams.setdefault(stream, self.first))

    def spend(self, stream, n):
        self.whole -= n
        self.streams[stream] -= n

    def credit(self, stream, n):
        if stream == 0:
            self.whole += n
        else:
            self.streams[stream] = self.streams.setdefault(stream, self.first) + n

    def initial(self, n):
        self.streams = {stream: left + n - self.first for stream, left in self.streams.items()}
        self.first = n


class Connection:
    def __init__(self, listener, sock, number):
        self.listener, self.sock, self.scene = listener, sock, None
        self.log = {"number": number, "at": listener.now(), "records": [], "frames": [], "requests": [], "hellos": []}
        self.wire, self.plain, self.h2 = b"", b"", False
        self.over = False  # we have closed, or will not read on
        self.window, self.headers, self.bodies, self.queue = Window(), hpack.Decoder(), {}, []

    # ---- TLS ------------------------------------------------------------------------------------

    def open(self, record):
        """A name that no scene has is the browser's own errand: it is left waiting, or it would try for ever."""
        d = hello.parse_client_hello(record[5:])
        self.scene = self.listener.scene(d.get("sni", ""))
        if self.scene is None:
            return
        self.log.update(name=d.get("sni"), resumed="psk" in d)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.scene.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.shaken = False

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.sock.sendall(data)

    def record(self, record):
        """One whole record of the client."""
        if len(self.log["records"]) < MOST_RECORDS:
            self.log["records"].append([self.listener.now(), record[0], len(record) - 5])
        if record[0] == 22 and record[5] == 1:
            self.log["hellos"].append(record.hex())
        if self.scene is None:
            self.open(record)
        if self.scene is None:
            return
        self.incoming.write(record)
        try:
            self.step()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.log["close_notify"] = self.listener.now()
        except ssl.SSLError as error:
            self.log.setdefault("tls_error", [self.listener.now(), error.reason or str(error)])
        self.flush()
        self.pump()

    def step(self):
        if not self.shaken:
            self.tls.do_handshake()
            self.shaken = True
            self.log.update(established=self.listener.now(), suite=self.tls.cipher()[0], reused=self.tls.session_reused)
            self.h2 = self.tls.selected_alpn_protocol() == "h2"
            if self.h2:
                self.write(self.frame(4, 0, 0, b""))
        while True:
            data = self.tls.read(1 << 16)
            if not data:  # close_notify, while we have not sent ours
                raise ssl.SSLZeroReturnError
            self.plain += data
            self.read_plain()

    def write(self, data):
        self.tls.write(data)
        self.flush()

    # ---- HTTP/2 ---------------------------------------------------------------------------------

    @staticmethod
    def frame(kind, flags, stream, body):
        return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body

    def read_plain(self):
        if not self.h2:
            return
        if self.plain.startswith(PREFACE):
            self.plain = self.plain[len(PREFACE):]
        while len(self.plain) >= 9 and not PREFACE.startswith(self.plain[:24]):
            n = int.from_bytes(self.plain[:3], "big")
            if len(self.plain) < 9 + n:
                return
            head, body = self.plain[:9], self.plain[9:9 + n]
            self.plain = self.plain[9 + n:]
            self.take(head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF, body)

    def note(self, kind, flags, stream, body):
        f = {"at": self.listener.now(), "record": len(self.log["records"]) - 1, "type": TYPES[kind], "flags": flags,
             "stream": stream, "len": len(body)}
        if kind == 1:
            if flags & 0x20:
                dep = int.from_bytes(body[:4], "big")
                f["priority"] = {"excl": dep >> 31, "dep": dep & 0x7FFFFFFF, "weight": body[4] + 1}
                body = body[5:]
            f["block_hex"] = body.hex()
        elif kind == 4:
            f["settings"] = [[int.from_bytes(body[i:i + 2], "big"), int.from_bytes(body[i + 2:i + 6], "big")]
                             for i in range(0, len(body), 6)]
        elif kind == 8:
            f["increment"] = int.from_bytes(body, "big")
            f["sent"] = self.log.get("sent", 0)
        elif kind in (3, 7):
            f["body_hex"] = body.hex()
        if kind != 0 or len(self.log["frames"]) < MOST_RECORDS:
            self.log["frames"].append(f)
        return f

    def take(self, kind, flags, stream, body):
        if kind >= len(TYPES):
            return
        f = self.note(kind, flags, stream, body)
        if kind == 1:
            fields = self.headers.fields(bytes.fromhex(f["block_hex"]))
            self.log["requests"].append(fields)
            self.bodies[stream] = [dict(fields), 0]
        elif kind == 0:
            self.bodies[stream][1] += len(body)
            if body:
                credit = len(body).to_bytes(4, "big")
                self.write(self.frame(8, 0, 0, credit) + (b"" if flags & 1 else self.frame(8, 0, stream, credit)))
        elif kind == 4 and not flags & 1:
            for number, value in f["settings"]:
                if number == 4:
                    self.window.initial(value)
            self.write(self.frame(4, 1, 0, b""))
        elif kind == 6 and not flags & 1:
            self.write(self.frame(6, 1, 0, body))
        elif kind == 8:
            self.window.credit(stream, f["increment"])
        if kind in (0, 1) and flags & 1:
            self.answer(stream)

    def answer(self, stream):
        fields, uploaded = self.bodies.pop(stream)
        status, headers, body = self.scene.answer(fields, uploaded)
        block = self.literal(":status", str(status))
        for name, value in [("date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())), *headers]:
            block += self.literal(name, value)
        self.write(self.frame(1, 4 if body else 5, stream, block))
        self.log["frames"].append({"at": self.listener.now(), "answered": stream, "status": status,
                                   "body": len(body), "path": fields[":path"]})
        if body:
            self.queue.append([stream, memoryview(body)])
        self.then = self.scene.then(fields)

    @staticmethod
    def literal(name, value):
        name, value = name.encode(), value.encode()
        return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value

    def pump(self):
        """Sends of the bodies what the windows allow, then does what the scene wants behind an answer."""
        while self.queue and not self.over:
            stream, left = self.queue[0]
            n = min(len(left), FRAME, self.window.room(stream))
            if n <= 0:
                return
            last = n == len(left)
            self.window.spend(stream, n)
            self.log["sent"] = self.log.get("sent", 0) + n
            self.write(self.frame(0, 1 if last else 0, stream, bytes(left[:n])))
            self.queue[0][1] = left[n:]
            if last:
                self.queue.pop(0)
                self.log["frames"].append({"at": self.listener.now(), "sent_all": stream})
        then, self.then = self.then, None
        if then is not None:
            then(self)

    then = None

    # ---- what scenes do behind an answer --------------------------------------------------------

    def raw(self, data):
        """Bytes that are none of TLS's doing."""
        self.log.setdefault("raw", []).append([self.listener.now(), data[:5].hex(), len(data)])
        self.sock.sendall(data)

    def close(self):
        """close_notify and FIN, as a server that has had enough."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.flush()
        self.sock.shutdown(socket.SHUT_WR)
        self.log["we_closed"] = self.listener.now()

    # ---- the loop -------------------------------------------------------------------------------

    def run(self):
        try:
            self.loop()
        except (OSError, hello.Malformed, hpack.Malformed, ssl.SSLError, IndexError) as error:
            self.log["ended"] = [self.listener.now(), "rst" if isinstance(error, ConnectionResetError) else repr(error)]
        finally:
            self.sock.close()

    def loop(self):
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            data = self.sock.recv(1 << 16)
            if not data:
                self.log["ended"] = [self.listener.now(), "fin"]
                return
            self.wire += data
            while len(self.wire) >= 5 and len(self.wire) >= 5 + int.from_bytes(self.wire[3:5], "big"):
                n = 5 + int.from_bytes(self.wire[3:5], "big")
                record, self.wire = self.wire[:n], self.wire[n:]
                self.record(record)


class Listener:
    """`done` is set by a scene's own page."""

    def __init__(self):
        self.scenes = []
        self.begun, self.connections, self.done = time.monotonic(), [], threading.Event()
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def serve(self, scenes):
        """[(regular expression of names, scene)]"""
        self.scenes = [(re.compile(pattern), scene) for pattern, scene in scenes]

    def now(self):
        return round(time.monotonic() - self.begun, 4)

    def scene(self, name):
        for pattern, scene in self.scenes:
            if pattern.fullmatch(name):
                return scene
        return None

    def accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            connection = Connection(self, sock, len(self.connections))
            self.connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    def logs(self):
        return [connection.log for connection in self.connections]

    def close(self):
        self.sock.close()
