/* What TLS 1.3's suites and groups add: AES-GCM, SHA-384 with its HMAC and HKDF, the NIST curves.
 */
#include "support/json.h"

#include "crypto/crypto.h"
#include "crypto/curve.h"
#include "crypto/digest.h"

static qt_env t;
static const qn_slice nothing;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

/* ---- AES-GCM ------------------------------------------------------------------------------- */

static void check_gcm_row(const json_t *row, qn_cipher cipher)
{
    static uint8_t out[4096];
    qn_slice key = qt_json_hex(row, "key"), ad = qt_json_hex(row, "aad");
    qn_slice msg = qt_json_hex(row, "msg"), ct = qt_json_hex(row, "ct"),
             tag = qt_json_hex(row, "tag");
    bool valid = strcmp(qt_json_text(row, "result"), "valid") == 0;
    uint8_t out_tag[QN_TAG];
    qn_nonce nonce;

    ck_assert_uint_eq(key.n, qn_cipher_key_size(cipher));
    memcpy(nonce.b, qt_json_hex(row, "iv").p, sizeof nonce.b);
    qt_assert_err(qn_cipher_seal(&t.env, cipher, key.p, nonce, ad, msg, nothing, out, out_tag),
                  QN_OK);
    qt_assert_bytes(out, ct.n, ct);
    ck_assert_int_eq(memcmp(out_tag, tag.p, QN_TAG) == 0, valid);
    qt_assert_err(qn_cipher_open(&t.env, cipher, key.p, nonce, ad, ct.p, ct.n, tag.p, out),
                  valid ? QN_OK : QN_AUTH);
    if (valid)
        qt_assert_bytes(out, msg.n, msg);
}

START_TEST(wycheproof_aes_gcm_rows)
{
    const json_t *groups =
        qt_json_get(qt_vector_json("wycheproof-odd/aes_gcm_test.json"), "testGroups");
    const json_t *group, *row;
    unsigned played = 0;
    size_t i, j;

    json_array_foreach(groups, i, group)
    {
        json_int_t bits = qt_json_int(group, "keySize");

        if (bits == 192 || qt_json_int(group, "ivSize") != 96)
            continue; /* TLS 1.3 has neither */
        json_array_foreach(qt_json_get(group, "tests"), j, row)
        {
            check_gcm_row(row, bits == 128 ? QN_AES_128_GCM : QN_AES_256_GCM);
            played++;
        }
    }
    ck_assert_uint_eq(played, 67);
}
END_TEST

/* ---- SHA-384 ------------------------------------------------------------------------------- */

START_TEST(sha384_of_abc_is_as_in_fips_180)
{
    qn_slice abc[2] = {qn_slice_of("a", 1), qn_slice_of("bc", 2)};
    uint8_t out[QN_MD_MAX];

    qt_assert_err(qn_md_hash(&t.env, QN_SHA384, abc, 2, out), QN_OK);
    qt_assert_bytes(out, sizeof out,
                    qt_hex("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                           "8086072ba1e7cc2358baeca134c825a7"));
}
END_TEST

/* RFC 4231, test cases 2 and 6: a key shorter and one longer than a block. */
START_TEST(hmac_sha384_is_as_in_rfc_4231)
{
    qn_slice short_msg = qn_slice_of("what do ya want for nothing?", 28);
    qn_slice long_msg = qn_slice_of("Test Using Larger Than Block-Size Key - Hash Key First", 54);
    uint8_t key[131], out[QN_MD_MAX];

    qt_assert_err(qn_md_hmac(&t.env, QN_SHA384, qn_slice_of("Jefe", 4), &short_msg, 1, out), QN_OK);
    qt_assert_bytes(out, sizeof out,
                    qt_hex("af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                           "8e2240ca5e69e2c78b3239ecfab21649"));
    memset(key, 0xaa, sizeof key);
    qt_assert_err(qn_md_hmac(&t.env, QN_SHA384, qn_slice_of(key, sizeof key), &long_msg, 1, out),
                  QN_OK);
    qt_assert_bytes(out, sizeof out,
                    qt_hex("4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
                           "0c2ef6ab4030fe8296248df163f44952"));
}
END_TEST

START_TEST(a_running_hash_can_be_read_at_every_byte)
{
    static const qn_md md[] = {QN_SHA256, QN_SHA384};
    qn_slice data = qt_noise(3, 300);

    for (unsigned i = 0; i < QN_LEN(md); i++) {
        qn_running r;

        qt_assert_err(qn_running_init(&r, &t.env, md[i]), QN_OK);
        for (size_t n = 0; n <= data.n; n++) {
            qn_slice head = qn_slice_of(data.p, n);
            uint8_t want[QN_MD_MAX], got[QN_MD_MAX];

            qt_assert_err(qn_md_hash(&t.env, md[i], &head, 1, want), QN_OK);
            qt_assert_err(qn_running_peek(&r, &t.env, (qn_slice){0}, got), QN_OK);
            ck_assert_mem_eq(got, want, qn_md_size(md[i]));
            if (n < data.n)
                qt_assert_err(qn_running_add(&r, qn_slice_of(data.p + n, 1)), QN_OK);
        }
        qn_running_clear(&r);
    }
}
END_TEST

/* ---- curves -------------------------------------------------------------------------------- */

/* RFC 5903 section 8.1. */
START_TEST(p256_is_as_in_rfc_5903)
{
    qn_slice theirs = qt_hex("04 d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                             "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
    qn_curve_secret ours;
    uint8_t shared[32];

    qt_hex_into(ours.b, 32, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    qt_assert_err(qn_curve_dh(QN_P256, &ours, theirs, shared), QN_OK);
    qt_assert_bytes(shared, sizeof shared,
                    qt_hex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"));
}
END_TEST

static const qn_curve curves[] = {QN_P256, QN_P384, QN_P521};

START_TEST(both_sides_of_a_curve_agree)
{
    qn_curve curve = curves[_i];
    size_t n = qn_curve_scalar(curve), point = qn_curve_point(curve);
    uint8_t pub_a[QN_CURVE_POINT_MAX], pub_b[QN_CURVE_POINT_MAX];
    uint8_t x_a[QN_CURVE_SCALAR_MAX], x_b[QN_CURVE_SCALAR_MAX];
    qn_curve_secret a, b;

    for (unsigned i = 0; i < 8; i++) {
        qt_assert_err(qn_curve_generate(&t.env, curve, &a, pub_a), QN_OK);
        qt_assert_err(qn_curve_generate(&t.env, curve, &b, pub_b), QN_OK);
        qt_assert_err(qn_curve_dh(curve, &a, qn_slice_of(pub_b, point), x_a), QN_OK);
        qt_assert_err(qn_curve_dh(curve, &b, qn_slice_of(pub_a, point), x_b), QN_OK);
        ck_assert_mem_eq(x_a, x_b, n);
        ck_assert_mem_ne(pub_a, pub_b, point);
    }
}
END_TEST

START_TEST(points_that_are_none_are_refused)
{
    qn_curve curve = curves[_i];
    size_t point = qn_curve_point(curve);
    uint8_t pub[QN_CURVE_POINT_MAX + 1] = {0}, x[QN_CURVE_SCALAR_MAX];
    qn_curve_secret a;

    qt_assert_err(qn_curve_generate(&t.env, curve, &a, pub), QN_OK);
    for (size_t n = 0; n <= point + 1; n++)
        if (n != point)
            qt_assert_err(qn_curve_dh(curve, &a, qn_slice_of(pub, n), x), QN_AUTH);
    for (unsigned form = 0; form < 256; form++) { /* compressed and hybrid forms too */
        pub[0] = (uint8_t)form;
        qt_assert_err(qn_curve_dh(curve, &a, qn_slice_of(pub, point), x),
                      form == 4 ? QN_OK : QN_AUTH);
    }
    pub[0] = 4;
    pub[point - 1] ^= 1;
    qt_assert_err(qn_curve_dh(curve, &a, qn_slice_of(pub, point), x), QN_AUTH);
    memset(pub + 1, 0, point - 1);
    qt_assert_err(qn_curve_dh(curve, &a, qn_slice_of(pub, point), x), QN_AUTH);
}
END_TEST

static void all_ones(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 0xff, n);
}

START_TEST(scalars_beyond_the_order_are_never_used)
{
    uint8_t pub[QN_CURVE_POINT_MAX];
    qn_curve_secret a;

    t.env.rng.fill = all_ones;
    qt_assert_err(qn_curve_generate(&t.env, curves[_i], &a, pub), QN_INTERNAL);
}
END_TEST

static Suite *suite_suite(void)
{
    Suite *s = suite_create("crypto/suite");
    TCase *tc = tcase_create("suite");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, wycheproof_aes_gcm_rows);
    tcase_add_test(tc, sha384_of_abc_is_as_in_fips_180);
    tcase_add_test(tc, hmac_sha384_is_as_in_rfc_4231);
    tcase_add_test(tc, a_running_hash_can_be_read_at_every_byte);
    tcase_add_test(tc, p256_is_as_in_rfc_5903);
    tcase_add_loop_test(tc, both_sides_of_a_curve_agree, 0, QN_LEN(curves));
    tcase_add_loop_test(tc, points_that_are_none_are_refused, 0, QN_LEN(curves));
    tcase_add_loop_test(tc, scalars_beyond_the_order_are_never_used, 0, QN_LEN(curves));
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite_suite)
