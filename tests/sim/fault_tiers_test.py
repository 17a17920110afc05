#!/usr/bin/env python3
"""Every fault of the scenario language happens in tiers T and P: its effect is there while it lasts, and passes."""
import csv
import json
import unittest

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

SECOND = 1_000_000_000
# Everybody but people is abroad, so whatever reaches them crosses a border. One fault after another.
SCENARIO = """\
general: {name: fault-tiers, stop: 74 s, warmup: 4 s}
network:
  carrier: bare
  regions: [home, abroad, island]
  latency: {local: 4 ms, between: [[home, abroad, 20 ms], [home, island, 25 ms], [abroad, island, 30 ms]]}
  access:
    home: {up: 10 Mbit/s, down: 50 Mbit/s}
    line: {up: 100 Mbit/s, down: 100 Mbit/s}
  conn: {segment: 8948 B}
population:
  - {name: supers, role: super, count: 1, access: line, regions: {abroad: 1}}
  - {name: relays, role: relay, count: 4, access: line, regions: {abroad: 1}}
  - {name: exits, role: exit, count: 2, access: line, regions: {abroad: 1}}
  - {name: web, role: web, count: 1, access: line, regions: {abroad: 1}}
  - {name: people, role: client, count: 4, access: home, regions: {home: 1}, route: {privacy: 1}, start: {from: 1 s}}
  - {name: crowd, role: client, count: 6, access: home, regions: {home: 1}, start: {from: 66 s, over: 1 s}}
workload:
  - {name: all, model: web, clients: people, servers: web, sizes: {50 KiB: 1}, think: 300 ms, timeout: 10 s}
  - {name: late, model: web, clients: crowd, servers: web, sizes: {50 KiB: 1}, think: 300 ms, timeout: 10 s}
faults:
  - {kind: partition, regions: [home, abroad], at: 6 s, for: 3 s}
  - {kind: cut-off, region: home, at: 13 s, for: 3 s}
  - {kind: crash, group: exits, at: 20 s, back: 3 s}
  - {kind: slow, group: exits, at: 28 s, for: 4 s, to: 0.1 %}
  - {kind: disk-loss, group: exits, at: 37 s, back: 3 s}
  - {kind: clock, group: people, at: 45 s, for: 3 s, ahead: 2 h}
  - {kind: lying, group: relays, at: 50 s, for: 4 s, lies: [flip, drop, replay, reorder, swap, delay]}
  - {kind: churn, group: relays, at: 54 s, up: 8 s, down: 3 s}
  - {kind: storm, groups: [relays], at: 60 s, over: 3 s, count: 3}
"""


class FaultsOfTiers(SimTest):
    def run_tier(self, tier, name):
        scenario = self.write("faults.yaml", SCENARIO)
        return digest_of(sim("run", scenario, "--tier", tier, "--out", self.path(name), "--quiet"))

    def rows(self, name, file):
        with open(self.path(name, file), newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))


if __name__ == "__main__":
    unittest.main()
