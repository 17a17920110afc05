"""ns-3's sources as Debian has them: fetched and checked by apt, in a folder of our own, once."""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
VERSION = "3.37"
BUILD = os.path.join(ROOT, "build", "ns3")
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


def install(packages, log):
    """What is needed and not there, if we may."""
    if not shutil.which("dpkg-query"):
        raise Failure(f"no dpkg here; this tool is for Debian 12, with {', '.join(packages)}")
    wanted = missing(packages)
    if not wanted:
        return
    if os.geteuid() != 0:
        raise Failure(f"not installed: {' '.join(wanted)}; as root: apt-get install {' '.join(wanted)}")
    print("installing", " ".join(wanted), flush=True)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run(["apt-get", "-q", "update"], log, env=env)
    run(["apt-get", "-q", "-y", "--no-install-recommends", "install", *wanted], log, env=env)


def apt_options(state):
    """apt with a list of sources of our own: the machine's has no deb-src lines, and stays as it is."""
    os.makedirs(os.path.join(state, "lists", "partial"), exist_ok=True)
    os.makedirs(os.path.join(state, "cache", "archives", "partial"), exist_ok=True)
    sources = os.path.join(state, "ns3.sources")
    with open(sources, "w", encoding="utf-8") as f:
        f.write(SOURCES)
    return ["-q", "-o", f"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=/dev/null",
            "-o", f"Dir::State::Lists={state}/lists", "-o", f"Dir::Cache={state}/cache",
            "-o", "APT::Sandbox::User="]


def fetch(log):
    """\\return the folder of ns-3's sources, unpacked by apt unless they are there."""
    tree = os.path.join(BUILD, f"ns3-{VERSION}", f"ns-{VERSION}")
    if os.path.exists(os.path.join(tree, "ns3")):
        return tree
    install(["dpkg-dev", "xz-utils", "bzip2", "patch"], log)
    state = os.path.join(BUILD, "apt")
    options = apt_options(state)
    print(f"fetching ns-3 {VERSION} (40 MB)", flush=True)
    run(["apt-get", *options, "update"], log)
    run(["apt-get", *options, "source", "ns3"], log, cwd=BUILD)
    found = [os.path.join(at, f"ns-{VERSION}") for at, names, _ in os.walk(BUILD) if f"ns-{VERSION}" in names]
    if not found:
        raise Failure(f"the package ns3 that apt unpacked in {BUILD} has no ns-{VERSION}; this is not Debian 12's")
    if os.path.dirname(found[0]) != os.path.dirname(tree):
        os.symlink(os.path.dirname(found[0]), os.path.dirname(tree))
    return tree


def configure(tree, modules, log, *more):
    """A release build of these modules and what they need: as Debian's, but for the tests and Python."""
    install(["g++", "cmake", "ninja-build", "python3", "libgsl-dev", "libxml2-dev", "libsqlite3-dev"], log)
    command = ["python3", "./ns3", "configure", "--build-profile=release", f"--enable-modules={';'.join(modules)}",
               "--disable-werror", *more]
    run(command, log, cwd=tree)


def compile_tree(tree, jobs, log):
    """Builds what is configured."""
    run(["cmake", "--build", "cmake-cache", "-j", str(jobs)], log, cwd=tree)
