#!/usr/bin/env python3
"""cell_ref.py - a second, independent implementation of hop handshakes and onion layers.

usage: tests/vectors/gen/cell_ref.py handshake > tests/vectors/circuit/handshake.txt
       tests/vectors/gen/cell_ref.py onion     > tests/vectors/circuit/onion.txt

Written from docs/wire/cell.md and circuit.md, RFC 8439, RFC 7748, RFC 5869 and the Noise Protocol
Framework (revision 34); shares nothing with proto/ and uses the standard library only. Before it
prints anything it reproduces RFC 8439 2.8.2 and RFC 7748 5.2.
"""
import hashlib
import hmac
import struct
import sys

# ---- RFC 8439 -----------------------------------------------------------------------------------


def chacha_block(key, counter, nonce):  # 2.3
    start = list(struct.unpack("<4L8LL3L", b"expand 32-byte k" + key + struct.pack("<L", counter) + nonce))
    x = start[:]

    def quarter(a, b, c, d):  # 2.1
        for left, right, turn in ((a, d, 16), (c, b, 12), (a, d, 8), (c, b, 7)):
            other = b if left == a else d
            x[left] = (x[left] + x[other]) & 0xFFFFFFFF
            v = x[right] ^ x[left]
            x[right] = ((v << turn) | (v >> (32 - turn))) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16L", *((v + s) & 0xFFFFFFFF for v, s in zip(x, start)))


def chacha(key, nonce, data):  # 2.4, counter from 1
    stream = b"".join(chacha_block(key, 1 + i, nonce) for i in range((len(data) + 63) // 64))
    return bytes(a ^ b for a, b in zip(data, stream))


def poly1305(key, data):  # 2.5
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    acc = 0
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i : i + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return ((acc + int.from_bytes(key[16:], "little")) & ((1 << 128) - 1)).to_bytes(16, "little")


def seal(key, nonce, ad, plain):  # 2.8: ciphertext || tag
    def pad(n):
        return bytes(-n % 16)

    out = chacha(key, nonce, plain)
    one_time = chacha_block(key, 0, nonce)[:32]
    text = ad + pad(len(ad)) + out + pad(len(out)) + struct.pack("<QQ", len(ad), len(out))
    return out + poly1305(one_time, text)


# ---- RFC 7748 section 5 -------------------------------------------------------------------------

P = 2**255 - 19


def x25519(secret, point):
    k = int.from_bytes(secret, "little") & ~7 & ~(1 << 255) | (1 << 254)
    u = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb = a * a, b * b
        e = aa - bb
        da, cb = d * a, c * b
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public(secret):
    return x25519(secret, (9).to_bytes(32, "little"))


# ---- Noise NK (sections 5 and 7.4) ---------------------------------------------------------------


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def nonce(n):  # 12.3
    return bytes(4) + struct.pack("<Q", n)


def hkdf2(ck, ikm):  # 4.3
    temp = hmac.digest(ck, ikm, "sha256")
    first = hmac.digest(temp, b"\1", "sha256")
    return first, hmac.digest(temp, first + b"\2", "sha256")


def handshake(prologue, s, e_client, e_hop):
    """Both messages, h, and Split's keys. Every DH is computed from both sides and compared."""
    h = b"Noise_NK_25519_ChaChaPoly_SHA256"  # exactly 32 bytes: not hashed (5.2)
    ck = h
    h = sha256(h, prologue)
    h = sha256(h, public(s))  # <- s
    messages = []
    for e, ours, theirs in ((e_client, e_client, s), (e_hop, e_client, e_hop)):  # e, es; e, ee
        h = sha256(h, public(e))
        shared = x25519(ours, public(theirs))
        assert shared == x25519(theirs, public(ours))
        ck, k = hkdf2(ck, shared)
        tag = seal(k, nonce(0), h, b"")
        h = sha256(h, tag)
        messages.append(public(e) + tag)
    return messages, h, hkdf2(ck, b"")


def rekey(k):  # 4.2
    return seal(k, nonce(2**64 - 1), b"", bytes(32))[:32]


# ---- cell.md sections 2 and 3 --------------------------------------------------------------------

N = {"S": 1056, "L": 16288}


class Layer:
    def __init__(self, key, n=0):
        self.k, self.n = key, n

    def seal(self, plain):
        out = seal(self.k, nonce(self.n), b"", plain)
        self.n += 1
        if self.n % 64 == 0:
            self.k = rekey(self.k)
        return out


def text_of(cls, n):  # any bytes will do; the layers do not look
    return bytes((7 * i + 13 * n) & 255 for i in range(N[cls] - 32))


def filler_of(n):  # what the test's random source gives
    return bytes((0xA0 + i + n) & 255 for i in range(16))


def chain_cell(cls, n, k1, k2):
    """The two columns of cell.md's table. Forward the client seals both layers and the joint opens
    one; backward the end seals one and the joint the other: the same bytes on the same links."""
    right = k2.seal(text_of(cls, n))
    left = k1.seal(right)
    return left, right + filler_of(n)


def self_test():
    key = bytes(range(0x80, 0xA0))
    sun = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    got = seal(key, bytes.fromhex("070000004041424344454647"), bytes.fromhex("50515253c0c1c2c3c4c5c6c7"), sun)
    assert got[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"  # RFC 8439 2.8.2
    got = x25519(
        bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
        bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
    )
    assert got.hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"  # RFC 7748 5.2


def print_fields(**fields):
    for name, value in fields.items():
        print(f"{name.upper()} = {value.hex() if isinstance(value, bytes) else value}")
    print()


def print_handshake():
    print("# Hop handshakes (docs/wire/circuit.md), by tests/vectors/gen/cell_ref.py handshake\n")
    for i in range(3):
        network, peer = sha256(b"network %d" % i), sha256(b"peer %d" % i)
        s, e_client, e_hop = (sha256(b"%s %d" % (what, i)) for what in (b"onion", b"client", b"hop"))
        key_id = sha256(public(s))[:8]
        messages, h, (first, second) = handshake(b"qnet-hop-1" + network + peer + key_id, s, e_client, e_hop)
        print_fields(
            network=network, peer=peer, onion_secret=s, onion_public=public(s), client_e=e_client, hop_e=e_hop,
            create=b"\1" + key_id + messages[0], created=b"\1" + messages[1], h=h, forward=first, backward=second,
        )


def print_onion():
    print("# Onion layers (docs/wire/cell.md), by tests/vectors/gen/cell_ref.py onion")
    print("# Text byte i of cell n is 7i + 13n, filler byte i is a0 + i + n (mod 256).")
    print("# LEFT: the cell between client and joint; RIGHT: between joint and end. Of L cells, SHA-256.\n")
    k1, k2 = sha256(b"layer 1"), sha256(b"layer 2")
    for cls, last, shown in (("S", 129, (0, 1, 63, 64, 65, 127, 128)), ("L", 2, (0, 1))):
        one, two = Layer(rekey(k1)), Layer(k2)  # hop 1 became a joint before the first of these
        for n in range(last):
            left, right = chain_cell(cls, n, one, two)
            assert len(left) == len(right) == N[cls]
            if n in shown:
                if cls == "L":
                    left, right = sha256(left), sha256(right)
                print_fields(n=n, **{"class": cls}, k1=k1, k2=k2, left=left, right=right)


self_test()
if sys.argv[1:] == ["handshake"]:
    print_handshake()
elif sys.argv[1:] == ["onion"]:
    print_onion()
else:
    sys.exit(__doc__)
