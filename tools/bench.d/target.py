"""What a target is, and where targets are found: every class with a name in targets/*.py."""
import importlib.util
import inspect
import os
import shutil

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class Target:
    name = ""             # in the table and for --only
    hops = 0              # relays between the client program and the origin
    what = ""             # one line: the chain and its ciphers
    packages = ()         # Debian packages that bring it
    needs = ()            # their executables
    socks_capable = True  # False: reached by URL (plain https)
    idle_streams = 2000   # 0: no idle-memory test
    settle = 0.5          # seconds between a chain that answers and one that has calmed down

    def __init__(self, chain, origin):
        self.chain, self.origin = chain, origin
        self.socks = None

    @classmethod
    def missing(cls):
        return [name for name in cls.needs if not shutil.which(name, path=PATH)]

    def start(self):
        """Starts the chain and sets self.socks to "127.0.0.1:PORT" (None: no proxy)."""

    def stop(self):
        self.chain.stop()

    def url(self, document):
        return f"http://127.0.0.1:{self.origin.port}/{document}"

    def curl_options(self):
        return ["--socks5", self.socks] if self.socks else []


def program(name):
    """An executable that may live in an sbin directory."""
    return shutil.which(name, path=PATH)


def all_targets():
    folder = os.path.join(HERE, "targets")
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".py"):
            continue
        spec = importlib.util.spec_from_file_location("target_" + file[:-3], os.path.join(folder, file))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for found in vars(module).values():          # in the order written
            if inspect.isclass(found) and issubclass(found, Target) and found.name:
                yield found
