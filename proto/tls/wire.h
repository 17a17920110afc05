/* Reading and writing TLS's presentation language (RFC 8446 section 3). Errors are sticky. */
#ifndef QN_TLS_WIRE_H
#define QN_TLS_WIRE_H

#include "base/bytes.h"

/* Reads from the front; behind the end everything is 0 and empty, and `bad` is set. */
typedef struct qn_tls_r {
    const uint8_t *p;
    size_t n; /* bytes left */
    bool bad;
} qn_tls_r;

static inline qn_tls_r qn_tls_reader(qn_slice s)
{
    return (qn_tls_r){.p = s.p, .n = s.n};
}

static inline qn_slice qn_tls_take(qn_tls_r *r, size_t n)
{
    qn_slice s = {.p = r->p, .n = n};

    if (r->bad || n > r->n) {
        r->bad = true;
        r->n = 0;
        return (qn_slice){0};
    }
    if (n > 0)
        r->p += n;
    r->n -= n;
    return s;
}

/* A number of 1 to 4 bytes. */
static inline uint32_t qn_tls_uint(qn_tls_r *r, unsigned bytes)
{
    qn_slice s = qn_tls_take(r, bytes);
    uint32_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

/* A vector whose length field has so many bytes. */
static inline qn_slice qn_tls_vec(qn_tls_r *r, unsigned bytes)
{
    return qn_tls_take(r, qn_tls_uint(r, bytes));
}

/* Everything was read and nothing was missing. */
static inline bool qn_tls_done(const qn_tls_r *r)
{
    return !r->bad && r->n == 0;
}

/* Writes into a caller's buffer; what does not fit is not written and sets `bad`. */
typedef struct qn_tls_w {
    uint8_t *p;
    size_t cap, n;
    bool bad;
} qn_tls_w;

/* Room for n bytes, or NULL. */
static inline uint8_t *qn_tls_room_for(qn_tls_w *w, size_t n)
{
    uint8_t *at = w->p + w->n;

    if (w->bad || n > w->cap - w->n) {
        w->bad = true;
        return NULL;
    }
    w->n += n;
    return at;
}

static inline void qn_tls_put(qn_tls_w *w, const void *p, size_t n)
{
    uint8_t *at = qn_tls_room_for(w, n);

    if (at != NULL && n > 0)
        memcpy(at, p, n);
}

static inline void qn_tls_put_uint(qn_tls_w *w, uint32_t v, unsigned bytes)
{
    uint8_t *at = qn_tls_room_for(w, bytes);

    for (unsigned i = 0; at != NULL && i < bytes; i++)
        at[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

/* Opens a vector: leaves room for its length and returns where the content starts. */
static inline size_t qn_tls_open(qn_tls_w *w, unsigned bytes)
{
    (void)qn_tls_room_for(w, bytes);
    return w->n;
}

/* Closes it: the length goes in front of `start`. */
static inline void qn_tls_shut(qn_tls_w *w, size_t start, unsigned bytes)
{
    size_t n = w->n - start;

    for (unsigned i = 0; !w->bad && i < bytes; i++)
        w->p[start - bytes + i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
}

/* An even number of bytes read as a list of u16 holds v. */
static inline bool qn_tls_lists(qn_slice list, uint16_t v)
{
    for (size_t i = 0; i + 1 < list.n; i += 2)
        if (qn_get16(list.p + i) == v)
            return true;
    return false;
}

#endif
