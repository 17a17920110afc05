#!/usr/bin/env python3
"""Two GiB over one link, at a user's pace, while the web site in front of the node is reloaded twice."""
import os
import signal
import sys
import time
import unittest

import htx_test
import mesh
from mesh import MIB, wait_for

SIZE = 2048 * MIB
RATE = 12 * MIB  # a second: faster than the drain time needs, slower than the machine is
DRAIN = 300


@htx_test.needs_nginx
class TwoReloads(htx_test.Reloaded):
    arguments = ["--origin", "nginx", "--drain", str(DRAIN), "--relays", "0", "--exits", "0"]

    def reload(self):
        before = self.workers()
        for site in self.mesh.about["origins"]:
            os.kill(site["pid"], signal.SIGHUP)
        wait_for(lambda: not before & self.workers(), "the old workers' end", 60)

    def test_two_gib_arrive_whole(self):
        began = time.monotonic()
        fetch = mesh.Fetch(self.mesh.socks, self.url("file", SIZE), "fast", 600, "--limit-rate", str(RATE))
        for part in (3, 5):
            wait_for(lambda at=part: fetch.received > SIZE * at // 8, f"{part} eighths of the body", DRAIN)
            self.reload()
        self.assertEqual(fetch.end(), 0, fetch.error)
        spent = time.monotonic() - began
        self.assertEqual(fetch.received, SIZE)
        self.assertEqual(fetch.sha.hexdigest(), mesh.digest(SIZE))
        print(f"{SIZE // MIB} MiB whole in {spent:.0f} s across 2 reloads, drain {DRAIN} s, "
              f"SHA-256 {fetch.sha.hexdigest()}", file=sys.stderr)


if __name__ == "__main__":
    mesh.main()
