"""tools/bench strangers: what connections that prove nothing cost a node that stands before a web site.

A private mesh over HTX; a thousand strangers of one kind at a time connect to one relay and stay. Per stranger: bytes
of the node's own accounting, resident memory, X25519 operations and CPU time, the node's alone."""
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import machine
from chain import TICKS, run
from measure import machine_lock
from table import markdown
from target import ROOT

STRANGERS = 1000
LIMIT_BYTES, LIMIT_EXCHANGES = 4096, 1  # promise P3
HELLO = os.path.join(ROOT, "tests", "vectors", "fingerprints", "chromium-156", "fresh-01.hex")
LOCALNET = os.path.join(ROOT, "tools", "localnet")


def hello():
    """A genuine browser's first record, which is tagged for nobody."""
    with open(HELLO, encoding="ascii") as f:
        return bytes.fromhex("".join(line.split("#")[0].strip() for line in f))


def kinds():
    whole = hello()
    return {"silent": b"", "all of a hello but the end": whole[:-1], "a whole hello": whole,
            "no TLS at all": b"GET / HTTP/1.1\r\nHost: x\r\n"}


class Node:
    """A node's cost so far, as /proc and its own status tell it."""

    def __init__(self, node):
        self.pid, self.port, self.status = node["pid"], node["port"], node["status"]

    def cost(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.status, timeout=5)
        connection.request("GET", "/status")
        told = json.load(connection.getresponse())
        connection.close()
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            resident = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        return {"bytes": told["memory"]["used"], "exchanges": told["counters"]["key_exchanges"],
                "cpu_us": (int(fields[11]) + int(fields[12])) * 1e6 / TICKS, "resident": resident * 1024}


def settled(node):
    """The cost once memory has stood still for a second; ten seconds at most."""
    before, still = node.cost(), 0
    for _ in range(40):
        time.sleep(0.25)
        now = node.cost()
        still = still + 1 if now["bytes"] == before["bytes"] else 0
        if still == 4:
            break
        before = now
    return now


def visit(node, first_bytes):
    """Per stranger, growth of every cost while all of them are there."""
    before = settled(node)
    held = []
    try:
        for _ in range(STRANGERS):
            conn = socket.create_connection(("127.0.0.1", node.port), timeout=5)
            held.append(conn)
            conn.sendall(first_bytes)
        after = settled(node)
    finally:
        for conn in held:
            conn.close()
    return {key: (after[key] - before[key]) / STRANGERS for key in after}


def measure(runs):
    """kind -> list of what visit() found, one per round."""
    for target in ("qnet", "qnet-origin", "qnet-origin-check"):
        run("cmake", "--preset", "release", cwd=ROOT, timeout=120)
        run("cmake", "--build", "--preset", "release", "--target", target, cwd=ROOT, timeout=900)
    found = {}
    folder = tempfile.mkdtemp(prefix="qnet-bench.")
    try:
        network = json.loads(run(LOCALNET, "up", folder, "--supers", "1", "--relays", "1", "--exits", "1",
                                 "--clients", "1", timeout=60))
        relay = Node(next(n for n in network["nodes"] if n["mode"] == "relay"))
        with machine_lock():
            for _ in range(runs):
                for kind, first_bytes in kinds().items():
                    found.setdefault(kind, []).append(visit(relay, first_bytes))
    finally:
        subprocess.run([LOCALNET, "down", folder], check=False, capture_output=True, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)
    return found


def median(rounds, key):
    return statistics.median(r[key] for r in rounds)


def show(found):
    rows = [[kind, f"{median(r, 'bytes'):.0f}", f"{median(r, 'resident'):.0f}", f"{median(r, 'exchanges'):.2f}",
             f"{median(r, 'cpu_us'):.0f}", "met" if met(r) else "NOT met"] for kind, r in found.items()]
    return markdown(["stranger", "bytes counted", "resident bytes", "X25519", "CPU us",
                     f"at most {LIMIT_BYTES} bytes and {LIMIT_EXCHANGES} X25519"], rows)


def met(rounds):
    return median(rounds, "bytes") <= LIMIT_BYTES and median(rounds, "exchanges") <= LIMIT_EXCHANGES + 0.01


def document(found, runs):
    return {"schema": "qnet-bench-strangers-1", "config": {"runs": runs, "strangers": STRANGERS},
            "machine": machine.describe(), "commit": machine.commit(), "strangers": found}
