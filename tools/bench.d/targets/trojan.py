"""trojan: SOCKS client -> TLS 1.3 server that looks like a web server -> origin."""
import json

from chain import free_port
from target import Target

TCP = {"no_delay": True, "keep_alive": True, "reuse_port": False, "fast_open": False}


class Aes(Target):
    name, hops = "trojan", 1
    what = "trojan client -> trojan server, TLS 1.3 (AES-128-GCM), one TLS connection per stream"
    packages, needs = ("trojan",), ("trojan",)
    suite = "TLS_AES_128_GCM_SHA256"

    def start(self):
        server_port, client_port = free_port(), free_port()
        self._spawn("server", server_port, self._server(server_port))
        self._spawn("client", client_port, self._client(server_port, client_port))
        self.socks = f"127.0.0.1:{client_port}"

    def _spawn(self, kind, port, config):
        path = self.chain.write(kind + ".json", json.dumps(config))
        self.chain.spawn("trojan-" + kind, ["trojan", "-c", path], port)

    def _server(self, port):
        tls = {"cert": self.origin.certificate, "key": self.origin.key, "key_password": "", "cipher": "",
               "cipher_tls13": self.suite, "prefer_server_cipher": True, "alpn": ["http/1.1"],
               "alpn_port_override": {}, "reuse_session": True, "session_ticket": True,
               "session_timeout": 600, "plain_http_response": "", "curves": "", "dhparam": ""}
        return {"run_type": "server", "local_addr": "127.0.0.1", "local_port": port,
                "remote_addr": "127.0.0.1", "remote_port": self.origin.port, "password": ["bench"],
                "log_level": 3, "ssl": tls, "mysql": {"enabled": False},
                "tcp": dict(TCP, prefer_ipv4=True, fast_open_qlen=20)}

    def _client(self, server_port, port):
        tls = {"verify": True, "verify_hostname": True, "cert": self.origin.certificate, "cipher": "",
               "cipher_tls13": self.suite, "sni": "bench.example", "alpn": ["h2", "http/1.1"],
               "reuse_session": True, "session_ticket": True, "curves": ""}
        return {"run_type": "client", "local_addr": "127.0.0.1", "local_port": port,
                "remote_addr": "127.0.0.1", "remote_port": server_port, "password": ["bench"],
                "log_level": 3, "ssl": tls, "tcp": dict(TCP, fast_open_qlen=20)}


class Chacha(Aes):
    name, what, suite = "trojan-chacha", "the same, ChaCha20-Poly1305", "TLS_CHACHA20_POLY1305_SHA256"
    idle_streams = 0
