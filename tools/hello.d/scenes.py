"""What the listener shows a browser, by the name it asks for: a small site, servers that close, retry, or go wrong.

A scene's page runs a script, and ends by going to the next scene or by asking for /done.
"""
import pathlib
import ssl
import subprocess

SITE = "decoy.example"
STYLE = b"body { font-family: sans-serif; margin: 2em } h1 { color: #246 }\n" * 60
SCRIPT = b"// what every page of the site has\nvar site = 'decoy';\n" * 40
IMAGE = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
                      "0000000d49444154789c6360f8cfc0000000030001e221bc330000000049454e44ae426082")
LINK = '<link rel="stylesheet" href="/style.css"><script src="/site.js"></script>'
WAIT = "const wait = (ms) => new Promise((then) => setTimeout(then, ms));"
BAD_RECORD = b"\x17\x03\x03\x00\x40" + bytes(range(64))

# Everything the site's templates and figures are read from, in one visit.
VISIT = WAIT + """
async function ask(path, more) { const got = await fetch(path, more); await got.arrayBuffer(); }
async function play() {
    await wait(1500);
    for (let i = 0; i < 3; i++) await ask("/data?" + i, {cache: "no-store"});
    await ask("/data?a");
    await ask("/data?b");
    await wait(12000);
    await ask("/data?after-a-pause");
    for (const n of [100, 4000, 20000, 200000]) {
        await ask("/upload?" + n, {method: "POST", body: new Blob([new Uint8Array(n)])});
        await wait(300);
    }
    await wait(500);
    location = "/second";
}
play();
"""
LOOK = WAIT + """
async function ask(path) { await (await fetch(path)).arrayBuffer(); }
wait(1200).then(() => ask("/data?a")).then(() => ask("/data?b")).then(() => wait(300)).then(() => { NEXT });
"""
SECOND = "setTimeout(() => { NEXT }, 1500);"
REPEAT = WAIT + """
async function play() {
    for (let i = 0; i < 6; i++) {
        try { await (await fetch("/data?" + i)).arrayBuffer(); } catch (e) {}
        await wait(700);
    }
    NEXT
}
play();
"""
AGAIN = REPEAT.replace("i < 6", "i < 2")
ONCE = "setTimeout(() => { NEXT }, 1500);"
BIG = """
fetch("/big", {cache: "no-store"}).then((got) => got.arrayBuffer()).then(() => { NEXT });
"""
BROKEN = WAIT + """
async function play() {
    for (const kind of ["flip", "ccs", "alert", "oversize", "version", "handshake"]) {
        try { await (await fetch("/then-" + kind, {cache: "no-store"})).arrayBuffer(); } catch (e) {}
        await wait(1500);
    }
    NEXT
}
play();
"""
CERTIFICATES = ("other-ca", "other-name", "expired", "ed25519", "tls12")
TROUBLE = WAIT + """
async function play() {
    for (const name of %s) {
        try { await fetch("https://" + name + ".example/data", {mode: "no-cors", cache: "no-store"}); } catch (e) {}
        await wait(1500);
    }
    NEXT
}
play();
""" % list(CERTIFICATES)


def run(*args, **more):
    return subprocess.run(args, check=True, capture_output=True, timeout=60, **more).stdout


class Authority:
    """A throw-away CA and leaves, as files in a folder."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = pathlib.Path(folder), name
        self.key, self.cert = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
            "-out", self.cert, "-subj", f"/CN=throw-away {name}", "-days", "3")

    def leaf(self, name, *names, kind=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), days=("-days", "2")):
        """(certificate, key) for the DNS names."""
        key, cert = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        request = run("openssl", "req", "-new", "-newkey", *kind, "-nodes", "-keyout", key, "-subj", f"/CN={names[0]}",
                      "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names),
                      "-addext", "extendedKeyUsage=serverAuth")
        run("openssl", "x509", "-req", "-CA", self.cert, "-CAkey", self.key, *days, "-copy_extensions", "copy", "-out",
            cert, input=request)
        return cert, key


def context(leaf):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_cert_chain(*leaf)
    made.set_alpn_protocols(["h2", "http/1.1"])
    return made


class Scene:
    """The site. `script` is what its first page runs; `cache` what it says of its files."""

    def __init__(self, context, script="", cache="max-age=600"):
        self.context, self.script, self.cache, self.done = context, script, cache, None

    def page(self, script):
        text = f"<!doctype html><title>A site</title>{LINK}<h1>A page</h1><img src=/logo.png><script>{script}</script>"
        return text.encode() + b"<p>Words on a page.</p>\n" * 100

    def answer(self, fields, uploaded):
        """(status, headers, body)"""
        path = fields[":path"]
        cached = [("cache-control", self.cache), ("etag", '"1f3-5a"'), ("last-modified", "Mon, 02 Nov 2026 10:00:00 GMT")]
        files = {"/style.css": ("text/css", STYLE), "/site.js": ("text/javascript", SCRIPT),
                 "/logo.png": ("image/png", IMAGE), "/favicon.ico": ("image/png", IMAGE)}
        if path in files:
            kind, body = files[path]
            if "if-none-match" in fields:
                return 304, cached, b""
            return 200, [("content-type", kind), *cached], body
        if path == "/done" and self.done is not None:
            self.done()
        if path == "/":
            return 200, [("content-type", "text/html"), *cached], self.page(self.script)
        if path == "/second":
            return 200, [("content-type", "text/html")], self.page(self.second)
        if path == "/big":
            return 200, [("content-type", "application/octet-stream")], bytes(100_000_000)
        return 200, [("content-type", "application/octet-stream"), ("cache-control", "no-store")], bytes(2000)

    second = ""

    def then(self, fields):
        return None


class Closing(Scene):
    """Ends the connection behind each answer, so that the next one resumes."""

    def then(self, fields):
        return lambda connection: connection.close()


class Breaking(Scene):
    """Goes wrong behind an answer in the way its path says."""

    WAYS = {
        "flip": BAD_RECORD, "ccs": b"\x14\x03\x03\x00\x01\x01", "alert": b"\x15\x03\x03\x00\x02\x02\x28",
        "oversize": b"\x17\x03\x03\x48\x00" + bytes(32), "version": b"\x17\x05\x05\x00\x20" + bytes(32),
        "handshake": b"\x16\x03\x03\x00\x20" + bytes(32),
    }

    def then(self, fields):
        way = fields[":path"].rpartition("-")[2]
        return (lambda connection: connection.raw(self.WAYS[way])) if way in self.WAYS else None


def chain(scenes, done):
    """Each (name, scene)'s script ends by going to the next one's name; the last one calls `done`."""
    for i, (name, scene) in enumerate(scenes):
        following = f'location = "https://{scenes[i + 1][0]}/";' if i + 1 < len(scenes) else 'fetch("/done");'
        scene.script = scene.script.replace("NEXT", following)
        scene.second = SECOND.replace("NEXT", following)
        scene.done = done
    return scenes


def certificate_scenes(folder, authority):
    """[(pattern, scene)] of names that no browser accepts."""
    def named(n, **more):
        return Scene(context(authority.leaf(n, n + ".example", **more)))

    other = Authority(folder, "stranger")
    old = named("tls12")
    old.context.minimum_version, old.context.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    return [
        (r"other-ca\.example", Scene(context(other.leaf("other-ca", "other-ca.example")))),
        (r"other-name\.example", Scene(context(authority.leaf("other-name", "somebody-else.example")))),
        (r"expired\.example", named("expired", days=("-days", "-1"))),
        (r"ed25519\.example", named("ed25519", kind=("ed25519",))),
        (r"tls12\.example", old),
    ]
