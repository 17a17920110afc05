#!/usr/bin/env python3
"""SIGKILLs of busy operators at random moments: nothing they signed goes back, no key is made anew, and they start again.

KILLS says how many (12 unless set), SEED which moments. An operator that starts again describes itself anew, so that
each death and each start makes the others sign lists: they are busy with one another.
"""
import hashlib
import json
import os
import random
import re
import sys
import time

import mesh
from mesh import MIB, QNET, RELEASE, ask, wait_for
from operators_test import Restarted

KILLS = int(os.environ.get("KILLS", "12"))
SEED = int(os.environ.get("SEED", "1"))
START_SECONDS = 2.0
OPERATORS = ("super1", "super2", "super3")


def cbor_uint(data):
    """The number at the start of `data` (RFC 8949 section 3)."""
    extra = data[0] & 31
    return extra if extra < 24 else int.from_bytes(data[1:1 + (1 << (extra - 24))], "big")


class Kills(Restarted):
    def file(self, name, what):
        try:
            with open(os.path.join(self.mesh.folder, name, what), "rb") as f:
                return f.read()
        except FileNotFoundError:
            return b""

    def kept(self, name):
        """The versions of what it signed last and of the list it keeps: 0 while there is none."""
        signed, snapshot = self.file(name, "signed"), self.file(name, "snapshot")
        listed = re.search(rb"[\xa5\xa6]\x01\x01\x02", snapshot[:16])
        return (cbor_uint(signed[1:]) if signed else 0, cbor_uint(snapshot[listed.end():]) if listed else 0)

    def keys(self, name):
        """Digests of every file that holds a key for good."""
        folder = os.path.join(self.mesh.folder, name)
        found = {what: hashlib.sha256(self.file(name, what)).hexdigest()
                 for what in sorted(os.listdir(folder)) if what.endswith("key")}
        self.assertGreaterEqual(len(found), 4, found)
        return found

    def answers(self, name, process):
        """Its status, once this process has written where it listens."""
        if process.poll() is not None:
            self.fail(f"{name} did not start again: " + self.file("", name + ".again.log").decode()[-500:])
        try:
            run = json.loads(self.file(name, "run.json"))
            if run["pid"] != process.pid:
                return None
            self.mesh.nodes[name]["status"] = f"127.0.0.1:{run['status'].rpartition(':')[2]}"
            return ask(self.mesh.nodes[name]["status"])
        except (OSError, ValueError):
            return None

    def test_busy_operators_are_killed_at_random_moments(self):
        moments, running, slowest = random.Random(SEED), {}, 0.0
        keys = {name: self.keys(name) for name in OPERATORS}
        kept = {name: self.kept(name) for name in OPERATORS}
        for _ in range(KILLS):
            name = moments.choice(OPERATORS)
            time.sleep(moments.choice((0.0, 0.05, 0.4, 3.5)) * moments.random())
            if name in running:
                running[name].kill()
                running[name].wait()
            else:
                self.kill(name)
            now = self.kept(name)
            self.assertTrue(all(a >= b for a, b in zip(now, kept[name])), f"{name}: {kept[name]}, then {now}")
            kept[name] = now
            began = time.monotonic()
            running[name] = self.run_node(QNET, name)
            status = wait_for(lambda n=name: self.answers(n, running[n]), f"{name} answers")
            slowest = max(slowest, time.monotonic() - began)
            self.assertGreaterEqual(status["network"]["snapshot_version"], now[1])
            self.assertEqual(self.keys(name), keys[name])
        print(f"{KILLS} kills, seed {SEED}: slowest start {slowest:.2f} s", file=sys.stderr)
        if RELEASE:
            self.assertLessEqual(slowest, START_SECONDS)
        before = max(version for _, version in kept.values())
        wait_for(lambda: min(self.kept(name)[1] for name in OPERATORS) > before, "a list of all three after it all", 90)
        for name in OPERATORS:
            self.assertEqual(self.mesh.status(name)["network"]["equivocators"], [])
        self.assert_whole(MIB)


if __name__ == "__main__":
    mesh.main()
