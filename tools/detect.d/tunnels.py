"""Tunnels a browser is sent through: each a context manager that yields the port of its SOCKS listener.

Trojan and VMess are Debian's programs; bare and HTX are a mesh of tools/localnet.
"""
import contextlib
import json
import pathlib
import socket
import subprocess
import tempfile
import time

from lab import free_port, program

TOOLS = pathlib.Path(__file__).resolve().parents[1]
QNET = TOOLS.parent / "build/release/bin/qnet"
USER = "11111111-2222-4333-8444-555555555555"


def wait_for(port):
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port}")


@contextlib.contextmanager
def programs(folder, name, flag, server, client, ports):
    children = []
    try:
        for config, kind, port in ((server, "server", ports[0]), (client, "client", ports[1])):
            path = folder / f"{name}-{kind}.json"
            path.write_text(json.dumps(config))
            children.append(subprocess.Popen([program(name, " --detect"), flag, str(path)], stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait_for(port)
        yield ports[1]
    finally:
        for child in children:
            child.terminate()
            child.wait(10)


def trojan(outer, folder):
    server, client = outer.target[1], free_port()
    tls = {"cert": f"{folder}/cert.pem", "key": f"{folder}/key.pem", "alpn": ["http/1.1"]}
    return programs(folder, "trojan", "-c", {
        "run_type": "server", "local_addr": "127.0.0.1", "local_port": server, "remote_addr": "127.0.0.1", "remote_port": 80,
        "password": ["lab"], "log_level": 5, "ssl": tls}, {
        "run_type": "client", "local_addr": "127.0.0.1", "local_port": client, "remote_addr": "127.0.0.1",
        "remote_port": outer.port, "password": ["lab"], "log_level": 5,
        "ssl": {"verify": False, "verify_hostname": False, "sni": "tunnel.pages.example", "alpn": ["h2", "http/1.1"]},
    }, (server, client))


def vmess(outer, folder):
    server, client = outer.target[1], free_port()
    tls = {"certificates": [{"certificateFile": f"{folder}/cert.pem", "keyFile": f"{folder}/key.pem"}]}
    user = {"id": USER, "alterId": 0}
    return programs(folder, "v2ray", "-config", {
        "log": {"loglevel": "none"}, "outbounds": [{"protocol": "freedom"}],
        "inbounds": [{"listen": "127.0.0.1", "port": server, "protocol": "vmess", "settings": {"clients": [user]},
                      "streamSettings": {"network": "tcp", "security": "tls", "tlsSettings": tls}}]}, {
        "log": {"loglevel": "none"},
        "inbounds": [{"listen": "127.0.0.1", "port": client, "protocol": "socks", "settings": {"udp": False}}],
        "outbounds": [{"protocol": "vmess", "settings": {"vnext": [{"address": "127.0.0.1", "port": outer.port,
                                                                  "users": [user | {"security": "auto"}]}]},
                       "streamSettings": {"network": "tcp", "security": "tls",
                                          "tlsSettings": {"serverName": "tunnel.pages.example", "allowInsecure": True}}}],
    }, (server, client))


@contextlib.contextmanager
def mesh(carrier, folder):
    """(SOCKS port, ports of the nodes a client may dial)"""
    command, place = [str(TOOLS / "localnet")], tempfile.mkdtemp(prefix=carrier, dir=folder)
    up = subprocess.run([*command, "up", place, "--supers", "1", "--relays", "0", "--exits", "1", "--clients", "1", "--carrier",
                         carrier, *(["--origin", "nginx"] if carrier == "htx" else [])],
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    if up.returncode:
        raise RuntimeError(f"the mesh over {carrier} did not come up: {up.stderr[-400:]}")
    try:
        said = json.loads(up.stdout)
        yield said["clients"][0]["socks"], [n["port"] for n in said["nodes"] if n["port"]]
    finally:
        subprocess.run([*command, "down", place], capture_output=True, timeout=60, check=False)
