#!/usr/bin/env python3
"""tools/detect without browsers: what a window is, what is captured anew, that a tunnelled handshake is found."""
import pathlib
import random
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path[:0] = [str(TOOLS / d) for d in ("shape.d", "hello.d", "detect.d")]
import bursts
import loads

UP, DOWN, DATA = 0, 1, 23


def link(start, *records):
    return {"start": start, "records": [[at, direction, DATA, length] for at, direction, length in records]}


def handshake(rng):
    return [[UP, 2000 + rng.randrange(100), 1], [DOWN, 800 + rng.randrange(50), 1], [UP, 200 + rng.randrange(20), 1],
            [DOWN, 810 + rng.randrange(50), 2]]


def page(rng):
    return [[i % 2, rng.randrange(60, 130) if i % 2 == 0 else rng.randrange(4000, 90000), 1 + i % 2 * rng.randrange(1, 9)]
            for i in range(20)]


class Bursts(unittest.TestCase):
    def test_records_one_way_are_one_burst_and_finished_is_none(self):
        records = [[0, UP, 22, 500], [1, UP, DATA, 53], [2, UP, DATA, 100], [2, UP, DATA, 200], [3, DOWN, DATA, 900]]
        self.assertEqual(bursts.bursts_of(records), [[UP, 310, 2], [DOWN, 905, 1]])

    def test_no_window_spans_two_links(self):
        pages = [{"name": "p0", "start": 10.0}]
        flows = [link(10.0, (0, UP, 100), (1, DOWN, 900), (2, UP, 100)), link(10.0, (3, DOWN, 900), (4, UP, 100), (5, DOWN, 900))]
        (connections,) = loads.sliced(flows, pages)
        self.assertEqual([len(c) for c in connections], [4, 4])
        self.assertEqual(loads.judged([connections]), [])

    def test_a_page_load_has_what_came_until_the_next_one(self):
        pages = [{"name": "p1", "start": 20.0}, {"name": "p0", "start": 10.0}, {"name": "p0", "start": 10.5}]
        first, second = loads.sliced([link(5.0, (0, UP, 7), (5000, UP, 8), (14000, UP, 9), (15000, UP, 10))], pages)
        self.assertEqual([r[3] for r in first[0][1:]], [8, 9])
        self.assertEqual([r[3] for r in second[0][1:]], [10])

    def test_a_handshake_planted_into_pages_is_found_and_pages_are_not(self):
        rng = random.Random(1)
        model = bursts.Model([bursts.windows_of(handshake(rng))[0] for _ in range(60)])
        pages = [page(rng) for _ in range(200)]
        threshold = bursts.threshold_of([model], [bursts.windows_of(p) for p in pages[:100]])
        self.assertTrue(all(bursts.score([model], bursts.windows_of(p)) >= threshold for p in pages[100:]))
        planted = [p[:6] + handshake(rng) + p[6:] for p in pages[100:]]
        self.assertTrue(all(bursts.score([model], bursts.windows_of(p)) < threshold for p in planted))


class Parts(unittest.TestCase):
    def test_a_part_made_otherwise_or_half_written_is_captured_anew(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "htx-00.json"
            self.assertIsNone(loads.read_part(path, {"qnet": "a"}))
            loads.write_part(path, {"qnet": "a"}, [[[[0, 0, DATA, 1]]]])
            self.assertEqual(loads.read_part(path, {"qnet": "a"}), [[[[0, 0, DATA, 1]]]])
            self.assertIsNone(loads.read_part(path, {"qnet": "b"}))
            self.assertEqual([p.name for p in pathlib.Path(folder).iterdir()], ["htx-00.json"])

    def test_parts_add_up(self):
        self.assertEqual(loads.parts_of("direct", 250), [100, 100, 50])
        self.assertEqual(loads.parts_of("htx", 60), [50, 10])


if __name__ == "__main__":
    unittest.main()
