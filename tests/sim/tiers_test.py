#!/usr/bin/env python3
"""Tiers M, T and P run one scenario: each repeats itself, T bears M out, and captures are readable."""
import json
import shutil
import subprocess
import unittest

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

# The least that still shares relays: T and P cost ten times what M does. htx_test.py looks at HTX.
TINY = [*SMALL, "--set", "network.carrier=bare", "--set", "general.stop='14 s'", "--set", "population.people.count=6", "--set",
        "workload.browsing.think='2 s'", "--set", "workload.browsing.sizes={50 KiB: 1}"]
# Whole bulk transfers in a few seconds, and enough of them for a median.
TRUTH = [*SMALL, "--set", "network.carrier=bare", "--set", "workload.browsing.think='2 s'", "--set", "workload.browsing.sizes={50 KiB: 8, 256 KiB: 1}"]


class Tiers(SimTest):
    def run_tier(self, name, tier, options, *more):
        done = sim("run", BASELINE, *options, "--seed", "1", "--tier", tier, "--out", self.path(name), "--quiet", *more)
        return digest_of(done)

    def summary(self, name):
        with open(self.path(name, "summary.json"), encoding="utf-8") as f:
            return json.load(f)

    def test_each_tier_repeats_and_differs_from_the_others(self):
        digests = set()
        for tier in "MTP":
            first = self.run_tier(f"{tier}1", tier, TINY)
            self.assertEqual(first, self.run_tier(f"{tier}2", tier, TINY), tier)
            summary = self.summary(f"{tier}1")
            self.assertEqual(summary["tier"], tier)
            self.assertEqual(summary["streams"]["p1_violations"], 0)
            self.assertGreater(summary["streams"]["done"], 5)
            digests.add(first)
        self.assertEqual(len(digests), 3)

    def assert_near(self, a, b, permille, what):
        self.assertLessEqual(abs(a - b) * 1000, permille * a, f"{what}: {a} against {b}")

    def test_tier_m_is_near_tier_t(self):
        """Goal G8: medians within 10 %, p95 within 25 %, delivered bytes within 5 %."""
        for tier in "MT":
            self.run_tier(tier, tier, TRUTH)
        m, t = self.summary("M"), self.summary("T")
        print(sim("compare", self.path("M"), self.path("T")).stdout)
        self.assertGreater(t["measured"]["done"], 40)
        for route in ("fast", "privacy"):
            for what, pick in (("first byte", lambda s: s["ttfb_ns"][route]),
                               ("last byte", lambda s: s["ttlb_ns"][route]["all"])):
                self.assert_near(pick(t)["p50"], pick(m)["p50"], 100, f"{route}, {what}, median")
                self.assert_near(pick(t)["p95"], pick(m)["p95"], 250, f"{route}, {what}, p95")
        self.assert_near(t["streams"]["delivered_bytes"], m["streams"]["delivered_bytes"], 50, "delivered")

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_captures_are_readable(self):
        for tier in "TP":
            self.run_tier(tier, tier, TINY, "--pcap", "people.0", "--pcap", "web.0")
            for host in ("people.0", "web.0"):
                rows = self.tshark(self.path(tier, "pcap", f"{host}.pcap"))
                self.assertGreater(len(rows), 20, (tier, host))
                self.assertTrue(all(sums == "1" for sums, _ in rows), f"{tier}, {host}: TCP sums")
                self.assertTrue(any(flags == "0x0002" for _, flags in rows), f"{tier}, {host}: no SYN")

    def tshark(self, path):
        """TCP checksum status (1 is good) and flags of every packet."""
        done = subprocess.run(["tshark", "-r", path, "-o", "tcp.check_checksum:TRUE", "-T", "fields", "-E",
                               "separator=;", "-e", "tcp.checksum.status", "-e", "tcp.flags"],
                              capture_output=True, text=True, timeout=100, check=True)
        return [line.split(";") for line in done.stdout.splitlines()]


unittest.main()
