#!/usr/bin/env python3
"""What summary.json says of faults, joining and lists: the same figures, counted again from the tables of the run."""
import csv
import json
import unittest

from simtest import BASELINE, SMALL, SimTest, digest_of, sim

BUSY = ["--set", "network.carrier=bare", "--set", "workload.browsing.think='500 ms'",
        "--set", "workload.browsing.sizes={50 KiB: 3, 1 MiB: 1}"]
SECOND = 1_000_000_000
STOP = 25 * SECOND
EPOCH = 1796000000
GROUPS = {"supers": (3, 0, 0), "relays": (8, SECOND, 2 * SECOND), "exits": (4, SECOND, 2 * SECOND),
          "people": (16, 5 * SECOND, 2 * SECOND)}  # as SMALL has them: count, start, over


def nearest_rank(values, permille):
    return sorted(values)[max(0, (permille * len(values) + 999) // 1000 - 1)] if values else 0


def starts():
    """When each node starts, by index."""
    out = []
    for count, first, over in GROUPS.values():
        out += [first + over // count * i for i in range(count)]
    return out


CLIENTS = range(15, 31)


class Stream:
    def __init__(self, row):
        self.client, self.start, self.outcome = int(row["client"]), int(row["start_ns"]), row["outcome"]
        self.first = self.start + int(row["ttfb_ns"]) if row["ttfb_ns"] else None
        self.ended = int(row["ended_ns"]) if row["ended_ns"] else STOP + 1
        self.bytes = int(row["bytes"])

    def alive(self, at):
        return self.start < at <= self.ended


class Outcomes(SimTest):
    def run_faults(self, faults):
        return self.run_scenario(BASELINE, *SMALL, *BUSY, "--set", f"faults=[{faults}]")

    def run_scenario(self, *words):
        digest_of(sim("run", *words, "--out", self.path("o"), "--quiet"))
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            return json.load(f)

    def rows(self, name):
        with open(self.path("o", name), newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def streams(self):
        return [Stream(row) for row in self.rows("streams.csv")]

    def lists(self):
        """Each list that was taken into use: when, by whom, its version, its weight."""
        return [(int(r["time_ns"]), int(r["node"]), int(r["id"]), int(r["down"]))
                for r in self.rows("events.csv") if r["event"] == "snapshot"]

    def test_survival_and_waste_are_those_of_the_tables(self):
        at = 15 * SECOND
        summary = self.run_faults("{kind: crash, group: exits, at: 15 s, back: 2 s}")
        recovery = summary["recovery"]
        alive = [s for s in self.streams() if s.alive(at)]
        done = sum(s.outcome == "done" for s in alive)
        open_still = sum(s.outcome == "unfinished" for s in alive)
        self.assertEqual(recovery["moments"], 1)
        self.assertEqual(recovery["streams"], {
            "alive": len(alive), "survived": done, "unfinished": open_still, "lost": len(alive) - done - open_still,
            "survived_permille": done * 1000 // (len(alive) - open_still)})
        self.assertGreater(recovery["streams"]["lost"], 0, "all exits died and no fetch did")
        failed = [s for s in self.streams() if s.outcome not in ("done", "unfinished")]
        self.assertEqual(recovery["wasted"]["client_bytes"], sum(s.bytes for s in failed))
        core = summary["core"]
        self.assertEqual(recovery["wasted"]["exit_bytes"], core["all"]["exit_bytes"] - core["people"]["app_down_bytes"]
                         - core["people"]["app_up_bytes"])

    def test_recovery_is_from_the_fault_to_the_next_first_byte(self):
        at = 15 * SECOND
        clients = self.run_faults("{kind: crash, group: exits, at: 15 s, back: 2 s}")["recovery"]["clients"]
        until, never = [], 0
        for client in {s.client for s in self.streams() if s.alive(at)}:
            after = [s.first for s in self.streams()
                     if s.client == client and s.outcome == "done" and s.first > at]
            never += not after
            until += [min(after) - at] if after else []
        got = clients["first_byte_ns"]
        self.assertEqual((got["n"], clients["never"]), (len(until), never))
        self.assertEqual((got["p50"], got["p95"], got["max"]),
                         (nearest_rank(until, 500), nearest_rank(until, 950), max(until)))
        self.assertLessEqual(clients["waited_ns"]["max"], got["max"])
        self.assertLess(clients["waited_ns"]["p50"], got["p50"], "people think, and that counted as waiting")

    def test_joining_is_from_the_start_to_the_first_circuit(self):
        summary = self.run_faults("")
        begun, first = starts(), {}
        for row in self.rows("circuits.csv"):
            if row["built_at_ns"]:
                node = int(row["client"])
                first[node] = min(first.get(node, STOP), int(row["built_at_ns"]) - begun[node])
        took = [first[c] for c in CLIENTS if c in first]
        join = summary["join"]["people"]
        self.assertEqual((join["clients"], join["never"]), (16, 16 - len(took)))
        self.assertEqual((join["first_circuit_ns"]["p50"], join["first_circuit_ns"]["max"]),
                         (nearest_rank(took, 500), max(took)))
        for limit in (5, 10, 30):
            could = [c for c in CLIENTS if STOP - begun[c] >= limit * SECOND]
            did = sum(first.get(c, STOP) <= limit * SECOND for c in could)
            self.assertEqual(join[f"within_{limit}_s_permille"], did * 1000 // len(could) if could else 0)

    def test_lists_weigh_what_was_sent(self):
        directory = self.run_faults("")["directory"]
        seconds, clients = {}, {c: 0 for c in CLIENTS}
        for at, node, _, weight in self.lists():
            seconds[at // SECOND] = seconds.get(at // SECOND, 0) + weight
            if node in clients:
                clients[node] += weight
        self.assertEqual(directory["peak_bytes_per_s"], max(seconds.values()))
        self.assertEqual(directory["client_bytes"]["max"], max(clients.values()))
        self.assertEqual(directory["client_bytes"]["n"], 16)
        self.assertGreater(directory["client_bytes"]["min"], 0, "somebody browsed without a list")
        self.assertLessEqual(directory["busiest_server_peak_bytes_per_s"], directory["peak_bytes_per_s"])

    def test_old_lists_are_counted_node_by_node(self):
        """No node is down here, so a step function over versions is all there is."""
        views = self.run_faults("{kind: partition, regions: [europe, asia], at: 10 s, for: 5 s}")["views"]
        lists, held, newest, stale, last, users = self.lists(), {}, 0, 0, 0, set()
        asked = sorted((s.start, s.client) for s in self.streams())
        for at, node, version, _ in [*lists, (STOP, 0, 0, 0)]:
            old = {n for n, v in held.items() if v < newest}
            users |= {c for t, c in asked if last < t < at and c in old}
            stale += len(old) * (at - last)
            last = at
            if version:
                held[node], newest = version, max(newest, version)
        self.assertEqual(views["stale_node_ns"], stale)
        self.assertEqual(views["clients_by_superseded"], len(users))
        self.assertEqual(views["versions"], len({v for _, _, v, _ in lists}))
        self.assertEqual((views["clients_by_expired"], views["versions_with_two_lists"]), (0, 0))
        self.assertTrue(all(EPOCH <= v <= EPOCH + 25 for _, _, v, _ in lists), "a version is a second")

    def test_a_side_without_the_signer_is_behind_until_it_hears(self):
        """The relays that come at 12 s are listed where the signer is, and nowhere else until 20 s."""
        summary = self.run_late("180 s")
        differ = summary["views"]["halves_differ_ns"]
        first = min(at for at, _, version, _ in self.lists() if version >= EPOCH + 12)
        self.assertGreaterEqual(differ, 20 * SECOND - first)
        self.assertLessEqual(differ, 180 * SECOND - first)
        convergence = summary["convergence"]
        self.assertEqual((convergence["heals"], convergence["server_lists_never"]), (1, 0))
        self.assertEqual(convergence["server_lists_ns"]["n"], 1)
        self.assertGreater(convergence["server_lists_ns"]["max"], 0)
        self.assertLess(convergence["server_lists_ns"]["max"], 160 * SECOND)
        self.assertEqual(convergence["clients"]["never"], 0)

    def run_late(self, stop):
        scenario = self.write("late.yaml", f"""extends: {BASELINE}
general: {{name: late, stop: {stop}, warmup: 8 s}}
network: {{carrier: bare}}
population:
  - {{name: supers, regions: {{europe: 1}}}}
  - {{name: people, count: 6}}
  - {{name: late, role: relay, count: 2, access: relay, regions: {{europe: 1}}, start: {{from: 12 s}}}}
faults:
  - {{kind: cut-off, region: asia, at: 10 s, for: 10 s}}
expect: []
""")
        return self.run_scenario(scenario)

    def test_what_never_came_has_a_count_and_no_time(self):
        """The run ends half a second after the border opens; who was behind asks once a minute."""
        convergence = self.run_late("20500 ms")["convergence"]
        self.assertEqual((convergence["server_lists_never"], convergence["lists_never"]), (1, 1))
        self.assertEqual(convergence["server_lists_ns"], {"n": 0})
        self.assertEqual(convergence["lists_ns"], {"n": 0})

    def test_without_faults_nothing_is_said_of_them(self):
        summary = self.run_faults("")
        self.assertNotIn("recovery", summary)
        self.assertNotIn("convergence", summary)
        with open(self.path("o", "report.html"), encoding="utf-8") as f:
            self.assertNotIn("What failed, and what it cost", f.read())

    def test_the_report_names_each_fault(self):
        self.run_faults("{kind: slow, group: relays, share: 20 %, at: 12 s, for: 3 s, to: 10 %}, "
                        "{kind: cut-off, region: asia, at: 14 s, for: 2 s}")
        with open(self.path("o", "report.html"), encoding="utf-8") as f:
            report = f.read()
        for words in ("What failed, and what it cost", "Drawn from seed 1", "<td>slow</td>", "relays, node ", "12 s", "15 s",
                      "to 10 %", " links, ", "<td>cut-off</td>", "<td>asia</td>", "fetches under way, "):
            self.assertIn(words, report)


unittest.main()
