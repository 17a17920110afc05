#!/usr/bin/env python3
"""results/manifest.json says how every result is made, by programs that are there. With the folder of a build as argument,
targets are looked for in it."""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RESULTS = os.path.join(ROOT, "results")
BUILD = sys.argv.pop() if len(sys.argv) > 1 else ""
REPRODUCE = os.path.join(ROOT, "tools", "reproduce")


def entries():
    """Of the folders that are here: a result's lines may be in the manifest before its files are kept."""
    with open(os.path.join(RESULTS, "manifest.json"), encoding="utf-8") as f:
        listed = json.load(f)["results"]
    return [entry for entry in listed if os.path.isdir(os.path.join(RESULTS, entry["folder"]))]


def made_here(word):
    """Whether a word of a command is a path of this tree, as all but words of the shell and system programs are."""
    return re.match(r"(tools|tests|sim-scenarios)/", word)


def files_of(folder):
    for parent, _, names in os.walk(os.path.join(RESULTS, folder)):
        for name in names:
            yield os.path.relpath(os.path.join(parent, name), os.path.join(RESULTS, folder))


class Manifest(unittest.TestCase):
    def test_every_folder_is_in_it(self):
        folders = {name for name in os.listdir(RESULTS) if os.path.isdir(os.path.join(RESULTS, name))}
        self.assertEqual(folders - {entry["folder"] for entry in entries()}, set())

    def test_names_are_given_once(self):
        names = [entry["name"] for entry in entries()]
        self.assertEqual(len(names), len(set(names)))

    def test_every_file_it_names_is_kept(self):
        for entry in entries():
            for name in entry["writes"]:
                self.assertTrue(os.path.exists(os.path.join(RESULTS, entry["folder"], name)), (entry["name"], name))

    def test_every_json_file_is_made_by_something(self):
        written = {(entry["folder"], name) for entry in entries() for name in entry["writes"]}
        for folder in {entry["folder"] for entry in entries()}:
            for name in files_of(folder):
                if name.endswith(".json"):
                    self.assertIn((folder, name), written)

    def test_every_program_and_scenario_is_there(self):
        for entry in entries():
            for command in entry["commands"]:
                for word in filter(made_here, re.split(r"[\s;]+", command)):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, word)), (entry["name"], word))

    @unittest.skipUnless(os.path.exists(os.path.join(BUILD, "build.ninja")), "no build to look in")
    def test_every_target_can_be_built(self):
        with open(os.path.join(BUILD, "build.ninja"), encoding="utf-8") as f:
            known = set(re.findall(r"^build ([^ :]+)[^:]*: phony", f.read(), re.M))
        if not {"qnet", "qnet-sim"} <= known:
            self.skipTest("a build without libevent or ns-3")
        for entry in entries():
            self.assertLessEqual(set(entry["build"]["targets"]), known, entry["name"])
            for command in entry["commands"]:
                used = {word.rsplit("/", 1)[1] for word in shlex.split(command) if "build/" in word}
                self.assertLessEqual({name.strip(";") for name in used}, set(entry["build"]["targets"]), entry["name"])


class Tool(unittest.TestCase):
    def run_tool(self, *arguments):
        return subprocess.run([REPRODUCE, *arguments], capture_output=True, text=True, check=False)

    def test_it_lists_every_result(self):
        done = self.run_tool("--list")
        self.assertEqual(done.returncode, 0, done.stderr)
        for entry in entries():
            self.assertIn(f"\n{entry['name']}: about ", "\n" + done.stdout)

    def test_a_name_that_is_none_is_said(self):
        done = self.run_tool("no-such-thing")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertEqual(self.run_tool().returncode, 2)


class OneResult(unittest.TestCase):
    """The tool in a tree of its own, with one result whose command is given."""

    def reproduce(self, command, kept, **more):
        root = tempfile.mkdtemp(prefix="qnet-results.")
        self.addCleanup(shutil.rmtree, root)
        for folder in ("tools", "results/r"):
            os.makedirs(os.path.join(root, folder))
        tool = shutil.copy(REPRODUCE, os.path.join(root, "tools"))
        entry = {"name": "r", "folder": "r", "commands": [command], "minutes": 1, "needs": [], "writes": {"a.json": "b.json"},
                 "build": {"preset": "release", "targets": []}, "compare": "same", **more}
        for name, text in (("manifest.json", json.dumps({"results": [entry]})), ("r/a.json", kept)):
            with open(os.path.join(root, "results", name), "w", encoding="utf-8") as f:
                f.write(text)
        self.write_old(root)
        return subprocess.run([tool, "r"], capture_output=True, text=True, check=False)

    def write_old(self, root):
        """What an earlier run has left must not count as made by this one."""
        os.makedirs(os.path.join(root, "out", "reproduce", "r"))
        with open(os.path.join(root, "out", "reproduce", "r", "b.json"), "w", encoding="utf-8") as f:
            f.write("{}")

    def test_the_same_bytes_are_the_same(self):
        done = self.reproduce("printf '{\"x\": [1]}' > OUT/b.json; echo said", '{"x": [1]}')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("said\n", done.stdout)
        self.assertIn("results/r/a.json: the same", done.stdout)

    def test_what_has_to_be_the_same_and_is_not_is_status_1(self):
        done = self.reproduce("printf '{\"x\": [2]}' > OUT/b.json", '{"x": [1]}', commit="abc")
        self.assertEqual(done.returncode, 1)
        self.assertIn("x[0]: 1, now 2", done.stdout)
        self.assertIn("made at commit abc", done.stdout)

    def test_a_measurement_may_be_another(self):
        done = self.reproduce("printf '{\"x\": [2]}' > OUT/b.json", '{"x": [1]}', compare="read")
        self.assertEqual(done.returncode, 0)
        self.assertIn("x[0]: 1, now 2", done.stdout)

    def test_what_fails_is_one_sentence(self):
        for done, word in ((self.reproduce("false", "{}"), "status 1 of: false"),
                           (self.reproduce("true", "{}"), "was not written"),
                           (self.reproduce("true", "{}", needs=["no-such-program"]), "not installed")):
            self.assertEqual(done.returncode, 1)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(word, done.stderr)


class Tables(unittest.TestCase):
    """tools/sim-tables, which makes the tables of results/censors and results/outages."""

    def make(self, kind, rows):
        folder = tempfile.mkdtemp(prefix="sim-tables.")
        self.addCleanup(shutil.rmtree, folder)
        os.mkdir(os.path.join(folder, "one"))
        with open(os.path.join(folder, "one", "sweep.csv"), "w", encoding="utf-8") as f:
            f.write("metric,runs,mean,low95,high95,min,max\n" + "\n".join(rows) + "\n")
        os.rename(os.path.join(folder, "one"), os.path.join(folder, "flash-crowd"))
        tool = os.path.join(ROOT, "tools", "sim-tables")
        subprocess.run([sys.executable, tool, kind, folder], check=True, timeout=60)
        with open(os.path.join(folder, "tables.md"), encoding="utf-8") as f:
            return f.read()

    def test_an_interval_is_half_its_width(self):
        text = self.make("outages", ["join.crowd.within_5_s_permille,10,950.0,940.0,960.0,900,1000"])
        self.assertIn("| a circuit within 5 s, % | 95.0 ± 1.0 |", text)
        self.assertIn("| ... p95 | - |", text)

    def test_a_detector_has_its_flows(self):
        rows = [f"censor.ip.{kind}.{key},10,{value}.0,{value}.0,{value}.0,{value},{value}" for kind in ("links", "tor")
                for key, value in (("flows", 8), ("blocked_permille", 500), ("slowed", 0))]
        self.assertIn("| `flash-crowd` | ip | 50 | 50 | - | - | - | - |", self.make("censors", rows))


unittest.main()
