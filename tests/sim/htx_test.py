#!/usr/bin/env python3
"""HTX in the simulator: the same bytes as everywhere, readable by others, the same in every run."""
import json
import re
import shutil
import subprocess
import unittest

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

# A client that meets a super and an exit, and what the super's host sees of all of them.
VISITS = [*SMALL, "--tier", "T", "--set", "general.stop='11 s'", "--set", "population.people.count=2", "--set",
          "workload.browsing.think='1 s'", "--set", "workload.browsing.sizes={50 KiB: 1}"]
HOSTS = ["people.0", "supers.0"]
NAME = re.compile(r"site\d+\.example$")


class Htx(SimTest):
    def visit(self, name, seed="1"):
        captures = [word for host in HOSTS for word in ("--pcap", host)]
        done = sim("run", BASELINE, *VISITS, "--seed", seed, "--out", self.path(name), "--quiet", *captures)
        return digest_of(done)

    def bytes_of(self, name):
        contents = []
        for host in HOSTS:
            with open(self.path(name, "pcap", f"{host}.pcap"), "rb") as f:
                contents.append(f.read())
        return contents

    def test_every_byte_on_the_wire_repeats(self):
        first = self.visit("a")
        self.assertEqual(first, self.visit("b"))
        self.assertEqual(self.bytes_of("a"), self.bytes_of("b"))
        self.assertNotEqual(first, self.visit("c", seed="2"))
        for one, other in zip(self.bytes_of("a"), self.bytes_of("c")):
            self.assertNotEqual(one, other)
        with open(self.path("a", "summary.json"), encoding="utf-8") as f:
            summary = json.load(f)
        self.assertEqual(summary["carrier"], "htx")
        self.assertGreater(summary["streams"]["done"], 0)

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_a_dissector_sees_tls_13_to_the_sites(self):
        self.visit("a")
        for host in HOSTS:
            path = self.path("a", "pcap", f"{host}.pcap")
            names = self.tshark(path, "tls.handshake.type == 1", "tls.handshake.extensions_server_name")
            self.assertTrue(names, f"{host}: no ClientHello")
            for name in names:
                self.assertRegex(name, NAME)
            # A conn still opening when the run ends has a hello and no answer yet.
            answers = self.tshark(path, "tls.handshake.type == 2", "tls.handshake.extensions.supported_version")
            self.assertGreaterEqual(len(answers), len(names) - 2)
            self.assertEqual(set(answers), {"0x0304"}, host)
            self.assertGreater(len(self.tshark(path, "tls.record.opaque_type == 23", "frame.number")), 20)
            self.assertEqual(self.tshark(path, "tcp.port == 443 && tcp.len > 0 && _ws.malformed", "frame.number"), [])

    def test_the_bare_carrier_is_no_tls(self):
        """A capture test that would call anything TLS is worth nothing."""
        if not shutil.which("tshark"):
            self.skipTest("tshark is not installed")
        done = sim("run", BASELINE, *VISITS, "--set", "network.carrier=bare", "--out", self.path("o"), "--quiet",
                   "--pcap", "people.0")
        digest_of(done)
        path = self.path("o", "pcap", "people.0.pcap")
        self.assertEqual(self.tshark(path, "tls.handshake.type == 1", "frame.number"), [])
        self.assertGreater(len(self.tshark(path, "tcp.port == 443 && tcp.len > 0", "frame.number")), 20)

    def tshark(self, path, selection, field):
        done = subprocess.run(["tshark", "-r", path, "-Y", selection, "-T", "fields", "-e", field],
                              capture_output=True, text=True, timeout=100, check=True)
        return done.stdout.split()


unittest.main()
