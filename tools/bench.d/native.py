"""Compiles the small C programs of native/ into a run's own folder."""
import os

from chain import run
from target import HERE

PROGRAMS = {
    "floor": (["floor.c", "net.c"], ["-lcrypto"]),
    "sink": (["sink.c", "net.c"], []),
    "socksload": (["socksload.c", "net.c"], []),
    "httpload": (["httpload.c"], []),
    "prim": (["prim.c", "prim_crypto.c", "prim_bulk.c", "prim_tls.c", "net.c"],
             ["-lssl", "-lcrypto", "-lsodium"]),
}


def build(name, folder):
    sources, libraries = PROGRAMS[name]
    out = os.path.join(folder, name)
    if not os.path.exists(out):
        run(os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-o", out,
            *(os.path.join(HERE, "native", source) for source in sources), *libraries)
    return out
