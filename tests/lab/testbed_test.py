#!/usr/bin/env python3
"""Four real nodes and a web server in namespaces of their own, beside the simulator; and what is left when that is killed.

QNET_BUILD names the build folder. Needs root or unprivileged user namespaces, and TUN devices; skipped without.
"""
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
TESTBED = os.path.join(ROOT, "tools", "testbed")
SKIPPED = 77
PATIENCE = 120  # seconds, for what takes one or two
SMALL = ["population.relays.count=2", "population.exits.count=1", "population.people.count=2", "population.people.start.over='1 s'",
         "workload.browsing.think='1 s'", "workload.browsing.sizes={50 KiB: 1}", "general.stop='40 s'", "expect=[]"]


def command(folder):
    sets = [word for value in SMALL for word in ("--set", value)]
    return [TESTBED, "run", os.path.join(ROOT, "sim-scenarios", "testbed-web.yaml"), "--tier", "M", "--out", folder, *sets,
            "--build", os.environ.get("QNET_BUILD", os.path.join(ROOT, "build", "release"))]


def processes_of(folder):
    """Processes whose command names the folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if os.fsencode(folder) in f.read():
                    found.append(int(pid))
        except OSError:
            continue
    return found


def wait_for(done):
    until = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


class Testbed(unittest.TestCase):
    def setUp(self):
        self.parent = tempfile.TemporaryDirectory(prefix="qnet-testbed.")
        self.addCleanup(self.parent.cleanup)
        self.folder = os.path.join(self.parent.name, "out")

    def rows(self, *names):
        with open(os.path.join(self.folder, *names), encoding="ascii", newline="") as f:
            return list(csv.DictReader(f))

    def test_real_nodes_make_the_fetches_of_the_simulated(self):
        done = subprocess.run(command(self.folder), capture_output=True, text=True, timeout=300, check=False)
        if done.returncode == SKIPPED:
            print(done.stderr)
            sys.exit(SKIPPED)
        self.assertEqual(done.returncode, 0, done.stderr)
        simulated, real = self.rows("sim", "streams.csv"), self.rows("real", "streams.csv")
        key = lambda row: (row["client"], int(row["start_ns"]), row["size_bytes"], row["route"])
        self.assertEqual(sorted(map(key, simulated)), sorted(map(key, real)))
        outcomes = {row["outcome"] for row in real}
        self.assertIn("done", outcomes)
        self.assertFalse(outcomes & {"corrupt", "truncated", "http-error"}, outcomes)
        self.assertTrue(self.rows("real", "circuits.csv"))
        with open(os.path.join(self.folder, "real", "real.json"), encoding="utf-8") as f:
            link = json.load(f)["link"]
        self.assertEqual(link["refused"], 0)
        self.assertGreater(link["delivered"], 1000)
        self.assertEqual(processes_of(self.folder), [])
        self.assertEqual(subprocess.run([TESTBED, "compare", self.folder], capture_output=True, check=False).returncode, 0)

    def test_what_cannot_be_compared_is_said_in_a_sentence(self):
        head = "client,route,size_bytes,start_ns,ttfb_ns,ttlb_ns,bytes,measured,outcome\n"
        for streams, said in (("", "no column is called client"), (head, "delivered nothing"), (head + "1,fast\n", ":2: "),
                              (head + "1,fast,x,y,z,0,0,1,done\n", "invalid literal"), ('"' + "x" * 200000, "field larger")):
            for name in ("sim", "real"):
                os.makedirs(os.path.join(self.folder, name), exist_ok=True)
                for file, text in (("streams.csv", streams), ("circuits.csv", "build_ns\n")):
                    with open(os.path.join(self.folder, name, file), "w", encoding="ascii") as f:
                        f.write(text)
            done = subprocess.run([TESTBED, "compare", self.folder], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
            self.assertIn(said, done.stderr)

    def ends_all(self, sign):
        with subprocess.Popen(command(self.folder), stderr=subprocess.DEVNULL, start_new_session=True) as testbed:
            log = os.path.join(self.folder, "real", "people.0.log")
            self.assertTrue(wait_for(lambda: os.path.exists(log) or testbed.poll() is not None))
            if testbed.poll() == SKIPPED:
                sys.exit(SKIPPED)
            self.assertIsNone(testbed.poll())
            self.assertGreater(len(processes_of(self.folder)), 3)
            os.kill(testbed.pid, sign)
            testbed.wait(PATIENCE)
        self.assertTrue(wait_for(lambda: not processes_of(self.folder)), processes_of(self.folder))

    def test_nothing_is_left_when_it_is_killed(self):
        self.ends_all(signal.SIGKILL)

    def test_nothing_is_left_when_it_is_ended(self):
        self.ends_all(signal.SIGTERM)


unittest.main()
