#include "dir/body.h"

#include "base/limits.h"

void qn_body_open(qn_body *b, qn_slice in)
{
    *b = (qn_body){.last = -1};
    qn_cbor_r_init(&b->r, in.p, in.n);
    b->pairs = qn_cbor_get_map(&b->r);
}

bool qn_body_next(qn_body *b, uint64_t *key)
{
    if (b->pairs == 0 || b->r.err != QN_OK)
        return false;
    b->pairs--;
    *key = qn_cbor_key(&b->r, &b->last);
    if (*key < 64)
        b->seen |= UINT64_C(1) << *key;
    return b->r.err == QN_OK;
}

qn_err qn_body_end(const qn_body *b, uint64_t required)
{
    qn_err err = qn_cbor_end(&b->r);

    return err == QN_OK && (b->seen & required) != required ? QN_PROTO : err;
}

void qn_body_unknown_key(qn_cbor_r *r, uint64_t key)
{
    if (key >= 128)
        qn_cbor_skip(r);
    else if (r->err == QN_OK)
        r->err = QN_VERSION;
}

void qn_body_get_version(qn_cbor_r *r)
{
    if (qn_cbor_get_uint(r) != QN_BODY_VERSION && r->err == QN_OK)
        r->err = QN_VERSION;
}

uint64_t qn_body_get_below(qn_cbor_r *r, uint64_t bound)
{
    uint64_t v = qn_cbor_get_uint(r);

    if (r->err == QN_OK && v >= bound)
        r->err = QN_PROTO;
    return r->err == QN_OK ? v : 0;
}

int64_t qn_body_get_time(qn_cbor_r *r)
{
    return (int64_t)qn_body_get_below(r, (uint64_t)QN_BODY_TIME_MAX + 1);
}

void qn_body_put_addr(qn_cbor_w *w, const qn_addr *a)
{
    uint8_t p[18];
    size_t ip = a->family == 4 ? 4 : 16;

    memcpy(p, a->ip, ip);
    qn_put16(p + ip, a->port);
    qn_cbor_bytes(w, p, ip + 2);
}

void qn_body_get_addr(qn_cbor_r *r, qn_addr *a)
{
    qn_slice s = qn_cbor_get_bytes(r);
    qn_addr got = {.family = s.n == 6 ? 4 : 6};

    if (r->err == QN_OK && (s.n == 6 || s.n == 18)) {
        memcpy(got.ip, s.p, s.n - 2);
        got.port = qn_get16(s.p + s.n - 2);
    }
    if (r->err == QN_OK && got.port == 0)
        r->err = QN_PROTO;
    if (r->err == QN_OK)
        *a = got;
}

static bool printable(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < ' ' || p[i] > '~')
            return false;
    return true;
}

size_t qn_body_text(const char *text, size_t cap)
{
    const char *end = memchr(text, 0, cap);
    size_t n = end != NULL ? (size_t)(end - text) : 0;

    return printable((const uint8_t *)text, n) ? n : 0;
}

void qn_body_get_text(qn_cbor_r *r, char *out, size_t cap)
{
    qn_slice s = qn_cbor_get_text(r);

    if (r->err == QN_OK && (s.n == 0 || s.n >= cap || !printable(s.p, s.n)))
        r->err = QN_PROTO;
    if (r->err != QN_OK)
        return;
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
}

qn_err qn_body_valid(int64_t from, int64_t until, int64_t wall)
{
    if (wall < from - QN_CLOCK_SKEW_S)
        return QN_EARLY;
    return until <= wall ? QN_EXPIRED : QN_OK;
}
