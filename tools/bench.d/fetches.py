"""tools/bench fetches: the system calls that one fetch of a new stream costs each process of a chain, as strace
counts them. Counts, not times: a busy machine changes them little."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time

import machine
import measure
from chain import Chain, tree
from table import markdown

WAITS = ("epoll_wait", "epoll_pwait", "poll", "ppoll", "select", "pselect6")
LEAST = 0.05       # calls a fetch: what is below belongs to timers


def missing():
    """What keeps us from counting; None: nothing."""
    return None if shutil.which("strace") else "strace is not installed (apt-get install strace)"


@contextlib.contextmanager
def counted(roles, folder):
    """strace on every process; files by pid are complete when the block is left."""
    files = {pid: os.path.join(folder, f"calls.{pid}") for pid in roles}
    tracers = [subprocess.Popen(["strace", "-f", "-c", "-o", file, "-p", str(pid)], stderr=subprocess.DEVNULL)
               for pid, file in files.items()]
    try:
        time.sleep(1)
        yield files
        time.sleep(0.3)          # the last streams end
    finally:
        for tracer in tracers:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()


def calls_in(file):
    """name -> count of one strace -c."""
    with open(file) as f:
        rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", f.read(), re.M)
    return {name: int(count) for count, name in rows if name != "total"}


def count(kind, origin, socksload, folder, fetches):
    """role -> name -> calls a fetch, of one chain that has been used before."""
    target = kind(Chain(os.path.join(folder, kind.name)), origin)
    if hasattr(kind, "prepare"):
        kind.prepare()
    try:
        target.start()
        time.sleep(1)
        measure.small_fetches(target, socksload, "rate", 1, 50, 20)
        roles = tree(target.chain.roles)
        with counted(roles, target.chain.folder) as files:
            done = measure.small_fetches(target, socksload, "rate", 1, fetches, 60)["ok"]
        result = {}
        for pid, role in roles.items():
            of_role = result.setdefault(role, {})
            for name, n in calls_in(files[pid]).items():
                of_role[name] = round(of_role.get(name, 0) + n / max(done, 1), 3)
        return {role: calls for role, calls in result.items() if sum(calls.values()) >= LEAST}
    finally:
        target.stop()


def total(calls, names=None):
    return sum(n for name, n in calls.items() if names is None or name in names)


def show(found):
    rows = []
    for target, roles in found.items():
        rows.append([f"**{target}**", "all", f"{sum(map(total, roles.values())):.0f}",
                     f"{sum(total(c, WAITS) for c in roles.values()):.1f}", ""])
        for role, calls in roles.items():
            most = sorted(calls.items(), key=lambda item: -item[1])
            rows.append(["", role, f"{total(calls):.1f}", f"{total(calls, WAITS):.1f}",
                         " ".join(f"{name} {n:.1f}" for name, n in most if n >= LEAST)])
    return markdown(["target", "process", "calls a fetch", "of them waits", "which"], rows)


def document(found, fetches):
    return {"schema": "qnet-bench-fetches-1", "config": {"fetches": fetches}, "machine": machine.describe(),
            "commit": machine.commit(), "targets": found}
