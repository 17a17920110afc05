#!/usr/bin/env python3
"""A thousand hellos of each profile against the captures, by a reader that shares nothing with their writer.

usage: hello_gate_test.py PROGRAM   (tests/unit/tls/hellos.c)
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/hello.d"))
import hello

CAPTURES = ROOT / "tests/vectors/fingerprints"
JA4 = {
    ("chromium-156", "fresh"): "t13d1517h2_8daaf6152771_cb7bf5808d99",
    ("chromium-156", "resumed"): "t13d1518h2_8daaf6152771_e2d80978ab2e",
    ("firefox-esr-153", "fresh"): "t13d1617h2_86a278354501_3cbfd9057e0d",
    ("firefox-esr-153", "resumed"): "t13d1617h2_86a278354501_e6dcd7ae0a9e",
}
PROGRAM = None


def made(profile, kind, count):
    out = subprocess.run([PROGRAM, profile, kind, str(count)], check=True, capture_output=True, text=True, timeout=100)
    return [bytes.fromhex(line) for line in out.stdout.split()]


def described(record):
    return hello.describe(*hello.handshake_from_records(record))


def captured(profile, kind):
    names = sorted((CAPTURES / profile).glob("*.hex"))
    return [hello.describe(*hello.load(n)[0]) for n in names if n.name.startswith("resumed") == (kind == "resumed")]


def strange(description, captures):
    """What sets a hello apart from the captures of its size; None when no capture has its size."""
    peers = [c for c in captures if c["record_lengths"] == description["record_lengths"]]
    for peer in peers:  # Firefox draws the cipher of its ECH
        description["ech"]["aead"] = peer["ech"]["aead"]
        found = hello.differences(description, peer)
        if not found:
            return []
    return found if peers else None


class Gate(unittest.TestCase):
    def test_ja4_is_constant_and_every_field_was_captured(self):
        for (profile, kind), ja4 in JA4.items():
            captures = captured(profile, kind)
            self.assertEqual({c["ja4"] for c in captures}, {ja4})
            hellos = [described(record) for record in made(profile, kind, 1000)]
            self.assertEqual(len(hellos), 1000)
            for description in hellos:
                with self.subTest(profile=profile, kind=kind):
                    self.assertEqual(description["ja4"], ja4)
                    self.assertEqual(strange(description, captures), [])

    def test_firefox_keeps_its_order_and_chromium_never_repeats_one(self):
        orders = {}
        for profile in ("firefox-esr-153", "chromium-156"):
            orders[profile] = {described(record)["ja3"] for record in made(profile, "fresh", 100)}
        self.assertEqual(orders["firefox-esr-153"], {c["ja3"] for c in captured("firefox-esr-153", "fresh")})
        self.assertEqual(len(orders["chromium-156"]), 100)

    def test_a_foreign_field_would_be_noticed(self):
        captures = captured("chromium-156", "fresh")
        record = made("chromium-156", "fresh", 1)[0]
        at = record.index(bytes.fromhex("c02bc02f"))
        for change in ("c02fc02b", "c02bc023"):
            changed = described(record[:at] + bytes.fromhex(change) + record[at + 4 :])
            self.assertTrue(strange(changed, captures))

    def test_profile_record_makes_the_shipped_profiles(self):
        for profile in ("chromium-156", "firefox-esr-153"):
            files = sorted(map(str, (CAPTURES / profile).glob("*.hex")))
            resumed = [f for f in files if "resumed" in f]
            fresh = [f for f in files if f not in resumed]
            with tempfile.NamedTemporaryFile() as out:
                subprocess.run([ROOT / "tools/profile-record", "--name", profile, "--captured", "2026-11-20", "--out",
                                out.name, "--fresh", *fresh, "--resumed", *resumed, "--http2",
                                CAPTURES / profile / "http2.json"], check=True, timeout=60)
                self.assertEqual(pathlib.Path(out.name).read_bytes(), (ROOT / f"profiles/{profile}.cbor").read_bytes())

    def test_captures_that_do_not_agree_make_no_profile(self):
        a, b = (str(CAPTURES / name) for name in ("chromium-156/fresh-01.hex", "firefox-esr-153/fresh-01.hex"))
        out = subprocess.run([ROOT / "tools/profile-record", "--name", "x", "--captured", "2026-11-20", "--out",
                              "/dev/null", "--fresh", a, b, "--resumed", a, "--http2",
                              CAPTURES / "chromium-156/http2.json"], capture_output=True, text=True, timeout=60)
        self.assertEqual(out.returncode, 1)
        self.assertIn("varies", out.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
