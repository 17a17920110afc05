"""QNet itself: a private mesh from tools/localnet, release build, in its shipped configuration: HTX with
default shaping before the embedded origins, which are part of the chain and of its CPU time. The rows that end in
-bare show what the disguise costs. The client offers no-authentication SOCKS; its route is fixed."""
import json
import os

from chain import run
from target import ROOT, Target


class Qnet(Target):
    packages = ("libssl3", "libsodium23", "libevent-core-2.1-7")
    needs = ("cmake", "ninja")
    route = ""
    carrier = "htx"
    localnet = os.path.join(ROOT, "tools", "localnet")
    up = False

    @classmethod
    def prepare(cls):
        """Brings the release build up to date: a stale program would be measured without a word."""
        run("cmake", "--preset", "release", cwd=ROOT, timeout=120)
        run("cmake", "--build", "--preset", "release", "--target", "qnet", "qnet-origin",
            "qnet-origin-check", cwd=ROOT, timeout=900)

    def start(self):
        self.up = True
        network = json.loads(run(
            self.localnet, "up", self.chain.path("net"), "--supers", "1", "--relays", "3", "--exits", "1",
            "--clients", "1", "--carrier", self.carrier, "--route", self.route, "--exit-allow",
            f"127.0.0.1:{self.origin.port}", timeout=60))
        client = network["clients"][0]
        for process in [client] + network["nodes"] + network["origins"]:
            self.chain.adopt(process["name"], process["pid"])
        self.socks = f"127.0.0.1:{client['socks']}"

    def stop(self):
        if self.up:
            self.up = False
            try:
                run(self.localnet, "down", self.chain.path("net"), timeout=30)
            finally:
                self.chain.stop()


class OneHop(Qnet):
    name, hops, route = "qnet-1hop", 1, "fast"
    what = "client -> exit, HTX, ChaCha20-Poly1305, streams share one link"


class ThreeHops(Qnet):
    name, hops, route = "qnet-3hop", 3, "privacy"
    what = "client -> relay -> relay -> exit, HTX, onion cells, ChaCha20-Poly1305"


class OneHopBare(OneHop):
    name, carrier = "qnet-1hop-bare", "bare"
    what = "the same one hop without disguise: Noise and records straight on TCP"


class ThreeHopsBare(ThreeHops):
    name, carrier = "qnet-3hop-bare", "bare"
    what = "the same three hops without disguise"
