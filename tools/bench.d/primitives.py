"""tools/bench primitives: the raw speeds of this machine that bound any relay, as one table."""
import json
import shutil
import statistics
import subprocess
import tempfile
import time

import machine
from chain import free_port, run
from measure import machine_lock
from native import build
from table import markdown


def iperf3():
    """TCP over loopback as iperf3 sees it: MB/s of one stream, or None when it is not installed."""
    if not shutil.which("iperf3"):
        return None
    port = str(free_port())
    server = subprocess.Popen(["iperf3", "-s", "-1", "-B", "127.0.0.1", "-p", port],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        result = json.loads(run("iperf3", "-c", "127.0.0.1", "-p", port, "-t", "2", "-J", timeout=20))
        return result["end"]["sum_received"]["bits_per_second"] / 8e6
    finally:
        server.terminate()
        server.wait()


def measure(runs, seconds):
    """name -> {"unit", "values"}, in the order measured."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="qnet-bench.") as folder, machine_lock():
        prim = build("prim", folder)
        for _ in range(runs):
            for line in run(prim, str(seconds), timeout=300).splitlines():
                name, value, unit = line.split(" ", 2)
                found.setdefault(name, {"unit": unit, "values": []})["values"].append(float(value))
            speed = iperf3()
            if speed is not None:
                entry = found.setdefault("iperf3_tcp_1_stream", {"unit": "MB/s", "values": []})
                entry["values"].append(round(speed))
    return found


def show(found):
    rows = [[name, f"{min(e['values']):g}", f"{statistics.median(e['values']):g}", f"{max(e['values']):g}",
             e["unit"]] for name, e in found.items()]
    return markdown(["primitive", "min", "median", "max", "unit"], rows)


def document(found, runs, seconds):
    return {"schema": "qnet-bench-primitives-1", "config": {"runs": runs, "seconds": seconds},
            "machine": machine.describe(), "commit": machine.commit(),
            "versions": machine.versions(["libssl3", "libsodium23", "iperf3"]), "primitives": found}
