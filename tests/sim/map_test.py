#!/usr/bin/env python3
"""Maps, access and the model's own loss: where nodes are, how they are connected, and that both are felt."""
import csv
import json
import os
import subprocess
import sys
import unittest

from simtest import ROOT, SimTest, digest_of, sim

MAPPED = """\
general: {name: mapped, stop: 20 s}
network:
  map: %s
population:
  - {name: supers, role: super, count: 2, access: datacentre}
  - {name: exits, role: exit, count: 6, access: relay, start: {from: 1 s, over: 1 s}}
  - {name: web, role: web, count: 2, access: datacentre}
  - {name: people, role: client, count: %d, returning: 100 %%, start: {from: 5 s, over: 2 s}}
workload:
  - {model: web, clients: people, servers: web, sizes: {50 KiB: 1}, think: 2 s}
"""
PAIR = """\
general: {name: pair, stop: 40 s}
network:
  regions: [here]
  latency: {local: 20 ms}
  access:
    clean: {up: 10 Mbit/s, down: 10 Mbit/s}
    far: {up: 10 Mbit/s, down: 10 Mbit/s, delay: 150 ms}
    lossy: {up: 10 Mbit/s, down: 10 Mbit/s, loss: 2 %%}
    fast: {up: 1 Gbit/s, down: 1 Gbit/s}
  carrier: bare
population:
  - {role: super, count: 1, access: fast}
  - {role: web, count: 1, access: fast}
  - {name: people, role: client, count: 1, access: %s, start: {from: 2 s}}
workload:
  - {model: bulk, clients: people, servers: web, sizes: 1 MiB}
"""


class Maps(SimTest):
    def run_text(self, text, *more):
        digest = digest_of(sim("run", self.write("s.yaml", text), "--out", self.path("o"), "--quiet", *more))
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            return json.load(f), digest

    def regions(self):
        with open(self.path("o", "streams.csv"), encoding="utf-8") as f:
            return [row["region"] for row in csv.DictReader(f)]

    def test_shipped_maps_are_what_their_sources_make(self):
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tools", "sim-map"), "--check"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_people_and_nodes_are_where_the_map_has_them(self):
        summary, _ = self.run_text(MAPPED % ("default", 40))
        seen = set(self.regions())
        self.assertGreater(len(seen), 4)
        self.assertNotIn("netherlands", seen)  # the map has nodes there and no people
        self.assertGreater(summary["streams"]["done"], 20)
        self.assertEqual(summary["streams"]["p1_violations"], 0)

    def test_more_members_move_nobody(self):
        self.run_text(MAPPED % ("default", 8))
        few = {r["client"]: r["region"] for r in self.rows()}
        self.run_text(MAPPED % ("default", 12))
        more = {r["client"]: r["region"] for r in self.rows()}
        self.assertTrue(few)
        for client, region in few.items():
            self.assertEqual(more.get(client, region), region)

    def rows(self):
        with open(self.path("o", "streams.csv"), encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def test_a_scenario_stands_above_its_map_and_paths_name_files(self):
        self.write("own.yaml", "regions: [{name: here, access: {any: 1}}]\nlatency: {local: 5 ms}\n"
                               "access: {any: {up: 1 Mbit/s, down: 1 Mbit/s}, relay: {up: 1 Gbit/s, down: 1 Gbit/s},"
                               " datacentre: {up: 1 Gbit/s, down: 1 Gbit/s}}\n")
        text = MAPPED % ("own.yaml", 2)
        self.assertEqual(sim("check", self.write("s.yaml", text)).returncode, 0)
        done = sim("check", self.write("s.yaml", text), "--set", "network.latency.lcoal=1 ms")
        self.assert_one_sentence(done, 2, "lcoal", "local")
        self.assert_one_sentence(sim("check", self.write("s.yaml", MAPPED % ("nowhere", 2))), 2, "nowhere.yaml")

    def test_delay_and_loss_of_the_access_link_are_felt(self):
        clean = self.run_text(PAIR % "clean")[0]["ttlb_ns"]["fast"]["all"]["p50"]
        far = self.run_text(PAIR % "far")[0]["ttlb_ns"]["fast"]["all"]["p50"]
        lossy, digest = self.run_text(PAIR % "lossy")
        self.assertGreater(far, clean + 600000000)  # SOCKS, request and a few windows: at least two round trips
        self.assertGreater(lossy["ttlb_ns"]["fast"]["all"]["p50"], clean * 3 // 2)
        self.assertEqual(lossy["streams"]["p1_violations"], 0)
        self.assertEqual(self.run_text(PAIR % "lossy")[1], digest)

    def test_loss_is_real_where_there_are_packets(self):
        clean = self.run_text(PAIR % "clean", "--tier", "T")[0]["streams"]["delivered_bytes"]
        lossy = self.run_text(PAIR % "lossy", "--tier", "T")[0]["streams"]["delivered_bytes"]
        self.assertLess(lossy, clean * 2 // 3)


unittest.main()
