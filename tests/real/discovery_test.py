#!/usr/bin/env python3
"""Processes in network namespaces: a relay behind nftables' masquerade is found, carried and used; relays and clients
go on when the operator is gone.

Everything happens inside a namespace of the test's own, with one more for each node, so nothing of this machine's
network is touched. Needs root, or unprivileged user namespaces; ip, nft, nsenter, unshare and curl. QNET names the
program under test.
"""
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import mesh
from mesh import QNET, wait_for
from places import Node, Place, enter, run

SIZE = 300000


class Namespaces(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qnet-discovery.")
        self.places, self.nodes, self.served = [], [], []
        run("ip", "link", "add", "bridge", "type", "bridge")
        run("ip", "link", "set", "bridge", "up")
        self.web()
        super_place = self.place("super", "10.9.0.2")
        run(QNET, "keygen", "--operator", "--state", os.path.join(self.folder, "super"))
        run(QNET, "network", "init", "--name", "namespaces", "--lab", "--out", os.path.join(self.folder, "network"),
            "--operator-state", os.path.join(self.folder, "super"), "--operator-addr", "10.9.0.2:4433")
        self.super = self.node(super_place, "super")
        self.relays = [self.node(self.place(name, f"10.9.0.{last}"), "relay")
                       for name, last in (("relay1", 3), ("relay2", 4))]
        self.exit = self.node(self.place("exit", "10.9.0.5"), "exit")
        self.client = self.node(self.place("client", "10.9.0.6"), "client", "--route", "privacy")

    def tearDown(self):
        for node in self.nodes:
            node.stop(signal.SIGKILL)
        for process in self.served:
            process.kill()
            process.wait(10)
        for place in self.places:
            place.close()
        run("ip", "link", "del", "bridge")
        if sys.exc_info()[0] is None:
            shutil.rmtree(self.folder)

    def place(self, *arguments):
        place = Place(*arguments)
        self.places.append(place)
        return place

    def node(self, *arguments):
        node = Node(self.folder, *arguments)
        self.nodes.append(node)
        return node

    def web(self):
        place = self.place("web", "10.9.0.9")
        os.mkdir(os.path.join(self.folder, "www"))
        with open(os.path.join(self.folder, "www", "page"), "wb") as page:
            page.writelines(mesh.chunks(SIZE))
        self.served.append(subprocess.Popen(
            place.command(sys.executable, "-m", "http.server", "80", "--bind", "10.9.0.9", "--directory",
                          os.path.join(self.folder, "www")), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def behind(self):
        router = self.place("router", "10.9.0.7")
        inside = self.place("behind", "192.168.77.2", router)
        inside.ip("route", "add", "default", "via", "192.168.77.1")
        router.masquerade()
        return self.node(inside, "relay")

    def page(self, user):
        """SHA-256 of the page as it comes through the client; each user has circuits of his own."""
        got = subprocess.run(self.client.place.command("curl", "-s", "-m", "60", "-x",
                                                       f"socks5h://privacy:{user}@127.0.0.1:1088",
                                                       "http://10.9.0.9/page"), capture_output=True, check=False)
        return hashlib.sha256(got.stdout).hexdigest()

    def pages_until(self, done, seconds):
        """Fetches pages, all of which must be whole, until done()."""
        deadline = time.monotonic() + seconds
        for user in itertools.count():
            if done():
                return
            self.assertLess(time.monotonic(), deadline, "the relay was not used")
            self.assertEqual(self.page(user), mesh.digest(SIZE))

    def carried(self, node):
        return node.document()["counters"]["relayed"]

    def test_a_relay_behind_a_masquerade_is_found_carried_and_used(self):
        wait_for(lambda: self.client.status("state") == "connected", "the client is connected", 60)
        hidden = self.behind()
        wait_for(lambda: hidden.status("reach") == "behind", "it learns that nobody reaches it", 120)
        wait_for(lambda: self.client.status("peers_online") == 5, "the list has it", 180)
        self.assertEqual([relay.status("reach") for relay in self.relays], ["direct", "direct"])
        self.pages_until(lambda: self.carried(hidden) > SIZE, 240)

    def test_without_an_operator_a_newcomer_is_found(self):
        wait_for(lambda: self.client.status("state") == "connected", "the client is connected", 60)
        wait_for(lambda: self.relays[0].status("peers_online") == 4, "all are listed", 60)
        self.super.stop(signal.SIGKILL)
        state = os.path.join(self.folder, "late")
        os.mkdir(state, 0o700)
        shutil.copy(os.path.join(self.relays[0].state, "snapshot"), state)
        late = self.node(self.place("late", "10.9.0.8"), "relay")
        wait_for(lambda: late.status("reach") == "direct", "others reach it", 120)
        wait_for(lambda: all(relay.status("peers_heard") == 1 for relay in (*self.relays, self.exit)),
                 "every node has heard of it", 300)
        self.assertEqual(self.client.status("peers_heard"), 0)


if __name__ == "__main__":
    enter()
    unittest.main(verbosity=2)
