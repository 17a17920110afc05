"""tools/bench directory: what an operator's directory over HTTP answers, and how fast.

One operator on loopback, whose list has so many nodes; a hundred nodes register at once, then a thousand queries for the
whole list and a thousand for one country, a hundred at a time (native/httpload.c). Each request has a connection of its
own, from one of 200 loopback addresses, so that the ration of an address is not what is measured; a time is from connect()
to the end of the answer."""
import contextlib
import os
import subprocess
import tempfile
import time

import machine
import native
from chain import free_port, run
from measure import machine_lock
from table import markdown
from target import ROOT

REGISTRATIONS, QUERIES, AT_ONCE = 100, 1000, 100
LISTS = (100, 1000)
LIMIT_MS = 100  # p99
BIN = os.path.join(ROOT, "build", "release", "bin")
QNET, REGISTRANT = os.path.join(BIN, "qnet"), os.path.join(BIN, "registrant")


def post(body):
    return (f"POST /api/relay/register HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def get(query=""):
    return f"GET /api/relays/by-country{query} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n".encode()


# ---- an operator ------------------------------------------------------------------------------


def signed(network, count, first, *state):
    done = subprocess.run([REGISTRANT, network, str(count), first, *state], check=True, capture_output=True, text=True,
                          timeout=60)
    return done.stdout.splitlines()


@contextlib.contextmanager
def operator(folder, listed):
    """(port of its directory, what new nodes would post); it has taken up a list of `listed` others."""
    state, network = os.path.join(folder, "state"), os.path.join(folder, "network")
    links, port = free_port(), free_port()
    run(QNET, "keygen", "--operator", "--state", state, timeout=20)
    run(QNET, "network", "init", "--out", network, "--name", "bench", "--lab", "--operator-state", state,
        "--operator-addr", f"127.0.0.1:{links}", timeout=20)
    signed(network, listed, "127.0.1.1:1000", state)
    fresh = signed(network, listed + REGISTRATIONS, "127.0.2.1:1000")[listed:]
    with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [QNET, "run", "--lab", "--carrier", "bare", "--mode", "bootstrap", "--state", state, "--network", network,
             "--listen", f"127.0.0.1:{links}", "--status-port", "off", "--directory-listen", f"127.0.0.1:{port}"],
            stdout=log, stderr=log)
    try:
        ready = os.path.join(state, "run.json")
        deadline = time.monotonic() + 20
        while not os.path.exists(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the operator did not start")
            time.sleep(0.05)
        yield port, fresh
    finally:
        process.terminate()
        process.wait(timeout=20)


# ---- many requests ----------------------------------------------------------------------------


def ask_all(load, port, count, requests):
    """(code, milliseconds, bytes) of so many answers, AT_ONCE at a time; the requests are sent in turn."""
    with tempfile.NamedTemporaryFile() as f:
        for request in requests:
            f.write(b"%d\n%s" % (len(request), request))
        f.flush()
        lines = run(load, str(port), str(AT_ONCE), str(count), f.name, timeout=120).splitlines()
    return [(int(code), int(took) / 1000, int(size)) for code, took, size in map(str.split, lines)]


def summary(answers):
    times = sorted(took for _, took, _ in answers)
    return {"asked": len(answers), "good": sum(code == 200 for code, _, _ in answers), "p50_ms": times[len(times) // 2],
            "p99_ms": times[len(times) * 99 // 100], "max_ms": times[-1], "bytes": max(size for *_, size in answers)}


def one_round(listed):
    with tempfile.TemporaryDirectory(prefix="qnet-bench.") as folder, operator(folder, listed) as (port, fresh):
        load = native.build("httpload", folder)
        found = {"register": summary(ask_all(load, port, REGISTRATIONS, map(post, fresh)))}
        for name, query in (("whole list", ""), ("one country", "?country=IS"), ("no node there", "?country=US")):
            found[name] = summary(ask_all(load, port, QUERIES, [get(query)]))
        return found


def measure(runs):
    """listed -> what -> a summary for each round."""
    for target in ("qnet", "registrant"):
        run("cmake", "--preset", "release", cwd=ROOT, timeout=120)
        run("cmake", "--build", "--preset", "release", "--target", target, cwd=ROOT, timeout=900)
    found = {}
    with machine_lock():
        for listed in LISTS:
            for _ in range(runs):
                for name, result in one_round(listed).items():
                    found.setdefault(str(listed), {}).setdefault(name, []).append(result)
    return found


def met(rounds):
    return all(r["good"] == r["asked"] and r["p99_ms"] < LIMIT_MS for r in rounds)


def show(found):
    rows = [[listed, name, f"{min(r['good'] for r in rounds)} of {rounds[0]['asked']}", str(rounds[0]["bytes"]),
             *(f"{max(r[key] for r in rounds):.1f}" for key in ("p50_ms", "p99_ms", "max_ms")),
             "met" if met(rounds) else "NOT met"]
            for listed, parts in found.items() for name, rounds in parts.items()]
    return markdown(["nodes listed", "requests", "answered 200", "bytes", "p50 ms", "p99 ms", "max ms",
                     f"all, p99 < {LIMIT_MS} ms"], rows) + "\nThe worst of the rounds, 100 requests at a time.\n"


def document(found, runs):
    return {"schema": "qnet-bench-directory-1", "config": {"runs": runs, "at_once": AT_ONCE, "limit_ms": LIMIT_MS},
            "machine": machine.describe(), "commit": machine.commit(), "directory": found}
