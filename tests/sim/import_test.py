#!/usr/bin/env python3
"""Topologies in GML, relays in CSV and tgen's walks become what qnet-sim reads, or are refused with file, line and field."""
import os
import subprocess
import sys
import unittest

from simtest import BASELINE, ROOT, SimTest, sim

TOOL = os.path.join(ROOT, "tools", "sim-import")
GML = """\
graph [
  directed 0
  # three places; c hangs on b
  node [ id 0 label "Frankfurt" country_code "DE" host_bandwidth_up "81920 Kibit" host_bandwidth_down "1 Gbit" ]
  node [ id 1 country_code "US" host_bandwidth_up "10 Mbit" host_bandwidth_down "20 Mbit" ]
  node [ id 2 host_bandwidth_up "5 Mbit" host_bandwidth_down "5 Mbit" ]
  edge [ source 0 target 0 latency "4 ms" packet_loss 0.0 ]
  edge [ source 0 target 1 latency "45.5 ms" packet_loss 0.004 ]
  edge [ source 1 target 2 latency 10 packet_loss 0.0 ]
]
"""
SCENARIO = """\
general: {name: imported, stop: 5 s}
network: {map: map.yaml, carrier: bare}
population:
  - {name: supers, role: super, count: 1, access: frankfurt-0}
  - {name: web, role: web, count: 1, access: node-1}
  - {name: people, role: client, count: 2}
workload:
  - {model: trace, file: trace.csv, clients: people, servers: web}
"""
RELAYS = "name,region,up,down,role\nalpha,frankfurt-0,30 Mbit/s,30 Mbit/s,\nbeta,node-1,2000000,3 Mbit/s,exit\n"
TGEN = """\
<?xml version="1.0" encoding="utf-8"?><graphml><key attr.name="recvsize" for="node" id="d0"/>
<key attr.name="time" for="node" id="d1"/><key attr.name="count" for="node" id="d2"/><key attr.name="weight" for="edge" id="d3"/>
<graph edgedefault="directed">
<node id="start"><data key="d1">1 second</data></node>
<node id="stream-small"><data key="d0">50 KiB</data></node>
<node id="stream-large"><data key="d0">1 MiB</data></node>
<node id="pause"><data key="d1">1,2</data></node>
<node id="end"><data key="d2">3</data></node>
<edge source="start" target="stream-small"/>
<edge source="stream-small" target="pause"/><edge source="stream-large" target="pause"/>
<edge source="pause" target="stream-small"><data key="d3">1.0</data></edge>
<edge source="pause" target="stream-large"><data key="d3">3.0</data></edge>
</graph></graphml>
"""


class Import(SimTest):
    def convert(self, kind, text, *options):
        return subprocess.run([sys.executable, TOOL, kind, self.write("in", text), *options], capture_output=True, text=True,
                              check=False)

    def good(self, kind, text, *options):
        done = self.convert(kind, text, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def bad(self, kind, text, line, *words):
        done = self.convert(kind, text, *{"relays": ("--extends", "x"), "tgen": ("--clients", "2", "--until", "9 s")}.get(kind, ()))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn(f"in:{line}: ", done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_graph_is_a_map(self):
        said = self.good("gml", GML)
        for line in ("name: frankfurt-0, country: DE", "local: 4000000 ns", "[frankfurt-0, node-1, 45500000 ns]",
                     "[node-1, node-2, 10000000 ns]", "node-1: {up: 10000000 bit/s, down: 20000000 bit/s, loss: 0.1000 %}",
                     "frankfurt-0: {up: 83886080 bit/s, down: 1000000000 bit/s, loss: 0.2000 %}"):
            self.assertIn(line, said)
        self.assertIn("[frankfurt-0, node-2, 55500000 ns]", said)  # no edge: the shortest way

    def test_what_is_wrong_with_a_graph_is_said_with_its_line(self):
        self.bad("gml", GML.replace('latency "45.5 ms"', 'latency "far"'), 8, "edge, latency", '"far"')
        self.bad("gml", GML.replace('latency "45.5 ms" ', ""), 8, "edge, latency", "is needed")
        self.bad("gml", GML.replace("target 2", "target 7"), 9, "edge, target", "no node has the id 7")
        self.bad("gml", GML.replace("packet_loss 0.004", "packet_loss 4"), 8, "packet_loss")
        self.bad("gml", GML.replace('host_bandwidth_up "10 Mbit"', ""), 5, "node, host_bandwidth_up")
        self.bad("gml", GML.replace("id 2", "id 1"), 6, "stands twice")
        self.bad("gml", GML.replace("  edge [ source 1 target 2 latency 10 packet_loss 0.0 ]\n", ""), 6, "no way leads")
        self.bad("gml", GML.rstrip()[:-1], 1, "never closed")
        self.bad("gml", GML + "]", 11, "nobody opened")
        self.bad("gml", "graph [ " * 2000, 1, "16 deep")
        self.bad("gml", GML.replace("packet_loss 0.004", "packet_loss [ a 1 ]"), 8, "packet_loss", "not brackets")
        self.bad("gml", GML.replace("id 2", "id [ a 1 ]"), 6, "node, id", "not brackets")
        self.bad("gml", GML.replace("id 2", 'id "2}, {name: x"'), 6, "node, id", "letters")
        self.bad("gml", GML.replace("latency 10", "latency " + "9" * 5000), 9, "edge, latency")

    def test_what_is_wrong_with_a_list_is_said_with_row_and_column(self):
        self.bad("relays", RELAYS.replace("3 Mbit/s", "3 apples"), 3, "down", "3 apples")
        self.bad("relays", RELAYS.replace("exit", "guard"), 3, "role", "guard")
        self.bad("relays", RELAYS.replace("beta", "alpha"), 3, "stands twice")
        self.bad("relays", RELAYS.replace("region", "country"), 1, "no column is called region")
        self.bad("relays", RELAYS.replace(",exit", ""), 3, "cells")
        self.bad("relays", RELAYS + '"' + "x" * 200000, 4, "field")

    def trace(self, text, *options):
        rows = [row.split(",") for row in self.good("tgen", text, "--clients", "2", "--until", "60 s", *options).splitlines()]
        self.assertEqual(rows[0], ["start_ns", "client", "size_bytes"])
        return [tuple(map(int, row)) for row in rows[1:]]

    def test_a_walk_is_a_trace_that_repeats(self):
        rows = self.trace(TGEN)
        self.assertEqual(rows, self.trace(TGEN))
        self.assertEqual(len(rows), 6)  # "end" says three streams of each
        self.assertEqual([row for row in rows if row[0] == 10**9], [(10**9, 0, 51200), (10**9, 1, 51200)])
        self.assertLessEqual({row[2] for row in rows}, {51200, 1048576})
        self.assertLessEqual({row[0] % 10**9 for row in rows}, {0})
        many = self.trace(TGEN.replace('<data key="d2">3</data>', '<data key="d2">2000</data>'), "--until", "3000 s")
        large = sum(row[2] == 1048576 for row in many) / len(many)
        self.assertTrue(0.7 < large < 0.8, large)  # three of four

    def test_what_is_wrong_with_a_walk_is_said_with_its_line(self):
        self.bad("tgen", TGEN.replace("50 KiB", "much"), 5, "stream-small, recvsize", "much")
        self.bad("tgen", TGEN.replace('target="pause"/>\n', 'target="nowhere"/>\n'), 10, "no action is called nowhere")
        endless = TGEN.replace("1,2", "0").replace('<node id="end"><data key="d2">3</data></node>', "")
        self.bad("tgen", endless, 1, "would not end")
        self.bad("tgen", TGEN.replace('"start"', '"begin"'), 1, "called start")
        self.bad("tgen", TGEN.replace("3.0", "-3"), 12, "weight")
        self.bad("tgen", TGEN.replace("3.0", "inf"), 12, "weight")
        self.bad("tgen", TGEN.replace('<data key="d2">3<', '<data key="d2">few<'), 8, "end, count", "few")
        self.bad("tgen", TGEN.replace("</graphml>", ""), 14, "no element found")

    def test_all_of_it_together_runs(self):
        self.write("map.yaml", self.good("gml", GML))
        self.write("trace.csv", self.good("tgen", TGEN, "--clients", "2", "--until", "4 s"))
        self.write("base.yaml", SCENARIO)
        path = self.write("all.yaml", self.good("relays", RELAYS, "--extends", "base.yaml"))
        done = sim("check", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("5 nodes", done.stdout)
        done = sim("run", path, "--out", self.path("out"), "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("out", "streams.csv"), encoding="utf-8") as f:
            self.assertGreater(len(f.readlines()), 2)


if __name__ == "__main__":
    unittest.main()
