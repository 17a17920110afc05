#!/usr/bin/env python3
"""Censors in the simulator: each catches its control, HTX passes those that read, and costs are counted."""
import csv
import json
import os
import unittest

from simtest import BASELINE, ROOT, SMALL, SimTest, digest_of, sim

BUSY = [*SMALL, "--set", "workload.browsing.think='1 s'", "--set", "workload.browsing.sizes={50 KiB: 1}",
        "--set", "general.stop='14 s'", "--set", "population.people.regions={asia: 1}"]
CONTROLS = ["--set", "control=[" + ",".join(
    f"{{kind: {kind}, region: asia, users: 4, access: home, servers_in: europe, servers: 2, server_access: datacentre,"
    " think: 1 s, timeout: 3 s}" for kind in ("browser", "shadowsocks", "tor", "bare")) + "]"]
CHROMIUM = "t13d1517h2_8daaf6152771_cb7bf5808d99"


class Censors(SimTest):
    def run_with(self, censors, *more):
        done = sim("run", BASELINE, *BUSY, "--set", f"censor=[{censors}]", "--out", self.path("o"), "--quiet", *more)
        digest = digest_of(done)
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            return json.load(f), digest

    def test_bare_is_caught_as_fully_encrypted_and_htx_is_not(self):
        rules = "{kind: encrypted, region: asia, penalty: 180 s, rules: strict}"
        abroad = []  # every exit is behind the border, so who is caught gets nothing
        for group in ("supers", "relays", "exits"):
            abroad += ["--set", f"population.{group}.regions={{europe: 1}}"]
        htx, _ = self.run_with(rules, *abroad)
        bare, _ = self.run_with(rules, "--set", "network.carrier=bare", *abroad)
        self.assertGreater(htx["censor"]["encrypted"]["links"]["flows"], 10)
        self.assertEqual(htx["censor"]["encrypted"]["links"]["blocked"], 0)
        self.assertEqual(htx["censor"]["encrypted"]["web"]["blocked"], 0)
        self.assertGreater(htx["streams"]["done"], 10)
        self.assertGreater(bare["censor"]["encrypted"]["links"]["blocked_permille"], 900)
        self.assertLess(bare["streams"]["done"], htx["streams"]["done"])

    def test_readers_of_hellos_catch_what_they_list_and_nothing_else(self):
        summary, _ = self.run_with(
            "{name: ours, kind: sni, region: asia, names: [site1.example]},"
            "{name: others, kind: sni, region: asia, names: [forbidden.example]},"
            "{name: curl, kind: ja4, region: asia, names: [t13d3112h2_e8f1e7e78f70_b26ce05bbdd6]}")
        censors = summary["censor"]
        self.assertGreater(censors["ours"]["links"]["blocked"], 0)
        self.assertEqual(censors["others"]["links"]["blocked"], 0)
        self.assertEqual(censors["curl"]["links"]["blocked"], 0)
        self.assertGreater(censors["curl"]["inspected_bytes"], 1500 * 10)
        self.assertGreater(censors["curl"]["state_bytes_max"], 0)
        self.assertEqual(summary["streams"]["p1_violations"], 0)

    def test_who_enters_by_a_rationed_entry_loses_it_when_an_agent_is_shown_it(self):
        """Everything listed is blocked; entries go as agents learn them, and without agents nobody loses his."""
        quiet = self.run_entries(agents=0)
        self.assertEqual((quiet["entries"]["learnt"], quiet["entries"]["lost"]), (0, 0))
        self.assertEqual(quiet["entries"]["handed"], 4)
        self.assertGreater(quiet["reach"]["asia"]["qnet"]["done"], 10)
        self.assertEqual(quiet["reach"]["asia"]["qnet"]["done_permille"], 1000)
        shown = self.run_entries(agents=1)
        self.assertEqual((shown["entries"]["learnt"], shown["entries"]["blocked_permille"]), (1, 1000))
        self.assertGreater(shown["entries"]["lost"], 0)
        self.assertEqual(shown["entries"]["refused"], shown["entries"]["lost"])  # no other entry to give within a week
        self.assertLess(shown["reach"]["asia"]["qnet"]["done"], quiet["reach"]["asia"]["qnet"]["done"] // 2)
        with open(self.path("o", "figs", "entries.csv"), newline="", encoding="utf-8") as f:
            left = [int(row["entries"]) for row in csv.DictReader(f)]
        self.assertEqual((left[0], left[-1]), (1000, 0))
        self.assertEqual(shown["entries"]["half_blocked_never"], 0)
        self.assertLess(shown["entries"]["half_blocked_ns"], 120 * 10 ** 9)

    def run_entries(self, agents):
        scenario = self.write("entries.yaml", f"""extends: {BASELINE}
general: {{name: entries, stop: 300 s, warmup: 8 s}}
population:
  - {{name: supers, count: 2, regions: {{europe: 1, america: 0, asia: 0}}}}
  - {{name: relays, count: 4, regions: {{europe: 2, america: 1, asia: 0}}}}
  - {{name: exits, count: 2, regions: {{europe: 1, america: 1, asia: 0}}}}
  - {{name: people, count: 4, regions: {{europe: 0, america: 0, asia: 1}}, route: {{privacy: 100000}}, start: {{from: 20 s, over: 4 s}}}}
  - {{name: bridges, role: relay, count: 1, access: relay, regions: {{europe: 1}}, start: {{from: 4 s}}}}
workload:
  - {{name: browsing, sizes: {{50 KiB: 100000}}, think: 15 s, timeout: 20 s}}
entries: {{group: bridges, people: people, agents: {agents}, day: 1 min}}
censor:
  - {{kind: ip, region: asia, groups: [supers, relays, exits, bridges]}}
expect: []
""")
        digest_of(sim("run", scenario, "--seed", "1", "--out", self.path("o"), "--quiet"))
        with open(self.path("o", "summary.json"), encoding="utf-8") as f:
            return json.load(f)

    def test_the_played_browser_s_own_ja4_is_the_control(self):
        summary, _ = self.run_with(f"{{kind: ja4, region: asia, action: reset, names: [{CHROMIUM}]}}")
        self.assertGreater(summary["censor"]["ja4"]["links"]["blocked_permille"], 900)

    def test_addresses_volumes_and_rates(self):
        summary, digest = self.run_with(
            "{kind: ip, region: asia, groups: [relays], delay: 5 s}, {kind: throttle, region: asia, rate: 3 Mbit/s},"
            "{kind: freeze, region: asia, groups: [exits]}")
        censors = summary["censor"]
        self.assertGreater(censors["ip"]["links"]["blocked"], 0)
        self.assertEqual(censors["ip"]["web"]["blocked"], 0)
        self.assertGreater(censors["throttle"]["slowed"], 10)
        self.assertGreater(censors["freeze"]["links"]["blocked"], 0)
        self.assertEqual(summary["streams"]["p1_violations"], 0)
        again, same = self.run_with(
            "{kind: ip, region: asia, groups: [relays], delay: 5 s}, {kind: throttle, region: asia, rate: 3 Mbit/s},"
            "{kind: freeze, region: asia, groups: [exits]}")
        self.assertEqual(digest, same)
        self.assertEqual(again["censor"], censors)

    def test_controls_are_caught_and_browsers_are_not(self):
        """In tier M and, by the same code in a router, in tier P: the same servers are caught, and no others."""
        censors = ("{name: payloads, kind: encrypted, region: asia},"
                   "{name: prober, kind: prober, region: asia, delays: [0 s, 1 s]},"
                   "{name: tor, kind: ja4, region: asia, action: reset, names: [t13d181100_796efca44d18_d41ae481755e]},"
                   "{name: names, kind: sni, region: asia, names: [browser0.example], penalty: 90 s, from: 9 s}")
        for tier in ("M", "P"):
            summary, digest = self.run_with(censors, *CONTROLS, "--tier", tier)
            got = summary["censor"]
            self.assertGreater(got["payloads"]["shadowsocks"]["blocked_permille"], 800, tier)
            self.assertGreater(got["tor"]["tor"]["blocked_permille"], 800, tier)
            for censor in ("payloads", "prober", "tor"):
                self.assertEqual(got[censor]["links"]["blocked"], 0, (tier, censor))
                self.assertEqual(got[censor]["browser"]["blocked"], 0, (tier, censor))
                self.assertGreater(got[censor]["browser"]["flows"], 5, (tier, censor))
            self.assertGreater(got["names"]["browser"]["blocked"], 0, tier)
            self.assertGreater(got["prober"]["links"]["probes"], 5, tier)
            self.assertEqual(got["prober"]["links"]["distinguishable"], 0, tier)
            self.assertGreater(got["prober"]["browser"]["probes"], 3, tier)
            self.assertEqual(got["prober"]["browser"]["distinguishable"], 0, tier)
            self.assertGreater(summary["reach"]["asia"]["browser"]["done"], 2, tier)
            self.assertGreater(summary["reach"]["asia"]["qnet"]["done"], 2, tier)
            self.assertEqual(summary["control"]["tor"]["done"], 0, tier)
        again, same = self.run_with(censors, *CONTROLS, "--tier", "P")
        self.assertEqual(digest, same)
        self.assertEqual(again, summary)

    def test_a_prober_finds_shadowsocks_and_then_blocks_it(self):
        summary, _ = self.run_with("{name: prober, kind: prober, region: asia, delays: [1 s]}", *CONTROLS)
        row = summary["censor"]["prober"]["shadowsocks"]
        self.assertGreater(row["distinguishable"], 0)
        self.assertGreater(row["blocked"], 0)
        self.assertLess(row["blocked"], row["flows"])
        with open(self.path("o", "censor.csv"), encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual(int(next(r for r in rows if r["flows_of"] == "shadowsocks")["blocked"]), row["blocked"])
        with open(self.path("o", "control.csv"), encoding="utf-8") as f:
            visits = list(csv.DictReader(f))
        self.assertIn("done", {v["outcome"] for v in visits if v["kind"] == "shadowsocks"})

    def test_a_policer_holds_its_rate_in_both_tiers(self):
        """60 KiB of a listed site at 140 kbit/s with a bucket of 16 KiB take 2.5 s and more; of another not."""
        control = ["--set", "control=[{name: slow, kind: browser, region: asia, users: 3, access: home, servers_in: europe,"
                   " server_access: datacentre, think: 2 s, timeout: 12 s}, {name: free, kind: browser, region: asia,"
                   " users: 3, access: home, servers_in: europe, server_access: datacentre, think: 2 s, timeout: 12 s}]",
                   "--set", "general.stop='30 s'", "--set", "population.people.count=1"]
        for tier in ("M", "P"):
            summary, _ = self.run_with("{name: police, kind: throttle, region: asia, rate: 140 kbit/s, names: [slow0.example]}",
                                       *control, "--tier", tier)
            slow, free = summary["control"]["slow"], summary["control"]["free"]
            self.assertGreater(slow["done"], 0, tier)
            self.assertGreater(slow["took_ns"]["min"], 2_400_000_000, tier)
            self.assertLess(free["took_ns"]["p50"], 1_500_000_000, tier)
            self.assertGreater(summary["censor"]["police"]["lost_packets"], 10, tier)

    def test_what_cannot_be_is_refused(self):
        for censor, words in (("{kind: magic, region: asia}", ("magic", "sni")),
                              ("{kind: sni, region: asia}", ("names",)),
                              ("{kind: sni, region: mars, names: [a]}", ("mars", "asia")),
                              ("{kind: encrypted, region: asia, names: [a]}", ("names",)),
                              ("{kind: ip, region: asia, groups: [nobody]}", ("nobody",)),
                              ("{kind: ports, region: asia, ports: [70000]}", ("70000",)),
                              ("{kind: prober, region: asia, delays: [2 s, 1 s]}", ("delays",)),
                              ("{kind: shutdown, region: asia, from: 2 s, until: 1 s}", ("until",)),
                              ("{kind: throttle, region: asia, rate: 1 Mbit/s, burst: 1 B}", ("1 B",)),
                              ("{kind: encrypted, region: asia}, {kind: encrypted, region: asia}", ("two censors",))):
            done = sim("check", BASELINE, "--set", f"censor=[{censor}]")
            self.assertEqual(done.returncode, 2, done.stdout)
            for word in words:
                self.assertIn(word, done.stderr)
        done = sim("run", BASELINE, *BUSY, "--tier", "T", "--set", "censor=[{kind: encrypted, region: asia}]", "--out",
                   self.path("t"), "--quiet")
        self.assertEqual(done.returncode, 2)
        self.assertIn("tier T", done.stderr)

    def test_every_shipped_censor_has_what_a_scenario_must_say(self):
        folder = os.path.join(ROOT, "sim-scenarios")
        names = [n for n in os.listdir(folder) if n.startswith("censor-")]
        self.assertEqual(len(names), 12)
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                text = f.read()
            for key in ("question:", "model:", "metrics:", "cannot_say:", "expect:"):
                self.assertIn(key, text, name)


unittest.main()
