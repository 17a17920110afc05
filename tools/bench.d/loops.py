"""tools/bench loops: handshakes a second that a relay answers with one event loop and with two.

Two meshes over bare are up at once; a round knocks at the relay of each in turn (tests/bench/knock.c). The knocker's
message is made once, so the relay has most of the work: it is the bottleneck also where both share two cores."""
import json
import os
import shutil
import statistics
import subprocess
import tempfile

import machine
from chain import TICKS, run
from measure import machine_lock
from table import markdown
from target import ROOT

LOOPS = (1, 2)
AT_ONCE = 64
LOCALNET = os.path.join(ROOT, "tools", "localnet")
KNOCK = os.path.join(ROOT, "build", "release", "bin", "knock")


def cpu_by_thread(pid):
    """Seconds, the leader's first."""
    seconds = []
    for thread in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        seconds.append((int(fields[11]) + int(fields[12])) / TICKS)
    return seconds


class Relay:
    """The relay of a mesh of its own."""

    def __init__(self, folder, loops):
        self.folder = os.path.join(folder, f"loops-{loops}")
        about = json.loads(run(LOCALNET, "up", self.folder, "--carrier", "bare", "--relays", "1", "--clients", "0",
                               "--loops", str(loops), "--preset", "release", timeout=60))
        self.node = next(n for n in about["nodes"] if n["mode"] == "relay")

    def knocked(self, seconds):
        before = cpu_by_thread(self.node["pid"])
        rate, knocker = run(KNOCK, os.path.join(self.folder, "network"), os.path.join(self.folder, self.node["name"]),
                            f"127.0.0.1:{self.node['port']}", str(seconds), str(AT_ONCE), timeout=60).split()
        spent = [b - a for a, b in zip(before, cpu_by_thread(self.node["pid"]))]
        return {"rate": float(rate), "cpu_by_thread": spent, "seconds": seconds,
                "cpu_us": sum(spent) / (float(rate) * seconds) * 1e6,
                "knocker_us": float(knocker) / (float(rate) * seconds) * 1e6}

    def down(self):
        subprocess.run([LOCALNET, "down", self.folder], check=False, capture_output=True, timeout=60)


def measure(runs, seconds):
    """loops -> what knocked() found, one per round."""
    run("cmake", "--preset", "release", cwd=ROOT, timeout=120)
    for target in ("qnet", "knock"):
        run("cmake", "--build", "--preset", "release", "--target", target, cwd=ROOT, timeout=900)
    folder, relays, found = tempfile.mkdtemp(prefix="qnet-bench."), {}, {}
    try:
        for loops in LOOPS:
            relays[loops] = Relay(folder, loops)
        with machine_lock():
            for _ in range(runs):
                for loops, relay in relays.items():
                    found.setdefault(loops, []).append(relay.knocked(seconds))
    finally:
        for relay in relays.values():
            relay.down()
        shutil.rmtree(folder, ignore_errors=True)
    return found


def ratios(found):
    """What more loops bring, within each round."""
    return [b["rate"] / a["rate"] for a, b in zip(found[LOOPS[0]], found[LOOPS[1]])]


def show(found):
    def median(rounds, key):
        return statistics.median(r[key] for r in rounds)

    def share(rounds):
        return " + ".join(f"{statistics.median(r['cpu_by_thread'][i] / r['seconds'] for r in rounds):.2f}"
                          for i in range(len(rounds[0]["cpu_by_thread"])))
    rows = [[str(loops), f"{median(r, 'rate'):.0f}", f"{median(r, 'cpu_us'):.0f}", f"{median(r, 'knocker_us'):.0f}",
             share(r)] for loops, r in found.items()]
    gain = ratios(found)
    return markdown(["loops", "handshakes/s", "relay's CPU us each", "knocker's", "cores used, by loop"], rows) + \
        f"\n\ntwo loops over one, within a round: {statistics.median(gain):.2f} ({min(gain):.2f} to {max(gain):.2f})"


def document(found, runs):
    return {"schema": "qnet-bench-loops-1", "config": {"runs": runs, "at_once": AT_ONCE},
            "machine": machine.describe(), "commit": machine.commit(), "ratios": ratios(found), "loops": found}
