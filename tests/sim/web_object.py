"""The bytes of a web object as io-sim/model/web-object.h defines them."""

MASK = (1 << 64) - 1


def word(n, w):
    x = ((n + 1) * 0x9E3779B97F4A7C15 + w * 0xD1B54A32D192ED03) & MASK
    return (x ^ (x >> 29) ^ (x << 17)) & MASK


def web_object(n):
    """All n bytes of object n."""
    return b"".join(word(n, w).to_bytes(8, "little") for w in range((n + 7) // 8))[:n]
