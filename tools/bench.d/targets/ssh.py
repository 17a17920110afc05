"""OpenSSH dynamic forwarding: ssh -D (SOCKS) -> sshd -> origin; all streams in one connection."""
import os

from chain import free_port, run
from target import Target, program

SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {host_key}
AuthorizedKeysFile {user_key}.pub
StrictModes no
PidFile none
UsePAM no
PermitRootLogin yes
AllowTcpForwarding yes
"""


class Chacha(Target):
    name, hops = "ssh-D", 1
    what = "ssh -D -> sshd, chacha20-poly1305@openssh.com, all streams in one TCP connection"
    packages, needs = ("openssh-client", "openssh-server"), ("ssh", "sshd")
    cipher = "chacha20-poly1305@openssh.com"

    def start(self):
        chain, server_port, socks_port = self.chain, free_port(), free_port()
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)      # sshd refuses to start without
        for key in ("host", "user"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", chain.path(key))
        config = chain.write("sshd_config", SERVER.format(
            port=server_port, host_key=chain.path("host"), user_key=chain.path("user")))
        chain.spawn("sshd", [program("sshd"), "-D", "-e", "-f", config], server_port)
        options = ["BatchMode=yes", "Compression=no", "StrictHostKeyChecking=no",
                   f"UserKnownHostsFile={chain.path('known')}"]
        chain.spawn("ssh", ["ssh", "-F", "none", "-N", "-D", f"127.0.0.1:{socks_port}", "-p", str(server_port),
                            "-i", chain.path("user"), "-c", self.cipher,
                            *(word for option in options for word in ("-o", option)), "127.0.0.1"], socks_port)
        self.socks = f"127.0.0.1:{socks_port}"


class Aes(Chacha):
    name, what, cipher = "ssh-D-aes", "the same, aes128-gcm@openssh.com", "aes128-gcm@openssh.com"
    idle_streams = 0
