"""The bytes of a web object as io-sim/model/web-object.h defines them."""

MASK = (1 << 64) - 1


def word(n, w):
    x = ((n + 1) * 0x9E3779B97F4A7C15 + w * 0xD1B54A32D192ED03) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def web_object(n):
    """All n bytes of object n."""
    return b"".join(word(n, w).to_bytes(8, "little") for w in range((n + 7) // 8))[:n]
