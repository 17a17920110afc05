#!/usr/bin/env python3
"""Downloads while every connection between nodes is cut again and again: links go on upon others."""
import os
import shutil
import subprocess
import threading
import time
import unittest

import mesh
from mesh import MIB, MeshTest, wait_for


def kills_sockets():
    """Whether ss may end other programs' connections here: CAP_NET_ADMIN, and a kernel that can (CONFIG_INET_DIAG_DESTROY)."""
    if os.geteuid() != 0 or shutil.which("ss") is None:
        return False
    with mesh.socket.create_server(("127.0.0.1", 0)) as listener:
        with mesh.socket.create_connection(listener.getsockname()) as conn:
            cut([listener.getsockname()[1]])
            try:
                conn.send(b"x")
                return False
            except OSError:
                return True


def cut(ports):
    """Ends every TCP connection that was dialled to one of these ports, as a reset would."""
    to = " or ".join(f"dport = :{port}" for port in ports)
    subprocess.run(["ss", "-Kt", f"( {to} )"], capture_output=True, timeout=20, check=False)


class Cuts:
    """Cuts all carriers of a mesh at once and every so many seconds until it is left: curl --limit-rate may hurry at first."""

    def __init__(self, of, every):
        self.ports = [node["port"] for node in of.nodes.values() if node.get("port")]
        self.every, self.done, self.count = every, threading.Event(), 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while True:
            cut(self.ports)
            self.count += 1
            if self.done.wait(self.every):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


@unittest.skipUnless(kills_sockets(), "ending other programs' connections needs root, ss and a kernel that does it")
class EveryCarrierIsCut(MeshTest):
    arguments = ["--relays", "2", "--exits", "1"]

    def resumed(self):
        return self.mesh.status("client1")["counters"]["links_resumed"]

    def download(self, user, size, rate, every):
        """Returns how often everything was cut, and the seconds it took."""
        before, began = self.resumed(), time.monotonic()
        fetch = mesh.Fetch(self.mesh.socks, self.url("file", size), user, 3600, "--limit-rate", str(rate))
        wait_for(lambda: fetch.received > 0, "the first of the body")
        with Cuts(self.mesh, every) as cuts:
            self.assertEqual(fetch.end(), 0, fetch.error)
        self.assertEqual(fetch.received, size)
        self.assertEqual(fetch.sha.hexdigest(), mesh.digest(size))
        self.assertGreater(cuts.count, 0)
        self.assertGreater(self.resumed(), before)
        return cuts.count, time.monotonic() - began

    def test_one_hop(self):
        self.download("fast", 30 * MIB, 6 * MIB, 2)
        peers = mesh.ask(self.mesh.nodes["client1"]["status"], "peers")["peers"]
        self.assertGreater(max(p["resumes"] for p in peers), 0)

    def test_three_hops(self):
        self.download("privacy", 12 * MIB, 2 * MIB, 2)


if __name__ == "__main__":
    mesh.main()
