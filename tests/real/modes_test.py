#!/usr/bin/env python3
"""README's "One program, five modes", cell by cell, on live meshes."""
import http.client
import itertools
import json
import os
import re
import subprocess
import tempfile

import mesh
import servers
from mesh import MeshTest, QNET, ROOT, ask, host_port, wait_for

MODES = ("client", "relay", "bootstrap", "exit", "super")
SOCKS, ASKS, REGISTERS, KEEPS, CARRIES, EXITS = range(6)
ROWS = ("offers SOCKS5 to this machine", "asks the directory", "registers itself", "keeps the directory",
        "carries other people's circuits", "connects to web servers for others")


def readme():
    """The table as README has it: {mode: [cells]}."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        lines = re.search(r"^## One program, five modes\n\n((?:\|.*\n)+)", f.read(), re.M)[1].splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines]
    assert tuple(cells[0][1:]) == MODES and tuple(row[0] for row in cells[2:]) == ROWS, "README's table is another"
    return {mode: [row[i + 1] == "yes" for row in cells[2:]] for i, mode in enumerate(MODES)}


TABLE = readme()


def is_served(address, path):
    """Whether a status surface knows this path; what it does not know is a 404 with a JSON object."""
    connection = http.client.HTTPConnection(*host_port(address), timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status == 404:
        assert "error" in json.loads(body), body
    return answer.status != 404


class Mesh(MeshTest):
    """A bootstrap signs the list, a node of each other mode works by it."""

    arguments = ["--carrier", "bare", "--bootstraps", "1", "--relays", "1"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.modes = {n["name"]: n["mode"] for n in cls.mesh.about["nodes"]}

    def expect(self, row, found):
        """What was found of each node is what the table says of its mode."""
        self.assertEqual(found, {name: TABLE[mode][row] for name, mode in self.modes.items()}, ROWS[row])

    def names(self, row):
        return {name for name, mode in self.modes.items() if TABLE[mode][row]}

    def peers(self, name):
        return ask(self.mesh.nodes[name]["status"], "peers")["peers"]

    def test_who_offers_socks(self):
        found = {}
        for name in self.modes:
            with open(os.path.join(self.mesh.folder, name, "run.json"), encoding="utf-8") as f:
                found[name] = json.load(f)["socks"] is not None
        self.expect(SOCKS, found)

    def test_who_asks_the_directory(self):
        operator = self.mesh.nodes["bootstrap1"]["peer_id"]
        found = {name: any(p["outbound"] and p["peer_id"] == operator for p in self.peers(name)) for name in self.modes}
        self.expect(ASKS, found)
        self.assertFalse(any(p["outbound"] for p in self.peers("bootstrap1")), "whoever keeps it dials nobody")

    def hops_seen(self):
        circuits = ask(self.mesh.nodes["client1"]["status"], "circuits")["circuits"]
        return {self.mesh.names[hop] for c in circuits for hop in c["hops"]}

    def test_who_registers_carries_and_exits(self):
        seen = set()
        users = itertools.count()  # a circuit serves one user for minutes, so who asks for another path must be another

        def enough():
            user = next(users)
            for route in ("fast", "privacy"):
                self.assert_whole(1000, f"{route}+{user}")
            seen.update(self.hops_seen())
            status = {name: self.mesh.status(name) for name in self.modes}
            self.carried = {n: s["counters"]["relayed"] > 0 for n, s in status.items()}
            self.left = {n: s["exit_stats"]["requests_success"] > 0 for n, s in status.items()}
            return seen >= self.names(REGISTERS) and {n for n in self.carried if self.carried[n]} >= self.names(CARRIES) \
                and {n for n in self.left if self.left[n]} >= self.names(EXITS)

        wait_for(enough, "every relay and exit at work", 60)
        self.expect(REGISTERS, {name: name in seen for name in self.modes})
        self.expect(REGISTERS, {name: self.mesh.status(name)["listed"] for name in self.modes})
        self.expect(CARRIES, self.carried)
        self.expect(EXITS, self.left)
        known = self.mesh.status("client1")["peers_online"]
        self.assertEqual(known, len(self.names(REGISTERS)))

    def test_the_directorys_addresses_are_unknown_where_none_is_kept(self):
        for name, mode in self.modes.items():
            for path in ("/api/relay/register", "/api/relays/by-country", "/api/relays/prune"):
                with self.subTest(name=name, path=path):
                    served = is_served(self.mesh.nodes[name]["status"], path)
                    self.assertTrue(TABLE[mode][KEEPS] or not served)


class Operators(mesh.unittest.TestCase):
    """Who keeps a directory: networks whose one operator is a node of each mode."""

    def start(self, name, *arguments):
        log = open(os.path.join(self.folder, name + ".log"), "w", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen([QNET, "run", "--lab", "--carrier", "bare", "--status-port", "any", "--state",
                                    os.path.join(self.folder, name), *arguments], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def ready(self, name, process):
        def look():
            self.assertIsNone(process.poll(), f"{name} ended")
            try:
                with open(os.path.join(self.folder, name, "run.json"), encoding="utf-8") as f:
                    return json.load(f)
            except FileNotFoundError:
                return None
        return wait_for(look, f"{name} ready")

    def qnet(self, *arguments):
        subprocess.run([QNET, *arguments], check=True, capture_output=True, timeout=30)

    def network(self, mode):
        """An operator of this mode, a relay that wants to be listed, and a client; returns what they say."""
        port = servers.free_port()
        state, network = os.path.join(self.folder, mode), os.path.join(self.folder, mode + ".network")
        self.qnet("keygen", "--operator", "--state", state)
        self.qnet("network", "init", "--out", network, "--name", mode, "--lab", "--operator-state", state,
                  "--operator-addr", f"127.0.0.1:{port}")
        roles = {mode: ["--mode", mode, "--listen", f"127.0.0.1:{port}", "--exit-contact", "lab@localhost"],
                 mode + "-relay": ["--mode", "relay", "--listen", "127.0.0.1:0"],
                 mode + "-client": ["--socks-port", "any"]}
        started = {name: self.start(name, "--network", network, *more) for name, more in roles.items()}
        return {name.rpartition("-")[2]: self.ready(name, process)["status"] for name, process in started.items()}

    def test_who_keeps_the_directory(self):
        with tempfile.TemporaryDirectory(prefix="qnet-modes.") as self.folder:
            served = {mode: self.network(mode) for mode in MODES if mode != "client"}  # which has no listener
            for mode, addresses in served.items():
                if TABLE[mode][KEEPS]:
                    wait_for(lambda a=addresses: ask(a["client"])["peers_online"] > 0, f"a list from the {mode}")
            for mode, addresses in served.items():
                with self.subTest(mode=mode):
                    self.assertEqual(ask(addresses["client"])["peers_online"] > 0, TABLE[mode][KEEPS])
                    self.assertEqual(ask(addresses["relay"])["state"] == "connected", TABLE[mode][KEEPS])
            self.doCleanups()

    def test_a_client_can_keep_none(self):
        with tempfile.TemporaryDirectory(prefix="qnet-modes.") as folder:
            done = subprocess.run([QNET, "run", "--mode", "client", "--state", folder, "--listen", "127.0.0.1:0"],
                                  capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("a client has no listener", done.stderr)
        self.assertFalse(TABLE["client"][KEEPS])


if __name__ == "__main__":
    mesh.main()
