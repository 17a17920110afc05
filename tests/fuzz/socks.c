/*
 * A SOCKS or HTTP client that says anything, in any cuts (bytes 0 and 1: the seed of the cuts, the
 * reply). The same bytes give the same answers, destination, isolation key and number of bytes
 * taken, however they arrive; nothing behind the request is taken.
 */
#include "fuzz.h"

#include "socks/socks.h"

typedef struct talk {
    qn_err err;
    size_t taken, said_n;
    uint8_t said[512];
    qn_socks s;
} talk;

static void listen_to(talk *t)
{
    for (;;) {
        qn_slice v = qn_socks_peek(&t->s);
        size_t n = QN_MIN(v.n, (size_t)7);

        if (v.n == 0)
            return;
        FZ_CHECK(t->said_n + n <= sizeof t->said);
        memcpy(t->said + t->said_n, v.p, n);
        t->said_n += n;
        qn_socks_consume(&t->s, n);
    }
}

static void converse(talk *t, qn_slice in, uint32_t cuts, uint8_t reply)
{
    fz_env e;

    fz_env_open(&e, 0);
    *t = (talk){.err = QN_SHORT};
    qn_socks_init(&t->s);
    while (in.n > 0 && t->err == QN_SHORT) {
        size_t part = cuts == 0 ? in.n : QN_MIN(in.n, (size_t)1 + (cuts >> 16) % 8), used = 0;

        t->err = qn_socks_push(&t->s, &e.env, fz_exact(qn_slice_of(in.p, part)), &used);
        FZ_CHECK(used <= part && (t->err != QN_SHORT || used == part));
        cuts = cuts == 0 ? 0 : cuts * UINT32_C(1664525) + UINT32_C(1013904223);
        in = (qn_slice){in.p + used, in.n - used};
        t->taken += used;
        if (cuts != 0)
            listen_to(t);
    }
    listen_to(t);
    FZ_CHECK((t->err == QN_OK) == (t->s.state == QN_SOCKS_ASKED));
    FZ_CHECK((t->err != QN_OK && t->err != QN_SHORT) == (t->s.state == QN_SOCKS_ENDED));
    FZ_CHECK(t->s.state != QN_SOCKS_ENDED || t->s.why != NULL);
    if (t->s.state == QN_SOCKS_ASKED) {
        FZ_CHECK(t->s.dest.type == 1 || t->s.dest.type == 3 || t->s.dest.type == 4);
        qn_socks_reply(&t->s, reply, reply == 0 ? 200 : 502);
        listen_to(t);
        FZ_CHECK(t->s.http || (t->said[t->said_n - 10] == 5 && t->said[t->said_n - 9] == reply));
        FZ_CHECK(t->s.state == (reply == 0 ? QN_SOCKS_REPLIED : QN_SOCKS_ENDED));
    }
    fz_env_close(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static talk whole, parts;
    fz_in in = {p, n};
    uint32_t cuts = fz_u8(&in) + 1u;
    uint8_t reply = (uint8_t)fz_below(&in, 9);

    converse(&whole, qn_slice_of(in.p, in.n), 0, reply);
    converse(&parts, qn_slice_of(in.p, in.n), cuts, reply);
    FZ_CHECK(whole.err == parts.err && whole.s.state == parts.s.state);
    FZ_CHECK(whole.said_n == parts.said_n && memcmp(whole.said, parts.said, whole.said_n) == 0);
    if (whole.err == QN_OK) {
        uint8_t a[QN_DEST_WIRE_MAX], b[QN_DEST_WIRE_MAX];
        size_t len = qn_dest_put(&whole.s.dest, a);

        FZ_CHECK(whole.taken == parts.taken);
        FZ_CHECK(qn_dest_put(&parts.s.dest, b) == len && memcmp(a, b, len) == 0);
        if (!whole.s.http) /* what the client sent */
            FZ_CHECK(memcmp(a, in.p + whole.taken - len, len) == 0);
        FZ_CHECK(whole.s.dest.port != 0);
        FZ_CHECK(memcmp(whole.s.isolation, parts.s.isolation, sizeof whole.s.isolation) == 0);
        FZ_CHECK(whole.s.has_route == parts.s.has_route && whole.s.route == parts.s.route);
    }
    qn_socks_clear(&whole.s);
    qn_socks_clear(&parts.s);
    return 0;
}

static void seed(const char *name, const void *p, size_t n)
{
    fz_out *o = fz_out_new();

    fz_out_u16(o, 0x0700);
    fz_out_bytes(o, p, n);
    fz_out_seed(o, name);
}

void fz_seeds(void)
{
    seed("v4", "\5\1\0\5\1\0\1\x5d\xb8\xd8\x22\0\x50GET /", 18);
    seed("name",
         "\5\2\0\1\5\1\0\3\x0b"
         "example.com\1\xbb",
         22);
    seed("auth", "\5\1\2\1\7privacy\1x\5\1\0\3\1a\0\x50", 3 + 11 + 8);
    seed("v6", "\5\2\2\0\1\6fast+b\2yz\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x50",
         4 + 11 + 22);
    seed("bind", "\5\1\0\5\2\0\1\1\2\3\4\0\x50", 13);
    seed("socks4", "\4\1\0\x50\1\2\3\4\0", 9);
    seed("web", "GET http://x/ HTTP/1.1\r\n\r\n", 26);
    seed("connect",
         "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n"
         "Proxy-Authorization: Basic cHJpdmFjeSttYWlsOng=\r\n\r\nGET",
         57 + 49 + 2 + 3);
    seed("connect6", "CONNECT [2001:db8::1]:80 HTTP/1.0\n\n", 35);
    seed("no-method", "\5\1\1", 3);
}
