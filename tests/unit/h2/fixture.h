/* What the tests of HTTP/2 share: shipped profiles, a connection, and a server's bytes. */
#ifndef H2_FIXTURE_H
#define H2_FIXTURE_H

#include "support/qt.h"

#include "h2/h2.h"
#include "tls/profile.h"

#include <stdio.h>

static const char *const h2_browsers[] = {"chromium-156", "firefox-esr-153"};
enum { H2_CHROMIUM, H2_FIREFOX };

#define H2_SETTINGS "000000 04 00 00000000"
#define H2_DATE "Fri, 20 Nov 2026 08:00:00 GMT"
#define H2_DATE_UNIX INT64_C(1795161600)

static inline qn_h2_profile h2_profile(qt_env *t, unsigned browser)
{
    static char path[128];
    qn_tls_profile tls;
    qn_h2_profile p;

    (void)snprintf(path, sizeof path, "../../profiles/%s.cbor", h2_browsers[browser]);
    qt_assert_err(qn_tls_profile_read(&tls, &t->env, qt_vector_file(path)), QN_OK);
    qt_assert_err(qn_h2_profile_read(&p, tls.http2), QN_OK);
    return p;
}

static inline qn_slice h2_text(const char *s)
{
    return qn_slice_of(s, strlen(s));
}

static inline qn_h2 *h2_open(qt_env *t, const qn_h2_profile *p, const char *authority, bool resumed)
{
    qn_h2_cfg cfg = {.profile = p, .authority = h2_text(authority), .resumed = resumed};
    qn_h2 *h;

    qt_assert_err(qn_h2_new(&h, &t->env, &cfg), QN_OK);
    return h;
}

static inline void h2_push_hex(qn_h2 *h, const char *hex)
{
    qt_assert_err(qn_h2_push(h, qt_hex(hex)), QN_OK);
}

/* Takes all writes; returns their number, and their bytes one behind the other. */
static inline unsigned h2_taken(qn_h2 *h, uint8_t *out, size_t cap, size_t *n)
{
    unsigned writes = 0;
    qn_slice w;

    for (*n = 0; (w = qn_h2_peek(h)).n > 0; writes++) {
        ck_assert_uint_le(*n + w.n, cap);
        memcpy(out + *n, w.p, w.n);
        *n += w.n;
        qn_h2_consume(h, w.n);
    }
    return writes;
}

static inline unsigned h2_drain(qn_h2 *h)
{
    uint8_t buf[16384];
    size_t n;

    return h2_taken(h, buf, sizeof buf, &n);
}

/* A frame of the server's, `n` payload bytes. */
static inline void h2_push_frame(qn_h2 *h, uint8_t type, uint8_t flags, uint32_t stream,
                                 const void *payload, size_t n)
{
    uint8_t head[9] = {0};

    qn_put24(head, (uint32_t)n);
    head[3] = type;
    head[4] = flags;
    qn_put32(head + 5, stream);
    qt_assert_err(qn_h2_push(h, qn_slice_of(head, sizeof head)), QN_OK);
    if (n > 0)
        qt_assert_err(qn_h2_push(h, qn_slice_of(payload, n)), QN_OK);
}

/* The headers of an answer: three digits of status, and the date unless NULL. */
static inline void h2_answer(qn_h2 *h, uint32_t stream, const char *status, const char *date,
                             bool last)
{
    uint8_t block[64] = {0x08, 3}; /* literal, name 8 (:status) */
    size_t n = 5;

    memcpy(block + 2, status, 3);
    if (date != NULL) { /* literal, name 33 (date) */
        block[n++] = 0x0f;
        block[n++] = 33 - 15;
        block[n++] = (uint8_t)strlen(date);
        memcpy(block + n, date, strlen(date));
        n += strlen(date);
    }
    h2_push_frame(h, 1, last ? 0x05 : 0x04, stream, block, n);
}

static inline void h2_body(qn_h2 *h, uint32_t stream, size_t n, bool last)
{
    h2_push_frame(h, 0, last ? 1 : 0, stream, qt_noise(1, n).p, n);
}

static inline uint32_t h2_ask(qn_h2 *h, qn_h2_kind kind, const char *path)
{
    uint32_t id;

    qt_assert_err(qn_h2_request(h, kind, h2_text(path), 1 << 20, &id), QN_OK);
    return id;
}

static inline qn_h2_event h2_event(qn_h2 *h, qn_h2_event_type type)
{
    qn_h2_event ev;

    ck_assert(qn_h2_next(h, &ev));
    ck_assert_int_eq(ev.type, type);
    return ev;
}

static inline void h2_silent(qn_h2 *h)
{
    qn_h2_event ev;

    ck_assert(!qn_h2_next(h, &ev));
}

#endif
