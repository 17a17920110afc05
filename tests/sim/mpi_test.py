#!/usr/bin/env python3
"""ns-3's MPI engine: records are put together in one order, and two processes make the same as one."""
import os
import subprocess
import sys
import unittest

from simtest import BASELINE, ROOT, SKIPPED, SMALL, SimTest, sim

sys.path.insert(0, os.path.join(ROOT, "tools", "ns3.d"))
from records import merge  # noqa: E402

TOOL = os.path.join(ROOT, "tools", "ns3-mpi")
HEADER = "client,workload,region,route,size_bytes,start_ns,ttfb_ns,circuit\n"


class Merge(SimTest):
    def merged(self, *parts):
        names = [self.write(f"part{i}.csv", part) for i, part in enumerate(parts)]
        merge(names, self.path("all.csv"))
        with open(self.path("all.csv"), encoding="utf-8") as f:
            return f.read()

    def test_rows_come_in_order_of_time_however_they_were_dealt_out(self):
        early, late, last = "7,web,a,fast,1,50,9,1\n", "3,web,b,fast,1,60,,2\n", "9,web,b,fast,1,100,8,0\n"
        whole = HEADER + early + late + last
        self.assertEqual(self.merged(HEADER + late + early, HEADER + last), whole)
        self.assertEqual(self.merged(HEADER + last + late + early), whole)
        self.assertEqual(self.merged(HEADER, HEADER + last + early, HEADER + late), whole)

    def test_a_time_that_never_came_is_last(self):
        header = "client,circuit,hops,built_at_ns,build_ns,ended_at_ns,end\n"
        never, built = "1,5,3,,,20,x\n", "1,6,3,900,7,,\n"
        self.assertEqual(self.merged(header + never + built), header + built + never)

    def test_rows_of_another_kind_are_refused(self):
        with self.assertRaises(ValueError):
            self.merged("what,ever\n1,2\n")

    def test_debians_ns3_has_no_ranks_and_says_so(self):
        done = sim("rank", BASELINE, *SMALL, "--set", "general.stop='1 s'", "--set", "general.warmup='0 s'", "--out", self.path("r"))
        if done.returncode == 0:
            self.skipTest("this qnet-sim stands on an ns-3 with MPI")
        self.assertIn("tools/ns3-mpi", done.stderr)


class Ranks(SimTest):
    """Long: ns-3 and qnet-sim are built first, if they are not there."""

    def tool(self, *arguments):
        return subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True, check=False)

    def test_two_processes_make_the_records_of_one(self):
        built = self.tool("build")
        if built.returncode == 3:
            print("SKIPPED:", built.stderr.strip())
            self.skipTest("ns-3 with MPI cannot be built here")
        small = [*SMALL, "--set", "network.carrier=bare", "--set", "workload.browsing.think='2 s'"]
        done = self.tool("compare", BASELINE, "--out", self.path("c"), *small)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("the same to the byte", done.stdout)
        for rank in (0, 1):  # both had something to do
            with open(self.path("c", "ranks-2", f"rank-{rank}", "events.csv"), encoding="utf-8") as f:
                self.assertGreater(len(f.readlines()), 20)
        refused = self.tool("run", BASELINE, "--ranks", "64", "--out", self.path("d"), *small)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("a region is simulated by one process", refused.stderr)


if __name__ == "__main__":
    if sys.argv[1:] == ["ranks"]:
        result = unittest.main(argv=[sys.argv[0], "Ranks"], exit=False).result
        sys.exit(SKIPPED if result.skipped and result.wasSuccessful() else not result.wasSuccessful())
    unittest.main(argv=[sys.argv[0], "Merge"])
