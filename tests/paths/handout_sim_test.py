"""qnet-handout-sim: the small shelf bounds a crowd of new accounts, blocking hurts, wrong usage is named."""
import csv
import os
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PROGRAM = os.environ.get("HANDOUT_SIM", os.path.join(ROOT, "build", "dev", "bin", "qnet-handout-sim"))
SMALL = ["--entries", "100", "--people", "50", "--days", "70", "--seeds", "2", "--agents", "1,200"]


def simulate(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=False)


def days(*arguments):
    return list(csv.DictReader(simulate(*SMALL, *arguments).stdout.splitlines()))


class HandoutSim(unittest.TestCase):
    def test_new_accounts_learn_the_small_shelf_and_each_old_one_more_each_youth(self):
        rows = days()
        self.assertEqual(len(rows), 71)
        self.assertTrue(all(float(row["known_200"]) == 10 for row in rows[1:30]))
        self.assertEqual([float(rows[day]["known_1"]) for day in (0, 29, 30, 36)], [1, 1, 2, 2])
        self.assertGreater(float(rows[70]["known_200"]), 50)
        self.assertTrue(all(float(row["served_200"]) == 100 for row in rows))

    def test_people_lose_what_is_blocked_and_waiting_helps(self):
        asking, waiting = days("--block")[45], days("--block", "--wait")[45]
        self.assertLess(float(asking["served_200"]), 90)
        self.assertGreaterEqual(float(waiting["served_200"]), float(asking["served_200"]))

    def test_wrong_usage_says_what_is_right(self):
        for wrong, said in ((["--agents", "0"], "from 1 to"), (["--agents", ""], "not ''"), (["--days", "x"], "not 'x'"),
                            (["more"], "'more' is no option"), (["--nonsense"], "see --help")):
            result = simulate(*wrong)
            self.assertEqual(result.returncode, 2, wrong)
            self.assertIn(said, result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
