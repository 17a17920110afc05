/* One client and OpenSSL's server in memory, for the tests of what completes and of what is
 * refused. */
#ifndef TLS_PAIR_H
#define TLS_PAIR_H

#include "server.h"

static qt_env t;
static qn_tls_profile p;
static tls_identity ca, leaf;
static qn_roots *roots;
static tls_server s;
static qn_tls *c;
static tls_run run;

static inline void setup(void)
{
    qt_env_open(&t, 1);
    p = tls_profile(&t, tls_profiles[0]);
    ca = tls_issue(NULL, TLS_P256, "authority", -1000, 1000);
    leaf = tls_issue(&ca, TLS_P256, DECOY, -1000, 1000);
    roots = tls_trust(&ca, true);
    tls_server_open(&s, &leaf, NULL);
    memset(&run, 0, sizeof run);
}

static inline void teardown(void)
{
    qn_tls_destroy(c);
    c = NULL;
    tls_server_close(&s);
    qn_roots_free(roots);
    tls_identity_free(&leaf);
    tls_identity_free(&ca);
    qt_env_close(&t);
}

/* The server presents another certificate from here on. */
static inline void present(tls_identity id, const tls_identity *middle)
{
    tls_server_close(&s);
    tls_identity_free(&leaf);
    leaf = id;
    tls_server_open(&s, &leaf, middle);
}

static inline void begin(const qn_tls_ticket *ticket)
{
    qn_tls_cfg cfg = {
        .profile = &p, .roots = roots, .name = qn_slice_of(DECOY, strlen(DECOY)), .ticket = ticket};

    qn_tls_destroy(c);
    memset(&run, 0, sizeof run);
    qt_assert_err(qn_tls_create(&c, &t.env, &cfg), QN_OK);
    qt_assert_err(qn_tls_start(c, NULL), QN_OK);
}

static inline void connect_in(size_t chunk)
{
    begin(NULL);
    tls_pump(c, &s, chunk, &run);
}

/* Both directions carry data. */
static inline void echo(void)
{
    qn_slice data = qt_noise(5, 40000);
    static uint8_t got[40000];
    size_t n = 0;
    int part;

    run.data_n = 0;
    for (size_t at = 0; at < data.n; at += 10000)
        qt_assert_err(qn_tls_send(c, qn_slice_of(data.p + at, 10000)), QN_OK);
    tls_pump(c, &s, SIZE_MAX, &run);
    while ((part = SSL_read(s.ssl, got + n, (int)(sizeof got - n))) > 0)
        n += (size_t)part;
    qt_assert_bytes(got, n, data);
    ck_assert_int_eq(SSL_write(s.ssl, data.p, (int)data.n), (int)data.n);
    tls_pump(c, &s, 777, &run);
    qt_assert_bytes(run.data, run.data_n, data);
}

static inline void must_be_up(void)
{
    ck_assert_msg(run.up && !run.over, "ended: %s", qn_err_name(run.ended.err));
    ck_assert_int_eq(SSL_is_init_finished(s.ssl), 1);
    ck_assert_str_eq(run.alpn, "h2");
}

/* Record types and lengths of everything the client sent from an offset on. */
static inline unsigned records_from(size_t at, uint8_t *type, uint16_t *size, unsigned max)
{
    unsigned n = 0;

    for (; at < run.sent_n; at += 5u + size[n - 1]) {
        ck_assert_uint_lt(n, max);
        type[n] = run.sent[at];
        size[n++] = qn_get16(run.sent + at + 3);
    }
    ck_assert_uint_eq(at, run.sent_n);
    return n;
}

#endif
