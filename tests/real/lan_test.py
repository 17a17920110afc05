#!/usr/bin/env python3
"""Two nodes in one local network, no operator, no list: with discovery.lan they find each other, and without it not.

Each node has a namespace of its own on a bridge, with a system bus and Avahi's daemon. Needs root, or unprivileged
user namespaces; ip, nft, nsenter, unshare, curl, dbus-daemon and avahi-daemon. QNET names the program under test.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from mesh import QNET, wait_for
from places import Node, Place, enter, run

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="false"/><allow receive_sender="*"/><allow own="*"/>
<allow user="*"/></policy></busconfig>
"""
DAEMON = """[server]
host-name={name}
use-ipv4=yes
use-ipv6=no
enable-dbus=yes
[publish]
publish-hinfo=no
publish-workstation=no
"""
# Its process file has one place, so each has a /run of its own.
START = "mount -t tmpfs run /run && exec avahi-daemon -f {file} --no-drop-root --no-chroot --no-rlimits"


class Neighbourly(Place):
    """A place whose processes have a bus, and Avahi on it."""

    def __init__(self, folder, name, address):
        self.bus = os.path.join(folder, name + ".bus")
        self.served = []
        super().__init__(name, address)
        self.ip("link", "set", "eth0", "multicast", "on")
        self.serve(folder, "dbus-daemon", "--nofork", "--nopidfile", "--config-file",
                   self.write(folder, "bus.conf", BUS.format(path=self.bus)))
        wait_for(lambda: os.path.exists(self.bus), "the bus is there", 10)
        self.serve(folder, "unshare", "-m", "sh", "-c",
                   START.format(file=self.write(folder, "avahi.conf", DAEMON.format(name=name))))

    def write(self, folder, name, text):
        path = os.path.join(folder, f"{self.name}.{name}")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def command(self, *words):
        return super().command("env", f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={self.bus}", *words)

    def serve(self, folder, *words):
        with open(os.path.join(folder, self.name + ".services"), "a", encoding="utf-8") as log:
            self.served.append(subprocess.Popen(self.command(*words), stdout=log, stderr=log))

    def close(self):
        for process in reversed(self.served):
            process.terminate()
            process.wait(10)
        super().close()


class Lan(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qnet-lan.")
        self.places, self.nodes = [], []
        run("ip", "link", "add", "bridge", "type", "bridge")
        run("ip", "link", "set", "bridge", "up")

    def tearDown(self):
        for node in self.nodes:
            node.stop(signal.SIGKILL)
        for place in self.places:
            place.close()
        run("ip", "link", "del", "bridge")
        if sys.exc_info()[0] is None:
            shutil.rmtree(self.folder)

    def place(self, name, last):
        place = Neighbourly(self.folder, name, f"10.9.0.{last}")
        self.places.append(place)
        return place

    def node(self, place, mode, *more):
        node = Node(self.folder, place, mode, *more)
        self.nodes.append(node)
        return node

    def found(self):
        """A network with an operator, who lists one relay and is gone."""
        run(QNET, "keygen", "--operator", "--state", os.path.join(self.folder, "super"))
        run(QNET, "network", "init", "--name", "lan", "--lab", "--out", os.path.join(self.folder, "network"),
            "--operator-state", os.path.join(self.folder, "super"), "--operator-addr", "10.9.0.2:4433")
        operator = self.node(self.place("super", 2), "super")
        relay = self.node(self.place("relay", 3), "relay", "--discovery-lan")
        wait_for(lambda: relay.status("peers_online") == 2, "the relay is listed", 60)
        wait_for(lambda: relay.status("lan")["announced"], "the relay is announced", 30)
        operator.stop(signal.SIGKILL)
        return relay

    def test_neighbours_find_each_other_without_an_operator(self):
        relay = self.found()
        alone = self.node(self.place("alone", 4), "relay")
        late = self.node(self.place("late", 5), "relay", "--discovery-lan")
        wait_for(lambda: late.status("peers_online") == 2, "the newcomer has the list", 120)
        wait_for(lambda: relay.status("lan")["taken"] == 1, "its neighbour looks at it", 30)
        wait_for(lambda: relay.status("peers_heard") == 1, "and has heard of it", 30)
        self.assertEqual(late.status("lan")["refused"], 0)
        self.assertIsNone(alone.status("lan"))
        self.assertEqual(alone.status("peers_online"), 0)
        late.stop()
        self.assertEqual(late.process.returncode, 0)

    def test_without_a_daemon_nothing_is_announced(self):
        relay = self.found()
        for process in self.places[-1].served:
            process.kill()
        wait_for(lambda: not relay.status("lan")["announced"], "nobody announces it any more", 30)
        relay.stop()
        self.assertEqual(relay.process.returncode, 0)


if __name__ == "__main__":
    enter("dbus-daemon", "avahi-daemon")
    unittest.main(verbosity=2)
