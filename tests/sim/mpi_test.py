#!/usr/bin/env python3
"""ns-3's MPI engine: two processes make what one makes, to the byte."""
import json
import os
import subprocess
import sys
import unittest

from simtest import BASELINE, ROOT, SKIPPED, SMALL, SimTest, sim

TOOL = os.path.join(ROOT, "tools", "ns3-mpi")
ONE_SECOND = ["--set", "general.stop='1 s'", "--set", "general.warmup='0 s'"]


def tool(*arguments):
    return subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, check=False)


class Alone(SimTest):
    """What needs no MPI."""

    def test_debians_ns3_has_no_ranks_and_says_so(self):
        done = sim("rank", BASELINE, *SMALL, *ONE_SECOND, "--out", self.path("r"))
        if done.returncode == 0:
            self.skipTest("this qnet-sim stands on an ns-3 with MPI")
        self.assertIn("tools/ns3-mpi", done.stderr)

    def test_wrong_usage_is_one_sentence_and_status_2(self):
        for arguments in ([], ["run", BASELINE], ["run", BASELINE, "--out", "x", "--ranks", "0"], ["compare", "--times", "2"]):
            done = tool(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("error:", done.stderr)
        self.assertEqual(tool("--help").returncode, 0)


class Ranks(SimTest):
    """Long: ns-3 and qnet-sim are built first, if they are not there."""

    @classmethod
    def setUpClass(cls):
        built = tool("build")
        if built.returncode == 3:
            print("SKIPPED:", built.stderr.strip())
            raise unittest.SkipTest("ns-3 with MPI cannot be built here")

    def compare(self, *more):
        small = [*SMALL, "--set", "workload.browsing.think='2 s'", *more]
        done = tool("compare", BASELINE, "--out", self.path("c"), *small)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("digests are the same", done.stdout)
        with open(self.path("c", "ranks-2", "run.json"), encoding="utf-8") as f:
            facts = json.load(f)
        self.assertEqual(len(facts["processes"]), 2)
        for process in facts["processes"]:  # both had something to do, and with each other
            self.assertGreater(process["simulator_events"], sum(p["simulator_events"] for p in facts["processes"]) // 10)
            self.assertGreater(process["crossed_packets"], 1000)
        for name in ("events.csv", "streams.csv", "circuits.csv", "nodes.csv", "faults.csv", "summary.json", "scenario.yaml"):
            one, two = (self.read("c", f"ranks-{ranks}", name) for ranks in (1, 2))
            self.assertEqual(one, two, name)
        self.assertIn("processes", self.read("c", "ranks-2", "report.html"))
        self.assertEqual([n for n in os.listdir(self.path("c", "ranks-2")) if "rank-" in n], [], "parts are gone")

    def read(self, *path):
        with open(self.path(*path), encoding="utf-8") as f:
            return f.read()

    def test_two_processes_make_what_one_makes_on_the_bare_carrier(self):
        self.compare("--set", "network.carrier=bare")

    def test_two_processes_make_what_one_makes_over_htx(self):
        self.compare("--set", "network.carrier=htx")

    def test_crashes_are_the_same_in_two_processes(self):
        self.compare("--set", "network.carrier=bare", "--set", "faults=[{kind: crash, group: relays, share: 50 %, at: 12 s, back: 4 s}]")

    def test_more_processes_than_regions_are_refused(self):
        refused = tool("run", BASELINE, "--ranks", "64", "--out", self.path("d"), *SMALL)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("a region is simulated by one process", refused.stderr)


if __name__ == "__main__":
    if sys.argv[1:] == ["ranks"]:
        result = unittest.main(argv=[sys.argv[0], "Ranks"], exit=False).result
        sys.exit(SKIPPED if result.skipped and result.wasSuccessful() else not result.wasSuccessful())
    unittest.main(argv=[sys.argv[0], "Alone"])
