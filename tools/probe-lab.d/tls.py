"""A stranger's own TLS 1.3 client (RFC 8446): SHA-256 and ChaCha20-Poly1305 only, certificates unread.

It is what a prober does with a hello whose keys he lacks when the server asks for another share, and what he does with
a hello of his own. Shares no code with the product.
"""
import os
import struct

from primitives import SECP384R1, X25519, Share, expand_label, mac, seal, sha256, unseal
from wire import CCS, DATA, HANDSHAKE, ONE_CCS, RETRY_RANDOM, Hello, captured, record, vector

SUITE = b"\x13\x03"


class Refused(Exception):
    """The server ended it, or spoke something else."""


class Keys:
    def __init__(self, secret):
        self.secret, self.sequence = secret, 0
        self.key = expand_label(secret, b"key", b"", 32)
        self.iv = expand_label(secret, b"iv", b"", 12)

    def nonce(self):
        self.sequence += 1
        return (int.from_bytes(self.iv, "big") ^ self.sequence - 1).to_bytes(12, "big")

    def protect(self, kind, plain):
        header = struct.pack(">BHH", DATA, 0x0303, len(plain) + 17)
        return header + seal(self.key, self.nonce(), header, plain + bytes([kind]))

    def open(self, body):
        """(inner type, content)"""
        plain = unseal(self.key, self.nonce(), struct.pack(">BHH", DATA, 0x0303, len(body)), body)
        if plain is None:
            raise Refused("a record that does not open")
        plain = plain.rstrip(b"\0")
        return plain[-1], plain[:-1]


def own_hello(name, alpn=b"\x02h2"):
    """(record, Share): a browser's hello with a share of our own, and one suite."""
    made, share = Hello(captured()), Share(X25519)
    made.random, made.session, made.ciphers = os.urandom(32), os.urandom(32), SUITE
    made.replace(0, vector(2, b"\0" + vector(2, name.encode())))
    made.replace(16, vector(2, alpn))
    made.replace(51, vector(2, struct.pack(">H", X25519) + vector(2, share.public)))
    return record(HANDSHAKE, made.message(), 0x0301), share


def second_hello(message, share, cookie):
    """The hello that follows a HelloRetryRequest, whoever made the first."""
    made = Hello(message)
    made.replace(51, vector(2, struct.pack(">H", share.group) + vector(2, share.public)))
    if cookie is not None:
        made.before_last(44, cookie)
    return made.message()


class Client:
    """Fed with one record at a time; `reply` is what must be sent after each. up: application keys are in use."""

    def __init__(self, hello, share=None):
        self.messages, self.share = [hello[5:]], share
        self.retried = self.up = False
        self.read = self.write = None
        self.pending, self.plain = b"", b""

    def record(self, kind, body):
        if kind == CCS:
            return b""
        if kind == HANDSHAKE and self.read is None:
            return self.server_hello(body)
        if kind != DATA or self.read is None:
            raise Refused(f"a record of type {kind}")
        inner, content = self.read.open(body)
        if inner == DATA:
            self.plain += content
            return b""
        if inner != HANDSHAKE:
            raise Refused(f"an alert {content.hex()}")
        return b"" if self.up else self.flight(content)

    def server_hello(self, message):
        random, at = message[6:38], 39 + message[38]
        suite, at = message[at:at + 2], at + 5
        found = {}
        while at < len(message):
            found[struct.unpack(">H", message[at:at + 2])[0]] = message[at + 4:at + 4 + int.from_bytes(
                message[at + 2:at + 4], "big")]
            at += 4 + len(list(found.values())[-1])
        if suite != SUITE:
            raise Refused(f"suite {suite.hex()}")
        if random == RETRY_RANDOM:
            return self.retry(message, found)
        if self.share is None:
            raise Refused("the server took a share that is not ours")
        self.messages.append(message)
        self.handshake_keys(self.share.secret(found[51][4:]))
        return b""

    def retry(self, message, found):
        if self.retried or int.from_bytes(found[51], "big") != SECP384R1:
            raise Refused("another retry than the one we can serve")
        self.retried, self.share = True, Share(SECP384R1)
        first = self.messages[0]
        second = second_hello(first, self.share, found.get(44))
        self.messages = [b"\xfe\0\0\x20" + sha256(first), message, second]
        return ONE_CCS + record(HANDSHAKE, second)

    def transcript(self):
        return sha256(*self.messages)

    def handshake_keys(self, dh):
        nothing = sha256()
        early = mac(bytes(32), bytes(32))
        self.chain = mac(expand_label(early, b"derived", nothing, 32), dh)
        so_far = self.transcript()
        self.write = Keys(expand_label(self.chain, b"c hs traffic", so_far, 32))
        self.read = Keys(expand_label(self.chain, b"s hs traffic", so_far, 32))

    def flight(self, content):
        self.pending += content
        while len(self.pending) >= 4:
            n = 4 + int.from_bytes(self.pending[1:4], "big")
            if len(self.pending) < n:
                break
            self.messages.append(self.pending[:n])
            self.pending = self.pending[n:]
            if self.messages[-1][0] == 20:
                return self.finish()
        return b""

    def finish(self):
        master = mac(expand_label(self.chain, b"derived", sha256(), 32), bytes(32))
        so_far = self.transcript()
        verify = mac(expand_label(self.write.secret, b"finished", b"", 32), so_far)
        sent = (b"" if self.retried else ONE_CCS) + self.write.protect(HANDSHAKE, b"\x14" + vector(3, verify))
        self.write = Keys(expand_label(master, b"c ap traffic", so_far, 32))
        self.read = Keys(expand_label(master, b"s ap traffic", so_far, 32))
        self.up = True
        return sent

    def send(self, plain):
        return self.write.protect(DATA, plain)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")


def get(name, path, stream=1):
    """An HTTP/2 request without compression."""
    block = b"\x82\x87\x04" + bytes([len(path)]) + path.encode() + b"\x01" + bytes([len(name)]) + name.encode()
    return len(block).to_bytes(3, "big") + b"\x01\x05" + stream.to_bytes(4, "big") + block
