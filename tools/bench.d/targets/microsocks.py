"""A plain SOCKS5 server, no encryption: what one user-space relay costs."""
from chain import free_port
from target import Target


class Microsocks(Target):
    name, hops, what = "socks-plain", 1, "microsocks, no encryption, a thread per connection"
    packages, needs = ("microsocks",), ("microsocks",)

    def start(self):
        port = free_port()
        self.chain.spawn("microsocks", ["microsocks", "-i", "127.0.0.1", "-p", str(port)], port)
        self.socks = f"127.0.0.1:{port}"
