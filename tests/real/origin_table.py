#!/usr/bin/env python3
"""Prints what qnet-origin-check finds at the web servers of this machine: the table of docs/origin-check.md.

usage: tests/real/origin_table.py CHECK ORIGIN [--full]

CHECK and ORIGIN are the programs qnet-origin-check and qnet-origin. --full also waits for each server to end connections
by itself, up to seven minutes a server (not for those in use: that takes an hour). Exit status: 0, 2 wrong usage.
"""
import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from servers import NAME, NGINX, Certificates, nginx, serving

NODE = """
const fs = require("fs"), h2 = require("http2");
const [, key, cert, port, www] = process.argv;
const server = h2.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) });
server.on("sessionError", () => {});
server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    const path = www + (headers[":path"] === "/" ? "/index.html" : headers[":path"]);
    const found = fs.existsSync(path);  // respondWithFile() crashes Node 20 and 24 when the client goes away
    stream.respond({ ":status": found ? 200 : 404 });
    stream.end(found ? fs.readFileSync(path) : "");
});
server.listen(Number(port), "127.0.0.1");
"""
COLUMNS = ("server", "flight", "resumed", "alert", "GOAWAY", "after alert", "after close_notify", "record", "requests", "idle",
           "second pages", "verdict")


def make_site(folder):
    www = folder / "www"
    www.mkdir()
    (www / "index.html").write_text("<!doctype html><title>A page</title>" + "<p>words and words</p>" * 300)
    (www / "photo.bmp").write_bytes(bytes(range(250)) * 16)
    (www / "large.bin").write_bytes(bytes(3000000))


@contextlib.contextmanager
def embedded(origin, folder):
    with tempfile.TemporaryDirectory() as own:
        process = subprocess.Popen([origin, "--lab", "--dir", own, "--name", NAME], stdout=subprocess.PIPE, text=True)
        try:
            port = int(process.stdout.readline().rsplit(":", 1)[1])
            shutil.copy(pathlib.Path(own) / "ca.pem", folder / "embedded-ca.pem")
            yield port
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()


def servers(origin, folder, certificates):
    """(what it is, a context that gives its port, its authority)"""
    p256, rsa = certificates.leaf("p256"), certificates.leaf("rsa")
    yield "qnet-origin", embedded(origin, folder), folder / "embedded-ca.pem"
    if NGINX:
        version = subprocess.run([NGINX, "-v"], capture_output=True, text=True).stderr.split("/")[1].strip()
        yield f"nginx {version}, P-256", nginx(folder, p256), certificates.ca
        yield f"nginx {version}, RSA", nginx(folder, rsa), certificates.ca
    if gnutls := shutil.which("gnutls-serv"):
        command = [gnutls, "--port", "PORT", "--x509keyfile", rsa[0], "--x509certfile", rsa[1], "--http"]
        yield "gnutls-serv, RSA", serving(*command), certificates.ca
    if node := shutil.which("node"):
        version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip("v\n")
        yield f"Node {version}, P-256", serving(node, "-e", NODE, *p256, "PORT", folder / "www"), certificates.ca


def reaction(r):
    return ("alert, " if r["alert"] else "") + r["end"].upper()


def row(name, report, full):
    o = report.get("origin")
    unfit = ", ".join(f["id"] for f in report["findings"] if f["level"] == "unfit")
    warned = ", ".join(f["id"] for f in report["findings"] if f["level"] == "warning")
    if o is None:
        return (name, *"-" * 10, unfit)
    limits = (o["limits"]["requests"], o["limits"]["idle"]) if full else ("?", "?")
    return (name, o["flight"]["full"], o["flight"]["resumed"], o["alert"], o["goaway"], reaction(o["after_fatal"]),
            reaction(o["after_notify"]), o["max_record"], *limits, " ".join(path for path, _ in o["second"]), unfit or ("fit; " + warned if warned else "fit"))


def main(argv):
    if len(argv) not in (2, 3) or argv[2:] not in ([], ["--full"]):
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    full = len(argv) == 3
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        make_site(folder)
        for name, started, ca in servers(argv[1], folder, Certificates(folder)):
            with started as port:
                done = subprocess.run([argv[0], f"127.0.0.1:{port}", "--name", NAME, "--ca", ca, "--json",
                                       *(["--seconds", "3600"] if full else ["--quick"])], capture_output=True, text=True)
            print("| " + " | ".join(map(str, row(name, json.loads(done.stdout), full))) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
