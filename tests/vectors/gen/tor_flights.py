#!/usr/bin/env python3
"""Records how Tor's clients begin: what each says first and the relay's answer to it, on loopback.

A bridge of this machine's tor listens behind a recorder, and a fresh client is started for every row. Nothing leaves
the machine. Prints the lines of ../tor/first-flights.txt: a client's first payload and the relay's first flight.
"""
import argparse
import pathlib
import select
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 60
BRIDGE = """DataDirectory {folder}
ORPort 127.0.0.1:{port} IPv4Only
Address 127.0.0.1
BridgeRelay 1
PublishServerDescriptor 0
AssumeReachable 1
SocksPort 0
ExitRelay 0
Log notice stdout
"""
CLIENT = """DataDirectory {folder}
UseBridges 1
Bridge 127.0.0.1:{port}
SocksPort 0
Log notice stdout
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(folder, name, text):
    place = pathlib.Path(folder, name)
    place.mkdir(mode=0o700)
    torrc = place / "torrc"
    torrc.write_text(text.replace("{folder}", str(place)), encoding="ascii")
    with open(place / "log", "wb") as log:
        return subprocess.Popen(["tor", "-f", str(torrc), "--hush"], stdout=log, stderr=log)


def wait_for(port):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit("tor_flights: the bridge does not listen")


def flight(client, server):
    """What the client said first, and what the server said until the client spoke again."""
    said = [b"", b""]
    ends = [client, server]
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for s in select.select(ends, [], [], 1)[0]:
            piece = s.recv(65536)
            i = ends.index(s)
            if not piece or (i == 0 and said[1]):
                return said
            said[i] += piece
            ends[1 - i].sendall(piece)
    sys.exit("tor_flights: no handshake came about")


def one_row(listener, bridge, folder, number):
    client = start(folder, f"client-{number}", CLIENT.replace("{port}", str(listener.getsockname()[1])))
    try:
        listener.settimeout(PATIENCE)
        with listener.accept()[0] as inner, socket.create_connection(("127.0.0.1", bridge)) as outer:
            return flight(inner, outer)
    finally:
        client.terminate()
        client.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20)
    rows = parser.parse_args().rows
    version = subprocess.run(["tor", "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        bridge = start(folder, "bridge", BRIDGE.replace("{port}", str(port)))
        try:
            wait_for(port)
            print(f"# {version}")
            print("# what a client sent first, then the relay's first flight")
            for number in range(rows):
                print(*(s.hex() for s in one_row(listener, port, folder, number)), flush=True)
        finally:
            bridge.terminate()
            bridge.wait()


if __name__ == "__main__":
    main()
