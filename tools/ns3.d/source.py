"""ns-3's sources as Debian has them: fetched and checked by apt once, and unpacked for each who builds them differently."""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
VERSION = "3.37"
BUILD = os.path.join(ROOT, "build", "ns3")
PACKAGES = ["g++", "cmake", "ninja-build", "pkg-config", "dpkg-dev", "xz-utils", "bzip2", "patch", "libgsl-dev", "libxml2-dev",
            "libsqlite3-dev", "libopenmpi-dev", "openmpi-bin"]  # those of tools/setup --ns3, and what the build needs anyway
SOURCES = """\
Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


class Failure(Exception):
    """One sentence."""


def run(command, log, cwd=None, env=None):
    """Runs a command to its end; its words go to the log file."""
    with open(log, "ab") as out:
        out.write(f"\n$ {' '.join(command)}\n".encode())
        out.flush()
        done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise Failure(f"{command[0]} {command[1] if len(command) > 1 else ''} failed; the end of {log} says why")


def missing(packages):
    """Those that are not installed."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", *packages],
                          capture_output=True, text=True, check=False)
    have = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("installed ")}
    return [package for package in packages if package not in have]


def install():
    """What tools/setup --ns3 names and is not there, if we may."""
    if not shutil.which("dpkg-query"):
        raise Failure("no dpkg here; this tool is for Debian 12")
    wanted = missing(PACKAGES)
    if not wanted:
        return
    print("installing", " ".join(wanted), flush=True)
    done = subprocess.run([os.path.join(ROOT, "tools", "setup"), "--ns3"], stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0 or missing(wanted):
        raise Failure(f"not installed: {' '.join(missing(wanted))}; tools/setup --ns3 as root installs what is needed")


def apt_options(state):
    """apt with a list of sources of our own: the machine's has no deb-src lines, and stays as it is."""
    os.makedirs(os.path.join(state, "lists", "partial"), exist_ok=True)
    os.makedirs(os.path.join(state, "cache", "archives", "partial"), exist_ok=True)
    sources = os.path.join(state, "ns3.sources")
    with open(sources, "w", encoding="utf-8") as f:
        f.write(SOURCES)
    return ["-q", "-o", f"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=/dev/null",
            "-o", f"Dir::State::Lists={state}/lists", "-o", f"Dir::Cache={state}/cache",
            "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=3"]


def download(log):
    """\return the package's description, beside its archives; apt has checked them"""
    place = os.path.join(BUILD, "package")
    os.makedirs(place, exist_ok=True)
    options = apt_options(os.path.join(BUILD, "apt"))
    print(f"fetching ns-3 {VERSION} (40 MB)", flush=True)
    run(["apt-get", *options, "update"], log)
    run(["apt-get", *options, "--download-only", "source", "ns3"], log, cwd=place)
    found = [name for name in os.listdir(place) if name.endswith(".dsc")]
    if len(found) != 1 or not found[0].startswith(f"ns3_{VERSION}"):
        raise Failure(f"apt fetched {', '.join(sorted(found)) or 'nothing'}; Debian 12 has ns3 {VERSION}")
    return os.path.join(place, found[0])


def fetch(name, log):
    """\return the folder of ns-3's sources that belongs to this build alone; unpacked unless it is there"""
    package = os.path.join(BUILD, name, "source")
    tree = os.path.join(package, f"ns-{VERSION}")
    if os.path.exists(package):
        return tree
    unpacked = f"{package}.part"
    shutil.rmtree(unpacked, ignore_errors=True)
    run(["dpkg-source", "--no-check", "-x", download(log), unpacked], log)
    if not os.path.exists(os.path.join(unpacked, f"ns-{VERSION}", "ns3")):
        raise Failure(f"the package ns3 that was unpacked in {unpacked} has no ns-{VERSION}/ns3; this is not Debian 12's")
    os.rename(unpacked, package)
    return tree


def configure(tree, modules, log, *more):
    """A release build of these modules and what they need: as Debian's, but for the tests and Python."""
    command = ["python3", "./ns3", "configure", "--build-profile=release", f"--enable-modules={';'.join(modules)}",
               "--disable-werror", *more]
    run(command, log, cwd=tree)


def compile_tree(tree, jobs, log):
    """Builds what is configured."""
    run(["cmake", "--build", "cmake-cache", "-j", str(jobs)], log, cwd=tree)
