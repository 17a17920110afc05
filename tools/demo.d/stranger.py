"""Visits a relay's port as anybody would, with curl and with openssl, and shows whom they meet there: the web site.

usage: stranger.py LOCALNET.json    (tools/demo calls it)
"""
import json
import re
import subprocess
import sys

PATIENCE = 20


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        net = json.load(f)
    relay = next(n for n in net["nodes"] if n["mode"] == "relay")
    name = next(o["name"] for o in net["origins"] if o["node"] == relay["name"])
    url = f"https://{name}:{relay['port']}/"
    page = subprocess.run(["curl", "-sS", "--fail", "--cacert", net["ca"], "--resolve",
                           f"{name}:{relay['port']}:127.0.0.1", url], capture_output=True, text=True, check=True,
                          timeout=PATIENCE).stdout
    title = re.search("<title>(.*?)</title>", page)
    print(f"  curl {url}: {len(page)} bytes, \"{title[1] if title else page[:40]}\"")
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{relay['port']}", "-servername", name,
                            "-CAfile", net["ca"], "-verify_return_error"], input="", capture_output=True, text=True,
                           check=True, timeout=PATIENCE).stdout
    for line in ("subject=", "issuer=", "New, "):
        print("  openssl s_client:", next(l for l in shown.splitlines() if l.startswith(line)))


if __name__ == "__main__":
    main()
