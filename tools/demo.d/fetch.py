"""Fetches pages directly, through one hop and through three, and shows path, speed and who carried what.

usage: fetch.py LOCALNET.json URL BIGFILE    (tools/demo calls it)
"""
import hashlib
import json
import statistics
import subprocess
import sys
import threading
import urllib.request

PAGES = 20  # fetches the median time to first byte is taken of
RUNS = 3  # large transfers the median throughput is taken of
ROUTES = ("direct", "fast", "privacy")
HOPS = {"direct": 0, "fast": 1, "privacy": 3}
MIB = 1 << 20

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def here(port):
    return f"127.0.0.1:{port}"


def ask(address, document):
    with opener.open(f"http://{address}/{document}", timeout=5) as answer:
        return json.load(answer)


def curl(socks, route, url, *more):
    """The command. The SOCKS user name chooses the route."""
    proxy = ["--socks5-hostname", socks, "--proxy-user", f"{route}:demo"] if route != "direct" else []
    return ["curl", "-sS", "--fail", "--max-time", "60", *proxy, *more, url]


def measure(socks, route, url, field):
    command = curl(socks, route, url, "-o", "/dev/null", "-w", f"%{{{field}}}")
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def digest(socks, route, url):
    """SHA-256 of what arrives."""
    sha = hashlib.sha256()
    with subprocess.Popen(curl(socks, route, url), stdout=subprocess.PIPE) as process:
        while chunk := process.stdout.read(MIB):
            sha.update(chunk)
    if process.returncode != 0:
        raise SystemExit(f"demo: curl ended with status {process.returncode}")
    return sha.hexdigest()


class Watch(threading.Thread):
    """Notes the hops of the circuit that carries a stream while a transfer runs."""

    def __init__(self, client, names):
        super().__init__(daemon=True)
        self.client, self.names, self.path, self.over = client, names, None, threading.Event()

    def run(self):
        while not self.over.is_set() and self.path is None:
            for circuit in ask(self.client, "circuits")["circuits"]:
                if circuit["streams"] > 0:
                    self.path = [self.names[hop] for hop in circuit["hops"]]

    def end(self):
        self.over.set()
        self.join()
        return self.path


def carried(nodes):
    """Bytes that came into each process and bytes that left it, so far."""
    answers = {n["name"]: ask(here(n["status"]), "status") for n in nodes}
    return {name: (s["bytes_in"], s["bytes_out"]) for name, s in answers.items()}


def transfer(net, names, route, url, want):
    """One checked transfer: its path, and what each process carried of it."""
    client = net["clients"][0]
    before = carried(net["nodes"])
    watch = Watch(here(client["status"]), names)
    if route != "direct":
        watch.start()
    if digest(here(client["socks"]), route, url) != want:
        raise SystemExit(f"demo: {route}: what arrived is not what was sent")
    path = watch.end() if route != "direct" else []
    after = carried(net["nodes"])
    return path, {name: tuple(b - a for a, b in zip(before[name], after[name])) for name in after}


def file_digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def show_speeds(rows):
    print(f"\n  {'route':8} {'hops':>4}  {'path':38} {'first byte':>11} {'throughput':>12}")
    for route, path, first, speed in rows:
        shown = " > ".join(["client1", *path]) if path else "-"
        print(f"  {route:8} {HOPS[route]:4}  {shown:38} {first * 1e3:8.2f} ms {speed / 1e6:7.0f} MB/s")
    print(f"  (medians: {PAGES} pages; {RUNS} transfers)")


def show_carriers(nodes, rows, size):
    """The proof: who carried the checked transfer is who the path names, and nobody else."""
    print(f"\n  MiB into and out of each process during one checked transfer of {size // MIB} MiB")
    print(f"  {'process':10}" + "".join(f"{route:>20}" for route, _, _ in rows))
    honest = True
    for node in nodes:
        cells = []
        for route, path, bytes_by in rows:
            on_path = route != "direct" and node["name"] in ["client1", *path]
            came, went = bytes_by[node["name"]]
            honest &= min(came, went) >= size if on_path else max(came, went) < size // 8
            cells.append(f"{came / MIB:8.1f} {went / MIB:8.1f} {'*' if on_path else ' '}")
        print(f"  {node['name']:10}" + "".join(f"{cell:>20}" for cell in cells))
    print("  * on the path" + ("; exactly these carried the bytes" if honest else ""))
    return honest


def main(net_file, url, big_file):
    with open(net_file, encoding="utf-8") as f:
        net = json.load(f)
    names = {n["peer_id"]: n["name"] for n in net["nodes"]}
    socks, want = here(net["clients"][0]["socks"]), file_digest(big_file)
    speeds, carriers, size = [], [], 0
    for route in ROUTES:
        print(f"  {route}: pages, then large transfers", flush=True)
        path, bytes_by = transfer(net, names, route, f"{url}/big", want)
        first = [measure(socks, route, f"{url}/", "time_starttransfer") for _ in range(PAGES)]
        speed = [measure(socks, route, f"{url}/big", "speed_download") for _ in range(RUNS)]
        if route != "direct" and (path is None or len(path) != HOPS[route]):
            raise SystemExit(f"demo: {route} was to have {HOPS[route]} hops, not {path}")
        speeds.append((route, path, statistics.median(first), statistics.median(speed)))
        carriers.append((route, path, bytes_by))
    with open(big_file, "rb") as f:
        size = f.seek(0, 2)
    show_speeds(speeds)
    if not show_carriers(net["nodes"], carriers, size):
        raise SystemExit("demo: some other process carried the bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
