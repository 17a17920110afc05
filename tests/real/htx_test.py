#!/usr/bin/env python3
"""A mesh over HTX as strangers see it, as its users do, and as its origins end: real web sites, real processes."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time
import unittest

import mesh
from mesh import MIB, MeshTest, wait_for

PROXY = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([127, 0, 0, 1] * 2) + struct.pack(">HH", 40000, 443)


def whole(conn):
    """All that comes, and whether it ended. FIN or RST is for tools/probe-lab to tell, which sees every segment."""
    got = b""
    try:
        while part := conn.recv(65536):
            got += part
    except ConnectionResetError:
        pass
    except socket.timeout:
        return got, False
    return got, True


needs_nginx = unittest.skipIf(shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin") is None,
                              "nginx is not installed")


class Visitors:
    """For each kind of web server: what strangers meet at a peer's port is the web server."""

    def setUp(self):
        self.site = self.mesh.origin("relay1")
        self.peer = mesh.host_port(f"127.0.0.1:{self.mesh.nodes['relay1']['port']}")

    def connect(self, direct):
        """To the site: directly, as a peer does, or through the peer."""
        conn = socket.create_connection(("127.0.0.1", self.site["port"]) if direct else self.peer, timeout=10)
        if direct:
            conn.sendall(PROXY)
        return conn

    def test_curl_reads_the_site(self):
        where = f"{self.site['name']}:{self.peer[1]}"
        done = subprocess.run(["curl", "-sSi", "--http2", "--cacert", self.mesh.about["ca"], "--resolve",
                               f"{where}:127.0.0.1", f"https://{where}/"], capture_output=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith(b"HTTP/2 200"), done.stdout[:100])
        self.assertIn(b"<title>", done.stdout)

    def test_openssl_sees_the_sites_own_certificate(self):
        done = subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % self.peer, "-servername",
                               self.site["name"], "-CAfile", self.mesh.about["ca"], "-verify_return_error",
                               "-verify_hostname", self.site["name"]], input=b"", capture_output=True, timeout=20,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"CN = {self.site['name']}".encode(), done.stdout)

    def page(self, direct):
        context = ssl.create_default_context(cafile=self.mesh.about["ca"])
        with context.wrap_socket(self.connect(direct), server_hostname=self.site["name"]) as conn:
            conn.sendall(b"GET /photo.bmp HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                         % self.site["name"].encode())
            return conn.getpeercert(binary_form=True), whole(conn)[0].partition(b"\r\n\r\n")[2]

    def test_certificate_and_page_are_those_of_a_direct_visit(self):
        self.assertEqual(self.page(False), self.page(True))

    def test_garbage_gets_what_the_site_gives(self):
        for garbage in (b"GET / HTTP/1.0\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\0\x05hello",
                        b"\x16\x03\x01\xff\xff", bytes(300), b"\x05\x01\0"):
            with self.subTest(garbage=garbage):
                answers = []
                for direct in (True, False):
                    with self.connect(direct) as conn:
                        conn.sendall(garbage)
                        with contextlib.suppress(OSError):  # it may have ended already
                            conn.shutdown(socket.SHUT_WR)
                        answers.append(whole(conn))
                self.assertEqual(answers[1], answers[0])

    def test_fetches_over_one_hop_and_three_arrive_whole(self):
        for user in ("fast", "privacy"):
            for size in (0, 1000, 2 * MIB + 1):
                with self.subTest(user=user, size=size):
                    self.assert_whole(size, user)

    def test_status_says_what_is_played(self):
        for name, status in ((n, self.mesh.status(n)) for n in ("client1", "relay1")):
            self.assertEqual(status["carrier"], "htx")
            self.assertRegex(status["disguise"]["profile"], "^(chromium|firefox)-")
            self.assertGreater(status["disguise"]["profile_until"], time.time())
            site = status["disguise"]["origin"]
            self.assertEqual(site and (site["name"], site["down"], site["advice"]),
                             None if name == "client1" else ("relay1.test", False, ""))


class BeforeTheEmbeddedSite(Visitors, MeshTest):
    pass


@needs_nginx
class BeforeNginx(Visitors, MeshTest):
    arguments = ["--origin", "nginx"]


@needs_nginx
class FirefoxOnAUnixSocket(MeshTest):
    """The other browser, and the other way to an origin."""

    arguments = ["--profile", "firefox-esr-153", "--origin", "nginx-unix", "--relays", "2"]

    def test_fetches_arrive_whole(self):
        for user in ("fast", "privacy"):
            self.assert_whole(MIB, user)


def refused(port):
    """A peer learns that its origin is down when it dials it for a visitor, whom it resets."""
    with socket.socket() as s:
        s.settimeout(2)
        if s.connect_ex(("127.0.0.1", port)) != 0:
            return True
        with contextlib.suppress(ConnectionResetError, socket.timeout):
            s.recv(1)
    return False


class OriginDown(MeshTest):
    def test_a_killed_origin_is_named_and_its_return_is_noticed(self):
        site, status = self.mesh.origin("relay1"), self.mesh.nodes["relay1"]["status"]
        port = self.mesh.nodes["relay1"]["port"]
        self.assertFalse(mesh.ask(status)["disguise"]["origin"]["down"])
        os.kill(site["pid"], signal.SIGKILL)
        wait_for(lambda: refused(port), "a closed listener")
        down = mesh.ask(status)
        self.assertTrue(down["disguise"]["origin"]["down"])
        self.assertIn("origin", down["advice"])
        self.assert_whole(MIB, "privacy")  # by way of the others
        again = subprocess.Popen(next(o["command"] for o in self.mesh.record()["origins"] if o["node"] == "relay1"),
                                 stdout=subprocess.DEVNULL)
        self.addCleanup(again.wait)
        self.addCleanup(again.kill)
        wait_for(lambda: not mesh.ask(status)["disguise"]["origin"]["down"], "the origin's return", 60)
        wait_for(lambda: not refused(port), "an open listener")
        self.assert_whole(MIB, "privacy")


@needs_nginx
class Checkup(MeshTest):
    """A node that starts with an old measurement has its origin measured, and says what became of it."""

    arguments = ["--origin", "nginx", "--relays", "1", "--exits", "0", "--clients", "0"]

    def place(self, name):
        return os.path.join(self.mesh.folder, name)

    def edit(self, name, old, new):
        with open(self.place(name), encoding="utf-8") as f:
            text = f.read()
        self.assertRegex(text, old)
        with open(self.place(name), "w", encoding="utf-8") as f:
            f.write(re.sub(old, new, text))

    def start_again(self):
        node = self.mesh.nodes["relay1"]
        os.kill(node["pid"], signal.SIGTERM)
        wait_for(lambda: not os.path.exists(self.place("relay1/run.json")), "the relay's end")
        again = subprocess.Popen([mesh.QNET, "run", "--config", self.place("relay1.yaml")],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(again.wait)
        self.addCleanup(again.terminate)
        wait_for(lambda: os.path.exists(self.place("relay1/run.json")), "the relay's start")
        with open(self.place("relay1/run.json"), encoding="utf-8") as f:
            return json.load(f)["status"]

    def test_an_origin_that_went_back_to_tls_1_2_is_named(self):
        self.edit("origins/relay1/nginx.conf", r"TLSv1\.3", "TLSv1.2")
        self.edit("relay1.origin", r'"measured":\d+', f'"measured":{int(time.time()) - 7200}')
        os.kill(self.mesh.origin("relay1")["pid"], signal.SIGHUP)
        status = self.start_again()
        advice = wait_for(lambda: mesh.ask(status)["disguise"]["origin"]["advice"], "advice")
        self.assertIn("TLS 1.3", advice)

    def test_an_origin_that_is_not_there_is_named_at_the_start(self):
        self.edit("super1.origin", r'"address":"127.0.0.1:\d+"', '"address":"127.0.0.1:9"')
        node = subprocess.Popen([mesh.QNET, "run", "--config", self.place("super1.yaml"), "--mode", "relay", "--state",
                                 self.place("new"), "--listen", "127.0.0.1:0"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)
        self.addCleanup(node.communicate)
        self.addCleanup(node.kill)
        wait_for(lambda: os.path.exists(self.place("new/run.json")), "the node's start")
        with open(self.place("new/run.json"), encoding="utf-8") as f:
            status = json.load(f)["status"]
        says = "the origin at 127.0.0.1:9 does not answer (Connection refused)"
        self.assertIn(says, mesh.ask(status)["disguise"]["origin"]["advice"])
        node.terminate()
        self.assertIn("WARNING: " + says, node.communicate(timeout=10)[1])


class Restart(MeshTest):
    """A killed node answers its visitors as soon as it is back: it knows which it answered before, so it need not wait
    until none of those tags is timely any more, which takes 90 seconds."""

    arguments = ["--relays", "0", "--exits", "0"]

    def test_a_killed_peer_recognises_visitors_at_once(self):
        self.assert_whole(1000, "fast")
        os.kill(self.mesh.nodes["super1"]["pid"], signal.SIGKILL)
        again = subprocess.Popen([mesh.QNET, "run", "--config", os.path.join(self.mesh.folder, "super1.yaml")],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(again.wait)
        self.addCleanup(again.terminate)
        wait_for(lambda: self.fetch("file", 1000, "fast", 5).end() == 0, "a fetch by way of the restarted node", 45)


class ImpatientSite(MeshTest):
    """A site that ends unused connections after 3 s: to it a link is one, unless it is asked for something."""

    arguments = ["--site-idle", "3", "--relays", "0", "--exits", "0"]

    def test_a_slow_download_takes_one_link_however_long_it_is(self):
        fetch = self.fetch("slow", 8 * MIB, "fast", 60)
        wait_for(lambda: fetch.received > MIB, "the first of the body")
        links = self.mesh.status("client1")["counters"]["links_opened"]
        self.assertEqual(fetch.end(), 0, fetch.error)
        self.assertEqual(fetch.sha.hexdigest(), mesh.digest(8 * MIB))
        self.assertEqual(self.mesh.status("client1")["counters"]["links_opened"], links)

    def test_after_a_pause_there_is_a_link_again(self):
        self.assert_whole(1000, "fast")
        wait_for(lambda: self.mesh.status("client1")["active_links"] == 0, "the idle link's end", 60)
        self.assert_whole(1000, "fast")


@needs_nginx
class ImpatientNginx(ImpatientSite):
    arguments = ImpatientSite.arguments + ["--origin", "nginx"]


class Reloaded(MeshTest):
    """nginx ends idle connections when it is reloaded, and to nginx a link's is idle."""

    size = 6 * MIB  # half of it whole MiB: what /gate/ serves

    def workers(self):
        """Of all sites' nginx."""
        found = set()
        for site in self.mesh.about["origins"]:
            with open(f"/proc/{site['pid']}/task/{site['pid']}/children", encoding="ascii") as f:
                found |= set(f.read().split())
        return found

    def reload_under(self, user):
        """A transfer that stands half done while all links' origin connections end."""
        self.web.gate.clear()
        fetch = self.fetch("gate", self.size, user, 50)
        wait_for(lambda: fetch.received == self.size // 2, "half of the body")
        before = self.workers()
        for site in self.mesh.about["origins"]:
            os.kill(site["pid"], signal.SIGHUP)
        wait_for(lambda: not before & self.workers(), "the old workers' end")
        return fetch


@needs_nginx
class LongDrain(Reloaded):
    arguments = ["--origin", "nginx", "--drain", "300", "--relays", "2"]

    def test_a_download_outlives_a_reload(self):
        for user in ("fast", "privacy"):
            with self.subTest(user=user):
                fetch = self.reload_under(user)
                self.web.gate.set()
                self.assertEqual(fetch.end(), 0, fetch.error)
                self.assertEqual(fetch.sha.hexdigest(), mesh.digest(self.size))
        self.assert_whole(MIB, "fast")


@needs_nginx
class NoDrain(LongDrain):
    """Links move to other connections, whether the old ones are left time for it or not."""

    arguments = ["--origin", "nginx", "--drain", "1", "--relays", "2"]


if __name__ == "__main__":
    mesh.main()
