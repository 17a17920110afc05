"""What a censor tries. A probe is a function of a Talk and of a hello record; it only acts, Talk keeps what comes back.

The first 19 are those of docs/wire/htx.md's measurements; those behind them came out of its reviews. The hello is
fresh and a browser's, or recorded, or stolen: a probe does not know.
"""
import os
import random
import struct
import time

import tls
import wire
from wire import ALERT, CCS, DATA, HANDSHAKE, ONE_CCS, record

PROBES = {}
FINISHED = 53  # a Finished under SHA-256, sealed


def probe(function):
    PROBES[function.__name__.replace("_", "-")] = function
    return function


def false_finished():
    return ONE_CCS + record(DATA, os.urandom(FINISHED))


@probe
def garbage(t, hello):
    t.send(random.Random(1).randbytes(300))
    t.settle()


@probe
def plain_http(t, hello):
    t.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    t.settle()


@probe
def bare_fin(t, hello):
    t.finish()
    t.settle()


@probe
def half_a_hello(t, hello):
    t.send(hello[:len(hello) // 2])
    t.settle()


@probe
def hello_byte_by_byte(t, hello):
    for at in range(len(hello)):
        t.send(hello[at:at + 1])
    t.settle()


@probe
def hello_and_silence(t, hello):
    t.send(hello)
    t.settle()


@probe
def hello_and_fin(t, hello):
    t.send(hello)
    t.flight()
    t.finish()
    t.settle()


@probe
def false_finished_alone(t, hello):
    t.send(hello)
    t.flight()
    t.send(false_finished())
    t.settle()


@probe
def false_finished_and_data(t, hello):
    t.send(hello)
    t.flight()
    t.send(false_finished() + b"".join(record(DATA, os.urandom(n)) for n in (92, 467, 35)))
    t.settle()


@probe
def plaintext_alert(t, hello):
    t.send(hello)
    t.flight()
    t.send(record(ALERT, b"\2\x28"))
    t.settle()


@probe
def oversized_header(t, hello):
    t.send(hello)
    t.flight()
    t.send(struct.pack(">BHH", DATA, 0x0303, 17000) + os.urandom(200))
    t.settle()


@probe
def wrong_version_header(t, hello):
    t.send(hello)
    t.flight()
    t.send(record(DATA, os.urandom(60), 0x0505))
    t.settle()


def ccs_flood(count):
    def run(t, hello):
        t.send(hello)
        t.flight()
        for _ in range(count):
            t.send(ONE_CCS)
        t.settle()
    return run


for _count in (1, 2, 16, 17, 32, 33):
    PROBES[f"ccs-{_count}"] = ccs_flood(_count)


@probe
def hello_twice(t, hello):
    t.send(hello + hello)
    t.settle()


# ---- beyond the 19 ----------------------------------------------------------------------------


@probe
def silence(t, hello):
    t.settle()


@probe
def burst_behind_the_hello(t, hello):
    """Every count a peer could keep is satisfied at once (amendment A2)."""
    t.send(hello + ONE_CCS + b"".join(record(DATA, os.urandom(n)) for n in (FINISHED, 92, 467, 120)))
    t.settle()


@probe
def burst_in_steps(t, hello):
    """The same in a browser's rhythm, with a request's lengths."""
    t.send(hello)
    t.flight()
    for n in (FINISHED, 92, 467, 61, 120):
        t.send((ONE_CCS if n == FINISHED else b"") + record(DATA, os.urandom(n)))
        t.flight(0.1)
    t.settle()


@probe
def hello_in_two_records(t, hello):
    body = hello[5:]
    t.send(record(HANDSHAKE, body[:100], 0x0301) + record(HANDSHAKE, body[100:], 0x0301))
    t.settle()


@probe
def hello_a_second_late(t, hello):
    t.send(hello[:700])
    time.sleep(1)
    t.send(hello[700:])
    t.settle()


@probe
def hello_with_another_session_id(t, hello):
    """One bit of what would be a tag."""
    t.send(hello[:5 + 4 + 2 + 32 + 1] + bytes([hello[44] ^ 1]) + hello[45:])
    t.flight()
    t.send(false_finished())
    t.settle()


@probe
def hello_with_an_all_zero_share(t, hello):
    made = wire.Hello(hello[5:])
    made.extensions = [(k, zero_x25519(b) if k == 51 else b) for k, b in made.extensions]
    t.send(record(HANDSHAKE, made.message(), 0x0301))
    t.flight()
    t.send(false_finished())
    t.settle()


def zero_x25519(shares):
    at = shares.index(b"\x00\x1d\x00\x20")
    return shares[:at + 4] + bytes(32) + shares[at + 36:]


@probe
def false_length_in_the_hello(t, hello):
    t.send(hello[:6] + b"\0\xff\xff" + hello[9:])
    t.settle()


@probe
def hello_and_reset(t, hello):
    t.send(hello)
    t.flight()
    t.socket.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: nobody to see how it ends
    t.end = "ours"


# ---- with keys of the prober's own ------------------------------------------------------------


def handshake(t, client):
    """Drives the client over what has come; False: it ended first."""
    while not client.up and t.end is None:
        t.read(1.5)
        pump(t, client)
    return client.up


def pump(t, client):
    records, _ = wire.split(t.got)
    for kind, _version, body in records[getattr(t, "used", 0):]:
        t.used = getattr(t, "used", 0) + 1
        try:
            reply = client.record(kind, body)
        except tls.Refused as why:
            t.notes.append(f"refused: {why}")
            return
        if reply:
            t.send(reply)


def visit(t, hello, share, name, then):
    client = tls.Client(hello, share)
    t.send(hello)
    if not handshake(t, client):
        t.settle()
        return
    t.flight(0.3)  # tickets; or else what the origin reads at once, and how it answers, is a matter of luck
    pump(t, client)
    t.send(client.send(tls.PREFACE) + client.send(tls.get(name, "/")))
    t.flight()
    then(t, client)
    t.settle()


def ask_again(t, client):
    """What a link's second request could look like to a peer that counts."""
    for stream, path in ((3, "/about"), (5, "/article"), (7, "/photo.bmp")):
        t.send(client.send(tls.get("decoy.example", path, stream)))
        t.flight()


def damage(kind, length, version=0x0303):
    return lambda t, _client: t.send(record(kind, os.urandom(length), version))


# A visitor with keys: name -> what he does after his first answer. These bring their own hello.
VISITS = {
    "visit-idle": lambda t, client: None,
    "visit-three-pages": ask_again,
    "visit-damaged-record": damage(DATA, 60),
    "visit-false-alert-length": damage(DATA, 19),
    "visit-ccs": lambda t, client: t.send(ONE_CCS),
    "visit-20-ccs": lambda t, client: t.send(ONE_CCS * 20),
    "visit-handshake-record": damage(HANDSHAKE, 40),
    "visit-oversized": lambda t, client: t.send(struct.pack(">BHH", DATA, 0x0303, 17000) + os.urandom(200)),
    "visit-plaintext-alert": lambda t, client: t.send(record(ALERT, b"\2\x14")),
    "visit-fin": lambda t, client: t.finish(),
}
