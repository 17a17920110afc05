#!/usr/bin/env python3
"""A world that fakes the core cannot pass: the core's own counters must account for the workload."""
import csv
import json
import unittest

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

CELL_DATA = 16248  # application bytes in a large cell (docs/wire/cell.md)


class Counters(SimTest):
    @classmethod
    def setUpClass(cls):
        cls.results = None

    def setUp(self):
        super().setUp()
        digest_of(sim("run", BASELINE, *SMALL, "--seed", "3", "--out", self.path("o"), "--quiet"))
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            self.summary = json.load(f)
        with open(self.path("o", "streams.csv"), newline="", encoding="utf-8") as f:
            self.streams = list(csv.DictReader(f))
        self.all = self.summary["core"]["all"]

    def delivered(self, hops):
        return sum(int(s["bytes"]) for s in self.streams if int(s["hops"]) == hops)

    def test_counters_account_for_the_workload(self):
        one, three = self.delivered(1), self.delivered(3)
        self.assertGreater(one, 500_000)
        self.assertGreater(three, 500_000)
        self.assertEqual(self.summary["streams"]["delivered_bytes"], one + three)
        self.assertEqual(self.summary["streams"]["p1_violations"], 0)

        # Two AEAD passes over one hop, ten over three; padding and control on top, but bounded.
        passes = 2 * one + 10 * three
        self.assertGreaterEqual(self.all["aead_bytes"], passes)
        self.assertLess(self.all["aead_bytes"], 1.5 * passes)

        # Each cell is handled by the client and three hops.
        self.assertGreaterEqual(self.all["cells_backward"] * CELL_DATA, 4 * three)
        # Two relays pass every byte of three hops on.
        self.assertGreaterEqual(self.all["relayed_bytes"], 2 * three)
        self.assertLess(self.all["relayed_bytes"], 2.5 * three)

        # Two sides of a handshake: at least two key agreements each (Noise XK has three, NK two).
        self.assertGreaterEqual(self.all["dh"], 2 * self.all["handshakes"])
        # Every circuit of three needs two hop handshakes behind its link.
        self.assertGreaterEqual(self.all["handshakes"], 2 * self.all["circuits_built"])

        # Clients delivered what exits fetched; only bytes under way at the end differ.
        people = self.summary["core"]["people"]
        self.assertGreaterEqual(people["app_down_bytes"], one + three)
        self.assertGreaterEqual(self.all["exit_bytes"], people["app_down_bytes"])
        self.assertGreaterEqual(self.all["exit_ok"], len([s for s in self.streams if s["outcome"] == "done"]))
        self.assertGreaterEqual(self.summary["network"]["sent_bytes"], 3 * one + 5 * three - one - three)

    def test_every_route_took_the_hops_it_promises(self):
        for stream in self.streams:
            if stream["outcome"] == "done":
                self.assertEqual(stream["hops"], "1" if stream["route"] == "fast" else "3", stream)


unittest.main()
