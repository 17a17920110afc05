#!/usr/bin/env python3
"""noise_ref.py - a second, independent Noise, to give answers nobody published: XKpsk0.

usage: tests/vectors/gen/noise_ref.py > tests/vectors/noise/xkpsk0.json

Written from the Noise Protocol Framework, revision 34, section by section; shares nothing with
proto/noise. Before it prints anything it reproduces all 118 of cacophony's published vectors, so the
parts XKpsk0 is made of (XK's tokens, a psk at the start) are known to be right. Needs python3-cryptography, and only to regenerate.
"""
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CACOPHONY = pathlib.Path(__file__).parent.parent / "noise" / "cacophony-25519-chachapoly.json"

# Sections 7.4, 7.5 and 18.1: pre-message of the initiator, of the responder, then the messages.
BASE = {name: (pre.split("|"), messages.split(",")) for name, pre, messages in (
    line.split(":") for line in """
N:|s:e es
K:s|s:e es ss
X:|s:e es s ss
NN:|:e,e ee
NK:|s:e es,e ee
NX:|:e,e ee s es
XN:|:e,e ee,s se
XK:|s:e es,e ee,s se
XX:|:e,e ee s es,s se
KN:s|:e,e ee se
KK:s|s:e es ss,e ee se
KX:s|:e,e ee se s es
IN:|:e s,e ee se
IK:|s:e es s ss,e ee se
IX:|:e s,e ee se s es
NK1:|s:e,e ee es
NX1:|:e,e ee s,es
X1N:|:e,e ee,s,se
X1K:|s:e es,e ee,s,se
XK1:|s:e,e ee es,s se
X1K1:|s:e,e ee es,s,se
X1X:|:e,e ee s es,s,se
XX1:|:e,e ee s,es s se
X1X1:|:e,e ee s,es s,se
K1N:s|:e,e ee,se
K1K:s|s:e es,e ee,se
KK1:s|s:e,e ee se es
K1K1:s|s:e,e ee es,se
K1X:s|:e,e ee s es,se
KX1:s|:e,e ee se s,es
K1X1:s|:e,e ee s,se es
I1N:|:e s,e ee,se
I1K:|s:e es s,e ee,se
IK1:|s:e s,e ee se es
I1K1:|s:e s,e ee es,se
I1X:|:e s,e ee s es,se
IX1:|:e s,e ee se s,es
I1X1:|:e s,e ee s,se es
""".strip().splitlines())}


def pattern(name):
    """(pre-messages, messages) of a name with its psk modifiers (section 9.4)."""
    base, *psks = name.replace("+", "").split("psk")
    pre, messages = BASE[base][0], list(BASE[base][1])
    for psk in map(int, psks):
        if psk == 0:
            messages[0] = "psk " + messages[0]
        else:
            messages[psk - 1] += " psk"
    return pre, messages


def public(secret):  # section 4.1: GENERATE_KEYPAIR's second half
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def dh(secret, pub):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(pub))


def nonce(n):  # section 12.3: 32 zero bits, then little-endian n
    return bytes(4) + n.to_bytes(8, "little")


def hkdf(ck, ikm, count, hash=hashlib.sha256):  # section 4.3
    temp = hmac.new(ck, ikm, hash).digest()
    out, last = [], b""
    for i in range(1, count + 1):
        last = hmac.new(temp, last + bytes([i]), hash).digest()
        out.append(last)
    return out


class Symmetric:  # section 5.2
    def __init__(self, name):
        self.hash = hashlib.blake2s if name.endswith("BLAKE2s") else hashlib.sha256
        name = name.encode()
        self.h = name.ljust(32, b"\0") if len(name) <= 32 else self.hash(name).digest()
        self.ck, self.k, self.n = self.h, None, 0

    def mix_hash(self, data):
        self.h = self.hash(self.h + data).digest()

    def mix_key(self, ikm):
        self.ck, self.k = hkdf(self.ck, ikm, 2, self.hash)
        self.n = 0

    def mix_key_and_hash(self, ikm):
        self.ck, temp, self.k = hkdf(self.ck, ikm, 3, self.hash)
        self.mix_hash(temp)
        self.n = 0

    def encrypt_and_hash(self, plain):
        cipher = plain
        if self.k:
            cipher = ChaCha20Poly1305(self.k).encrypt(nonce(self.n), plain, self.h)
            self.n += 1
        self.mix_hash(cipher)
        return cipher


def run(name, prologue, keys, psks, payloads, hash="SHA256"):
    """Both sides at once: nothing is decrypted, since the answers are what is sent.

    keys: {"initiator": {"s": secret or None, "e": secret}, "responder": ...}
    """
    pre, messages = pattern(name)
    psks = iter(psks)
    sym = Symmetric(f"Noise_{name}_25519_ChaChaPoly_{hash}")
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
                sym.mix_key_and_hash(next(psks))
            else:  # ee, es, se, ss: initiator's key first
                sym.mix_key(dh(keys["initiator"][token[0]], public(keys["responder"][token[1]])))
        out.append(message + sym.encrypt_and_hash(payloads[step]))
    ends = hkdf(sym.ck, b"", 2, sym.hash)  # Split()
    counters = [0, 0]
    for step in range(len(messages), len(payloads)):
        way = step % 2 if len(messages) > 1 else 0  # one-way patterns stay so
        out.append(ChaCha20Poly1305(ends[way]).encrypt(nonce(counters[way]), payloads[step], b""))
        counters[way] += 1
    return sym.h, out


def prove():
    """Reproduces the published vectors, or raises."""
    vectors = json.loads(CACOPHONY.read_text())["vectors"]
    for v in vectors:
        _, name, _, _, hash = v["protocol_name"].split("_")
        keys = {
            side: {k: bytes.fromhex(v[f"{short}_{long}"]) for k, long in (("s", "static"), ("e", "ephemeral"))
                   if f"{short}_{long}" in v}
            for side, short in (("initiator", "init"), ("responder", "resp"))
        }
        psks = [bytes.fromhex(psk) for psk in v.get("init_psks", [])]
        payloads = [bytes.fromhex(m["payload"]) for m in v["messages"]]
        h, out = run(name, bytes.fromhex(v["init_prologue"]), keys, psks, payloads, hash)
        assert h.hex() == v["handshake_hash"], v["protocol_name"]
        assert [m.hex() for m in out] == [m["ciphertext"] for m in v["messages"]], v["protocol_name"]
    assert len(vectors) == 118, len(vectors)


def secret(label):
    return hashlib.sha256(f"qnet xkpsk0 vector: {label}".encode()).digest()


def vector(case, prologue, psk, payloads):
    keys = {side: {k: secret(f"{case} {side} {k}") for k in "se"} for side in ("initiator", "responder")}
    h, out = run("XKpsk0", prologue, keys, [psk], payloads)
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
