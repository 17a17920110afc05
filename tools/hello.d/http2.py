"""HTTP/2 as a browser speaks it, from captures: the part of a profile that proto/h2 reads.

A capture is a JSON list, one connection each: `resumed`, `client_tls_records` (type, length), `frames` of the
client in order, and `request_headers_in_order` of its first requests. live.py makes them; docs/wire/h2.md has the keys.
"""
import json
import pathlib

KINDS = ("document", "empty", "image", "style", "script", "icon")  # of requests, in the profile's order
BUILT = (":authority", ":path", "referer")
RECORD = 1 + 16  # what TLS 1.3 adds to a record's content
FRAME, PRIORITY, UPDATE = 9, 5, 4


class Disagree(ValueError):
    pass


def only(values, what):
    found = {repr(v): v for v in values}
    if len(found) != 1:
        raise Disagree(f"{what} varies or is missing: {', '.join(sorted(found)[:4])}")
    return next(iter(found.values()))


def requests(connection):
    return [f for f in connection["frames"] if f["type"] == "HEADERS"]


def kind_of(headers):
    """sec-fetch-dest, but a site's icon is not asked for as its images are."""
    fields = dict(headers)
    return "icon" if fields[":path"] == "/favicon.ico" else fields.get("sec-fetch-dest")


def template(weight, headers):
    return [weight, [[name, "" if name in BUILT else value] for name, value in headers]]


def templates(connections):
    seen = {}
    for connection in connections:
        for frame, headers in zip(requests(connection), connection["request_headers_in_order"]):
            seen.setdefault(kind_of(headers), []).append(template(frame["priority"]["weight"], headers))
    return [only(seen.get(kind, []), f"a request for '{kind}'") for kind in KINDS]


def waits(connection):
    """The first request goes out behind the acknowledgement of the server's SETTINGS."""
    kinds = [(f["type"], f["flags"]) for f in connection["frames"] if f["type"] in ("HEADERS", "SETTINGS")]
    return kinds.index(("SETTINGS", 1)) < [kind for kind, _ in kinds].index("HEADERS")


def stream_window(connection):
    """What the stream of the first request is credited at once; 0: nothing."""
    frames = connection["frames"]
    at = frames.index(requests(connection)[0]) + 1
    update = at < len(frames) and frames[at]["type"] == "WINDOW_UPDATE" and frames[at]["stream"]
    return frames[at]["increment"] if update else 0


def joined(connection):
    """Frames that are ready together share a record; else each has its own."""
    size = RECORD + FRAME + requests(connection)[0]["len"]
    lengths = [r["length"] for r in connection["client_tls_records"]]
    return size not in lengths and size + FRAME + UPDATE in lengths


def huffman_always(connection):
    """Firefox's encoder never indexes :path, and its '/' is a literal."""
    return [bytes.fromhex(f["block_hex"])[1] for f in requests(connection)][0] in (0x04, 0x05)


def credit(habits, settings):
    """Bytes that are credited together; 0: half of what a window was. From one long download, of which the first
    increments belong to the first write and to HEADERS."""
    connection, stream = (habits["download"][which] for which in ("connection", "stream"))
    window = dict(map(tuple, settings))[4]
    half = (65535 + connection[0]) // 2
    if min(connection[1:]) >= half > 0.99 * min(connection[1:]) and min(stream) >= window // 2:
        return 0
    return min(connection[1:])


def read(path, habits):
    connections = json.loads(pathlib.Path(path).read_text())
    full = [c for c in connections if not c["resumed"]]
    settings = only((c["frames"][0]["settings"] for c in connections), "SETTINGS")
    return {
        0: settings,
        1: only((c["frames"][1]["increment"] for c in connections), "the connection's window"),
        2: only((stream_window(c) for c in connections), "a stream's window"),
        3: only((requests(c)[0]["stream"] for c in connections), "the first stream"),
        4: only((bool(f["priority"]["excl"]) for c in connections for f in requests(c)), "exclusive priority"),
        5: only((joined(c) for c in connections), "frames to a record"),
        6: only((waits(c) for c in full), "the order of SETTINGS and HEADERS"),
        7: only((huffman_always(c) for c in connections), "the HPACK encoder"),
        8: templates(connections),
        9: credit(habits, settings),
    }
