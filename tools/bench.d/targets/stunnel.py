"""stunnel client -> TLS 1.3 -> stunnel server -> microsocks -> origin (a thread per connection)."""
from chain import free_port
from target import Target

COMMON = """
foreground = yes
syslog = no
debug = 3
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
pid = {pid}
[bench]
accept = 127.0.0.1:{accept}
connect = 127.0.0.1:{connect}
sslVersion = TLSv1.3
"""


class Stunnel(Target):
    name, hops, what = "stunnel", 1, "stunnel (TLS 1.3, AES-256-GCM) in front of microsocks"
    packages, needs = ("stunnel4", "microsocks"), ("stunnel4", "microsocks")

    def start(self):
        chain, proxy, server, client = self.chain, free_port(), free_port(), free_port()
        server_config = chain.write("server.conf", COMMON.format(
            pid=chain.path("server.pid"), accept=server, connect=proxy) +
            f"cert = {self.origin.certificate}\nkey = {self.origin.key}\n")
        client_config = chain.write("client.conf", COMMON.format(
            pid=chain.path("client.pid"), accept=client, connect=server) + "client = yes\n")
        chain.spawn("microsocks", ["microsocks", "-i", "127.0.0.1", "-p", str(proxy)], proxy)
        chain.spawn("stunnel-server", ["stunnel4", server_config], server)
        chain.spawn("stunnel-client", ["stunnel4", client_config], client)
        self.socks = f"127.0.0.1:{client}"
