#!/usr/bin/env python3
"""qnet pool: invitations that are rationed. What the policy gives whom is tests/unit/dir/handout_test.c's.

QNET and REGISTRANT name the programs; the second makes invitations to nodes that are nowhere.
"""
import json
import os
import subprocess
import tempfile
import unittest

import mesh
from mesh import QNET

REGISTRANT = os.environ.get("REGISTRANT", os.path.join(os.path.dirname(QNET), "registrant"))
NODES = 40


class Pool(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="qnet-pool.")
        self.addCleanup(holder.cleanup)
        self.folder, self.pool = holder.name, os.path.join(holder.name, "pool")
        self.network = self.found("net")
        self.offer = self.invitations(NODES)

    def path(self, name):
        return os.path.join(self.folder, name)

    def found(self, name):
        state, out = self.path(name + ".state"), self.path(name)
        subprocess.run([QNET, "keygen", "--operator", "--state", state], check=True, capture_output=True, timeout=30)
        subprocess.run([QNET, "network", "init", "--out", out, "--name", name, "--lab", "--operator-state", state,
                        "--operator-addr", "127.0.0.1:9"], check=True, capture_output=True, timeout=30)
        return out

    def invitations(self, count, network=None, port=1000):
        """A file with invitations to so many nodes, as somebody's mail might quote them."""
        done = subprocess.run([REGISTRANT, network or self.network, str(count), f"127.0.0.1:{port}", "-"], check=True,
                              capture_output=True, text=True, timeout=30)
        path = self.path(f"offer-{count}-{port}-{os.path.basename(network or self.network)}")
        with open(path, "w", encoding="utf-8") as f:
            f.write("Hello, here they are:\n" + "\n> ".join(done.stdout.splitlines()) + "\nbye\n")
        return path

    def ask(self, *arguments, status=0):
        done = subprocess.run([QNET, "pool", "--dir", self.pool, "--network", self.network, *arguments],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def give(self, account, *more, status=0):
        return self.ask("--give", account, *more, status=status)

    def read(self, name):
        with open(os.path.join(self.pool, name), encoding="utf-8") as f:
            return json.load(f)

    def age(self, days):
        """All accounts so many days older."""
        accounts = self.read("accounts")
        for account in accounts.values():
            account["since"] -= days * 86400
            account["given"] -= days * 86400
        with open(os.path.join(self.pool, "accounts"), "w", encoding="utf-8") as f:
            json.dump(accounts, f)

    def test_what_is_added_is_counted_once(self):
        self.assertIn(f"took {NODES}", self.ask("--add", self.offer))
        self.assertIn(f"took {NODES}", self.ask("--add", self.offer))
        self.assertIn(f"invitations to {NODES} nodes: 4 for young accounts, 36 for the others", self.ask())
        self.assertEqual(os.stat(os.path.join(self.pool, "pool")).st_mode & 0o777, 0o600)

    def test_what_leads_nowhere_is_passed_over(self):
        self.assertIn("took 0 invitations, passed over 3", self.ask("--add", self.invitations(3, self.found("other"))))
        with open(self.offer, encoding="utf-8") as f:
            text = f.read()
        with open(self.offer, "w", encoding="utf-8") as f:
            f.write(text.replace("qnet-invite:a", "qnet-invite:b", 1))
        self.assertIn("passed over 1 ", self.ask("--add", self.offer))

    def test_an_account_gets_one_and_keeps_it(self):
        self.ask("--add", self.offer)
        first = self.give("anna")
        self.assertRegex(first, r"^qnet-invite:[a-z2-7]+\n$")
        self.assertEqual(self.give("anna"), first)
        self.assertIn("less than 7 days", self.give("anna", "--lost", status=4))
        self.age(7)
        self.assertNotEqual(self.give("anna", "--lost"), first)

    def test_many_new_accounts_see_the_small_share(self):
        self.ask("--add", self.offer)
        seen = {self.give(f"sybil{i}") for i in range(30)}
        self.assertLessEqual(len(seen), 4)
        self.age(30)
        self.assertFalse({self.give(f"sybil{i}") for i in range(5)} & seen)

    def test_the_policy_is_stated_and_kept(self):
        self.ask("--add", self.offer, "--every", "3", "--young", "10", "--share", "50")
        said = self.ask()
        self.assertIn("20 for young accounts", said)
        self.assertIn("another in 3 days, young for 10 days, 50 percent", said)
        self.ask("--share", "101", status=2)
        self.ask("--lost", status=2)

    def test_names_are_not_kept(self):
        self.ask("--add", self.offer)
        self.give("anna")
        kept = ""
        for name in os.listdir(self.pool):
            with open(os.path.join(self.pool, name), encoding="utf-8", errors="replace") as f:
                kept += f.read()
        self.assertNotIn("anna", kept)
        self.assertEqual(len(self.read("accounts")), 1)

    def test_a_dropped_node_is_given_to_nobody(self):
        self.ask("--add", self.offer)
        given = self.give("anna")
        blocked = self.path("blocked")
        with open(blocked, "w", encoding="utf-8") as f:
            f.write(f"this one does not work any more: {given}")
        self.assertIn("dropped 1 ", self.ask("--drop", blocked))
        self.assertIn("dropped 0 ", self.ask("--drop", blocked))
        self.assertIn(f"invitations to {NODES - 1} nodes", self.ask())
        self.assertNotIn(given, {self.give(f"other{i}") for i in range(10)} | {self.give("anna")})

    def test_an_empty_pool_says_so(self):
        self.assertIn("--add", self.give("anna", status=4))


if __name__ == "__main__":
    mesh.main()
