"""Hosts as network namespaces, joined by qnet-testbed-link: each has loopback and one TUN device, whose other end the
link holds. Namespaces have no names: they live as long as somebody holds them, so nothing is left behind.
"""
import contextlib
import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

INSIDE = "QNET_TESTBED_INSIDE"
CLONE_NEWNET = 0x40000000  # unshare(2)
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000  # linux/if_tun.h
PDEATHSIG = 1  # prctl(2)
LIBC = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """Why there can be no testbed here, in one sentence."""


def must(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def enter(arguments):
    """Runs this program again in namespaces of its own. All that it starts ends with it, however it ends: it is the
    first process of a process namespace, and the kernel ends the rest."""
    if INSIDE in os.environ:
        return
    for program in ("unshare", "ip"):
        if shutil.which(program) is None:
            raise Refused(f"{program} is not installed; tools/setup installs it")
    flags = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    for user in ([], ["--map-root-user"]):
        command = ["unshare", *user, *flags]
        probe = subprocess.run([*command, "sh", "-c", "ip tuntap add dev probe mode tun"], capture_output=True, check=False)
        if probe.returncode == 0:
            os.execvpe("unshare", [*command, sys.executable, *arguments], {**os.environ, INSIDE: "1"})
    raise Refused("network namespaces with TUN devices are refused here (root, or unprivileged user namespaces)")


def private_hosts(path):
    """The file stands for /etc/hosts, for what is started from now on."""
    subprocess.run(["mount", "--bind", path, "/etc/hosts"], check=True, timeout=30)


def set_kernel(name, value):
    """Of the namespace that the caller is in."""
    with open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as f:
        f.write(value)


def get_kernel(name):
    with open(f"/proc/sys/net/ipv4/{name}", encoding="ascii") as f:
        return f.read().strip()


class Place:
    """One host."""

    def __init__(self, name, address, window, idle_restart=False):
        self.name, self.address = name, address
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        must(LIBC.unshare(CLONE_NEWNET), "a network namespace")
        try:
            self.namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            self.device = self._furnish(window, idle_restart)
        finally:
            must(LIBC.setns(home, CLONE_NEWNET), "back to the first namespace")
            os.close(home)

    def _furnish(self, window, idle_restart):
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"line", IFF_TUN | IFF_NO_PI))
        script = ("link set lo up\n" f"addr add {self.address}/8 dev line\n" "link set line up\n")
        subprocess.run(["ip", "-batch", "-"], input=script, text=True, check=True, timeout=30)
        with contextlib.suppress(PermissionError):  # net.ipv4.tcp_allowed_congestion_control of the machine has it not
            set_kernel("tcp_congestion_control", "cubic")
        self.congestion = get_kernel("tcp_congestion_control")
        set_kernel("tcp_slow_start_after_idle", str(int(idle_restart)))
        set_kernel("tcp_rmem", f"4096 131072 {2 * window}")  # half of it is window (tcp(7), tcp_adv_win_scale)
        return device

    @contextlib.contextmanager
    def inside(self):
        """What the calling thread opens and starts meanwhile is this host's."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        must(LIBC.setns(self.namespace, CLONE_NEWNET), self.name)
        try:
            yield
        finally:
            must(LIBC.setns(home, CLONE_NEWNET), "back to the first namespace")
            os.close(home)

    def socket(self):
        with self.inside():
            made = socket.socket()
        made.setblocking(False)
        return made


def link(program, plan, places, priority):
    """Starts the link; the plan is a file. Returns the process."""
    return subprocess.Popen([*priority, program, plan], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                            pass_fds=[place.device for place in places])


def write_plan(path, hosts, places, latency, queue):
    with open(path, "w", encoding="ascii") as f:
        f.write(f"seed {hosts['seed']}\nqueue {queue}\n")
        for host, place in zip(hosts["hosts"], places):
            f.write(f"host {place.device} {place.address} {host['up_bit_per_s']} {host['down_bit_per_s']} "
                    f"{host['loss_millionths']}\n")
        for a, row in enumerate(latency):
            f.writelines(f"latency {a} {b} {ns}\n" for b, ns in enumerate(row) if b > a)
