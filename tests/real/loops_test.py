#!/usr/bin/env python3
"""Relays and exits of several event loops: both carry, all stop, a kill leaves the state good."""
import contextlib
import itertools
import json
import os
import signal
import subprocess
import tempfile

import invite_test
import mesh
from mesh import MIB, MeshTest, QNET, Fetch, ask, wait_for

LOOPS = 2
SIZE = (64 if mesh.RELEASE else 4) * MIB


class Loops(MeshTest):
    arguments = ["--loops", str(LOOPS), "--clients", "4"]

    users = itertools.count()  # a user keeps a circuit for minutes: each fetch has its own, so that all neighbours meet

    def fetch_from_all(self, streams):
        """All clients at once, through three hops."""
        return [Fetch(client["socks"], self.url("file", SIZE), f"privacy+{next(self.users)}", 120)
                for client in self.mesh.about["clients"] for _ in range(streams)]

    def download(self, streams=2):
        for fetch in self.fetch_from_all(streams):
            self.assertEqual(fetch.end(), 0, fetch.error)
            self.assertEqual(fetch.sha.hexdigest(), mesh.digest(SIZE))

    def by_loop(self, name, key):
        return [loop[key] for loop in self.mesh.status(name)["loops"]]

    def test_both_loops_of_some_node_carry_and_the_sums_are_right(self):
        def busy():
            self.download()
            return [n for n in self.several() if min(self.by_loop(n, "bytes_in")) > SIZE]
        wait_for(busy, "a node both of whose loops carried a file", 120)
        for name in self.several():
            status = self.mesh.status(name)
            self.assertEqual(len(status["loops"]), LOOPS)
            for key in ("bytes_in", "bytes_out", "active_links", "active_connections"):
                self.assertEqual(status[key], sum(loop[key] for loop in status["loops"]), f"{name} {key}")
            self.assertEqual(status["state"], "connected")
            peers = ask(self.mesh.nodes[name]["status"], "peers")["peers"]
            self.assertLessEqual({p["loop"] for p in peers}, set(range(LOOPS)))
            self.assertEqual(status["memory"]["limit"], 1 << 30)

    def several(self):
        return [name for name, node in self.mesh.nodes.items() if node["mode"] in ("relay", "exit")]

    def test_every_loop_knows_the_list(self):
        """A circuit's next hop is found by the loop that the circuit is on; none of them asks for the list itself."""
        for name in self.several():
            with open(os.path.join(self.mesh.folder, f"{name}.log"), encoding="utf-8") as log:
                lists = [line.split("snapshot ")[1] for line in log if "snapshot " in line]
            self.assertEqual(lists.count(lists[-1]), LOOPS, name)

    def test_other_documents_and_paths_are_answered(self):
        address = self.mesh.nodes["relay1"]["status"]
        self.assertEqual(ask(address, "circuits")["circuits"], [])
        self.assertIn("error", ask(address, "nothing"))
        self.assertTrue(ask(address, "ping"))

    def end(self, name, how):
        pid = next(n for n in self.mesh.record()["nodes"] if n["name"] == name)["pid"]
        os.kill(pid, how)
        wait_for(lambda: mesh.has_ended(pid), f"{name} is gone", 10)

    def start(self, name):
        log = open(os.path.join(self.mesh.folder, f"{name}.log"), "a", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen([QNET, "run", "--config", os.path.join(self.mesh.folder, f"{name}.yaml")],
                                   stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def ready():
            with contextlib.suppress(FileNotFoundError), \
                    open(os.path.join(self.mesh.folder, name, "run.json"), encoding="utf-8") as f:
                about = json.load(f)
                return about["pid"] == process.pid and about
            return None
        about = wait_for(ready, f"{name} runs again")
        self.mesh.nodes[name].update({key: about[key] for key in ("status", "listen")})
        return process

    def test_z1_sigterm_in_the_middle_ends_every_loop(self):
        fetches = self.fetch_from_all(1)
        wait_for(lambda: any(f.received > 0 for f in fetches), "bytes")
        self.end("relay1", signal.SIGTERM)
        for fetch in fetches:
            fetch.kill()
        self.assertFalse(os.path.exists(os.path.join(self.mesh.folder, "relay1", "run.json")), "an orderly end")
        process = self.start("relay1")
        wait_for(lambda: self.mesh.status("relay1")["state"] == "connected", "relay1 is listed again")
        process.terminate()
        self.assertEqual(process.wait(10), 0)

    def test_z2_a_kill_leaves_the_state_good(self):
        before = self.mesh.nodes["exit1"]["peer_id"]
        self.download(1)
        self.end("exit1", signal.SIGKILL)
        self.start("exit1")
        wait_for(lambda: self.mesh.status("exit1")["state"] == "connected", "exit1 is listed again")
        self.assertEqual(self.mesh.status("exit1")["peer_id"], before)
        wait_for(lambda: self.one_more(), "a download through the exit again", 60)

    def one_more(self):
        fetch = self.fetch("file", MIB, f"privacy+{next(self.users)}", 20)
        return fetch.end() == 0 and fetch.sha.hexdigest() == mesh.digest(MIB)


class Entry(invite_test.Invited):
    """A node that invites: whichever loop a guest meets knows its invitation, and hands out the same descriptor."""
    arguments = ["--unlisted", "1", "--loops", str(LOOPS)]


def load_tests(loader, _tests, _pattern):
    suite = mesh.unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (Loops, Refused))
    for name in ("test_an_invitation_is_kept", "test_a_revoked_batch_leads_nowhere_and_others_go_on"):
        suite.addTest(Entry(name))
    return suite


class Refused(mesh.unittest.TestCase):
    def test_an_operator_has_one_loop(self):
        with tempfile.TemporaryDirectory() as folder:
            state, network = os.path.join(folder, "op"), os.path.join(folder, "network")
            for arguments in (["keygen", "--operator", "--state", state],
                              ["network", "entry", "--state", state, "--addr", "127.0.0.1:9", "--out", network + ".e"],
                              ["network", "init", "--out", network, "--name", "x", "--lab", "--operator-entry",
                               network + ".e"]):
                subprocess.run([QNET, *arguments], check=True, capture_output=True, timeout=20)
            done = subprocess.run([QNET, "run", "--lab", "--carrier", "bare", "--mode", "bootstrap", "--loops", "2",
                                   "--listen", "127.0.0.1:0", "--state", state, "--network", network],
                                  capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("an operator keeps one registry", done.stderr)


if __name__ == "__main__":
    mesh.main()
