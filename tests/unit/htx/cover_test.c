/*
 * A tagged hello is a browser's hello: every shipped profile's, with nothing changed but 32 bytes
 * that browsers draw at random and that look it.
 */
#include "../tls/fixture.h"

#include "htx/tag.h"

enum { TAGS = 1000, BITS = 256 };

static qt_env t;
static qn_htx_mirror_key key;
static qn_htx_tag_cfg c;

static void setup(void)
{
    qn_dh_public own;

    qt_env_open(&t, 22);
    qn_dh_generate(&t.env, &key.secret, &key.pub);
    qn_dh_generate(&t.env, &c.own, &own);
    c.mirror = key.pub;
}

static void teardown(void)
{
    qt_env_close(&t);
}

/* The same tag to the last byte but its nonce, which is what one client says again and again. */
static void tag_hello(tls_made *m)
{
    qn_htx_tag tag = {.requests = 3, .second = 100, .time = (uint32_t)t.env.wall};
    qn_noise x;

    qn_rng_fill(&t.env, tag.nonce, sizeof tag.nonce);
    c.e = m->shares.x25519;
    qt_assert_err(qn_htx_tag_seal(&x, &t.env, &c, &tag, m->p, m->cut), QN_OK);
    qn_noise_clear(&x);
}

START_TEST(every_shipped_hello_carries_a_tag)
{
    const qn_slice name = qn_slice_of(DECOY, strlen(DECOY));
    const qn_htx_tag_judge judge = {
        .keys = &key, .keys_n = 1, .psks = &c.psk, .psks_n = 1, .names = &name, .names_n = 1};
    qn_tls_profile profile = tls_profile(&t, tls_profiles[_i / 2]);
    qn_tls_ticket ticket = tls_ticket(&t);
    qn_slice message;
    qn_tls_hello hello;
    qn_htx_tag got;
    tls_made m, plain;
    qn_noise x;

    tls_make(&m, &t, &profile, _i % 2 ? &ticket : NULL);
    plain = m;
    tag_hello(&m);
    ck_assert_mem_ne(m.p + QN_TLS_HELLO_SESSION_ID, plain.p + QN_TLS_HELLO_SESSION_ID, 32);
    memcpy(plain.p + QN_TLS_HELLO_SESSION_ID, m.p + QN_TLS_HELLO_SESSION_ID, 32);
    ck_assert_mem_eq(m.p, plain.p, m.n);

    message = qn_slice_of(m.p, m.n);
    qt_assert_err(qn_tls_hello_read(message, &hello), QN_OK);
    ck_assert_uint_eq(hello.mlkem.n, QN_MLKEM_EK);
    qt_assert_err(qn_htx_tag_open(&x, &t.env, &judge, message, &hello, &got), QN_OK);
    ck_assert_uint_eq(got.second, 100);
    qn_noise_clear(&x);
}
END_TEST

/* ---- do they look drawn? ----------------------------------------------------------------------
 */

/* Sum of (seen - want)^2 / want. */
static double chi_square(const unsigned *seen, unsigned n, double want)
{
    double sum = 0;

    for (unsigned i = 0; i < n; i++)
        sum += (seen[i] - want) * (seen[i] - want) / want;
    return sum;
}

static unsigned bit(const uint8_t *tag, unsigned i)
{
    return tag[i / 8] >> i % 8 & 1;
}

/* At 1 %, each: the byte values (255 degrees of freedom), each bit's place and each pair of
 * neighbours (256 places, two outcomes). */
static bool looks_drawn(uint8_t tags[TAGS][32])
{
    unsigned bytes[256] = {0}, ones[2 * BITS] = {0}, pairs[2 * BITS] = {0};

    for (unsigned k = 0; k < TAGS; k++) {
        for (unsigned i = 0; i < 32; i++)
            bytes[tags[k][i]]++;
        for (unsigned i = 0; i < BITS; i++) {
            ones[2 * i + bit(tags[k], i)]++;
            pairs[2 * i + (bit(tags[k], i) ^ bit(tags[k], (i + 1) % BITS))]++;
        }
    }
    return chi_square(bytes, 256, TAGS * 32 / 256.0) < 310.5 &&
           chi_square(ones, 2 * BITS, TAGS / 2.0) < 311.6 &&
           chi_square(pairs, 2 * BITS, TAGS / 2.0) < 311.6;
}

static void make_tags(uint8_t tags[TAGS][32])
{
    qn_tls_profile profile = tls_profile(&t, tls_profiles[0]);
    static tls_made m;

    tls_make(&m, &t, &profile, NULL);
    for (unsigned k = 0; k < TAGS; k++) {
        qn_dh_public e;

        qn_dh_generate(&t.env, &m.shares.x25519, &e);
        qn_rng_fill(&t.env, m.p + QN_TLS_HELLO_RANDOM, 32);
        tag_hello(&m);
        memcpy(tags[k], m.p + QN_TLS_HELLO_SESSION_ID, 32);
    }
}

START_TEST(a_thousand_tags_look_drawn)
{
    static uint8_t tags[TAGS][32];

    make_tags(tags);
    ck_assert(looks_drawn(tags));
}
END_TEST

/* The same judge finds one bit that is set two times in three, and one that follows another. */
START_TEST(a_planted_bias_is_found)
{
    static uint8_t tags[TAGS][32];

    make_tags(tags);
    for (unsigned k = 0; k < TAGS; k += 3) {
        if (_i == 0)
            tags[k][0] |= 0x10;
        else
            tags[k][9] = (uint8_t)((tags[k][9] & 0xfe) | (tags[k][9] >> 1 & 1));
    }
    ck_assert(!looks_drawn(tags));
}
END_TEST

static Suite *cover_suite(void)
{
    Suite *s = suite_create("htx/cover");
    TCase *tc = tcase_create("cover");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, every_shipped_hello_carries_a_tag, 0, 2 * QN_LEN(tls_profiles));
    tcase_add_test(tc, a_thousand_tags_look_drawn);
    tcase_add_loop_test(tc, a_planted_bias_is_found, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(cover_suite)
