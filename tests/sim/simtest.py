"""What the tests of whole simulations stand on. QNET_SIM names the program under test."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
QNET_SIM = os.environ.get("QNET_SIM", os.path.join(ROOT, "build", "release", "bin", "qnet-sim"))
BASELINE = os.path.join(ROOT, "sim-scenarios", "baseline-web.yaml")
# Small enough for a sanitized build, large enough that relays are shared.
SMALL = ["--set", "general.stop='25 s'", "--set", "general.warmup='8 s'", "--set", "population.people.count=16",
         "--set", "population.relays.count=8", "--set", "population.people.start.over='2 s'",
         "--set", "expect=[]"]
SKIPPED = 77  # what CMake takes for "asked to be skipped"


def sim(*arguments, env=None, program=QNET_SIM):
    """Runs qnet-sim to its end."""
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=250,
                          check=False, env=env)


def digest_of(done):
    """The SHA-256 on the last line of a run."""
    assert done.returncode == 0, done.stderr
    word, value = done.stdout.splitlines()[-1].split()
    assert word == "digest:" and len(value) == 64, done.stdout
    return value


class SimTest(unittest.TestCase):
    """Gives each test a folder that goes with it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qnet-sim.")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def assert_one_sentence(self, done, status, *words):
        """It ended with this status and said one thing only, these words in it."""
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("qnet-sim: "), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
