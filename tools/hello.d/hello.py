"""ClientHellos: read from captures, described field by field, named by JA3 and JA4, compared.

Written for QNet from the public descriptions of JA3 and JA4. Checked against tshark's JA3 and against the
JA4 values that the reference project ships with its test captures; a non-ASCII ALPN follows the written
description (hex digits) where the reference program prints 99. QUIC hellos are not read.
"""
import hashlib
import json
import pathlib
import struct
import sys

EXT = {
    0: "server_name", 1: "max_fragment_length", 5: "status_request", 10: "supported_groups",
    11: "ec_point_formats", 13: "signature_algorithms", 16: "alpn", 18: "signed_certificate_timestamp",
    21: "padding", 22: "encrypt_then_mac", 23: "extended_master_secret", 27: "compress_certificate",
    28: "record_size_limit", 34: "delegated_credentials", 35: "session_ticket", 41: "pre_shared_key",
    42: "early_data", 43: "supported_versions", 44: "cookie", 45: "psk_key_exchange_modes",
    47: "certificate_authorities", 49: "post_handshake_auth", 50: "signature_algorithms_cert",
    51: "key_share", 57: "quic_transport_parameters", 13172: "next_protocol_negotiation",
    17513: "application_settings(old)", 17613: "application_settings", 51764: "trust_anchors",
    65037: "encrypted_client_hello", 65281: "renegotiation_info",
}
GROUP = {23: "secp256r1", 24: "secp384r1", 25: "secp521r1", 29: "x25519", 30: "x448",
         256: "ffdhe2048", 257: "ffdhe3072", 4587: "SecP256r1MLKEM768", 4588: "X25519MLKEM768",
         4589: "SecP384r1MLKEM1024", 25497: "X25519Kyber768Draft00"}
SIG = {0x0403: "ecdsa_secp256r1_sha256", 0x0503: "ecdsa_secp384r1_sha384", 0x0603: "ecdsa_secp521r1_sha512",
       0x0804: "rsa_pss_rsae_sha256", 0x0805: "rsa_pss_rsae_sha384", 0x0806: "rsa_pss_rsae_sha512",
       0x0809: "rsa_pss_pss_sha256", 0x080a: "rsa_pss_pss_sha384", 0x080b: "rsa_pss_pss_sha512",
       0x0807: "ed25519", 0x0808: "ed448", 0x0401: "rsa_pkcs1_sha256", 0x0501: "rsa_pkcs1_sha384",
       0x0601: "rsa_pkcs1_sha512", 0x0201: "rsa_pkcs1_sha1", 0x0203: "ecdsa_sha1",
       0x0904: "mldsa44", 0x0905: "mldsa65", 0x0906: "mldsa87"}
CERTCOMP = {1: "zlib", 2: "brotli", 3: "zstd"}


class Malformed(ValueError):
    pass


def is_grease(v):
    return (v & 0x0f0f) == 0x0a0a and (v >> 8) == (v & 0xff)


class Rd:
    """Bounds-checked big-endian reader."""

    def __init__(self, b):
        self.b, self.i = b, 0

    def take(self, n):
        if n < 0 or self.i + n > len(self.b):
            raise Malformed("truncated")
        r = self.b[self.i:self.i + n]
        self.i += n
        return r

    def u(self, n):
        return int.from_bytes(self.take(n), "big")

    def vec(self, n):
        return self.take(self.u(n))

    def left(self):
        return len(self.b) - self.i


def u16list(b):
    if len(b) % 2:
        raise Malformed("odd u16 list")
    return [x[0] for x in struct.iter_unpack(">H", b)]


def handshake_from_records(b):
    """(client_hello_message, [record lengths], outer record version) from a record stream."""
    out, lens, ver, i = b"", [], None, 0
    while i + 5 <= len(b):
        if b[i] != 22:
            break
        n = int.from_bytes(b[i + 3:i + 5], "big")
        if i + 5 + n > len(b):
            break
        ver = int.from_bytes(b[i + 1:i + 3], "big") if ver is None else ver
        out += b[i + 5:i + 5 + n]
        lens.append(n)
        i += 5 + n
        if len(out) >= 4 and len(out) >= 4 + int.from_bytes(out[1:4], "big"):
            break
    return out, lens, ver


def parse_extension(t, body, d):
    r = Rd(body)
    if t == 0 and body:
        r2 = Rd(r.vec(2))
        while r2.left():
            k, name = r2.u(1), r2.vec(2)
            if k == 0:
                d["sni"] = name.decode("ascii", "replace")
    elif t == 10:
        d["groups"] = u16list(r.vec(2))
    elif t == 11:
        d["point_formats"] = list(r.vec(1))
    elif t == 13:
        d["sigalgs"] = u16list(r.vec(2))
    elif t == 34:
        d["delegated_sigalgs"] = u16list(r.vec(2))
    elif t == 50:
        d["sigalgs_cert"] = u16list(r.vec(2))
    elif t == 16:
        r2, l = Rd(r.vec(2)), []
        while r2.left():
            l.append(r2.vec(1).decode("latin-1"))
        d["alpn"] = l
    elif t in (17513, 17613):
        r2, l = Rd(r.vec(2)), []
        while r2.left():
            l.append(r2.vec(1).decode("latin-1"))
        d["alps"] = l
    elif t == 27:
        d["cert_compression"] = u16list(r.vec(1))
    elif t == 28:
        d["record_size_limit"] = r.u(2)
    elif t == 43:
        d["versions"] = u16list(r.vec(1))
    elif t == 45:
        d["psk_modes"] = list(r.vec(1))
    elif t == 51:
        r2, l = Rd(r.vec(2)), []
        while r2.left():
            g = r2.u(2)
            l.append((g, r2.vec(2)))
        d["key_shares"] = [{"group": g, "name": "GREASE" if is_grease(g) else GROUP.get(g, "?"),
                            "length": len(k)} for g, k in l]
        d["_shares"] = l
        x = {g: k for g, k in l}
        if 29 in x and 4588 in x and len(x[4588]) == 1216:
            d["hybrid_reuses_x25519_share"] = x[4588][1184:] == x[29]
    elif t == 65037 and body:
        kind = r.u(1)
        d["ech"] = {"type": "outer" if kind == 0 else "inner"}
        if kind == 0:
            d["ech"].update(kdf=r.u(2), aead=r.u(2), config_id=r.u(1), enc_length=len(r.vec(2)),
                            payload_length=len(r.vec(2)))
    elif t == 21:
        d["padding_length"] = len(body)
    elif t == 35:
        d["ticket_length"] = len(body)
    elif t == 41:
        ids, bs = Rd(r.vec(2)), Rd(r.vec(2))
        d["psk"] = {"identities": [], "binders": []}
        while ids.left():
            d["psk"]["identities"].append(len(ids.vec(2)))
            ids.u(4)
        while bs.left():
            d["psk"]["binders"].append(len(bs.vec(1)))


def parse_client_hello(m):
    r = Rd(m)
    if r.u(1) != 1:
        raise Malformed("not a ClientHello")
    r = Rd(r.vec(3))
    d = {"handshake_length": len(m), "legacy_version": r.u(2)}
    d["_random"] = r.take(32)
    sid = r.vec(1)
    d["session_id_length"] = len(sid)
    d["ciphers"] = u16list(r.vec(2))
    d["compression"] = list(r.vec(1))
    d["extensions"] = []
    if r.left():
        r2 = Rd(r.vec(2))
        while r2.left():
            t = r2.u(2)
            body = r2.vec(2)
            d["extensions"].append((t, len(body)))
            d.setdefault("_bodies", []).append((t, body))
            try:
                parse_extension(t, body, d)
            except Malformed:
                d.setdefault("malformed_extensions", []).append(t)
    if r.left():
        raise Malformed("trailing bytes")
    return d


def ja3(d):
    ng = lambda l: "-".join(str(x) for x in l if not is_grease(x))
    s = ",".join([str(d["legacy_version"]), ng(d["ciphers"]), ng([t for t, _ in d["extensions"]]),
                  ng(d.get("groups", [])), "-".join(map(str, d.get("point_formats", [])))])
    return s, hashlib.md5(s.encode()).hexdigest()


def ja3n(d):
    """JA3 with the extension list sorted, so that permuted hellos agree."""
    ng = lambda l: "-".join(str(x) for x in l if not is_grease(x))
    s = ",".join([str(d["legacy_version"]), ng(d["ciphers"]), ng(sorted(t for t, _ in d["extensions"])),
                  ng(d.get("groups", [])), "-".join(map(str, d.get("point_formats", [])))])
    return hashlib.md5(s.encode()).hexdigest()


def ja4(d, transport="t"):
    vmap = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
    vs = [v for v in d.get("versions", []) if not is_grease(v)]
    ver = vmap.get(max(vs) if vs else d["legacy_version"], "00")
    ciphers = [c for c in d["ciphers"] if not is_grease(c)]
    exts = [t for t, _ in d["extensions"] if not is_grease(t)]
    alpn = (d.get("alpn") or [""])[0]
    if not alpn:
        a = "00"
    else:
        f, l = alpn[0], alpn[-1]
        ok = lambda c: c.isascii() and c.isalnum()
        if ok(f) and ok(l):
            a = f + l
        else:
            h = alpn.encode("latin-1").hex()
            a = h[0] + h[-1]
    head = "%s%s%s%02d%02d%s" % (transport, ver, "d" if any(t == 0 for t in exts) else "i",
                                 min(len(ciphers), 99), min(len(exts), 99), a)
    cs = ",".join("%04x" % c for c in sorted(ciphers))
    es = ",".join("%04x" % t for t in sorted(e for e in exts if e not in (0, 16)))
    sg = ",".join("%04x" % s for s in d.get("sigalgs", []) if not is_grease(s))
    raw_c = es + ("_" + sg if sg else "")
    h = lambda s: hashlib.sha256(s.encode()).hexdigest()[:12] if s else "0" * 12
    return "%s_%s_%s" % (head, h(cs), h(raw_c) if es else "0" * 12), "%s_%s_%s" % (head, cs, raw_c)


def describe(m, lens=None, ver=None):
    d = parse_client_hello(m)
    nm = lambda v, tab: "GREASE(%04x)" % v if is_grease(v) else tab.get(v, "%04x" % v)
    s, h = ja3(d)
    j4, j4r = ja4(d)
    o = {
        "ja3": h, "ja3_string": s, "ja3n_sorted": ja3n(d), "ja4": j4, "ja4_r": j4r,
        "record_version": "%04x" % ver if ver is not None else None, "record_lengths": lens,
        "handshake_length": d["handshake_length"], "legacy_version": "%04x" % d["legacy_version"],
        "session_id_length": d["session_id_length"],
        "ciphers": ["GREASE(%04x)" % c if is_grease(c) else "%04x" % c for c in d["ciphers"]],
        "compression": d["compression"],
        "extensions_in_order": [{"type": t, "name": "GREASE" if is_grease(t) else EXT.get(t, "?"),
                                 "hex": "%04x" % t, "length": n} for t, n in d["extensions"]],
        "grease_extension_positions": [i for i, (t, _) in enumerate(d["extensions"]) if is_grease(t)],
        "groups": [nm(g, GROUP) for g in d.get("groups", [])],
        "signature_algorithms": [nm(x, SIG) for x in d.get("sigalgs", [])],
        "versions": [nm(v, {}) for v in d.get("versions", [])],
        "key_shares": d.get("key_shares", []),
        "alpn": d.get("alpn", []),
    }
    if "cert_compression" in d:
        o["cert_compression"] = [CERTCOMP.get(x, str(x)) for x in d["cert_compression"]]
    if "delegated_sigalgs" in d:
        o["delegated_sigalgs"] = [nm(x, SIG) for x in d["delegated_sigalgs"]]
    for k in ("sni", "alps", "record_size_limit", "psk_modes", "point_formats", "ech", "padding_length",
              "ticket_length", "psk", "hybrid_reuses_x25519_share", "malformed_extensions"):
        if k in d:
            o[k] = d[k]
    return o


# ---- capture files ---------------------------------------------------------------------------
PCAP_MAGIC = (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")


def pcap_packets(b):
    """Yield (linktype, frame)."""
    magic = b[:4]
    if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d"):
        e = "<" if magic[0] in (0xd4, 0x4d) else ">"
        link = struct.unpack(e + "I", b[20:24])[0] & 0xffff
        i = 24
        while i + 16 <= len(b):
            n = struct.unpack(e + "I", b[i + 8:i + 12])[0]
            yield link, b[i + 16:i + 16 + n]
            i += 16 + n
    elif magic == b"\x0a\x0d\x0d\x0a":
        i, e, links = 0, "<", []
        while i + 12 <= len(b):
            if b[i:i + 4] == b"\x0a\x0d\x0d\x0a":
                e = "<" if b[i + 8:i + 12] == b"\x4d\x3c\x2b\x1a" else ">"
                links = []
            t, n = struct.unpack(e + "II", b[i:i + 8])
            if n < 12:
                return
            if t == 1:
                links.append(struct.unpack(e + "H", b[i + 8:i + 10])[0])
            elif t == 6:
                ifc, _, _, cl = struct.unpack(e + "IIII", b[i + 8:i + 24])
                yield links[ifc] if ifc < len(links) else 1, b[i + 28:i + 28 + cl]
            i += n
    else:
        raise Malformed("not a capture file")


def tcp_segment(link, f):
    off = {1: 14, 113: 16, 276: 20, 0: 4, 101: 0, 228: 0, 229: 0}.get(link)
    if off is None:
        return None
    if link == 1 and f[12:14] == b"\x81\x00":
        off = 18
    p = f[off:]
    if not p:
        return None
    if p[0] >> 4 == 4:
        ihl, tot = (p[0] & 15) * 4, int.from_bytes(p[2:4], "big")
        if p[9] != 6 or len(p) < ihl + 20:
            return None
        src, dst, seg = p[12:16], p[16:20], p[ihl:tot if tot else None]
    elif p[0] >> 4 == 6:
        if p[6] != 6:
            return None
        src, dst, seg = p[8:24], p[24:40], p[40:40 + int.from_bytes(p[4:6], "big")]
    else:
        return None
    if len(seg) < 20:
        return None
    sp, dp, seq = struct.unpack(">HHI", seg[:8])
    return (src, sp, dst, dp), seq, bool(seg[13] & 2), seg[(seg[12] >> 4) * 4:]


def hellos_from_pcap(b):
    streams = {}
    for link, f in pcap_packets(b):
        s = tcp_segment(link, f)
        if s is None:
            continue
        key, seq, syn, data = s
        if syn:
            streams[key] = {"base": (seq + 1) & 0xffffffff, "seg": {}}
        elif data:
            st = streams.setdefault(key, {"base": seq, "seg": {}})
            o = (seq - st["base"]) & 0xffffffff
            if o < 1 << 17:
                st["seg"].setdefault(o, data)
    for key, st in streams.items():
        buf = b""
        for o in sorted(st["seg"]):
            if o > len(buf):
                break
            buf = buf[:o] + st["seg"][o]
            if len(buf) > 1 << 17:
                break
        i = 0
        while i + 6 <= len(buf) and buf[i] in (20, 21, 22, 23) and buf[i + 1] == 3:
            if buf[i] == 22 and buf[i + 5] == 1:  # also the second hello after a HelloRetryRequest
                m, lens, ver = handshake_from_records(buf[i:])
                if len(m) < 4:
                    break
                yield m, lens, ver
                i += sum(n + 5 for n in lens)
            elif buf[i] == 23:
                break
            else:
                i += 5 + int.from_bytes(buf[i + 3:i + 5], "big")


def load(path):
    """Every hello in a capture file, a record stream, or hex text ('#' starts a comment; '-' is standard input)."""
    b = sys.stdin.buffer.read() if path == "-" else pathlib.Path(path).read_bytes()
    if b[:4] in PCAP_MAGIC:
        return list(hellos_from_pcap(b))
    if b[:1] not in (b"\x16", b"\x01"):
        lines = b.decode("ascii", "ignore").splitlines()
        b = bytes.fromhex("".join("".join(line.split("#")[0] for line in lines).split()))
    if not b:
        raise Malformed("empty")
    if b[0] == 22:
        return [handshake_from_records(b)]
    return [(b, None, None)]


# What a browser draws anew for each hello, and what follows from it.
DRAWN = ("ja3", "ja3_string", "sni", "grease_extension_positions")


def without_draws(description):
    """A description in which two hellos of one browser are equal."""

    def settled(value):
        if not isinstance(value, list):
            return value
        return ["GREASE" if "GREASE" in json.dumps(entry) else entry for entry in value]

    out = {key: settled(value) for key, value in description.items() if key not in DRAWN}
    out["extensions_in_order"] = sorted(json.dumps(entry, sort_keys=True) for entry in out["extensions_in_order"])
    if "ech" in out:
        out["ech"] = {key: value for key, value in out["ech"].items() if key != "config_id"}
    return out


def differences(a, b):
    """[(field, value in a, value in b)] of two descriptions, draws aside."""
    x, y = without_draws(a), without_draws(b)
    return [(key, a.get(key), b.get(key)) for key in sorted(x.keys() | y.keys()) if x.get(key) != y.get(key)]
