"""Tor: a private test network on loopback (1 authority, 3 relays, 1 client, all real tor processes), circuits
pinned to r1 -> r2 -> r3 -> origin.

Nothing is throttled: no bandwidth limit below tor's own maximum, no subnet or family rules, no padding, no
conflux, no DoS limits. As shipped, the KIST scheduler wakes every 10 ms a hop, and on a network without
latency that wait, not tor's code, sets the speed; do not claim victory over it. The variants differ in what
the public network sets by consensus: the scheduler, and the congestion control."""
import os
import re
import subprocess
import time

from chain import free_port, run
from target import Target, program

VEGAS = "cc_alg=2"                       # what the public network votes
VEGAS_WIDE = VEGAS + " cc_cwnd_min=1000 cc_cwnd_init=1000"
SENDME = "cc_alg=0"                      # the older fixed windows

COMMON = """
TestingTorNetwork 1
DataDirectory {folder}
Nickname {role}
RunAsDaemon 0
Log notice stdout
ShutdownWaitLength 0
ContactInfo none
AssumeReachable 1
DirAuthority {authority}
EnforceDistinctSubnets 0
ExtendAllowPrivateAddresses 1
BandwidthRate 2147483647
BandwidthBurst 2147483647
Schedulers {scheduler}
"""
RELAY = """
Address 127.0.0.1
ORPort 127.0.0.1:{port} IPv4Only
SocksPort 0
DirCache 1
DoSStreamCreationEnabled 0
DoSCircuitCreationEnabled 0
DoSConnectionEnabled 0
"""
AUTHORITY = """
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
DirPort 127.0.0.1:{dir_port}
V3AuthVotingInterval 20 seconds
V3AuthVoteDelay 2 seconds
V3AuthDistDelay 2 seconds
TestingV3AuthInitialVotingInterval 10 seconds
TestingV3AuthInitialVoteDelay 2 seconds
TestingV3AuthInitialDistDelay 2 seconds
TestingDirAuthVoteGuard *
TestingDirAuthVoteExit *
TestingMinExitFlagThreshold 0
ConsensusParams {congestion} CircuitPriorityHalflifeMsec=30000
"""
EXIT = """
ExitRelay 1
ExitPolicyRejectPrivate 0
ExitPolicy accept *:*
ReducedExitPolicy 0
"""
BRIDGE = """
BridgeRelay 1
BridgeDistribution none
PublishServerDescriptor 0
ExtORPort auto
ServerTransportPlugin obfs4 exec {obfs4}
ServerTransportListenAddr obfs4 127.0.0.1:{port}
"""
CLIENT = """
SocksPort 127.0.0.1:{port}
MiddleNodes {middle}
ExitNodes {exit}
ConnectionPadding 0
CircuitPadding 0
ConfluxEnabled 0
StrictNodes 1
NumEntryGuards 1
LearnCircuitBuildTimeout 0
CircuitBuildTimeout 60
MaxCircuitDirtiness 3600
CircuitStreamTimeout 60
ClientRejectInternalAddresses 0
KeepalivePeriod 3600
"""


class TorNetwork(Target):
    hops, settle = 3, 3
    packages, needs = ("tor",), ("tor", "tor-gencert")
    scheduler, congestion, bridge = "KIST", VEGAS, False

    def start(self):
        self.ports = {role: free_port() for role in ("auth", "r1", "r2", "r3", "client", "dir", "obfs4")}
        for role in ("auth", "r1", "r2", "r3", "client"):
            os.makedirs(self.chain.path(f"{role}/keys"), mode=0o700)
            os.chmod(self.chain.path(role), 0o700)
        prints = self._start_relays(self._make_authority())
        self._wait_for_consensus()
        self.socks = f"127.0.0.1:{self.ports['client']}"
        self.chain.spawn("tor-client", ["tor", "-f", self.chain.write("client/torrc", self._client(prints))],
                         self.ports["client"])
        self._wait_for_circuit()

    def _make_authority(self):
        """Creates the authority's keys; returns its DirAuthority line without the relay fingerprint."""
        key, certificate = "auth/keys/authority_identity_key", "auth/keys/authority_certificate"
        read_end, write_end = os.pipe()
        os.write(write_end, b"bench\n")
        os.close(write_end)
        run("tor-gencert", "--create-identity-key", "--passphrase-fd", str(read_end), "-m", "12",
            "-a", f"127.0.0.1:{self.ports['dir']}", "-i", self.chain.path(key),
            "-s", self.chain.path("auth/keys/authority_signing_key"), "-c", self.chain.path(certificate),
            pass_fds=(read_end,))
        os.close(read_end)
        with open(self.chain.path(certificate)) as f:
            identity = re.search(r"^fingerprint ([0-9A-F]{40})", f.read(), re.M)[1]
        return (f"auth orport={self.ports['auth']} no-v2 v3ident={identity} "
                f"127.0.0.1:{self.ports['dir']} ")

    def _start_relays(self, line):
        """Starts the authority and the relays; returns role -> fingerprint."""
        self.authority = line + "F" * 40         # until its own fingerprint is known
        self.authority = line + self._fingerprint("auth")
        prints = {}
        for role in ("auth", "r1", "r2", "r3"):
            prints[role] = self._fingerprint(role)
            self.chain.spawn(f"tor-{role}", ["tor", "-f", self.chain.path(f"{role}/torrc")], self.ports[role])
        return prints

    def _fingerprint(self, role):
        """Writes the relay's torrc, has tor make its keys, returns its fingerprint."""
        torrc = self.chain.write(f"{role}/torrc", self._relay(role))
        return "".join(run("tor", "-f", torrc, "--list-fingerprint", "--hush").split()[-10:])

    def _common(self, role):
        return COMMON.format(folder=self.chain.path(role), role=role, authority=self.authority,
                             scheduler=self.scheduler)

    def _relay(self, role):
        text = self._common(role) + RELAY.format(port=self.ports[role])
        if role == "auth":
            text += AUTHORITY.format(dir_port=self.ports["dir"], congestion=self.congestion)
        if role == "r1" and self.bridge:
            text += BRIDGE.format(obfs4=program("obfs4proxy"), port=self.ports["obfs4"])
        return text + (EXIT if role == "r3" else "ExitRelay 0\n")

    def _client(self, prints):
        text = self._common("client") + CLIENT.format(port=self.ports["client"], middle=prints["r2"],
                                                      exit=prints["r3"])
        if not self.bridge:
            return text + f"EntryNodes {prints['r1']}\n"
        with open(self.chain.path("r1/pt_state/obfs4_bridgeline.txt")) as f:
            certificate = re.search(r"cert=(\S+)", f.read())[1]
        return text + (f"UseBridges 1\nClientTransportPlugin obfs4 exec {program('obfs4proxy')}\n"
                       f"Bridge obfs4 127.0.0.1:{self.ports['obfs4']} {prints['r1']} cert={certificate} "
                       "iat-mode=0\n")

    def _wait_for_consensus(self):
        """The client joins once a consensus lists every relay it needs (a bridge is not in it)."""
        path, wanted = self.chain.path("r2/cached-microdesc-consensus"), 3 if self.bridge else 4
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if os.path.exists(path):
                with open(path) as f:
                    if len(re.findall(r"^r ", f.read(), re.M)) >= wanted:
                        return
            time.sleep(0.5)
        raise RuntimeError("no consensus in 120 s\n" + self.chain.tail("tor-auth"))

    def _wait_for_circuit(self):
        probe = ["curl", "-s", "-o", os.devnull, "--max-time", "5", "--socks5", self.socks, self.url("small")]
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if "Bootstrapped 100%" in self.chain.tail("tor-client", 20000) and subprocess.call(probe) == 0:
                return
            time.sleep(1)
        raise RuntimeError("the client found no circuit in 120 s\n" + self.chain.tail("tor-client", 3000))


class Kist(TorNetwork):
    name = "tor-3hop-kist"
    what = "private tor network, 3 hops, as shipped: KIST every 10 ms, Vegas (as the public network votes)"


class Vanilla(TorNetwork):
    name, what, scheduler = "tor-3hop", "the same, Vanilla scheduler: no pacing at all", "Vanilla"


class FixedWindows(TorNetwork):
    name, what = "tor-3hop-sendme", "Vanilla scheduler and the older fixed SENDME windows"
    scheduler, congestion = "Vanilla", SENDME


class Fastest(TorNetwork):
    name = "tor-3hop-max"
    what = "Vanilla scheduler, Vegas with its window floor at 1000 cells: as fast as tor's code gets"
    scheduler, congestion = "Vanilla", VEGAS_WIDE


class Obfs4(TorNetwork):
    name, hops, bridge = "tor-obfs4", 4, True
    what = "tor-3hop-max with an obfs4proxy pair in front (4 hops in effect)"
    packages, needs = ("tor", "obfs4proxy"), ("tor", "tor-gencert", "obfs4proxy")
    scheduler, congestion = "Vanilla", VEGAS_WIDE
