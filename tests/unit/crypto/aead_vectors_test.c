/*
 * Published answers for ChaCha20-Poly1305, and for its two halves. Our API offers only the whole
 * AEAD, so the halves are asked of the library that does the AEAD's work (OpenSSL), and, where the
 * block counter allows it, of the AEAD and of the byte stream of qn_drbg as well.
 */
#include "support/json.h"

#include "crypto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

static qt_env t;
static qt_records openssl, chacha, poly;
static json_t *wycheproof; /* array of {tests: [...]} */

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

/* One row of any AEAD table, both directions. `valid` says whether the tag is right. */
static void check_aead(const uint8_t *k, const uint8_t *n, qn_slice ad, qn_slice msg, qn_slice ct,
                       qn_slice tag, bool valid)
{
    static uint8_t out[4096];
    uint8_t out_tag[QN_TAG];
    qn_key key;
    qn_nonce nonce;

    ck_assert(msg.n == ct.n && msg.n <= sizeof out && tag.n == QN_TAG);
    memcpy(key.b, k, sizeof key.b);
    memcpy(nonce.b, n, sizeof nonce.b);
    qt_assert_err(qn_aead_seal(&t.env, &key, nonce, ad, msg, qn_slice_of(NULL, 0), out, out_tag),
                  QN_OK);
    qt_assert_bytes(out, ct.n, ct);
    ck_assert_int_eq(memcmp(out_tag, tag.p, QN_TAG) == 0, valid);
    qt_assert_err(qn_aead_open(&t.env, &key, nonce, ad, ct.p, ct.n, tag.p, out),
                  valid ? QN_OK : QN_AUTH);
    if (valid)
        qt_assert_bytes(out, msg.n, msg);
}

START_TEST(openssl_rows)
{
    const qt_record *r = &openssl.v[_i];

    check_aead(qt_field_hex(r, "Key").p, qt_field_hex(r, "IV").p, qt_field_hex(r, "AAD"),
               qt_field_hex(r, "Plaintext"), qt_field_hex(r, "Ciphertext"), qt_field_hex(r, "Tag"),
               qt_field(r, "Result") == NULL);
}
END_TEST

START_TEST(wycheproof_rows)
{
    const json_t *group, *row;
    size_t i, j;
    unsigned valid = 0, invalid = 0, no_such_nonce = 0;

    json_array_foreach(wycheproof, i, group)
    {
        json_array_foreach(qt_json_get(group, "tests"), j, row)
        {
            bool is_valid = strcmp(qt_json_text(row, "result"), "valid") == 0;
            qn_slice iv = qt_json_hex(row, "iv");

            if (iv.n != sizeof(qn_nonce)) { /* the type cannot hold it */
                ck_assert(!is_valid);
                no_such_nonce++;
                continue;
            }
            check_aead(qt_json_hex(row, "key").p, iv.p, qt_json_hex(row, "aad"),
                       qt_json_hex(row, "msg"), qt_json_hex(row, "ct"), qt_json_hex(row, "tag"),
                       is_valid);
            valid += is_valid;
            invalid += !is_valid;
        }
    }
    ck_assert_uint_eq(valid, 128);
    ck_assert_uint_eq(invalid, 30);
    ck_assert_uint_eq(no_such_nonce, 5);
}
END_TEST

static void chacha20(const uint8_t *key, const uint8_t *nonce, uint32_t counter, qn_slice in,
                     uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t iv[16];
    int n = 0;

    for (unsigned i = 0; i < 4; i++)
        iv[i] = (uint8_t)(counter >> (8 * i));
    memcpy(iv + 4, nonce, 12);
    ck_assert_int_eq(EVP_EncryptInit_ex(ctx, EVP_chacha20(), NULL, key, iv), 1);
    ck_assert_int_eq(EVP_EncryptUpdate(ctx, out, &n, in.p, (int)in.n), 1);
    ck_assert_uint_eq((size_t)n, in.n);
    EVP_CIPHER_CTX_free(ctx);
}

/* Data of an AEAD message starts at block 1 (RFC 8439 2.8). */
static void chacha20_by_aead(const uint8_t *k, const uint8_t *n, qn_slice in, qn_slice want)
{
    uint8_t out[512], tag[QN_TAG];
    qn_key key;
    qn_nonce nonce;

    memcpy(key.b, k, sizeof key.b);
    memcpy(nonce.b, n, sizeof nonce.b);
    qt_assert_err(
        qn_aead_seal(&t.env, &key, nonce, qn_slice_of(NULL, 0), in, qn_slice_of(NULL, 0), out, tag),
        QN_OK);
    qt_assert_bytes(out, in.n, want);
}

/* The stream of qn_drbg has the all-zero nonce and starts at block 0. */
static void chacha20_by_drbg(const uint8_t *key, qn_slice in, qn_slice want)
{
    qn_drbg d = {.block = 0};
    uint8_t out[512];

    memcpy(d.key, key, sizeof d.key);
    qn_drbg_fill(&d, out, in.n);
    for (size_t i = 0; i < in.n; i++)
        out[i] ^= in.p[i];
    qt_assert_bytes(out, in.n, want);
}

START_TEST(rfc8439_chacha20_rows)
{
    static const uint8_t zeros[12];
    unsigned by_aead = 0, by_drbg = 0;

    for (size_t i = 0; i < chacha.n; i++) {
        const qt_record *r = &chacha.v[i];
        qn_slice key = qt_field_hex(r, "KEY"), nonce = qt_field_hex(r, "NONCE");
        qn_slice in = qt_field_hex(r, "PLAINTEXT"), want = qt_field_hex(r, "CIPHERTEXT");
        uint32_t counter = (uint32_t)strtoul(qt_field(r, "INITIAL_BLOCK_COUNTER"), NULL, 10);
        uint8_t out[512];

        ck_assert(key.n == 32 && nonce.n == 12 && in.n == want.n && in.n <= sizeof out);
        chacha20(key.p, nonce.p, counter, in, out);
        qt_assert_bytes(out, in.n, want);
        if (counter == 1) {
            chacha20_by_aead(key.p, nonce.p, in, want);
            by_aead++;
        } else if (counter == 0 && memcmp(nonce.p, zeros, 12) == 0) {
            chacha20_by_drbg(key.p, in, want);
            by_drbg++;
        }
    }
    ck_assert_uint_eq(by_aead, 1);
    ck_assert_uint_eq(by_drbg, 1);
}
END_TEST

START_TEST(rfc8439_poly1305_rows)
{
    const qt_record *r = &poly.v[_i];
    qn_slice key = qt_field_hex(r, "KEY"), msg = qt_field_hex(r, "MSG");
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "POLY1305", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    uint8_t tag[QN_TAG];
    size_t n = 0;

    ck_assert_int_eq(EVP_MAC_init(ctx, key.p, key.n, NULL), 1);
    ck_assert_int_eq(EVP_MAC_update(ctx, msg.p, msg.n), 1);
    ck_assert_int_eq(EVP_MAC_final(ctx, tag, &n, sizeof tag), 1);
    qt_assert_bytes(tag, n, qt_field_hex(r, "TAG"));
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}
END_TEST

START_TEST(no_row_is_missing)
{
    ck_assert_uint_eq(openssl.n, 5);
    ck_assert_uint_eq(chacha.n, 3);
    ck_assert_uint_eq(poly.n, 11);
}
END_TEST

static Suite *aead_vectors_suite(void)
{
    Suite *s = suite_create("crypto/aead_vectors");
    TCase *tc = tcase_create("vectors");

    openssl = qt_vector_records("rfc-crypto/chacha20poly1305-openssl.txt", "COUNT");
    chacha = qt_vector_records("rfc-crypto/rfc8439-chacha20.txt", "COUNT");
    poly = qt_vector_records("rfc-crypto/rfc8439-poly1305.txt", "COUNT");
    wycheproof =
        qt_json_get(qt_vector_json("wycheproof-odd/chacha20_poly1305_test.json"), "testGroups");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, openssl_rows, 0, (int)openssl.n);
    tcase_add_test(tc, wycheproof_rows);
    tcase_add_test(tc, rfc8439_chacha20_rows);
    tcase_add_loop_test(tc, rfc8439_poly1305_rows, 0, (int)poly.n);
    tcase_add_test(tc, no_row_is_missing);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(aead_vectors_suite)
