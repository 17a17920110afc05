"""The measured limit: chains of native/floor.c, which only read, do AEAD passes and write.

floor-fused-* count the passes of QNet's design: every link seals a record once, under its Noise keys, and
three hops add one onion layer at each process and three at the client. floor-qnet-* count what a second,
outer TLS layer on every link would add. (The entry's layer being its link, QNet itself needs 10 passes for
three hops where floor-fused-3 does 12.)"""
from chain import free_port
from native import build
from target import Target


class Floor(Target):
    chain_of = ()         # (role, AES passes, ChaCha passes), client side first

    def start(self):
        floor = build("floor", self.chain.folder)
        to = self.origin.port
        for place, (role, aes, chacha) in reversed(list(enumerate(self.chain_of))):
            port = free_port()
            self.chain.spawn(role, [floor, "-l", f"127.0.0.1:{port}", "-t", f"127.0.0.1:{to}", "-a", str(aes),
                                    "-c", str(chacha)] + (["-s"] if place == 0 else []), port)
            to = port
        self.socks = f"127.0.0.1:{to}"


class Plain1(Floor):
    name, hops, what = "floor-plain-1", 1, "client -> exit, no cryptography: copies and system calls only"
    chain_of = (("client", 0, 0), ("exit", 0, 0))


class Tls1(Floor):
    name, hops, what = "floor-tls-1", 1, "client -> exit, one AES-128-GCM pass each (a plain TLS tunnel)"
    chain_of = (("client", 1, 0), ("exit", 1, 0))


class Layered1(Floor):
    name, hops, what = "floor-qnet-1", 1, "client -> exit, outer AES-128-GCM and inner ChaCha20-Poly1305 each"
    chain_of = (("client", 1, 1), ("exit", 1, 1))


class Fused1(Floor):
    name, hops, what = "floor-fused-1", 1, "client -> exit, one ChaCha20-Poly1305 pass each"
    chain_of = (("client", 0, 1), ("exit", 0, 1))


class Plain3(Floor):
    name, hops, what = "floor-plain-3", 3, "client -> r1 -> r2 -> exit, no cryptography"
    chain_of = (("client", 0, 0), ("r1", 0, 0), ("r2", 0, 0), ("exit", 0, 0))


class Layered3(Floor):
    name, hops, what = "floor-qnet-3", 3, "3 hops, two AEAD layers a link and 3 onion layers (18 passes a byte)"
    chain_of = (("client", 1, 4), ("r1", 2, 3), ("r2", 2, 3), ("exit", 1, 2))


class Fused3(Floor):
    name, hops, what = "floor-fused-3", 3, "3 hops, each link sealed once, and 3 onion layers (12 passes a byte)"
    chain_of = (("client", 0, 4), ("r1", 0, 3), ("r2", 0, 3), ("exit", 0, 2))
