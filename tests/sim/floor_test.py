#!/usr/bin/env python3
"""tools/sim-floor: what of an answer is distance, by a world in which every way can be counted by hand, and by a real run."""
import json
import os
import subprocess
import sys
import unittest

from simtest import QNET_SIM, ROOT, SimTest, digest_of, sim

MS = 10**6
# Entries and joints a, b, c in three countries, d in a's, which alone is no exit; one person, one server. One way, in ms.
PLACES = ["a", "b", "c", "d", "me", "web"]
FAR = 100
NEAR = {("me", "a"): 10, ("me", "d"): 5, ("a", "b"): 10, ("b", "c"): 10, ("c", "web"): 10, ("b", "web"): 10, ("d", "a"): 1,
        ("d", "b"): 10, ("d", "c"): 50}

STREAMS = "client,circuit,hops,measured,start_ns,ttfb_ns,answer_ns,host\n"
CIRCUITS = "client,circuit,built_at_ns,ended_at_ns,path\n"


def latency(a, b):
    return 0 if a == b else MS * NEAR.get((a, b), NEAR.get((b, a), FAR))


def world():
    def host(i, name):
        role = {"me": "client", "web": "web", "d": "relay"}.get(name, "exit")
        country = {"a": "AA", "b": "BB", "c": "CC", "d": "AA"}.get(name, "")
        return {"name": name, "role": role, "country": country, "node": i if name != "web" else None}
    return {"hosts": [host(i, name) for i, name in enumerate(PLACES)],
            "latency_ns": [[latency(a, b) for b in PLACES] for a in PLACES]}


class Floor(SimTest):
    def run_folder(self, streams, circuits, name="seed-1", tier="M"):
        folder = self.path("sweep", name)
        os.makedirs(folder)
        for file, text in (("summary.json", json.dumps({"seed": 1, "tier": tier})), ("streams.csv", STREAMS + streams),
                           ("circuits.csv", CIRCUITS + circuits), ("nodes.csv", "node,peer\n0,aa\n1,bb\n2,cc\n3,dd\nclients,\n")):
            with open(os.path.join(folder, file), "w", encoding="utf-8") as f:
                f.write(text)
        program = self.write("hosts", "#!/bin/sh\ncat <<'E'\n" + json.dumps(world()) + "\nE\n")
        os.chmod(program, 0o755)

    def floor(self, folder="sweep", program=None):
        return subprocess.run([sys.executable, os.path.join(ROOT, "tools", "sim-floor"), self.path(folder), "--json",
                               "--qnet-sim", program or self.path("hosts")], capture_output=True, text=True, check=False)

    def figures(self, **more):
        done = self.floor(**more)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_every_way_is_the_one_counted_by_hand(self):
        # Used: a-c-b, 10 + 100 + 10 + 10. Ready too: a-b-c, 10 + 10 + 10 + 10. Not ready: one that had ended, one that came later.
        self.run_folder(f"4,1,3,1,{1000 * MS},{300 * MS},{280 * MS},www0.example\n",
                        f"4,1,{100 * MS},,aa-cc-bb\n4,2,{900 * MS},,aa-bb-cc\n4,3,{100 * MS},{500 * MS},dd-bb-cc\n"
                        f"4,4,{2000 * MS},,dd-bb-cc\n4,5,,{50 * MS},\n")
        out = self.figures()
        self.assertEqual({name: out[name]["p95"][0] for name in ("answer", "chosen", "ready", "guarded", "nearest", "waited")},
                         {"answer": 280, "chosen": 260, "ready": 80, "guarded": 80, "nearest": 70, "waited": 20})
        self.assertEqual(out["runs"], 1)
        self.assertIsNone(out["answer"]["p95"][1])

    def test_no_two_hops_are_of_one_country_and_the_last_is_an_exit(self):
        # d-a would be the nearest pair, but both are in AA; d may not be the last.
        self.run_folder(f"4,1,3,1,0,{300 * MS},{300 * MS},www0.example\n", "4,1,0,,dd-cc-bb\n")
        self.assertEqual(self.figures()["guarded"]["p50"][0], 2 * (5 + 10 + 10 + 10))

    def test_only_measured_answers_over_three_hops_count(self):
        self.run_folder("4,1,3,0,0,1,1,www0.example\n4,0,1,1,0,1,1,www0.example\n4,1,3,1,0,,,www0.example\n"
                        f"4,1,3,1,0,{400 * MS},{400 * MS},www0.example\n", "4,1,0,,aa-bb-cc\n")
        self.assertEqual(self.figures()["answer"]["p50"][0], 400)

    def test_seeds_give_a_mean_and_an_interval(self):
        for seed, ms in ((1, 100), (2, 200), (3, 300)):
            self.run_folder(f"4,1,3,1,0,{ms * MS},{ms * MS},www0.example\n", "4,1,0,,aa-bb-cc\n", name=f"seed-{seed}")
        mean, half = self.figures()["answer"]["p95"]
        self.assertAlmostEqual(mean, 200)
        self.assertAlmostEqual(half, 4.30 * 100 / 3**0.5)

    def test_what_is_no_run_is_one_sentence(self):
        for make, words in ((lambda: None, "cannot be read"),
                            (lambda: self.run_folder("", "", tier="T"), "not of tier M"),
                            (lambda: self.run_folder("4,1,3,0,0,1,1,www0.example\n", "", name="seed-0"), "no measured answer")):
            make()
            done = self.floor()
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_no_answer_of_a_real_run_is_quicker_than_its_way(self):
        scenario = os.path.join(ROOT, "sim-scenarios", "circuit-latency.yaml")
        digest_of(sim("run", scenario, "--out", self.path("o"), "--quiet", "--set", "general.stop='14 s'",
                      "--set", "general.warmup='5 s'", "--set", "population.people.count=12", "--set", "expect=[]"))
        out = self.figures(folder="o", program=QNET_SIM)
        self.assertGreater(out["waited"]["p50"][0], 0)
        self.assertGreaterEqual(out["answer"]["p50"][0], out["chosen"]["p50"][0])
        self.assertGreaterEqual(out["chosen"]["p95"][0], out["ready"]["p95"][0])
        self.assertGreaterEqual(out["guarded"]["p95"][0], out["nearest"]["p95"][0])


if __name__ == "__main__":
    unittest.main()
