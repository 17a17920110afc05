"""Processes that are found again by pid and start time, so that a reused pid is never taken for ours."""
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time

DOWN_SECONDS = 12  # qnet stops within two seconds, a web server lets answers under way finish for ten
PORTS = range(21000, 32000)  # below the kernel's ephemeral ports, which any client may hold


class Failure(Exception):
    """Ends the command with one sentence."""


def say(text):
    print(f"localnet: {text}", file=sys.stderr, flush=True)


def start_time(pid):
    """Clock ticks since boot at which a process began, or None when it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def is_running(process):
    return start_time(process["pid"]) == process["started"] is not None


def wait_until(done, seconds, step=0.02):
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(step)
    return True


def end(processes):
    """Ends what still runs of these; returns how many had to be killed."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        running = [p for p in processes if is_running(p)]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process["pid"], sign)
        if wait_until(lambda: not any(is_running(p) for p in processes), DOWN_SECONDS):
            return len(running) if sign == signal.SIGKILL else 0
    raise Failure("some processes do not end even when killed")


def start(command, log_path):
    """Starts a process of its own session; returns what record and end need of it."""
    with open(log_path, "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True)
    # the Popen keeps a dead child from becoming a zombie nobody reaps
    return {"pid": process.pid, "started": start_time(process.pid), "process": process}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(done.stderr.strip() or done.stdout.strip() or f"{command[0]} failed")


def free_port(taken):
    """Drawn, not counted up: another localnet may be looking for one at this moment."""
    for port in random.sample(PORTS, len(PORTS)):
        if port in taken:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        taken.add(port)
        return port
    raise Failure("no free port on loopback")
