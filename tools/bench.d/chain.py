"""The processes of one target: started, found, counted and ended by pid. All on loopback."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def free_port(host="127.0.0.1"):
    with socket.socket() as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def wait_port(port, host="127.0.0.1", seconds=20, process=None):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"process ended early with status {process.returncode}")
        with socket.socket() as s:
            s.settimeout(1)
            if s.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {host}:{port} after {seconds} s")


def run(*argv, **options):
    """Standard output of a command that must succeed; its complaint is part of the exception."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


class Stat:
    """A line of /proc/PID/stat (proc(5)): parent, birth, CPU ticks own and of reaped children."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        self.parent, self.birth = int(fields[1]), int(fields[19])
        self.ticks = sum(int(x) for x in fields[11:15])


def tree(roots):
    """pid -> role for the given {pid: role} and all their descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                children.setdefault(Stat(entry).parent, []).append(int(entry))
    found, todo = {}, list(roots.items())
    while todo:
        pid, role = todo.pop()
        found[pid] = role
        todo += [(child, role) for child in children.get(pid, ())]
    return found


class Chain:
    """Processes by role; roles need not be unique (they are summed)."""

    def __init__(self, folder):
        self.folder, self.roles = folder, {}
        self.spawned, self.adopted = [], {}
        os.makedirs(folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o600):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def spawn(self, role, argv, port=None, seconds=20):
        """Starts a process and, if it has a port, waits until that answers."""
        with open(self.path(f"{role}.log"), "ab") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                       start_new_session=True, cwd=self.folder)
        self.spawned.append(process)
        self.roles[process.pid] = role
        if port:
            try:
                wait_port(port, seconds=seconds, process=process)
            except RuntimeError as error:
                raise RuntimeError(f"{role}: {error}\n{self.tail(role)}") from None

    def adopt(self, role, pid):
        """Counts a process that something else started (and normally ends)."""
        self.roles[pid] = role
        self.adopted[pid] = Stat(pid).birth

    def tail(self, role, characters=2000):
        try:
            with open(self.path(f"{role}.log"), errors="replace") as f:
                return f.read()[-characters:]
        except OSError:
            return ""

    def cpu(self):
        """role -> CPU seconds so far, descendants and reaped children included."""
        seconds = {}
        for pid, role in tree(self.roles).items():
            with contextlib.suppress(OSError, IndexError):
                seconds[role] = seconds.get(role, 0) + Stat(pid).ticks / TICKS
        return seconds

    def memory(self, field="VmRSS"):
        """role -> kB: VmRSS is now, VmHWM the peak."""
        kb = {}
        for pid, role in tree(self.roles).items():
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/status") as f:
                    match = re.search(rf"^{field}:\s+(\d+)", f.read(), re.M)
                if match:
                    kb[role] = kb.get(role, 0) + int(match[1])
        return kb

    def stop(self):
        descendants = set(tree({p.pid: None for p in self.spawned if p.poll() is None}))
        descendants -= {p.pid for p in self.spawned}
        births = {}
        for pid in descendants:
            with contextlib.suppress(OSError, IndexError):
                births[pid] = Stat(pid).birth
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            for process in self.spawned:
                if process.poll() is None:
                    process.send_signal(signal_number)
            end = time.monotonic() + 3
            while time.monotonic() < end and any(p.poll() is None for p in self.spawned):
                time.sleep(0.05)
        for pid, birth in {**births, **self.adopted}.items():
            with contextlib.suppress(OSError, IndexError):
                if Stat(pid).birth == birth:     # still the process we knew, not a reused number
                    os.kill(pid, signal.SIGKILL)
