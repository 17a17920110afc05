#!/usr/bin/env python3
"""Every fault of the scenario language happens in tiers T and P: its effect is there while it lasts, and passes."""
import csv
import json
import unittest

from simtest import SimTest, digest_of, sim

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
  - {name: people, role: client, count: 3, access: home, regions: {home: 1}, route: {privacy: 1}, start: {from: 1 s}}
  - {name: crowd, role: client, count: 6, access: home, regions: {home: 1}, route: {privacy: 1}, start: {from: 66 s, over: 1 s}}
workload:
  - {name: all, model: web, clients: people, servers: web, sizes: {50 KiB: 1}, think: 500 ms, timeout: 10 s}
  - {name: late, model: web, clients: crowd, servers: web, sizes: {50 KiB: 1}, think: 300 ms, timeout: 10 s}
faults:
  - {kind: partition, regions: [home, abroad], at: 6 s, for: 3 s}
  - {kind: cut-off, region: home, at: 13 s, for: 3 s}
  - {kind: crash, group: exits, at: 20 s, back: 3 s}
  - {kind: slow, group: people, at: 27 s, for: 3 s, to: 0.1 %}
  - {kind: disk-loss, group: exits, at: 37 s, back: 3 s}
  - {kind: clock, group: relays, at: 39 s, for: 9 s, ahead: 2 h}
  - {kind: lying, group: relays, at: 50 s, for: 4 s, lies: [flip, drop, replay, reorder, swap, delay]}
  - {kind: churn, group: relays, at: 54 s, up: 8 s, down: 3 s}
  - {kind: storm, groups: [relays], at: 60 s, over: 3 s, count: 3}
"""


EXITS, RELAYS = (5, 6), (1, 2, 3, 4)
QUICK = 30_000  # bytes a second; three lines of 50 Mbit/s at a thousandth have 19,000


class FaultsOfTiers(SimTest):
    """One run for each tier: faults follow each other, and between them all is well."""

    def run_tier(self, tier):
        scenario = self.write("faults.yaml", SCENARIO)
        runs = [digest_of(sim("run", scenario, "--tier", tier, "--out", self.path(name), "--quiet")) for name in "ab"]
        self.assertEqual(*runs)
        with open(self.path("a", "summary.json"), encoding="utf-8") as f:
            self.summary = json.load(f)
        self.samples = {}
        for row in self.rows("nodes.csv"):
            node = row["node"] if row["node"] == "clients" else int(row["node"])
            self.samples[node, int(row["time_ns"]) // SECOND] = row

    def rows(self, file):
        with open(self.path("a", file), newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def over(self, node, begin, end, column):
        """Of each second that ended within these."""
        return [int(self.samples[node, second][column]) for second in range(begin + 1, end + 1)]

    def lists(self, nodes, begin, end):
        """Bytes in which each list came that they took then; 0: from their disks."""
        return [int(row["down"]) for row in self.rows("events.csv")
                if row["event"] == "snapshot" and int(row["node"]) in nodes and begin * SECOND <= int(row["time_ns"]) < end * SECOND]

    def check_cut(self, begin, end):
        """A second for what was on its way, or is sent again."""
        self.assertGreater(max(self.over("clients", begin - 3, begin, "received_bytes")), 50_000)
        self.assertEqual(set(self.over("clients", begin + 1, end, "received_bytes")), {0})
        self.assertGreater(max(self.over("clients", end, end + 4, "received_bytes")), 50_000)

    def check_down(self, nodes, begin, end):
        for node in nodes:
            self.assertGreater(self.over(node, begin - 2, begin - 1, "links")[0], 0)
            self.assertEqual(set(self.over(node, begin, end - 1, "links")), {0}, node)
            self.assertGreater(max(self.over(node, end, end + 4, "links")), 0, f"{node} never came back")

    def check_slow(self, begin, end):
        self.assertLess(max(self.over("clients", begin + 1, end, "received_bytes")), QUICK)
        self.assertGreater(max(self.over("clients", end, end + 7, "received_bytes")), 2 * QUICK)

    def check_all(self):
        self.check_cut(6, 9)
        self.check_cut(13, 16)
        self.check_down(EXITS, 20, 23)
        self.assertEqual(self.lists(EXITS, 23, 24)[:2], [0, 0], "a crash leaves the disk")
        self.check_slow(27, 30)
        self.check_down(EXITS, 37, 40)
        self.assertGreater(min(self.lists(EXITS, 37, 45)), 0, "what was stored is gone")
        self.assertEqual(self.lists(RELAYS, 39, 48), [], "by their clocks every list is too old")
        self.assertGreater(len(self.lists(RELAYS, 48, 54)), 0, "and then no longer")
        self.assertGreater(sum(self.summary["lying"]["told"].values()), 0)
        self.check_drawn()
        self.assertEqual(self.summary["join"]["crowd"]["never"], 0)
        self.assertEqual(self.summary["promises"]["broken"], 0)
        self.assertGreater(self.summary["streams"]["done"], 100)

    def check_drawn(self):
        """What churn and the storm drew happened: who is down has no links."""
        drawn = [row for row in self.rows("faults.csv") if int(row["number"]) > 6]
        self.assertEqual({row["number"] for row in drawn}, {"7", "8"})
        looked = 0
        for row in drawn:
            if row["kind"] in ("churn", "crash", "disk-loss"):
                first = -(-int(row["from_ns"]) // SECOND)
                last = int(row["until_ns"] or 74 * SECOND) // SECOND
                down = self.over(int(row["node"]), first - 1, min(last, 73), "links")
                looked += len(down)
                self.assertEqual(set(down) - {0}, set(), row)
        self.assertGreater(looked, 3)

    def test_in_tier_t(self):
        self.run_tier("T")
        self.check_all()

    def test_in_tier_p(self):
        self.run_tier("P")
        self.check_all()

    def test_what_a_tier_has_not_is_refused_with_its_line(self):
        censors = self.write("censors.yaml", SCENARIO + "censor:\n  - {kind: encrypted, region: home}\n")
        line = len(SCENARIO.splitlines()) + 2
        for command in (["check", censors], ["run", censors, "--out", self.path("c")], ["sweep", censors, "--seeds", "1", "--out", self.path("c")]):
            self.assert_one_sentence(sim(*command, "--tier", "T"), 2, f"{censors}:{line}: ", "encrypted", "tier T")
        for tier in "MP":
            self.assertEqual(sim("check", censors, "--tier", tier).returncode, 0)
        self.assertEqual(sim("check", self.write("faults.yaml", SCENARIO), "--tier", "T").returncode, 0)


unittest.main()
