/*
 * ML-KEM-768: an independent implementation's rounds, the published answers with what lies between,
 * the two traps, and every rejection.
 *
 * The published files derive (rho, sigma) as G(d); FIPS 203's final text appends k = 3, as we do.
 * So their encapsulations and decapsulations are played, and key generation is noble's to check.
 */
#include "support/qt.h"

#include "crypto/mlkem.h"
#include "crypto/mlkem_poly.h"

#include <stdlib.h>

static qt_env t;
static const qt_record *steps, *unlucky, *trap;
static qt_records noble;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void field_into(const qt_record *r, const char *key, void *out, size_t n)
{
    qn_slice s = qt_field_hex(r, key);

    ck_assert_uint_eq(s.n, n);
    memcpy(out, s.p, n);
}

/* ---- whole operations ---------------------------------------------------------------------- */

START_TEST(rounds_of_an_independent_implementation)
{
    const qt_record *r = &noble.v[_i];
    uint8_t ct[QN_MLKEM_CT];
    unsigned changed = (unsigned)strtoul(qt_field(r, "changed"), NULL, 10);
    qn_mlkem_secret secret;
    qn_mlkem_ek ek;
    qn_mlkem_dk dk;
    qn_slice dk_slice = qn_slice_of(dk.b, sizeof dk.b);
    qn_key shared;
    qn_hash h;

    field_into(r, "d", secret.d, 32);
    field_into(r, "z", secret.z, 32);
    qt_assert_err(qn_mlkem_keygen(&t.env, &secret, &ek, &dk), QN_OK);
    qt_assert_bytes(ek.b, sizeof ek.b, qt_field_hex(r, "ek"));
    qt_assert_err(qn_sha256(&t.env, &dk_slice, 1, &h), QN_OK);
    qt_assert_bytes(h.b, sizeof h.b, qt_field_hex(r, "dk-sha256"));
    qt_assert_err(qn_mlkem_encaps(&t.env, &ek, qt_field_hex(r, "m").p, ct, &shared), QN_OK);
    qt_assert_bytes(ct, sizeof ct, qt_field_hex(r, "c"));
    qt_assert_bytes(shared.b, sizeof shared.b, qt_field_hex(r, "K"));
    qt_assert_err(qn_mlkem_decaps(&t.env, &dk, ct, &shared), QN_OK);
    qt_assert_bytes(shared.b, sizeof shared.b, qt_field_hex(r, "K"));
    ct[changed] ^= 0x40;
    qt_assert_err(qn_mlkem_decaps(&t.env, &dk, ct, &shared), QN_OK);
    qt_assert_bytes(shared.b, sizeof shared.b, qt_field_hex(r, "rejected"));
}
END_TEST

static void check_encaps(const qt_record *r)
{
    uint8_t ct[QN_MLKEM_CT];
    qn_mlkem_ek ek;
    qn_key shared;

    field_into(r, "ek", ek.b, sizeof ek.b);
    qt_assert_err(qn_mlkem_encaps(&t.env, &ek, qt_field_hex(r, "m").p, ct, &shared), QN_OK);
    qt_assert_bytes(ct, sizeof ct, qt_field_hex(r, "c"));
    qt_assert_bytes(shared.b, sizeof shared.b, qt_field_hex(r, "K"));
}

static void check_decaps(const qt_record *r)
{
    qn_slice ct = qt_field_hex(r, "c");
    qn_mlkem_dk dk;
    qn_key shared;

    ck_assert_uint_eq(ct.n, QN_MLKEM_CT);
    field_into(r, "dk", dk.b, sizeof dk.b);
    qt_assert_err(qn_mlkem_decaps(&t.env, &dk, ct.p, &shared), QN_OK);
    qt_assert_bytes(shared.b, sizeof shared.b, qt_field_hex(r, "K"));
}

START_TEST(the_published_encapsulation_comes_out_and_back)
{
    check_encaps(steps);
    check_decaps(steps);
}
END_TEST

/* Its matrix needs more of the extendable output than nearly all others. */
START_TEST(an_unlucky_matrix_is_sampled_to_its_end)
{
    check_encaps(unlucky);
    check_decaps(unlucky);
}
END_TEST

/* The re-encryption differs behind a zero byte: a comparison that stops there accepts. */
START_TEST(a_difference_behind_a_zero_byte_is_seen)
{
    check_decaps(trap);
}
END_TEST

/* ---- rejection ----------------------------------------------------------------------------- */

/* The published K-bar is what the published ciphertext gives a key with the same z and another s.
 */
START_TEST(another_key_gets_the_published_rejection_secret)
{
    qn_mlkem_dk dk;
    qn_key shared;

    field_into(steps, "dk", dk.b, sizeof dk.b);
    for (unsigned i = 0; i < 300; i++) /* one small coefficient would drown in the rounding */
        dk.b[i] ^= 1;
    qt_assert_err(qn_mlkem_decaps(&t.env, &dk, qt_field_hex(steps, "c").p, &shared), QN_OK);
    qt_assert_bytes(shared.b, sizeof shared.b, qt_field_hex(steps, "KBar"));
}
END_TEST

START_TEST(a_changed_ciphertext_gives_a_stable_secret_of_its_own)
{
    qn_slice good = qt_field_hex(steps, "c"), want = qt_field_hex(steps, "K");
    uint8_t ct[QN_MLKEM_CT];
    qn_mlkem_dk dk;
    qn_key first, again, before = {{0}};

    field_into(steps, "dk", dk.b, sizeof dk.b);
    for (size_t i = 0; i < sizeof ct; i += 17) {
        memcpy(ct, good.p, sizeof ct);
        ct[i] ^= 1;
        qt_assert_err(qn_mlkem_decaps(&t.env, &dk, ct, &first), QN_OK);
        qt_assert_err(qn_mlkem_decaps(&t.env, &dk, ct, &again), QN_OK);
        ck_assert_mem_eq(first.b, again.b, sizeof first.b);
        ck_assert_mem_ne(first.b, want.p, sizeof first.b);
        ck_assert_mem_ne(first.b, before.b, sizeof first.b);
        before = first;
    }
}
END_TEST

START_TEST(a_key_with_a_coefficient_of_q_is_refused)
{
    uint8_t ct[QN_MLKEM_CT], m[32] = {0};
    qn_key shared;

    for (unsigned i = 0; i < 768; i++) {
        qn_mlkem_ek ek;
        uint8_t *p = ek.b + i / 2 * 3;
        static const unsigned value[] = {3328, 3329, 4095};

        for (unsigned j = 0; j < QN_LEN(value); j++) {
            field_into(steps, "ek", ek.b, sizeof ek.b);
            if (i % 2 == 0) {
                p[0] = (uint8_t)value[j];
                p[1] = (uint8_t)((p[1] & 0xf0) | value[j] >> 8);
            } else {
                p[1] = (uint8_t)((p[1] & 0x0f) | (value[j] & 15) << 4);
                p[2] = (uint8_t)(value[j] >> 4);
            }
            qt_assert_err(qn_mlkem_check(&ek), j == 0 ? QN_OK : QN_AUTH);
            if (j > 0)
                qt_assert_err(qn_mlkem_encaps(&t.env, &ek, m, ct, &shared), QN_AUTH);
        }
    }
}
END_TEST

/* ---- between the steps --------------------------------------------------------------------- */

static void unpack_field(qn_poly *f, const char *key, unsigned index)
{
    qn_slice s = qt_field_hex(steps, key);

    ck_assert_uint_ge(s.n, 384 * (index + 1));
    ck_assert(qn_poly_unpack(f, s.p + 384 * index));
}

static void check_poly(const qn_poly *f, const char *key, unsigned index)
{
    uint8_t packed[384];
    qn_slice want = qt_field_hex(steps, key);

    qn_poly_pack(packed, f);
    qt_assert_bytes(packed, sizeof packed, qn_slice_of(want.p + 384 * index, 384));
}

START_TEST(the_transform_and_its_inverse_give_the_published_values)
{
    static const struct {
        const char *plain, *transformed;
    } pair[] = {{"e", "NTT(e)"}, {"uᵈ", "NTT(uᵈ)"}};

    for (unsigned i = 0; i < QN_LEN(pair); i++)
        for (unsigned j = 0; j < 3; j++) {
            qn_poly f;

            unpack_field(&f, pair[i].plain, j);
            qn_poly_ntt(&f);
            check_poly(&f, pair[i].transformed, j);
            qn_poly_ntt_inverse(&f);
            check_poly(&f, pair[i].plain, j);
        }
}
END_TEST

START_TEST(compression_gives_the_published_ciphertext_and_comes_back)
{
    qn_slice c1 = qt_field_hex(steps, "c1"), c2 = qt_field_hex(steps, "c2");
    uint8_t out[320];
    qn_poly f;

    for (unsigned i = 0; i < 3; i++) {
        unpack_field(&f, "u", i);
        qn_poly_compress(out, &f, 10);
        qt_assert_bytes(out, 320, qn_slice_of(c1.p + 320 * i, 320));
        qn_poly_decompress(&f, out, 10);
        check_poly(&f, "uᵈ", i);
    }
    qn_poly_decompress(&f, c2.p, 4);
    check_poly(&f, "vᵈ", 0);
    qn_poly_compress(out, &f, 4);
    qt_assert_bytes(out, 128, c2);
    qn_poly_decompress(&f, qt_field_hex(steps, "m").p, 1);
    check_poly(&f, "μ", 0);
}
END_TEST

/* The multiplication that stands for the division is right for every coefficient there is. */
START_TEST(compression_rounds_every_coefficient_as_the_division_does)
{
    static const unsigned depth[] = {1, 4, 10};

    for (unsigned i = 0; i < QN_LEN(depth); i++)
        for (unsigned a = 0; a < QN_MLKEM_Q; a++) {
            unsigned d = depth[i], want = ((a << d) + QN_MLKEM_Q / 2) / QN_MLKEM_Q % (1u << d);
            uint8_t out[320];
            qn_poly f = {{(uint16_t)a}};

            qn_poly_compress(out, &f, d);
            ck_assert_uint_eq((out[0] | (unsigned)out[1] << 8) & ((1u << d) - 1), want);
        }
}
END_TEST

START_TEST(too_little_output_is_no_polynomial)
{
    static uint8_t ones[1680];
    qn_poly f;

    memset(ones, 0xff, sizeof ones); /* 4095: never accepted */
    ck_assert(!qn_poly_sample(&f, ones, sizeof ones));
    ck_assert(!qn_poly_sample(&f, qt_noise(1, 384).p, 381));
    memset(ones, 0, sizeof ones);
    ck_assert(qn_poly_sample(&f, ones, 384));
    ck_assert(!qn_poly_sample(&f, ones, 383));
}
END_TEST

static Suite *mlkem_suite(void)
{
    Suite *s = suite_create("crypto/mlkem");
    TCase *tc = tcase_create("mlkem");

    steps = qt_vector_records("ml-kem-768/intermediate-ML-KEM-768.txt", "d").v;
    unlucky = qt_vector_records("ml-kem-768/unluckysample-ML-KEM-768.txt", "d").v;
    trap = qt_vector_records("ml-kem-768/strcmp-ML-KEM-768.txt", "dk").v;
    noble = qt_vector_records("ml-kem-768/noble.txt", "d");
    if (noble.n != 100)
        qt_die("noble.txt has %zu rounds", noble.n);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, rounds_of_an_independent_implementation, 0, (int)noble.n);
    tcase_add_test(tc, the_published_encapsulation_comes_out_and_back);
    tcase_add_test(tc, an_unlucky_matrix_is_sampled_to_its_end);
    tcase_add_test(tc, a_difference_behind_a_zero_byte_is_seen);
    tcase_add_test(tc, another_key_gets_the_published_rejection_secret);
    tcase_add_test(tc, a_changed_ciphertext_gives_a_stable_secret_of_its_own);
    tcase_add_test(tc, a_key_with_a_coefficient_of_q_is_refused);
    tcase_add_test(tc, the_transform_and_its_inverse_give_the_published_values);
    tcase_add_test(tc, compression_gives_the_published_ciphertext_and_comes_back);
    tcase_add_test(tc, compression_rounds_every_coefficient_as_the_division_does);
    tcase_add_test(tc, too_little_output_is_no_polynomial);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(mlkem_suite)
