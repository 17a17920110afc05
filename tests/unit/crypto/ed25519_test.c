/* Ed25519 against ed25519.cr.yp.to and Wycheproof, and the strictness that signatures rely on. */
#include "support/json.h"

#include "crypto/crypto.h"

enum { ROWS = 256 };

static qt_env t;
static json_t *wycheproof;

/* One line "sk||pk:pk:msg:sig||msg:" of sign.input. */
static struct row {
    qn_slice sk, pk, msg, sig;
} rows[ROWS];
static size_t rows_n;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static const char *column(const char *p, qn_slice *out)
{
    size_t n = strcspn(p, ":\n");

    if (p[n] != ':')
        qt_die("ed25519: a line with too few columns");
    *out = qt_hex_n(p, n);
    return p + n + 1;
}

static void load_rows(void)
{
    const char *p = (const char *)qt_vector_file("rfc-crypto/ed25519-sign-first256.input").p;

    for (; *p != '\0'; rows_n++) {
        struct row *r = &rows[rows_n];

        if (rows_n == ROWS)
            qt_die("ed25519: more than %d lines", ROWS);
        p = column(column(column(column(p, &r->sk), &r->pk), &r->msg), &r->sig);
        if (*p++ != '\n' || r->sk.n != 64 || r->pk.n != 32 || r->sig.n != 64 + r->msg.n)
            qt_die("ed25519: line %zu is malformed", rows_n + 1);
    }
}

START_TEST(signs_and_verifies_the_published_answers)
{
    const struct row *r = &rows[_i];
    qn_sign_secret secret;
    qn_sign_public pub;
    qn_signature sig;

    memcpy(secret.seed, r->sk.p, sizeof secret.seed);
    qn_sign_derive(&secret, &pub);
    qt_assert_bytes(pub.b, sizeof pub.b, r->pk);
    qn_sign(&secret, r->msg.p, r->msg.n, &sig);
    qt_assert_bytes(sig.b, sizeof sig.b, qn_slice_of(r->sig.p, 64));
    qt_assert_err(qn_verify(&pub, r->msg.p, r->msg.n, &sig), QN_OK);
    sig.b[_i % 64] ^= (uint8_t)(1 << _i % 8);
    qt_assert_err(qn_verify(&pub, r->msg.p, r->msg.n, &sig), QN_AUTH);
}
END_TEST

START_TEST(wycheproof_rows)
{
    const json_t *group, *row;
    size_t i, j;
    unsigned valid = 0, invalid = 0, no_such_length = 0;

    json_array_foreach(wycheproof, i, group)
    {
        qn_sign_public pub;

        qt_hex_into(pub.b, sizeof pub.b, qt_json_text(qt_json_get(group, "publicKey"), "pk"));
        json_array_foreach(qt_json_get(group, "tests"), j, row)
        {
            qn_slice msg = qt_json_hex(row, "msg"), sig_bytes = qt_json_hex(row, "sig");
            bool is_valid = strcmp(qt_json_text(row, "result"), "valid") == 0;
            qn_signature sig;

            if (sig_bytes.n != sizeof sig.b) { /* the type cannot hold it */
                ck_assert(!is_valid);
                no_such_length++;
                continue;
            }
            memcpy(sig.b, sig_bytes.p, sizeof sig.b);
            qt_assert_err(qn_verify(&pub, msg.p, msg.n, &sig), is_valid ? QN_OK : QN_AUTH);
            valid += is_valid;
            invalid += !is_valid;
        }
    }
    ck_assert_uint_eq(valid, 44);
    ck_assert_uint_eq(invalid, 26);
    ck_assert_uint_eq(no_such_length, 6);
}
END_TEST

/* The eight points of small order, as compressed (y, sign of x). With such a key A, or such an R
 * and S = 0, one signature fits many messages. */
static const char *const small_order[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
};

START_TEST(keys_and_points_of_small_order_are_refused)
{
    qn_sign_public pub;
    qn_signature sig = {{0}};

    qt_hex_into(pub.b, sizeof pub.b, small_order[_i]);
    memcpy(sig.b, pub.b, 32);
    for (unsigned i = 0; i < 16; i++) /* with luck 1 in 8 of the challenges kills A's torsion */
        qt_assert_err(qn_verify(&pub, &i, sizeof i, &sig), QN_AUTH);
    memcpy(pub.b, rows[0].pk.p, 32);
    qt_assert_err(qn_verify(&pub, "m", 1, &sig), QN_AUTH);
}
END_TEST

/* S + L verifies too unless S < L is demanded (RFC 8032 5.1.7); L as little-endian bytes. */
START_TEST(a_signature_has_one_form_only)
{
    const struct row *r = &rows[1];
    qn_slice order = qt_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    qn_sign_public pub;
    qn_signature sig;
    unsigned carry = 0;

    memcpy(pub.b, r->pk.p, 32);
    memcpy(sig.b, r->sig.p, 64);
    qt_assert_err(qn_verify(&pub, r->msg.p, r->msg.n, &sig), QN_OK);
    for (unsigned i = 0; i < 32; i++) {
        carry += (unsigned)sig.b[32 + i] + order.p[i];
        sig.b[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    ck_assert_uint_eq(carry, 0);
    qt_assert_err(qn_verify(&pub, r->msg.p, r->msg.n, &sig), QN_AUTH);
}
END_TEST

START_TEST(generated_keys_sign_and_come_from_the_env)
{
    qn_sign_secret secret;
    qn_sign_public pub;
    qn_signature sig;
    qn_drbg again = t.rng;
    uint8_t drawn[32];

    qn_sign_generate(&t.env, &secret, &pub);
    qn_drbg_fill(&again, drawn, sizeof drawn);
    ck_assert_mem_eq(secret.seed, drawn, sizeof drawn);
    qn_sign(&secret, "message", 7, &sig);
    qt_assert_err(qn_verify(&pub, "message", 7, &sig), QN_OK);
    qt_assert_err(qn_verify(&pub, "messages", 8, &sig), QN_AUTH);
    qt_assert_err(qn_verify(&pub, NULL, 0, &sig), QN_AUTH);
}
END_TEST

static Suite *ed25519_suite(void)
{
    Suite *s = suite_create("crypto/ed25519");
    TCase *tc = tcase_create("ed25519");

    load_rows();
    if (rows_n != ROWS)
        qt_die("ed25519: %zu lines instead of %d", rows_n, ROWS);
    wycheproof = qt_json_get(qt_vector_json("wycheproof-odd/ed25519_test.json"), "testGroups");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, signs_and_verifies_the_published_answers, 0, ROWS);
    tcase_add_test(tc, wycheproof_rows);
    tcase_add_loop_test(tc, keys_and_points_of_small_order_are_refused, 0,
                        (int)QN_LEN(small_order));
    tcase_add_test(tc, a_signature_has_one_form_only);
    tcase_add_test(tc, generated_keys_sign_and_come_from_the_env);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(ed25519_suite)
