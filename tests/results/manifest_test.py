#!/usr/bin/env python3
"""results/manifest.json says how every result is made, by programs that are there. With the folder of a build as argument,
targets are looked for in it."""
import json
import os
import re
import shlex
import subprocess
import sys
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


unittest.main()
