#!/usr/bin/env python3
"""Seeds of fault-storm.yaml: no promise is broken whatever fails, and afterwards everybody is served."""
import os
import unittest

from simtest import ROOT, SimTest, sim

STORM = os.path.join(ROOT, "sim-scenarios", "fault-storm.yaml")
SEEDS = int(os.environ.get("SIM_SEEDS", "6"))


class Storm(SimTest):
    def test_no_seed_breaks_a_promise_and_every_network_recovers(self):
        failed = []
        for seed in range(1, SEEDS + 1):
            done = sim("run", STORM, "--seed", str(seed), "--quiet", "--out", self.path(f"seed-{seed}"))
            if done.returncode != 0:
                failed.append(f"{done.stderr.strip()}\n  tools/shrink sim sim-scenarios/fault-storm.yaml {seed}")
        self.assertFalse(failed, "\n".join(failed))


unittest.main()
