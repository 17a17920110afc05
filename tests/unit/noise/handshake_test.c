/* What a handshake promises beyond the right bytes: order, atomicity, and what it refuses. */
#include "support/qt.h"

#include "noise/noise.h"

enum { ROOM = 512 };

static qt_env t;
static qn_dh_secret s_i, s_r;
static qn_dh_public s_i_pub, s_r_pub;
static qn_noise a, b; /* initiator, responder */

static void setup(void)
{
    qt_env_open(&t, 5);
    qn_dh_generate(&t.env, &s_i, &s_i_pub);
    qn_dh_generate(&t.env, &s_r, &s_r_pub);
}

static void teardown(void)
{
    qn_noise_clear(&a);
    qn_noise_clear(&b);
    qt_env_close(&t);
}

static qn_noise_cfg cfg_i(const qn_noise_pattern *p)
{
    return (qn_noise_cfg){.pattern = p,
                          .initiator = true,
                          .prologue = qn_slice_of("prologue", 8),
                          .s = p == &qn_noise_nk ? NULL : &s_i,
                          .rs = &s_r_pub};
}

static qn_noise_cfg cfg_r(const qn_noise_pattern *p)
{
    return (qn_noise_cfg){.pattern = p, .prologue = qn_slice_of("prologue", 8), .s = &s_r};
}

static void begin(const qn_noise_pattern *p)
{
    qn_noise_cfg i = cfg_i(p), r = cfg_r(p);

    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_OK);
    qt_assert_err(qn_noise_init(&b, &t.env, &r), QN_OK);
}

static qn_noise *writer(void)
{
    return qn_noise_my_turn(&a) ? &a : &b;
}

static qn_noise *reader(void)
{
    return qn_noise_my_turn(&a) ? &b : &a;
}

/* The next message in order, from whoever's turn it is. */
static size_t write_next(uint8_t wire[ROOM], const char *payload)
{
    qn_slice p = qn_slice_of(payload, strlen(payload));
    qn_noise *x = writer();
    size_t n = qn_noise_size(x, p.n);

    ck_assert_uint_le(n, ROOM);
    qt_assert_err(qn_noise_write(x, &t.env, p, wire), QN_OK);
    return n;
}

static void pass_next(void)
{
    uint8_t wire[ROOM], back[ROOM];
    qn_noise *to = reader();
    size_t n = write_next(wire, "payload"), got;

    qt_assert_err(qn_noise_read(to, &t.env, qn_slice_of(wire, n), back, &got), QN_OK);
    qt_assert_bytes(back, got, qn_slice_of("payload", 7));
}

/* Refused with err, and nothing of the reader has changed. */
static void refuses(qn_noise *to, const uint8_t *wire, size_t n, qn_err want)
{
    static uint8_t back[QN_NOISE_MESSAGE_MAX + 1];
    qn_noise before = *to;
    size_t got = 77;
    qn_err err = qn_noise_read(to, &t.env, qn_slice_of(wire, n), back, &got);

    ck_assert_msg(err == want, "%zu bytes: %s, not %s", n, qn_err_name(err), qn_err_name(want));
    ck_assert_mem_eq(to, &before, sizeof before);
    ck_assert_uint_eq(got, 77);
}

static const qn_noise_pattern *const patterns[] = {&qn_noise_xk, &qn_noise_xkpsk0, &qn_noise_nk};

START_TEST(both_sides_end_with_the_same_keys)
{
    qn_key k1, k2, j1, j2;

    begin(patterns[_i]);
    while (!qn_noise_done(&a))
        pass_next();
    ck_assert(qn_noise_done(&b));
    qt_assert_err(qn_noise_split(&a, &t.env, &k1, &k2), QN_OK);
    qt_assert_err(qn_noise_split(&b, &t.env, &j1, &j2), QN_OK);
    ck_assert_mem_eq(k1.b, j1.b, 32);
    ck_assert_mem_eq(k2.b, j2.b, 32);
    ck_assert_mem_ne(k1.b, k2.b, 32);
    if (patterns[_i] == &qn_noise_nk) {
        ck_assert(!b.has_rs);
    } else {
        ck_assert(b.has_rs);
        ck_assert_mem_eq(b.rs.b, s_i_pub.b, 32);
    }
}
END_TEST

/* Also bit 255 of a public key, which X25519 ignores (RFC 7748 5): the transcript has it. */
START_TEST(any_flipped_bit_is_refused_and_the_true_message_still_passes)
{
    begin(patterns[_i]);
    while (!qn_noise_done(&b) || !qn_noise_done(&a)) {
        uint8_t wire[ROOM], back[ROOM];
        qn_noise *to = reader();
        size_t n = write_next(wire, "payload"), got;

        for (size_t bit = 0; bit < 8 * n; bit++) {
            wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refuses(to, wire, n, QN_AUTH);
            wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        qt_assert_err(qn_noise_read(to, &t.env, qn_slice_of(wire, n), back, &got), QN_OK);
    }
}
END_TEST

START_TEST(any_other_length_is_refused)
{
    begin(patterns[_i]);
    while (!qn_noise_done(&a) || !qn_noise_done(&b)) {
        uint8_t wire[ROOM] = {0}, back[ROOM];
        qn_noise *to = reader();
        size_t least = qn_noise_size(to, 0);
        size_t n = write_next(wire, "payload"), got;

        for (size_t cut = 0; cut < n; cut++)
            refuses(to, wire, cut, cut < least ? QN_TRUNCATED : QN_AUTH);
        refuses(to, wire, n + 1, QN_AUTH);
        qt_assert_err(qn_noise_read(to, &t.env, qn_slice_of(wire, n), back, &got), QN_OK);
    }
}
END_TEST

START_TEST(rejects_a_message_over_the_limit)
{
    static uint8_t huge[QN_NOISE_MESSAGE_MAX + 1];

    begin(&qn_noise_xk);
    refuses(&b, huge, sizeof huge, QN_LIMIT);
    refuses(&b, huge, sizeof huge - 1, QN_AUTH);
}
END_TEST

START_TEST(the_largest_message_passes)
{
    static uint8_t wire[QN_NOISE_MESSAGE_MAX], back[QN_NOISE_MESSAGE_MAX];
    qn_slice payload = qt_noise(1, QN_NOISE_MESSAGE_MAX - 32 - QN_TAG);
    size_t got;

    begin(&qn_noise_xk);
    ck_assert_uint_eq(qn_noise_size(&a, payload.n), QN_NOISE_MESSAGE_MAX);
    qt_assert_err(qn_noise_write(&a, &t.env, payload, wire), QN_OK);
    qt_assert_err(qn_noise_read(&b, &t.env, qn_slice_of(wire, sizeof wire), back, &got), QN_OK);
    qt_assert_bytes(back, got, payload);
}
END_TEST

START_TEST(rejects_replayed_message_one_as_message_three)
{
    uint8_t one[ROOM], back[ROOM];
    size_t n, got;

    begin(&qn_noise_xk);
    n = write_next(one, "payload");
    qt_assert_err(qn_noise_read(&b, &t.env, qn_slice_of(one, n), back, &got), QN_OK);
    pass_next();
    refuses(&b, one, n, n < qn_noise_size(&b, 0) ? QN_TRUNCATED : QN_AUTH);
    pass_next();
    ck_assert(qn_noise_done(&b));
}
END_TEST

START_TEST(calls_out_of_turn_are_refused)
{
    uint8_t out[ROOM];
    qn_slice none = {0};
    qn_key k1, k2;

    begin(&qn_noise_nk);
    qt_assert_err(qn_noise_write(&b, &t.env, none, out), QN_STATE);
    refuses(&a, out, 48, QN_STATE);
    qt_assert_err(qn_noise_split(&a, &t.env, &k1, &k2), QN_STATE);
    pass_next();
    pass_next();
    ck_assert(!qn_noise_my_turn(&a) && !qn_noise_my_turn(&b));
    qt_assert_err(qn_noise_write(&a, &t.env, none, out), QN_STATE);
    refuses(&b, out, 48, QN_STATE);
}
END_TEST

START_TEST(a_key_known_beforehand_must_be_given)
{
    qn_noise_cfg i = cfg_i(&qn_noise_nk), r = cfg_r(&qn_noise_nk);
    static const qn_noise zero;

    i.rs = NULL;
    r.s = NULL;
    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_STATE);
    ck_assert_mem_eq(&a, &zero, sizeof zero);
    qt_assert_err(qn_noise_init(&b, &t.env, &r), QN_STATE);
}
END_TEST

START_TEST(a_static_key_must_be_there_when_it_is_sent)
{
    qn_noise_cfg i = cfg_i(&qn_noise_xk), r = cfg_r(&qn_noise_xk);
    uint8_t out[ROOM];
    qn_noise before;

    i.s = NULL;
    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_OK);
    qt_assert_err(qn_noise_init(&b, &t.env, &r), QN_OK);
    pass_next();
    pass_next();
    before = a;
    qt_assert_err(qn_noise_write(&a, &t.env, (qn_slice){0}, out), QN_STATE);
    ck_assert_mem_eq(&a, &before, sizeof before);
}
END_TEST

START_TEST(another_prologue_is_another_conversation)
{
    qn_noise_cfg i = cfg_i(&qn_noise_xk), r = cfg_r(&qn_noise_xk);
    uint8_t wire[ROOM];

    i.prologue = qn_slice_of("prologuf", 8);
    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_OK);
    qt_assert_err(qn_noise_init(&b, &t.env, &r), QN_OK);
    refuses(&b, wire, write_next(wire, ""), QN_AUTH);
}
END_TEST

START_TEST(another_responder_does_not_answer)
{
    qn_noise_cfg i = cfg_i(&qn_noise_xk), r = cfg_r(&qn_noise_xk);
    uint8_t wire[ROOM];

    r.s = &s_i;
    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_OK);
    qt_assert_err(qn_noise_init(&b, &t.env, &r), QN_OK);
    refuses(&b, wire, write_next(wire, ""), QN_AUTH);
}
END_TEST

START_TEST(no_psk_given_is_the_zero_psk)
{
    static const qn_key zero, one = {.b = {1}};
    qn_noise_cfg i = cfg_i(&qn_noise_xkpsk0), r = cfg_r(&qn_noise_xkpsk0);
    uint8_t wire[ROOM];

    i.psk = &zero;
    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_OK);
    qt_assert_err(qn_noise_init(&b, &t.env, &r), QN_OK);
    pass_next();
    i.psk = &one;
    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_OK);
    qt_assert_err(qn_noise_init(&b, &t.env, &r), QN_OK);
    refuses(&b, wire, write_next(wire, ""), QN_AUTH);
}
END_TEST

START_TEST(extra_transcript_must_match)
{
    uint8_t wire[ROOM], back[ROOM];
    size_t n, got;

    begin(&qn_noise_xk);
    pass_next();
    qt_assert_err(qn_noise_mix_hash(&b, &t.env, qn_slice_of("cert", 4)), QN_OK);
    n = write_next(wire, "payload");
    refuses(&a, wire, n, QN_AUTH);
    qt_assert_err(qn_noise_mix_hash(&a, &t.env, qn_slice_of("cert", 4)), QN_OK);
    qt_assert_err(qn_noise_read(&a, &t.env, qn_slice_of(wire, n), back, &got), QN_OK);
}
END_TEST

/* u = 0, 1, and the points of order 8; X25519 of any of them is zero. */
static const char *const small_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
};

START_TEST(a_zero_dh_is_refused_by_reader_and_writer)
{
    qn_noise_cfg i = cfg_i(&qn_noise_xk);
    qn_dh_public bad;
    uint8_t wire[ROOM] = {0};
    qn_noise before;

    begin(&qn_noise_xk);
    qt_hex_into(bad.b, sizeof bad.b, small_order[_i]);
    memcpy(wire, bad.b, sizeof bad.b);
    refuses(&b, wire, 48, QN_AUTH);
    i.rs = &bad;
    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_OK);
    before = a;
    qt_assert_err(qn_noise_write(&a, &t.env, (qn_slice){0}, wire), QN_AUTH);
    ck_assert_mem_eq(&a, &before, sizeof before);
}
END_TEST

START_TEST(ephemerals_come_from_the_env_unless_given)
{
    qn_noise_cfg i = cfg_i(&qn_noise_xk);
    qn_drbg again = t.rng;
    qn_dh_secret e;
    qn_dh_public e_pub;
    uint8_t wire[ROOM];

    begin(&qn_noise_xk);
    qn_drbg_fill(&again, e.b, sizeof e.b);
    qn_dh_derive(&e, &e_pub);
    (void)write_next(wire, "");
    ck_assert_mem_eq(wire, e_pub.b, sizeof e_pub.b);
    i.e = &s_i;
    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_OK);
    (void)write_next(wire, "");
    ck_assert_mem_eq(wire, s_i_pub.b, sizeof s_i_pub.b);
}
END_TEST

START_TEST(clear_leaves_no_byte_and_may_repeat)
{
    static const qn_noise zero;
    uint8_t out[ROOM];

    begin(&qn_noise_xk);
    pass_next();
    qn_noise_clear(&a);
    qn_noise_clear(&a);
    ck_assert_mem_eq(&a, &zero, sizeof zero);
    qt_assert_err(qn_noise_write(&a, &t.env, (qn_slice){0}, out), QN_STATE);
    refuses(&a, out, 0, QN_STATE);
}
END_TEST

/* Sixteen PSKs, one DH: what a responder of unlisted peers does with message 1. */
START_TEST(copies_of_a_responder_try_psks_with_the_dh_they_are_given)
{
    qn_key psk = {.b = {1}}, es, other = {.b = {2}};
    qn_noise_cfg i = cfg_i(&qn_noise_xkpsk0), r = cfg_r(&qn_noise_xkpsk0);
    uint8_t wire[ROOM], got[ROOM];
    qn_noise x;
    size_t n;

    i.psk = &psk;
    qt_assert_err(qn_noise_init(&a, &t.env, &i), QN_OK);
    qt_assert_err(qn_noise_init(&b, &t.env, &r), QN_OK);
    n = qn_noise_size(&a, 3);
    qt_assert_err(qn_noise_write(&a, &t.env, qn_slice_of("one", 3), wire), QN_OK);
    qt_assert_err(qn_dh(&s_r, &a.e_pub, &es), QN_OK);
    for (unsigned k = 0; k < 3; k++) {
        size_t got_n;

        x = b;
        qn_noise_try(&x, k == 0 ? &other : &psk, k == 1 ? &other : &es);
        qt_assert_err(qn_noise_read(&x, &t.env, qn_slice_of(wire, n), got, &got_n),
                      k == 2 ? QN_OK : QN_AUTH);
    }
    ck_assert_mem_eq(qn_noise_hash(&x)->b, qn_noise_hash(&a)->b, 32);
    qn_noise_clear(&x);
}
END_TEST

static Suite *handshake_suite(void)
{
    Suite *s = suite_create("noise/handshake");
    TCase *tc = tcase_create("handshake");
    int n = (int)QN_LEN(patterns);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, both_sides_end_with_the_same_keys, 0, n);
    tcase_add_loop_test(tc, any_flipped_bit_is_refused_and_the_true_message_still_passes, 0, n);
    tcase_add_loop_test(tc, any_other_length_is_refused, 0, n);
    tcase_add_test(tc, rejects_a_message_over_the_limit);
    tcase_add_test(tc, the_largest_message_passes);
    tcase_add_test(tc, rejects_replayed_message_one_as_message_three);
    tcase_add_test(tc, calls_out_of_turn_are_refused);
    tcase_add_test(tc, a_key_known_beforehand_must_be_given);
    tcase_add_test(tc, a_static_key_must_be_there_when_it_is_sent);
    tcase_add_test(tc, another_prologue_is_another_conversation);
    tcase_add_test(tc, another_responder_does_not_answer);
    tcase_add_test(tc, no_psk_given_is_the_zero_psk);
    tcase_add_test(tc, extra_transcript_must_match);
    tcase_add_loop_test(tc, a_zero_dh_is_refused_by_reader_and_writer, 0, (int)QN_LEN(small_order));
    tcase_add_test(tc, ephemerals_come_from_the_env_unless_given);
    tcase_add_test(tc, clear_leaves_no_byte_and_may_repeat);
    tcase_add_test(tc, copies_of_a_responder_try_psks_with_the_dh_they_are_given);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(handshake_suite)
