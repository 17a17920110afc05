/* One client and the scripted server that means it harm, for the tests of both halves of a
 * connection. */
#ifndef TLS_SCENE_H
#define TLS_SCENE_H

#include "script.h"

#include <brotli/encode.h>

static qt_env t;
static qn_tls_profile p;
static tls_identity ca, leaf;
static qn_roots *roots;
static qn_tls *c;
static script s;

static inline void open_with(const char *profile)
{
    qn_tls_cfg cfg = {.profile = &p, .roots = roots, .name = qn_slice_of(DECOY, strlen(DECOY))};

    p = tls_profile(&t, profile);
    qn_tls_destroy(c);
    script_close(&s);
    qt_assert_err(qn_tls_create(&c, &t.env, &cfg), QN_OK);
    qt_assert_err(qn_tls_start(c, NULL), QN_OK);
    script_open(&s, &t, c);
}

static inline void setup(void)
{
    qt_env_open(&t, 1);
    ca = tls_issue(NULL, TLS_P256, "authority", -1000, 1000);
    leaf = tls_issue(&ca, TLS_P256, DECOY, -1000, 1000);
    roots = tls_trust(&ca, true);
    open_with("chromium-156");
}

static inline void teardown(void)
{
    qn_tls_destroy(c);
    c = NULL;
    script_close(&s);
    qn_roots_free(roots);
    tls_identity_free(&leaf);
    tls_identity_free(&ca);
    qt_env_close(&t);
}

/* It ended, with this alert as its last word. */
static inline void must_end(qn_err err, uint8_t alert)
{
    uint8_t out[QN_RECORD_BODY_MAX], type;
    size_t n;

    ck_assert(s.run.over);
    qt_assert_err(s.run.ended.err, err);
    type = script_read(&s, out, &n);
    if (type == QN_TLS_CCS && p.ccs_first && !s.run.up)
        type = script_read(&s, out, &n);
    ck_assert_uint_eq(type, QN_TLS_ALERT);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(out[0], 2);
    ck_assert_uint_eq(out[1], alert);
    ck_assert_uint_eq(qn_tls_peek(c, &(qn_slice){0}, 1), 0);
    ck_assert_uint_eq(qn_tls_space(c).n, 0);
}

/* The client's CCS and its flight; afterwards s.rx is for application data and counts from 0. */
static inline size_t client_flight(uint8_t *out)
{
    const qn_tls_suite *suite = qn_tls_suite_of(0x1301);
    uint8_t hash[32], secret[32];
    size_t n;

    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_CCS);
    qt_assert_err(qn_running_peek(&s.transcript, &t.env, (qn_slice){0}, hash), QN_OK);
    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_HANDSHAKE);
    qt_assert_err(qn_tls_derive(&s.schedule, &t.env, "c ap traffic", hash, secret), QN_OK);
    qt_assert_err(qn_tls_keys_init(&s.rx, &t.env, suite, secret), QN_OK);
    return n;
}

static inline void shake(void)
{
    uint8_t out[QN_RECORD_BODY_MAX];

    script_shake(&s, &leaf);
    ck_assert_uint_eq(client_flight(out), 36);
}

/* The body of a CompressedCertificate that claims a length. */
static inline qn_slice brotli_of(qn_slice plain, uint32_t claimed)
{
    static uint8_t body[8192];
    size_t n = sizeof body - 8;

    ck_assert(BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, plain.n, plain.p,
                                    &n, body + 8));
    qn_put16(body, 2);
    qn_put24(body + 2, claimed);
    qn_put24(body + 5, (uint32_t)n);
    return qn_slice_of(body, 8 + n);
}

#endif
