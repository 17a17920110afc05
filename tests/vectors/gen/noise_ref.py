#!/usr/bin/env python3
"""noise_ref.py - a second, independent Noise, to give answers nobody published: XKpsk0.

usage: tests/vectors/gen/noise_ref.py > tests/vectors/noise/xkpsk0.json

Written from the Noise Protocol Framework, revision 34, section by section; shares nothing with
proto/noise. Before it prints anything it reproduces cacophony's published vectors for XK, NK,
XKpsk3, NKpsk0 and KKpsk0, so the parts XKpsk0 is made of (XK's tokens, a psk at the start) are
known to be right. Needs python3-cryptography, and only to regenerate.
"""
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CACOPHONY = pathlib.Path(__file__).parent.parent / "noise" / "cacophony-25519-chachapoly.json"

# Section 7.5 and, for the psk names, 9.4. (pre-messages, messages)
PATTERNS = {
    "XK": (["", "s"], ["e es", "e ee", "s se"]),
    "NK": (["", "s"], ["e es", "e ee"]),
    "XKpsk3": (["", "s"], ["e es", "e ee", "s se psk"]),
    "NKpsk0": (["", "s"], ["psk e es", "e ee"]),
    "KKpsk0": (["s", "s"], ["psk e es ss", "e ee se"]),
    "XKpsk0": (["", "s"], ["psk e es", "e ee", "s se"]),
}


def public(secret):  # section 4.1: GENERATE_KEYPAIR's second half
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def dh(secret, pub):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(pub))


def nonce(n):  # section 12.3: 32 zero bits, then little-endian n
    return bytes(4) + n.to_bytes(8, "little")


def hkdf(ck, ikm, count):  # section 4.3
    temp = hmac.digest(ck, ikm, "sha256")
    out, last = [], b""
    for i in range(1, count + 1):
        last = hmac.digest(temp, last + bytes([i]), "sha256")
        out.append(last)
    return out


class Symmetric:  # section 5.2
    def __init__(self, name):
        name = name.encode()
        self.h = name.ljust(32, b"\0") if len(name) <= 32 else hashlib.sha256(name).digest()
        self.ck, self.k, self.n = self.h, None, 0

    def mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def mix_key(self, ikm):
        self.ck, self.k = hkdf(self.ck, ikm, 2)
        self.n = 0

    def mix_key_and_hash(self, ikm):
        self.ck, temp, self.k = hkdf(self.ck, ikm, 3)
        self.mix_hash(temp)
        self.n = 0

    def encrypt_and_hash(self, plain):
        cipher = plain
        if self.k:
            cipher = ChaCha20Poly1305(self.k).encrypt(nonce(self.n), plain, self.h)
            self.n += 1
        self.mix_hash(cipher)
        return cipher


def run(name, prologue, keys, psk, payloads):
    """Both sides at once: nothing is decrypted, since the answers are what is sent.

    keys: {"initiator": {"s": secret or None, "e": secret}, "responder": ...}
    """
    pre, messages = PATTERNS[name]
    sym = Symmetric(f"Noise_{name}_25519_ChaChaPoly_SHA256")
    sym.mix_hash(prologue)
    for side, tokens in zip(("initiator", "responder"), pre):
        for token in tokens.split():
            sym.mix_hash(public(keys[side][token]))
    out = []
    for step, tokens in enumerate(messages):
        writer = ("initiator", "responder")[step % 2]
        message = b""
        for token in tokens.split():
            if token == "e":
                e = public(keys[writer]["e"])
                message += e
                sym.mix_hash(e)
                if "psk" in name:  # section 9.2
                    sym.mix_key(e)
            elif token == "s":
                message += sym.encrypt_and_hash(public(keys[writer]["s"]))
            elif token == "psk":
                sym.mix_key_and_hash(psk)
            else:  # ee, es, se, ss: initiator's key first
                sym.mix_key(dh(keys["initiator"][token[0]], public(keys["responder"][token[1]])))
        out.append(message + sym.encrypt_and_hash(payloads[step]))
    ends = hkdf(sym.ck, b"", 2)  # Split()
    counters = [0, 0]
    for step in range(len(messages), len(payloads)):
        way = step % 2
        out.append(ChaCha20Poly1305(ends[way]).encrypt(nonce(counters[way]), payloads[step], b""))
        counters[way] += 1
    return sym.h, out


def prove():
    """Reproduces the published vectors, or raises."""
    vectors = json.loads(CACOPHONY.read_text())["vectors"]
    done = 0
    for v in vectors:
        name = v["protocol_name"].split("_")[1]
        if name not in PATTERNS or not v["protocol_name"].endswith("SHA256"):
            continue
        keys = {
            side: {k: bytes.fromhex(v[f"{short}_{long}"]) for k, long in (("s", "static"), ("e", "ephemeral"))
                   if f"{short}_{long}" in v}
            for side, short in (("initiator", "init"), ("responder", "resp"))
        }
        psk = bytes.fromhex(v.get("init_psks", [""])[0])
        payloads = [bytes.fromhex(m["payload"]) for m in v["messages"]]
        h, out = run(name, bytes.fromhex(v["init_prologue"]), keys, psk, payloads)
        assert h.hex() == v["handshake_hash"], name
        assert [m.hex() for m in out] == [m["ciphertext"] for m in v["messages"]], name
        done += 1
    assert done == len(PATTERNS) - 1, done


def secret(label):
    return hashlib.sha256(f"qnet xkpsk0 vector: {label}".encode()).digest()


def vector(case, prologue, psk, payloads):
    keys = {side: {k: secret(f"{case} {side} {k}") for k in "se"} for side in ("initiator", "responder")}
    h, out = run("XKpsk0", prologue, keys, psk, payloads)
    return {
        "protocol_name": "Noise_XKpsk0_25519_ChaChaPoly_SHA256",
        "comment": case,
        "init_prologue": prologue.hex(),
        "init_psks": [psk.hex()],
        "init_static": keys["initiator"]["s"].hex(),
        "init_ephemeral": keys["initiator"]["e"].hex(),
        "init_remote_static": public(keys["responder"]["s"]).hex(),
        "resp_prologue": prologue.hex(),
        "resp_psks": [psk.hex()],
        "resp_static": keys["responder"]["s"].hex(),
        "resp_ephemeral": keys["responder"]["e"].hex(),
        "handshake_hash": h.hex(),
        "messages": [{"payload": p.hex(), "ciphertext": c.hex()} for p, c in zip(payloads, out)],
    }


def main():
    prove()
    text = [f"payload {i}".encode() for i in range(7)]
    print(json.dumps({"vectors": [
        vector("zero psk, no payloads", b"", bytes(32), [b""] * 6),
        vector("zero psk, payloads", b"qnet-bare-v1", bytes(32), text),
        vector("a psk, payloads", b"a prologue of more than one SHA-256 block: " + b"p" * 64, secret("psk"), text),
        vector("a psk, long payloads", b"", secret("psk"), [bytes([i]) * (100 * i + 1) for i in range(6)]),
    ]}, indent=1))


if __name__ == "__main__":
    main()
