#!/usr/bin/env python3
"""Scenarios and the command line: what is wrong is refused in one sentence with file and line."""
import json
import os
import unittest

from simtest import BASELINE, ROOT, SMALL, SimTest, sim

MINIMAL = """\
general:
  name: minimal
  stop: 1 s
network:
  regions: [here]
  latency: {local: 2 ms}
  access:
    any: {up: 1 Gbit/s, down: 1 Gbit/s}
population:
  - {name: super, role: super, count: 1, access: any}
  - {name: web, role: web, count: 1, access: any}
  - {name: people, role: client, count: 1, access: any}
workload:
  - {model: web, clients: people, servers: web, sizes: {50 KiB: 1}, think: 1 s}
"""


class Scenarios(SimTest):
    def check(self, text):
        return sim("check", self.write("s.yaml", text))

    def assert_refused(self, old, new, line, *words):
        self.assertIn(old, MINIMAL)
        done = self.check(MINIMAL.replace(old, new, 1))
        self.assert_one_sentence(done, 2, f"s.yaml:{line}:", *words)

    def test_the_minimal_scenario_is_fine(self):
        self.assertEqual(self.check(MINIMAL).returncode, 0)

    def test_shipped_scenarios_are_fine_and_listed(self):
        folder = os.path.join(ROOT, "sim-scenarios")
        listed = sim("list", folder)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        for name in os.listdir(folder):
            if name.endswith(".yaml"):
                self.assertEqual(sim("check", os.path.join(folder, name)).returncode, 0, name)
                self.assertIn(name, listed.stdout)

    def test_shipped_scenarios_say_what_they_ask_assume_and_cannot_say(self):
        folder = os.path.join(ROOT, "sim-scenarios")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".yaml"):
                with self.subTest(scenario=name):
                    self.assert_explained(os.path.join(folder, name), name.removesuffix(".yaml"))

    def test_a_scenario_that_explains_nothing_is_noticed(self):
        silent = self.write("minimal.yaml", "# qnet-sim run minimal.yaml\n" + MINIMAL)
        with self.assertRaises(AssertionError) as seen:
            self.assert_explained(silent, "minimal")
        self.assertIn("description", str(seen.exception))

    def assert_explained(self, path, name):
        """Its own words for what it is and how it is run; question, model, metrics, limits and expectations may be of what it extends."""
        with open(path, encoding="utf-8") as f:
            text = f.read()
        head = "".join(line for line in text.splitlines(True) if line.startswith("#"))
        self.assertIn(f"\n  name: {name}\n", text)
        self.assertIn("\n  description: ", text)
        self.assertRegex(head, rf"qnet-sim (run|sweep) \S*{name}\.yaml")
        shown = sim("show", path)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for key in ("question", "model", "metrics", "cannot_say"):
            self.assertRegex(shown.stdout, rf"(?m)^  {key}: .{{20}}", f"no {key}")
        self.assertRegex(shown.stdout, r"(?m)^expect:\n +- ", "no expect")

    def test_unknown_keys_are_refused_with_line_and_suggestion(self):
        self.assert_refused("  stop:", "  stpo:", 3, '"stpo"', '"stop"')
        self.assert_refused("latency:", "latencies:", 6, '"latency"')
        self.assert_refused("think: 1 s", "think: 1 s, thikn: 2 s", 14, '"thikn"', '"think"')
        self.assert_refused("workload:", "wrokload:", 14, '"workload"')

    def test_unknown_names_are_refused_with_line_and_suggestion(self):
        self.assert_refused("role: client", "role: cleint", 12, '"client"')
        self.assert_refused("clients: people", "clients: poeple", 14, '"people"')
        self.assert_refused("role: client, count: 1, access: any", "role: client, count: 1, access: some",
                            12, "known here: any")

    def test_values_need_their_unit(self):
        self.assert_refused("stop: 1 s", "stop: 1", 3, "a time such as")
        self.assert_refused("up: 1 Gbit/s", "up: 1 GB/s", 8, "a rate such as")
        self.assert_refused("count: 1, access: any}\n  - {name: web", "count: -1, access: any}\n  - {name: web",
                            10, "a whole number")
        self.assert_refused("50 KiB: 1", "50 KB: 1", 14, "a size such as")

    def test_numbers_stay_in_range_and_do_not_overflow(self):
        self.assert_refused("stop: 1 s", "stop: 99999999999999999999 s", 3, "a time such as")
        self.assert_refused("stop: 1 s", "stop: 9999999999999 h", 3, "too large")
        self.assert_refused("stop: 1 s", "stop: 0.5 ns", 3, "not a whole number")
        self.assert_refused("count: 1", "count: 0", 10, "outside")

    def test_broken_yaml_is_refused_with_line(self):
        self.assert_refused("  regions: [here]", "  regions: [here", 6, "not YAML")
        self.assert_refused("  name: minimal", "  name: minimal\n  name: again", 3, "twice")
        self.assert_one_sentence(self.check(""), 2, "empty")
        self.assert_one_sentence(self.check(MINIMAL + "---\nmore: 1\n"), 2, "one document")

    def test_a_missing_file_is_named(self):
        self.assert_one_sentence(sim("check", self.path("none.yaml")), 2, "none.yaml",
                                 "No such file")

    def test_extends_merges_and_does_not_run_in_circles(self):
        self.write("base.yaml", MINIMAL)
        child = self.write("child.yaml", "extends: base.yaml\npopulation:\n  - {name: people, count: 7}\n")
        done = sim("check", child)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("8 nodes", done.stdout)
        circle = self.write("circle.yaml", "extends: circle.yaml\n")
        self.assert_one_sentence(sim("check", circle), 2, "for ever")

    def test_set_changes_one_value(self):
        done = sim("check", BASELINE, "--set", "population.people.count=5")
        self.assertIn("32 nodes", done.stdout)
        self.assert_one_sentence(sim("check", BASELINE, "--set", "population.poeple.count=5"), 2,
                                 "population.poeple")
        self.assert_one_sentence(sim("check", BASELINE, "--set", "general.stpo=5 s"), 2, '"stop"')


    def test_a_shown_scenario_stands_alone_and_says_the_same(self):
        # A list that is empty once was shown as nothing at all, which reads as a text.
        shown = sim("show", os.path.join(ROOT, "sim-scenarios", "reference-load.yaml"), "--set", "expect=[]")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertNotIn("extends", shown.stdout)
        alone = sim("check", self.write("alone.yaml", shown.stdout))
        self.assertIn(shown.stdout.splitlines()[0].split()[-1], alone.stdout)

    def test_hosts_says_who_is_where(self):
        text = MINIMAL.replace("{local: 2 ms}", "{local: 2 ms, spread: 5 ms}").replace("up: 1 Gbit/s, down", "delay: 3 ms, up: 2 Gbit/s, down")
        done = [sim("hosts", self.write("s.yaml", text), "--seed", seed) for seed in ("1", "1", "2")]
        self.assertEqual(done[0].stdout, done[1].stdout)
        first, other = json.loads(done[0].stdout), json.loads(done[2].stdout)
        self.assertEqual([host["name"] for host in first["hosts"]], ["super.0", "web.0", "people.0"])
        self.assertEqual([host["node"] for host in first["hosts"]], [0, None, 1])
        self.assertEqual({host["up_bit_per_s"] for host in first["hosts"]}, {2 * 10**9})
        self.assertNotEqual(first["latency_ns"], other["latency_ns"])  # offsets of pairs are drawn: 30 bits each
        for a, row in enumerate(first["latency_ns"]):
            for b, ns in enumerate(row):
                self.assertEqual(ns, first["latency_ns"][b][a])
                self.assertTrue(ns == 0 if a == b else 8 * 10**6 <= ns < 13 * 10**6)

    def test_a_new_scenario_runs_and_names_every_key(self):
        text = sim("new", "mine").stdout
        done = sim("run", self.write("mine.yaml", text), "--set", "general.stop='12 s'", "--out", self.path("o"), "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        for key in ("epoch", "carrier", "timeout", "penalty", "tolerance"):
            self.assertIn(f"# {key}: ", text)
        self.assert_one_sentence(sim("new", "No/Path"), 2, "No/Path")

    def test_the_reference_page_is_the_schema_s(self):
        with open(os.path.join(ROOT, "docs", "scenario-reference.md"), encoding="utf-8") as f:
            self.assertEqual(f.read(), sim("reference").stdout)


class CommandLine(SimTest):
    def run_sim(self, *arguments):
        return sim("run", BASELINE, *SMALL, *arguments)

    def test_unknown_tiers_and_hosts_are_refused(self):
        self.assert_one_sentence(self.run_sim("--out", self.path("o"), "--tier", "X"), 2, "M, T and P")
        done = self.run_sim("--out", self.path("o"), "--tier", "T", "--pcap", "poeple.0", "--quiet")
        self.assert_one_sentence(done, 2, "poeple.0", "supers.0")
        done = self.run_sim("--out", self.path("o"), "--tier", "M", "--pcap", "people.0", "--quiet")
        self.assert_one_sentence(done, 2, "no packets", "T or P")

    def test_compare_needs_two_folders_with_results(self):
        self.assert_one_sentence(sim("compare", self.path("a")), 2, "needs a value")
        self.assert_one_sentence(sim("compare", self.path("a"), self.path("b")), 3, "summary.json")

    def test_unknown_options_and_commands_get_a_suggestion(self):
        self.assert_one_sentence(self.run_sim("--sede", "1"), 2, "--seed")
        self.assert_one_sentence(sim("rum"), 2, '"run"')
        self.assert_one_sentence(self.run_sim("--out", self.path("o"), "--seed", "x"), 2, "--seed x")

    def test_help_goes_to_standard_output(self):
        for command in ((), ("run",), ("check",), ("list",), ("run", BASELINE)):
            with self.subTest(command=command):
                done = sim(*command, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("usage: qnet-sim run", done.stdout)

    def test_a_folder_that_cannot_be_made_is_one_sentence(self):
        self.write("file", "in the way")
        self.assert_one_sentence(self.run_sim("--out", self.path("file", "o")), 3, "cannot make")
        self.assert_one_sentence(self.run_sim("--out", self.path("no", "such")), 3, "cannot make")

    def test_a_full_disk_is_one_sentence(self):
        for name in ("scenario.yaml", "streams.csv", "events.csv", "report.html"):
            os.makedirs(self.path(name, "o"))
            os.symlink("/dev/full", self.path(name, "o", name))
            done = self.run_sim("--out", self.path(name, "o"), "--quiet")
            self.assert_one_sentence(done, 3, name, "No space left")

    def test_a_violated_expectation_fails_the_run(self):
        done = self.run_sim("--out", self.path("o"), "--quiet", "--set",
                            "expect=[{what: measured.done, at_least: 1000000}]")
        self.assert_one_sentence(done, 1, "measured.done", "at_least 1000000")
        self.assertIn("digest: ", done.stdout)


unittest.main()
