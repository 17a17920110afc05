#!/usr/bin/env python3
"""Beside a run: ns-3's own TCP with the same bytes, and its FlowMonitor. Neither changes the run."""
import json
import unittest
import xml.etree.ElementTree as xml

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

TINY = [*SMALL, "--set", "network.carrier=bare", "--set", "general.stop='12 s'", "--set", "population.people.count=4",
        "--set", "workload.browsing.think='2 s'", "--set", "workload.browsing.sizes={50 KiB: 1}"]


class Beside(SimTest):
    def run_tier(self, tier, *more):
        return sim("run", BASELINE, *TINY, "--seed", "1", "--tier", tier, "--out", self.path(tier + "".join(more)), *more)

    def facts(self, name, file="run.json"):
        with open(self.path(name, file), encoding="utf-8") as f:
            return json.load(f)

    def test_plain_tcp_carries_the_bytes_that_the_run_delivered(self):
        done = self.run_tier("M", "--plain-tcp")
        self.assertEqual(digest_of(done), digest_of(self.run_tier("M")))
        facts, summary = self.facts("M--plain-tcp"), self.facts("M--plain-tcp", "summary.json")
        plain = facts["plain_tcp"]
        self.assertNotIn("plain_tcp", self.facts("M"))
        self.assertEqual(plain["wanted_bytes"], summary["streams"]["delivered_bytes"])
        self.assertGreater(plain["wanted_bytes"], 100000)
        # What began last may be under way at the end, with us or with it.
        self.assertGreaterEqual(plain["delivered_bytes"] * 100, plain["wanted_bytes"] * 95)
        self.assertLessEqual(plain["delivered_bytes"], plain["wanted_bytes"])
        self.assertEqual(plain["simulated_ms"], facts["simulated_ms"])
        # Each segment of 1,448 bytes passes two access links and a core link.
        self.assertGreater(plain["simulator_events"], 6 * plain["wanted_bytes"] // 1448)
        said = [line for line in done.stdout.splitlines() if line.startswith(("simulated seconds per", "plain ns-3 TCP"))]
        self.assertEqual(len(said), 2, done.stdout)
        with open(self.path("M--plain-tcp", "report.html"), encoding="utf-8") as f:
            self.assertIn("plain ns-3 TCP, the same bytes", f.read())

    def test_flow_monitor_sees_real_tcp_and_changes_nothing(self):
        self.assertEqual(digest_of(self.run_tier("P", "--flows")), digest_of(self.run_tier("P")))
        root = xml.parse(self.path("P--flows", "flows.xml")).getroot()
        flows = root.findall("./FlowStats/Flow")
        self.assertGreater(len(flows), 10)
        received = sum(int(flow.get("rxBytes")) for flow in flows)
        self.assertGreater(received, self.facts("P", "summary.json")["streams"]["delivered_bytes"])
        ports = {flow.get("destinationPort") for flow in root.findall("./Ipv4FlowClassifier/Flow")}
        self.assertIn("443", ports)
        self.assertIn("80", ports)

    def test_messages_have_no_flows_to_watch(self):
        self.assert_one_sentence(self.run_tier("M", "--flows", "--quiet"), 2, "tier M has no packets")


if __name__ == "__main__":
    unittest.main()
