"""tools/bench profile: where a chain's time goes while it carries eight streams, as perf samples it."""
import os
import re
import shutil
import subprocess

import machine
import measure
from chain import Chain, run
from origin import MIB
from table import markdown

HZ = 1999      # odd, so that it does not beat with timers


def missing():
    """What keeps us from sampling; None: nothing."""
    if not shutil.which("perf"):
        return "perf is not installed (apt-get install linux-perf)"
    done = subprocess.run(["perf", "record", "-e", "cpu-clock", "-o", "/dev/null", "--", "true"],
                          capture_output=True, text=True)
    return None if done.returncode == 0 else f"perf may not sample here: {done.stderr.strip().splitlines()[-1:]}"


def report(data, keys, least, *options):
    """(share, what) of perf's samples by these keys, the largest first."""
    text = run("perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "-s", keys, *options)
    found = re.findall(r"^\s+([\d.]+)%\s+(.+?)\s*$", text, re.M)
    return [(float(share), re.sub(r"\s{2,}", "  ", what)) for share, what in found if float(share) >= least]


def sample(kind, origin, folder, seconds):
    """One target, profiled while eight streams download."""
    target = kind(Chain(os.path.join(folder, kind.name)), origin)
    kind.prepare()
    try:
        target.start()
        measure.fetch(target, 1, 32 * MIB, 20)
        pids = ",".join(str(pid) for pid in target.chain.roles)
        data = os.path.join(folder, f"{kind.name}.perf")
        with measure.machine_lock():
            perf = subprocess.Popen(["perf", "record", "-e", "cpu-clock", "-F", str(HZ), "-g", "-p", pids, "-o", data,
                                     "--", "sleep", str(seconds)], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
            measure.fetch(target, 8, 512 * MIB, seconds)
            perf.wait()
        return {"by_library": report(data, "dso", 0.5), "by_function": report(data, "dso,sym", 0.7)}
    finally:
        target.stop()


def show(found):
    parts = []
    for name, result in found.items():
        for title, key, most in ("library", "by_library", 8), ("function", "by_function", 30):
            rows = [[f"{share:.1f}", f"`{what}`"] for share, what in result[key][:most]]
            parts.append(f"{name}, by {title}\n\n" + markdown(["% of samples", title], rows))
    return "\n\n".join(parts)


def document(found, seconds):
    return {"schema": "qnet-bench-profile-1", "config": {"seconds": seconds, "hz": HZ},
            "machine": machine.describe(), "commit": machine.commit(), "profiles": found}
