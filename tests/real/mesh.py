"""What the tests of whole meshes stand on: a localnet, a web server that misbehaves to order, curl.

QNET names the program under test, QNET_BUILD its build type (sanitized builds move fewer bytes).
"""
import contextlib
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
QNET = os.environ.get("QNET", os.path.join(ROOT, "build", "dev", "bin", "qnet"))
RELEASE = os.environ.get("QNET_BUILD", "Debug") == "Release"
PATIENCE = 20  # seconds any one condition may take
MIB = 1 << 20


def wait_for(done, what, seconds=PATIENCE):
    """Polls until done() gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        result = done()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def has_ended(pid):
    """Gone, or a zombie of somebody who does not look. A zombie whose other threads are still to end holds its files and
    locks as long as they do."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            state = f.read().rpartition(")")[2].split()[0]
        return state in "ZX" and len(os.listdir(f"/proc/{pid}/task")) <= 1
    except OSError:
        return True


def host_port(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def ask(address, document="status"):
    connection = http.client.HTTPConnection(*host_port(address), timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", f"/{document}")
        return json.load(connection.getresponse())


# ---- a web server -----------------------------------------------------------------------------

_BLOCK = random.Random(7).randbytes(MIB)


def chunks(size):
    """The first `size` bytes every test serves; each MiB is numbered, so none can take another's place."""
    for i in range(0, size, MIB):
        yield (struct.pack(">Q", i) + _BLOCK[8:])[:size - i]


def digest(size):
    sha = hashlib.sha256()
    for chunk in chunks(size):
        sha.update(chunk)
    return sha.hexdigest()


class Web:
    """GET /file/N: N bytes. /half/N: half of them, then nothing more. /reset/N: half, then RST.
    /slow/N: N bytes, 64 KiB each tenth of a second. /short/N: half, then FIN, as if it were all. /gate/N: half, and the rest once `gate` is set. PUT /take/N: answers with the SHA-256 of the body."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = "%s:%d" % self.listener.getsockname()[:2]
        self.closing, self.gate = threading.Event(), threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.closing.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while not self.closing.is_set():
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with conn, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                got = conn.recv(65536)
                if not got:
                    return
                request += got
            manner, size = re.match(rb"[A-Z]+ /(\w+)/(\d+) ", request).groups()
            if manner == b"take":
                self.take(conn, request.partition(b"\r\n\r\n")[2], int(size))
            else:
                self.answer(conn, manner, int(size))

    @staticmethod
    def take(conn, begun, size):
        sha, left = hashlib.sha256(begun), size - len(begun)
        while left > 0 and (got := conn.recv(min(left, MIB))):
            sha.update(got)
            left -= len(got)
        conn.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + sha.hexdigest().encode())

    def answer(self, conn, manner, size):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
        if manner == b"file":
            for chunk in chunks(size):
                conn.sendall(chunk)
            return
        if manner == b"slow":
            for chunk in chunks(size):
                for at in range(0, len(chunk), 65536):
                    conn.sendall(chunk[at:at + 65536])
                    self.closing.wait(0.1)
            return
        if manner == b"gate":
            for i, chunk in enumerate(chunks(size)):
                if i * MIB == size // 2:
                    self.gate.wait(3 * PATIENCE)
                conn.sendall(chunk)
            return
        for chunk in chunks(size // 2):
            conn.sendall(chunk)
        if manner == b"half":
            conn.recv(1)  # until the other side gives up
        elif manner == b"reset":
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# ---- curl -------------------------------------------------------------------------------------


class Fetch:
    """A running curl; its body is hashed as it comes, `received` counts it."""

    def __init__(self, socks, url, user=None, limit=PATIENCE, *more):
        proxy = f"socks5h://{user}:x@{socks}" if user else f"socks5h://{socks}"
        self.process = subprocess.Popen(
            ["curl", "-sSN", "--max-time", str(limit), "-x", proxy, *more, url],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.sha, self.received = hashlib.sha256(), 0
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while got := self.process.stdout.read1(MIB):
            self.sha.update(got)
            self.received += len(got)

    def kill(self):
        self.process.kill()
        self.end()

    def end(self):
        """curl's exit status, after everything was read."""
        self.reader.join()
        self.error = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait()


# ---- SOCKS by hand ----------------------------------------------------------------------------


def exactly(conn, n):
    data = b""
    while len(data) < n:
        got = conn.recv(n - len(data))
        if not got:
            raise EOFError(f"ended after {len(data)} of {n} bytes")
        data += got
    return data


def socks_open(socks, command, dest, timeout=PATIENCE):
    """Greets and asks; returns (conn, reply code)."""
    conn = socket.create_connection(host_port(socks), timeout=timeout)
    conn.sendall(b"\x05\x01\x00")
    assert exactly(conn, 2) == b"\x05\x00"
    host, port = host_port(dest)
    try:
        where = b"\x01" + socket.inet_pton(socket.AF_INET, host)
    except OSError:
        where = b"\x03" + bytes([len(host)]) + host.encode()
    conn.sendall(bytes([5, command, 0]) + where + struct.pack(">H", port))
    reply = exactly(conn, 4)
    exactly(conn, 6 if reply[3] == 1 else 18)
    return conn, reply[1]


# ---- a mesh -----------------------------------------------------------------------------------


class Mesh:
    def __init__(self, *arguments):
        self.folder = tempfile.mkdtemp(prefix="qnet-mesh.")
        done = self.localnet("up", self.folder, "--qnet", QNET, *arguments)
        if done.returncode != 0:
            shutil.rmtree(self.folder)
            raise AssertionError(f"localnet up failed:\n{done.stderr}")
        self.about = json.loads(done.stdout)
        for node in self.about["nodes"] + self.about["clients"]:
            node.update({key: f"127.0.0.1:{node[key]}" for key in ("socks", "status") if node.get(key)})
        self.nodes = {n["name"]: n for n in self.about["nodes"]}
        self.names = {n["peer_id"]: n["name"] for n in self.about["nodes"]}
        self.again = {}  # processes that restart made, by node
        self.socks = self.about["clients"][0]["socks"] if self.about["clients"] else None

    @staticmethod
    def localnet(*arguments):
        return subprocess.run([os.path.join(ROOT, "tools", "localnet"), *arguments],
                              capture_output=True, text=True, timeout=60, check=False)

    def kill(self, name):
        """As kill -9 does; the process is gone, and with it its lock."""
        os.kill(self.nodes[name]["pid"], signal.SIGKILL)
        if name in self.again:
            self.again.pop(name).wait()
        wait_for(lambda: has_ended(self.nodes[name]["pid"]), f"the end of {name}")

    def restart(self, name, *more):
        """Begins a killed node again, where it listened before; back once it says that it is ready."""
        node, path = self.nodes[name], os.path.join(self.folder, name)
        if node.get("port"):
            more = ("--listen", f"127.0.0.1:{node['port']}", *more)
        with open(path + ".log", "ab") as log:
            process = subprocess.Popen([QNET, "run", "--config", path + ".yaml", *more], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
        self.again[name], node["pid"] = process, process.pid
        node.update(wait_for(lambda: self.ready(name, process), f"{name} is ready again"))
        if name == "client1":
            self.socks = node["socks"]

    def ready(self, name, process):
        """Where a node that is starting can be reached: its ports are not those it had."""
        if process.poll() is not None:
            raise AssertionError(f"{name} ended with status {process.returncode}")
        try:
            with open(os.path.join(self.folder, name, "run.json"), encoding="utf-8") as f:
                run = json.load(f)
        except (OSError, ValueError):
            return None
        return {key: run[key] for key in ("socks", "status")} if run["pid"] == process.pid else None

    def down(self):
        for process in self.again.values():
            process.terminate()
        for process in self.again.values():
            process.wait(timeout=PATIENCE)
        done = self.localnet("down", self.folder)
        complaints = self.sanitizer_reports()
        shutil.rmtree(self.folder)
        if done.returncode != 0 or complaints:
            raise AssertionError(f"localnet down: {done.stderr}{complaints}")

    def sanitizer_reports(self):
        found = ""
        for name in self.nodes:
            with open(os.path.join(self.folder, name + ".log"), encoding="utf-8",
                      errors="replace") as log:
                text = log.read()
            if "Sanitizer" in text or "runtime error" in text:
                found += f"\n--- {name}\n{text[-4000:]}"
        return found

    def status(self, name):
        return ask(self.nodes[name]["status"])

    def record(self):
        """What localnet itself keeps of its processes."""
        with open(os.path.join(self.folder, "localnet.json"), encoding="utf-8") as f:
            return json.load(f)

    def origin(self, node):
        """The web site a node stands in front of: its name, port and pid."""
        return next(o for o in self.about["origins"] if o["node"] == node)

    def paths_in_use(self):
        """For each of the client's circuits and one-hop routes that carries a stream now: its hops' names."""
        circuits = ask(self.nodes["client1"]["status"], "circuits")["circuits"]
        return [[self.names[hop] for hop in c["hops"]] for c in circuits if c["streams"] > 0]

    def traffic(self):
        """Bytes in plus bytes out of every node so far, halved: what passed through."""
        answers = {name: self.status(name) for name in self.nodes}
        return {name: (s["bytes_in"] + s["bytes_out"]) // 2 for name, s in answers.items()}


class MeshTest(unittest.TestCase):
    """One mesh and one web server for the tests of a class."""

    arguments = []

    @classmethod
    def setUpClass(cls):
        if shutil.which("curl") is None:
            raise unittest.SkipTest("curl is not installed")
        cls.web = Web()
        cls.addClassCleanup(cls.web.close)
        cls.mesh = Mesh("--exit-allow", cls.web.address, *cls.arguments)
        cls.addClassCleanup(lambda: cls.mesh.down())  # whichever it is by then

    def url(self, manner, size):
        return f"http://{self.web.address}/{manner}/{size}"

    def fetch(self, manner, size, user=None, limit=PATIENCE):
        return Fetch(self.mesh.socks, self.url(manner, size), user, limit)

    def half_done(self, size, user=None):
        """A transfer that stands still after half of its `size`: the fetch and its path."""
        wait_for(lambda: not self.mesh.paths_in_use(), "no streams of earlier fetches")
        fetch = self.fetch("half", size, user, limit=40)
        path = wait_for(self.mesh.paths_in_use, "a path with a stream")[0]
        wait_for(lambda: fetch.received == size // 2, "half of the body")
        return fetch, path

    def assert_whole(self, size, user=None, limit=PATIENCE):
        fetch = self.fetch("file", size, user, limit)
        self.assertEqual(fetch.end(), 0, fetch.error)
        self.assertEqual(fetch.received, size)
        self.assertEqual(fetch.sha.hexdigest(), digest(size))


def main():
    """unittest.main, but a run in which everything was skipped says so to ctest."""
    program = unittest.main(module="__main__", verbosity=2, exit=False)
    if not program.result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if program.result.testsRun == len(program.result.skipped) else 0)
