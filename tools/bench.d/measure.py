"""The measurements. Each timed section holds one lock, so that two benchmarks never share the machine."""
import contextlib
import fcntl
import json
import os
import re
import resource
import subprocess
import tempfile
import time

from chain import TICKS, run
from origin import BIG, GIB, MIB

LOCK = os.environ.get("BENCH_LOCK", os.path.join(tempfile.gettempdir(), "bench.lock"))


@contextlib.contextmanager
def machine_lock():
    """The same as `flock $BENCH_LOCK command`: whoever else measures on this machine waits."""
    with open(LOCK, "a") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def machine_time():
    """(busy, stolen) seconds of the whole machine so far."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal = (int(x) for x in f.readline().split()[1:9])
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


def own_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Meter:
    """CPU seconds between start and stop: of the chain by role, of the two ends, of the machine."""

    def __init__(self, target):
        self.target = target
        self.before = self._read()

    def _read(self):
        return (self.target.chain.cpu(), sum(self.target.origin.chain.cpu().values()) + own_children(),
                *machine_time())

    def stop(self):
        chain, ends, busy, steal = self._read()
        chain_0, ends_0, busy_0, steal_0 = self.before
        self.by_role = {role: chain[role] - chain_0.get(role, 0) for role in chain}
        self.chain, self.ends = sum(self.by_role.values()), ends - ends_0
        self.busy, self.steal = busy - busy_0, steal - steal_0


def curls(target, streams, seconds_max, moved, document, *options, **popen):
    command = ["curl", "-sk", "-o", os.devnull, "--max-time", str(seconds_max),
               "-w", f"%{{{moved}}} %{{time_total}} %{{http_code}}", *target.curl_options(), *options,
               target.url(document)]
    return [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **popen) for _ in range(streams)]


def fetch(target, streams, size, seconds_max):
    """`streams` curls at once, each the first `size` bytes of /big."""
    return bulk(target, streams, size, seconds_max, "size_download", "big", "-r", f"0-{size - 1}")


def send(target, size, seconds_max):
    """One curl that uploads the first `size` bytes of /big's file, until the sink has them all."""
    with open(target.origin.big, "rb") as big:
        head = subprocess.Popen(["head", "-c", str(size)], stdin=big, stdout=subprocess.PIPE)
        try:
            return bulk(target, 1, size, seconds_max, "size_upload", "sink", "-H", "Expect:", "-H",
                        f"Content-Length: {size}", "-H", "Transfer-Encoding:", "-X", "POST", "-T", "-",
                        stdin=head.stdout)
        finally:
            head.kill()
            head.wait()


def bulk(target, streams, size, seconds_max, moved, document, *options, **popen):
    """What `streams` curls move in all, from the first's start to the last's end."""
    meter, began = Meter(target), time.monotonic()
    answers = [curl.communicate()[0].split()
               for curl in curls(target, streams, seconds_max, moved, document, *options, **popen)]
    seconds = time.monotonic() - began
    time.sleep(0.05)                 # the chain's last acknowledgements belong to this fetch
    meter.stop()
    answers = [(int(a[0]), float(a[1]), a[2]) for a in answers if len(a) == 3]
    total = sum(a[0] for a in answers)
    if total < size * streams and seconds < seconds_max * 0.98:
        raise RuntimeError(f"short fetch: {total} of {size * streams} bytes in {seconds:.1f} s: {answers}")
    gib = max(total, 1) / GIB
    return {"MBps": total / max(seconds, 1e-6) / 1e6, "bytes": total, "seconds": seconds,
            "cpu_s_per_GiB": meter.chain / gib,
            "cpu_s_per_GiB_by_role": {role: round(s / gib, 3) for role, s in meter.by_role.items()},
            "ends_cpu_s_per_GiB": meter.ends / gib, "machine_busy_s": meter.busy, "steal_s": meter.steal}


def small_fetches(target, socksload, mode, at_once, count, seconds, document="small"):
    """socksload against a small document; its JSON, and the chain's CPU per fetch."""
    command = [socksload, "-o", f"127.0.0.1:{target.origin.port}", "-d", f"/{document}", "-m", mode,
               "-c", str(at_once), "-n", str(count), "-t", str(seconds)]
    if target.socks:
        command += ["-s", target.socks]
    meter = Meter(target)
    result = json.loads(run(*command, timeout=seconds + 20))
    meter.stop()
    result["cpu_ms_per_fetch"] = 1e3 * meter.chain / max(result["ok"], 1)
    return result


def keystrokes_beside_bulk(target, socksload, seconds):
    """One-byte answers on a stream kept open while another stream downloads as fast as it can."""
    (download,) = curls(target, 1, 3 * seconds, "size_download", "big")
    try:
        time.sleep(0.2 * seconds)        # until the download has filled its windows
        return small_fetches(target, socksload, "ka", 1, 300, seconds, "one")
    finally:
        download.terminate()
        download.communicate()


def bulk_size(speed, seconds, streams):
    """Bytes a stream so that all take about `seconds` at `speed` MB/s in all."""
    return int(min(BIG, max(16 * MIB / streams, speed * 1e6 * seconds / streams)))


def one_round(target, socksload, seconds):
    """Everything but the idle test, once."""
    result = {}
    with machine_lock():
        fetch(target, 1, 4 * MIB, 20)                        # warm up
        speed = fetch(target, 1, 32 * MIB, 10)["MBps"]       # and aim
        result["one"] = fetch(target, 1, bulk_size(speed, seconds, 1), 3 * seconds)
        result["eight"] = fetch(target, 8, bulk_size(speed, 1.5 * seconds, 8), 4 * seconds)
        result["sixty_four"] = fetch(target, 64, bulk_size(speed, 1.5 * seconds, 64), 5 * seconds)
        if target.socks_capable:
            result["upload"] = send(target, bulk_size(speed, 0.75 * seconds, 1), 4 * seconds)
            small_fetches(target, socksload, "rate", 1, 10, 5)
            result["new_stream"] = small_fetches(target, socksload, "rate", 1, 100, 15)
            result["kept_stream"] = small_fetches(target, socksload, "ka", 1, 300, 15)
            result["many"] = small_fetches(target, socksload, "rate", 32, 60000, 1.25 * seconds)
            result["keystroke"] = small_fetches(target, socksload, "ka", 1, 300, seconds, "one")
            result["keystroke_beside_bulk"] = keystrokes_beside_bulk(target, socksload, seconds)
    return result


def idle_memory(target, socksload):
    """Opens SOCKS streams to the origin and holds them; growth of resident memory per stream."""
    with machine_lock():
        small_fetches(target, socksload, "rate", 1, 20, 10)
        before = target.chain.memory()
        holder = subprocess.Popen(
            [socksload, "-o", f"127.0.0.1:{target.origin.port}", "-s", target.socks, "-m", "idle", "-c", "32",
             "-n", str(target.idle_streams), "-t", "60"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = holder.stdout.readline()
        time.sleep(1.5)
        after = target.chain.memory()
        holder.communicate(timeout=70)
    match = re.match(r"READY (\d+) held (\d+) failed", line)
    held, failed = (int(match[1]), int(match[2])) if match else (0, target.idle_streams)
    growth = {role: after[role] - before.get(role, 0) for role in after}
    return {"held": held, "failed": failed, "resident_kB": before,
            "kB_per_stream": sum(growth.values()) / max(held, 1),
            "kB_per_stream_by_role": {role: round(kb / max(held, 1), 2) for role, kb in growth.items()}}
