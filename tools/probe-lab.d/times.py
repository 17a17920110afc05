"""Reply times of one peer to probers who differ only in their hello: untagged, replayed, stolen.

Direct probers are not compared: a peer is further away than its origin, and docs/limits.md says so. Two connections of
one kind never take equally long, so the question is put to a rank test (Mann-Whitney, normal approximation with ties),
corrected for the number of questions (Holm), and a difference counts only from a size on that a network lets through.
"""
import math
import os
import random
import statistics
import time

import compare
import link
import probes
from talk import QUIET, Talk

CONNECTIONS = 400  # of each kind
LEVEL = 0.01
LEAST = 0.1  # ms between medians
STEPS = ("hello to flight", "false Finished to alert")


def rank_test(a, b):
    """Two-sided p that both samples come from one distribution."""
    values = sorted((v, i) for i, v in enumerate([*a, *b]))
    ranks, ties, at = [0.0] * len(values), 0, 0
    while at < len(values):
        end = at
        while end < len(values) and values[end][0] == values[at][0]:
            end += 1
        for _, i in values[at:end]:
            ranks[i] = (at + end + 1) / 2
        ties += (end - at) ** 3 - (end - at)
        at = end
    n, m, total = len(a), len(b), len(a) + len(b)
    u = sum(ranks[:n]) - n * (n + 1) / 2
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance == 0:
        return 1.0
    return math.erfc(max(abs(u - n * m / 2) - 0.5, 0) / math.sqrt(2 * variance))


def holm(p_values):
    """Adjusted for being asked together, in the order given."""
    out, worst = [0.0] * len(p_values), 0.0
    for done, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, p_values[i] * (len(p_values) - done)))
        out[i] = worst
    return out


def verdicts(samples):
    """samples: {question: (one, other)}. {question: (adjusted p, difference of medians, whether it counts)}"""
    adjusted = holm([rank_test(*pair) for pair in samples.values()])
    out = {}
    for (question, (one, other)), p in zip(samples.items(), adjusted):
        difference = statistics.median(one) - statistics.median(other)
        out[question] = (p, difference, p < LEVEL and abs(difference) > LEAST)
    return out


def visit(address, hello):
    """ms to the first byte of the flight, and from a false Finished to what it brings."""
    talk = Talk(address)
    try:
        sent = time.monotonic()
        talk.send(hello)
        talk.read(2)
        first = time.monotonic() - sent
        while talk.end is None and talk.read(QUIET / 3):
            pass
        sent = time.monotonic()
        talk.send(probes.false_finished())
        talk.read(2)
        return first * 1000, (time.monotonic() - sent) * 1000
    finally:
        talk.close()


def without_tag(hello):
    """The same hello but for what would be its tag."""
    at = 5 + 4 + 2 + 32 + 1
    return hello[:at] + os.urandom(32) + hello[at + 32:]


class Times:
    """say(row); .rows and .bad count."""

    def __init__(self, origin, peer, say):
        self.origin, self.peer, self.say = origin, peer, say
        self.rows = self.bad = 0
        self.kept = {}

    def measure(self):
        """{kind: [(ms, ms)]}; the kinds take turns, in an order drawn each time."""
        used, fresh = link.used_hello(self.peer), link.hellos(self.peer, 2 * CONNECTIONS)
        untied = [without_tag(hello) for hello in fresh[:CONNECTIONS]]
        kinds = {"untagged": untied.pop, "replayed": lambda: used, "stolen": fresh.pop}
        got = {kind: [] for kind in kinds}
        for _ in range(CONNECTIONS):
            for kind in random.sample(list(kinds), len(kinds)):
                got[kind].append(visit(self.peer.address, kinds[kind]()))
        return got

    def run(self):
        self.kept = got = self.measure()
        pairs = (("replayed", "untagged"), ("stolen", "untagged"), ("stolen", "replayed"))
        samples = {(step, a, b): ([t[i] for t in got[a]], [t[i] for t in got[b]])
                   for i, step in enumerate(STEPS) for a, b in pairs}
        for (step, a, b), (p, difference, counts) in verdicts(samples).items():
            self.rows += 1
            self.bad += counts
            self.say(compare.row(self.origin.name, f"time: {step}", f"{a} - {b}",
                                 f"{'DIFFERENT' if counts else 'same'} ({difference:+.3f} ms, p {p:.2g})"))
