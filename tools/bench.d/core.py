"""tools/bench core: what one core does of the core's own work, beside the primitives it is made of."""
import os
import statistics

import machine
from chain import run
from measure import machine_lock
from table import markdown
from target import ROOT

PROGRAM = os.path.join(ROOT, "build", "release", "bin", "core_rates")
# (ours, theirs, how many of theirs are in one of ours, at least)
GOALS = [("hop-answer", "x25519", 3, 0.6), ("record-seal-16k", "aead-seal-16k", 1, 0.9),
         ("record-open-16k", "aead-open-16k", 1, 0.9)]
DECISIONS = ("path-of-10000", 1000)      # a second, at least: a choice among 10,000 relays takes 1 ms at most


def measure(runs, seconds):
    """stage -> operations per CPU second, a value per run; the runs interleave the stages."""
    run("cmake", "--preset", "release", cwd=ROOT, timeout=120)
    run("cmake", "--build", "--preset", "release", "--target", "core_rates", cwd=ROOT, timeout=900)
    found = {}
    with machine_lock():
        for _ in range(runs):
            for line in run(PROGRAM, "rates", str(seconds), timeout=300).splitlines():
                stage, rate = line.split()
                found.setdefault(stage, []).append(float(rate))
    return found


def goals(found):
    judged = []
    for ours, theirs, parts, goal in GOALS:
        ratios = [a * parts / b for a, b in zip(found[ours], found[theirs])]
        judged.append({"ours": ours, "theirs": theirs, "parts": parts, "goal": goal, "ratios": ratios,
                       "median": statistics.median(ratios), "met": statistics.median(ratios) >= goal})
    stage, goal = DECISIONS
    rate = statistics.median(found[stage])
    judged.append({"ours": stage, "theirs": "a second", "parts": 1, "goal": goal, "ratios": found[stage],
                   "median": rate, "met": rate >= goal})
    return judged


def goal_line(goal):
    beside = f" / ({goal['theirs']} / {goal['parts']})" if goal["parts"] > 1 else f" / {goal['theirs']}"
    return (f"{goal['ours']}{beside}: {goal['median']:.4g} (goal: at least {goal['goal']}, "
            f"{'met' if goal['met'] else 'NOT met'})")


def show(found):
    rows = [[stage, f"{min(v):.4g}", f"{statistics.median(v):.4g}", f"{max(v):.4g}",
             f"{1e6 / statistics.median(v):.3g}"] for stage, v in found.items()]
    return "\n".join([markdown(["stage", "min", "median", "max a second", "us"], rows), ""]
                     + [goal_line(g) for g in goals(found)])


def document(found, runs, seconds):
    return {"schema": "qnet-bench-core-1", "config": {"runs": runs, "seconds": seconds},
            "machine": machine.describe(), "commit": machine.commit(),
            "versions": machine.versions(["libssl3", "libsodium23"]), "rates": found, "goals": goals(found)}
