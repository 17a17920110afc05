#!/usr/bin/env python3
"""Three operators: the guide as it stands, one killed, one that lies, in the guide's network and in a mesh.

QNET and LIAR name the programs under test.
"""
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

import mesh
from mesh import MIB, QNET, ROOT, MeshTest, ask, wait_for

LIAR = os.environ.get("LIAR", os.path.join(os.path.dirname(QNET), "qnet-liar"))


class Guide(unittest.TestCase):
    """docs/guide-found-a-network.md, its blocks of shell one after the other, and then what the network is for."""

    def setUp(self):
        self.started = []

    def test_the_guide_founds_a_network_that_outlives_a_death_and_a_liar(self):
        with open(os.path.join(ROOT, "docs", "guide-found-a-network.md"), encoding="utf-8") as f:
            blocks = re.findall(r"^```sh\n(.*?)^```", f.read(), re.M | re.S)
        self.assertGreaterEqual(len(blocks), 5)
        script = "set -eu\n" + "".join(blocks)
        environment = {**os.environ, "PATH": f"{os.path.dirname(QNET)}:{os.environ['PATH']}",
                       "PORT": str(20000 + os.getpid() % 900 * 10)}
        with tempfile.TemporaryDirectory(prefix="qnet-guide.") as folder:
            with open(os.path.join(folder, "out"), "w+", encoding="utf-8") as out:
                guide = subprocess.Popen(["bash", "-c", script], cwd=folder, env=environment, stdout=out, stderr=out,
                                         start_new_session=True)
                try:
                    status = guide.wait(timeout=120)
                    out.seek(0)
                    said = out.read()
                    self.assertEqual(status, 0, said)
                    self.assertIn("threshold 2 of 3 operators", said)
                    self.assertTrue(said.endswith("it works\n"), said)
                    self.one_dies_and_one_lies(guide, folder, int(environment["PORT"]))
                finally:
                    for process in self.started:
                        process.terminate()
                    for process in self.started:
                        process.wait(timeout=20)
                    self.end_session(guide)

    def one_dies_and_one_lies(self, guide, folder, port):
        def browses():
            page = subprocess.run(["curl", "-s", "--max-time", "60", "--socks5-hostname", f"127.0.0.1:{port + 8}",
                                   f"http://127.0.0.1:{port + 9}/page"], capture_output=True, text=True, check=False)
            self.assertEqual(page.stdout, "it works\n")
        second = self.replace(guide, folder, 2, None)
        browses()
        self.start(second, folder)
        third = self.replace(guide, folder, 3, LIAR)

        def found_out():
            browses()
            status = subprocess.run([QNET, "status", "--state", "net/operator1", "--json"], cwd=folder,
                                    capture_output=True, text=True, check=True)
            return json.loads(status.stdout)["network"]["equivocators"]
        self.assertEqual(len(wait_for(found_out, "the proof at an honest operator", 90)), 1)
        self.assertIsNone(third.poll())
        browses()

    def replace(self, guide, folder, number, program):
        """Kills the guide's operator of that number. With a program, runs that in its place and returns its process;
        without, returns the arguments it had."""
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    arguments = f.read().decode().split("\0")[:-1]
                if os.getsid(pid) != guide.pid or f"net/operator{number}" not in arguments:
                    continue
            except (OSError, UnicodeDecodeError):
                continue
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "its end")
            return self.start([program] + arguments[1:], folder) if program else [QNET] + arguments[1:]
        raise AssertionError(f"the guide runs no operator {number}")

    def start(self, arguments, folder):
        with open(os.path.join(folder, "again.log"), "a", encoding="utf-8") as log:
            process = subprocess.Popen(arguments, cwd=folder, stdout=log, stderr=log)
        self.started.append(process)
        return process

    @staticmethod
    def end_session(guide):
        """What the guide left running: it is all of the session that we made."""
        def gone():
            guide.poll()
            try:
                os.killpg(guide.pid, 0)
            except ProcessLookupError:
                return True
            return False
        if not gone():
            os.killpg(guide.pid, signal.SIGTERM)
        try:
            wait_for(gone, "the guide's processes end", 10)
        finally:
            if not gone():
                os.killpg(guide.pid, signal.SIGKILL)
        guide.wait()


class Restarted(MeshTest):
    """A mesh of three operators, whose nodes a test starts again."""

    arguments = ["--operators", "3", "--relays", "1", "--exits", "1", "--carrier", "bare"]

    def setUp(self):
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=20)

    def run_node(self, program, name, like=None):
        """A node of the mesh, started again, or a new one that is configured as another is."""
        folder = self.mesh.folder
        with open(os.path.join(folder, f"{like or name}.yaml"), encoding="utf-8") as f:
            lines = f.read().replace(os.path.join(folder, like or name), os.path.join(folder, name))
        path = os.path.join(folder, f"{name}.again.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(lines)
        with open(os.path.join(folder, f"{name}.again.log"), "a", encoding="utf-8") as log:
            process = subprocess.Popen([program, "run", "--config", path], stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def kill(self, name):
        os.kill(self.mesh.nodes[name]["pid"], signal.SIGKILL)


class Operators(Restarted):
    def client(self):
        return ask(self.mesh.nodes["client1"]["status"])

    def network(self, name):
        return self.mesh.status(name)["network"]

    def goes_on(self, relay):
        """A newcomer is listed, everywhere but perhaps at the client yet; a page is fetched."""
        before = self.network("super1")["snapshot_version"]
        known = self.mesh.status("super1")["peers_online"]
        self.run_node(QNET, relay, like="relay1")
        wait_for(lambda: self.mesh.status("super1")["peers_online"] > known, "the newcomer in the list", 60)
        self.assertGreater(self.network("super1")["snapshot_version"], before)
        self.assert_whole(MIB)

    def test_one_is_killed_and_another_lies(self):
        self.assert_whole(MIB)
        self.kill("super2")
        self.goes_on("relay2")
        again = self.run_node(QNET, "super2")
        self.assertIsNone(again.poll())
        self.kill("super3")
        liar = self.run_node(LIAR, "super3")
        proven = [self.mesh.nodes["super3"]["peer_id"]]
        wait_for(lambda: self.network("super1")["equivocators"] == proven, "the proof at an operator", 60)
        self.assertIsNone(liar.poll())
        self.goes_on("relay3")
        # A client in use asks for a newer list once a minute, and the list brings the proof.
        def told():
            self.assert_whole(1000)
            return self.client()["network"]["equivocators"] == proven
        wait_for(told, "the proof at the client", 90)
        self.assertIn("signing two lists", self.client()["advice"])
        self.assert_whole(MIB)


if __name__ == "__main__":
    mesh.main()
