#!/usr/bin/env python3
"""What a run leaves behind: figures, tables and a report that stand on their own."""
import csv
import json
import os
import shutil
import struct
import subprocess
import unittest
import xml.etree.ElementTree as xml

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

SVG = "{http://www.w3.org/2000/svg}svg"
FIGURES = ["ttfb", "ttlb", "build", "throughput", "load", "lorenz"]


class Report(SimTest):
    def run_small(self, env=None):
        done = sim("run", BASELINE, *SMALL, "--seed", "1", "--out", self.path("o"), "--quiet", env=env)
        digest_of(done)
        return done, xml.parse(self.path("o", "report.html")).getroot()

    def text_of(self, report):
        return " ".join(report.itertext())

    def test_report_is_one_whole_file(self):
        done, report = self.run_small()
        text = self.text_of(report)
        self.assertIn(digest_of(done), text)
        for words in ("faked or abbreviated", "Links run on HTX", "It cannot say", "latency"):
            self.assertIn(words, text)
        for element in report.iter():
            for name in ("src", "href"):
                self.assertFalse(element.get(name, "#").startswith(("http", "/", "figs")), element.attrib)
        if shutil.which("gnuplot"):
            self.assertGreaterEqual(len(list(report.iter(SVG))), len(FIGURES))

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_figures_are_drawn_and_drawn_again_by_hand(self):
        self.run_small()
        for name in FIGURES:
            png, svg = (self.path("o", "figs", name + end) for end in (".png", ".svg"))
            self.check_figure(png, svg)
            os.remove(png)
            os.remove(svg)
            subprocess.run(["gnuplot", f"figs/{name}.gp"], cwd=self.path("o"), check=True, timeout=60)
            self.check_figure(png, svg)

    def check_figure(self, png, svg):
        with open(png, "rb") as f:
            head = f.read(24)
        self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n", png)
        self.assertGreater(min(struct.unpack(">II", head[16:24])), 400, png)
        self.assertGreater(os.stat(png).st_size, 10000, png)
        xml.parse(svg)

    def test_without_gnuplot_the_report_says_so(self):
        os.mkdir(self.path("empty"))
        done, report = self.run_small(env={**os.environ, "PATH": self.path("empty")})
        self.assertIn("gnuplot is not installed", done.stderr)
        self.assertIn("gnuplot is not installed", self.text_of(report))
        self.assertEqual(list(report.iter(SVG)), [])

    def test_tables_and_json_parse(self):
        self.run_small()
        for name in ("events", "streams", "circuits", "nodes"):
            with open(self.path("o", name + ".csv"), newline="", encoding="utf-8") as f:
                rows = list(csv.DictReader(f))
            self.assertGreater(len(rows), 5, name)
            self.assertNotIn(None, [value for row in rows for value in row.values()], name)
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            summary = json.load(f, parse_float=self.fail)  # integers only: they are digested
        with open(self.path("o", "run.json"), encoding="utf-8") as f:
            run = json.load(f)
        self.assertEqual(summary["seed"], 1)
        self.assertGreater(run["wall_ms"], 0)
        self.assertGreater(run["peak_rss_kib"], 1000)


unittest.main()
