"""The probes, from every position, at one origin and the peer in front of it; everything seen is kept as JSON."""
import concurrent.futures
import json

import compare
import probes
import tls
import wire
from origins import NAME
from talk import Talk


class Position:
    """Where a prober stands: what he dials, and where his hellos come from (None: fresh ones, nobody's). With a hello
    of somebody else's he can not end a handshake, unless the origin lets him choose another share (retry)."""

    def __init__(self, label, address, hello=None, retry=False):
        self.label, self.address, self.hello, self.retry = label, address, hello, retry

    def can(self, name):
        return self.hello is None or self.retry or name not in probes.VISITS


def one(position, name, ecdsa):
    """A transcript."""
    visit = name in probes.VISITS
    share = None
    if position.hello:
        hello = position.hello()
    elif visit:
        hello, share = tls.own_hello(NAME)
    else:
        hello = wire.browser_hello(NAME)
    talk = Talk(position.address)
    try:
        if visit:
            probes.visit(talk, hello, share, NAME, probes.VISITS[name])
        else:
            probes.PROBES[name](talk, hello)
        return talk.transcript(ecdsa)
    finally:
        talk.close()


class Battery:
    def __init__(self, origin, folder, say, runs):
        self.origin, self.folder, self.say, self.runs = origin, folder / origin.name, say, runs
        self.seen = {}
        self.rows = self.bad = self.merged = 0

    def collect(self, positions, names, pool):
        jobs = [(name, position.label, pool.submit(one, position, name, self.origin.ecdsa))
                for name in names for position in positions if position.can(name) for _ in range(self.runs)]
        for name, label, job in jobs:
            self.seen.setdefault((name, label), []).append(job.result())

    def run(self, positions, names):
        """positions[0] is the one the others are held against; prints a row for each of them."""
        with concurrent.futures.ThreadPoolExecutor(self.origin.workers) as pool:
            self.collect(positions, names, pool)
            # A difference may be the machine's; what direct never shows in three times the tries is the peer's.
            for _ in range(2):
                again = [n for n in names if any(p.can(n) and self.differ(n, positions[0], p) for p in positions[1:])]
                if again:
                    self.collect(positions, again, pool)
        for name in names:
            for position in positions[1:]:
                if position.can(name):
                    self.report(name, positions[0], position)
        self.keep()

    def differ(self, name, base, position):
        return compare.differences(self.seen[name, base.label], self.seen[name, position.label])

    def report(self, name, base, position):
        found = self.differ(name, base, position)
        self.rows += 1
        self.bad += bool(found)
        merged = compare.merged(self.seen[name, base.label], self.seen[name, position.label])
        self.merged += merged
        verdict = "DIFFERENT: " + " | ".join(found) if found else "same"
        self.say(compare.row(self.origin.name, name, position.label, verdict + " (segments merged)" * merged))

    def keep(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        by_probe = {}
        for (name, label), seen in self.seen.items():
            by_probe.setdefault(name, {})[label] = seen
        for name, positions in by_probe.items():
            (self.folder / f"{name}.json").write_text(json.dumps(positions, indent=1) + "\n")
