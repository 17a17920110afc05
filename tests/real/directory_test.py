#!/usr/bin/env python3
"""The directory over HTTP: what it says, and what nobody can make it do.

QNET names the program under test, REGISTRANT the one that signs what made-up nodes would send.
"""
import contextlib
import json
import os
import random
import socket
import subprocess
import tempfile
import time
import unittest

import mesh
import servers
from mesh import QNET, ask, host_port, wait_for

REGISTRANT = os.environ.get("REGISTRANT", os.path.join(os.path.dirname(QNET), "registrant"))
TABLES = os.path.join(mesh.ROOT, "tests", "vectors", "mmdb")
CONNS = 256  # QN_HTTPD_CONNS
JSON = ("Content-Type: application/json",)


def read_answer(conn, left=b""):
    """(status, headers, body, what came behind it) of the next answer; status 0: there is none."""
    while b"\r\n\r\n" not in left:
        got = conn.recv(65536)
        if not got:
            return 0, {}, b"", left
        left += got
    head, _, left = left.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
    length = int(headers["content-length"]) if "content-length" in headers else None
    while length is None or len(left) < length:
        got = conn.recv(65536)
        if not got:
            break
        left += got
    length = len(left) if length is None else length
    return int(lines[0].split()[1]), headers, left[:length], left[length:]


class Operator:
    """A network of one operator, alone, in a folder of its own."""

    def __init__(self, mode="bootstrap", *settings, admin=True, nodes=0, at="127.0.0.1:2000"):
        self.stack = contextlib.ExitStack()
        self.folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="qnet-directory."))
        self.state, self.network = os.path.join(self.folder, "state"), os.path.join(self.folder, "network")
        listen = f"127.0.0.1:{servers.free_port()}"
        keep = ["--admin"] if admin else []
        self.run("keygen", "--operator", *keep, "--state", self.state)
        self.run("network", "init", "--out", self.network, "--name", "directory", "--lab",
                 "--operator-state", self.state, "--operator-addr", listen)
        self.bodies = self.sign(nodes, at, self.state) if nodes else []
        self.log = self.stack.enter_context(open(os.path.join(self.folder, "log"), "w+", encoding="utf-8"))
        self.process = subprocess.Popen(
            [QNET, "run", "--lab", "--carrier", "bare", "--state", self.state, "--network", self.network, "--mode",
             mode, "--listen", listen, "--status-port", "any", "--directory-listen", "127.0.0.1:0", *settings],
            stdout=self.log, stderr=self.log)
        where = wait_for(self.ready, "the operator is ready")
        self.address, self.status_address = where["directory"], where["status"]

    @staticmethod
    def run(*arguments):
        subprocess.run([QNET, *arguments], check=True, capture_output=True, timeout=30)

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended: {self.said()}")
        with contextlib.suppress(FileNotFoundError), \
                open(os.path.join(self.state, "run.json"), encoding="utf-8") as f:
            return json.load(f)

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def sign(self, count, at="127.0.0.1:2000", state=None):
        """What so many made-up nodes would post; with a state, it becomes the list kept there."""
        done = subprocess.run([REGISTRANT, self.network, str(count), at, *([state] if state else [])], check=True,
                              capture_output=True, text=True, timeout=60)
        return [line.encode() for line in done.stdout.splitlines()]

    def token(self):
        with open(os.path.join(self.state, "admin.key"), encoding="utf-8") as f:
            return f.read().split()[-1]

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        said = self.said()
        self.stack.close()
        if self.process.returncode != 0 or "Sanitizer" in said or "runtime error" in said:
            raise AssertionError(f"ended with {self.process.returncode}: {said[-4000:]}")

    # ---- asking ----

    def connect(self, source="127.0.0.1"):
        return socket.create_connection(host_port(self.address), timeout=20, source_address=(source, 0))

    def raw(self, request, source="127.0.0.1"):
        """The first answer to these bytes."""
        with self.connect(source) as conn:
            conn.sendall(request)
            return read_answer(conn)[:3]

    def request(self, line, *headers, body=b"", source="127.0.0.1"):
        length = [f"Content-Length: {len(body)}"] if body else []
        head = "\r\n".join([line + " HTTP/1.1", "Host: directory", *headers, *length, "", ""])
        return self.raw(head.encode() + body, source)

    def post(self, body, *headers, source="127.0.0.1"):
        status, _, answer = self.request("POST /api/relay/register", *(headers or JSON), body=body, source=source)
        return status, json.loads(answer)

    def listed(self, country=None):
        query = f"?country={country}" if country else ""
        status, _, answer = self.request(f"GET /api/relays/by-country{query}")
        assert status == 200, answer
        return json.loads(answer)

    def counts(self):
        return ask(self.status_address)["directory"]

    def descriptors_open(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class DirectoryTest(unittest.TestCase):
    arguments, more = ["bootstrap", "--directory-rate", "off"], {}

    @classmethod
    def setUpClass(cls):
        cls.operator = Operator(*cls.arguments, **cls.more)
        cls.addClassCleanup(cls.operator.close)

    def assert_error(self, answer, status):
        self.assertEqual(answer[0], status, answer)
        self.assertIn("error", json.loads(answer[2]), answer)


class Says(DirectoryTest):
    """What the seeds' clients and operators ask, and how it is refused."""

    def test_a_registration_is_new_once(self):
        bodies = self.operator.sign(2)
        for body in bodies:
            self.assertEqual(self.operator.post(body), (200, {"registered": True, "is_new": True}))
        alone = json.dumps({"descriptor": json.loads(bodies[0])["descriptor"]}).encode()
        self.assertEqual(self.operator.post(alone), (200, {"registered": True, "is_new": False}))

    def test_a_recorded_heartbeat_revives_nobody(self):
        body = self.operator.sign(3, "127.0.0.1:3000")[2]
        self.operator.post(body)
        status, answer = self.operator.post(body)
        self.assertEqual((status, list(answer)), (409, ["error"]))

    def test_a_heartbeat_needs_its_descriptor(self):
        body = json.loads(self.operator.sign(9, "127.0.0.1:4000")[8])
        del body["descriptor"]
        self.assertEqual(self.operator.post(json.dumps(body).encode())[0], 404)

    def test_what_is_not_signed_by_its_key_is_refused(self):
        good = json.loads(self.operator.sign(1)[0])
        for key in ("descriptor", "heartbeat"):
            with self.subTest(key=key):
                at = good[key].rindex("/") if "/" in good[key] else 40
                bent = {**good, key: good[key][:at] + ("A" if good[key][at] != "A" else "B") + good[key][at + 1:]}
                status, answer = self.operator.post(json.dumps(bent).encode())
                self.assertIn(status, (400, 403))
                self.assertIn("error", answer)

    def test_another_networks_registration_is_refused(self):
        other = Operator("bootstrap")
        self.addCleanup(other.close)
        self.assertEqual(self.operator.post(other.sign(1)[0])[0], 403)

    def test_what_is_no_registration_is_malformed(self):
        for body in (b"{", b"[]", b"{}", b"null", b"\xff\xfe", b'{"descriptor": 1}', b'{"descriptor": ""}',
                     b'{"descriptor": "*"}', b'{"descriptor": "AA"}', b'{"heartbeat": "AAAA", "heartbeat": "AAAA"}',
                     b'{"descriptor": "AAAA"}', b"[" * 4000):
            with self.subTest(body=body[:40]):
                self.assertEqual(self.operator.post(body)[0], 400)

    def test_each_path_has_its_method_and_type(self):
        for line, status in (("GET /api/relay/register", 405), ("POST /api/relays/by-country", 405),
                             ("DELETE /api/relays/prune", 405), ("OPTIONS /api/relay/register", 405),
                             ("GET /", 404), ("GET /api/relays", 404), ("GET /api/relays/by-country/", 404),
                             ("GET /status", 404), ("GET /api/relays/by-country?country=us", 400),
                             ("GET /api/relays/by-country?country=USA", 400), ("GET /api/relays/by-country?x=1", 400),
                             ("GET /api/relays/by-country?country=%00%00", 400)):
            with self.subTest(line=line):
                answer = self.operator.request(line)
                self.assert_error(answer, status)
                self.assertEqual("allow" in answer[1], status == 405)
        body = self.operator.sign(1)[0]
        for kind in ((), ("Content-Type: text/plain",), ("Content-Type: application/jsonx",)):
            answer = self.operator.request("POST /api/relay/register", *kind, body=body)
            self.assert_error(answer, 415)

    def test_no_web_page_is_answered(self):
        for origin in ("null", "http://evil.example", f"http://{self.operator.address}"):
            self.assert_error(self.operator.request("GET /api/relays/by-country", f"Origin: {origin}"), 403)
            answer = self.operator.request("POST /api/relay/register", f"Origin: {origin}", *JSON,
                                           body=self.operator.sign(1)[0])
            self.assert_error(answer, 403)
            self.assertFalse([k for k in answer[1] if k.startswith("access-control")])

    def test_pruning_needs_the_token(self):
        token = self.operator.token()
        for said in ((), ("Authorization: Bearer",), ("Authorization: Bearer " + "0" * 64,),
                     (f"Authorization: Basic {token}",), (f"Authorization: Bearer {token[:-1]}",),
                     (f"Authorization: Bearer {token}00",)):
            answer = self.operator.request("GET /api/relays/prune", *said)
            self.assert_error(answer, 401)
            self.assertIn("www-authenticate", answer[1])
        status, _, answer = self.operator.request("GET /api/relays/prune", f"Authorization: Bearer {token}")
        self.assertEqual(status, 200)
        self.assertEqual(set(json.loads(answer)), {"pruned", "active_peers", "total_peers"})
        self.assertNotIn(token, self.operator.said())

    def test_whoever_does_not_answer_at_his_address_is_not_listed(self):
        self.operator.post(self.operator.sign(1)[0])
        self.assertEqual(self.operator.listed(), {})

    def test_a_head_without_a_body_is_the_same_answer(self):
        with self.operator.connect() as conn:
            conn.sendall(b"HEAD /api/relays/by-country HTTP/1.0\r\n\r\n")
            text = b"".join(iter(lambda: conn.recv(65536), b""))
        self.assertRegex(text, rb"(?s)^HTTP/1.[01] 200 OK\r\n.*Content-Length: 3\r\n(.*\r\n)?\r\n$")

    def test_pipelined_requests_are_answered_in_turn(self):
        lines = ["/api/relays/by-country", "/nowhere", "/api/relays/by-country?country=IS"] * 5
        with self.operator.connect() as conn:
            conn.sendall(b"".join(f"GET {line} HTTP/1.1\r\nHost: d\r\n\r\n".encode() for line in lines))
            left, got = b"", []
            for _ in lines:
                status, _, _, left = read_answer(conn, left)
                got.append(status)
        self.assertEqual(got, [200, 404, 200] * 5)

    def test_the_status_port_has_no_directory(self):
        for line in ("POST /api/relay/register", "GET /api/relays/by-country?country=US", "GET /api/relays/prune"):
            with socket.create_connection(host_port(self.operator.status_address), timeout=20) as conn:
                conn.sendall(f"{line} HTTP/1.1\r\nHost: {self.operator.status_address}\r\n\r\n".encode())
                self.assert_error(read_answer(conn), 404)


class Refuses(DirectoryTest):
    """Strangers' bytes."""

    def test_what_is_no_http_is_malformed(self):
        for text in (b"GET /\r\n\r\n", b"GET /api/relays/by-country\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
                     b"GET /api/relays/by-country HTTP/1.1\r\nno colon\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n",
                     b"\x00" * 100 + b"\r\n\r\n", b"GET / HTTP/one\r\n\r\n"):
            with self.subTest(text=text[:40]):
                self.assertIn(self.operator.raw(text)[0], (400, 501))

    def test_a_head_is_bounded(self):
        for text in (b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nX: " + b"a" * 100000 + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n"):
            with self.subTest(text=text[:30]), contextlib.suppress(ConnectionError):
                self.assertIn(self.operator.raw(text)[0], (400, 413))

    def test_a_body_is_bounded(self):
        line = b"POST /api/relay/register HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
        for text in (line + b"Content-Length: 8193\r\n\r\n" + b"x" * 8193,
                     line + b"Content-Length: 99999999999\r\n\r\n",
                     line + b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n"
                     + b"1001\r\n" + b"x" * 4097 + b"\r\n0\r\n\r\n"):
            with self.subTest(text=text[:120]), contextlib.suppress(ConnectionError):
                self.assertEqual(self.operator.raw(text)[0], 413)
        for length in (b"-1", b"x", b"1e3", b"99999999999999999999999"):
            with self.subTest(length=length):
                self.assertIn(self.operator.raw(line + b"Content-Length: " + length + b"\r\n\r\n")[0], (400, 413))

    def test_an_endless_length_of_a_chunk_is_not_kept(self):
        sent = 0
        with self.operator.connect() as conn, contextlib.suppress(OSError):
            conn.sendall(b"POST /api/relay/register HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n")
            conn.settimeout(2)
            while sent < 64 * mesh.MIB:
                sent += conn.send(b"0" * 65536)
        self.assertLess(sent, 16 * mesh.MIB, "the kernel's buffers hold less")

    def test_who_hangs_up_leaves_nothing(self):
        before = self.operator.descriptors_open()
        for i in range(200):
            conn = self.operator.connect()
            conn.sendall(b"POST /api/relay/register HTTP/1.1\r\nHost: d\r\nContent-Length: 100\r\n\r\nxx"[:i % 90])
            conn.close()
        wait_for(lambda: self.operator.counts()["connections"] == 0, "nobody is connected")
        self.assertLessEqual(self.operator.descriptors_open(), before + 2)


    def damaged(self, seeds, draw):
        """One to three of these requests behind each other, cut, doubled and overwritten here and there."""
        text = bytearray(b"".join(draw.choice(seeds) for _ in range(draw.randint(1, 3))))
        for _ in range(draw.randint(0, 6)):
            at = draw.randrange(len(text))
            what = draw.randrange(3)
            if what == 0:
                text[at] = draw.randrange(256)
            elif what == 1:
                text[at:at] = text[at:at + draw.randint(1, 60)]
            elif len(text) > 50:
                del text[at:at + draw.randint(1, 40)]
        return bytes(text)

    def test_damaged_requests_leave_nothing(self):
        body, draw, before = self.operator.sign(1, "127.0.0.1:5000")[0], random.Random(5), self.operator.descriptors_open()
        line = b"POST /api/relay/register HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
        seeds = [b"GET /api/relays/by-country?country=IS HTTP/1.1\r\nHost: d\r\n\r\n",
                 line + b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
                 line + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body),
                 line + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)]
        for _ in range(600):
            text = self.damaged(seeds, draw)
            cut = draw.randrange(len(text))
            with contextlib.suppress(OSError), self.operator.connect() as conn:
                conn.settimeout(0.005)
                conn.sendall(text[:cut])
                conn.sendall(text[cut:])
                conn.recv(draw.choice([1, 100, 65536]))
        wait_for(lambda: self.operator.counts()["connections"] == 0, "nobody is connected")
        self.assertLessEqual(self.operator.descriptors_open(), before + 2)
        self.assertIn(self.operator.post(body)[0], (200, 409))


class Holds(DirectoryTest):
    """Many at once."""

    more = {"nodes": 100}

    def test_what_was_listed_is_listed_by_country(self):
        everywhere = self.operator.listed()
        self.assertEqual(list(everywhere), ["IS"])
        self.assertEqual(everywhere, self.operator.listed("IS"))
        self.assertEqual(self.operator.listed("US"), {})
        entry = everywhere["IS"][0]
        self.assertEqual(set(entry), {"peer_id", "addrs", "country", "country_claimed", "capabilities", "first_seen",
                                      "last_seen"})
        self.assertEqual(len({e["peer_id"] for e in everywhere["IS"]}), 100)
        self.assertRegex(entry["addrs"][0], r"^/ip4/127\.0\.0\.1/tcp/\d+$")
        self.assertEqual(entry["capabilities"], ["relay"])
        self.assertLessEqual(abs(time.time() - entry["last_seen"]), 120)

    def test_a_thousand_slow_ones_keep_nobody_out(self):
        before, at = self.operator.descriptors_open(), self.operator.counts()
        slow = []
        self.addCleanup(lambda: [conn.close() for conn in slow])
        for i in range(1000):
            conn = self.operator.connect()
            slow.append(conn)
            conn.sendall(b"GET /api/relays/by-country HTTP/1.1\r\nX: "[:i % 44 + 1])
            if i % 50 == 49:
                self.assertEqual(len(self.operator.listed("IS")["IS"]), 100)
                self.assertLessEqual(self.operator.counts()["connections"], CONNS)
                self.assertLessEqual(self.operator.descriptors_open(), before + CONNS + 4)
        now = self.operator.counts()
        self.assertGreaterEqual(now["made_way"] - at["made_way"], 1000 - CONNS)
        self.assertEqual(read_answer(slow[0])[0], 503)
        # The last of them send a byte now and then; that buys them nothing.
        wait_for(lambda: self.drip(slow[-CONNS // 2:]) or self.operator.counts()["connections"] == 0,
                 "their time is up", 30)
        self.assertEqual(read_answer(slow[-1])[0], 408)
        self.assertGreater(self.operator.counts()["late"], at["late"])

    def test_one_address_drives_out_itself(self):
        with self.operator.connect("127.0.0.9") as patient:
            patient.sendall(b"GET /api/relays/by-country?country=IS HTTP/1.1\r\n")
            crowd = []
            self.addCleanup(lambda: [conn.close() for conn in crowd])
            for _ in range(2 * CONNS):
                crowd.append(self.operator.connect("127.0.0.10"))
            self.assertGreater(self.operator.counts()["made_way"], 0)
            patient.sendall(b"Host: d\r\n\r\n")
            self.assertEqual(read_answer(patient)[0], 200)

    @staticmethod
    def drip(conns):
        for conn in conns:
            with contextlib.suppress(OSError):
                conn.send(b"x")

    def test_a_thousand_at_once_are_answered(self):
        conns = []
        self.addCleanup(lambda: [conn.close() for conn in conns])
        for _ in range(10):  # waves of no more than there is room for
            wave = [self.operator.connect() for _ in range(100)]
            conns += wave
            for conn in wave:
                conn.sendall(b"GET /api/relays/by-country?country=IS HTTP/1.1\r\nHost: d\r\n\r\n")
            for conn in wave:
                self.assertEqual(read_answer(conn)[0], 200)


class Places(DirectoryTest):
    """The made-up nodes claim Iceland; by the table of the tests, this machine is in New Zealand."""

    arguments = ["bootstrap", "--directory-rate", "off", "--atlas", os.path.join(TABLES, "countries.mmdb"), "--atlas",
                 os.path.join(TABLES, "numbers.mmdb")]
    more = {"nodes": 3}

    def test_a_claim_is_only_a_claim(self):
        everywhere = self.operator.listed()
        self.assertEqual(list(everywhere), ["NZ"])
        self.assertEqual({(e["country"], e["country_claimed"]) for e in everywhere["NZ"]}, {("NZ", "IS")})
        self.assertEqual(self.operator.listed("IS"), {})
        atlas = ask(self.operator.status_address)["atlas"]
        self.assertEqual([os.path.basename(table["file"]) for table in atlas], ["countries.mmdb", "numbers.mmdb"])


class Rations(DirectoryTest):
    arguments = ["super", "--exit-contact", "lab@localhost", "--directory-rate", "1"]
    more = {"admin": False}

    def test_each_address_has_a_rate(self):
        got = [self.operator.request("GET /api/relays/by-country", source="127.0.0.2")[0] for _ in range(120)]
        self.assertEqual(got[:100], [200] * 100)
        self.assertIn(429, got)
        answer = self.operator.request("GET /api/relays/by-country", source="127.0.0.2")
        if answer[0] != 200:  # a second may have passed
            self.assert_error(answer, 429)
            self.assertIn("retry-after", answer[1])
        self.assertEqual(self.operator.request("GET /api/relays/by-country", source="127.0.0.3")[0], 200)

    def test_without_a_token_nobody_prunes(self):
        answer = self.operator.request("GET /api/relays/prune", "Authorization: Bearer " + "0" * 64,
                                       source="127.0.0.4")
        self.assert_error(answer, 403)


class OtherModes(unittest.TestCase):
    def test_the_mode_decides(self):
        for mode, status in (("relay", 404), ("exit", 404), ("bootstrap", 200), ("super", 200)):
            contact = ["--exit-contact", "lab@localhost"] if mode in ("exit", "super") else []
            operator = Operator("bootstrap")
            self.addCleanup(operator.close)
            state = os.path.join(operator.folder, mode)
            with open(os.path.join(operator.folder, mode + ".log"), "w", encoding="utf-8") as log:
                process = subprocess.Popen(
                    [QNET, "run", "--lab", "--carrier", "bare", "--state", state, "--network", operator.network,
                     "--mode", mode, "--listen", "127.0.0.1:0", "--status-port", "off", "--directory-listen",
                     "127.0.0.1:0", *contact], stdout=log, stderr=log)
            self.addCleanup(process.wait)
            self.addCleanup(process.terminate)
            run = os.path.join(state, "run.json")
            wait_for(lambda: os.path.exists(run), f"{mode} is ready")
            with open(run, encoding="utf-8") as f:
                operator.address = json.load(f)["directory"]
            for line in ("GET /api/relays/by-country", "POST /api/relay/register", "GET /api/relays/prune"):
                with self.subTest(mode=mode, line=line):
                    answer = operator.request(line, *JSON)
                    # None of these is an operator: they have a list to show, and nothing to change.
                    self.assertEqual(answer[0], status if "by-country" in line else 404, answer)
                    self.assertEqual(answer[0] == 404, "error" in json.loads(answer[2]))

    def test_a_client_has_none(self):
        done = subprocess.run([QNET, "config", "check", "--directory-listen", "127.0.0.1:8090"], capture_output=True,
                              text=True, timeout=30, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("directory.listen", done.stderr)


if __name__ == "__main__":
    mesh.main()
