/* X25519 against RFC 7748, BoringSSL's edge keys and Wycheproof; zero results are refused. */
#include "support/json.h"

#include "crypto/crypto.h"

#include <stdlib.h>

static qt_env t;
static qt_records rfc7748, boring_keys, boring_derive;
static json_t *wycheproof;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static qn_err dh(qn_slice secret, qn_slice pub, qn_key *shared)
{
    qn_dh_secret s;
    qn_dh_public p;

    ck_assert(secret.n == sizeof s.b && pub.n == sizeof p.b);
    memcpy(s.b, secret.p, sizeof s.b);
    memcpy(p.b, pub.p, sizeof p.b);
    return qn_dh(&s, &p, shared);
}

START_TEST(rfc7748_rows)
{
    const qt_record *r = &rfc7748.v[_i];
    qn_key shared;

    qt_assert_err(dh(qt_field_hex(r, "INPUT_SCALAR"), qt_field_hex(r, "INPUT_U"), &shared), QN_OK);
    qt_assert_bytes(shared.b, sizeof shared.b, qt_field_hex(r, "OUTPUT_U"));
}
END_TEST

/* RFC 7748 5.2: k = u = 9, then k, u = X25519(k, u), k; a thousand rounds. */
START_TEST(a_thousand_iterations_end_where_rfc7748_says)
{
    qn_slice nine = qt_hex("0900000000000000000000000000000000000000000000000000000000000000");
    uint8_t k[32], u[32];

    memcpy(k, nine.p, 32);
    memcpy(u, nine.p, 32);
    for (unsigned i = 0; i < 1000; i++) {
        qn_key out;

        qt_assert_err(dh(qn_slice_of(k, 32), qn_slice_of(u, 32), &out), QN_OK);
        memcpy(u, k, 32);
        memcpy(k, out.b, 32);
    }
    qt_assert_bytes(k, 32,
                    qt_hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}
END_TEST

static const qt_record *boring_key(const char *name)
{
    size_t n = strcspn(name, "/");

    for (size_t i = 0; i < boring_keys.n; i++) {
        const char *key = qt_field(&boring_keys.v[i], "Key");

        if (strlen(key) == n && strncmp(key, name, n) == 0)
            return &boring_keys.v[i];
    }
    qt_die("no key named %s", name);
}

START_TEST(boringssl_rows)
{
    unsigned derived = 0, refused = 0, inexpressible = 0;

    for (size_t i = 0; i < boring_derive.n; i++) {
        const qt_record *r = &boring_derive.v[i];
        const qt_record *own = boring_key(qt_field(r, "Derive"));
        const qt_record *peer = boring_key(qt_field(r, "DerivePeer"));
        qn_key shared;
        qn_err err;

        if (strstr(qt_field(r, "Derive"), "/PublicOnly") != NULL) { /* our types tell them apart */
            inexpressible++;
            continue;
        }
        err = dh(qt_field_hex(own, "RawPrivate"), qt_field_hex(peer, "RawPublic"), &shared);
        if (qt_field(r, "Error") != NULL) {
            qt_assert_err(err, QN_AUTH);
            refused++;
        } else {
            qt_assert_err(err, QN_OK);
            qt_assert_bytes(shared.b, sizeof shared.b, qt_field_hex(r, "Output"));
            derived++;
        }
    }
    ck_assert_uint_eq(derived, 1);
    ck_assert_uint_eq(refused, 1);
    ck_assert_uint_eq(inexpressible, 1);
}
END_TEST

START_TEST(boringssl_public_key_belongs_to_its_secret)
{
    const qt_record *own = boring_key("X25519-Ours");
    qn_dh_secret secret;
    qn_dh_public pub;

    memcpy(secret.b, qt_field_hex(own, "RawPrivate").p, sizeof secret.b);
    qn_dh_derive(&secret, &pub);
    qt_assert_bytes(pub.b, sizeof pub.b, qt_field_hex(own, "RawPublic"));
}
END_TEST

START_TEST(wycheproof_rows)
{
    static const uint8_t zeros[32];
    const json_t *group, *row;
    size_t i, j;
    unsigned derived = 0, refused = 0;

    json_array_foreach(wycheproof, i, group)
    {
        json_array_foreach(qt_json_get(group, "tests"), j, row)
        {
            qn_slice want = qt_json_hex(row, "shared");
            qn_key shared;
            qn_err err = dh(qt_json_hex(row, "private"), qt_json_hex(row, "public"), &shared);

            if (memcmp(want.p, zeros, sizeof zeros) == 0) {
                qt_assert_err(err, QN_AUTH);
                refused++;
            } else {
                qt_assert_err(err, QN_OK);
                qt_assert_bytes(shared.b, sizeof shared.b, want);
                derived++;
            }
        }
    }
    ck_assert_uint_eq(derived, 244);
    ck_assert_uint_eq(refused, 15);
}
END_TEST

START_TEST(generated_pairs_agree_and_come_from_the_env)
{
    qn_dh_secret a, b;
    qn_dh_public a_pub, b_pub;
    qn_key ab, ba;
    qn_drbg again = t.rng;
    uint8_t drawn[32];

    qn_dh_generate(&t.env, &a, &a_pub);
    qn_dh_generate(&t.env, &b, &b_pub);
    qt_assert_err(qn_dh(&a, &b_pub, &ab), QN_OK);
    qt_assert_err(qn_dh(&b, &a_pub, &ba), QN_OK);
    ck_assert_mem_eq(ab.b, ba.b, sizeof ab.b);
    qn_drbg_fill(&again, drawn, sizeof drawn);
    ck_assert_mem_eq(a.b, drawn, sizeof drawn);
}
END_TEST

START_TEST(no_row_is_missing)
{
    ck_assert_uint_eq(rfc7748.n, 3);
    ck_assert_uint_eq(boring_keys.n, 3);
    ck_assert_uint_eq(boring_derive.n, 3);
}
END_TEST

static Suite *x25519_suite(void)
{
    Suite *s = suite_create("crypto/x25519");
    TCase *tc = tcase_create("x25519");

    rfc7748 = qt_vector_records("rfc-crypto/rfc7748-x25519.txt", "COUNT");
    boring_keys = qt_vector_records("rfc-crypto/x25519-boringssl.txt", "Key");
    boring_derive = qt_vector_records("rfc-crypto/x25519-boringssl.txt", "Derive");
    wycheproof = qt_json_get(qt_vector_json("wycheproof-odd/x25519_test.json"), "testGroups");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, rfc7748_rows, 0, (int)rfc7748.n);
    tcase_add_test(tc, a_thousand_iterations_end_where_rfc7748_says);
    tcase_add_test(tc, boringssl_rows);
    tcase_add_test(tc, boringssl_public_key_belongs_to_its_secret);
    tcase_add_test(tc, wycheproof_rows);
    tcase_add_test(tc, generated_pairs_agree_and_come_from_the_env);
    tcase_add_test(tc, no_row_is_missing);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(x25519_suite)
