#!/usr/bin/env python3
"""State directories on a disk that is full: operators and exits say so, sign nothing they cannot keep, serve on, and go
on by themselves when there is space again.

The disks are small tmpfs, mounted in a mount namespace of this test's own: root is needed.
"""
import errno
import os
import re
import shutil
import subprocess
import sys
import time
import unittest

import mesh
from mesh import MIB, QNET, MeshTest, wait_for

DISK = MIB
INSIDE = "QNET_FULL_DISK_INSIDE"    # set within the namespace
UNKEPT = "nothing is signed, because what was signed cannot be kept"
NO_SPACE = "could not be written (No space left on device); what it held before is still there"
EXIT_STATE = 4


def enter_namespace():
    """Runs this test once more, where its mounts are nobody else's; returns only if it is there already, or cannot be."""
    if INSIDE in os.environ or os.geteuid() != 0 or shutil.which("unshare") is None:
        return
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])


@unittest.skipUnless(INSIDE in os.environ, "small disks need root and a mount namespace")
class FullDisk(MeshTest):
    arguments = ["--relays", "1", "--exits", "1", "--supers", "1"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.small = []
        cls.addClassCleanup(cls.unmount)
        for name in ("super1", "exit1"):
            cls.move(name)
        wait_for(lambda: cls.mesh.status("super1")["peers_online"] == 3, "all are listed again", 60)
        wait_for(lambda: os.path.exists(cls.place("exit1", "snapshot")), "the exit has kept the list")

    @classmethod
    def unmount(cls):
        for where in cls.small:
            subprocess.run(["umount", "--lazy", where], check=True)

    @classmethod
    def move(cls, name):
        """The node's state lies on a small disk from now on."""
        where = cls.place(name)
        cls.mesh.kill(name)
        shutil.copytree(where, where + ".moved", ignore=shutil.ignore_patterns("*.sock"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "qnet-test", where], check=True)
        cls.small.append(where)
        shutil.copytree(where + ".moved", where, dirs_exist_ok=True)
        cls.mesh.restart(name)

    @classmethod
    def place(cls, name, *below):
        return os.path.join(cls.mesh.folder, name, *below)

    def fill(self, name):
        with open(self.place(name, "ballast"), "wb", buffering=0) as f:
            try:
                while f.write(bytes(4096)) > 0:
                    pass
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)
        self.addCleanup(self.free, name)

    def free(self, name):
        if os.path.exists(self.place(name, "ballast")):
            os.remove(self.place(name, "ballast"))

    def log(self, name):
        with open(self.place(name + ".log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def content(self, name, file):
        with open(self.place(name, file), "rb") as f:
            return f.read()

    def version(self, name="super1"):
        return self.mesh.status(name)["network"]["snapshot_version"]

    def news(self):
        """Something an operator makes a new list for."""
        self.mesh.kill("relay1")
        self.mesh.restart("relay1")

    def test_an_operator_signs_nothing_it_cannot_keep(self):
        signed, before = self.content("super1", "signed"), len(self.log("super1"))
        self.fill("super1")
        self.news()
        said = wait_for(lambda: (text := self.log("super1")[before:]).count(UNKEPT) > 0 and text, "that it says so")
        self.assertIn(f"signed {NO_SPACE}", said)
        version = self.version()
        self.news()
        self.assert_whole(MIB)
        self.assertEqual((self.version(), self.content("super1", "signed")), (version, signed))
        self.free("super1")
        wait_for(lambda: self.version() > version, "a list, now that it can be kept", 60)
        self.assertNotEqual(self.content("super1", "signed"), signed)

    def test_an_operator_that_starts_on_a_full_disk_says_why_it_does_not(self):
        self.mesh.kill("super1")
        signed = self.content("super1", "signed")
        self.fill("super1")
        done = subprocess.run([QNET, "run", "--config", self.place("super1.yaml")], capture_output=True, text=True,
                              timeout=20, check=False)
        self.assertEqual(done.returncode, EXIT_STATE, done.stderr)
        self.assertEqual(len(re.findall("^qnet: ", done.stderr, re.M)), 1, done.stderr)
        self.assertIn(NO_SPACE, done.stderr)
        self.free("super1")
        self.assertEqual(self.content("super1", "signed"), signed)
        version = int(time.time()) - 1
        self.mesh.restart("super1")
        wait_for(lambda: self.version() > version, "a list of the one that started", 60)

    def test_an_exit_serves_on_and_keeps_the_list_later(self):
        self.fill("exit1")
        before = len(self.log("exit1"))
        self.news()
        said = wait_for(lambda: NO_SPACE in (text := self.log("exit1")[before:]) and text, "that it says so", 60)
        self.assertIn(f"snapshot {NO_SPACE}", said)
        self.assert_whole(MIB)
        kept = self.content("exit1", "snapshot")
        self.free("exit1")
        wait_for(lambda: self.content("exit1", "snapshot") != kept, "that the list is kept", 60)


if __name__ == "__main__":
    enter_namespace()
    mesh.main()
