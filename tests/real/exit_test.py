#!/usr/bin/env python3
"""What exits do for their users: names, rules, limits. Names come from the signed zone of the vectors."""
import hashlib
import os
import socket
import struct
import subprocess
import tempfile
import threading
import time

import mesh
from mesh import MeshTest, socks_open, wait_for

CONNECT = 1
FAILURE, NOT_ALLOWED, HOST_UNREACHABLE = 1, 2, 4
VECTORS = os.path.join(mesh.ROOT, "tests", "vectors", "dns")
OPT = b"\0" + struct.pack(">HHIH", 41, 4096, 0x8000, 0)


class Zone:
    """A name server on loopback whose answers were signed once and for all."""

    def __init__(self):
        self.answers = {}
        with open(os.path.join(VECTORS, "signed.example.answers"), encoding="ascii") as lines:
            for name, kind, rcode, answers, rest, data in (line.split(" ") for line in lines):
                self.answers[name, int(kind)] = (int(rcode), int(answers), int(rest), bytes.fromhex(data))
        self.conn = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.conn.bind(("127.0.0.1", 0))
        self.address = "%s:%d" % self.conn.getsockname()
        self.asked = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, sender = self.conn.recvfrom(512)
            except OSError:
                return
            self.asked += 1
            self.conn.sendto(self.answer(query), sender)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        kind, = struct.unpack(">H", query[at + 1:at + 3])
        rcode, answers, rest, data = self.answers.get((".".join(labels), kind), (2, 0, 0, b""))
        head = query[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, answers, rest, 1)
        return head + query[12:at + 5] + data + OPT


class ZoneTest(MeshTest):
    settings, more = [], []

    @classmethod
    def setUpClass(cls):
        cls.zone = Zone()
        cls.addClassCleanup(cls.zone.conn.close)
        settings = ["dns.server=" + cls.zone.address,
                    "dns.anchor=" + os.path.join(VECTORS, "signed.example.anchor"), *cls.settings]
        cls.arguments = ["--carrier", "bare", *cls.more, *(f"--exit-set={setting}" for setting in settings)]
        super().setUpClass()

    def reply(self, name, port=None):
        """The SOCKS reply to a request for this name at the web server's port."""
        conn, code = socks_open(self.mesh.socks, CONNECT, f"{name}:{port or mesh.host_port(self.web.address)[1]}")
        conn.close()
        return code


class Names(ZoneTest):
    """Names are resolved at the exit, and only there; what is not signed as it should be fails."""

    settings = ["exit.notice=https://notice.example/", "exit.rule=reject mixed.signed.example:*", "exit.rule=accept *.local.signed.example:*"]

    def test_a_name_is_resolved_at_the_exit(self):
        port = mesh.host_port(self.web.address)[1]
        for user in ("fast", "privacy"):
            with self.subTest(user=user):
                fetch = mesh.Fetch(self.mesh.socks, f"http://local.signed.example:{port}/file/1000", user)
                self.assertEqual(fetch.end(), 0, fetch.error)
                self.assertEqual(fetch.sha.hexdigest(), mesh.digest(1000))

    def test_https_proxy_users_come_in_by_the_same_port(self):
        port = mesh.host_port(self.web.address)[1]
        proxy = ["--proxytunnel", "-x", f"http://{self.mesh.socks}", "-w", "%{http_connect}", "-o", os.devnull]
        for name, path, user, status in (("local", "/file/1000", "fast:x", 200), ("local", "/file/1000", "privacy:x", 200),
                                         ("mixed", "/file/1000", "fast:x", 403), ("nobody", "/", "fast:x", 502)):
            with self.subTest(name=name, user=user):
                fetch = subprocess.run(["curl", "-sS", "--max-time", "20", *proxy, "-U", user,
                                        f"http://{name}.signed.example:{port}{path}"],
                                       capture_output=True, text=True, timeout=30, check=False)
                self.assertEqual(fetch.stdout, str(status), fetch.stderr)

    def test_a_name_that_leads_inside_is_not_allowed(self):
        self.assertEqual(self.reply("inner.signed.example"), NOT_ALLOWED)
        self.assertEqual(self.reply("local.signed.example", 80), NOT_ALLOWED)
        self.assertEqual(self.reply("localhost", 80), NOT_ALLOWED)

    def test_the_exit_shows_who_answers_for_it(self):
        self.assertEqual(self.mesh.status("exit1")["exit"],
                         {"contact": "lab@localhost", "notice": "https://notice.example/"})
        self.assertIsNone(self.mesh.status("relay1")["exit"])

    def test_a_forged_answer_is_an_error(self):
        for name in ("forged", "stripped", "late"):
            self.assertEqual(self.reply(name + ".signed.example", 80), HOST_UNREACHABLE)

    def test_an_unknown_name_is_an_error(self):
        self.assertEqual(self.reply("nobody.signed.example"), HOST_UNREACHABLE)

    def test_a_rule_refuses_a_name_before_it_is_asked_for(self):
        before = self.zone.asked
        self.assertEqual(self.reply("Mixed.Signed.Example"), NOT_ALLOWED)
        self.assertEqual(self.zone.asked, before)

    def test_a_number_is_only_a_name(self):
        for name in ("2130706433", "0x7f.1", "127.1"):
            self.assertEqual(self.reply(name), HOST_UNREACHABLE)


class Limits(ZoneTest):
    """One link is one client here: one hop, one exit."""

    more = ["--exits", "0"]
    settings = ["exit.client.connections=3", "exit.client.destination=2", "exit.client.rate=1 MiB", "exit.idle=2"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mesh.kill("client1")
        cls.mesh.restart("client1", "--socks-early-reply", "never")  # each reply is the exit's

    def open_some(self, names):
        opened = [socks_open(self.mesh.socks, CONNECT, f"{name}:{mesh.host_port(self.web.address)[1]}") for name in names]
        for conn, _ in opened:
            conn.close()
        return [code for _, code in opened]

    def test_one_client_has_so_many_connections_and_of_them_to_one_destination(self):
        self.assertEqual(self.open_some(["127.0.0.1"] * 3), [0, 0, FAILURE])
        wait_for(lambda: self.mesh.status("super1")["active_streams"] == 0, "the exit has closed them")
        self.assertEqual(self.open_some(["127.0.0.1"] * 2 + ["local.signed.example"] * 2), [0, 0, 0, FAILURE])
        wait_for(lambda: self.mesh.status("super1")["active_streams"] == 0, "the exit has closed them")

    def test_bytes_are_granted_by_the_second_and_none_is_lost(self):
        began = time.monotonic()
        self.assert_whole(3 * mesh.MIB)
        self.assertGreater(time.monotonic() - began, 1.5)
        began = time.monotonic()
        body = b"".join(mesh.chunks(3 * mesh.MIB))
        with tempfile.NamedTemporaryFile() as upload:
            upload.write(body)
            upload.flush()
            fetch = mesh.Fetch(self.mesh.socks, self.url("take", len(body)), None, mesh.PATIENCE, "-T", upload.name)
            self.assertEqual(fetch.end(), 0, fetch.error)
        self.assertEqual(fetch.sha.hexdigest(), hashlib.sha256(mesh.digest(len(body)).encode()).hexdigest())
        self.assertGreater(time.monotonic() - began, 1.5)

    def test_an_idle_connection_ends_in_an_error(self):
        fetch = self.fetch("half", mesh.MIB)
        self.assertNotIn(fetch.end(), (0, 28), "ended well, or not at all")
        self.assertEqual(fetch.received, mesh.MIB // 2)


if __name__ == "__main__":
    mesh.main()
