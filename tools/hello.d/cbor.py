"""Deterministic CBOR (RFC 8949 4.2.1) of ints, bytes, text, lists, bools and maps of small ints: what profiles need."""


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for size, info in ((1, 24), (2, 25), (4, 26), (8, 27)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")
    raise ValueError("too large")


def encode(value):
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    return head(5, len(value)) + b"".join(encode(key) + encode(value[key]) for key in sorted(value))


def item(data, at):
    """(value, where it ends)"""
    major, n = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        return n == 21, at
    if n > 23:
        size = 1 << n - 24
        n, at = int.from_bytes(data[at:at + size], "big"), at + size
    if major in (2, 3):
        return (data[at:at + n] if major == 2 else data[at:at + n].decode()), at + n
    if major == 0:
        return n, at
    values = []
    for _ in range(n * (major - 3)):
        value, at = item(data, at)
        values.append(value)
    return (values if major == 4 else dict(zip(values[::2], values[1::2]))), at


def decode(data):
    """What encode made; nothing else is promised."""
    value, at = item(data, 0)
    if at != len(data):
        raise ValueError("more than one item")
    return value
