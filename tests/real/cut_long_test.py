#!/usr/bin/env python3
"""Two GiB over HTX while every connection between nodes is cut every 20 s."""
import sys
import unittest

import cut_test
import mesh
from mesh import MIB

SIZE = 2048 * MIB
EVERY = 20
RATE = 10 * MIB  # a second: so that it is cut ten times


@unittest.skipUnless(cut_test.kills_sockets(), "ending other programs' connections needs root, ss and a kernel that does it")
class TwoGibibytes(cut_test.EveryCarrierIsCut):
    arguments = ["--relays", "0", "--exits", "0"]
    test_one_hop = test_three_hops = None

    def test_two_gib_arrive_whole(self):
        cuts, spent = self.download("fast", SIZE, RATE, EVERY)
        print(f"{SIZE // MIB} MiB whole in {spent:.0f} s across {cuts} cuts of every carrier, {self.resumed()} resumptions, "
              f"SHA-256 {mesh.digest(SIZE)}", file=sys.stderr)


if __name__ == "__main__":
    mesh.main()
