"""X25519, P-384, ChaCha20-Poly1305 and HKDF in plain Python: what a prober needs to end a handshake himself.

Slow and not constant-time; it has no secret worth keeping. RFC 7748, SEC 1, RFC 8439, RFC 5869.
"""
import hashlib
import hmac
import os
import struct

P25519 = 2**255 - 19
P384 = 2**384 - 2**128 - 2**96 + 2**32 - 1
B384 = 0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF
G384 = (0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F)
X25519, SECP384R1 = 29, 24


def x25519(k, u):
    k = bytearray(k)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    scalar, x1 = int.from_bytes(k, "little"), int.from_bytes(u, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in range(254, -1, -1):
        bit = scalar >> t & 1
        if swap != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % P25519, c * b % P25519, a * a % P25519, b * b % P25519
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P25519, x1 * (da - cb) ** 2 % P25519
        x2, z2 = aa * bb % P25519, e * (aa + 121665 * e) % P25519
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P25519 - 2, P25519) % P25519).to_bytes(32, "little")


def add384(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P384 == 0:
            return None
        slope = (3 * a[0] ** 2 - 3) * pow(2 * a[1], -1, P384)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P384)
    x = (slope * slope - a[0] - b[0]) % P384
    return x, (slope * (a[0] - x) - a[1]) % P384


def mul384(k, point):
    out = None
    while k:
        out = add384(out, point) if k & 1 else out
        point, k = add384(point, point), k >> 1
    return out


class Share:
    """A key share of one's own: .public goes into a hello, secret() comes of the server's answer."""

    def __init__(self, group):
        self.group, self.own = group, os.urandom(32 if group == X25519 else 47)
        if group == X25519:
            self.public = x25519(self.own, (9).to_bytes(32, "little"))
        else:
            x, y = mul384(int.from_bytes(self.own, "big"), G384)
            self.public = b"\4" + x.to_bytes(48, "big") + y.to_bytes(48, "big")

    def secret(self, theirs):
        if self.group == X25519:
            return x25519(self.own, theirs)
        point = int.from_bytes(theirs[1:49], "big"), int.from_bytes(theirs[49:], "big")
        return mul384(int.from_bytes(self.own, "big"), point)[0].to_bytes(48, "big")


def chacha_block(key, counter, nonce):
    start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    s = list(start)

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            v = s[z] ^ s[x]
            s[z] = (v << n | v >> 32 - n) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))


def chacha(key, nonce, data):
    stream = b"".join(chacha_block(key, 1 + i, nonce) for i in range((len(data) + 63) // 64))
    return bytes(a ^ b for a, b in zip(data, stream))


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) & (2**128 - 1)).to_bytes(16, "little")


def tag_of(key, nonce, aad, sealed):
    pad = lambda b: b + bytes(-len(b) % 16)
    return poly1305(chacha_block(key, 0, nonce)[:32], pad(aad) + pad(sealed) + struct.pack("<QQ", len(aad), len(sealed)))


def seal(key, nonce, aad, plain):
    sealed = chacha(key, nonce, plain)
    return sealed + tag_of(key, nonce, aad, sealed)


def unseal(key, nonce, aad, data):
    """None when it does not open."""
    sealed, tag = data[:-16], data[-16:]
    return chacha(key, nonce, sealed) if tag_of(key, nonce, aad, sealed) == tag else None


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, data):
    return hmac.digest(key, data, "sha256")


def expand_label(secret, label, context, n):
    """RFC 8446, 7.1; n at most 32."""
    name = b"tls13 " + label
    info = struct.pack(">HB", n, len(name)) + name + bytes([len(context)]) + context
    return mac(secret, info + b"\1")[:n]
