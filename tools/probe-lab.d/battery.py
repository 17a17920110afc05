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

    def __init__(self, label, address, hello=None, retry=False, direct=False):
        self.label, self.address, self.hello, self.retry, self.direct = label, address, hello, retry, direct

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
        """The direct positions come first: all that they see is what the others are held against. The first two differ
        from each other only in as much as the site varies by itself, which a row says and no verdict counts."""
        direct = [p for p in positions if p.direct]
        with concurrent.futures.ThreadPoolExecutor(self.origin.workers) as pool:
            self.collect(positions, names, pool)
            # A difference may be the machine's; what direct never shows in three times the tries is the peer's.
            for _ in range(2):
                again = [n for n in names if any(p.can(n) and self.differ(n, direct, p) for p in positions[1:])]
                if again:
                    self.collect(positions, again, pool)
        for name in names:
            for position in positions[1:]:
                if position.can(name):
                    self.report(name, direct, position)
        self.keep()

    def reference(self, name, direct, position):
        """What direct positions saw, other than the one that is judged."""
        return [t for p in direct if p is not position and p.can(name) for t in self.seen[name, p.label]]

    def differ(self, name, direct, position):
        return compare.differences(self.reference(name, direct, position), self.seen[name, position.label])

    def report(self, name, direct, position):
        found = self.differ(name, direct, position)
        self.rows += 1
        self.bad += bool(found) and not position.direct
        merged = compare.merged(self.reference(name, direct, position), self.seen[name, position.label])
        self.merged += merged
        verdict = "same"
        if found:
            verdict = ("the site varies: " if position.direct else "DIFFERENT: ") + " | ".join(found)
        self.say(compare.row(self.origin.name, name, position.label, verdict + " (segments merged)" * merged))

    def keep(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        by_probe = {}
        for (name, label), seen in self.seen.items():
            by_probe.setdefault(name, {})[label] = seen
        for name, positions in by_probe.items():
            (self.folder / f"{name}.json").write_text(json.dumps(positions, indent=1) + "\n")
