#!/usr/bin/env python3
"""What shipped scenarios say of load, of distance and of a small machine, at sizes that CI can afford; results/simulator has the ensembles."""
import json
import os
import unittest

from simtest import ROOT, SimTest, sim


class Loads(SimTest):
    def run_one(self, name, *settings):
        words = [word for setting in settings for word in ("--set", setting)]
        path = os.path.join(ROOT, "sim-scenarios", name + ".yaml")
        return sim("run", path, *words, "--seed", "1", "--out", self.path("out"), "--quiet")

    def summary(self):
        with open(self.path("out", "summary.json"), encoding="utf-8") as f:
            return json.load(f)

    def test_the_wide_area_figures_hold_and_distance_is_noticed(self):
        for name in ("wide-area", "wide-area-three-hops"):
            with self.subTest(scenario=name):
                done = self.run_one(name, "general.stop='24 s'")
                self.assertEqual(done.returncode, 0, done.stderr)
        far = self.run_one("wide-area", "general.stop='24 s'", "network.latency.spread='40 ms'")
        self.assertEqual(far.returncode, 1, "hosts were 17 ms further apart, and nobody noticed")
        self.assertIn("answer_ns.fast.p50", far.stderr)

    def test_load_is_seen_in_uplinks_queues_and_waits(self):
        few, many = (self.loads_of(count) for count in (15, 120))
        for summary in (few, many):
            relays = summary["loads"]["relays"]
            self.assertGreaterEqual(relays["busiest_permille"], relays["permille"])
            self.assertLessEqual(relays["busiest_permille"], 1010)
            self.assertEqual(relays["queued_bytes"]["n"], 9 * 9)  # nine relays, each second between warm-up and end
        self.assertLess(few["loads"]["relays"]["permille"], 300)
        self.assertGreater(many["loads"]["relays"]["permille"], 600)
        for path in (("loads", "relays", "queued_bytes", "p90"), ("answer_ns", "privacy", "p90")):
            low, high = few, many
            for key in path:
                low, high = low[key], high[key]
            self.assertGreater(high, 1.5 * low, path)

    def loads_of(self, count):
        done = self.run_one("load-sweep", "general.stop='35 s'", f"population.people.count={count}", "expect=[]")
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.summary()

    def test_a_small_super_carries_forty_and_one_without_memory_does_not(self):
        short = ("general.stop='26 s'", "population.people.count=40")
        done = self.run_one("small-super", *short)
        self.assertEqual(done.returncode, 0, done.stderr)
        held = self.summary()["memory"]["super"]["peak_bytes"]
        self.assertGreater(held, 1 << 20)
        short_of = self.run_one("small-super", *short, "population.super.memory='512 KiB'")
        self.assertEqual(short_of.returncode, 1, "the core held what it needed, whatever its cap")
        self.assertIn("measured.failed_permille", short_of.stderr)
        self.assertLessEqual(self.summary()["memory"]["super"]["peak_bytes"], 512 << 10)
        self.assertEqual(self.summary()["streams"]["p1_violations"], 0)


if __name__ == "__main__":
    unittest.main()
