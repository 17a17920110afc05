#!/usr/bin/env python3
"""Workloads: each asks for what it says, and what people feel is counted."""
import csv
import json
import os
import unittest

from simtest import SimTest, digest_of, sim

HEAD = """\
general: {name: work, stop: 30 s}
network:
  regions: [here]
  latency: {local: 10 ms}
  carrier: bare
  access:
    home: {up: 10 Mbit/s, down: %s}
    fast: {up: 1 Gbit/s, down: 1 Gbit/s}
population:
  - {role: super, count: 1, access: fast}
  - {role: web, count: 2, access: fast}
  - {name: people, role: client, count: 2, access: home, start: {from: 2 s}}
workload:
"""


class Workloads(SimTest):
    def run_work(self, work, down="20 Mbit/s"):
        text = HEAD % down + "  - {clients: people, servers: web, name: it, " + work + "}\n"
        self.digest = digest_of(sim("run", self.write("s.yaml", text), "--out", self.path("o"), "--quiet"))
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            return json.load(f)["workloads"]["it"]

    def rows(self):
        with open(self.path("o", "streams.csv"), encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def test_the_reference_load_asks_at_once_and_then_thinks(self):
        it = self.run_work("model: reference, think: 3 s")
        self.assertEqual({row["size_bytes"] for row in self.rows()}, {str(320 * 1024)})
        self.assertLess(int(self.rows()[0]["start_ns"]), 3 * 10**9)
        self.assertGreater(it["streams"]["done"], 6)
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            opened = json.load(f)["core"]["people"]["streams_opened"]
        self.assertLess(opened, it["streams"]["done"])  # one stream a client, and probes

    def test_a_program_begins_so_long_after_its_node(self):
        self.run_work("model: reference, after: 5 s")
        begun = sorted(int(row["start_ns"]) for row in self.rows())[:2]
        self.assertEqual(begun, [7 * 10**9, 7 * 10**9])  # their nodes start at 2 s

    def test_a_browser_loads_pages_with_their_objects(self):
        it = self.run_work("model: browse, sizes: 30 KiB, objects: 5, object_sizes: 10 KiB, think: 1 s, away: 1 s, stay: 50 %")
        sizes = [int(row["size_bytes"]) for row in self.rows() if row["outcome"] == "done"]
        documents = sizes.count(30 * 1024)
        self.assertGreater(documents, 5)
        self.assertLessEqual(abs(sizes.count(10 * 1024) - 5 * documents), 10)
        self.assertGreaterEqual(documents, it["page_ns"]["n"])
        self.assertGreater(it["page_ns"]["p50"], it["ttlb_ns"]["p50"])

    def test_bulk_never_thinks(self):
        it = self.run_work("model: bulk, sizes: 2 MiB")
        self.assertGreater(it["streams"]["delivered_bytes"], 80 * 2**20)  # 2 lines of 20 Mbit/s for nearly 28 s

    def test_a_player_starts_and_stalls_only_on_a_slow_line(self):
        work = "model: stream, rate: 4 Mbit/s, segment: 1 s, length: 10 s, think: 100 ms, buffer: 4 s"
        quick = self.run_work(work)
        self.assertGreater(quick["played_ns"], 30 * 10**9)
        self.assertEqual(quick["stalls"], 0)
        self.assertLess(quick["startup_ns"]["p50"], 2 * 10**9)
        slow = self.run_work(work, down="3 Mbit/s")
        self.assertGreater(slow["stalls"], 5)
        self.assertGreater(slow["stalled_permille"], 100)

    def test_a_chat_stays_on_its_stream(self):
        it = self.run_work("model: chat, sizes: 200 B, think: 500 ms")
        rows = self.rows()
        self.assertGreater(len(rows), 50)
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            self.assertLess(json.load(f)["core"]["people"]["streams_opened"], 8)  # probes are streams too
        self.assertLess(it["ttlb_ns"]["p50"], 60 * 10**6)  # two hops of 10 ms there and back, and nothing to set up

    def test_a_run_can_be_replayed(self):
        self.run_work("model: web, sizes: {50 KiB: 1, 100 KiB: 1}, think: 2 s")
        first = [(r["size_bytes"], r["start_ns"]) for r in self.rows()]
        os.rename(self.path("o", "streams.csv"), self.path("trace.csv"))
        self.run_work("model: trace, file: trace.csv")
        again = [(r["size_bytes"], r["start_ns"]) for r in self.rows()]
        self.assertEqual(sorted(first), sorted(again))

    def test_what_is_wrong_in_a_trace_is_named_with_its_line(self):
        self.write("bad.csv", "start_ns,client,size_bytes\n1,0,5\n2,0,x\n")
        text = HEAD % "1 Mbit/s" + "  - {clients: people, servers: web, model: trace, file: bad.csv}\n"
        self.assert_one_sentence(sim("check", self.write("s.yaml", text)), 2, "bad.csv:3", "whole number")
        self.write("bad.csv", "start_ns,client\n")
        self.assert_one_sentence(sim("check", self.path("s.yaml")), 2, "size_bytes")


unittest.main()
