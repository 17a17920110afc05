#!/usr/bin/env python3
"""Genuine links through qnet-censor-proxy: HTX passes the censors that read, and each catches what it lists.

Environment: programs of this build: QNET_CENSOR_PROXY; ORIGIN, qnet-origin; HTX_ENDS, of tests/probe/ends.c.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "probe-lab.d"))
import link  # noqa: E402
import origins  # noqa: E402

PROXY = os.environ["QNET_CENSOR_PROXY"]
JA4 = {"chromium-156": "t13d1517h2_8daaf6152771_cb7bf5808d99"}
CURL = "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"


class Links(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.origin = cls.enterClassContext(origins.Embedded(cls.folder))
        cls.peer = cls.enterClassContext(link.Ends(cls.origin))

    def dial(self, *censor, browser="chromium-156"):
        """Whether a link came about through this censor, and what the censor said at its end."""
        with subprocess.Popen([PROXY, "--to", f"127.0.0.1:{self.peer.address[1]}", *censor], stdout=subprocess.PIPE,
                              text=True) as running:
            try:
                port = int(running.stdout.readline().rsplit(":", 1)[1])
                linked = link.dial(self.peer, port, browser=browser)[0]
            finally:
                running.send_signal(signal.SIGTERM)
            out, _ = running.communicate(timeout=10)
        return linked, json.loads(out)

    def probed(self, *censor, probes):
        """The link's fate, then that of each probe, and the censor's words."""
        with subprocess.Popen([PROXY, "--to", f"127.0.0.1:{self.peer.address[1]}", *censor], stdout=subprocess.PIPE,
                              text=True) as running:
            try:
                port = int(running.stdout.readline().rsplit(":", 1)[1])
                linked = link.dial(self.peer, port)[0]
                told = [running.stdout.readline().strip() for _ in range(probes)]
                again = link.dial(self.peer, port)[0]
            finally:
                running.send_signal(signal.SIGTERM)
            out, _ = running.communicate(timeout=10)
        return linked, again, told, json.loads(out)

    def test_replays_and_copies_are_answered_as_the_site_answers(self):
        for censor, probes in ((["--kind", "prober", "--probe", "0", "--probe", "1"], 4), (["--kind", "duplicator", "--probe", "0"], 1)):
            with self.subTest(censor=censor):
                linked, again, told, seen = self.probed(*censor, probes=probes)
                self.assertTrue(linked)
                self.assertEqual({line.split(" ", 2)[2] for line in told}, {"as before"}, told)
                self.assertTrue(again)
                self.assertEqual((seen["probes"], seen["found"], seen["caught"]), (probes, 0, 0))

    def test_htx_passes_what_reads_first_payloads(self):
        for browser in ("chromium-156", "firefox-esr-153"):
            for censor in (["--kind", "encrypted"], ["--kind", "encrypted", "--strict"],
                           ["--kind", "sni", "--name", "forbidden.example"], ["--kind", "ja4", "--name", CURL],
                           ["--kind", "keyword", "--name", "qnet"]):
                with self.subTest(browser=browser, censor=censor):
                    linked, seen = self.dial(*censor, browser=browser)
                    self.assertTrue(linked)
                    self.assertEqual((seen["flows"], seen["caught"]), (1, 0))
                    self.assertGreater(seen["inspected_bytes"], 0)

    def test_each_catches_what_it_lists(self):
        for censor in (["--kind", "sni", "--name", origins.NAME, "--reset"],
                       ["--kind", "ja4", "--name", JA4["chromium-156"], "--reset"]):
            with self.subTest(censor=censor):
                linked, seen = self.dial(*censor)
                self.assertFalse(linked)
                self.assertEqual(seen["caught"], 1)


unittest.main()
