"""No proxy, but TLS 1.3 between curl and nginx: what one TLS link costs (bulk figures only)."""
from target import Target


class Aes(Target):
    name, what = "https-aes128gcm", "curl -> nginx over TLS 1.3, AES-128-GCM"
    socks_capable, idle_streams = False, 0

    def url(self, document):
        return f"https://127.0.0.1:{self.origin.aes_port}/{document}"


class Chacha(Aes):
    name, what = "https-chacha20", "curl -> nginx over TLS 1.3, ChaCha20-Poly1305"

    def url(self, document):
        return f"https://127.0.0.1:{self.origin.chacha_port}/{document}"
