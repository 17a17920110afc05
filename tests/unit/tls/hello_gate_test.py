#!/usr/bin/env python3
"""A thousand hellos of each profile against the captures, by a reader that shares nothing with their writer.

usage: hello_gate_test.py PROGRAM   (tests/unit/tls/hellos.c)
"""
import pathlib
import runpy
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/hello.d"))
import cbor
import hello

CAPTURES = ROOT / "tests/vectors/fingerprints"
TICKETS = {32: "ticket-01", 208: "again-01", 224: "ticket-02", 240: "ticket-03", 256: "ticket-04", 272: "ticket-05",
           288: "ticket-06"}
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


STEMS = {"fresh": ("fresh", "window", "first", "full", "retry-one"), "resumed": ("resumed", "again", "ticket"),
         "retried": ("retry-two",)}


def files(profile, kind):
    return sorted(path for stem in STEMS[kind] for path in (CAPTURES / profile).glob(stem + "-*.hex"))


def captured(profile, kind):
    """Full first hellos and resumed ones; of the retried ones those that resume nothing."""
    found = [hello.describe(*hello.load(path)[0]) for path in files(profile, kind)]
    return [d for d in found if ("psk" in d) == (kind == "resumed")]


def comparable(description, peer):
    """`description` as it would be for the peer's name, which need not be as long; Firefox draws its ECH's cipher."""
    more = len(peer["sni"]) - len(description["sni"])
    out = dict(description, record_lengths=[n + more for n in description["record_lengths"]],
               handshake_length=description["handshake_length"] + more,
               ech=dict(description["ech"], aead=peer["ech"]["aead"]))
    out["extensions_in_order"] = [dict(e, length=e["length"] + more) if e["type"] == 0 else e
                                  for e in out["extensions_in_order"]]
    return out


def strange(description, captures):
    """What sets a hello apart from the captures whose ECH and ticket have its sizes; None when there are none."""
    def sizes(d):
        return d["ech"]["payload_length"], d.get("psk")

    found = None
    for peer in (c for c in captures if sizes(c) == sizes(description)):
        found = hello.differences(comparable(description, peer), peer)
        if not found:
            return []
    return found


def grown(description, more):
    """The same hello with an ECH payload of so many bytes more."""
    out = dict(description, record_lengths=[n + more for n in description["record_lengths"]],
               handshake_length=description["handshake_length"] + more,
               ech=dict(description["ech"], payload_length=description["ech"]["payload_length"] + more))
    out["extensions_in_order"] = [dict(e, length=e["length"] + more) if e["type"] == 65037 else e
                                  for e in out["extensions_in_order"]]
    return out


def raw(path):
    return bytes.fromhex("".join(line for line in path.read_text().split("\n") if not line.startswith("#")))


def pcap(streams):
    """A capture file of one TCP stream each, in segments of 700 bytes, the later of each pair first."""
    out = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
    for n, data in enumerate(streams):
        parts = [(at, data[at:at + 700]) for at in range(0, len(data), 700)]
        pairs = [part for i in range(0, len(parts), 2) for part in reversed(parts[i:i + 2])]
        for at, part in [(-1, b""), *pairs]:
            tcp = (40000 + n).to_bytes(2, "big") + b"\x01\xbb" + (1000 + at).to_bytes(4, "big") + bytes(4)
            tcp += b"\x50" + (b"\x02" if at < 0 else b"\x18") + bytes(6) + part
            ip = b"\x45\0" + (20 + len(tcp)).to_bytes(2, "big") + bytes(5) + b"\x06" + bytes(2) + b"\x7f\0\0\x01" * 2
            frame = bytes(12) + b"\x08\0" + ip + tcp
            out += bytes(8) + 2 * len(frame).to_bytes(4, "little") + frame
    return out


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

    def test_a_ticket_of_another_length_makes_the_browser_s_hello(self):
        for profile in ("chromium-156", "firefox-esr-153"):
            for length, stem in TICKETS.items():
                peer = hello.describe(*hello.load(CAPTURES / profile / f"{stem}.hex")[0])
                self.assertEqual(peer["psk"]["identities"], [length])
                for description in map(described, made(profile, f"resumed-{length}", 30)):
                    if profile == "chromium-156":  # draws the size of its ECH
                        shift = peer["ech"]["payload_length"] - description["ech"]["payload_length"]
                        description = grown(description, shift)
                    self.assertEqual(strange(description, [peer]), [])

    def test_the_second_hello_is_the_browser_s(self):
        for profile in ("chromium-156", "firefox-esr-153"):
            captures = captured(profile, "retried")
            sizes = {c["ech"]["payload_length"] for c in captures}
            compared = 0
            for description in map(described, made(profile, "retried", 200)):
                self.assertEqual(description["record_version"], "0303")
                if description["ech"]["payload_length"] in sizes:
                    self.assertEqual(strange(description, captures), [])
                    compared += 1
            self.assertGreater(compared, 20)

    def test_a_browser_s_second_hello_differs_from_its_first_in_share_and_binder_only(self):
        for profile in ("chromium-156", "firefox-esr-153"):
            firsts = sorted((CAPTURES / profile).glob("retry-one-*.hex"))
            self.assertGreater(len(firsts), 0)
            for path in firsts:
                one, two = (hello.parse_client_hello(hello.load(p)[0][0])
                            for p in (path, path.with_name(path.name.replace("one", "two"))))
                self.assertEqual([t for t, _ in one["_bodies"]], [t for t, _ in two["_bodies"]])
                self.assertEqual(one["_random"], two["_random"])
                changed = {t for (t, a), (_, b) in zip(one["_bodies"], two["_bodies"]) if a != b}
                self.assertEqual(changed - {41}, {51})
                self.assertEqual([s["name"] for s in two["key_shares"]], ["secp384r1"])

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
            fresh = [path for path in files(profile, "fresh") if "retry" not in path.name]
            with tempfile.NamedTemporaryFile() as out:
                subprocess.run([ROOT / "tools/profile-record", "--name", profile, "--captured", "2026-11-20", "--out",
                                out.name, "--fresh", *fresh, "--resumed", *files(profile, "resumed"), "--http2",
                                CAPTURES / profile / "http2.json", "--habits", CAPTURES / profile / "habits.json"],
                               check=True, timeout=60)
                subprocess.run([ROOT / "tools/shape-record", "add", ROOT / f"tests/vectors/traffic/{profile}.json",
                                out.name], check=True, timeout=60)
                self.assertEqual(pathlib.Path(out.name).read_bytes(), (ROOT / f"profiles/{profile}.cbor").read_bytes())

    def test_a_capture_of_packets_is_read_as_its_hellos_are(self):
        paths = [path for stem in ("first-01", "retry-one-01") for path in [CAPTURES / f"firefox-esr-153/{stem}.hex"]]
        second = CAPTURES / "firefox-esr-153/retry-two-01.hex"
        streams = [[paths[0]], [paths[1], second]]
        with tempfile.NamedTemporaryFile(suffix=".pcap") as out:
            out.write(pcap([b"".join(b"\x14\x03\x03\0\x01\x01" * (i > 0) + raw(p) for i, p in enumerate(stream))
                            for stream in streams]))
            out.flush()
            found = hello.load(out.name)
        self.assertEqual([m for m, _, _ in found], [hello.load(p)[0][0] for stream in streams for p in stream])

    def test_drift_is_told_value_by_value_and_dates_are_none(self):
        old = cbor.decode((ROOT / "profiles/chromium-156.cbor").read_bytes())
        self.assertEqual(cbor.encode(old), (ROOT / "profiles/chromium-156.cbor").read_bytes())
        record = runpy.run_path(str(ROOT / "tools/profile-record"))
        new = old | {2: old[2] + 86400, 3: old[3] + 86400, 8: not old[8], 12: [7, *old[12][1:]]}
        found = list(record["drift"](old, new))
        self.assertEqual(list(record["drift"](old, old)), [])
        self.assertEqual(len(found), 2)
        self.assertIn("X25519 reused", found[0])
        self.assertIn("habits[0]: 0 is now 7", found[1])

    def test_captures_that_do_not_agree_make_no_profile(self):
        a, b = (str(CAPTURES / name) for name in ("chromium-156/fresh-01.hex", "firefox-esr-153/fresh-01.hex"))
        out = subprocess.run([ROOT / "tools/profile-record", "--name", "x", "--captured", "2026-11-20", "--out",
                              "/dev/null", "--fresh", a, b, "--resumed", a, "--http2",
                              CAPTURES / "chromium-156/http2.json", "--habits",
                              CAPTURES / "chromium-156/habits.json"], capture_output=True, text=True, timeout=60)
        self.assertEqual(out.returncode, 1)
        self.assertIn("varies", out.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
