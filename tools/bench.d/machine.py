"""What was measured on, and with which versions: figures without these are rumours."""
import os
import platform
import re
import subprocess

from target import ROOT


def first(pattern, path):
    try:
        with open(path) as f:
            match = re.search(pattern, f.read(), re.M)
    except OSError:
        match = None
    return match[1].strip() if match else "unknown"


def output(*argv):
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT,
                              timeout=20)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def describe():
    return {"cpu": first(r"^model name\s*:\s*(.*)", "/proc/cpuinfo"), "cores": os.cpu_count(),
            "memory_kB": int(first(r"^MemTotal:\s+(\d+)", "/proc/meminfo")),
            "system": first(r'^PRETTY_NAME="(.*)"', "/etc/os-release"), "kernel": platform.release(),
            "compiler": output("cc", "--version").partition("\n")[0],
            "load_at_start": os.getloadavg()[0]}


def sentence(described):
    return (f"{described['cpu']}, {described['cores']} cores, {described['system']}, "
            f"kernel {described['kernel']}, load {described['load_at_start']:.1f} at the start")


def commit():
    """The commit measured; "+changes" when the tree differs from it."""
    dirty = output("git", "status", "--porcelain", "--untracked-files=no")
    return (output("git", "rev-parse", "HEAD") or "unknown") + ("+changes" if dirty else "")


def versions(packages):
    listing = output("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *sorted(packages))
    return dict(line.split(" ", 1) for line in listing.splitlines())
