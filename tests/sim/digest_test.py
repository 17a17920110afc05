#!/usr/bin/env python3
"""Same scenario and seed, same results: twice, and in every build there is."""
import os
import subprocess
import sys
import unittest

from simtest import BASELINE, QNET_SIM, ROOT, SKIPPED, SMALL, SimTest, digest_of, sim

DIGESTED = ["events.csv", "streams.csv", "circuits.csv", "nodes.csv", "faults.csv", "summary.json"]
BUILDS = ["dev", "release", "clang"]


def newest_source():
    """When a file that goes into qnet-sim last changed."""
    newest = 0.0
    for folder in ("proto", "io-sim/model", "io-sim/helper", "io-sim/program"):
        for at, _, names in os.walk(os.path.join(ROOT, folder)):
            newest = max([newest, *(os.stat(os.path.join(at, name)).st_mtime for name in names
                                    if name.endswith((".c", ".cc", ".h")))])
    return newest


def builds():
    """Programs to compare, and why others are not."""
    programs, missing = {}, []
    for preset in BUILDS:
        program = os.path.join(ROOT, "build", preset, "bin", "qnet-sim")
        if not os.access(program, os.X_OK):
            missing.append(f"build/{preset} is not built")
        elif os.stat(program).st_mtime < newest_source():
            missing.append(f"build/{preset} is older than the sources")
        else:
            programs[preset] = program
    return programs, missing


HEAP = {**os.environ, "NS_GLOBAL_VALUE": "SchedulerType=ns3::HeapScheduler"}
FIXED = ["setarch", "--addr-no-randomize"]


def addresses_can_be_fixed():
    can = subprocess.run([*FIXED, "true"], capture_output=True, check=False).returncode == 0
    if not can:
        print("addresses cannot be fixed here (setarch): that half was not compared")
    return can


class Digests(SimTest):
    def run_small(self, name, seed):
        done = sim("run", BASELINE, *SMALL, "--seed", seed, "--out", self.path(name), "--quiet")
        return digest_of(done)

    def read(self, *names):
        with open(self.path(*names), "rb") as f:
            return f.read()

    def test_a_seed_repeats_and_another_differs(self):
        first = self.run_small("a", "1")
        self.assertEqual(first, self.run_small("b", "1"))
        for name in DIGESTED:
            self.assertEqual(self.read("a", name), self.read("b", name), name)
        self.assertNotEqual(first, self.run_small("c", "2"))
        for name in DIGESTED:
            if name != "faults.csv":  # nobody fails here
                self.assertNotEqual(self.read("a", name), self.read("c", name), name)

    def test_scheduler_and_addresses_do_not_matter(self):
        run = [QNET_SIM, "run", BASELINE, *SMALL, "--seed", "1", "--quiet", "--out"]
        first = self.run_small("f", "1")
        self.assertEqual(first, digest_of(sim(*run[1:], self.path("g"), env=HEAP)))
        short = [*run[1:-1], "--set", "general.stop='10 ms'", "--set", "general.warmup='0 s'", "--out", self.path("h")]
        self.assertIn("HeapScheduler:Insert", sim(*short, env={**HEAP, "NS_LOG": "HeapScheduler"}).stderr, "it was the heap")
        if addresses_can_be_fixed():
            done = subprocess.run([*FIXED, *run, self.path("i")], capture_output=True, text=True, timeout=250, check=False)
            self.assertEqual(first, digest_of(done))

    def test_progress_does_not_change_the_digest(self):
        loud = sim("run", BASELINE, *SMALL, "--seed", "1", "--out", self.path("d"))
        self.assertEqual(digest_of(loud), self.run_small("e", "1"))


class Builds(SimTest):
    """At 100 clients (G7): every build of this source tree that is current, two schedulers, addresses random and fixed."""

    def test_builds_compilers_schedulers_and_addresses_agree(self):
        programs, missing = builds()
        if len(programs) < 2:
            print("SKIPPED: digests of builds not compared:", "; ".join(missing))
            self.skipTest("fewer than two builds")
        digests = {}
        for preset, program in programs.items():
            done = sim("run", BASELINE, "--out", self.path(preset), "--quiet", program=program)
            digests[preset] = digest_of(done)
        quickest = programs["release" if "release" in programs else min(programs)]
        digests["heap scheduler"] = digest_of(sim("run", BASELINE, "--out", self.path("heap"), "--quiet", program=quickest, env=HEAP))
        if addresses_can_be_fixed():
            done = sim(*FIXED[1:], quickest, "run", BASELINE, "--out", self.path("fixed"), "--quiet", program=FIXED[0])
            digests["fixed addresses"] = digest_of(done)
        print("compared:", ", ".join(digests), *(f"(not {why})" for why in missing))
        self.assertEqual(len(set(digests.values())), 1, digests)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "builds":
        result = unittest.main(argv=[sys.argv[0], "Builds"], exit=False).result
        sys.exit(SKIPPED if result.skipped and result.wasSuccessful() else not result.wasSuccessful())
    unittest.main(argv=[sys.argv[0], "Digests"])
