/* One envelope for everything one key signs. */
#include "unit/dir/fixture.h"

static const char body_text[] = "what was meant";
static qn_slice sealed;

static void setup(void)
{
    fx_open(1, 1, false);
    sealed = fx_seal(QN_TAG_DESCRIPTOR, net.id, qn_slice_of(body_text, sizeof body_text), 1);
}

START_TEST(opens_what_was_sealed_without_copying_the_body)
{
    qn_secret32 seed = fx_secret('i', 1);
    qn_sign_public key = fx_sign_public(&seed);
    qn_envelope e;

    qt_assert_err(qn_envelope_open(&e, QN_TAG_DESCRIPTOR, net.id, sealed), QN_OK);
    qt_assert_bytes(e.body.p, e.body.n, qn_slice_of(body_text, sizeof body_text));
    ck_assert(e.body.p > sealed.p && e.body.p < sealed.p + sealed.n);
    ck_assert_mem_eq(e.key.b, key.b, sizeof key.b);
    ck_assert_uint_le(sealed.n, sizeof body_text + QN_ENVELOPE_OVERHEAD);
}
END_TEST

START_TEST(signs_tag_network_and_body_and_nothing_else)
{
    qn_envelope e;
    uint8_t message[18 + 32 + sizeof body_text];

    qt_assert_err(qn_envelope_read(&e, sealed), QN_OK);
    memcpy(message, "qnet-descriptor-v1", 18);
    memcpy(message + 18, net.id, 32);
    memcpy(message + 50, body_text, sizeof body_text);
    qt_assert_err(qn_verify(&e.key, message, sizeof message, &e.signature), QN_OK);
}
END_TEST

START_TEST(refuses_another_purpose)
{
    static const char *const tags[] = {QN_TAG_HEARTBEAT, QN_TAG_SNAPSHOT, QN_TAG_NETWORK};
    qn_envelope e;

    qt_assert_err(qn_envelope_open(&e, tags[_i], net.id, sealed), QN_AUTH);
}
END_TEST

START_TEST(refuses_another_network)
{
    qn_envelope e;
    uint8_t id[32];

    memcpy(id, net.id, sizeof id);
    id[31] ^= 1;
    qt_assert_err(qn_envelope_open(&e, QN_TAG_DESCRIPTOR, id, sealed), QN_AUTH);
}
END_TEST

START_TEST(refuses_every_flipped_bit)
{
    uint8_t *p = fx_copy(sealed);
    qn_envelope e;

    for (size_t i = 0; i < sealed.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            p[i] ^= (uint8_t)(1u << bit);
            ck_assert(qn_envelope_open(&e, QN_TAG_DESCRIPTOR, net.id, qn_slice_of(p, sealed.n)) !=
                      QN_OK);
            p[i] ^= (uint8_t)(1u << bit);
        }
}
END_TEST

START_TEST(refuses_every_truncation)
{
    qn_envelope e;

    for (size_t n = 0; n < sealed.n; n++)
        qt_assert_err(qn_envelope_open(&e, QN_TAG_DESCRIPTOR, net.id, qn_slice_of(sealed.p, n)),
                      QN_TRUNCATED);
}
END_TEST

START_TEST(refuses_anything_behind_it)
{
    qn_envelope e;

    qt_assert_err(
        qn_envelope_open(&e, QN_TAG_DESCRIPTOR, net.id, fx_splice(sealed, sealed.n, 0, "", 1)),
        QN_PROTO);
}
END_TEST

START_TEST(refuses_a_longer_head_for_the_same_bytes)
{
    qn_envelope e; /* the body's head 0x4f (15 bytes) written as 0x58 0x0f */

    ck_assert_uint_eq(sealed.p[1], 0x40 + sizeof body_text);
    qt_assert_err(
        qn_envelope_open(&e, QN_TAG_DESCRIPTOR, net.id, fx_splice(sealed, 1, 1, "\x58\x0f", 2)),
        QN_CANON);
}
END_TEST

START_TEST(an_error_leaves_the_result_alone)
{
    qn_envelope e, before;

    memset(&e, 0x5a, sizeof e);
    before = e;
    qt_assert_err(qn_envelope_open(&e, QN_TAG_HEARTBEAT, net.id, sealed), QN_AUTH);
    ck_assert_mem_eq(&e, &before, sizeof e);
}
END_TEST

START_TEST(bounds_what_is_signed)
{
    static uint8_t big[QN_SIGNED_MAX];
    size_t fits = QN_SIGNED_MAX - 18 - 32;
    qn_sign_secret secret = {{1}};
    uint8_t out[QN_SIGNED_MAX + QN_ENVELOPE_OVERHEAD];
    qn_envelope e = {.body = {big, fits + 1}};
    size_t n;

    qt_assert_err(qn_envelope_seal(QN_TAG_DESCRIPTOR, net.id, qn_slice_of(big, fits), &secret, out,
                                   sizeof out, &n),
                  QN_OK);
    qt_assert_err(qn_envelope_open(&e, QN_TAG_DESCRIPTOR, net.id, qn_slice_of(out, n)), QN_OK);
    qt_assert_err(qn_envelope_seal(QN_TAG_DESCRIPTOR, net.id, qn_slice_of(big, fits + 1), &secret,
                                   out, sizeof out, &n),
                  QN_CONFIG);
    e.body = qn_slice_of(big, fits + 1);
    qt_assert_err(qn_signed_verify(QN_TAG_DESCRIPTOR, net.id, e.body, &e.key, &e.signature),
                  QN_LIMIT);
    qt_assert_err(
        qn_envelope_seal(QN_TAG_DESCRIPTOR, net.id, qn_slice_of(big, 10), &secret, out, 50, &n),
        QN_CONFIG);
}
END_TEST

static Suite *envelope_suite(void)
{
    Suite *s = suite_create("dir/envelope");
    TCase *tc = tcase_create("envelope");

    tcase_add_checked_fixture(tc, setup, fx_close);
    tcase_add_test(tc, opens_what_was_sealed_without_copying_the_body);
    tcase_add_test(tc, signs_tag_network_and_body_and_nothing_else);
    tcase_add_loop_test(tc, refuses_another_purpose, 0, 3);
    tcase_add_test(tc, refuses_another_network);
    tcase_add_test(tc, refuses_every_flipped_bit);
    tcase_add_test(tc, refuses_every_truncation);
    tcase_add_test(tc, refuses_anything_behind_it);
    tcase_add_test(tc, refuses_a_longer_head_for_the_same_bytes);
    tcase_add_test(tc, an_error_leaves_the_result_alone);
    tcase_add_test(tc, bounds_what_is_signed);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(envelope_suite)
