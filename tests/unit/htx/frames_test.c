/* CARRIER's payloads and their credit: what is written is read, nothing else is, and neither side
 * can make the other hold more than a window. */
#include "support/qt.h"

#include "htx/frames.h"

static qt_env t;
static qn_htx_carry a, b; /* two sides of one link */

static void setup(void)
{
    qt_env_open(&t, 14);
    qn_htx_carry_init(&a);
    qn_htx_carry_init(&b);
}

static void teardown(void)
{
    qn_htx_carry_clear(&a, &t.env.mem);
    qn_htx_carry_clear(&b, &t.env.mem);
    qt_env_close(&t);
}

START_TEST(a_note_is_read_as_it_was_written)
{
    static const qn_htx_note notes[] = {{.kind = QN_HTX_LIMIT, .limit = 0},
                                        {.kind = QN_HTX_LIMIT, .limit = UINT64_MAX},
                                        {.kind = QN_HTX_END, .drain = 300},
                                        {.kind = QN_HTX_END, .reset = true, .drain = 65535}};
    uint8_t frame[QN_HTX_LIMIT_SIZE];
    qn_htx_note got;
    qn_frame f;
    size_t used, n = qn_htx_note_put(&notes[_i], frame);

    qt_assert_err(qn_frame_get(&f, frame, n, &used), QN_OK);
    ck_assert_uint_eq(used, n);
    ck_assert_int_eq(f.type, QN_FRAME_CARRIER);
    qt_assert_err(qn_htx_note_get(&got, f.body), QN_OK);
    ck_assert_int_eq(got.kind, notes[_i].kind);
    ck_assert_uint_eq(got.limit, notes[_i].limit);
    ck_assert_int_eq(got.reset, notes[_i].reset);
    ck_assert_uint_eq(got.drain, notes[_i].drain);
}
END_TEST

START_TEST(any_other_payload_is_refused)
{
    static const char *const wrong[] = {"",
                                        "00",
                                        "01",
                                        "01 00000000000000",
                                        "01 000000000000000000",
                                        "02",
                                        "02 00 00",
                                        "02 00 0000 00",
                                        "02 02 0000",
                                        "03",
                                        "03 00",
                                        "ff 00 0000"};
    qn_htx_note got = {.limit = 77};

    qt_assert_err(qn_htx_note_get(&got, qt_hex(wrong[_i])), QN_PROTO);
    ck_assert_uint_eq(got.limit, 77);
}
END_TEST

/* One record's worth from x to y; returns the DATA bytes that went. */
static size_t pass(qn_htx_carry *x, qn_htx_carry *y, size_t room)
{
    static uint8_t out[QN_RECORD_CONTENT_MAX];
    size_t n = qn_htx_carry_own(x, out, room), moved = 0, used;
    qn_slice s = qn_slice_of(out, n);
    qn_htx_note note;
    qn_frame f;

    ck_assert_uint_le(n, room);
    qn_htx_carry_sealed(x, &t.env.mem);
    for (; s.n > 0; s.p += used, s.n -= used) {
        qt_assert_err(qn_frame_get(&f, s.p, s.n, &used), QN_OK);
        qt_assert_err(qn_htx_carry_got(y, f.body, &note), QN_OK);
        moved += note.data.n;
    }
    return moved;
}

/* A TLS record of n bytes in all. */
static qn_slice record(size_t n)
{
    static uint8_t p[QN_BLOCK_LARGE];

    memcpy(p, qt_noise(1, n).p, n);
    memcpy(p, "\x17\3\3", 3);
    qn_put16(p + 3, (uint16_t)(n - 5));
    return qn_slice_of(p, n);
}

static void queue(qn_htx_carry *x, size_t n)
{
    for (; n > 0; n -= QN_MIN(n, 16384))
        qt_assert_err(qn_htx_carry_send(x, &t.env, record(QN_MIN(n, 16384))), QN_OK);
}

START_TEST(data_stops_at_the_limit_and_goes_on_with_it)
{
    size_t went = 0, k;

    queue(&a, 200000);
    while ((k = pass(&a, &b, 4096)) > 0)
        went += k;
    ck_assert_uint_eq(went, 65536);
    ck_assert_uint_eq(pass(&b, &a, 4096), 0); /* a LIMIT */
    while ((k = pass(&a, &b, 4096)) > 0) {
        went += k;
        (void)pass(&b, &a, 4096);
    }
    ck_assert_uint_eq(went, 200000);
    ck_assert_uint_eq(a.out.bytes, 0);
}
END_TEST

START_TEST(more_than_the_limit_is_an_error)
{
    static uint8_t payload[65537 + 1];
    qn_htx_note note;

    qt_assert_err(qn_htx_carry_got(&a, qn_slice_of(payload, sizeof payload), &note), QN_CREDIT);
    qt_assert_err(qn_htx_carry_got(&a, qn_slice_of(payload, sizeof payload - 1), &note), QN_OK);
    qt_assert_err(qn_htx_carry_got(&a, qn_slice_of(payload, 2), &note), QN_CREDIT);
}
END_TEST

START_TEST(a_limit_never_goes_back)
{
    qn_htx_note note;

    qt_assert_err(qn_htx_carry_got(&a, qt_hex("01 0000000000020000"), &note), QN_OK);
    qt_assert_err(qn_htx_carry_got(&a, qt_hex("01 0000000000020000"), &note), QN_OK);
    qt_assert_err(qn_htx_carry_got(&a, qt_hex("01 000000000001ffff"), &note), QN_PROTO);
    ck_assert_uint_eq(a.may, 0x20000);
}
END_TEST

/* Bytes of the visit that O has not taken yet are held too, though they never came in DATA. */
START_TEST(what_is_held_of_the_visit_takes_no_limit_back)
{
    uint8_t out[100];

    a.held = 16000;
    ck_assert_uint_eq(qn_htx_carry_own(&a, out, sizeof out), 0);
    a.got = 10000;
    a.held = 20000;
    ck_assert_uint_eq(qn_htx_carry_own(&a, out, sizeof out), 0);
    a.got = 40000;
    a.held = 40000 - QN_HTX_CARRY_WINDOW / 2;
    ck_assert_uint_eq(qn_htx_carry_own(&a, out, sizeof out), QN_HTX_LIMIT_SIZE);
    ck_assert_uint_eq(a.claim.limit, 3 * QN_HTX_CARRY_WINDOW / 2);
}
END_TEST

START_TEST(end_follows_all_data_and_is_the_last)
{
    qn_htx_note note;

    queue(&a, 5000);
    qn_htx_carry_end(&a, true, 9);
    qn_htx_carry_end(&a, false, 1); /* the first counts */
    qt_assert_err(qn_htx_carry_send(&a, &t.env, record(30)), QN_STATE);
    ck_assert_uint_eq(pass(&a, &b, 3000), 3000 - QN_HTX_DATA_HEADER);
    ck_assert(!b.ended);
    ck_assert_uint_eq(pass(&a, &b, 4000), 5000 - 3000 + QN_HTX_DATA_HEADER);
    ck_assert(b.ended && a.end_sent);
    ck_assert_uint_eq(pass(&a, &b, 4000), 0);
    qt_assert_err(qn_htx_carry_send(&a, &t.env, record(30)), QN_STATE);
    qt_assert_err(qn_htx_carry_got(&b, qt_hex("00 00"), &note), QN_PROTO);
    qt_assert_err(qn_htx_carry_got(&b, qt_hex("02 00 0000"), &note), QN_PROTO);
    qt_assert_err(qn_htx_carry_got(&b, qt_hex("01 0000000000020000"), &note), QN_OK);
}
END_TEST

/* own() may be asked again for the same record; only what was sealed is gone. */
START_TEST(what_was_not_sealed_is_offered_again)
{
    uint8_t one[600], two[600];
    size_t n;

    queue(&a, 1000);
    n = qn_htx_carry_own(&a, one, sizeof one);
    ck_assert_uint_eq(qn_htx_carry_own(&a, two, sizeof two), n);
    ck_assert_mem_eq(one, two, n);
    ck_assert_uint_eq(a.out.bytes, 1000);
    ck_assert_uint_eq(qn_htx_carry_own(&a, one, 3), 0);
    qn_htx_carry_sealed(&a, &t.env.mem);
    ck_assert_uint_eq(a.out.bytes, 1000);
}
END_TEST

START_TEST(every_room_is_kept_to)
{
    for (size_t room = 0; room < 300; room++) {
        qn_htx_carry_clear(&a, &t.env.mem);
        qn_htx_carry_init(&a);
        queue(&a, 100);
        a.got = 40000;
        qn_htx_carry_end(&a, false, 0);
        (void)pass(&a, &b, room);
        qn_htx_carry_init(&b);
    }
}
END_TEST

START_TEST(without_memory_nothing_is_queued)
{
    uint64_t n;

    queue(&a, 20000);
    qn_htx_carry_clear(&a, &t.env.mem);
    qn_htx_carry_init(&a);
    qt_alloc_fail_at(0);
    queue(&a, 16384);
    n = qt_alloc_requests();
    for (uint64_t at = 1; at <= n; at++) {
        qn_htx_carry_clear(&a, &t.env.mem);
        qn_htx_carry_init(&a);
        qt_alloc_fail_at(at);
        qt_assert_err(qn_htx_carry_send(&a, &t.env, record(16384)), QN_NOMEM);
        ck_assert_uint_eq(a.out.bytes, 0);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx frames");
    TCase *tc = tcase_create("frames");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_note_is_read_as_it_was_written, 0, 4);
    tcase_add_loop_test(tc, any_other_payload_is_refused, 0, 12);
    tcase_add_test(tc, data_stops_at_the_limit_and_goes_on_with_it);
    tcase_add_test(tc, more_than_the_limit_is_an_error);
    tcase_add_test(tc, a_limit_never_goes_back);
    tcase_add_test(tc, what_is_held_of_the_visit_takes_no_limit_back);
    tcase_add_test(tc, end_follows_all_data_and_is_the_last);
    tcase_add_test(tc, what_was_not_sealed_is_offered_again);
    tcase_add_test(tc, every_room_is_kept_to);
    tcase_add_test(tc, without_memory_nothing_is_queued);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
