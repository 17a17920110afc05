#!/usr/bin/env python3
"""A sweep runs what is missing, keeps what is there, and merges it into intervals that hold."""
import csv
import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

TINY = [*SMALL, "--set", "general.stop='12 s'", "--set", "population.people.count=4", "--set", "network.carrier=bare"]
SVG = "{http://www.w3.org/2000/svg}svg"


def rows_of(table, metric):
    with open(table, newline="", encoding="utf-8") as f:
        return [r for r in csv.DictReader(f) if r["metric"] == metric]


class Sweeps(SimTest):
    def sweep(self, *options):
        return sim("sweep", BASELINE, *TINY, "--out", self.path("s"), "--jobs", "2", *options)

    def test_a_sweep_resumes_and_merges(self):
        done = self.sweep("--seeds", "1-2")
        self.assertEqual(done.returncode, 0, done.stderr)
        kept = os.stat(self.path("s", "seed-1", "summary.json")).st_mtime_ns
        done = self.sweep("--seeds", "1-3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 of 1 done", done.stdout)
        self.assertEqual(os.stat(self.path("s", "seed-1", "summary.json")).st_mtime_ns, kept)
        alone = digest_of(sim("run", BASELINE, *TINY, "--seed", "3", "--out", self.path("alone"), "--quiet"))
        with open(self.path("s", "seed-3.log"), encoding="utf-8") as f:
            self.assertIn(alone, f.read())
        self.assert_merged("streams.asked", [self.asked(seed) for seed in (1, 2, 3)])

    def asked(self, seed):
        with open(self.path("s", f"seed-{seed}", "summary.json"), encoding="utf-8") as f:
            return json.load(f)["streams"]["asked"]

    def assert_merged(self, metric, values):
        with open(self.path("s", "sweep.csv"), newline="", encoding="utf-8") as f:
            row = {r["metric"]: r for r in csv.DictReader(f)}[metric]
        mean = sum(values) / 3
        margin = 4.303 * (sum((v - mean) ** 2 for v in values) / 2 / 3) ** 0.5
        self.assertEqual(row["runs"], "3")
        for key, expected in (("mean", mean), ("low95", mean - margin), ("high95", mean + margin)):
            self.assertAlmostEqual(float(row[key]), expected, delta=0.06)

    def test_changed_options_are_run_again(self):
        self.assertEqual(self.sweep("--seeds", "1").returncode, 0)
        done = self.sweep("--seeds", "1", "--set", "population.people.count=3")
        self.assertIn("1 of 1 done", done.stdout)

    def test_wrong_usage_is_one_sentence(self):
        self.assert_one_sentence(self.sweep("--seeds", "5-1"), 2, "--seeds 5-1")
        self.assert_one_sentence(self.sweep("--seeds", "x"), 2, "x")
        self.assert_one_sentence(self.sweep("--seed", "1"), 2, '"--seeds"')

        self.assert_one_sentence(self.sweep("--list", "--merge"), 2, "one of --list")
        self.assert_one_sentence(self.sweep("--set", "general.warmup=1 s,"), 2, "is empty")
        self.assert_one_sentence(self.sweep("--set", "general.warmup=1 s, 1 s"), 2, "both be called")
        self.assert_one_sentence(self.sweep("--seeds", "1-9999", "--set", "general.warmup=1 s,2 s"), 2, "10000 runs")


GRID = ["--seeds", "1-2", "--set", "population.people.count=3,4"]


class Grids(SimTest):
    def sweep(self, *options):
        return sim("sweep", BASELINE, *TINY, *GRID, "--out", self.path("s"), "--jobs", "2", *options)

    def rows(self, metric="streams.asked"):
        return rows_of(self.path("s", "sweep.csv"), metric)

    def run_of(self, people, seed):
        return self.path("s", f"population.people.count={people}", f"seed-{seed}")

    def test_every_value_meets_every_seed(self):
        done = self.sweep()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 at a time, about", done.stdout)
        self.assertIn("4 of 4 done, about 0 s left", done.stdout)
        rows = self.rows()
        self.assertEqual([(r["population.people.count"], r["runs"]) for r in rows], [("3", "2"), ("4", "2")])
        with open(os.path.join(self.run_of(3, 2), "summary.json"), encoding="utf-8") as f:
            self.assertIn(json.load(f)["streams"]["asked"], (float(rows[0]["min"]), float(rows[0]["max"])))

    def test_a_comma_in_brackets_or_quotes_parts_nothing(self):
        done = self.sweep("--list", "--set", "network.origin={requests: 1000, age: 3600 s},{requests: 10}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 8)
        self.assertIn("'network.origin={requests: 1000, age: 3600 s}'", done.stdout)

    def test_the_list_runs_in_a_shell_and_merges(self):
        lines = self.sweep("--list").stdout.splitlines()
        self.assertEqual(len(lines), 4)
        for line in lines[:3]:
            subprocess.run(["sh", "-c", line], check=True, timeout=100, capture_output=True)
        self.assertEqual(self.sweep("--list").stdout.splitlines(), lines[3:])
        self.assert_one_sentence(self.sweep("--merge"), 3, "1 of 4 runs are missing")
        self.assertEqual([r["runs"] for r in self.rows()], ["2", "1"])

    def test_nothing_to_merge_is_said(self):
        self.assert_one_sentence(self.sweep("--merge"), 3, "no finished run")

    @unittest.skipUnless(shutil.which("parallel"), "GNU parallel is not installed")
    def test_gnu_parallel_makes_the_same_table(self):
        self.assertEqual(self.sweep().returncode, 0)
        expected = self.rows("streams.delivered_bytes")
        figures = self.figures()
        shutil.rmtree(self.path("s"))
        listed = self.sweep("--list")
        done = subprocess.run(["parallel", "-j2"], input=listed.stdout, text=True, timeout=100, check=False,
                              capture_output=True, env={**os.environ, "HOME": self.folder})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.sweep("--merge").returncode, 0)
        self.assertEqual(self.rows("streams.delivered_bytes"), expected)
        self.assertEqual(self.figures(), figures)

    def figures(self):
        """Of every figure its data."""
        found = {}
        for name in sorted(os.listdir(self.path("s", "figs"))):
            if name.endswith(".csv"):
                with open(self.path("s", "figs", name), encoding="utf-8") as f:
                    found[name] = f.read()
        return found

    def test_a_job_array_of_slurm_runs_each_once(self):
        script = self.path("jobs.sh")
        self.assertEqual(self.sweep("--slurm", script).returncode, 0)
        with open(script, encoding="utf-8") as f:
            self.assertIn("#SBATCH --array=1-4%2\n", f.read())
        for number in "1234":  # what Slurm sets in each job
            subprocess.run(["bash", script], check=True, timeout=100, capture_output=True,
                           env={**os.environ, "SLURM_ARRAY_TASK_ID": number})
        self.assertEqual(self.sweep("--list").stdout, "")
        self.assert_one_sentence(self.sweep("--slurm", self.path("more.sh")), 3, "every run is there")
        self.assertEqual(self.sweep("--merge").returncode, 0)


PICTURED = [*SMALL, "--seeds", "1-2", "--set", "population.people.count=8,12", "--set", "network.carrier=bare",
            "--set", "workload.browsing.think='1 s'",
            "--set", "expect=[{what: streams.p1_violations, equals: 0}]"]


class Pictures(SimTest):
    """What a sweep draws, of one that all tests here look at."""

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="qnet-sim.")
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        done = sim("sweep", BASELINE, *PICTURED, "--out", os.path.join(cls.shared, "s"), "--jobs", "2")
        assert done.returncode == 0, done.stderr

    def path(self, *names):
        return os.path.join(self.shared, *names)

    def rows(self, metric):
        return rows_of(self.path("s", "sweep.csv"), metric)

    def run_of(self, people, seed):
        return self.path("s", f"population.people.count={people}", f"seed-{seed}")

    def test_a_band_is_the_mean_of_the_seeds_curves(self):
        with open(self.path("s", "figs", "ttfb-privacy.csv"), newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        self.assertIn("8 low95", rows[0])
        for people in (8, 12):
            curves = [self.first_bytes(people, seed) for seed in (1, 2)]
            self.assertGreaterEqual(min(map(len, curves)), 5)
            for row in rows:
                shares = [sum(t <= int(row["time_ns"]) for t in times) * 1000 // len(times) for times in curves]
                mean = sum(shares) / 2
                margin = 12.706 * abs(shares[0] - shares[1]) / 2
                self.assertAlmostEqual(float(row[f"{people} mean"]), mean, delta=0.06)
                self.assertAlmostEqual(float(row[f"{people} low95"]), max(mean - margin, 0), delta=0.06)
                self.assertAlmostEqual(float(row[f"{people} high95"]), min(mean + margin, 1000), delta=0.06)

    def first_bytes(self, people, seed):
        with open(os.path.join(self.run_of(people, seed), "streams.csv"), newline="", encoding="utf-8") as f:
            return [int(r["ttfb_ns"]) for r in csv.DictReader(f)
                    if r["route"] == "privacy" and r["measured"] == "1" and r["outcome"] == "done"]

    def test_a_headline_stands_against_the_swept_value(self):
        with open(self.path("s", "figs", "by-goodput.csv"), newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual([(r["place"], r["value"]) for r in rows], [("8", "8"), ("12", "12")])
        self.assertEqual([(r["together mean"], r["together low95"], r["together high95"]) for r in rows],
                         [(r["mean"], r["low95"], r["high95"]) for r in self.rows("clients.goodput_bit_per_s")])

    def test_the_report_has_claims_intervals_and_a_baseline(self):
        report = xml.parse(self.path("s", "report.html")).getroot()
        text = " ".join(report.itertext())
        for words in ("streams.p1_violations", "2 of 2", "The baseline is 8.", "What it cannot say", "seeds 1 to 2", "people.count=8,12"):
            self.assertIn(words, text)
        goodput = [float(r["mean"]) for r in self.rows("clients.goodput_bit_per_s")]
        rows = [[cell.text for cell in row] for row in report.iter("tr") if row[0].text == "Goodput of all clients (Mbit/s)"]
        self.assertEqual(len(rows), 2)
        self.assertAlmostEqual(float(rows[1][1].split(" ")[0]), (goodput[1] - goodput[0]) / 1e6, delta=0.051)

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_pictures_are_a_column_wide_and_drawn_again_by_hand(self):
        scripts = [name for name in os.listdir(self.path("s", "figs")) if name.endswith(".gp") and name != "style.gp"]
        self.assertGreater(len(scripts), 5)
        for script in scripts:
            png, svg = (self.path("s", "figs", script[:-3] + end) for end in (".png", ".svg"))
            os.remove(png)
            os.remove(svg)
            subprocess.run(["gnuplot", f"figs/{script}"], cwd=self.path("s"), check=True, timeout=60)
            xml.parse(svg)
            with open(png, "rb") as f:
                head = f.read(24)
            self.assertEqual(struct.unpack(">I", head[16:20]), (992,), png)  # 84 mm at 300 dots per inch

    def test_without_gnuplot_the_report_says_so(self):
        empty = os.path.join(self.folder, "empty")
        os.mkdir(empty)
        shutil.copytree(self.path("s"), os.path.join(self.folder, "s"))
        done = sim("sweep", BASELINE, *PICTURED, "--merge", "--out", os.path.join(self.folder, "s"),
                   env={**os.environ, "PATH": empty})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("gnuplot is not installed", done.stderr)
        report = xml.parse(os.path.join(self.folder, "s", "report.html")).getroot()
        self.assertIn("gnuplot is not installed", " ".join(report.itertext()))
        self.assertEqual(list(report.iter(SVG)), [])


unittest.main()
