#!/usr/bin/env python3
"""The qnet command by itself: every wrong input ends in one sentence and the documented exit status."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import mesh
from mesh import QNET, wait_for

FINE, FAILED, USAGE, CONFIG, STATE, NETWORK = range(6)


def qnet(*arguments, env=None):
    return subprocess.run([QNET, *arguments], capture_output=True, text=True, timeout=30, check=False,
                          env={**os.environ, **(env or {})})


def example(page):
    """The EXAMPLE of a manual page."""
    with open(os.path.join(mesh.ROOT, "docs", "man", page), encoding="utf-8") as f:
        return f.read().split(".SH EXAMPLE\n.nf\n")[1].split("\n.fi")[0]


ORIGIN = example("qnet-origin-file.5")


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qnet-command.")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def refused(self, status, says, *arguments, env=None):
        """One sentence on stderr, warnings aside, and nothing dumped."""
        done = qnet(*arguments, env=env)
        lines = [l for l in done.stderr.splitlines() if "WARNING" not in l]
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("qnet: "), lines[0])
        self.assertIn(says, lines[0])

    def network(self):
        """A network founded by an operator whose state is DIR/op; its port is free, not held."""
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.operator = "127.0.0.1:%d" % s.getsockname()[1]
        for command in (("keygen", "--operator", "--state", self.path("op")),
                        ("network", "init", "--out", self.path("net"), "--name", "test", "--lab",
                         "--operator-state", self.path("op"), "--operator-addr", self.operator)):
            self.assertEqual(qnet(*command).returncode, FINE)
        return self.path("net")

    def client(self, *more):
        return ("run", "--state", self.path("state"), "--network", self.path("net"), "--carrier",
                "bare", "--lab", "--socks-port", "any", "--status-port", "any", *more)

    def start(self, *arguments):
        node = subprocess.Popen([QNET, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True)
        self.addCleanup(node.communicate)
        self.addCleanup(node.kill)
        state = arguments[arguments.index("--state") + 1]
        wait_for(lambda: os.path.exists(os.path.join(state, "run.json")) or node.poll() is not None,
                 "run.json")
        self.assertIsNone(node.poll(), "the node ended at once")
        return node


class Usage(Case):
    def test_help_everywhere(self):
        for command in ((), ("run",), ("status",), ("circuits",), ("circuit",), ("peers",), ("keygen",), ("version",),
                        ("network",), ("network", "init"), ("network", "show"), ("config",),
                        ("config", "check"), ("config", "dump")):
            with self.subTest(command=command):
                done = qnet(*command, "--help")
                self.assertEqual((done.returncode, done.stderr), (FINE, ""))
                self.assertIn("usage: qnet", done.stdout)

    def test_version(self):
        self.assertRegex(qnet("version").stdout, r"^qnet \d+\.\d+\.\d+\n$")
        self.assertEqual(qnet("--version").stdout, qnet("version").stdout)

    def test_wrong_words(self):
        for command in ((), ("fly",), ("run", "--fly"), ("run", "extra"), ("run", "--state"),
                        ("keygen",), ("keygen", "--fly"), ("status",), ("status", "--state"),
                        ("network",), ("network", "fly"), ("network", "init"),
                        ("network", "init", "--out", "x", "--name", "y", "--operator-state", "z"),
                        ("network", "init", "--threshold", "0"), ("network", "show"), ("config",),
                        ("config", "check", "extra"), ("version", "extra")):
            with self.subTest(command=command):
                self.refused(USAGE, "", *command)


class Config(Case):
    def test_no_disguise_is_never_taken_by_accident(self):
        self.refused(CONFIG, "the bare carrier has no disguise: it is for tests; say --carrier bare "
                     "together with --lab", "run", "--state", self.path("s"), "--carrier", "bare")
        self.assertFalse(os.path.exists(self.path("s")))

    def test_a_typo_is_named_with_its_line(self):
        self.write("c", "mode: client\nsocks.prot: 1\n")
        for verb in ("check", "dump"):
            self.refused(CONFIG, "line 2: 'socks.prot' is not a setting, did you mean 'socks.port'",
                         "config", verb, "--config", self.path("c"))

    def test_a_typo_on_the_command_line_gets_a_suggestion(self):
        self.refused(USAGE, "did you mean '--carrier'?", "run", "--carier", "bare")
        self.refused(USAGE, "see 'qnet run --help'", "run", "--frobnicate")

    def test_a_file_that_cannot_be_read(self):
        self.refused(CONFIG, "No such file", "config", "check", "--config", self.path("none"))
        self.refused(CONFIG, "Is a directory", "config", "check", "--config", self.folder)

    def test_check_reads_the_network_file(self):
        check = ("config", "check", "--state", "s", "--carrier", "bare", "--lab", "--network")
        self.refused(CONFIG, "No such file", *check, self.path("none"))
        self.refused(CONFIG, "is not a usable network file", *check, self.write("n", "nonsense"))
        self.assertEqual(qnet(*check, self.network()).stdout, "fine\n")

    def test_output_that_does_not_arrive_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            for command in (("config", "dump"), ("help",), ("version",)):
                done = subprocess.run([QNET, *command], stdout=full, stderr=subprocess.PIPE, text=True,
                                      timeout=30, check=False)
                self.assertEqual((done.returncode, done.stderr),
                                 (FAILED, "qnet: standard output: No space left on device\n"))

    def test_dump_names_every_origin(self):
        self.write("c", "route: privacy\nsocks.port: 1111\nstatus.port: 2222\nmode: exit\n"
                   "listen: 127.0.0.1:1\nexit.contact: a@file\n")
        env = {"STEALTH_MODE": "super", "STEALTH_SOCKS_PORT": "3333", "EXIT_ABUSE_EMAIL": "a@env",
               "EXIT_MAX_CONNECTIONS": "7"}
        done = qnet("config", "dump", "--config", self.path("c"), "--mode", "relay", "--socks-port",
                    "4444", env=env)
        for line in ('mode: "super"  # STEALTH_MODE', 'socks.port: "4444"  # --socks-port',
                     f'status.port: "2222"  # {self.path("c")} line 3', 'log.level: "info"  # default',
                     'exit.contact: "a@env"  # EXIT_ABUSE_EMAIL',
                     'exit.connections: "7"  # EXIT_MAX_CONNECTIONS'):
            self.assertIn(line, done.stdout.splitlines())

    def test_dump_is_a_configuration(self):
        done = qnet("config", "dump", "--mode", "exit", "--listen", "127.0.0.1:1", "--exit-contact",
                    "a@b", "--lab", "--exit-allow", "127.0.0.1:80", "--exit-allow", "10.0.0.0/8:80",
                    "--state", 'a "quoted" \\ folder')
        again = qnet("config", "dump", "--config", self.write("c", done.stdout))
        self.assertEqual(again.returncode, FINE, again.stderr)
        self.assertIn('exit.allow: ["127.0.0.1:80", "10.0.0.0/8:80"]', again.stdout)

        def values(text):
            return [l.rpartition("  # ")[0] for l in text.splitlines()]
        self.assertEqual(values(again.stdout), values(done.stdout))

    def test_aliases_of_the_seeds(self):
        for flag, mode in (("--relay-only", "relay"), ("--exit-node", "exit"),
                           ("--bootstrap", "bootstrap")):
            done = qnet("config", "dump", flag, "--listen", "127.0.0.1:1", "--exit-contact", "a@b")
            self.assertIn(f'mode: "{mode}"  # --mode', done.stdout)
        self.assertIn('mode: "client"', qnet("config", "dump", "--helper-mode", "client").stdout)


class Disguise(Case):
    """What a node that is dialled over HTX is told when a file of its is wrong."""

    def check(self, *more):
        return ("config", "check", "--lab", "--mode", "relay", "--listen", "127.0.0.1:1", "--state",
                self.path("s"), *more)

    def test_who_is_dialled_needs_an_origin(self):
        self.refused(CONFIG, "measure it with tools/origin-check", *self.check())

    def test_an_origin_file_is_named_with_what_is_wrong_in_it(self):
        self.refused(CONFIG, "No such file", *self.check("--origin-file", self.path("none")))
        wrong = self.write("o", ORIGIN.replace('"goaway": 34', '"goaway": 3'))
        self.refused(CONFIG, f"{wrong}: goaway must be a number from", *self.check("--origin-file", wrong))
        good = self.write("o", ORIGIN)
        self.assertEqual(qnet(*self.check("--origin-file", good)).stdout, "fine\n")

    def test_hosts_and_profiles_that_are_not_there_are_named(self):
        good = self.check("--origin-file", self.write("o", ORIGIN))
        self.refused(CONFIG, "line 2: not an address", *good, "--hosts", self.write("h", "127.0.0.1 a\nb\n"))
        self.refused(CONFIG, "'netscape-4' is none of those shipped", *good, "--profile", "netscape-4")
        self.assertEqual(qnet(*good, "--profile", "chromium-156").stdout, "fine\n")

    def test_only_a_lab_names_its_own_authorities_and_hosts(self):
        for option in ("--roots", "--hosts"):
            self.refused(CONFIG, "which only a lab network may", "config", "check", "--state", "s", option,
                         "/etc/hosts")


class OldProfile(Case):
    """A profile past its date, which is the file's; no clock is turned."""

    def old(self):
        with open(os.path.join(mesh.ROOT, "profiles", "chromium-156.cbor"), "rb") as f:
            profile = f.read()
        dates = [m for m in re.finditer(rb"\x1a(....)", profile, re.S)
                 if 1_700_000_000 < int.from_bytes(m[1], "big") < 2_000_000_000]
        self.assertEqual(len(dates), 2)  # captured, expires
        captured, expires = dates
        with open(self.path("old.cbor"), "wb") as f:
            f.write(profile[:expires.start(1)] + (int.from_bytes(captured[1], "big") + 1).to_bytes(4, "big")
                    + profile[expires.end(1):])
        return self.path("old.cbor")

    def found(self, *more):
        self.assertEqual(qnet("keygen", "--operator", "--state", self.path("op")).returncode, FINE)
        done = qnet("network", "init", "--out", self.path("net"), "--name", "test", "--operator-state",
                    self.path("op"), "--operator-origin", self.write("site.origin", ORIGIN), *more)
        self.assertEqual(done.returncode, FINE, done.stderr)
        return ("run", "--state", self.path("state"), "--network", self.path("net"), "--profile", self.old(),
                "--socks-port", "any", "--status-port", "any")

    def test_a_real_network_refuses_it(self):
        self.refused(CONFIG, "tools/profile-record", *self.found("--operator-addr", "8.8.8.8:443"))

    def test_a_lab_says_so_loudly(self):
        node = self.start(*self.found("--lab", "--operator-addr", "127.0.0.1:9"), "--lab")
        with open(self.path("state/run.json"), encoding="utf-8") as f:
            status = mesh.ask(json.load(f)["status"])
        self.assertIn("ended on", status["disguise"]["advice"])
        node.terminate()
        self.assertIn("WARNING: the browser profile old.cbor ended on", node.communicate(timeout=10)[1])


class Founding(Case):
    def test_every_operator_of_a_real_network_needs_an_origin(self):
        qnet("keygen", "--operator", "--state", self.path("op"))
        init = ("network", "init", "--out", self.path("net"), "--name", "test", "--operator-state", self.path("op"),
                "--operator-addr", "8.8.8.8:443")
        self.refused(USAGE, "measure each with tools/origin-check", *init)
        self.refused(CONFIG, "No such file", *init, "--operator-origin", self.path("none"))
        self.assertFalse(os.path.exists(self.path("op/mirror-keys")))

    def test_mirror_keys_are_made_once(self):
        qnet("keygen", "--operator", "--state", self.path("op"))
        init = ("network", "init", "--out", self.path("net"), "--name", "test", "--operator-state", self.path("op"),
                "--operator-addr", "8.8.8.8:443", "--operator-origin", self.write("o", ORIGIN))
        self.assertEqual(qnet(*init).returncode, FINE)
        self.assertEqual(os.stat(self.path("op/mirror-keys")).st_mode & 0o777, 0o600)
        shown = json.loads(qnet("network", "show", self.path("net"), "--json").stdout)
        self.assertTrue(shown["operators"][0]["contact"])
        with open(self.path("op/mirror-keys"), "rb") as f:
            keys = f.read()
        self.refused(STATE, "has mirror keys already", *init)
        with open(self.path("op/mirror-keys"), "rb") as f:
            self.assertEqual(f.read(), keys)


class Manual(Case):
    @staticmethod
    def page(name):
        with open(os.path.join(mesh.ROOT, "docs", "man", name), encoding="utf-8") as f:
            return f.read().replace("\\-", "-")

    def test_every_key_and_option_has_its_entry(self):
        page, help_text = self.page("qnet.conf.5"), qnet("run", "--help").stdout
        for line in qnet("config", "dump").stdout.splitlines():
            self.assertRegex(page, r"(?m)^\.BR? %s\b" % line.removeprefix("# ").partition(":")[0])
        for option in re.findall(r"^  (--[a-z-]+)", help_text, re.M):
            self.assertIn(option, page + self.page("qnet.1"))

    def test_the_example_is_accepted(self):
        given = example("qnet.conf.5")
        here = given.replace("/etc/qnet/lab.network", self.network()) \
            .replace("/var/lib/qnet-origin/site.origin", self.write("site.origin", ORIGIN))
        self.assertNotEqual(here, given)
        done = qnet("config", "check", "--config", self.write("c", here))
        self.assertEqual((done.returncode, done.stdout), (FINE, "fine\n"), done.stderr)


class Networks(Case):
    def test_init_and_show_agree(self):
        self.network()
        shown = json.loads(qnet("network", "show", self.path("net"), "--json").stdout)
        self.assertEqual((shown["name"], shown["lab"], shown["threshold"]), ("test", True, 1))
        self.assertEqual(shown["operators"][0]["addr"], self.operator)
        self.assertEqual(os.stat(self.path("net.founder.key")).st_mode & 0o777, 0o600)

    def test_operators_change_when_both_majorities_sign(self):
        self.network()
        qnet("keygen", "--operator", "--state", self.path("op2"))
        for name, port in (("op", 9001), ("op2", 9002)):
            done = qnet("network", "entry", "--state", self.path(name), "--addr", f"127.0.0.1:{port}", "--out",
                        self.path(name + ".entry"))
            self.assertEqual(done.returncode, FINE, done.stderr)
        rotate = qnet("network", "rotate", "--network", self.path("net"), "--operator-entry", self.path("op.entry"),
                      "--operator-entry", self.path("op2.entry"), "--out", self.path("root"))
        self.assertEqual(rotate.returncode, FINE, rotate.stderr)
        for name in ("op", "op2"):
            done = qnet("network", "sign", "--network", self.path("net"), "--root", self.path("root"), "--state",
                        self.path(name), "--out", self.path(name + ".root"))
            self.assertEqual(done.returncode, FINE, done.stderr)
            self.assertTrue(done.stdout.startswith("root 2: 2 of these 2 operators sign a list\n"), done.stdout)
        complete = ("network", "complete", "--network", self.path("net"), "--out", self.path("net2"), "--root")
        for name in ("root", "op.root", "op2.root"):
            self.refused(CONFIG, "must have signed it", *complete, self.path(name))
        self.assertEqual(qnet(*complete, self.path("op.root"), "--root", self.path("op2.root")).returncode, FINE)
        old, new = (json.loads(qnet("network", "show", self.path(net), "--json").stdout) for net in ("net", "net2"))
        self.assertEqual((old["root"], new["root"], old["id"]), (1, 2, new["id"]))
        self.assertEqual([o["addr"] for o in new["operators"]], ["127.0.0.1:9001", "127.0.0.1:9002"])
        qnet("keygen", "--operator", "--state", self.path("op3"))
        self.refused(CONFIG, "neither one of the network's nor one of the root's", "network", "sign", "--network",
                     self.path("net"), "--root", self.path("root"), "--state", self.path("op3"), "--out", self.path("x"))
        self.refused(CONFIG, "is not the root that follows", "network", "sign", "--network", self.path("net2"), "--root",
                     self.path("root"), "--state", self.path("op"), "--out", self.path("x"))

    def test_what_is_not_a_network_file(self):
        self.network()
        with open(self.path("net"), "rb") as f:
            good = f.read()
        cases = {"text": b"hello\n", "empty": b"", "cut": good[:-1], "more": good + b"x",
                 "flipped": good[:40] + bytes([good[40] ^ 1]) + good[41:], "large": bytes(200000)}
        for name, content in cases.items():
            with self.subTest(name=name):
                with open(self.path(name), "wb") as f:
                    f.write(content)
                self.refused(CONFIG, "is not a usable network file", "network", "show", self.path(name))
                self.refused(CONFIG, "is not a usable network file", "run", "--state",
                             self.path("state"), "--network", self.path(name), "--carrier", "bare",
                             "--lab")
        self.refused(CONFIG, "No such file", "network", "show", self.path("none"))

    def test_a_directory_stays_with_its_network(self):
        self.network()
        node = self.start(*self.client())
        node.terminate()
        node.wait()
        os.rename(self.path("op"), self.path("op1"))
        self.network()
        self.refused(STATE, "belongs to another network", *self.client())

    def test_a_damaged_copy_is_mended_by_giving_the_file_again(self):
        self.network()
        node = self.start(*self.client())
        node.terminate()
        node.wait()
        with open(self.path("net"), "rb") as f:
            good = f.read()
        with open(self.path("state/network"), "wb") as f:
            f.write(good[:-1])
        again = [w for w in self.client() if w not in ("--network", self.path("net"))]
        self.refused(STATE, "give --network FILE again", *again)
        self.start(*self.client())
        with open(self.path("state/network"), "rb") as f:
            self.assertEqual(f.read(), good)

    def test_without_a_network(self):
        self.refused(CONFIG, "--network FILE", "run", "--state", self.path("s"), "--carrier", "bare",
                     "--lab")


class State(Case):
    def setUp(self):
        super().setUp()
        self.network()

    def test_keygen_never_overwrites(self):
        first = qnet("keygen", "--state", self.path("k"))
        self.assertRegex(first.stdout, r"^[a-z2-7]{61}\n$")
        self.refused(STATE, "nothing was changed", "keygen", "--state", self.path("k"))
        self.assertEqual(qnet("keygen", "--operator", "--state", self.path("k")).stdout, first.stdout)
        self.refused(STATE, "nothing was changed", "keygen", "--operator", "--state", self.path("k"))

    def test_a_world_readable_key(self):
        qnet("keygen", "--state", self.path("state"))
        os.chmod(self.path("state/identity.key"), 0o644)
        self.refused(STATE, "can be read by other users", *self.client())

    def test_a_damaged_key_is_not_replaced(self):
        qnet("keygen", "--state", self.path("state"))
        damaged = self.write("state/link.key", "nonsense")
        self.refused(STATE, "is damaged or not a QNet link key", *self.client())
        with open(damaged, encoding="utf-8") as f:
            self.assertEqual(f.read(), "nonsense")

    def test_a_missing_key_is_not_replaced(self):
        qnet("keygen", "--state", self.path("state"))
        os.remove(self.path("state/onion.key"))
        self.refused(STATE, "no onion.key", *self.client())
        self.assertFalse(os.path.exists(self.path("state/onion.key")))

    def test_a_directory_open_to_others(self):
        os.mkdir(self.path("state"), 0o755)
        os.chmod(self.path("state"), 0o755)
        self.refused(STATE, "chmod 700", *self.client())

    def test_a_directory_that_cannot_be(self):
        self.refused(STATE, "cannot make the state directory", "run", "--state",
                     self.path("no/such/place"), "--carrier", "bare", "--lab")

    def super(self, state):
        return ("run", "--mode", "super", "--state", self.path(state), "--network", self.path("net"),
                "--carrier", "bare", "--lab", "--listen", self.operator, "--exit-contact", "a@b",
                "--status-port", "off")

    def test_an_operator_needs_its_key(self):
        os.remove(self.path("op/operator.key"))
        self.refused(STATE, "has no operator key", *self.super("op"))

    def test_a_super_the_network_does_not_name_mirrors_without_a_key(self):
        self.start(*self.super("state"))

    def test_two_processes_on_one_directory(self):
        self.start(*self.client())
        self.refused(STATE, "another qnet process", *self.client())

    def test_a_damaged_snapshot_is_fetched_again(self):
        qnet("keygen", "--state", self.path("state"))
        self.write("state/snapshot", "nonsense")
        self.start(*self.client())


class Running(Case):
    def setUp(self):
        super().setUp()
        self.network()

    def test_a_busy_port_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as busy:
            port = str(busy.getsockname()[1])
            where = f"127.0.0.1:{port} is in use"
            run = ("run", "--state", self.path("state"), "--network", self.path("net"), "--carrier",
                   "bare", "--lab")
            self.refused(NETWORK, where, *run, "--socks-port", port, "--status-port", "off")
            self.refused(NETWORK, where, *run, "--socks-port", "any", "--status-port", port)
            self.refused(NETWORK, where, *run, "--mode", "relay", "--listen", f"127.0.0.1:{port}",
                         "--status-port", "off")

    def test_an_address_that_is_not_ours(self):
        self.refused(NETWORK, "cannot listen on 192.0.2.1:9", "run", "--state", self.path("state"),
                     "--network", self.path("net"), "--carrier", "bare", "--lab", "--mode", "relay",
                     "--listen", "192.0.2.1:9", "--status-port", "off")

    def test_starts_loudly_and_stops_quietly(self):
        node = self.start(*self.client())
        with open(self.path("state/run.json"), encoding="utf-8") as f:
            about = json.load(f)
        self.assertEqual(about["pid"], node.pid)
        node.send_signal(signal.SIGHUP)
        wait_for(lambda: mesh.ask(about["status"])["mode"] == "client", "an answer after SIGHUP")
        node.terminate()
        out, err = node.communicate(timeout=10)
        self.assertEqual(node.returncode, FINE, err)
        self.assertIn("ready", out)
        self.assertIn("WARNING: the bare carrier has no disguise", err)
        self.assertIn("SIGHUP changes nothing", err)
        for name in ("run.json", "status.sock"):
            self.assertFalse(os.path.exists(self.path("state/" + name)), name)

    def test_restarts_after_a_kill(self):
        node = self.start(*self.client())
        node.kill()
        node.wait()
        os.remove(self.path("state/run.json"))
        self.start(*self.client())

    def test_asking_where_nothing_runs(self):
        for what in ("status", "circuits", "peers"):
            self.refused(NETWORK, "no node runs on", what, "--state", self.path("op"))

    def test_only_loopback_is_offered(self):
        """SOCKS and status listen on 127.0.0.1 and nowhere else."""
        node = self.start(*self.client())
        shown = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
        ours = [l.split()[3] for l in shown.splitlines() if f"pid={node.pid}," in l]
        self.assertEqual(len(ours), 2, shown)
        self.assertTrue(all(a.startswith("127.0.0.1:") for a in ours), ours)

    def test_few_descriptors_are_shared_out(self):
        """With 64 descriptors and 100 visitors, the node still answers its owner."""
        node = subprocess.Popen(["sh", "-c", 'ulimit -n 64; exec "$0" "$@"', QNET, *self.client()],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(node.communicate)
        self.addCleanup(node.kill)
        wait_for(lambda: os.path.exists(self.path("state/run.json")), "run.json")
        with open(self.path("state/run.json"), encoding="utf-8") as f:
            about = json.load(f)
        visitors = []
        for _ in range(100):
            visitors.append(socket.create_connection(mesh.host_port(about["socks"]), timeout=5))
        self.assertEqual(mesh.ask(about["status"])["mode"], "client")
        for visitor in visitors:
            visitor.close()
        wait_for(lambda: mesh.ask(about["status"])["active_connections"] < 8, "room again")


if __name__ == "__main__":
    mesh.main()
