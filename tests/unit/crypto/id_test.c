/* PeerIDs: their text form survives a round trip and no single typing error. */
#include "support/qt.h"

#include "crypto/crypto.h"
#include "qnet/id.h"

#include <ctype.h>

static qt_env t;
static qn_peerid id;
static char text[QN_PEERID_TEXT + 1];

static void setup(void)
{
    qn_sign_secret secret;
    qn_sign_public pub;

    qt_env_open(&t, 3);
    qn_sign_generate(&t.env, &secret, &pub);
    qt_assert_err(qn_peerid_of(&t.env, pub.b, &id), QN_OK);
    qt_assert_err(qn_peerid_text(&t.env, &id, text), QN_OK);
}

static void teardown(void)
{
    qt_env_close(&t);
}

START_TEST(the_documented_identity_is_what_it_says)
{
    qn_slice seed = qt_doc_hex("identity.md", "seed"), raw = qt_doc_hex("identity.md", "raw");
    qn_slice doc_text = qt_doc_hex("identity.md", "text");
    qn_sign_secret secret;
    qn_sign_public pub;
    qn_hash sum;
    qn_slice parts[2] = {qn_slice_of("qnet-peerid", 11), {0}};

    ck_assert_uint_eq(seed.n, sizeof secret.seed);
    memcpy(secret.seed, seed.p, seed.n);
    qn_sign_derive(&secret, &pub);
    qt_assert_bytes(pub.b, sizeof pub.b, qt_doc_hex("identity.md", "public"));
    qt_assert_err(qn_peerid_of(&t.env, pub.b, &id), QN_OK);
    ck_assert_uint_eq(raw.n, 38);
    ck_assert_uint_eq(raw.p[0], 0x12);
    ck_assert_uint_eq(raw.p[1], 0x20);
    qt_assert_bytes(id.b, sizeof id.b, qn_slice_of(raw.p + 2, 32));
    parts[1] = qn_slice_of(raw.p, 34);
    qt_assert_err(qn_sha256(&t.env, parts, 2, &sum), QN_OK);
    ck_assert_mem_eq(sum.b, raw.p + 34, 4);
    qt_assert_err(qn_peerid_text(&t.env, &id, text), QN_OK);
    qt_assert_bytes(text, strlen(text), doc_text);
}
END_TEST

START_TEST(text_is_61_lowercase_characters_fit_for_a_dns_label)
{
    ck_assert_uint_eq(strlen(text), 61);
    for (unsigned i = 0; i < 61; i++)
        ck_assert((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '2' && text[i] <= '7'));
}
END_TEST

START_TEST(text_comes_back_as_the_same_id)
{
    for (unsigned i = 0; i < 200; i++) {
        qn_peerid in, out;

        qn_rng_fill(&t.env, in.b, sizeof in.b);
        qt_assert_err(qn_peerid_text(&t.env, &in, text), QN_OK);
        qt_assert_err(qn_peerid_parse(&t.env, text, QN_PEERID_TEXT, &out), QN_OK);
        ck_assert(qn_peerid_equal(&in, &out));
    }
}
END_TEST

START_TEST(upper_case_is_understood)
{
    qn_peerid out;

    for (unsigned i = 0; i < QN_PEERID_TEXT; i++)
        text[i] = (char)toupper((unsigned char)text[i]);
    qt_assert_err(qn_peerid_parse(&t.env, text, QN_PEERID_TEXT, &out), QN_OK);
    ck_assert(qn_peerid_equal(&id, &out));
}
END_TEST

START_TEST(any_one_wrong_character_is_noticed)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    qn_peerid out, before;

    memset(out.b, 0x5a, sizeof out.b);
    before = out;
    for (unsigned i = 0; i < QN_PEERID_TEXT; i++) {
        char right = text[i];

        for (const char *c = alphabet; *c != '\0'; c++) {
            qn_err err;

            if (*c == right)
                continue;
            text[i] = *c;
            err = qn_peerid_parse(&t.env, text, QN_PEERID_TEXT, &out);
            /* the last character holds one unused bit: setting it is not base32 at all */
            ck_assert_msg(err == QN_AUTH || (i == QN_PEERID_TEXT - 1 && err == QN_PROTO),
                          "'%c' for '%c' at %u: %s", *c, right, i, qn_err_name(err));
            ck_assert(qn_peerid_equal(&out, &before));
        }
        text[i] = right;
    }
}
END_TEST

START_TEST(any_two_neighbours_swapped_are_noticed)
{
    qn_peerid out;

    for (unsigned i = 0; i + 1 < QN_PEERID_TEXT; i++) {
        char swapped[QN_PEERID_TEXT];

        memcpy(swapped, text, sizeof swapped);
        swapped[i] = text[i + 1];
        swapped[i + 1] = text[i];
        if (text[i] != text[i + 1])
            ck_assert_int_ne(qn_peerid_parse(&t.env, swapped, QN_PEERID_TEXT, &out), QN_OK);
    }
}
END_TEST

START_TEST(another_length_or_alphabet_is_not_an_id)
{
    static const char strange[] = "018 9-=._\n";
    char longer[QN_PEERID_TEXT + 2];
    qn_peerid out;

    (void)memcpy(longer, text, QN_PEERID_TEXT);
    longer[QN_PEERID_TEXT] = 'a';
    qt_assert_err(qn_peerid_parse(&t.env, longer, QN_PEERID_TEXT + 1, &out), QN_PROTO);
    for (size_t n = 0; n < QN_PEERID_TEXT; n++)
        qt_assert_err(qn_peerid_parse(&t.env, text, n, &out), QN_PROTO);
    for (const char *c = strange; *c != '\0'; c++) {
        char bad[QN_PEERID_TEXT];

        memcpy(bad, text, sizeof bad);
        bad[30] = *c;
        qt_assert_err(qn_peerid_parse(&t.env, bad, sizeof bad, &out), QN_PROTO);
    }
}
END_TEST

static Suite *id_suite(void)
{
    Suite *s = suite_create("crypto/id");
    TCase *tc = tcase_create("id");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_documented_identity_is_what_it_says);
    tcase_add_test(tc, text_is_61_lowercase_characters_fit_for_a_dns_label);
    tcase_add_test(tc, text_comes_back_as_the_same_id);
    tcase_add_test(tc, upper_case_is_understood);
    tcase_add_test(tc, any_one_wrong_character_is_noticed);
    tcase_add_test(tc, any_two_neighbours_swapped_are_noticed);
    tcase_add_test(tc, another_length_or_alphabet_is_not_an_id);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(id_suite)
