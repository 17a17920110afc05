#!/usr/bin/env python3
"""Hops that are killed at many points of a transfer over three hops: the application has the whole or an error, and
its next request is served within five seconds.

OFFSETS says at how many points each of the three hops dies (2 unless set). A hop that died starts again before the
next one does, so what was cut need not wait until its links are given up: that is in faults_test.py.
"""
import os
import sys
import time
import unittest

import mesh
from mesh import MIB, RELEASE, MeshTest, wait_for

OFFSETS = int(os.environ.get("OFFSETS", "2"))
SIZE = (50 if RELEASE else 8) * MIB
RATE = SIZE // 2        # bytes a second, so that a point can be met
SERVED_WITHIN = 5       # seconds, however busy the machine
HOPS = ("entry", "joint", "exit")
TIMED_OUT = 28          # curl's own patience: neither an error nor an end was seen


class Offsets(MeshTest):
    arguments = ["--relays", "6", "--exits", "3"]

    def setUp(self):
        self.cut_off, self.served, self.whole = [], [], 0

    def fresh_mesh(self):
        """A client keeps away from who failed it for a minute: a mesh in which all have would be another test."""
        cls = type(self)
        cls.mesh.down()
        cls.mesh = mesh.Mesh("--exit-allow", cls.web.address, *cls.arguments)

    def circuits(self):
        """Those of the client that carry a stream now: their hops' names, by circuit."""
        circuits = mesh.ask(self.mesh.nodes["client1"]["status"], "circuits")["circuits"]
        return {c["id"]: [self.mesh.names[hop] for hop in c["hops"]] for c in circuits if c["streams"] > 0}

    def begin(self, user):
        """A transfer under way by a circuit of its own, and that circuit's hops."""
        before = self.circuits().keys()
        fetch = mesh.Fetch(self.mesh.socks, self.url("file", SIZE), user, 60, "--limit-rate", str(RATE))
        return fetch, wait_for(lambda: [hops for c, hops in self.circuits().items() if c not in before], "a path")[0]

    def kill_at(self, at, hop):
        user = f"privacy+{at}{HOPS[hop]}"
        fetch, path = self.begin(user)
        wait_for(lambda: fetch.received >= SIZE * at // OFFSETS or fetch.process.poll() is not None, "the offset")
        self.mesh.kill(path[hop])
        self.cut_off.append((fetch, f"{HOPS[hop]} killed at {at} of {OFFSETS}"))
        try:
            self.next_request(user)         # by what has just died, as far as the client knows
            self.next_request("privacy")
        finally:
            self.mesh.restart(path[hop])

    def all_are_whole_or_errors(self):
        while self.cut_off:
            fetch, which = self.cut_off.pop()
            with self.subTest(which):
                status = fetch.end()
                self.assertNotEqual(status, TIMED_OUT, "the application was left waiting")
                if status == 0:
                    self.assertEqual(fetch.sha.hexdigest(), mesh.digest(SIZE))
                    self.whole += 1

    def next_request(self, user):
        began = time.monotonic()
        fetch = self.fetch("file", MIB, user, limit=SERVED_WITHIN)
        self.assertEqual(fetch.end(), 0, f"not served within {SERVED_WITHIN} s of a death: {fetch.error}")
        self.assertEqual(fetch.sha.hexdigest(), mesh.digest(MIB))
        self.served.append(time.monotonic() - began)

    def test_every_hop_at_every_offset(self):
        for at in range(OFFSETS):
            for hop, name in enumerate(HOPS):
                with self.subTest(hop=name, offset=f"{at} of {OFFSETS}"):
                    self.kill_at(at, hop)
            self.all_are_whole_or_errors()
            if at % 2 == 1 and at + 1 < OFFSETS:
                self.fresh_mesh()
        served = sorted(self.served)
        print(f"{OFFSETS * len(HOPS)} deaths in {SIZE // MIB} MiB: {self.whole} transfers were whole, the others ended in an "
              f"error; the next request took {served[len(served) // 2]:.2f} s (median), {served[-1]:.2f} s at most",
              file=sys.stderr)


if __name__ == "__main__":
    mesh.main()
