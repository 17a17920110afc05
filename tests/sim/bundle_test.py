#!/usr/bin/env python3
"""A bundle holds a run whole, another run of it is compared to the last byte, and what was tampered with is named."""
import json
import os
import subprocess
import unittest

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

TINY = [*SMALL, "--set", "general.stop='12 s'", "--set", "population.people.count=4", "--set", "network.carrier=bare"]
TRACE = "start_ns,client,size_bytes\n9000000000,1,2000\n9500000000,2,3000\n"


class Bundles(SimTest):
    def run_and_bundle(self, scenario=BASELINE):
        self.digest = digest_of(sim("run", scenario, *TINY, "--seed", "5", "--out", self.path("run"), "--quiet"))
        done = sim("bundle", self.path("run"), "--out", self.path("run.tar"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(self.digest, done.stdout)

    def manifest(self):
        with open(self.path("run", "bundle.json"), encoding="utf-8") as f:
            return json.load(f)

    def pack(self, name="run.tar"):
        """As somebody who tampers would: without qnet-sim's checks."""
        subprocess.run(["tar", "-cf", self.path(name), "-C", self.folder, "run"], check=True)
        return self.path(name)

    def append(self, name, text):
        with open(self.path("run", name), "a", encoding="utf-8") as f:
            f.write(text)

    def test_a_run_is_made_again_from_its_bundle(self):
        self.run_and_bundle()
        manifest = self.manifest()
        self.assertEqual((manifest["seed"], manifest["tier"], manifest["digest"]), (5, "M", self.digest))
        for word in ("qnet ", "ns-3", "OpenSSL", "libzstd", "build"):
            self.assertIn(word, manifest["versions"])
        done = sim("verify", self.path("run.tar"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("all the same; digest " + self.digest, done.stdout)

    def test_the_same_run_packs_to_the_same_bytes(self):
        self.run_and_bundle()
        self.assertEqual(sim("bundle", self.path("run") + "/", "--out", self.path("two.tar")).returncode, 0)
        with open(self.path("run.tar"), "rb") as a, open(self.path("two.tar"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_changed_missing_and_added_files_are_named(self):
        self.run_and_bundle()
        self.append("streams.csv", "1,2,3\n")
        self.append("note", "new\n")
        os.unlink(self.path("run", "faults.csv"))
        done = sim("verify", self.pack())
        self.assertEqual(done.returncode, 1, done.stderr)
        for line in ("streams.csv is not as it was packed", "note is not in bundle.json", "faults.csv is missing"):
            self.assertIn("differs: " + line, done.stdout)

    def test_another_seed_is_not_the_same_run(self):
        self.run_and_bundle()
        manifest = self.manifest()
        manifest["seed"] = 6
        with open(self.path("run", "bundle.json"), "w", encoding="utf-8") as f:
            json.dump(manifest, f)
        done = sim("verify", self.pack())
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("hashes: ", done.stdout)
        self.assertIn("differs: events.csv from line ", done.stdout)
        self.assertIn("  seed: 5, now 6", done.stdout)

    def test_a_changed_run_is_not_bundled(self):
        self.run_and_bundle()
        self.append("nodes.csv", "x\n")
        self.assert_one_sentence(sim("bundle", self.path("run")), 3, "was changed since it ran")

    def test_a_trace_travels_with_the_run(self):
        with open(BASELINE, encoding="utf-8") as f:
            text = f.read()
        start = text.index("workload:")
        self.write("requests.csv", TRACE)
        trace = "workload:\n  - model: trace\n    clients: people\n    servers: %s\n    file: requests.csv\n"
        servers = text[start:].split("servers:", 1)[1].split(None, 1)[0]
        self.write("base.yaml", text)
        self.run_and_bundle(self.write("traced.yaml", "extends: base.yaml\n" + trace % servers))
        os.unlink(self.path("requests.csv"))
        done = sim("verify", self.path("run.tar"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_is_no_run_and_no_bundle_is_said(self):
        os.mkdir(self.path("empty"))
        self.assert_one_sentence(sim("bundle", self.path("empty")), 3, "not the folder of a finished run")
        self.assert_one_sentence(sim("verify", self.write("x.tar", "x")), 3, "no bundle")
        self.assert_one_sentence(sim("bundle"), 2, "needs a value")


unittest.main()
