"""Header blocks of HTTP/2 read back into fields (RFC 7541), for captures."""

# Appendix A, the names and values of entries 1 to 61.
STATIC = [tuple(entry.partition("=")[::2]) for entry in (
    ":authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|"
    ":status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|"
    "accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|"
    "content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|"
    "cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|"
    "last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|"
    "server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate").split("|")]

# Appendix B: the lengths of the codes of bytes 0 to 127. The code is canonical, so they are all of it; longer codes
# than a header field's are refused.
LENGTHS = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28]
SHORT = 15  # no printable character but '\\' has a longer code, and all of up to this length belong to ASCII


class Malformed(ValueError):
    pass


def codes():
    """{(length, code): byte} of every code of up to SHORT bits."""
    out, code, last = {}, 0, 0
    for length, byte in sorted((n, b) for b, n in enumerate(LENGTHS) if n <= SHORT):
        code <<= length - last
        out[length, code] = byte
        code, last = code + 1, length
    return out


CODES = codes()


def huffman(data):
    bits = "".join(f"{b:08b}" for b in data)
    out, at = bytearray(), 0
    while at < len(bits):
        for length in range(5, SHORT + 1):
            byte = CODES.get((length, int(bits[at:at + length], 2)))
            if byte is not None and at + length <= len(bits):
                break
        else:
            if len(bits) - at < 8 and "0" not in bits[at:]:
                break
            raise Malformed("a string that no browser sends")
        out.append(byte)
        at += length
    return bytes(out)


class Decoder:
    """The server's side of one connection: its dynamic table lasts from block to block."""

    def __init__(self):
        self.table, self.limit = [], 4096

    def number(self, prefix):
        mask = (1 << prefix) - 1
        value, shift = self.block[self.at] & mask, 0
        self.at += 1
        if value < mask:
            return value
        while True:
            byte = self.block[self.at]
            self.at += 1
            value += (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def string(self):
        coded = self.block[self.at] & 128
        n = self.number(7)
        data = self.block[self.at:self.at + n]
        self.at += n
        return (huffman(data) if coded else data).decode("latin-1")

    def entry(self, index):
        return STATIC[index - 1] if index <= len(STATIC) else self.table[index - len(STATIC) - 1]

    def shrink(self):
        while sum(len(n) + len(v) + 32 for n, v in self.table) > self.limit:
            self.table.pop()

    def literal(self, prefix):
        index = self.number(prefix)
        name = self.entry(index)[0] if index else self.string()
        return name, self.string()

    def fields(self, block):
        """[[name, value], ...]"""
        self.block, self.at, out = block, 0, []
        while self.at < len(block):
            first = block[self.at]
            if first & 0x80:
                out.append(self.entry(self.number(7)))
            elif first & 0xC0 == 0x40:
                out.append(self.literal(6))
                self.table.insert(0, out[-1])
                self.shrink()
            elif first & 0xE0 == 0x20:
                self.limit = self.number(5)
                self.shrink()
            else:
                out.append(self.literal(4))
        return [list(field) for field in out]
