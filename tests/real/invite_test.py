#!/usr/bin/env python3
"""Invitations between processes: handed out, counted, taken, revoked; and where a guest's connections lead."""
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading

import mesh
from mesh import MIB, MeshTest, QNET, wait_for


def qnet(*arguments, given=None):
    return subprocess.run([QNET, *arguments], input=given, capture_output=True, text=True, timeout=30, check=False)


class Watch:
    """Which ports of this machine a process has connections to, looked up every 20 ms: a visit of a site lasts
    for seconds, so none is missed."""

    def __init__(self, pid):
        self.pid, self.ports, self.ended = pid, set(), threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def sockets(self):
        found = set()
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                match = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{self.pid}/fd/{fd}"))
                found |= {match[1]} if match else set()
        return found

    def run(self):
        while not self.ended.wait(0.02):
            with contextlib.suppress(OSError):
                mine = self.sockets()
                with open(f"/proc/{self.pid}/net/tcp", encoding="ascii") as table:
                    rows = [row.split() for row in table.read().splitlines()[1:]]
                self.ports |= {int(row[2].rpartition(":")[2], 16) for row in rows if row[9] in mine}

    def stop(self):
        self.ended.set()
        self.thread.join()
        return self.ports


class Guest:
    """A client of the mesh that localnet knows nothing of, with invitations."""

    def __init__(self, net, *arguments, given=None):
        self.folder = tempfile.TemporaryDirectory(prefix="qnet-guest.")
        self.state = os.path.join(self.folder.name, "state")
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        base = net.about["dir"]
        self.process = subprocess.Popen(
            [QNET, "run", "--lab", "--state", self.state, "--network", net.about["network"], "--roots",
             net.about["ca"], "--hosts", os.path.join(base, "hosts"), "--socks-port", "any", "--status-port", "any",
             *arguments], stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, text=True)
        self.watch, self.seen = Watch(self.process.pid), None
        if given is not None:
            self.process.stdin.write(given)
        self.process.stdin.close()

    def said(self):
        with open(self.log.name, encoding="utf-8") as log:
            return log.read()

    def ready(self):
        line = wait_for(lambda: re.search(r"ready, SOCKS5 on (\S+), status on (\S+)", self.said()), "a ready guest")
        self.socks, self.status = line[1], line[2]

    def connected(self, seconds=mesh.PATIENCE):
        self.ready()
        wait_for(lambda: mesh.ask(self.status)["state"] == "connected", "a connected guest", seconds)

    def end(self):
        """The ports it was ever seen connected to. May be repeated."""
        if self.seen is not None:
            return self.seen
        self.seen = self.watch.stop()
        self.process.terminate()
        self.process.wait(10)
        said = self.said()
        self.log.close()
        self.folder.cleanup()
        if "Sanitizer" in said or "runtime error" in said:
            raise AssertionError(said[-4000:])
        return self.seen


class Invited(MeshTest):
    arguments = ["--unlisted", "1"]

    def setUp(self):
        self.inviter = os.path.join(self.mesh.folder, "unlisted1")

    def listed_ports(self):
        return {n["port"] for n in self.mesh.about["nodes"] if n["port"] and n["name"] != "unlisted1"}

    def invite(self, *arguments):
        done = qnet("invite", "--state", self.inviter, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def guest(self, *arguments, given=None):
        guest = Guest(self.mesh, *arguments, given=given)
        self.addCleanup(guest.end)
        return guest

    def fetch_by(self, guest, *more):
        fetch = mesh.Fetch(guest.socks, self.url("file", MIB), None, mesh.PATIENCE, *more)
        self.assertEqual(fetch.end(), 0, fetch.error)
        self.assertEqual(fetch.sha.hexdigest(), mesh.digest(MIB))

    def test_a_guest_fetches_and_connects_to_its_inviter_only(self):
        guest = self.guest("--invitation", "-", given=self.invite("--batch", "spring"))
        guest.connected()
        self.fetch_by(guest)
        said = mesh.ask(guest.status)
        self.assertEqual((said["route"], said["invited_by"], said["listed"]), ("privacy", 1, False))
        ports = guest.end()
        self.assertIn(self.mesh.nodes["unlisted1"]["port"], ports)
        self.assertEqual(ports & self.listed_ports(), set())

    def test_the_watch_sees_what_an_ordinary_client_does(self):
        guest = self.guest("--route", "privacy")
        guest.connected()
        self.assertNotEqual(guest.end() & self.listed_ports(), set())

    def test_the_inviter_is_in_no_list(self):
        known = mesh.ask(self.mesh.nodes["client1"]["status"])["peers_online"]
        self.assertEqual([self.mesh.status(n)["listed"] for n in ("relay1", "unlisted1")], [True, False])
        self.assertEqual(known, sum(n["mode"] in ("relay", "exit", "super") for n in self.mesh.about["nodes"]) - 1)

    def test_an_invitation_is_kept(self):
        path = os.path.join(self.mesh.folder, "kept.txt")
        self.invite("--batch", "kept", "--out", path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        guest = self.guest("--invitation", path)
        guest.connected()
        with open(os.path.join(guest.state, "invited"), encoding="ascii") as kept, \
                open(path, encoding="ascii") as given:
            self.assertEqual(kept.read(), given.read())
        self.assertEqual(os.stat(os.path.join(guest.state, "invited")).st_mode & 0o777, 0o600)

    def test_a_revoked_batch_leads_nowhere_and_others_go_on(self):
        lost, good = self.invite("--batch", "lost"), self.invite("--batch", "good")
        self.assertIn("revoked 'lost': 1 invitations", self.invite("--revoke", "lost"))
        let_in = self.guest("--invitation", "-", given=good)
        let_in.connected()
        shut_out = self.guest("--invitation", "-", given=lost)
        shut_out.ready()
        wait_for(lambda: "may have been revoked" in mesh.ask(shut_out.status)["advice"], "the advice")
        self.assertNotEqual(mesh.ask(shut_out.status)["state"], "connected")
        self.assertEqual(shut_out.end() & self.listed_ports(), set())

    def test_a_batch_ends_at_its_maximum_and_is_audited(self):
        for i in (1, 2):
            self.invite("--batch", "small", "--max", "2")
            self.assertRegex(self.invite("--list"), rf"(?m)^small +{i} of 2$")
        done = qnet("invite", "--state", self.inviter, "--batch", "small")
        self.assertEqual(done.returncode, 4)
        self.assertIn("has handed out its 2 invitations", done.stderr)
        with open(os.path.join(self.inviter, "invitations.log"), encoding="ascii") as log:
            self.assertRegex(log.read(), r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ small gave 2 of 2$")
        self.assertEqual(os.stat(os.path.join(self.inviter, "invitations")).st_mode & 0o777, 0o600)

    def refusal(self, text):
        guest = self.guest("--invitation", "-", given=text)
        status, said = guest.process.wait(20), guest.said()
        self.assertEqual(status, 3, said)
        self.assertEqual(guest.end(), set())
        return said

    def test_what_is_no_good_is_named_and_nothing_is_dialled(self):
        token = self.invite("--batch", "bad").strip()
        at = len(token) // 2
        swapped = token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1:]
        self.assertIn("standard input: the invitation is damaged", self.refusal(swapped))
        self.assertIn("the invitation is cut short", self.refusal(token[:-40]))
        self.assertIn("there is no invitation here", self.refusal("hello"))

    def test_another_networks_is_named(self):
        state, file = os.path.join(self.mesh.folder, "op2"), os.path.join(self.mesh.folder, "network2")
        self.assertEqual(qnet("keygen", "--operator", "--state", state).returncode, 0)
        done = qnet("network", "init", "--out", file, "--name", "other", "--lab", "--operator-state", state,
                    "--operator-addr", "127.0.0.1:4433", "--operator-origin",
                    os.path.join(self.mesh.folder, "super1.origin"))
        self.assertEqual(done.returncode, 0, done.stderr)
        guest = self.guest("--network", file, "--invitation", "-", given=self.invite("--batch", "other"))
        self.assertEqual(guest.process.wait(20), 3)
        self.assertIn("the invitation is for another network", guest.said())

    def test_listed_nodes_invite_nobody(self):
        done = qnet("invite", "--state", os.path.join(self.mesh.folder, "relay1"))
        self.assertEqual(done.returncode, 4)
        self.assertIn("is of no unlisted node that has run", done.stderr)

    def test_who_becomes_listed_invites_nobody_any_more(self):
        with tempfile.TemporaryDirectory(prefix="qnet-listed.") as state:
            shutil.copy(os.path.join(self.inviter, "descriptor"), state)
            relay = self.guest("--mode", "relay", "--carrier", "bare", "--listen", "127.0.0.1:0", "--state", state)
            wait_for(lambda: " ready, links on " in relay.said(), "a listed relay")
            done = qnet("invite", "--state", state)
            relay.end()
        self.assertEqual(done.returncode, 4)
        self.assertIn("is of no unlisted node that has run", done.stderr)


if __name__ == "__main__":
    mesh.main()
