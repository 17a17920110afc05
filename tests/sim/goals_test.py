#!/usr/bin/env python3
"""Goals that scenarios state, at sizes that CI can afford; results/circuits and results/directory-sim have the ensembles."""
import json
import os
import unittest

from simtest import ROOT, SimTest, sim


def scenario(name):
    return os.path.join(ROOT, "sim-scenarios", name + ".yaml")


class Goals(SimTest):
    def run_one(self, name, *settings):
        words = [word for setting in settings for word in ("--set", setting)]
        return sim("run", scenario(name), *words, "--seed", "1", "--out", self.path("out"), "--quiet")

    def summary(self):
        with open(self.path("out", "summary.json"), encoding="utf-8") as f:
            return json.load(f)

    def test_a_long_fat_circuit_is_filled_and_a_small_window_is_noticed(self):
        short = ("general.stop='12 s'", "general.warmup='9 s'",
                 "expect=[{what: clients.goodput_bit_per_s, at_least: 85000000}]")
        done = self.run_one("circuit-fill", *short)
        self.assertEqual(done.returncode, 0, done.stderr)
        small = self.run_one("circuit-fill", *short, "network.conn.max_window='256 KiB'")
        self.assertEqual(small.returncode, 1, "TCP had room for 256 KiB in 150 ms, and nobody noticed")
        self.assertIn("clients.goodput_bit_per_s", small.stderr)

    def test_the_list_is_there_within_200_ms(self):
        done = self.run_one("directory-query", "population.relays.count=10", "population.people.count=10",
                            "expect=[{what: lists.query_ns.n, equals: 10}, {what: lists.query_ns.p50, at_most: 200 ms}]")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(self.summary()["lists"]["query_ns"]["min"], 50_000_000)
        self.assertFalse(os.path.exists(self.path("out", "figs", "users.gp")), "a picture of people who ask for nothing")

    def test_people_at_different_distances_have_equal_shares(self):
        done = self.run_one("fairness-distances", "general.stop='60 s'", "population.people.count=5",
                            "expect=[]")
        self.assertEqual(done.returncode, 0, done.stderr)
        shares = self.summary()["workloads"]["bulk"]["share_permille"]
        self.assertGreaterEqual(shares["least"], 900)
        self.assertLessEqual(shares["most"], 1100)


if __name__ == "__main__":
    unittest.main()
