"""Recording a browser that is installed here: which scenes it is shown, and what is kept of what it did.

Hellos are kept where the server answered: after a connection that closed unanswered Firefox sends another one.
"""
import itertools
import json
import pathlib
import re
import ssl
import tempfile
import time

import browsers
import hello
import listener
import scenes

FRAMES = 12  # of a connection: what proto/h2 plays back
ASKING = ("SETTINGS", "WINDOW_UPDATE", "HEADERS")
PROFILES = 4  # new profiles whose first hello is kept
MOST = 20  # of the other kinds: enough to see every size that is drawn
TICKET_NAMES = ["a" * n + ".example" for n in (2, 14, 30, 46, 60)]  # each makes OpenSSL's ticket 16 bytes longer
NAMES = [name + ".example" for name in ("decoy", "closing", "retry", "stateful", "broken", "trouble", "big", "idle")]


class Nothing(RuntimeError):
    pass


# ---- scenes --------------------------------------------------------------------------------------


def first_look(leaf):
    """What a new profile is shown: a page with its parts, then connections that resume."""
    return [("decoy.example", scenes.Scene(scenes.context(leaf), scenes.LOOK)),
            ("closing.example", scenes.Closing(scenes.context(leaf), scenes.AGAIN))]


def long_look(leaf):
    """Everything else, once."""
    retry, stateful = scenes.context(leaf), scenes.context(leaf)
    retry.set_ecdh_curve("secp384r1")
    stateful.options |= ssl.OP_NO_TICKET
    tickets = []
    for name in TICKET_NAMES:
        named = scenes.context(leaf)
        named.sni_callback = lambda *_: None  # OpenSSL then keeps the name in the ticket
        tickets.append((name, scenes.Closing(named, scenes.AGAIN)))
    return [("decoy.example", scenes.Scene(scenes.context(leaf), scenes.VISIT, "no-cache")),
            ("retry.example", scenes.Scene(retry, scenes.ONCE)),
            ("stateful.example", scenes.Closing(stateful, scenes.AGAIN)), *tickets,
            ("broken.example", scenes.Breaking(scenes.context(leaf), scenes.BROKEN)),
            ("trouble.example", scenes.Scene(scenes.context(leaf), scenes.TROUBLE)),
            ("big.example", scenes.Scene(scenes.context(leaf), scenes.BIG))]


def idle_look(leaf):
    return [("idle.example", scenes.Scene(scenes.context(leaf)))]


def show(browser, look, limit, to_the_end=True):
    """[log of a connection] of one new profile that is led through a look within `limit` seconds."""
    with tempfile.TemporaryDirectory(prefix="qnet-record-") as folder:
        authority = scenes.Authority(folder)
        server = listener.Listener()
        chain = scenes.chain(look(authority.leaf("site", *NAMES, *TICKET_NAMES)), server.done.set)
        server.serve([(re.escape(name), scene) for name, scene in chain] +
                     scenes.certificate_scenes(folder, authority))
        with browsers.running(browser, authority.cert, server.port, f"https://{chain[0][0]}/"):
            complete = server.done.wait(limit)
            time.sleep(1)
            logs = json.loads(json.dumps([log for log in server.logs() if log.get("name", "").endswith(".example")]))
        server.close()
    if to_the_end and not complete:
        raise Nothing(f"{browser} did not come to the end of its scenes in {limit} s")
    return logs


# ---- what is kept --------------------------------------------------------------------------------


def answered(log):
    return "established" in log and log["requests"]


def with_name(logs, *names):
    return [log for log in logs if log["name"] in names]


def connection(log, sample):
    """A connection as http2.py reads it: what a profile's HTTP/2 is made of and tested with."""
    frames = list(itertools.takewhile(lambda f: f["type"] in ASKING, (f for f in log["frames"] if "type" in f)))[:FRAMES]
    records = log["records"][:frames[-1]["record"] + 1]
    return {"sample": sample, "resumed": log["resumed"],
            "client_tls_records": [{"type": kind, "length": n} for _, kind, n in records],
            "frames": [{k: v for k, v in f.items() if k not in ("at", "record", "sent")} for f in frames],
            "request_headers_in_order": log["requests"][:sum(f["type"] == "HEADERS" for f in frames)]}


def plain(log):
    """What profiles are made of: an address typed into a new profile, or requests of a script on a resumed connection."""
    kinds = [dict(fields).get("sec-fetch-dest") for fields in log["requests"]]
    return kinds == ["empty"] if log["resumed"] else kinds[:1] == ["document"] and log["name"] == "decoy.example"


def second_requests(logs):
    """Milliseconds between a page's last byte and the first request for a part of it."""
    out = []
    for log in logs:
        frames = log["frames"]
        pages = [f["answered"] for f in frames if f.get("path") in ("/", "/second") and "answered" in f]
        for end in [f["at"] for f in frames if f.get("sent_all") in pages]:
            out += [round((f["at"] - end) * 1000) for f in frames if f.get("type") == "HEADERS" and f["at"] > end][:1]
    return out


def ending(log, since):
    """How a connection went on from some second on: the client's records, the last word on the socket, and when."""
    said = log.get("tls_error", [0, None])[1]
    out = {"records": [r[1:] for r in log["records"] if r[0] >= since]}
    if said and "ALERT" in said:
        out["alert"] = said.partition("ALERT_")[2].lower()
    if "ended" in log:
        out.update(ended=log["ended"][1], after_ms=round((log["ended"][0] - since) * 1000))
    return out


def reactions(logs):
    return {way: ending(log, log["raw"][0][0]) for log, way in
            ((log, f["path"].rpartition("-")[2]) for log in with_name(logs, "broken.example") for f in log["frames"]
             if f.get("path", "").startswith("/then-") and "raw" in log)}


def downloads(logs):
    log = next(log for log in with_name(logs, "big.example") if answered(log))
    stream = max(f["answered"] for f in log["frames"] if f.get("path") == "/big")
    credit = [f for f in log["frames"] if f.get("type") == "WINDOW_UPDATE"]
    return {"bytes": 100_000_000, "connection": [f["increment"] for f in credit if f["stream"] == 0],
            "stream": [f["increment"] for f in credit if f["stream"] == stream]}


def uploads(logs):
    """{bytes: lengths of the records of HEADERS and DATA}"""
    out = {}
    for log in with_name(logs, "decoy.example"):
        posts = [(f["answered"], f["path"]) for f in log["frames"] if f.get("path", "").startswith("/upload")]
        for stream, path in posts:
            records = sorted({f["record"] for f in log["frames"] if f.get("stream") == stream and "record" in f
                              and f["type"] in ("HEADERS", "DATA")})
            out[path.partition("?")[2]] = [log["records"][r][2] for r in records]
    return out


def pings(logs):
    """Seconds between a PING and the frame before it, with that frame's type."""
    out = []
    for log in logs:
        frames = [f for f in log["frames"] if "type" in f]
        out += [[round(b["at"] - a["at"], 3), a["type"]] for a, b in zip(frames, frames[1:])
                if b["type"] == "PING" and not b["flags"]]
    return out


def conditional(logs):
    return [fields for log in with_name(logs, "decoy.example") for fields in log["requests"]
            if "if-none-match" in dict(fields)]


def idle(logs, watched):
    """How an unused connection ended, or that it had not."""
    log = max((log for log in with_name(logs, "idle.example") if answered(log)), key=lambda log: len(log["requests"]))
    last = max(f["at"] for f in log["frames"] if f.get("type") not in (None, "PING", "GOAWAY"))
    pings = [f["at"] for f in log["frames"] if f.get("type") == "PING" and f["at"] - last < watched - 2]
    out = {"watched_s": round(watched), "pings_s": [round(at - last, 1) for at in pings]}
    if "ended" in log and log["ended"][0] - last < watched - 5:
        words = [r[0] for r in log["records"] if r[0] > log["ended"][0] - 1]
        out.update(closed_s=round(log["ended"][0] - last, 1), **ending(log, min([log["ended"][0], *words])))
    return out


def habits(firsts, long, still, watched):
    closed = [log for log in with_name(firsts + long, "closing.example", "stateful.example") if "we_closed" in log]
    out = {
        "second_request_ms": second_requests(firsts + with_name(long, "decoy.example", "retry.example")),
        "server_closes": [ending(log, log["we_closed"]) for log in closed][:6],
        "reactions": reactions(long),
        "certificates": {log["name"].partition(".")[0]: ending(log, log["records"][0][0] + 1e-4) for log in long
                         if log["name"].partition(".")[0] in scenes.CERTIFICATES},
        "download": downloads(long), "uploads": uploads(long), "pings": pings(long), "conditional": conditional(long),
    }
    if still is not None:
        out["idle"] = idle(still, watched)
    return out


# ---- files ---------------------------------------------------------------------------------------


def write_hex(path, record, *lines):
    text = record if isinstance(record, str) else record.hex()
    rows = [text[i:i + 64] for i in range(0, len(text), 64)]
    path.write_text("".join(f"# {line}\n" for line in lines) + "\n".join(rows) + "\n")


def write_habits(path, known):
    """A line each."""
    path.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in known.items()) + "\n}\n")


def describe(record):
    return hello.describe(*hello.handshake_from_records(bytes.fromhex(record)))["ja4"]


def keep(folder, browser, firsts, long, habits_of):
    """Writes hellos, HTTP/2 and habits as profile-record reads them."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    what = f"{browser} {browsers.version(browser)}, windowed"

    def hellos(stem, logs, which=0):
        for i, log in enumerate(logs, 1):
            record = log["hellos"][which]
            write_hex(folder / f"{stem}-{i:02}.hex", record, f"{what}: {log['name']}", f"JA4 {describe(record)}")

    new = [next(log for log in look if answered(log) and log["name"] == "decoy.example") for look in firsts]
    everything = [log for look in firsts for log in look if answered(log) and len(log["hellos"]) == 1]
    hellos("first", new)
    hellos("full", [log for log in everything + long if not log["resumed"] and answered(log) and log not in new and
                    len(log["hellos"]) == 1][:MOST])
    hellos("again", [log for log in everything if log["resumed"]][:MOST])
    seen = {}
    for log in with_name(long, "stateful.example", *TICKET_NAMES):
        if log["resumed"] and answered(log):
            seen.setdefault(log["name"], log)
    hellos("ticket", list(seen.values()))
    twice = [log for log in with_name(long, "retry.example") if len(log["hellos"]) == 2]
    hellos("retry-one", twice)
    hellos("retry-two", twice, 1)
    spoken = [log for look in firsts for log in look if log["requests"] and plain(log)]
    (folder / "http2.json").write_text(json.dumps([connection(log, f"{'again' if log['resumed'] else 'first'}-{i:02}")
                                                   for i, log in enumerate(spoken, 1)]) + "\n")
    write_habits(folder / "habits.json", habits_of)
    return folder


def record(browser, folder, idle_s):
    """Shows everything and keeps it in `folder`."""
    firsts = [show(browser, first_look, 60) for _ in range(PROFILES)]
    long = show(browser, long_look, 150)
    still = show(browser, idle_look, idle_s, to_the_end=False) if idle_s else None
    return keep(folder, browser, firsts, long, habits([log for look in firsts for log in look], long, still, idle_s))
