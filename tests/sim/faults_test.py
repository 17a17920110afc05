#!/usr/bin/env python3
"""Faults: what the scenario says happens, is drawn from the seed, and no stream ends as if it were whole."""
import csv
import json
import unittest

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

CRASH = "{kind: crash, group: relays, share: 50 %, at: 12 s, back: 5 s}"
EXITS = "{kind: crash, group: exits, at: 14 s, back: 2 s}"
CHURN = "{kind: churn, group: relays, at: 9 s, up: 8 s, down: 2 s}"
BARE = ["--set", "network.carrier=bare"]
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
        self.assertEqual({r["until_ns"] for r in rows}, {"17000000000", "16000000000"})
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
            self.assertGreater(int(row["from_ns"]), 9_000_000_000)
            self.assertTrue(row["until_ns"] == "" or int(row["until_ns"]) > int(row["from_ns"]))
        self.assertEqual(self.summary("a")["streams"]["p1_violations"], 0)

    def test_a_partition_heals(self):
        self.run_faults("a", "{kind: partition, regions: [europe, asia], at: 12 s, for: 5 s}")
        summary = self.summary("a")
        self.assertEqual(summary["streams"]["p1_violations"], 0)
        self.assertGreater(summary["ttfb_ns"]["privacy"]["p95"], 3_000_000_000, "nobody waited")
        late = [s for s in self.rows("a", "streams.csv") if int(s["start_ns"]) > 18_000_000_000]
        self.assertTrue(any(s["outcome"] == "done" for s in late))

    def test_what_was_drawn_can_be_followed_again_and_in_part(self):
        storm = "{kind: storm, groups: [relays, exits, people], count: 8, at: 8 s, over: 8 s}"
        lying = "{kind: lying, group: relays, share: 40 %, at: 9 s, for: 9 s, lies: [flip, drop]}"
        drawn = self.run_faults("a", f"{storm}, {lying}", *BARE)
        plan = self.path("a", "faults.csv")
        self.assertEqual(drawn, self.run_faults("b", f"{storm}, {lying}", *BARE, "--faults", plan))
        with open(plan, encoding="utf-8") as f:
            heading, *rows = f.read().splitlines()
        few = self.write("few.csv", "\n".join([heading, *rows[::2], ""]))
        self.run_faults("c", f"{storm}, {lying}", *BARE, "--faults", few)
        with open(self.path("c", "faults.csv"), encoding="utf-8") as f:
            self.assertEqual(f.read().splitlines(), [heading, *rows[::2]])
        self.assertEqual(self.summary("a")["promises"]["broken"], 0)
        self.assertEqual(self.summary("c")["faults"]["planned"], len(rows[::2]))

    def follow(self, name, *rows):
        """Runs what the rows of a faults.csv say."""
        plan = self.write("plan.csv", "\n".join(["number,kind,node,group,from_ns,until_ns,value", *rows, ""]))
        self.run_faults(name, "", *BARE, "--faults", plan)

    def samples(self, name, node, column):
        return {int(r["time_ns"]) // 1_000_000_000: int(r[column])
                for r in self.rows(name, "nodes.csv") if r["node"] == str(node)}

    def test_outages_that_overlap_end_with_the_last(self):
        exit_node = 11  # after 3 supers and 8 relays
        self.follow("a", f"0,crash,{exit_node},exits,10000000000,14000000000,",
                    f"1,disk-loss,{exit_node},exits,12000000000,18000000000,",
                    f"2,crash,{exit_node},exits,13000000000,13500000000,")
        links = self.samples("a", exit_node, "links")
        self.assertGreater(links[9], 0)
        self.assertEqual([links[t] for t in range(11, 18)], [0] * 7, "it was up before its last outage was over")
        self.assertTrue(any(links[t] for t in range(19, 26)), "it never came back")
        summary = self.summary("a")
        self.assertEqual((summary["outages"], summary["faults"]["crash"], summary["faults"]["disk-loss"]), (3, 2, 1))

    def test_slowness_that_overlaps_ends_with_the_last(self):
        """Of the whole network's exits, so that everything would go fast at once."""
        rows = [f"{i},slow,{node},exits,{begin},{end},1" for i, (begin, end) in
                enumerate(((10_000_000_000, 20_000_000_000), (12_000_000_000, 14_000_000_000))) for node in range(11, 15)]
        self.follow("a", *rows)
        room = 60_000  # an exit's uplink at a thousandth has 25,000 a second, and leaves in chunks of 16 KiB
        for node in range(11, 15):
            sent = self.samples("a", node, "sent_bytes")
            for t in range(16, 20):
                self.assertLess(sent[t], room, f"node {node} was quick again at {t} s")
        self.assertGreater(max(max(self.samples("a", node, "sent_bytes").values()) for node in range(11, 15)), 5 * room)

    def test_a_plan_that_is_none_is_refused(self):
        for row in ("", "0,crash,9999,relays,1,2,", "0,crash,1,relays,1,2", "0,crahs,1,relays,1,2,",
                    "0,lying,1,relays,1,2,flop", "0,partition,,,1,2,europe/mars", "0,clock,1,relays,1,,x"):
            plan = self.write("plan.csv", f"number,kind,node,group,from_ns,until_ns,value\n{row}\n")
            done = sim("run", BASELINE, *SMALL, "--faults", plan, "--out", self.path("d"))
            self.assert_one_sentence(done, 2, "plan.csv:2:")

    def test_every_lie_is_noticed_by_the_next_hop_and_none_reaches_an_end(self):
        every = "{kind: lying, group: relays, at: 8 s}"
        self.run_faults("a", every, *BARE, "--set", "population.people.route={privacy: 1}")
        lying = self.summary("a")["lying"]
        self.assertGreater(lying["to_be_caught"], 10)
        self.assertGreater(lying["caught_next_hop"] * 3, lying["to_be_caught"])
        self.assertEqual((lying["caught_elsewhere"], lying["marked_texts_at_ends"]), (0, 0))
        self.assertGreater(lying["texts_at_ends"], 100)
        self.assertGreater(sum(n > 0 for n in lying["told"].values()), 2, lying["told"])
        self.assertGreater(self.summary("a")["circuits"]["ended"]["AUTH"], 0)

    def test_without_lies_no_cell_fails_to_open(self):
        self.run_faults("a", "{kind: lying, group: relays, at: 8 s, lies: [delay]}", *BARE)
        lying = self.summary("a")["lying"]
        self.assertGreater(lying["told"]["delay"], 0)
        self.assertEqual((lying["to_be_caught"], lying["caught_next_hop"], lying["caught_elsewhere"]), (0, 0, 0))

    def test_wrong_faults_are_refused(self):
        for fault, words in (("{kind: crahs, group: relays, at: 1 s}", ['"crash"']),
                             ("{kind: crash, group: rleays, at: 1 s}", ['"relays"']),
                             ("{kind: crash, group: web, at: 1 s}", ['"web"']),
                             ("{kind: crash, group: relays}", ["at"]),
                             ("{kind: crash, group: relays, at: 1 s, share: 101 %}", ["outside"]),
                             ("{kind: partition, regions: [europe], at: 1 s, for: 1 s}", ["two regions"]),
                             ("{kind: churn, group: relays, up: 1 s}", ["down"]),
                             ("{kind: cut-off, region: mars, at: 1 s, for: 1 s}", ["mars"]),
                             ("{kind: slow, group: relays, at: 1 s}", ["to"]),
                             ("{kind: clock, group: relays, at: 1 s}", ["ahead or behind"]),
                             ("{kind: clock, group: relays, at: 1 s, ahead: 1 s, behind: 1 s}", ["ahead or behind"]),
                             ("{kind: disk-loss, group: supers, at: 1 s}", ["supers"]),
                             ("{kind: lying, group: people, at: 1 s}", ["people"]),
                             ("{kind: lying, group: relays, at: 1 s, lies: [flop]}", ['"flip"']),
                             ("{kind: storm, groups: [relays], at: 1 s, over: 1 s}", ["count"])):
            self.assert_one_sentence(sim("check", BASELINE, "--set", f"faults=[{fault}]"), 2, *words)


unittest.main()
