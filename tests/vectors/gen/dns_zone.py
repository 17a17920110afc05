#!/usr/bin/env python3
"""dns_zone - signs the small zone that the resolver's tests are answered from.

usage: dns_zone.py FOLDER    writes FOLDER/signed.example.answers and FOLDER/signed.example.anchor

Written from RFC 1035, 4033 to 4035 and 8080 alone; Ed25519 of python3-cryptography. The key is a
constant of this file, so two runs write the same bytes. Each line of .answers is one answer:

    NAME TYPE RCODE ANSWERS AUTHORITIES HEX    (HEX: the records behind the question)

Signatures hold from 2020 to 2080. The zone: www (A, AAAA), local and inner (loopback, private), mixed
(loopback and a public address), alias (CNAME to www), forged (A, its signature's last byte flipped),
stripped (A, no signature), late (A, its signature ended in 2021); every other name does not exist.
"""
import argparse
import base64
import ipaddress
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ZONE = "signed.example"
TTL = 3600
FROM, UNTIL, ENDED = 1577836800, 3471292800, 1609459200  # 2020, 2080, 2021
A, NS, CNAME, SOA, AAAA, RRSIG, NSEC, DNSKEY = 1, 2, 5, 6, 28, 46, 47, 48
ED25519 = 15
KEY = Ed25519PrivateKey.from_private_bytes(b"\x2a" * 32)
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def wire(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(name, kind, data, ttl=TTL):
    return wire(name) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


DNSKEY_DATA = struct.pack(">HBB", 257, 3, ED25519) + PUBLIC


def key_tag():
    total = sum(byte << 8 if i % 2 == 0 else byte for i, byte in enumerate(DNSKEY_DATA))
    return (total + (total >> 16)) & 0xffff


def signature(name, kind, datas, until):
    """RFC 4034 3.1.8.1: the RRSIG's own fields, then the set in canonical form and order."""
    head = struct.pack(">HBBIIIH", kind, ED25519, len(name.split(".")), TTL, until, FROM, key_tag()) + wire(ZONE)
    return head + KEY.sign(head + b"".join(record(name, kind, data) for data in sorted(datas)))


def signed(name, kind, datas, until=UNTIL):
    records = [record(name, kind, data) for data in datas]
    return records + [record(name, RRSIG, signature(name, kind, datas, until))]


def bitmap(kinds):
    bits = bytearray(7)
    for kind in kinds:
        bits[kind // 8] |= 0x80 >> kind % 8
    bits = bytes(bits).rstrip(b"\0")
    return bytes([0, len(bits)]) + bits


def ip(*texts):
    return [ipaddress.ip_address(text).packed for text in texts]


SOA_DATA = wire("ns." + ZONE) + wire("admin." + ZONE) + struct.pack(">IIIII", 1, 3600, 600, 86400, 60)
SETS = {
    ZONE: {SOA: [SOA_DATA], NS: [wire("ns." + ZONE)], DNSKEY: [DNSKEY_DATA]},
    "alias." + ZONE: {CNAME: [wire("www." + ZONE)]},
    "forged." + ZONE: {A: ip("93.184.216.34")},
    "inner." + ZONE: {A: ip("10.1.2.3"), AAAA: ip("fd00::1")},
    "late." + ZONE: {A: ip("93.184.216.34")},
    "local." + ZONE: {A: ip("127.0.0.1"), AAAA: ip("::1")},
    "mixed." + ZONE: {A: ip("127.0.0.1", "93.184.216.34")},
    "stripped." + ZONE: {A: ip("93.184.216.34")},
    "www." + ZONE: {A: ip("93.184.216.34"), AAAA: ip("2606:2800:220:1::1")},
}
NAMES = list(SETS)  # in canonical order (RFC 4034 6.1)


def nsec(i):
    kinds = sorted([*SETS[NAMES[i]], RRSIG, NSEC])
    data = wire(NAMES[(i + 1) % len(NAMES)]) + bitmap(kinds)
    return signed(NAMES[i], NSEC, [data])


def answer(name, kind):
    """(answers, authorities) for a name that exists."""
    sets = SETS[name]
    if CNAME in sets:
        answers, rest = answer("www." + ZONE, kind)
        return signed(name, CNAME, sets[CNAME]) + answers, rest
    if kind not in sets:
        return [], signed(ZONE, SOA, [SOA_DATA]) + nsec(NAMES.index(name))
    records = signed(name, kind, sets[kind], ENDED if name.startswith("late.") else UNTIL)
    if name.startswith("forged."):
        records[-1] = records[-1][:-1] + bytes([records[-1][-1] ^ 1])
    if name.startswith("stripped."):
        records.pop()
    return records, []


def missing(name):
    """Its place between two names, and that no wildcard stands in for it."""
    before = max(i for i, other in enumerate(NAMES) if other.split(".")[0] < name.split(".")[0] or other == ZONE)
    return signed(ZONE, SOA, [SOA_DATA]) + nsec(before) + (nsec(0) if before != 0 else [])


def lines():
    for name in NAMES:
        for kind in (A, AAAA, SOA, NS, DNSKEY):
            answers, rest = answer(name, kind)
            yield name, kind, 0, answers, rest
    for kind in (A, AAAA):
        yield "nobody." + ZONE, kind, 3, [], missing("nobody." + ZONE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with open(folder / f"{ZONE}.answers", "w", encoding="ascii") as out:
        for name, kind, rcode, answers, rest in lines():
            out.write(f"{name} {kind} {rcode} {len(answers)} {len(rest)} {b''.join(answers + rest).hex()}\n")
    flags, protocol, algorithm = struct.unpack(">HBB", DNSKEY_DATA[:4])
    key = base64.b64encode(PUBLIC).decode()
    (folder / f"{ZONE}.anchor").write_text(f"{ZONE}. IN DNSKEY {flags} {protocol} {algorithm} {key}\n", encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
