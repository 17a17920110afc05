"""shadowsocks-libev: ss-local (SOCKS) -> ss-server -> origin."""
import json

from chain import free_port
from target import Target


class Chacha(Target):
    name, hops, what = "shadowsocks", 1, "ss-local -> ss-server, AEAD chacha20-ietf-poly1305"
    packages, needs = ("shadowsocks-libev",), ("ss-local", "ss-server")
    method = "chacha20-ietf-poly1305"

    def start(self):
        server_port, local_port = free_port(), free_port()
        common = {"server": "127.0.0.1", "server_port": server_port, "password": "bench",
                  "method": self.method, "timeout": 600, "no_delay": True, "nofile": 16384}
        local = dict(common, local_address="127.0.0.1", local_port=local_port)
        for role, config, port in (("ss-server", common, server_port), ("ss-local", local, local_port)):
            self.chain.spawn(role, [role, "-c", self.chain.write(role + ".json", json.dumps(config))], port)
        self.socks = f"127.0.0.1:{local_port}"


class Aes(Chacha):
    name, what, method = "shadowsocks-aes", "the same, aes-128-gcm", "aes-128-gcm"
    idle_streams = 0
