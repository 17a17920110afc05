"""qnet-path-sim: one seed one answer however many processes, guards help, wrong usage is named."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PROGRAM = os.environ.get("PATH_SIM", os.path.join(ROOT, "build", "dev", "bin", "qnet-path-sim"))
SMALL = ["--users", "40", "--days", "20", "--networks", "3", "--relays", "60"]


def simulate(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=False)


class PathSim(unittest.TestCase):
    def test_jobs_do_not_change_the_answer(self):
        one, many = (simulate(*SMALL, "--json", "--jobs", jobs).stdout for jobs in ("1", "3"))
        self.assertEqual(one, many)
        self.assertNotEqual(one, simulate(*SMALL, "--json", "--seed", "2").stdout)

    def test_guards_reach_fewer_users_and_days_only_add(self):
        days = json.loads(simulate(*SMALL, "--json", "--adversary", "20").stdout)["days"]
        self.assertEqual(len(days), 20)
        self.assertLess(days[-1]["guards"], days[-1]["none"] / 2)
        for earlier, later in zip(days, days[1:]):
            self.assertLessEqual(earlier["none"], later["none"])

    def test_figures_are_written(self):
        with tempfile.TemporaryDirectory() as folder:
            result = simulate(*SMALL, "--out", os.path.join(folder, "new"))
            self.assertEqual(result.returncode, 0, result.stderr)
            with open(os.path.join(folder, "new", "reached.csv"), encoding="ascii") as f:
                self.assertEqual(len(f.readlines()), 21)
            self.assertEqual(simulate(*SMALL, "--out", os.path.join(folder, "no", "such")).returncode, 1)

    def test_wrong_usage_says_what_is_right(self):
        for wrong, said in ((["--users", "0"], "from 1 to"), (["--relays", "x"], "not 'x'"),
                            (["--adversary", "-1"], "not '-1'"), (["more"], "'more' is no option"),
                            (["--nonsense"], "see --help")):
            result = simulate(*wrong)
            self.assertEqual(result.returncode, 2, wrong)
            self.assertIn(said, result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
