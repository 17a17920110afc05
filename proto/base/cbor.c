/*
 * Heads are written by libcbor's flat encoders, which take the shortest form. They are read here:
 * libcbor's decoder reports values, while this profile judges how each one was written down.
 */
#include "base/cbor.h"

#include <cbor/encoding.h>

enum major { UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };
enum { SIMPLE_FALSE = 20, SIMPLE_TRUE = 21, RESERVED = 28, INDEFINITE = 31 };

/* ---- UTF-8 (RFC 3629) ------------------------------------------------------------------------ */

/* Bytes behind the lead byte, and the range of the first of them; that range is what shuts out
 * overlong forms, surrogates and everything above U+10FFFF (RFC 3629 section 4). */
static bool utf8_lead(uint8_t lead, unsigned *more, uint8_t *low, uint8_t *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0x80)
        *more = 0;
    else if (lead >= 0xc2 && lead <= 0xdf)
        *more = 1;
    else if (lead >= 0xe0 && lead <= 0xef)
        *more = 2;
    else if (lead >= 0xf0 && lead <= 0xf4)
        *more = 3;
    else
        return false;
    return true;
}

static bool utf8_ok(const uint8_t *p, size_t n)
{
    const uint8_t *end = n > 0 ? p + n : p;

    while (p < end) {
        unsigned more;
        uint8_t low, high;

        if (!utf8_lead(*p++, &more, &low, &high) || more > (size_t)(end - p))
            return false;
        for (; more > 0; more--, p++) {
            if (*p < low || *p > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

/* ---- writer ---------------------------------------------------------------------------------- */

void qn_cbor_w_init(qn_cbor_w *w, uint8_t *p, size_t cap)
{
    *w = (qn_cbor_w){.p = p, .cap = cap};
}

enum { HEAD_MAX = 9 };

/* One head and n bytes behind it, or neither. */
static void put(qn_cbor_w *w, const uint8_t *head, size_t head_n, const void *bytes, size_t n)
{
    size_t room = w->cap - w->n;

    if (w->err == QN_OK && (head_n > room || n > room - head_n))
        w->err = QN_FULL;
    if (w->err != QN_OK)
        return;
    if (head_n > 0)
        memcpy(w->p + w->n, head, head_n);
    if (n > 0)
        memcpy(w->p + w->n + head_n, bytes, n);
    w->n += head_n + n;
}

void qn_cbor_uint(qn_cbor_w *w, uint64_t v)
{
    uint8_t head[HEAD_MAX];

    put(w, head, cbor_encode_uint(v, head, sizeof head), NULL, 0);
}

void qn_cbor_int(qn_cbor_w *w, int64_t v)
{
    uint8_t head[HEAD_MAX];

    if (v >= 0)
        qn_cbor_uint(w, (uint64_t)v);
    else /* the argument is -1 - v */
        put(w, head, cbor_encode_negint(~(uint64_t)v, head, sizeof head), NULL, 0);
}

void qn_cbor_bytes(qn_cbor_w *w, const void *p, size_t n)
{
    uint8_t head[HEAD_MAX];

    put(w, head, cbor_encode_bytestring_start(n, head, sizeof head), p, n);
}

void qn_cbor_item(qn_cbor_w *w, qn_slice item)
{
    put(w, NULL, 0, item.p, item.n);
}

void qn_cbor_text(qn_cbor_w *w, const char *p, size_t n)
{
    uint8_t head[HEAD_MAX];

    if (w->err == QN_OK && !utf8_ok((const uint8_t *)p, n))
        w->err = QN_PROTO;
    put(w, head, cbor_encode_string_start(n, head, sizeof head), p, n);
}

void qn_cbor_array(qn_cbor_w *w, uint64_t n)
{
    uint8_t head[HEAD_MAX];

    put(w, head, cbor_encode_array_start((size_t)n, head, sizeof head), NULL, 0);
}

void qn_cbor_map(qn_cbor_w *w, uint64_t pairs)
{
    uint8_t head[HEAD_MAX];

    put(w, head, cbor_encode_map_start((size_t)pairs, head, sizeof head), NULL, 0);
}

void qn_cbor_bool(qn_cbor_w *w, bool v)
{
    uint8_t head[HEAD_MAX];

    put(w, head, cbor_encode_bool(v, head, sizeof head), NULL, 0);
}

/* ---- reader ---------------------------------------------------------------------------------- */

typedef struct item {
    qn_cbor_type type;
    uint64_t value; /* number, length, count, or truth */
    size_t head;    /* bytes of the head */
} item;

void qn_cbor_r_init(qn_cbor_r *r, const void *p, size_t n)
{
    *r = (qn_cbor_r){.p = p, .end = n > 0 ? (const uint8_t *)p + n : p};
}

static size_t left(const qn_cbor_r *r)
{
    return r->p == NULL ? 0 : (size_t)(r->end - r->p);
}

/* The argument of a head (RFC 8949 section 3): in the low five bits up to 23, else (24 to 27) in 1,
 * 2, 4 or 8 bytes behind; each width must be needed. */
static qn_err read_argument(const uint8_t *p, size_t n, item *out)
{
    static const uint64_t least[4] = {24, UINT64_C(1) << 8, UINT64_C(1) << 16, UINT64_C(1) << 32};
    uint8_t low = p[0] & 31;
    size_t width;

    if (low < 24) {
        out->value = low;
        out->head = 1;
        return QN_OK;
    }
    width = (size_t)1 << (low - 24);
    if (n < 1 + width)
        return QN_TRUNCATED;
    out->value = 0;
    for (size_t i = 1; i <= width; i++)
        out->value = out->value << 8 | p[i];
    out->head = 1 + width;
    return out->value < least[low - 24] ? QN_CANON : QN_OK;
}

/* Bytes that an item of this head must still have behind it. */
static bool rest_fits(enum major major, uint64_t value, size_t rest)
{
    if (major == MAP)
        return value <= rest / 2;
    return major < BYTES || value <= rest;
}

static qn_err read_item(const qn_cbor_r *r, item *out)
{
    static const qn_cbor_type types[] = {QN_CBOR_UINT, QN_CBOR_NINT,  QN_CBOR_BYTES,
                                         QN_CBOR_TEXT, QN_CBOR_ARRAY, QN_CBOR_MAP};
    enum major major;
    uint8_t low;
    qn_err err;

    if (left(r) == 0)
        return QN_TRUNCATED;
    major = r->p[0] >> 5;
    low = r->p[0] & 31;
    if (major == SIMPLE) {
        *out = (item){.type = QN_CBOR_BOOL, .value = low == SIMPLE_TRUE, .head = 1};
        return low == SIMPLE_FALSE || low == SIMPLE_TRUE ? QN_OK : QN_PROTO;
    }
    if (major == TAG || low >= RESERVED)
        return major >= BYTES && major <= MAP && low == INDEFINITE ? QN_CANON : QN_PROTO;
    err = read_argument(r->p, left(r), out);
    if (err != QN_OK)
        return err;
    if (!rest_fits(major, out->value, left(r) - out->head))
        return QN_TRUNCATED;
    out->type = types[major];
    if (major == TEXT && !utf8_ok(r->p + out->head, (size_t)out->value))
        return QN_PROTO;
    return QN_OK;
}

qn_cbor_type qn_cbor_peek(qn_cbor_r *r)
{
    item it;

    if (r->err != QN_OK || left(r) == 0)
        return QN_CBOR_NONE;
    r->err = read_item(r, &it);
    return r->err == QN_OK ? it.type : QN_CBOR_NONE;
}

/* The next item's head and, for strings, its bytes; 0 and no bytes after any error. */
static uint64_t get(qn_cbor_r *r, qn_cbor_type type, const uint8_t **bytes)
{
    item it;

    if (r->err == QN_OK)
        r->err = read_item(r, &it);
    if (r->err == QN_OK && it.type != type)
        r->err = QN_PROTO;
    if (r->err != QN_OK)
        return 0;
    r->p += it.head;
    if (type == QN_CBOR_BYTES || type == QN_CBOR_TEXT) {
        *bytes = r->p;
        r->p += it.value;
    }
    return it.value;
}

uint64_t qn_cbor_get_uint(qn_cbor_r *r)
{
    return get(r, QN_CBOR_UINT, NULL);
}

int64_t qn_cbor_get_int(qn_cbor_r *r)
{
    bool negative = qn_cbor_peek(r) == QN_CBOR_NINT;
    uint64_t v = get(r, negative ? QN_CBOR_NINT : QN_CBOR_UINT, NULL);

    if (v > INT64_MAX) {
        r->err = QN_PROTO;
        return 0;
    }
    return negative && r->err == QN_OK ? -1 - (int64_t)v : (int64_t)v;
}

static qn_slice get_string(qn_cbor_r *r, qn_cbor_type type)
{
    const uint8_t *bytes = NULL;
    size_t n = (size_t)get(r, type, &bytes);

    return qn_slice_of(bytes, n);
}

qn_slice qn_cbor_get_bytes(qn_cbor_r *r)
{
    return get_string(r, QN_CBOR_BYTES);
}

qn_slice qn_cbor_get_text(qn_cbor_r *r)
{
    return get_string(r, QN_CBOR_TEXT);
}

void qn_cbor_get_fixed(qn_cbor_r *r, void *out, size_t n)
{
    qn_slice s = qn_cbor_get_bytes(r);

    if (r->err == QN_OK && s.n != n)
        r->err = QN_PROTO;
    if (r->err != QN_OK)
        memset(out, 0, n);
    else if (n > 0)
        memcpy(out, s.p, n);
}

bool qn_cbor_get_bool(qn_cbor_r *r)
{
    return get(r, QN_CBOR_BOOL, NULL) != 0;
}

uint64_t qn_cbor_get_array(qn_cbor_r *r)
{
    return get(r, QN_CBOR_ARRAY, NULL);
}

uint64_t qn_cbor_get_map(qn_cbor_r *r)
{
    return get(r, QN_CBOR_MAP, NULL);
}

uint64_t qn_cbor_key(qn_cbor_r *r, int64_t *last)
{
    uint64_t key = qn_cbor_get_uint(r);

    if (r->err == QN_OK && key > INT64_MAX)
        r->err = QN_PROTO;
    else if (r->err == QN_OK && (int64_t)key <= *last)
        r->err = QN_CANON;
    if (r->err != QN_OK)
        return 0;
    *last = (int64_t)key;
    return key;
}

/* ---- whole items ----------------------------------------------------------------------------- */

/* Encoded keys are never prefixes of each other, so the shorter length decides nothing alone. */
static bool key_before(qn_slice a, qn_slice b)
{
    int order = memcmp(a.p, b.p, QN_MIN(a.n, b.n));

    return order < 0 || (order == 0 && a.n < b.n);
}

static void skip_pairs(qn_cbor_r *r, uint64_t pairs)
{
    qn_slice last = {0};

    for (uint64_t i = 0; i < pairs && r->err == QN_OK; i++) {
        qn_slice key = {.p = r->p};

        qn_cbor_skip(r);
        key.n = (size_t)(r->p - key.p);
        if (r->err == QN_OK && i > 0 && !key_before(last, key))
            r->err = QN_CANON;
        last = key;
        qn_cbor_skip(r);
    }
}

void qn_cbor_skip(qn_cbor_r *r)
{
    const uint8_t *bytes;
    qn_cbor_type type = qn_cbor_peek(r);
    uint64_t n = get(r, type, &bytes);

    if (r->err != QN_OK || (type != QN_CBOR_ARRAY && type != QN_CBOR_MAP))
        return;
    if (r->depth == QN_CBOR_DEPTH) {
        r->err = QN_PROTO;
        return;
    }
    r->depth++;
    if (type == QN_CBOR_MAP)
        skip_pairs(r, n);
    for (uint64_t i = 0; type == QN_CBOR_ARRAY && i < n && r->err == QN_OK; i++)
        qn_cbor_skip(r);
    r->depth--;
}

qn_slice qn_cbor_get_item(qn_cbor_r *r)
{
    qn_slice whole = {.p = r->p};

    qn_cbor_skip(r);
    whole.n = (size_t)(r->p - whole.p);
    return r->err == QN_OK ? whole : (qn_slice){0};
}

qn_err qn_cbor_end(const qn_cbor_r *r)
{
    if (r->err != QN_OK)
        return r->err;
    return left(r) == 0 ? QN_OK : QN_PROTO;
}

qn_err qn_cbor_check(const void *p, size_t n)
{
    qn_cbor_r r;

    qn_cbor_r_init(&r, p, n);
    qn_cbor_skip(&r);
    return qn_cbor_end(&r);
}
