#!/usr/bin/env python3
"""Writes tests/vectors/mmdb: small tables of where addresses are, after the MaxMind DB file format, version 2.0
(https://maxmind.github.io/MaxMind-DB/), for tests of whoever reads such files. usage: mmdb.py DIRECTORY"""
import argparse
import ipaddress
import os

MARK = b"\xab\xcd\xefMaxMind.com"
STRING, MAP, UINT32, UINT16, ARRAY, UINT64 = 2, 7, 6, 5, 11, 9
COUNTRIES = {"127.0.0.0/8": {"country_code": "NZ"}, "8.8.8.0/24": {"country_code": "US"},
             "2001:4860::/32": {"country_code": "US"}, "192.0.2.0/24": {"country_code": "nowhere"},
             "198.51.100.0/24": {"country_code": "us"}, "203.0.113.0/25": {"country": {"iso_code": "IS"}},
             "203.0.113.128/25": {"organization": "no country"}}
NUMBERS = {"127.0.0.0/8": {"autonomous_system_number": 64500}, "8.8.8.0/24": {"autonomous_system_number": 15169},
           "203.0.113.0/24": {"country_code": "CH", "autonomous_system_number": 4200000000}}


def head(kind, size):
    assert size < 285
    first = (kind << 5) if kind < 8 else 0
    extended = bytes([kind - 7]) if kind >= 8 else b""
    return bytes([first | min(size, 29)]) + extended + (bytes([size - 29]) if size >= 29 else b"")


def number(kind, value):
    text = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return head(kind, len(text)) + text


def encode(value):
    if isinstance(value, dict):
        return head(MAP, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    if isinstance(value, list):
        return head(ARRAY, len(value)) + b"".join(map(encode, value))
    if isinstance(value, int):
        return number(UINT32, value)
    return head(STRING, len(value.encode())) + value.encode()


def bits_of(prefix):
    """An IPv4 prefix lies in ::/96."""
    net = ipaddress.ip_network(prefix)
    shift, length = (0, 96 + net.prefixlen) if net.version == 4 else (0, net.prefixlen)
    return [int(net.network_address) >> shift >> (127 - i) & 1 for i in range(length)]


def tree_of(table):
    """A list of [left, right], each None, ('node', i) or ('data', prefix)."""
    nodes = [[None, None]]
    for prefix in table:
        at, bits = 0, bits_of(prefix)
        for bit in bits[:-1]:
            if nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = ("node", len(nodes) - 1)
            at = nodes[at][bit][1]
        nodes[at][bits[-1]] = ("data", prefix)
    return nodes


def file_of(table, kind):
    nodes, data, where = tree_of(table), b"", {}
    for prefix, value in table.items():
        where[prefix] = len(data)
        data += encode(value)

    def record(side):
        if side is None:
            return len(nodes)
        return side[1] if side[0] == "node" else len(nodes) + 16 + where[side[1]]

    tree = b"".join(record(side).to_bytes(3, "big") for node in nodes for side in node)
    about = [("node_count", number(UINT32, len(nodes))), ("record_size", number(UINT16, 24)),
             ("ip_version", number(UINT16, 6)), ("database_type", encode(kind)), ("languages", encode(["en"])),
             ("binary_format_major_version", number(UINT16, 2)), ("binary_format_minor_version", number(UINT16, 0)),
             ("build_epoch", number(UINT64, 1700000000)), ("description", encode({"en": "for tests"}))]
    meta = head(MAP, len(about)) + b"".join(encode(key) + value for key, value in about)
    return tree + bytes(16) + data + MARK + meta


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory")
    folder = parser.parse_args().directory
    for name, table in (("countries", COUNTRIES), ("numbers", NUMBERS)):
        with open(os.path.join(folder, name + ".mmdb"), "wb") as f:
            f.write(file_of(table, name))


if __name__ == "__main__":
    main()
