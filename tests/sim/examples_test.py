#!/usr/bin/env python3
"""The examples run, and ns-3's own applications on the same links are felt by what QNet carries."""
import os
import re
import subprocess
import unittest

FOLDER = os.path.dirname(os.environ["QNET_SIM"])


def example(name, *options):
    """\\return what it printed, and of each fetch the ms until its last byte"""
    done = subprocess.run([os.path.join(FOLDER, f"qnet-sim-example-{name}"), *options], capture_output=True, text=True,
                          timeout=250, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, [int(ms) for ms in re.findall(r"done, 1048576 bytes.*last after (\d+) ms", done.stdout)]


class Examples(unittest.TestCase):
    def test_two_nodes_make_a_network(self):
        said, fetches = example("two-nodes")
        self.assertIn("node 1 knows 1 nodes", said)
        self.assertEqual(len(fetches), 1)

    def test_a_backup_to_the_super_peers_machine_slows_fetches_through_it(self):
        _, (quiet, busy) = example("cross-traffic")
        _, (first, second) = example("cross-traffic", "--cross=0")
        self.assertEqual(quiet, first)
        self.assertGreater(busy, 2 * second)

    def test_a_topology_of_ones_own_is_shared_and_watched(self):
        said, (shared,) = example("own-topology")
        alone_said, (alone,) = example("own-topology", "--cross=0")
        self.assertGreater(shared, alone + 1000)
        self.assertEqual(len(re.findall(r"flow to port 9: ", said)), 2)
        self.assertNotIn("flow to port 9: ", alone_said)
        # A MiB cannot pass 5 Mbit/s in less.
        self.assertGreater(alone, 1048576 * 8 // 5000)


if __name__ == "__main__":
    unittest.main()
