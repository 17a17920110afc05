"""Processes in network namespaces: places with an address each, on one bridge, and the nodes in them.

A test's own main calls enter() first: everything then happens inside a namespace of the test's own, with one more for
each place, so nothing of this machine's network is touched. Needs root, or unprivileged user namespaces.
"""
import json
import os
import shutil
import signal
import subprocess
import sys

from mesh import QNET

INSIDE = "QNET_TEST_NAMESPACE"
PROGRAMS = ("ip", "nft", "nsenter", "unshare", "curl")


def enter(*more):
    """Runs this program again inside namespaces, or says why not; more are programs that it needs, too."""
    if INSIDE in os.environ:
        return
    lacking = [program for program in (*PROGRAMS, *more) if shutil.which(program) is None]
    if lacking:
        print(f"skipped: not installed: {' '.join(lacking)} (tools/setup)")
        sys.exit(77)
    for flags in (["-nm"], ["-rnm"]):
        probe = subprocess.run(["unshare", *flags, "sh", "-c", "nft add table ip probe && unshare -n true"],
                               capture_output=True, check=False)
        if probe.returncode == 0:
            os.execvpe("unshare", ["unshare", *flags, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
    print("skipped: network namespaces with nftables are refused here (root, or unprivileged user namespaces)")
    sys.exit(77)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


class Place:
    """A network namespace that lives as long as a process in it."""

    def __init__(self, name, address, behind=None):
        self.name, self.address = name, address
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        far = behind.link if behind else self.link_to_bridge
        far(self)
        self.ip("link", "set", "lo", "up")
        self.ip("link", "set", "eth0", "up")
        self.ip("addr", "add", f"{address}/24", "dev", "eth0")

    def link_to_bridge(self, _):
        outside = f"v{self.holder.pid}"
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        run("ip", "link", "set", outside, "master", "bridge", "up")

    def link(self, inner):
        """inner gets a cable to this place, which is its router."""
        self.ip("link", "add", "inside", "type", "veth", "peer", "name", "eth0", "netns", str(inner.holder.pid))
        self.ip("addr", "add", f"{inner.address.rpartition('.')[0]}.1/24", "dev", "inside")
        self.ip("link", "set", "inside", "up")

    def command(self, *words):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *words]

    def run(self, *words):
        return run(*self.command(*words))

    def ip(self, *words):
        self.run("ip", *words)

    def masquerade(self):
        """What a home router does: out goes as its own address, in comes nothing that was not asked for."""
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        rules = """table ip home {
            chain out { type nat hook postrouting priority 100; oifname "eth0" masquerade; }
            chain in { type filter hook forward priority 0; policy drop;
                iifname "inside" accept; ct state established,related accept; }
        }"""
        subprocess.run(self.command("nft", "-f", "-"), input=rules, text=True, check=True, timeout=30)

    def close(self):
        self.holder.kill()
        self.holder.wait(10)
        self.holder.stdout.close()


class Node:
    def __init__(self, folder, place, mode, *more):
        self.place, self.state = place, os.path.join(folder, place.name)
        self.log_path = self.state + ".log"
        command = [QNET, "run", "--lab", "--carrier", "bare", "--mode", mode, "--state", self.state, "--network",
                   os.path.join(folder, "network"), "--status-port", "8088", "--log", "info", *more]
        if mode != "client":
            command += ["--listen", f"{place.address}:4433"]
        if mode in ("exit", "super"):
            command += ["--exit-contact", "abuse@lab.example", "--exit-allow", "10.9.0.9:80"]
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(place.command(*command), stdout=log, stderr=log)

    def document(self, name="status"):
        got = subprocess.run(self.place.command("curl", "-s", "-m", "5", f"http://127.0.0.1:8088/{name}"),
                             capture_output=True, text=True, check=False, timeout=30)
        return json.loads(got.stdout) if got.returncode == 0 else {}

    def status(self, field):
        return self.document().get(field)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(30)
