#!/usr/bin/env python3
"""tools/shrink: of a plan of faults only those stay that a failure needs."""
import argparse
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import mutants_test as mutants  # noqa: E402  (beside this file)

SHRINK = os.path.join(mutants.ROOT, "tools", "shrink")
BUILD = None
# An application whose stream failed hears a clean end: promise P1 broken by whatever ends a stream in its middle.
PLANTED = ("node/edge.c", "        conns_todo(&e->n->conns, e->conn, TODO_RESET);",
           "        conns_todo(&e->n->conns, e->conn, TODO_SEND | TODO_CLOSE);", "pocket_storm_test")


def load():
    loader = importlib.machinery.SourceFileLoader("shrink", SHRINK)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("shrink", loader))
    loader.exec_module(module)
    return module


class Shrink(unittest.TestCase):
    def minimal(self, items, needed):
        asked = []

        def fails(some):
            asked.append(some)
            return set(needed) <= set(some)

        self.assertEqual(load().ddmin(items, fails), sorted(needed))
        return len(asked)

    def test_what_a_failure_needs_stays_and_nothing_else(self):
        for needed in ([], [0], [63], [5, 6], [0, 63], [3, 17, 40], list(range(0, 64, 9))):
            self.assertLess(self.minimal(list(range(64)), needed), 400)
        self.minimal([4], [4])
        self.minimal([4], [])
        self.minimal([], [])

    def test_a_program_that_draws_no_plan_is_said_in_a_sentence(self):
        with tempfile.TemporaryDirectory(prefix="qnet-shrink-") as out:
            for program in ("/nonexistent", "/bin/false"):
                for world in (["pocket", "1"], ["sim", "x.yaml", "1"]):
                    done = subprocess.run([SHRINK, *world, "--program", program, "--out", out], text=True,
                                          capture_output=True, check=False)
                    self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)

    def test_a_planted_bug_is_shrunk_to_one_fault(self):
        file, old, new, target = PLANTED
        with tempfile.TemporaryDirectory(prefix="qnet-shrink-") as scratch:
            mutants.mutate(scratch, file, old, new)
            program = mutants.build_mutant(BUILD, scratch, target, file)
            out = os.path.join(scratch, "out")
            done = subprocess.run([SHRINK, "pocket", "1", "--program", program, "--out", out], text=True,
                                  capture_output=True, check=False, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("fails: P1: ", done.stdout)
            with open(os.path.join(out, "plan.txt"), encoding="utf-8") as f:
                drawn = f.read().splitlines()
            with open(os.path.join(out, "minimal.txt"), encoding="utf-8") as f:
                minimal = f.read().splitlines()
            self.assertEqual(len(drawn), 12)
            self.assertEqual(len(minimal), 1, done.stdout)
            self.assertIn(minimal[0], drawn)
            with open(os.path.join(out, "trace.txt"), encoding="utf-8") as f:
                trace = f.read()
            self.assertIn("fault " + minimal[0], trace)
            self.assertIn("P1: ", trace)

    def test_a_seed_that_does_not_fail_is_said_to(self):
        with tempfile.TemporaryDirectory(prefix="qnet-shrink-") as scratch:
            done = subprocess.run([SHRINK, "pocket", "1", "--build", BUILD, "--out", scratch], text=True,
                                  capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, "this seed does not fail\n"), done.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    known, rest = parser.parse_known_args()
    BUILD = os.path.realpath(known.build)
    unittest.main(argv=[sys.argv[0], *rest])
