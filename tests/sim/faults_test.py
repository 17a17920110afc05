#!/usr/bin/env python3
"""Faults: what the scenario says happens, is drawn from the seed, and no stream ends as if it were whole."""
import csv
import json
import unittest

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

CRASH = "{kind: crash, group: relays, share: 50 %, at: 12 s, back: 5 s}"
EXITS = "{kind: crash, group: exits, at: 14 s, back: 2 s}"
CHURN = "{kind: churn, group: relays, at: 9 s, up: 8 s, down: 2 s}"
BUSY = ["--set", "workload.browsing.think='1 s'", "--set", "workload.browsing.sizes={50 KiB: 3, 1 MiB: 1}"]


class Faults(SimTest):
    def run_faults(self, name, faults, *more):
        done = sim("run", BASELINE, *SMALL, *BUSY, "--set", f"faults=[{faults}]", "--out", self.path(name), "--quiet",
                   *more)
        return digest_of(done)

    def summary(self, name):
        with open(self.path(name, "summary.json"), encoding="utf-8") as f:
            return json.load(f)

    def rows(self, name, file):
        with open(self.path(name, file), newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def test_crashes_hurt_and_pass(self):
        first = self.run_faults("a", f"{CRASH}, {EXITS}")
        self.assertEqual(first, self.run_faults("b", f"{CRASH}, {EXITS}"))
        rows = self.rows("a", "faults.csv")
        self.assertEqual(sorted(r["group"] for r in rows), ["exits"] * 4 + ["relays"] * 4)
        self.assertEqual({r["up_at_ns"] for r in rows}, {"17000000000", "16000000000"})
        summary = self.summary("a")
        self.assertEqual(summary["streams"]["p1_violations"], 0)
        streams = self.rows("a", "streams.csv")
        hurt = [s for s in streams if s["outcome"] not in ("done", "unfinished")]
        self.assertTrue(hurt, "all exits crashed and nobody noticed")
        late = [s for s in streams if int(s["start_ns"]) > 20_000_000_000 and s["outcome"] == "done"]
        self.assertGreater(len(late), 5, "nothing works after the crash")
        counters = summary["core"]["all"]
        self.assertGreaterEqual(counters["exit_bytes"], summary["core"]["people"]["app_down_bytes"])

    def test_churn_is_drawn_from_the_seed(self):
        self.run_faults("a", CHURN, "--seed", "1")
        self.run_faults("b", CHURN, "--seed", "2")
        one, two = self.rows("a", "faults.csv"), self.rows("b", "faults.csv")
        self.assertNotEqual(one, two)
        self.assertGreater(len(one), 4)
        for row in one:
            self.assertGreater(int(row["down_at_ns"]), 9_000_000_000)
            self.assertTrue(row["up_at_ns"] == "" or int(row["up_at_ns"]) > int(row["down_at_ns"]))
        self.assertEqual(self.summary("a")["streams"]["p1_violations"], 0)

    def test_a_partition_heals(self):
        self.run_faults("a", "{kind: partition, regions: [europe, asia], at: 12 s, for: 5 s}")
        summary = self.summary("a")
        self.assertEqual(summary["streams"]["p1_violations"], 0)
        self.assertGreater(summary["ttfb_ns"]["privacy"]["p95"], 3_000_000_000, "nobody waited")
        late = [s for s in self.rows("a", "streams.csv") if int(s["start_ns"]) > 18_000_000_000]
        self.assertTrue(any(s["outcome"] == "done" for s in late))

    def test_wrong_faults_are_refused(self):
        for fault, words in (("{kind: crahs, group: relays, at: 1 s}", ['"crash"']),
                             ("{kind: crash, group: rleays, at: 1 s}", ['"relays"']),
                             ("{kind: crash, group: web, at: 1 s}", ['"web"']),
                             ("{kind: crash, group: relays}", ["at"]),
                             ("{kind: crash, group: relays, at: 1 s, share: 101 %}", ["outside"]),
                             ("{kind: partition, regions: [europe], at: 1 s, for: 1 s}", ["two regions"]),
                             ("{kind: churn, group: relays, up: 1 s}", ["down"])):
            self.assert_one_sentence(sim("check", BASELINE, "--set", f"faults=[{fault}]"), 2, *words)


unittest.main()
