#!/usr/bin/env python3
"""A sweep runs what is missing, keeps what is there, and merges it into intervals that hold."""
import csv
import json
import os
import unittest

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

TINY = [*SMALL, "--set", "general.stop='12 s'", "--set", "population.people.count=4", "--set", "network.carrier=bare"]


class Sweeps(SimTest):
    def sweep(self, *options):
        return sim("sweep", BASELINE, *TINY, "--out", self.path("s"), "--jobs", "2", *options)

    def test_a_sweep_resumes_and_merges(self):
        done = self.sweep("--seeds", "1-2")
        self.assertEqual(done.returncode, 0, done.stderr)
        kept = os.stat(self.path("s", "seed-1", "summary.json")).st_mtime_ns
        done = self.sweep("--seeds", "1-3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 of 1 done", done.stdout)
        self.assertEqual(os.stat(self.path("s", "seed-1", "summary.json")).st_mtime_ns, kept)
        alone = digest_of(sim("run", BASELINE, *TINY, "--seed", "3", "--out", self.path("alone"), "--quiet"))
        with open(self.path("s", "seed-3.log"), encoding="utf-8") as f:
            self.assertIn(alone, f.read())
        self.assert_merged("streams.asked", [self.asked(seed) for seed in (1, 2, 3)])

    def asked(self, seed):
        with open(self.path("s", f"seed-{seed}", "summary.json"), encoding="utf-8") as f:
            return json.load(f)["streams"]["asked"]

    def assert_merged(self, metric, values):
        with open(self.path("s", "sweep.csv"), newline="", encoding="utf-8") as f:
            row = {r["metric"]: r for r in csv.DictReader(f)}[metric]
        mean = sum(values) / 3
        margin = 4.303 * (sum((v - mean) ** 2 for v in values) / 2 / 3) ** 0.5
        self.assertEqual(row["runs"], "3")
        for key, expected in (("mean", mean), ("low95", mean - margin), ("high95", mean + margin)):
            self.assertAlmostEqual(float(row[key]), expected, delta=0.06)

    def test_changed_options_are_run_again(self):
        self.assertEqual(self.sweep("--seeds", "1").returncode, 0)
        done = self.sweep("--seeds", "1", "--set", "population.people.count=3")
        self.assertIn("1 of 1 done", done.stdout)

    def test_wrong_usage_is_one_sentence(self):
        self.assert_one_sentence(self.sweep("--seeds", "5-1"), 2, "--seeds 5-1")
        self.assert_one_sentence(self.sweep("--seeds", "x"), 2, "x")
        self.assert_one_sentence(self.sweep("--seed", "1"), 2, '"--seeds"')


unittest.main()
