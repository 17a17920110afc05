#!/usr/bin/env python3
"""directory_ref - the examples of docs/wire/directory.md, discovery.md, network.md and invitation.md, and link.md's vouch, made a second way.

usage: directory_ref.py

Written from those pages alone: its own CBOR writer, Ed25519 and X25519 of python3-cryptography.
Prints "page id" and the bytes in hex, or exits 1 when a page says otherwise.
"""
import base64
import hashlib
import re
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

EPOCH = 1700000000
WEEK = 7 * 86400


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for extra, form in ((24, ">B"), (25, ">H"), (26, ">I"), (27, ">Q")):
        if n < 1 << 8 * struct.calcsize(form):
            return bytes([major << 5 | extra]) + struct.pack(form, n)
    raise ValueError(n)


def cbor(v):
    if isinstance(v, bool):
        return b"\xf5" if v else b"\xf4"
    if isinstance(v, int):
        return head(0, v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(cbor, v))
    pairs = sorted((cbor(k), cbor(x)) for k, x in v.items())
    return head(5, len(v)) + b"".join(k + x for k, x in pairs)


def sha256(p):
    return hashlib.sha256(p).digest()


def signer(byte):
    return Ed25519PrivateKey.from_private_bytes(bytes([byte]) * 32)


def public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def x25519(byte):
    return public(X25519PrivateKey.from_private_bytes(bytes([byte]) * 32))


def envelope(tag, network, body, key):
    return cbor([body, public(key), key.sign(tag + network + body)])


def addr(a, b, c, d, port):
    return bytes([a, b, c, d]) + struct.pack(">H", port)


def examples():
    founder, operator, identity = signer(1), signer(2), signer(3)
    body = cbor({1: 1, 2: public(founder), 3: "example", 4: False, 5: EPOCH, 6: 1,
                 7: [[b"\xaa" * 32, public(operator), x25519(4), addr(9, 9, 9, 9, 443)]]})
    yield "network.md", "network", envelope(b"qnet-network-v1", bytes(32), body, founder)
    entry = cbor({1: 1, 2: [b"\xaa" * 32, public(operator), x25519(4), addr(9, 9, 9, 9, 443)]})
    yield "network.md", "entry", envelope(b"qnet-operator-v1", bytes(32), entry, operator)
    net = sha256(b"qnet-network-v1" + bytes(32) + body)
    yield "network.md", "network-id", net

    described = cbor({1: 1, 2: 1, 3: EPOCH, 4: WEEK, 5: 1 | 2, 6: [addr(8, 8, 8, 8, 443)],
                      7: x25519(4), 8: [x25519(5)], 9: [80, 443], 10: "IS", 11: "abuse@example.org"})
    descriptor = envelope(b"qnet-descriptor-v1", net, described, identity)
    yield "directory.md", "descriptor", descriptor
    yield "directory.md", "ranges", cbor(129) + cbor([1000, 1999, 5222, 5223])
    yield "directory.md", "peerid", sha256(public(identity))
    yield "directory.md", "onion-id", sha256(x25519(5))[:8]
    heartbeat = envelope(b"qnet-heartbeat-v1", net, cbor({1: 1, 2: 1, 3: EPOCH, 4: 250}), identity)
    yield "directory.md", "heartbeat", heartbeat

    invitation = cbor({1: 1, 2: net, 3: b"\x07" * 32, 4: descriptor})
    yield "invitation.md", "body", invitation
    start = struct.pack(">H", len(invitation)) + sha256(b"qnet-invitation" + invitation)[:8]
    yield "invitation.md", "text", b"qnet-invite:" + base64.b32encode(start + invitation).rstrip(b"=").lower()

    shift = int.from_bytes(sha256(public(identity))[:4], "big") % WEEK
    card = {1: [[x25519(6), (EPOCH + shift) // WEEK]], 2: ["site.example"], 3: 0, 4: [["/", 40000]],
            5: [["/news/latest.json", 9000]], 6: 16384, 7: [1000, 3600, 75]}
    yield "directory.md", "card", cbor(card)
    yield "network.md", "contact", envelope(
        b"qnet-contact-v1", net, cbor({1: 1, 2: card}), operator)

    body = cbor({1: 1, 2: EPOCH, 3: EPOCH + 3600, 4: net, 5: [[public(identity), described, 750]]})
    signed = struct.pack(">QQ", EPOCH, EPOCH + 3600) + sha256(body)
    signature = operator.sign(b"qnet-snapshot-v1" + net + signed)
    yield "directory.md", "snapshot", cbor([body, [[0, signature]]])

    entry = cbor([public(identity), described, 750])
    listed, entry = body.index(entry), len(entry)
    yield "directory.md", "delta", cbor([sha256(body), 0, 0, head(4, 2) + head(2, len(body)) + body[:listed], listed, entry,
                                         cbor([[0, signature]])])

    key = x25519(4)
    yield "link.md", "vouch", public(identity) + identity.sign(b"qnet-link-key-v1" + net + key)

    other = signer(9)
    root = cbor({1: 1, 2: 2, 3: EPOCH, 4: 1, 5: [[b"\xbb" * 32, public(other), x25519(8), addr(9, 9, 9, 10, 443)]]})
    yield "network.md", "root", cbor([root, sorted([public(k), k.sign(b"qnet-root-v1" + net + root)] for k in (operator, other))])

    halves = [[EPOCH + 3600, bytes([b]) * 32,
               operator.sign(b"qnet-snapshot-v1" + net + struct.pack(">QQ", EPOCH, EPOCH + 3600) + bytes([b]) * 32)]
              for b in (0x11, 0x22)]
    yield "directory.md", "equivocation", cbor([public(operator), EPOCH, *halves])

    for name, message in (("share", [5, cbor([[b"", heartbeat]])]), ("signed", [20, signature]), ("list", [3, EPOCH, 1, b"\x11\x22" + bytes(30)]), ("ok", [16]),
                          ("error", [17, 405, "not a directory"]), ("unchanged", [19])):
        wire = cbor(message)
        yield "directory.md", name, struct.pack(">I", len(wire)) + wire

    yield "discovery.md", "via", cbor(130) + cbor([b"\xaa" * 32, b"\xbb" * 32])
    nonce, held = 0x0123456789abcdef, sha256(public(identity))[:8] + struct.pack(">Q", 1)
    for name, message in (("news", [41, held]), ("proven", [43, nonce]), ("introduce", [40, nonce, descriptor]),
                          ("heard", [42, descriptor]), ("moor", [44, descriptor])):
        wire = cbor(message)
        yield "discovery.md", name, (struct.pack(">I", len(wire)) + wire).removesuffix(descriptor)
    strings = [b"v=1", b"n=" + net[:8].hex().encode()]
    strings += [bytes([ord("a") + i]) + b"=" + descriptor[253 * i:253 * i + 253] for i in range(-(-len(descriptor) // 253))]
    yield "discovery.md", "announcement", b"".join(bytes([len(s)]) + s for s in strings)


def page_says(page, name):
    """The block of a page, decoded; None when there is no such block."""
    text = (Path(__file__).parents[3] / "docs" / "wire" / page).read_text()
    block = re.search(rf"^```hex name={name}\n(.*?)^```", text, re.M | re.S)
    return bytes.fromhex(re.sub(r"#.*", "", block[1])) if block else None


def main():
    wrong = 0
    for page, name, want in examples():
        print(page, name, want.hex(), sep="\n" if len(want) > 40 else " ")
        if page_says(page, name) != want:
            print(f"{page}: the block '{name}' says otherwise", file=sys.stderr)
            wrong += 1
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
