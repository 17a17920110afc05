/* The AEAD's promises: where it may write, what a failure leaves behind, what it notices. */
#include "support/qt.h"

#include "crypto/crypto.h"

#include <sodium.h>

static qt_env t;
static qn_key key;
static qn_nonce nonce;

static void setup(void)
{
    qt_env_open(&t, 2);
    qn_rng_fill(&t.env, key.b, sizeof key.b);
    qn_rng_fill(&t.env, nonce.b, sizeof nonce.b);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static const qn_slice none = {0};

/* Around every edge that matters: 0, a tag, a block (64), Poly1305's fast path (128), a full
 * record. */
static const size_t lengths[] = {0,   1,   15,  16,  17,   63,   64,   65,    127,  128,
                                 129, 255, 256, 511, 1024, 1056, 4096, 16288, 16384};

START_TEST(agrees_with_a_second_library_at_every_length)
{
    qn_slice msg = qt_noise(3, lengths[_i]);
    qn_slice ad = qt_noise(4, lengths[_i] % 41);
    uint8_t got[16384 + QN_TAG], want[16384 + QN_TAG];
    unsigned long long want_n;

    qt_assert_err(qn_aead_seal(&t.env, &key, nonce, ad, msg, none, got, got + msg.n), QN_OK);
    crypto_aead_chacha20poly1305_ietf_encrypt(want, &want_n, msg.p, msg.n, ad.p, ad.n, NULL,
                                              nonce.b, key.b);
    ck_assert_uint_eq(want_n, msg.n + QN_TAG);
    ck_assert_mem_eq(got, want, msg.n + QN_TAG);
}
END_TEST

START_TEST(opens_in_place_and_out_of_place)
{
    qn_slice msg = qt_noise(5, lengths[_i]);
    qn_slice ad = qt_noise(6, 5);
    uint8_t sealed[16384], tag[QN_TAG], out[16384 + 1];

    qt_assert_err(qn_aead_seal(&t.env, &key, nonce, ad, msg, none, sealed, tag), QN_OK);
    qt_assert_err(qn_aead_open(&t.env, &key, nonce, ad, sealed, msg.n, tag, out), QN_OK);
    qt_assert_bytes(out, msg.n, msg);
    qt_assert_err(qn_aead_open(&t.env, &key, nonce, ad, sealed, msg.n, tag, sealed), QN_OK);
    qt_assert_bytes(sealed, msg.n, msg);
}
END_TEST

START_TEST(sealing_in_place_equals_sealing_out_of_place)
{
    qn_slice msg = qt_noise(7, lengths[_i]);
    uint8_t buf[16384 + 1], apart[16384 + 1], tag[QN_TAG], tag_apart[QN_TAG];

    if (msg.n > 0)
        memcpy(buf, msg.p, msg.n);
    qt_assert_err(qn_aead_seal(&t.env, &key, nonce, none, msg, none, apart, tag_apart), QN_OK);
    qt_assert_err(qn_aead_seal(&t.env, &key, nonce, none, qn_slice_of(buf, msg.n), none, buf, tag),
                  QN_OK);
    qt_assert_bytes(buf, msg.n, qn_slice_of(apart, msg.n));
    ck_assert_mem_eq(tag, tag_apart, QN_TAG);
}
END_TEST

START_TEST(two_parts_equal_one_at_every_split)
{
    enum { N = 400 };
    qn_slice msg = qt_noise(8, N);
    uint8_t whole[N + QN_TAG], parts[N + QN_TAG], in_place[N + QN_TAG];

    qt_assert_err(qn_aead_seal(&t.env, &key, nonce, none, msg, none, whole, whole + N), QN_OK);
    for (size_t cut = 0; cut <= N; cut++) {
        qn_slice a = qn_slice_of(msg.p, cut), b = qn_slice_of(msg.p + cut, N - cut);

        qt_assert_err(qn_aead_seal(&t.env, &key, nonce, none, a, b, parts, parts + N), QN_OK);
        ck_assert_mem_eq(parts, whole, sizeof whole);
        memcpy(in_place, msg.p, N);
        qt_assert_err(qn_aead_seal(&t.env, &key, nonce, none, qn_slice_of(in_place, cut),
                                   qn_slice_of(in_place + cut, N - cut), in_place, in_place + N),
                      QN_OK);
        ck_assert_mem_eq(in_place, whole, sizeof whole);
    }
}
END_TEST

enum { TAMPER_MSG = 200, TAMPER_AD = 7 };

/* Seals, flips one bit of what travels (nonce, ad, ciphertext, tag), opens out of place. */
static qn_err open_with_flip(size_t bit, bool *intact)
{
    qn_slice msg = qt_noise(9, TAMPER_MSG);
    struct {
        uint8_t nonce[12], ad[TAMPER_AD], ct[TAMPER_MSG], tag[QN_TAG];
    } wire, before;
    uint8_t out[TAMPER_MSG];
    qn_nonce n;
    qn_err err;

    memcpy(wire.nonce, nonce.b, sizeof wire.nonce);
    memcpy(wire.ad, "address", sizeof wire.ad);
    qt_assert_err(qn_aead_seal(&t.env, &key, nonce, qn_slice_of(wire.ad, sizeof wire.ad), msg, none,
                               wire.ct, wire.tag),
                  QN_OK);
    if (bit < 8 * sizeof wire)
        ((uint8_t *)&wire)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    before = wire;
    memcpy(n.b, wire.nonce, sizeof n.b);
    err = qn_aead_open(&t.env, &key, n, qn_slice_of(wire.ad, sizeof wire.ad), wire.ct, TAMPER_MSG,
                       wire.tag, out);
    *intact = memcmp(&wire, &before, sizeof wire) == 0;
    return err;
}

START_TEST(one_flipped_bit_anywhere_is_noticed_and_the_input_survives)
{
    size_t bits = 8 * (12 + TAMPER_AD + TAMPER_MSG + QN_TAG);
    bool intact;

    qt_assert_err(open_with_flip(SIZE_MAX, &intact), QN_OK); /* nothing flipped */
    for (size_t bit = 0; bit < bits; bit++) {
        qt_assert_err(open_with_flip(bit, &intact), QN_AUTH);
        ck_assert_msg(intact, "bit %zu: the ciphertext was changed", bit);
    }
}
END_TEST

START_TEST(another_key_or_length_does_not_open)
{
    qn_slice msg = qt_noise(10, 64);
    uint8_t sealed[64], tag[QN_TAG], out[64];
    qn_key other = key;

    qt_assert_err(qn_aead_seal(&t.env, &key, nonce, none, msg, none, sealed, tag), QN_OK);
    other.b[31] ^= 0x80;
    qt_assert_err(qn_aead_open(&t.env, &other, nonce, none, sealed, 64, tag, out), QN_AUTH);
    qt_assert_err(qn_aead_open(&t.env, &key, nonce, none, sealed, 63, tag, out), QN_AUTH);
    qt_assert_err(qn_aead_open(&t.env, &key, nonce, none, sealed, 0, tag, out), QN_AUTH);
    qt_assert_err(qn_aead_open(&t.env, &key, nonce, none, sealed, 64, tag, out), QN_OK);
}
END_TEST

START_TEST(a_failed_open_does_not_disturb_the_next)
{
    qn_slice msg = qt_noise(11, 100);
    uint8_t sealed[100], tag[QN_TAG], bad[QN_TAG] = {0}, out[100];

    qt_assert_err(qn_aead_seal(&t.env, &key, nonce, none, msg, none, sealed, tag), QN_OK);
    qt_assert_err(qn_aead_open(&t.env, &key, nonce, none, sealed, 100, bad, out), QN_AUTH);
    qt_assert_err(qn_aead_open(&t.env, &key, nonce, none, sealed, 100, tag, out), QN_OK);
    qt_assert_bytes(out, 100, msg);
}
END_TEST

START_TEST(rekey_is_the_keystream_of_the_last_nonce)
{
    uint8_t sealed[32 + 16];
    uint8_t last[12] = {0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255};
    static const uint8_t zeros[32];
    qn_key k = key;

    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, zeros, 32, NULL, 0, NULL, last, k.b);
    qt_assert_err(qn_aead_rekey(&t.env, &k), QN_OK);
    ck_assert_mem_eq(k.b, sealed, 32);
    ck_assert_mem_ne(k.b, key.b, 32);
}
END_TEST

START_TEST(nonces_count_little_endian_for_noise_and_big_endian_for_records)
{
    qn_nonce le = qn_nonce_le(UINT64_C(0x0102030405060708));
    qn_nonce xor = qn_nonce_xor(qt_hex("000102030405060708090a0b").p, UINT64_C(0x0102030405060708));

    qt_assert_bytes(le.b, 12, qt_hex("00000000 0807060504030201"));
    qt_assert_bytes(xor.b, 12, qt_hex("00010203 05070503 0d0f0d03"));
}
END_TEST

static Suite *aead_suite(void)
{
    Suite *s = suite_create("crypto/aead");
    TCase *tc = tcase_create("aead");
    int n = (int)QN_LEN(lengths);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, agrees_with_a_second_library_at_every_length, 0, n);
    tcase_add_loop_test(tc, opens_in_place_and_out_of_place, 0, n);
    tcase_add_loop_test(tc, sealing_in_place_equals_sealing_out_of_place, 0, n);
    tcase_add_test(tc, two_parts_equal_one_at_every_split);
    tcase_add_test(tc, one_flipped_bit_anywhere_is_noticed_and_the_input_survives);
    tcase_add_test(tc, another_key_or_length_does_not_open);
    tcase_add_test(tc, a_failed_open_does_not_disturb_the_next);
    tcase_add_test(tc, rekey_is_the_keystream_of_the_last_nonce);
    tcase_add_test(tc, nonces_count_little_endian_for_noise_and_big_endian_for_records);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(aead_suite)
