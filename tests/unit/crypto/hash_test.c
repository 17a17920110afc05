/* SHA-256 (FIPS 180-4 through NIST CAVP), HMAC (RFC 2104) and HKDF (RFC 5869). */
#include "support/json.h"

#include "crypto/crypto.h"

#include <stdlib.h>

static qt_env t;
static qt_records sha_short, sha_long, sha_monte, rfc5869;
static json_t *wycheproof_hmac, *wycheproof_hkdf;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void check_sha_row(const qt_record *r)
{
    size_t n = strtoul(qt_field(r, "Len"), NULL, 10) / 8; /* the empty message is written "00" */
    qn_slice msg = qt_field_hex(r, "Msg");
    qn_hash h;

    ck_assert(msg.n == n || (n == 0 && msg.n == 1));
    msg.n = n;
    qt_assert_err(qn_sha256(&t.env, &msg, 1, &h), QN_OK);
    qt_assert_bytes(h.b, sizeof h.b, qt_field_hex(r, "MD"));
}

START_TEST(cavp_short_rows)
{
    check_sha_row(&sha_short.v[_i]);
}
END_TEST

START_TEST(cavp_long_rows)
{
    check_sha_row(&sha_long.v[_i]);
}
END_TEST

/* SHAVS 6.4: MD(i) = SHA(MD(i-3) || MD(i-2) || MD(i-1)), a thousand times per checkpoint. */
START_TEST(cavp_monte_carlo)
{
    qn_slice seed =
        qt_field_hex(&qt_vector_records("rfc-crypto/SHA256Monte.rsp", "Seed").v[0], "Seed");
    qn_hash md[3];

    memcpy(md[2].b, seed.p, sizeof md[2].b);
    for (size_t count = 0; count < sha_monte.n; count++) {
        md[0] = md[1] = md[2];
        for (unsigned i = 0; i < 1000; i++) {
            qn_slice parts[3] = {qn_slice_of(md[0].b, 32), qn_slice_of(md[1].b, 32),
                                 qn_slice_of(md[2].b, 32)};
            qn_hash next;

            qt_assert_err(qn_sha256(&t.env, parts, 3, &next), QN_OK);
            md[0] = md[1];
            md[1] = md[2];
            md[2] = next;
        }
        qt_assert_bytes(md[2].b, 32, qt_field_hex(&sha_monte.v[count], "MD"));
    }
}
END_TEST

START_TEST(parts_hash_like_their_concatenation)
{
    qn_slice msg = qt_noise(1, 300);
    qn_hash whole, parts_hash;

    qt_assert_err(qn_sha256(&t.env, &msg, 1, &whole), QN_OK);
    for (size_t cut = 0; cut <= msg.n; cut++) {
        qn_slice parts[3] = {qn_slice_of(msg.p, cut), {0}, qn_slice_of(msg.p + cut, msg.n - cut)};

        qt_assert_err(qn_sha256(&t.env, parts, 3, &parts_hash), QN_OK);
        ck_assert_mem_eq(whole.b, parts_hash.b, sizeof whole.b);
    }
}
END_TEST

START_TEST(rfc5869_rows)
{
    const qt_record *r = &rfc5869.v[_i];
    size_t n = strtoul(qt_field(r, "L"), NULL, 10);
    uint8_t okm[128];
    qn_hash prk;

    qt_assert_err(qn_hkdf_extract(&t.env, qt_field_hex(r, "salt"), qt_field_hex(r, "IKM"), &prk),
                  QN_OK);
    qt_assert_bytes(prk.b, sizeof prk.b, qt_field_hex(r, "PRK"));
    ck_assert_uint_le(n, sizeof okm);
    qt_assert_err(qn_hkdf_expand(&t.env, &prk, qt_field_hex(r, "info"), okm, n), QN_OK);
    qt_assert_bytes(okm, n, qt_field_hex(r, "OKM"));
}
END_TEST

START_TEST(wycheproof_hkdf_rows)
{
    static uint8_t okm[255 * 32];
    const json_t *group, *row;
    size_t i, j;
    unsigned valid = 0, over_the_bound = 0;

    json_array_foreach(wycheproof_hkdf, i, group)
    {
        json_array_foreach(qt_json_get(group, "tests"), j, row)
        {
            size_t n = (size_t)qt_json_int(row, "size");
            qn_hash prk;

            if (strcmp(qt_json_text(row, "result"), "valid") != 0) { /* asking for it is our bug */
                ck_assert_uint_gt(n, sizeof okm);
                over_the_bound++;
                continue;
            }
            qt_assert_err(
                qn_hkdf_extract(&t.env, qt_json_hex(row, "salt"), qt_json_hex(row, "ikm"), &prk),
                QN_OK);
            qt_assert_err(qn_hkdf_expand(&t.env, &prk, qt_json_hex(row, "info"), okm, n), QN_OK);
            qt_assert_bytes(okm, n, qt_json_hex(row, "okm"));
            valid++;
        }
    }
    ck_assert_uint_eq(valid, 42);
    ck_assert_uint_eq(over_the_bound, 1);
}
END_TEST

/* Half of the rows cut the tag to 16 bytes; the cut is the caller's. */
START_TEST(wycheproof_hmac_rows)
{
    const json_t *group, *row;
    size_t i, j;
    unsigned valid = 0, invalid = 0;

    json_array_foreach(wycheproof_hmac, i, group)
    {
        size_t tag_n = (size_t)qt_json_int(group, "tagSize") / 8;

        json_array_foreach(qt_json_get(group, "tests"), j, row)
        {
            bool is_valid = strcmp(qt_json_text(row, "result"), "valid") == 0;
            qn_slice msg = qt_json_hex(row, "msg"), tag = qt_json_hex(row, "tag");
            qn_hash h;

            ck_assert(tag.n == tag_n && tag_n <= sizeof h.b);
            qt_assert_err(qn_hmac(&t.env, qt_json_hex(row, "key"), &msg, 1, &h), QN_OK);
            ck_assert_int_eq(qn_equal(h.b, tag.p, tag_n), is_valid);
            valid += is_valid;
            invalid += !is_valid;
        }
    }
    ck_assert_uint_eq(valid, 33);
    ck_assert_uint_eq(invalid, 54);
}
END_TEST

/* RFC 4231 test cases 6 and 7: keys longer than a block are hashed first. */
START_TEST(hmac_keys_longer_than_a_block)
{
    uint8_t key[131];
    qn_slice msg = qn_slice_of("Test Using Larger Than Block-Size Key - Hash Key First", 54);
    qn_hash h;

    memset(key, 0xaa, sizeof key);
    qt_assert_err(qn_hmac(&t.env, qn_slice_of(key, sizeof key), &msg, 1, &h), QN_OK);
    qt_assert_bytes(h.b, sizeof h.b,
                    qt_hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
}
END_TEST

START_TEST(no_row_is_missing)
{
    ck_assert_uint_eq(sha_short.n, 65);
    ck_assert_uint_eq(sha_long.n, 64);
    ck_assert_uint_eq(sha_monte.n, 100);
    ck_assert_uint_eq(rfc5869.n, 3);
}
END_TEST

static Suite *hash_suite(void)
{
    Suite *s = suite_create("crypto/hash");
    TCase *tc = tcase_create("hash");

    sha_short = qt_vector_records("rfc-crypto/SHA256ShortMsg.rsp", "Len");
    sha_long = qt_vector_records("rfc-crypto/SHA256LongMsg.rsp", "Len");
    sha_monte = qt_vector_records("rfc-crypto/SHA256Monte.rsp", "COUNT");
    rfc5869 = qt_vector_records("rfc-crypto/rfc5869-hkdf-sha256.txt", "COUNT");
    wycheproof_hmac =
        qt_json_get(qt_vector_json("wycheproof-odd/hmac_sha256_test.json"), "testGroups");
    wycheproof_hkdf =
        qt_json_get(qt_vector_json("wycheproof-odd/hkdf_sha256_test.json"), "testGroups");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, cavp_short_rows, 0, (int)sha_short.n);
    tcase_add_loop_test(tc, cavp_long_rows, 0, (int)sha_long.n);
    tcase_add_test(tc, cavp_monte_carlo);
    tcase_add_test(tc, parts_hash_like_their_concatenation);
    tcase_add_loop_test(tc, rfc5869_rows, 0, (int)rfc5869.n);
    tcase_add_test(tc, wycheproof_hkdf_rows);
    tcase_add_test(tc, wycheproof_hmac_rows);
    tcase_add_test(tc, hmac_keys_longer_than_a_block);
    tcase_add_test(tc, no_row_is_missing);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(hash_suite)
