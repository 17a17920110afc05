#!/usr/bin/env python3
"""tools/probe-lab: its own cryptography, that it finds wrong peers, and a short run of the battery.

Environment: programs of this build: ORIGIN, qnet-origin; HTX_ENDS, of ends.c; QNET; ORIGIN_CHECK, qnet-origin-check.
"""
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "probe-lab.d"))
import battery  # noqa: E402
import clients  # noqa: E402
import detect  # noqa: E402
import link  # noqa: E402
import live  # noqa: E402
import origins  # noqa: E402
import primitives  # noqa: E402
import proxy  # noqa: E402
import times  # noqa: E402


def lab(*words, probes=(), peer="forwarder"):
    """tools/probe-lab at qnet-origin."""
    with tempfile.TemporaryDirectory() as out:
        named = [word for probe in probes for word in ("--probe", probe)]
        return subprocess.run([ROOT / "tools/probe-lab", "--origin", "qnet-origin", "--peer", peer, "--out", out, *named,
                               *words], capture_output=True, text=True, timeout=120)


class Primitives(unittest.TestCase):
    def test_rfc_7748(self):
        k = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
        u = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
        self.assertEqual(primitives.x25519(k, u).hex(), "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")

    def test_rfc_8439(self):
        text = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
                b"would be it.")
        key, nonce = bytes(range(0x80, 0xA0)), bytes.fromhex("070000004041424344454647")
        aad = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
        sealed = primitives.seal(key, nonce, aad, text)
        self.assertEqual(sealed[-16:].hex(), "1ae10b594f09e26a7e902ecbd0600691")
        self.assertEqual(primitives.unseal(key, nonce, aad, sealed), text)
        self.assertIsNone(primitives.unseal(key, nonce, aad, b"\0" + sealed[1:]))

    def test_p384_lies_on_its_curve_and_both_sides_agree(self):
        x, y = primitives.G384
        self.assertEqual((y * y - x**3 + 3 * x - primitives.B384) % primitives.P384, 0)
        a, b = (primitives.Share(primitives.SECP384R1) for _ in range(2))
        self.assertEqual(a.secret(b.public), b.secret(a.public))


class Detectors(unittest.TestCase):
    def test_the_five_rules_block_shadowsocks_and_nothing_ordinary(self):
        recorded = detect.recorded_shadowsocks()
        self.assertEqual(len(recorded), 50)
        self.assertEqual([detect.exempt(p) for p in recorded], [None] * 50)
        flat = bytes([0x0F, 0xF0, 0xAA, 0x99])
        for payload, why in ((b"\x16\3\1" + flat * 9, "protocol"), (b"GET / HTTP/1.1\r\n", "protocol"), (bytes(80), "bits"),
                             (b"abcdef" + flat * 9, "first six"), (flat + b"k9" * 9 + flat * 2, "half"),
                             (flat * 9 + b"k9" * 11, "run"), (flat * 9 + b"k9" * 10 + flat, None)):
            self.assertEqual(detect.exempt(payload), why, payload)

    def test_they_block_no_tagged_hello(self):
        with tempfile.TemporaryDirectory() as folder, origins.Embedded(folder) as origin:
            for browser in ("chromium-156", "firefox-esr-153"):
                made = link.hellos(link.Ends(origin), 20, browser)
                self.assertEqual([detect.exempt(hello) for hello in made], ["protocol"] * 20)


class Links(unittest.TestCase):
    def test_damage_at_the_switch_has_the_outcome_of_damage_to_a_visit(self):
        rows = []
        with tempfile.TemporaryDirectory() as folder, origins.Embedded(folder, live.IDLE) as origin, \
                link.Ends(origin) as peer:
            lab = live.Live(origin, peer, rows.append, 1)
            lab.tamper(["flip", "duplicate"], ["client-1", "client-2", "server-1", "server-2"])
        self.assertEqual((lab.rows, lab.bad), (8, 0), "\n".join(rows))

    def test_a_node_is_a_peer_like_any_other(self):
        with tempfile.TemporaryDirectory() as folder, origins.Embedded(folder) as origin, link.Node(origin) as peer:
            self.assertTrue(link.dial(peer, peer.address[1])[0])
            rows = []
            lab = clients.Clients(origin, peer, rows.append, False)
            lab.run()
            positions = [battery.Position("direct", origin.address, direct=True),
                         battery.Position("untagged", peer.address)]
            probed = battery.Battery(origin, pathlib.Path(folder) / "seen", rows.append, 1)
            probed.run(positions, ["garbage", "false-finished-alone"])  # and a byte after the origin's FIN
        self.assertEqual((lab.rows, lab.bad, probed.rows, probed.bad), (2, 0, 2, 0), "\n".join(rows))


class Times(unittest.TestCase):
    def test_the_rank_test_knows_small_cases(self):
        self.assertAlmostEqual(times.rank_test([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]), 0.00507, places=4)
        self.assertEqual(times.rank_test([1, 1, 1], [1, 1, 1]), 1.0)
        self.assertEqual([round(p, 3) for p in times.holm([0.01, 0.04, 0.03])], [0.03, 0.06, 0.06])

    def test_a_planted_delay_counts_and_noise_does_not(self):
        draw = random.Random(7)
        noise = [[2 + draw.expovariate(2) for _ in range(200)] for _ in range(3)]
        late = [t + 0.3 for t in noise[2]]
        found = times.verdicts({"noise": (noise[0], noise[1]), "late": (late, noise[0])})
        self.assertFalse(found["noise"][2])
        self.assertTrue(found["late"][2])


class Peers(unittest.TestCase):
    def test_the_products_peer_is_no_different(self):
        """A probe of each kind; the whole battery takes minutes. On a busy machine the site itself cuts the records of three
        pages now one way, now another: what differs must do so again beside more of the site's own."""
        probes = ("garbage", "bare-fin", "hello-byte-by-byte", "false-finished-and-data", "ccs-33", "hello-twice",
                  "burst-in-steps", "visit-three-pages", "visit-damaged-record")
        done = lab("--runs", "1", peer="ends", probes=probes)
        if done.returncode == 1:
            done = lab("--runs", "3", peer="ends", probes=probes)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("replayed", done.stdout)

    def test_a_plain_forwarder_is_no_different(self):
        done = lab(probes=("false-finished-alone", "visit-damaged-record", "plain-http", "ccs-33"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_wrong_peer_is_found(self):
        for plant in proxy.PLANTS:
            with self.subTest(plant):
                done = lab("--plant", plant, probes=("false-finished-alone", "visit-damaged-record"))
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn("untagged               DIFFERENT", done.stdout)


if __name__ == "__main__":
    unittest.main()
