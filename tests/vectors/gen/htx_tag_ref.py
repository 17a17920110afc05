#!/usr/bin/env python3
"""htx_tag_ref.py - tags of docs/wire/htx.md, made by the independent Noise of noise_ref.py.

usage: tests/vectors/gen/htx_tag_ref.py > tests/vectors/htx/tag.json

Shares nothing with proto/: hellos are put together here, and the handshake is the one noise_ref.py
first proves on published vectors. Needs python3-cryptography, and only to regenerate.
"""
import hashlib
import json

from noise_ref import Symmetric, dh, prove, public


def label(text):
    return hashlib.sha256(f"qnet htx tag vector: {text}".encode()).digest()


def vec(width, data):
    return len(data).to_bytes(width, "big") + data


def ext(number, body):
    return number.to_bytes(2, "big") + vec(2, body)


def hello(case, e, name, resumes):
    """(ClientHello message with a zero session_id, where its binders list begins)"""
    host = vec(2, b"\0" + vec(2, name))
    share = vec(2, bytes([0x0A, 0x0A]) + vec(2, b"\0") + b"\0\x1d" + vec(2, public(e)))
    extensions = ext(0, host) + ext(43, b"\x02\x03\x04") + ext(51, share)
    binders = vec(2, vec(1, label(case + " binder"))) if resumes else b""
    if resumes:
        identity = vec(2, vec(2, label(case + " ticket") * 4) + b"\1\2\3\4")
        extensions += ext(41, identity + binders)
    body = b"\3\3" + label(case + " random") + vec(1, bytes(32))
    body += vec(2, bytes.fromhex("130113021303")) + vec(1, b"\0") + vec(2, extensions)
    message = b"\1" + vec(3, body)
    return message, len(message) - len(binders)


def vector(case, psk, resumes, requests, second, time):
    name = b"site.example"
    secret = {who: label(f"{case} {who}") for who in ("mirror", "e", "own")}
    network, peer = label(case + " network"), label(case + " peer")
    message, cut = hello(case, secret["e"], name, resumes)
    payload = bytes([1, 0, requests, 0]) + time.to_bytes(4, "big") + second.to_bytes(2, "big") + label(case + " nonce")[:6]

    sym = Symmetric("Noise_XKpsk0_25519_ChaChaPoly_SHA256")
    sym.mix_hash(b"qnet-htx-mirror-v1" + network + peer + message[:cut])
    sym.mix_hash(public(secret["mirror"]))
    sym.mix_key_and_hash(psk)
    sym.mix_hash(public(secret["e"]))
    sym.mix_key(public(secret["e"]))
    sym.mix_key(dh(secret["e"], public(secret["mirror"])))
    tag = sym.encrypt_and_hash(payload)
    return {
        "comment": case, "network": network.hex(), "peer": peer.hex(), "psk": psk.hex(),
        "mirror_secret": secret["mirror"].hex(), "e": secret["e"].hex(), "own": secret["own"].hex(),
        "name": name.decode(), "requests": requests, "second": second, "time": time,
        "nonce": payload[10:].hex(), "hello": message.hex(), "cut": cut, "session_id": tag.hex(),
        "hash_after": sym.h.hex(), "ck_after": sym.ck.hex(),
    }


def main():
    prove()
    print(json.dumps({"vectors": [
        vector("listed", bytes(32), False, 3, 61, 1700000000),
        vector("listed, resumes", bytes(32), True, 4, 480, 1700000010),
        vector("unlisted", label("psk"), False, 8, 16640, 4294967290),
        vector("unlisted, resumes", label("psk"), True, 3, 100, 0),
    ]}, indent=1))


if __name__ == "__main__":
    main()
