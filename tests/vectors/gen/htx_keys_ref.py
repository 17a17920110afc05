#!/usr/bin/env python3
"""htx_keys_ref.py - proofs of docs/wire/htx.md, "The proof: what", made without proto/.

usage: tests/vectors/gen/htx_keys_ref.py > tests/vectors/htx/keys.json

Continues the tags of htx_tag_ref.py with messages 2 and 3 and what follows them. ML-KEM's keys and
ciphertexts are noble's (tests/vectors/ml-kem-768); the shared secret is FIPS 203's SHA3-512(m | H(ek)).
Needs python3-cryptography, and only to regenerate.
"""
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from htx_tag_ref import label, vector
from noise_ref import Symmetric, dh, hkdf, prove, public

NOBLE = pathlib.Path(__file__).parent.parent / "ml-kem-768" / "noble.txt"


def expand(secret, text, n):  # RFC 5869 2.3
    out, last = b"", b""
    while len(out) < n:
        last = hmac.digest(secret, last + text.encode() + bytes([len(out) // 32 + 1]), "sha256")
        out += last
    return out[:n]


def kem(i):
    lines = [line.split(" = ") for line in NOBLE.read_text().splitlines() if " = " in line]
    got = {name: bytes.fromhex([value for key, value in lines if key == name][i]) for name in ("d", "z", "m", "ek", "c", "K")}
    shared = hashlib.sha3_512(got["m"] + hashlib.sha3_256(got["ek"]).digest()).digest()[:32]
    assert shared == got["K"]
    return got, shared


def record(locks, content, size):
    """A whole record of `size` bytes: nonce = iv, additional data = the header."""
    header = bytes.fromhex("170303") + (size - 5).to_bytes(2, "big")
    plain = (content + b"\x17").ljust(size - 5 - 16, b"\0")
    return header + ChaCha20Poly1305(locks[:32]).encrypt(locks[32:], plain, header)


def proof(case, tag, mlkem, size, claim, frames, final_size):
    psk, mirror, e, own = (bytes.fromhex(tag[key]) for key in ("psk", "mirror_secret", "e", "own"))
    answer = label(case + " e_P")
    passed, sent = (hashlib.sha256(label(case + way)).digest() for way in (" to C", " to P"))

    sym = Symmetric("Noise_XKpsk0_25519_ChaChaPoly_SHA256")  # message 1 again, whose end tag.json knows
    sym.h, sym.ck = bytes.fromhex(tag["hash_after"]), bytes.fromhex(tag["ck_after"])
    lock2 = expand(sym.ck, "qnet htx v1 proof", 44)

    sym.mix_hash(passed)
    sym.mix_hash(public(answer))
    sym.mix_key(public(answer))
    sym.mix_key(dh(answer, public(e)))
    ct, keys = b"", None
    if mlkem is not None:
        keys, shared = kem(mlkem)
        ct = keys["c"]
        sym.mix_hash(ct)
        sym.mix_key_and_hash(shared)
    vouch, own_vouch = (b"".join(label(f"{case} {whose} vouch {i}") for i in range(3)) for whose in ("P's", "C's"))
    offer = bytes([1]) + (1700000007).to_bytes(4, "big") + (8192).to_bytes(2, "big") + b"\3" + b"\xab\xcd" + vouch
    c2 = sym.encrypt_and_hash(offer)
    content2 = public(answer) + ct + len(c2).to_bytes(2, "big") + c2
    lock3 = expand(sym.ck, "qnet htx v1 msg3", 44)

    sym.mix_hash(sent)
    s = sym.encrypt_and_hash(public(own))
    sym.mix_key(dh(own, public(answer)))
    identity = label(case + " id")
    payload3 = (b"\1" + identity + own_vouch if claim else b"\0") + b"\0" + frames
    c3 = sym.encrypt_and_hash(payload3)
    content3 = s + len(c3).to_bytes(2, "big") + c3
    ends = hkdf(sym.ck, b"", 2)
    out = {
        "comment": case, "tag": tag, "answer_secret": answer, "passed": passed, "sent": sent, "proof_lock": lock2,
        "time": 1700000007, "max_record": 8192, "ciphers": 3, "features": 0xabcd, "vouch": vouch, "proof": content2,
        "proof_record": record(lock2, content2, size), "final_lock": lock3, "id": identity if claim else b"",
        "own_vouch": own_vouch if claim else b"",
        "frames": frames, "final": content3, "final_record": record(lock3, content3, final_size),
        "first": ends[0], "second": ends[1], "resume": expand(sym.ck, "qnet htx v1 resume", 32), "hash": sym.h,
    }
    if keys:
        out |= {"mlkem_d": keys["d"], "mlkem_z": keys["z"], "mlkem_ek": keys["ek"], "mlkem_m": keys["m"]}
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in out.items()}


def main():
    prove()
    listed = vector("listed", bytes(32), False, 3, 61, 1700000000)
    unlisted = vector("unlisted", label("psk"), False, 8, 16640, 4294967290)
    ping = bytes.fromhex("000008180000000000000002")
    print(json.dumps({"vectors": [
        proof("listed, classical", listed, None, 1305, False, b"", 90),
        proof("listed, hybrid", listed, 0, 4096, True, b"", 517),
        proof("unlisted, hybrid, frames", unlisted, 3, 16645, True, ping * 3, 400),
    ]}, indent=1))


if __name__ == "__main__":
    main()
