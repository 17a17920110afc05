"""Profiles from captures: what several hellos share is the template, what they vary becomes a rule."""
import json
import pathlib

import hello
import http2

GREASE = 0x0A0A
NAME, GROUPS, SIGALGS, PSK, VERSIONS, SHARES, ECH = 0, 10, 13, 41, 43, 51, 65037
BUILT = (NAME, SHARES, ECH)
X25519, HYBRID = 29, 0x11EC
STEP = 32  # NSS pads the hello that ECH would hide to a multiple of this


class Disagree(ValueError):
    pass


def settled(v):
    return GREASE if hello.is_grease(v) else v


def settled_list(b, lead):
    """A list of u16 behind `lead` bytes, every GREASE value replaced by the mark for one."""
    values = hello.u16list(b[lead:])
    return b[:lead] + b"".join(settled(v).to_bytes(2, "big") for v in values)


def body_of(kind, body):
    if kind in BUILT:
        return b""
    if kind in (GROUPS, SIGALGS):
        return settled_list(body, 2)
    return settled_list(body, 1) if kind == VERSIONS else body


def only(values, what):
    found = {repr(v): v for v in values}
    if len(found) != 1:
        raise Disagree(f"{what} varies: {', '.join(sorted(found)[:4])}")
    return next(iter(found.values()))


def read(path):
    found = hello.load(path)
    if len(found) != 1:
        raise Disagree(f"{path}: {len(found)} hellos")
    d = hello.parse_client_hello(found[0][0])
    if d["session_id_length"] != 32 or d["compression"] != [0] or d["legacy_version"] != 0x303:
        raise Disagree(f"{path}: not a browser's TLS 1.3 hello")
    d["template"] = [(settled(t), body_of(t, b)) for t, b in d["_bodies"] if t != PSK]
    d["psk_size"] = sum(len(b) for t, b in d["_bodies"] if t == PSK)
    if any(t == PSK for t, _ in d["_bodies"][:-1]):
        raise Disagree(f"{path}: pre_shared_key is not last")
    return d


def template_of(hellos):
    """(entries, permuted): in the order seen, or in order of their numbers when that is drawn."""
    orders = {tuple(t for t, _ in d["template"]) for d in hellos}
    only((sorted(d["template"]) for d in hellos), "an extension")
    first = hellos[0]["template"]
    if len(orders) == 1:
        return first, False
    marks = only(([i for i, (t, _) in enumerate(d["template"]) if t == GREASE] for d in hellos), "a GREASE place")
    rest = iter(sorted(e for e in first if e[0] != GREASE))
    return [first[i] if i in marks else next(rest) for i in range(len(first))], True


def hybrid_reuses(d):
    shares = dict(d["_shares"])
    return HYBRID in shares and X25519 in shares and shares[HYBRID][1184:] == shares[X25519]


def payloads(hellos):
    return sorted({d["ech"]["payload_length"] for d in hellos if "ech" in d})


def growth(fresh, resumed):
    """(sizes drawn on resumption, [step, least, most]): ECH has the same sizes as ever, or it grows with pre_shared_key
    in whole steps, known to be right for identities whose size modulo the step was captured."""
    first, again = payloads(fresh), payloads(resumed)
    if len(first) != 1 or first == again:
        return again, [0, 0, 0]
    for d in resumed:
        if d["ech"]["payload_length"] != first[0] + -(-d["psk_size"] // STEP) * STEP:
            raise Disagree("the size of ECH on resumption follows another rule")
    rests = [d["psk_size"] % STEP for d in resumed]
    return first, [STEP, min(rests), max(rests)]


def habits_of(habits):
    """Key 12: how the browser leaves, and how long it thinks."""
    goodbye = only((["farewell" if c["records"][-2:] == [[23, 34], [23, 19]] else "none"] for c in habits["server_closes"]),
                   "what it says to a server that closes") == ["farewell"]
    ccs = only(([20, 1] in habits["certificates"][why]["records"] for why in ("other-ca", "other-name", "expired")),
               "the CCS before an alert about a certificate")
    only(({tuple(r) for r in habits["certificates"][why]["records"]} - {(20, 1)} for why in ("other-ca", "other-name")),
         "an alert about a certificate")
    pauses = sorted(habits["second_request_ms"])
    # The slowest and the fastest are the machine's that was recorded on.
    return [round(habits["idle"].get("closed_s", 0)), goodbye, ccs, [pauses[1], pauses[-2]]]


def profile_of(name, captured, days, fresh, resumed, spoken, habits):
    """The map of docs/wire/tls.md: hellos as read() gives them, paths of HTTP/2 and habits."""
    template, permuted = template_of(fresh)
    again, _ = template_of(resumed)
    drops = [t for t, _ in template if t not in [u for u, _ in again]]
    if sorted(e for e in template if e[0] not in drops) != sorted(again):
        raise Disagree("a resumed hello has other extensions")
    everyone = fresh + resumed
    known = json.loads(pathlib.Path(habits).read_text())
    sizes, steps = growth(fresh, resumed)
    return {
        0: 1,
        1: name,
        2: captured,
        3: captured + days * 86400,
        4: settled_list(only((b"".join(settled(c).to_bytes(2, "big") for c in d["ciphers"]) for d in everyone),
                             "the cipher list"), 0),
        5: [[t, body] for t, body in template],
        6: permuted,
        7: only(([settled(g) for g, _ in d["_shares"]] for d in everyone), "the list of key shares"),
        8: only((hybrid_reuses(d) for d in everyone), "the reuse of X25519 shares"),
        9: [sorted({d["ech"]["aead"] for d in everyone if "ech" in d}), payloads(fresh), sizes],
        10: [drops, *steps],
        11: http2.read(spoken, known),
        12: habits_of(known),
    }
