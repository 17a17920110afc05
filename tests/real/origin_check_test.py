#!/usr/bin/env python3
"""qnet-origin-check against sites that are fit, and against one for every way not to be.

Environment: ORIGIN_CHECK and ORIGIN, the programs.
"""
import hashlib
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import unittest

from origin_table import NODE
from servers import NAME, NGINX, ROOT, Certificates, free_port, nginx, serving
from wrong_origin import Counter, Doubler, Endless, Forwarder, Site, listener, rubbish

CHECK, ORIGIN = os.environ["ORIGIN_CHECK"], os.environ["ORIGIN"]
KEYS = {"version", "measured", "mode", "names", "address", "flight", "alert", "after_fatal", "after_notify", "goaway",
        "max_record", "limits", "first", "second", "certificate"}


class Checked(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.certificates = Certificates(folder.name)
        cls.leaf = cls.certificates.leaf("p256")
        www = cls.folder / "www"
        www.mkdir()
        (www / "index.html").write_text("<!doctype html><title>A page</title>" + "<p>words and words</p>" * 300)
        (www / "photo.bmp").write_bytes(bytes(range(250)) * 16)
        (www / "large.bin").write_bytes(bytes(300000))
        (www / "tiny").write_text("tiny")

    def check(self, port, *options, ca=None, name=NAME):
        """(exit status, {id: level}, the whole report)"""
        done = subprocess.run([CHECK, f"127.0.0.1:{port}", "--name", name, "--ca", ca or self.certificates.ca, "--quick",
                               "--json", *options], capture_output=True, text=True, timeout=60)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["fit"], done.returncode == 0)
        self.assertEqual(done.stderr, "")
        return done.returncode, {f["id"]: f["level"] for f in report["findings"]}, report

    def unfit_for(self, finding, port, *options, **more):
        status, findings, report = self.check(port, *options, **more)
        self.assertEqual(status, 1, report)
        self.assertEqual(findings.get(finding), "unfit", report)
        return findings

    def fit(self, port, *options, **more):
        status, findings, report = self.check(port, *options, **more)
        self.assertEqual(status, 0, report)
        return findings, report["origin"]


class Embedded(Checked):
    def start(self, *options):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        process = subprocess.Popen([ORIGIN, "--lab", "--dir", folder.name, "--name", NAME, *options],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.terminate)
        return int(process.stdout.readline().rsplit(":", 1)[1]), pathlib.Path(folder.name)

    def test_is_fit_and_its_file_says_what_a_peer_needs(self):
        port, folder = self.start("--proxy")
        out = folder / "origin.json"
        findings, origin = self.fit(port, "--proxy", "--idle", "33", "--requests", "44", "--out", out, ca=folder / "ca.pem")
        self.assertEqual(set(findings), set())
        self.assertEqual(json.loads(out.read_text()), origin)
        self.assertEqual(set(origin), KEYS)
        self.assertEqual(origin["limits"], {"requests": 44, "seconds": 3600, "idle": 33})
        self.assertEqual((origin["alert"], origin["goaway"], origin["max_record"]), (19, 34, 16384))
        self.assertIn("/", [path for path, _ in origin["first"]])
        self.assertIn(["/photo.bmp", 3942], origin["second"])
        leaf = ssl.PEM_cert_to_DER_cert((folder / "chain.pem").read_text().split("-----END")[0] + "-----END CERTIFICATE-----")
        self.assertEqual(origin["certificate"], hashlib.sha256(leaf).hexdigest())
        self.assertLess(origin["flight"]["resumed"], 200)
        self.assertGreater(origin["flight"]["full"], 700)

    def test_limits_are_measured_when_nobody_says_them(self):
        port, folder = self.start("--requests", "7", "--idle", "2")
        done = subprocess.run([CHECK, f"127.0.0.1:{port}", "--name", NAME, "--ca", folder / "ca.pem", "--seconds", "3600",
                               "--json"], capture_output=True, text=True, timeout=60)
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0, report)
        self.assertEqual(report["origin"]["limits"], {"requests": 7, "seconds": 3600, "idle": 2})
        self.assertEqual(report["origin"]["goaway"], 34)

    def test_expects_the_header_that_a_peer_sends(self):
        port, folder = self.start()
        self.unfit_for("proxy", port, "--proxy", ca=folder / "ca.pem")
        port, folder = self.start("--proxy")
        self.unfit_for("refused", port, ca=folder / "ca.pem")

    def test_no_file_is_written_of_an_origin_that_is_not_fit(self):
        port, folder = self.start("--proxy")
        out = folder / "origin.json"
        self.unfit_for("second-page", port, "--proxy", "--page", "/article", "--out", out, ca=folder / "ca.pem")
        self.assertFalse(out.exists())

    def test_the_flight_is_what_a_bystander_counts(self):
        """A peer goes on once the lengths add up to F: behind the flight's last record, never before."""
        port, folder = self.start()
        counter = Counter(port)
        with listener(counter) as between:
            flight = self.fit(between, ca=folder / "ca.pem")[1]["flight"]
        full = [f for f in counter.flights if sum(f) > 2 * flight["resumed"]]
        resumed = [f for f in counter.flights if f and f not in full]
        self.assertGreater(min(len(full), len(resumed)), 3)  # not every browser offers every ticket
        self.assertEqual({sum(f) for f in resumed}, {flight["resumed"]})
        for lengths in full:
            self.assertGreaterEqual(sum(lengths), flight["full"])
            self.assertLess(sum(lengths[:-1]), flight["full"])

    def test_several_at_once_agree(self):
        port, folder = self.start("--proxy")
        command = [CHECK, f"127.0.0.1:{port}", "--name", NAME, "--ca", folder / "ca.pem", "--quick", "--json", "--proxy"]
        checks = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
        origins = [json.loads(check.communicate(timeout=60)[0])["origin"] for check in checks]
        self.assertEqual({json.dumps([o["second"], o["flight"]["resumed"], o["alert"]]) for o in origins},
                         {json.dumps([origins[0]["second"], origins[0]["flight"]["resumed"], 19])})


@unittest.skipUnless(NGINX, "nginx is not installed")
class Nginx(Checked):
    def test_with_http_2_is_fit(self):
        with nginx(self.folder, self.leaf) as port:
            findings, origin = self.fit(port)
            self.assertNotIn("unfit", findings.values())
            self.assertEqual((origin["alert"], origin["goaway"], origin["max_record"]), (19, 34, 16384))
            self.assertIn(["/photo.bmp", 4000], origin["second"])
            self.assertIn("/", [path for path, _ in origin["first"]])

    def test_behind_a_proxy_header_is_fit(self):
        with nginx(self.folder, self.leaf, listen="ssl http2 proxy_protocol") as port:
            self.fit(port, "--proxy")
            self.unfit_for("refused", port)

    def test_on_a_unix_socket_is_fit(self):
        path = self.folder / "nginx.sock"
        with nginx(self.folder, self.leaf, f"listen unix:{path} ssl http2 proxy_protocol;"):
            done = subprocess.run([CHECK, f"unix:{path}", "--name", NAME, "--ca", self.certificates.ca, "--quick", "--json",
                                   "--proxy"], capture_output=True, text=True, timeout=60)
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report["origin"]["address"]), (0, f"unix:{path}"), report)

    def test_as_a_mirror_may_not_show_addresses(self):
        with nginx(self.folder, self.leaf) as port:
            self.assertEqual(self.fit(port, "--mode", "mirror")[1]["mode"], "mirror")
        with nginx(self.folder, self.leaf, 'location = /cdn-cgi/trace { return 200 "ip=$remote_addr"; }') as port:
            self.unfit_for("address", port, "--mode", "mirror")

    def test_may_not_grant_anything_to_local_visitors(self):
        status = "location = /nginx_status { stub_status; allow 127.0.0.1; deny all; }"
        with nginx(self.folder, self.leaf, status) as port:
            self.unfit_for("private", port)
        real_ip = "set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol; "
        with nginx(self.folder, self.leaf, real_ip + status, listen="ssl http2 proxy_protocol") as port:
            self.assertNotIn("private", self.fit(port, "--proxy")[0])

    def test_each_wrong_setting_is_named(self):
        for finding, setting, listen in (
                ("tls13", "ssl_protocols TLSv1.2;", "ssl http2"),
                ("client-certificate", f"ssl_verify_client optional_no_ca; ssl_client_certificate {self.certificates.ca};",
                 "ssl http2"),
                ("h2", "", "ssl"),
                ("retry", "ssl_ecdh_curve secp384r1;", "ssl http2"),
                ("early-data", "ssl_early_data on;", "ssl http2"),
                ("http3", "add_header Alt-Svc 'h3=\":443\"; ma=86400';", "ssl http2")):
            with self.subTest(finding), nginx(self.folder, self.leaf, setting, listen=listen) as port:
                self.unfit_for(finding, port)

    def test_each_wrong_certificate_is_named(self):
        with nginx(self.folder, self.certificates.leaf("p256", days=-1)) as port:
            self.unfit_for("certificate-time", port)
        with nginx(self.folder, self.leaf) as port:
            self.unfit_for("certificate-name", port, name="another.example")
            self.unfit_for("certificate-name", port, "--name", "another.example")
            self.unfit_for("certificate-chain", port, ca=self.certificates.authority("stranger"))
        with nginx(self.folder, self.certificates.leaf("ed25519")) as port:
            self.unfit_for("refused", port)

    def test_small_pages_do_not_do(self):
        with nginx(self.folder, self.leaf) as port:
            findings = self.unfit_for("second-page", port, "--page", "/tiny")
            self.assertEqual(findings["first-page"], "unfit")
            self.assertEqual(findings["page"], "warning")


class Others(Checked):
    def test_nothing_that_listens(self):
        self.assertEqual(self.unfit_for("down", free_port()), {"down": "unfit"})

    def test_openssl_s_server(self):
        key, cert = self.leaf
        command = ["openssl", "s_server", "-accept", "127.0.0.1:PORT", "-key", key, "-cert", cert, "-www"]
        for finding, more in (("h2", []), ("no-answer", ["-alpn", "h2"]), ("tls13", ["-tls1_2"]), ("retry", ["-groups", "P-384"]),
                              ("client-certificate", ["-verify", "1"])):
            with self.subTest(more=more), serving(*command, *more) as port:
                self.unfit_for(finding, port)

    @unittest.skipUnless(shutil.which("node"), "Node.js is not installed")
    def test_node_is_fit_but_lingers(self):
        key, cert = self.leaf
        with serving(shutil.which("node"), "-e", NODE, key, cert, "PORT", self.folder / "www") as port:
            findings, origin = self.fit(port)
            self.assertEqual(findings["lingers"], "warning")
            self.assertEqual(origin["after_fatal"], {"alert": False, "end": "fin"})
            self.assertEqual(origin["after_notify"], {"alert": True, "end": "fin"})

    @unittest.skipUnless(shutil.which("gnutls-serv"), "gnutls-serv is not installed")
    def test_gnutls(self):
        key, cert = self.certificates.leaf("rsa")
        with serving("gnutls-serv", "--port", "PORT", "--x509keyfile", key, "--x509certfile", cert, "--http") as port:
            self.unfit_for("h2", port)

    def test_the_script_itself_is_fit_and_each_planted_fault_is_found(self):
        with listener(Site(self.leaf)) as port:
            self.fit(port)
        for finding, wrong in (("ordinary-as-alert", "short-records"), ("control-long", "long-control"),
                               ("http3", "elsewhere"), ("second-page", "small")):
            with self.subTest(wrong), listener(Site(self.leaf, wrong)) as port:
                self.unfit_for(finding, port)
        with listener(Site(self.leaf, "no-date")) as port:
            self.assertEqual(self.fit(port)[0]["date"], "warning")
        with listener(Site(self.leaf, "varies")) as port:
            findings, origin = self.fit(port, "--page", "/")
            self.assertEqual(findings["page-varies"], "warning")
            self.assertGreater(origin["second"][0][1], 5000)

    def test_rubbish_and_answers_without_end_are_survived(self):
        plain = bytes.fromhex("16030300020200") + bytes.fromhex("1703034000") + bytes(0x4000)
        for finding, handle in (("refused", rubbish(b"")), ("handshake", rubbish(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
                                ("handshake", rubbish(bytes(range(256)) * 100)), ("handshake", rubbish(plain)),
                                ("first-page", Endless(self.leaf))):
            with listener(handle) as port:
                self.unfit_for(finding, port)

    def test_a_visit_in_which_a_peer_finds_no_moment_is_not_fit(self):
        with nginx(self.folder, self.leaf) as port, listener(Doubler(port)) as doubled:
            done = subprocess.run([CHECK, f"127.0.0.1:{doubled}", "--name", NAME, "--ca", self.certificates.ca, "--quick",
                                   "--json"], capture_output=True, text=True, timeout=60)
        self.assertIn("no-moment", [f["id"] for f in json.loads(done.stdout)["findings"]])

    def test_a_site_whose_damage_somebody_hides_is_not_fit(self):
        with listener(Site(self.leaf)) as port, listener(Forwarder(port)) as hidden:
            self.assertEqual(self.unfit_for("tolerates", hidden)["tolerates"], "unfit")


class Usage(unittest.TestCase):
    def test_says_what_is_wrong_with_the_command(self):
        for words in ([], ["127.0.0.1:1"], ["localhost:1", "--name", "a.example"], ["127.0.0.1", "--name", "a.example"],
                      ["127.0.0.1:1", "--name", "A.example"], ["127.0.0.1:1", "--name", "a.example", "--mode", "none"],
                      ["127.0.0.1:1", "--name", "a.example", "--idle", "0"],
                      ["127.0.0.1:1", "--name", "a.example", "--page", "x"],
                      ["127.0.0.1:1", "--name", "a.example", "--mode", "mirror", "--proxy"],
                      ["127.0.0.1:1", "--name", "a.example", "--out", "/nonexistent/origin.json"],
                      ["127.0.0.1:1", *["--name", "a.example"] * 5],
                      ["127.0.0.1:1", "--name", "a.example", "--ca", "/nonexistent"],
                      ["127.0.0.1:1", "--name", "a.example", "--profiles", "/nonexistent"]):
            done = subprocess.run([CHECK, *words], capture_output=True, text=True, timeout=20)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertTrue(done.stderr)

    def test_the_front_finds_the_build(self):
        front = ROOT / "tools/origin-check"
        preset = pathlib.Path(CHECK).resolve().parents[1].name
        done = subprocess.run([front, "--preset", preset], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage: qnet-origin-check", done.stderr)
        done = subprocess.run([front, "--preset", "no-such"], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cmake --preset no-such", done.stderr)


if __name__ == "__main__":
    unittest.main()
