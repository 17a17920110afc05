/*
 * Deterministic CBOR against two other readers: a naive one written from RFC 8949 that re-encodes
 * what it read, and libcbor for whatever our profile accepts.
 */
#include "fuzz.h"

#include "base/cbor.h"

#include <cbor.h>

/* ---- the naive reader: reads one item and writes it canonically ---------------------------------
 */

typedef struct naive {
    fz_in in;
    uint8_t out[1 << 16];
    size_t n;
    bool bad;
} naive;

static void put_head(naive *v, unsigned major, uint64_t value)
{
    unsigned bytes = value < 24                      ? 0
                     : value < 0x100                 ? 1
                     : value < 0x10000               ? 2
                     : value < UINT64_C(0x100000000) ? 4
                                                     : 8;
    unsigned info = bytes == 0   ? (unsigned)value
                    : bytes == 1 ? 24
                    : bytes == 2 ? 25
                    : bytes == 4 ? 26
                                 : 27;

    if (v->n + 9 > sizeof v->out) {
        v->bad = true;
        return;
    }
    v->out[v->n++] = (uint8_t)(major << 5 | info);
    while (bytes-- > 0)
        v->out[v->n++] = (uint8_t)(value >> 8 * bytes);
}

static bool utf8(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned more = p[i] < 0x80 ? 0 : p[i] < 0xe0 ? 1 : p[i] < 0xf0 ? 2 : 3;
        uint32_t c = p[i] & (more == 0 ? 0x7fu : 0x3fu >> more);
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};

        if ((p[i] >= 0x80 && p[i] < 0xc0) || p[i] >= 0xf8 || n - i <= more)
            return false;
        for (unsigned k = 1; k <= more; k++) {
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
            c = c << 6 | (p[i + k] & 0x3fu);
        }
        if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
            return false;
        i += 1 + more;
    }
    return true;
}

static void item(naive *v, unsigned depth);

static void string(naive *v, unsigned major, uint64_t n)
{
    if (n > v->in.n || n > sizeof v->out - v->n || (major == 3 && !utf8(v->in.p, (size_t)n))) {
        v->bad = true;
        return;
    }
    if (n > 0)
        memcpy(v->out + v->n, v->in.p, (size_t)n);
    v->n += (size_t)n;
    (void)fz_take(&v->in, (size_t)n);
}

/* Keys must rise strictly: that is the same as sorting them and finding no two alike. */
static void pairs(naive *v, uint64_t n, unsigned depth)
{
    size_t last = 0, last_n = 0;

    for (uint64_t i = 0; i < n && !v->bad; i++) {
        size_t key = v->n, len;

        item(v, depth);
        len = v->n - key;
        if (i > 0) {
            int order = memcmp(v->out + last, v->out + key, QN_MIN(last_n, len));

            v->bad |= order > 0 || (order == 0 && last_n >= len);
        }
        last = key;
        last_n = len;
        if (!v->bad)
            item(v, depth);
    }
}

static uint64_t argument(naive *v, unsigned info)
{
    uint64_t value = info;

    if (info > 27)
        v->bad = true;
    if (info < 24 || info > 27)
        return value;
    value = 0;
    if (v->in.n < (size_t)1 << (info - 24))
        v->bad = true;
    for (unsigned i = 0; i < 1u << (info - 24); i++)
        value = value << 8 | fz_u8(&v->in);
    return value;
}

static void item(naive *v, unsigned depth)
{
    unsigned first, major;
    uint64_t value;

    if (v->in.n == 0) {
        v->bad = true;
        return;
    }
    first = fz_u8(&v->in);
    major = first >> 5;
    value = argument(v, first & 31);
    if (v->bad || major == 6 || (major == 7 && first != 0xf4 && first != 0xf5) ||
        (major >= 4 && major <= 5 && depth == 0)) {
        v->bad = true;
        return;
    }
    put_head(v, major, value);
    if (major == 2 || major == 3)
        string(v, major, value);
    else if (major == 4)
        for (uint64_t i = 0; i < value && !v->bad; i++)
            item(v, depth - 1);
    else if (major == 5)
        pairs(v, value, depth - 1);
}

static bool naive_says(const uint8_t *p, size_t n)
{
    static naive v;

    v.in = (fz_in){p, n};
    v.n = 0;
    v.bad = false;
    item(&v, QN_CBOR_DEPTH);
    return !v.bad && v.in.n == 0 && v.n == n && memcmp(v.out, p, n) == 0;
}

/* ---- libcbor: only for what was accepted, since it allocates whatever a head announces ------- */

static void ask_libcbor(const uint8_t *p, size_t n)
{
    struct cbor_load_result result;
    cbor_item_t *it = cbor_load(p, n, &result);
    unsigned char *again;
    size_t cap, len;

    FZ_CHECK(it != NULL && result.error.code == CBOR_ERR_NONE && result.read == n);
    len = cbor_serialize_alloc(it, &again, &cap);
    FZ_CHECK(len == n && memcmp(again, p, n) == 0);
    free(again);
    cbor_decref(&it);
}

/* Reads the first item by the typed calls: they and skip must agree on where it ends. */
static void typed(const uint8_t *p, size_t n)
{
    qn_cbor_r r, s;

    qn_cbor_r_init(&r, p, n);
    qn_cbor_r_init(&s, p, n);
    qn_cbor_skip(&s);
    switch (qn_cbor_peek(&r)) {
    case QN_CBOR_UINT:
        (void)qn_cbor_get_uint(&r);
        break;
    case QN_CBOR_NINT:
        (void)qn_cbor_get_int(&r);
        if (r.err == QN_PROTO && s.err == QN_OK)
            return; /* below INT64_MIN */
        break;
    case QN_CBOR_BYTES:
        (void)qn_cbor_get_bytes(&r);
        break;
    case QN_CBOR_TEXT:
        (void)qn_cbor_get_text(&r);
        break;
    case QN_CBOR_BOOL:
        (void)qn_cbor_get_bool(&r);
        break;
    case QN_CBOR_ARRAY:
    case QN_CBOR_MAP:
    case QN_CBOR_NONE:
        return;
    }
    FZ_CHECK((r.err == QN_OK) == (s.err == QN_OK));
    FZ_CHECK(r.err != QN_OK || r.p == s.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    qn_err err = qn_cbor_check(p, n);
    qn_cbor_r r;

    if (n > 60000)
        return 0; /* the naive reader's buffer */
    FZ_CHECK((err == QN_OK) == naive_says(p, n));
    FZ_CHECK(err == QN_OK || qn_err_band(err) == QN_BAND_PEER);
    qn_cbor_r_init(&r, p, n);
    qn_cbor_skip(&r);
    FZ_CHECK(r.p >= p && r.p <= p + n);
    FZ_CHECK((r.err == QN_OK && r.p == p + n) == (err == QN_OK));
    if (err == QN_OK)
        ask_libcbor(p, n);
    if (n > 0)
        typed(p, n);
    return 0;
}

/* ---- seeds ----------------------------------------------------------------------------------- */

static void seed(const char *name, void (*fill)(qn_cbor_w *w))
{
    uint8_t buf[1024];
    qn_cbor_w w;

    qn_cbor_w_init(&w, buf, sizeof buf);
    fill(&w);
    FZ_CHECK(w.err == QN_OK && qn_cbor_check(buf, w.n) == QN_OK);
    fz_seed(name, buf, w.n);
}

static void integers(qn_cbor_w *w)
{
    static const uint64_t v[] = {
        0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT64_C(0x100000000), UINT64_MAX};

    qn_cbor_array(w, QN_LEN(v) + 3);
    for (size_t i = 0; i < QN_LEN(v); i++)
        qn_cbor_uint(w, v[i]);
    qn_cbor_int(w, -1);
    qn_cbor_int(w, -257);
    qn_cbor_int(w, INT64_MIN);
}

static void strings(qn_cbor_w *w)
{
    qn_cbor_array(w, 4);
    qn_cbor_bytes(w, "", 0);
    qn_cbor_bytes(w, "0123456789012345678901234567", 28);
    qn_cbor_text(w, "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x8c\x8d", 15);
    qn_cbor_text(w, "", 0);
}

static void map(qn_cbor_w *w)
{
    qn_cbor_map(w, 4);
    qn_cbor_uint(w, 1);
    qn_cbor_bool(w, true);
    qn_cbor_uint(w, 24);
    qn_cbor_bool(w, false);
    qn_cbor_bytes(w, "b", 1);
    qn_cbor_uint(w, 7);
    qn_cbor_text(w, "a", 1);
    qn_cbor_map(w, 0);
}

static void deep(qn_cbor_w *w)
{
    for (unsigned i = 0; i < QN_CBOR_DEPTH; i++)
        qn_cbor_array(w, 1);
    qn_cbor_uint(w, 0);
}

static void envelope(qn_cbor_w *w)
{
    static const uint8_t zeros[64];

    qn_cbor_array(w, 3);
    qn_cbor_bytes(w, "\xa1\x01\x01", 3);
    qn_cbor_bytes(w, zeros, 32);
    qn_cbor_bytes(w, zeros, 64);
}

void fz_seeds(void)
{
    seed("integers", integers);
    seed("strings", strings);
    seed("map", map);
    seed("deep", deep);
    seed("envelope", envelope);
}
