"""Damage to live connections: at a link around its switch, and the same to a visit of the origin itself.

A man in the middle does one thing to one record. Whoever sees it damaged says so as TLS does; what the two ends then
send, and how each ends, must be what the same damage brings about where there is no QNet at all.
"""
import concurrent.futures
import os
import threading
import time

import battery
import compare
import link
import proxy
import wire
from talk import Talk

BIG = 5 + 1300  # docs/wire/htx.md: PROOF_MIN
REQUEST = 5 + 61
DELAY = 4
PINGS = 6
IDLE = 6  # seconds that an origin lets these connections rest: longer than the delay
WORKERS = 4


def flip(record):
    return record[:-3] + bytes([record[-3] ^ 4]) + record[-2:]


ACTIONS = {
    "flip": flip,
    "ccs": lambda record: wire.ONE_CCS + record,
    "20-ccs": lambda record: 20 * wire.ONE_CCS + record,
    "false-handshake": lambda record: wire.record(wire.HANDSHAKE, os.urandom(40)) + record,
    "duplicate": lambda record: record + record,
    "drop": lambda record: b"",
    "swap": None,  # with the next one
}


# Where there is damage, and where to look for what it brings about at the origin itself: at the same record, or, of
# records that only a link has, at an early one that others follow.
PLACES = {"client-0": "client-0", "client-1": "client-early", "client-2": "client-early", "client-3": "client-early",
          "server-0": "server-0", "server-1": "server-1", "server-2": "server-early", "server-3": "server-early"}
SAID = {"client-0": "second request", "client-1": "message 3", "client-2": "1st QNet record of C",
        "client-3": "2nd QNet record of C", "server-0": "first answer", "server-1": "PROOF",
        "server-2": "1st QNet record of P", "server-3": "2nd QNet record of P"}


class Watch(proxy.Records):
    """Finds its way in a connection by what anybody sees: the large record of the first answer and of the second, which
    is PROOF at a link, and between the two the second request."""

    def __init__(self):
        super().__init__()
        self.spoken = self.answers = self.asked = self.answered = 0
        self.after = {"client": 0, "server": 0}  # application records behind the second answer
        self.log, self.ends = [], {}  # (side, type, length) of each record; side: FIN or RST

    def ended(self, side):
        self.ends.setdefault(side, "FIN")
        return 0.0

    def broken(self, side):
        self.ends.setdefault(side, "RST")

    def place(self, side, record):
        """What a tamperer calls this record."""
        self.log.append((side, record[0], len(record) - 5))
        if record[0] != wire.DATA:
            return ()
        return self.of_client(record) if side == "client" else self.of_server(record)

    def of_client(self, record):
        self.spoken += 1
        if self.answers == 1 and not self.asked and len(record) >= REQUEST:
            self.asked = 1
            return ("client-0",)
        if self.answers == 2:
            self.after["client"] += 1
            return (f"client-{self.after['client']}",)
        return ("client-early",) if self.spoken == 2 else ()

    def of_server(self, record):
        self.answered += self.spoken > 0
        early = ("server-early",) if self.answered == 1 else ()
        if self.spoken and self.answers < 2 and len(record) >= BIG:
            self.answers += 1
            return early + (f"server-{self.answers - 1}",)
        if self.answers == 2:
            self.after["server"] += 1
            return early + (f"server-{self.after['server'] + 1}",)
        return early

    def from_client(self, _number, record):
        return self.pass_on("client", record)

    def from_server(self, _number, record):
        return self.pass_on("server", record)

    def pass_on(self, side, record):
        self.place(side, record)
        return record


class Tamper(Watch):
    """Does `action` at the record called `target`; what is in .log from there on came of it."""

    def __init__(self, target, action):
        super().__init__()
        self.target, self.action, self.side = target, action, target.partition("-")[0]
        self.kept, self.done = b"", None

    def pass_on(self, side, record):
        names = self.place(side, record)
        if self.done is None and self.target in names:
            self.done = len(self.log)
            if self.action == "swap":
                self.kept = record
                return b""
            return ACTIONS[self.action](record)
        if self.kept and side == self.side:
            record, self.kept = record + self.kept, b""
        return record


class Delay(Watch):
    """Holds the record called `target` back for longer than an impatient client would wait (amendment A4)."""

    def __init__(self, target):
        super().__init__()
        self.target = target

    def pass_on(self, side, record):
        if self.target in self.place(side, record):
            time.sleep(DELAY)
        return record


class Duplicate(proxy.Hook):
    """Sends a copy of the client's hello to the peer on a connection of its own, before it or after it (A3)."""

    def __init__(self, address, before):
        super().__init__()
        self.address, self.before, self.copy, self.watch = address, before, None, None
        self.answered = threading.Event()

    def look(self, data, delay):
        """What a prober would do with it, at the same time."""
        time.sleep(delay)
        self.copy.send(data)
        self.copy.flight()
        self.answered.set()
        self.copy.settle()

    def client(self, data):
        if self.copy is None:
            self.copy = Talk(self.address)
            self.watch = threading.Thread(target=self.look, args=(data, 0 if self.before else 0.1))
            self.watch.start()
            if self.before:
                self.answered.wait(5)
        return data


def outcome(hook):
    """What the damage brought about: the last word of the side that met it, whether the other one said an alert too,
    and that it ended. Whether by FIN or reset hangs on what else was under way, so the battery looks at that, where
    both connections carry the same."""
    if hook.done is None:
        return "there was no such record"
    victim = "client" if hook.side == "server" else "server"
    last = {side: "nothing" for side in ("client", "server")}
    for side, kind, n in hook.log[hook.done:]:
        last[side] = f"{kind}:{n}"
    parts = [f"{victim} {last[victim]}", f"{hook.side} {'23:19' if last[hook.side] == '23:19' else '-'}"]
    return ", ".join([*parts, "over" if hook.ends else "open"])


def tampered(peer, address, target, action):
    with proxy.Proxy(address, lambda: Tamper(target, action)) as between:
        link.dial(peer, between.address[1], PINGS)
        between.drain()
    return outcome(between.hooks[0])


class Live:
    """At one origin and the peer in front of it. say(row); .rows and .bad count."""

    def __init__(self, origin, peer, say, runs):
        self.origin, self.peer, self.say, self.runs = origin, peer, say, runs
        self.rows = self.bad = 0
        self.kept = {}

    def row(self, what, where, difference):
        self.rows += 1
        self.bad += bool(difference)
        self.say(compare.row(self.origin.name, what, where, f"DIFFERENT: {difference}" if difference else "same"))

    def tamper(self, actions, places):
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            def seen(address, target, action, runs):
                return [pool.submit(tampered, self.peer, address, target, action) for _ in range(runs)]

            references = {(t, a): seen(self.origin.address, t, a, 2 * self.runs)
                          for t in {PLACES[p] for p in places} for a in actions}
            links = {(p, a): seen(self.peer.address, p, a, self.runs) for p in places for a in actions}
            for (place, action), jobs in links.items():
                direct = {job.result() for job in references[PLACES[place], action]}
                got = {job.result() for job in jobs}
                self.kept[f"{action} at {place}"] = {"direct": sorted(direct), "link": sorted(got)}
                self.row(f"tamper: {action}", SAID[place],
                         f"{' | '.join(sorted(got - direct))} instead of {' | '.join(sorted(direct))}" * bool(got - direct))

    def delay(self):
        for target in ("server-early", "server-0", "server-1"):
            with proxy.Proxy(self.peer.address, lambda name=target: Delay(name)) as between:
                up, lines = link.dial(self.peer, between.address[1], PINGS)
            self.row(f"{DELAY} s delay", SAID.get(target, "tickets"), "" if up else f"no link: {' '.join(lines)}")

    def duplicate(self):
        base = {compare.key(battery.one(battery.Position("direct", self.origin.address), "hello-and-silence",
                                        self.origin.ecdsa)) for _ in range(2 * self.runs)}
        for before in (True, False):
            with proxy.Proxy(self.peer.address, lambda first=before: Duplicate(self.peer.address, first)) as between:
                up, lines = link.dial(self.peer, between.address[1], PINGS)
            copy = between.hooks[0].copy
            between.hooks[0].watch.join()
            seen = copy.transcript(self.origin.ecdsa)
            copy.close()
            wrong = [] if up else [f"no link: {' '.join(lines)}"]
            if compare.key(seen) not in base:
                wrong.append(f"the copy saw {compare.show(seen['records'])} {seen['end']}")
            self.row("hello duplicated", "copy first" if before else "copy after", "; ".join(wrong))

    def run(self):
        self.duplicate()
        self.delay()
        self.tamper(list(ACTIONS), list(PLACES))
