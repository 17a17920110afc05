#!/usr/bin/env python3
"""Processes that die: a cut transfer is an error at the application (promise P1), and life goes on."""
import os
import signal
import unittest

import mesh
from mesh import MIB, Mesh, MeshTest, wait_for

TIMED_OUT = 28  # curl's own patience: neither an error nor an end was seen


class Deaths(MeshTest):
    """Each test kills a hop of its own; enough relays and exits stay for the next."""

    arguments = ["--relays", "7", "--exits", "3"]
    size = 8 * MIB

    def kill(self, name):
        os.kill(self.mesh.nodes[name]["pid"], signal.SIGKILL)

    def cut(self, user, hop):
        """Kills a hop of a transfer that stands half done; the application must hear of it."""
        fetch, path = self.half_done(self.size, user)
        self.kill(path[hop])
        status = fetch.end()
        self.assertNotEqual(status, 0, "a cut transfer passed for a whole one")
        self.assertNotEqual(status, TIMED_OUT, "the application was left waiting")
        self.assertEqual(fetch.received, self.size // 2)

    def test_one_hop_exit(self):
        self.cut("fast", 0)
        self.recovers("fast")

    def test_three_hops_entry(self):
        self.cut("privacy", 0)
        self.recovers("privacy")

    def test_three_hops_joint(self):
        self.cut("privacy", 1)
        self.recovers("privacy")

    def test_three_hops_exit(self):
        self.cut("privacy", 2)
        self.recovers("privacy")

    def recovers(self, user):
        """The dead node is still listed for a while, so a few tries may meet it."""
        def whole():
            fetch = self.fetch("file", MIB, user, limit=5)
            if fetch.end() != 0:
                return False
            self.assertEqual(fetch.sha.hexdigest(), mesh.digest(MIB))
            return True
        wait_for(whole, "a whole transfer")


class ClientDeath(MeshTest):
    def test_a_killed_client_resets_its_applications(self):
        fetch, _ = self.half_done(4 * MIB, "fast")
        os.kill(self.mesh.nodes["client1"]["pid"], signal.SIGKILL)
        self.assertNotIn(fetch.end(), (0, TIMED_OUT))
        self.assertIn("reset", fetch.error)

    def test_the_rest_of_the_mesh_does_not_notice(self):
        for name in ("super1", "relay1", "exit1"):
            self.assertEqual(self.mesh.status(name)["mode"], name[:-1])


class Localnet(unittest.TestCase):
    def test_down_after_everything_was_killed(self):
        net = Mesh("--carrier", "bare", "--relays", "1", "--clients", "0")
        for node in net.nodes.values():
            os.kill(node["pid"], signal.SIGKILL)
        net.down()

    def test_a_mesh_that_cannot_work_says_why_and_leaves_nothing_running(self):
        done = Mesh.localnet("up", "/proc/nowhere", "--qnet", mesh.QNET)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("Traceback", done.stderr)

    def test_up_twice_in_one_folder(self):
        net = Mesh("--relays", "1", "--clients", "0")
        again = Mesh.localnet("up", net.folder, "--qnet", mesh.QNET)
        self.assertEqual(again.returncode, 1)
        self.assertIn("runs in", again.stderr)
        self.assertEqual(Mesh.localnet("down", net.folder).returncode, 0)
        again = Mesh.localnet("up", net.folder, "--qnet", mesh.QNET, "--relays", "1", "--clients", "0")
        self.assertEqual(again.returncode, 0, again.stderr)
        net.down()


if __name__ == "__main__":
    mesh.main()
