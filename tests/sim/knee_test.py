#!/usr/bin/env python3
"""tools/sim-knee: where a sweep's curves bend, by sweeps whose answer is known."""
import json
import os
import subprocess
import sys
import unittest

from simtest import ROOT, SimTest


class Knee(SimTest):
    def sweep(self, *curves, key="population.people.count"):
        """One curve for each seed: {load: value}."""
        for seed, curve in enumerate(curves, 1):
            for load, value in curve.items():
                folder = self.path(f"{key}={load}", f"seed-{seed}")
                os.makedirs(folder)
                with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as f:
                    json.dump({"wait_ns": {"p95": value}}, f)

    def knee(self, *words, metric="wait_ns.p95"):
        return subprocess.run([sys.executable, os.path.join(ROOT, "tools", "sim-knee"), self.folder, "--metric", metric,
                               *words], capture_output=True, text=True, check=False)

    def test_a_line_is_cut_where_it_is_twice_its_beginning(self):
        self.sweep({20: 100, 40: 100, 100: 160, 120: 360})
        done = self.knee()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("seed 1: 104.0", done.stdout)  # 160 + (360 - 160) * 4 / 20 is 200
        self.assertIn("no interval", done.stdout)

    def test_loads_are_ordered_as_numbers(self):
        self.sweep({20: 100, 100: 300, 3: 50})
        self.assertIn("seed 1: 20.0", self.knee().stdout)

    def test_the_interval_is_of_the_seeds(self):
        self.sweep({0: 100, 10: 200}, {0: 100, 20: 200, 10: 100}, {0: 100, 10: 200})
        self.assertEqual(self.knee().returncode, 2, "seeds with other loads")
        self.sweep_again({0: 100, 10: 300}, {0: 100, 10: 200}, {0: 100, 10: 600})
        done = self.knee()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("at 5.7 +- 10.0 (3 seeds)", done.stdout)  # of 5, 10 and 2: 4.30 * 4.04 / sqrt(3)

    def sweep_again(self, *curves):
        self.setUp()
        self.sweep(*curves)

    def test_a_seed_that_never_gets_there_is_no_interval(self):
        self.sweep({1: 100, 2: 300}, {1: 100, 2: 150})
        done = self.knee()
        self.assertEqual(done.returncode, 1)
        self.assertIn("seed 2: not reached", done.stdout)
        self.assertIn("in 1 of 2 seeds only", done.stdout)
        self.assertEqual(self.knee("--factor", "1.5").returncode, 0)

    def test_what_is_no_sweep_is_one_sentence(self):
        self.assertEqual(self.knee().returncode, 2)
        self.sweep({1: 0, 2: 300})
        for words, metric in (((), "wait_ns.p95"), ((), "wait_ns.p5"), ((), "wait_ns"), (("--factor", "1"), "wait_ns.p95")):
            done = self.knee(*words, metric=metric)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertTrue(done.stderr.startswith("sim-knee: "), done.stderr)


if __name__ == "__main__":
    unittest.main()
