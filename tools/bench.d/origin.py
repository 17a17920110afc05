"""The web server every target fetches from: nginx on loopback, plain HTTP and TLS 1.3; uploads go on to a sink."""
import os

from chain import Chain, free_port, run
from native import build
from target import program

MIB, GIB = 1 << 20, 1 << 30
BIG = 512 * MIB     # bytes of /big, random so that nothing can compress it
SMALL = 1024        # bytes of /small
ONE = 1             # and of /one: a keystroke's echo

CONFIG = """
{user}
worker_processes 2; daemon off; pid nginx.pid; error_log stderr warn; worker_rlimit_nofile 65536;
events {{ worker_connections 16384; }}
http {{
    access_log off; sendfile on; tcp_nopush on; root www;
    keepalive_requests 100000000; keepalive_timeout 900s; client_header_timeout 900s;
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
    ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;
    server {{ listen 127.0.0.1:{port} backlog=4096;
             location = /sink {{ client_max_body_size 0; proxy_request_buffering off; proxy_http_version 1.1;
                                proxy_pass http://127.0.0.1:{sink_port}; }} }}
    server {{ listen 127.0.0.1:{aes_port} ssl backlog=4096;
             ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; }}
    server {{ listen 127.0.0.1:{chacha_port} ssl backlog=4096;
             ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256; }}
}}
"""


class Origin:
    def __init__(self, folder):
        self.chain = Chain(folder)
        self.port, self.aes_port, self.chacha_port = free_port(), free_port(), free_port()
        self.sink_port = free_port()
        self.certificate, self.key = self.chain.path("cert.pem"), self.chain.path("key.pem")
        self._documents()
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=bench.example", "-addext", "subjectAltName=DNS:bench.example,IP:127.0.0.1",
            "-days", "30", "-keyout", self.key, "-out", self.certificate)
        user = "user root;" if os.getuid() == 0 else ""
        self.chain.write("nginx.conf", CONFIG.format(user=user, port=self.port, aes_port=self.aes_port,
                                                     chacha_port=self.chacha_port,
                                                     sink_port=self.sink_port))
        self.chain.spawn("sink", [build("sink", folder), f"127.0.0.1:{self.sink_port}"], self.sink_port)
        self.chain.spawn("origin", [program("nginx"), "-p", folder, "-c", "nginx.conf"], self.port)

    def _documents(self):
        os.makedirs(self.chain.path("www"))
        block = os.urandom(64 * MIB)
        with open(self.chain.path("www/big"), "wb") as f:
            for _ in range(BIG // len(block)):
                f.write(block)
        for name, size in ("small", SMALL), ("one", ONE):
            with open(self.chain.path(f"www/{name}"), "wb") as f:
                f.write(block[:size])

    @property
    def big(self):
        """A file to send."""
        return self.chain.path("www/big")
