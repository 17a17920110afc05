#!/usr/bin/env python3
"""Three operators: the guide as it stands, one killed, one that lies.

QNET and LIAR name the programs under test.
"""
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
    """docs/guide-found-a-network.md, its blocks of shell one after the other."""

    def test_the_guide_founds_a_network_and_browses_through_it(self):
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
                finally:
                    self.end_session(guide)
                out.seek(0)
                said = out.read()
            self.assertEqual(status, 0, said)
            self.assertIn("threshold 2 of 3 operators", said)
            self.assertTrue(said.endswith("it works\n"), said)

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


class Operators(MeshTest):
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

    def kill(self, name):
        os.kill(self.mesh.nodes[name]["pid"], signal.SIGKILL)

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
