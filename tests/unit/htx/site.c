/* The origin: OpenSSL's server, and as much HTTP/2 as a visitor needs. */
#include "world.h"

static void site_frame(htx_site *s, uint8_t type, uint8_t flags, uint32_t stream, qn_slice body)
{
    static uint8_t frame[1 << 15];

    qn_put24(frame, (uint32_t)body.n);
    frame[3] = type;
    frame[4] = flags;
    qn_put32(frame + 5, stream);
    if (body.n > 0)
        memcpy(frame + 9, body.p, body.n);
    ck_assert_int_eq(SSL_write(s->tls.ssl, frame, (int)(9 + body.n)), (int)(9 + body.n));
}

static void site_pings(htx_site *s)
{
    uint8_t ping[64 * 17];

    ck_assert_uint_le(s->pings, 64);
    for (unsigned i = 0; i < s->pings; i++)
        memcpy(ping + i * 17, qt_hex("000008 06 00 00000000 0102030405060708").p, 17);
    if (s->pings > 0)
        ck_assert_int_gt(SSL_write(s->tls.ssl, ping, (int)(s->pings * 17)), 0);
}

static void site_answer(htx_site *s, uint32_t stream)
{
    size_t n = s->requests++ == 0 ? s->page : s->second;
    qn_slice fields = qt_hex(s->requests == 1 ? s->status : "88");

    if (s->requests == 2)
        site_pings(s);
    site_frame(s, 1, 4, stream, fields);
    while (n > 8192) {
        site_frame(s, 0, 0, stream, qt_noise(1, 8192));
        n -= 8192;
    }
    site_frame(s, 0, 1, stream, qt_noise(2, n));
}

static void site_hear(htx_site *s)
{
    htx_buf *in = &s->in;

    if (!s->greeted && in->n >= 24) {
        ck_assert_mem_eq(in->p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
        htx_buf_cut(in, 24);
        s->greeted = true;
        site_frame(s, 4, 0, 0, qt_hex(s->settings));
    }
    while (s->greeted && in->n >= 9 && in->n >= 9 + qn_get24(in->p)) {
        uint8_t type = in->p[3], flags = in->p[4];
        uint32_t stream = qn_get32(in->p + 5);

        if (type == 4 && (flags & 1) == 0)
            site_frame(s, 4, 1, 0, (qn_slice){0});
        htx_buf_cut(in, 9 + qn_get24(in->p));
        if (type == 1)
            site_answer(s, stream);
    }
}

void htx_site_run(htx_site *s)
{
    int n;

    for (;;) {
        n = SSL_read(s->tls.ssl, s->in.p + s->in.n, (int)(sizeof s->in.p - s->in.n));
        if (n <= 0)
            break;
        s->in.n += (size_t)n;
        site_hear(s);
    }
    n = SSL_get_error(s->tls.ssl, n);
    s->closed = s->closed || n == SSL_ERROR_ZERO_RETURN || n == SSL_ERROR_SSL;
}
