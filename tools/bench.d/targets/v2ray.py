"""v2ray 4: SOCKS client -> VLESS or VMess over TLS -> origin. One TLS connection per stream unless muxed."""
import json

from chain import free_port
from target import Target

USER = "11111111-2222-4333-8444-555555555555"


class Vless(Target):
    name, hops, what = "v2ray-vless", 1, "v2ray VLESS over TLS 1.3 (Go crypto/tls, AES-128-GCM)"
    packages, needs = ("v2ray",), ("v2ray",)
    protocol, mux = "vless", False

    def start(self):
        server_port, client_port = free_port(), free_port()
        self._spawn("server", server_port, self._server(server_port))
        self._spawn("client", client_port, self._client(server_port, client_port))
        self.socks = f"127.0.0.1:{client_port}"

    def _spawn(self, kind, port, config):
        config["log"] = {"loglevel": "error"}
        path = self.chain.write(kind + ".json", json.dumps(config))
        self.chain.spawn("v2ray-" + kind, ["v2ray", "-config", path], port)

    def _server(self, port):
        if self.protocol == "vless":
            settings = {"clients": [{"id": USER}], "decryption": "none"}
        else:
            settings = {"clients": [{"id": USER, "alterId": 0}]}
        certificate = {"certificateFile": self.origin.certificate, "keyFile": self.origin.key}
        return {"inbounds": [{"listen": "127.0.0.1", "port": port, "protocol": self.protocol,
                              "settings": settings,
                              "streamSettings": {"network": "tcp", "security": "tls",
                                                 "tlsSettings": {"certificates": [certificate]}}}],
                "outbounds": [{"protocol": "freedom"}]}

    def _client(self, server_port, port):
        if self.protocol == "vless":
            user = {"id": USER, "encryption": "none"}
        else:
            user = {"id": USER, "alterId": 0, "security": "chacha20-poly1305"}
        tls = {"serverName": "bench.example", "allowInsecure": True}
        return {"inbounds": [{"listen": "127.0.0.1", "port": port, "protocol": "socks",
                              "settings": {"udp": False}}],
                "outbounds": [{"protocol": self.protocol,
                               "settings": {"vnext": [{"address": "127.0.0.1", "port": server_port,
                                                       "users": [user]}]},
                               "streamSettings": {"network": "tcp", "security": "tls", "tlsSettings": tls},
                               "mux": {"enabled": self.mux, "concurrency": 1024}}]}


class Vmess(Vless):
    name, protocol = "v2ray-vmess", "vmess"
    what = "v2ray VMess (inner chacha20-poly1305) inside TLS 1.3: two layers of encryption"


class Muxed(Vless):
    name, mux = "v2ray-vless-mux", True
    what = "v2ray VLESS over TLS 1.3 with mux on (streams share TLS connections)"
