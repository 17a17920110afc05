/* The client against OpenSSL's server in memory: what it refuses, and in which records. */
#include "pair.h"

/* ---- what is refused ----------------------------------------------------------------------- */

/* One alert, then nothing: encrypted once there are keys, 19 bytes. */
static void must_have_ended(qn_err err, bool encrypted)
{
    uint8_t type[16];
    uint16_t size[16];
    unsigned n = records_from(0, type, size, 16);

    ck_assert(run.over);
    qt_assert_err(run.ended.err, err);
    ck_assert_uint_eq(type[n - 1], encrypted ? 23 : 21);
    ck_assert_uint_eq(size[n - 1], encrypted ? 19 : 2);
    ck_assert_uint_eq(qn_tls_space(c).n, 0);
}

START_TEST(a_chain_to_nowhere_is_refused)
{
    tls_identity other = tls_issue(NULL, TLS_P256, "authority", -1000, 1000);

    present(tls_issue(&other, TLS_P256, DECOY, -1000, 1000), NULL);
    tls_identity_free(&other);
    connect_in(SIZE_MAX);
    ck_assert(!run.up);
    must_have_ended(QN_AUTH, true);
}
END_TEST

/* The captures (fingerprints, habits.json): Chromium's alert stands behind a CCS, Firefox's alone.
 */
START_TEST(a_bad_certificate_is_answered_in_the_browser_s_records)
{
    uint8_t type[8];
    uint16_t size[8];
    unsigned n, want = _i == 0 ? 3 : 2;

    p = tls_profile(&t, tls_profiles[_i]);
    present(tls_issue(&ca, TLS_P256, "other.example", -1000, 1000), NULL);
    connect_in(SIZE_MAX);
    must_have_ended(QN_UNKNOWN, true);
    n = records_from(0, type, size, 8);
    ck_assert_uint_eq(n, want);
    if (_i == 0) {
        ck_assert_uint_eq(type[1], QN_TLS_CCS);
        ck_assert_uint_eq(size[1], 1);
    }
}
END_TEST

START_TEST(a_self_signed_leaf_is_refused)
{
    present(tls_issue(NULL, TLS_P256, DECOY, -1000, 1000), NULL);
    connect_in(SIZE_MAX);
    must_have_ended(QN_AUTH, true);
}
END_TEST

START_TEST(a_leaf_that_signs_is_refused)
{
    tls_identity middle = tls_issue(&ca, TLS_P256, "not.an.authority", -1000, 1000);

    present(tls_issue(&middle, TLS_P256, DECOY, -1000, 1000), &middle);
    tls_identity_free(&middle);
    connect_in(SIZE_MAX);
    must_have_ended(QN_AUTH, true);
}
END_TEST

START_TEST(another_name_is_refused)
{
    static const char *const names[] = {"other.example", "sub.decoy.example", "*.decoy.example",
                                        "*.xample"};

    present(tls_issue(&ca, TLS_P256, names[_i], -1000, 1000), NULL);
    connect_in(SIZE_MAX);
    must_have_ended(QN_UNKNOWN, true);
}
END_TEST

START_TEST(validity_is_judged_by_the_wall_clock_given)
{
    t.env.wall = QT_EPOCH + 1001;
    connect_in(SIZE_MAX);
    must_have_ended(QN_EXPIRED, true);
    tls_server_again(&s);
    t.env.wall = QT_EPOCH - 1001;
    connect_in(SIZE_MAX);
    must_have_ended(QN_EARLY, true);
    tls_server_again(&s);
    t.env.wall = QT_EPOCH + 999;
    connect_in(SIZE_MAX);
    must_be_up();
}
END_TEST

START_TEST(a_verdict_that_was_kept_ends_with_the_chain)
{
    connect_in(SIZE_MAX);
    must_be_up();
    for (int i = 0; i < 2; i++) {
        t.env.wall = QT_EPOCH + (i == 0 ? 1001 : -1001);
        tls_server_again(&s);
        connect_in(SIZE_MAX);
        must_have_ended(i == 0 ? QN_EXPIRED : QN_EARLY, true);
    }
}
END_TEST

START_TEST(a_verdict_that_was_kept_is_of_that_chain_only)
{
    tls_identity other = tls_issue(NULL, TLS_P256, "authority", -1000, 1000);

    connect_in(SIZE_MAX);
    must_be_up();
    present(tls_issue(&other, TLS_P256, DECOY, -1000, 1000), NULL);
    tls_identity_free(&other);
    connect_in(SIZE_MAX);
    must_have_ended(QN_AUTH, true);
}
END_TEST

/* A verdict that was kept gives the key that it came with, not another of the same value. */
START_TEST(verdicts_on_hundreds_of_sites_are_kept)
{
    enum { SITES = 500 };
    tls_identity site = tls_issue(&ca, TLS_P256, "*.some.example", -1000, 1000);
    qn_cert_key *keys[SITES], *again;
    unsigned kept = 0;
    uint8_t *bytes = NULL;
    int n = i2d_X509(site.cert, &bytes);
    qn_slice der = qn_slice_of(bytes, (size_t)n);
    char name[24];

    ck_assert_int_gt(n, 0);
    for (unsigned i = 0; i < 2 * SITES; i++) {
        qn_cert_key **key = i < SITES ? &keys[i] : &again;
        int length = snprintf(name, sizeof name, "s%u.some.example", i % SITES);

        qt_assert_err(
            qn_chain_verify(roots, &t.env, &der, 1, qn_slice_of(name, (size_t)length), key), QN_OK);
        if (i >= SITES) {
            kept += again == keys[i - SITES];
            qn_cert_key_free(again);
        }
    }
    for (unsigned i = 0; i < SITES; i++)
        qn_cert_key_free(keys[i]);
    ck_assert_uint_gt(kept, SITES * 2 / 3); /* some 24 of 25; the chain's bytes are drawn */
    OPENSSL_free(bytes);
    tls_identity_free(&site);
}
END_TEST

/* Browsers do not offer Ed25519, so the server has nothing to sign with. */
START_TEST(ed25519_fails_as_with_a_browser)
{
    present(tls_issue(&ca, TLS_ED25519, DECOY, -1000, 1000), NULL);
    connect_in(SIZE_MAX);
    ck_assert(run.over && !run.up);
    qt_assert_err(run.ended.err, QN_REFUSED);
}
END_TEST

START_TEST(tls_1_2_is_refused)
{
    SSL_CTX_set_max_proto_version(s.ctx, TLS1_2_VERSION);
    tls_server_again(&s);
    connect_in(SIZE_MAX);
    must_have_ended(QN_VERSION, false);
}
END_TEST

/* What the server said up to here, waiting in its BIO, one bit of it changed. */
static bool changed_at(size_t at)
{
    static uint8_t flight[1 << 14];
    tls_run quiet = {.up = false};
    uint8_t none[1];
    qn_slice v;
    int n;

    tls_server_again(&s);
    begin(NULL);
    while (qn_tls_peek(c, &v, 1) > 0) {
        ck_assert_int_eq(BIO_write(s.in, v.p, (int)v.n), (int)v.n);
        qn_tls_consume(c, v.n);
    }
    (void)SSL_peek(s.ssl, none, 1);
    n = BIO_read(s.out, flight, sizeof flight);
    ck_assert_int_gt(n, 0);
    if (at >= (size_t)n)
        return false;
    flight[at] ^= 0x04;
    ck_assert_int_eq(BIO_write(s.out, flight, n), n);
    memset(&run, 0, sizeof run);
    tls_pump(c, &s, SIZE_MAX, &quiet);
    run.up = quiet.up;
    return true;
}

/* Only what no key protects may change unnoticed: versions in the headers of plaintext records. */
START_TEST(no_changed_byte_of_the_flight_goes_unnoticed)
{
    unsigned unnoticed = 0;

    for (size_t at = 0; changed_at(at); at += 3)
        unnoticed += run.up;
    ck_assert_uint_le(unnoticed, 4);
}
END_TEST

START_TEST(the_longest_name_still_fits_a_hello)
{
    qn_tls_cfg cfg = {.profile = &p, .roots = roots, .name = qt_noise(1, 255)};

    qt_assert_err(qn_tls_create(&c, &t.env, &cfg), QN_OK); /* the longest DNS name still fits */
}
END_TEST

START_TEST(roots_that_are_none_are_refused)
{
    static const char *const v[] = {"", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n",
                                    "\x30\x03"};
    qn_roots *none;

    for (size_t i = 0; i < QN_LEN(v); i++)
        qt_assert_err(qn_roots_new(&none, qn_slice_of(v[i], strlen(v[i]))), QN_CONFIG);
}
END_TEST

static Suite *refuse_suite(void)
{
    Suite *suite = suite_create("tls/refuse");
    TCase *tc = tcase_create("refuse");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_chain_to_nowhere_is_refused);
    tcase_add_loop_test(tc, a_bad_certificate_is_answered_in_the_browser_s_records, 0, 2);
    tcase_add_test(tc, a_self_signed_leaf_is_refused);
    tcase_add_test(tc, a_leaf_that_signs_is_refused);
    tcase_add_loop_test(tc, another_name_is_refused, 0, 4);
    tcase_add_test(tc, validity_is_judged_by_the_wall_clock_given);
    tcase_add_test(tc, a_verdict_that_was_kept_ends_with_the_chain);
    tcase_add_test(tc, a_verdict_that_was_kept_is_of_that_chain_only);
    tcase_add_test(tc, verdicts_on_hundreds_of_sites_are_kept);
    tcase_add_test(tc, ed25519_fails_as_with_a_browser);
    tcase_add_test(tc, tls_1_2_is_refused);
    tcase_add_test(tc, no_changed_byte_of_the_flight_goes_unnoticed);
    tcase_add_test(tc, the_longest_name_still_fits_a_hello);
    tcase_add_test(tc, roots_that_are_none_are_refused);
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(refuse_suite)
