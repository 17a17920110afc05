#!/usr/bin/env python3
"""Processors: work takes time, a slow one is felt, and the shipped costs are what was measured."""
import json
import os
import subprocess
import sys
import unittest

from simtest import ROOT, SimTest, digest_of, sim

SCENARIO = """\
general: {name: cpu, stop: 20 s}
network:
  regions: [here]
  latency: {local: 5 ms}
  carrier: bare
  access:
    fast: {up: 1 Gbit/s, down: 1 Gbit/s}
%s
population:
  - {role: super, count: 1, access: fast, cpu: %s}
  - {role: web, count: 1, access: fast}
  - {name: people, role: client, count: 2, access: fast, start: {from: 2 s}}
workload:
  - {model: bulk, clients: people, servers: web, sizes: 1 MiB}
"""


class Processors(SimTest):
    def run_on(self, cpu, share):
        self.digest = digest_of(sim("run", self.write("s.yaml", SCENARIO % (cpu, share)), "--out", self.path("o"), "--quiet"))
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            return json.load(f)

    def test_the_shipped_costs_are_the_measured_ones(self):
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "sim-cpu"), "--check"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_slow_processor_is_full_and_carries_less(self):
        free = self.run_on("", "100 %")
        self.assertNotIn("cpu", free)
        quick = self.run_on("  cpu: default", "100 %")
        slow = self.run_on("  cpu: default", "0.1 %")
        busy = quick["cpu"]["super"]["busiest_permille"]
        self.assertGreater(busy, 0)
        self.assertLess(busy, 500)
        self.assertGreater(slow["cpu"]["super"]["busiest_permille"], 800)
        self.assertLess(slow["streams"]["delivered_bytes"], quick["streams"]["delivered_bytes"] // 2)
        self.assertEqual(slow["streams"]["p1_violations"], 0)
        digest = self.digest
        self.run_on("  cpu: default", "0.1 %")
        self.assertEqual(self.digest, digest)


unittest.main()
