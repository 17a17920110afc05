/* Each rule of docs/wire/shaping.md as a table: lengths, openings, what waits and for how long. */
#include "support/qt.h"

#include "htx/shape.h"
#include "shape_item.h"

enum { SEAL = 17, MAX = 16384 };

static qt_env tc, tp;
static qn_shape c, p;
static uint8_t content[MAX];

static void start(bool relays, uint8_t pick)
{
    qn_shape_cfg cfg = {
        .profile = &shape_item, .client = true, .relays = relays, .max_record = MAX, .pick = pick};

    qn_shape_init(&c, &tc.env, &cfg);
    cfg.client = false;
    qn_shape_init(&p, &tp.env, &cfg);
}

static void setup(void)
{
    qt_env_open(&tc, 31);
    qt_env_open(&tp, 32);
    start(false, 0);
}

static void teardown(void)
{
    qt_env_close(&tc);
    qt_env_close(&tp);
}

static void pass(qn_time t)
{
    tc.env.now += t;
    tp.env.now += t;
}

/* ---- helpers --------------------------------------------------------------------------------- */

static qn_slice stream_frame(uint32_t id, const void *data, size_t n, uint8_t flags)
{
    size_t at = qn_frame_put_stream(content, id, n, flags);

    if (data != NULL)
        memcpy(content + at, data, n);
    else
        memset(content + at, 'x', n);
    return qn_slice_of(content, at + n);
}

/* Seals this on one side and shows it to the other; the record's length. */
static size_t send(qn_shape *from, qn_shape *to, qn_slice frames)
{
    size_t zeros = qn_shape_zeros(from, frames, (qn_slice){0});

    ck_assert_uint_le(frames.n, qn_shape_room(from));
    ck_assert_uint_le(frames.n + zeros, MAX);
    qn_shape_sealed(from, frames, (qn_slice){0}, zeros);
    qn_shape_opened(to, frames);
    return frames.n + zeros + SEAL;
}

static void skip_first(void)
{
    c.first = p.first = QN_SHAPE_FIRST;
}

static qn_slice hello(size_t n)
{
    static uint8_t bytes[2048];

    memset(bytes, 'h', sizeof bytes);
    memcpy(bytes, "\x16\x03\x01", 3);
    qn_put16(bytes + 3, (uint16_t)(n - 5));
    bytes[5] = 1;
    return qn_slice_of(bytes, n);
}

static size_t offer(uint32_t id, uint64_t offset, qn_slice data, size_t queued)
{
    return qn_shape_offer(
        &c,
        &(qn_offer){.stream = id, .app = true, .offset = offset, .data = data, .queued = queued});
}

/* The client's first half, sealed and shown to the peer; returns its length. */
static size_t send_half(uint32_t id)
{
    qn_slice h = hello(600);
    size_t n = offer(id, 40, h, h.n);

    ck_assert_uint_gt(n, 0);
    ck_assert_uint_lt(n, h.n);
    send(&c, &p, stream_frame(id, h.p, n, 0));
    return n;
}

static void say(qn_shape *from, qn_shape *to, uint32_t id, size_t n)
{
    send(from, to, stream_frame(id, NULL, n, 0));
}

/* ---- rule 1 ---------------------------------------------------------------------------------- */

START_TEST(the_first_twelve_records_each_way_are_a_page_loads)
{
    start(_i > 0, 0); /* between relays too */
    for (unsigned i = 0; i < QN_SHAPE_FIRST; i++) {
        ck_assert_uint_eq(qn_shape_room(&c), shape_item.page[0].up[i] - SEAL);
        ck_assert_uint_eq(qn_shape_room(&p), shape_item.page[0].down[i] - SEAL);
        ck_assert_uint_eq(send(&c, &p, stream_frame(1, NULL, 20, 0)), shape_item.page[0].up[i]);
        ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 30, 0)), shape_item.page[0].down[i]);
    }
    ck_assert_uint_eq(qn_shape_room(&p), MAX);
}
END_TEST

START_TEST(both_ends_take_the_same_page)
{
    start(false, 7);
    ck_assert_uint_eq(c.page, 1);
    ck_assert_uint_eq(p.page, 1);
}
END_TEST

START_TEST(a_small_largest_record_bounds_every_length)
{
    qn_shape_cfg cfg = {.profile = &shape_item, .max_record = 512};

    qn_shape_init(&p, &tp.env, &cfg);
    for (unsigned i = 0; i < 20; i++) {
        qn_slice f = stream_frame(2, NULL, 20, 0);
        size_t zeros = qn_shape_zeros(&p, f, (qn_slice){0});

        ck_assert_uint_le(qn_shape_room(&p), 512);
        ck_assert_uint_le(f.n + zeros, 512);
        qn_shape_sealed(&p, f, (qn_slice){0}, zeros);
    }
}
END_TEST

/* ---- rule 2 ---------------------------------------------------------------------------------- */

static bool in_list(const uint16_t *list, unsigned n, size_t length)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i] == length)
            return true;
    return false;
}

START_TEST(uplink_records_are_as_long_as_requests_and_vary_like_them)
{
    unsigned seen[6] = {0};

    skip_first();
    for (unsigned i = 0; i < 300; i++) {
        size_t n = 38 + i % 10, length = send(&c, &p, stream_frame(1, NULL, n, 0));

        ck_assert(in_list(shape_item.request, shape_item.request_n, length));
        for (unsigned j = 0; j < 6; j++)
            seen[j] += shape_item.request[j] == length;
    }
    ck_assert_uint_gt(seen[1], seen[3] + 20); /* 90 is there twice */
    ck_assert_uint_gt(seen[3], 10);
    ck_assert_uint_eq(seen[4] + seen[5], 0);
    ck_assert_uint_eq(qn_shape_room(&c), 467 - SEAL); /* and none is longer */
}
END_TEST

START_TEST(a_short_record_is_never_as_long_as_a_first_request)
{
    skip_first();
    for (unsigned i = 0; i < 300; i++) {
        size_t n = 8 + 1 + i % 80 + SEAL,
               length = send(&c, &p, stream_frame(1, NULL, 1 + i % 80, 0));

        ck_assert_uint_le(length, QN_MAX(2 * n, shape_item.request[0]));
    }
}
END_TEST

START_TEST(an_upload_begins_with_a_request_and_takes_the_lengths_of_a_post)
{
    qn_slice data = qn_slice_of(content, 5000);

    skip_first();
    ck_assert_uint_eq(qn_shape_room(&c), 467 - SEAL);
    ck_assert_uint_eq(offer(1, 9000, data, 5000), 5000);
    say(&c, &p, 1, 440);
    ck_assert_uint_eq(qn_shape_room(&c), MAX);
    ck_assert_uint_eq(send(&c, &p, stream_frame(1, NULL, 3000, 0)), 4130);
    ck_assert_uint_eq(send(&c, &p, stream_frame(1, NULL, 900, 0)), 1000);
    ck_assert_uint_eq(send(&c, &p, stream_frame(1, NULL, 16000, 0)), 16401);
    say(&c, &p, 1, 100); /* a request again */
    ck_assert_uint_eq(qn_shape_room(&c), 467 - SEAL);
}
END_TEST

START_TEST(four_kilobytes_are_not_yet_an_upload)
{
    skip_first();
    ck_assert_uint_eq(offer(1, 9000, qn_slice_of(content, 4096), 4096), 4096);
    say(&c, &p, 1, 440);
    ck_assert_uint_eq(qn_shape_room(&c), 467 - SEAL);
}
END_TEST

START_TEST(downlink_records_are_full_but_for_the_last)
{
    skip_first();
    ck_assert_uint_eq(qn_shape_room(&p), MAX);
    ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, MAX - 8 - 64, 0)), MAX + SEAL);
    ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 1234, 0)), 1234 + 8 + SEAL);
}
END_TEST

START_TEST(between_relays_only_the_first_records_are_shaped)
{
    qn_slice h = hello(600);

    start(true, 0);
    skip_first();
    ck_assert_uint_eq(qn_shape_room(&c), MAX);
    ck_assert_uint_eq(offer(1, 40, h, h.n), h.n);
    ck_assert_uint_eq(send(&c, &p, stream_frame(1, h.p, 300, 0)), 300 + 8 + SEAL);
    ck_assert_uint_eq(qn_shape_answer(&p), 0);
    ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 100, 0)), 100 + 8 + SEAL);
    ck_assert_uint_eq(qn_shape_due(&c), QN_NEVER);
}
END_TEST

/* ---- rule 3 ---------------------------------------------------------------------------------- */

START_TEST(a_hello_goes_in_halves_with_a_record_of_30_to_60_between)
{
    qn_slice h = hello(600);
    size_t half, answer;

    skip_first();
    half = send_half(1);
    ck_assert_uint_eq(half, 300);
    ck_assert_uint_eq(offer(1, 340, qn_slice_of(h.p + half, 300), 300), 0);
    answer = qn_shape_answer(&p) + SEAL;
    ck_assert_uint_ge(answer, 30);
    ck_assert_uint_le(answer, 60);
    ck_assert_uint_eq(qn_shape_answer(&p), 0);
    qn_shape_opened(&c, (qn_slice){0}); /* the answer holds no frame */
    ck_assert_uint_eq(offer(1, 340, qn_slice_of(h.p + half, 300), 300), 300);
}
END_TEST

START_TEST(a_half_whose_answer_never_comes_is_followed_after_half_a_second)
{
    qn_slice h = hello(600);
    size_t half;

    skip_first();
    half = send_half(1);
    ck_assert_uint_eq(qn_shape_due(&c), tc.env.now + QN_SHAPE_HALF_MAX);
    pass(QN_SHAPE_HALF_MAX - 1);
    ck_assert_uint_eq(offer(1, 340, qn_slice_of(h.p + half, 300), 300), 0);
    pass(1);
    ck_assert_uint_eq(qn_shape_due(&c), QN_NEVER);
    ck_assert_uint_eq(offer(1, 340, qn_slice_of(h.p + half, 300), 300), 300);
}
END_TEST

START_TEST(an_open_message_in_front_goes_by_itself)
{
    uint8_t both[1 + 8 + 7 + 600] = {1, 5, 0, 0, 7, 0, 0, 0, 1, 1, 127, 0, 0, 1, 0, 80};
    qn_slice h = hello(600);

    skip_first();
    memcpy(both + 16, h.p, h.n);
    ck_assert_uint_eq(offer(1, 0, qn_slice_of(both, sizeof both), sizeof both), 16);
    ck_assert_uint_eq(offer(1, 16, h, h.n), 300);
}
END_TEST

START_TEST(what_is_no_first_write_or_no_hello_is_not_touched)
{
    static const char *const others[] = {"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n",
                                         "\x16\x03\x01\x02\x00\x02 a ServerHello is nobody's first",
                                         "\x17\x03\x03\x02\x00\x01 data, data, data, data, data"};
    qn_slice h = hello(600);

    skip_first();
    for (unsigned i = 0; i < 3; i++) {
        qn_slice s = qn_slice_of(others[i], 36);

        ck_assert_uint_eq(offer(1, 40, s, s.n), s.n);
    }
    ck_assert_uint_eq(offer(1, 5000, h, h.n), h.n);
    ck_assert_uint_eq(qn_shape_due(&c), QN_NEVER);
}
END_TEST

/* Up to the server's flight. */
static void play_hello(uint32_t id)
{
    send_half(id);
    while (qn_shape_answer(&p) > 0)
        qn_shape_opened(&c, (qn_slice){0});
    ck_assert_uint_eq(offer(id, 340, qn_slice_of(content, 300), 300), 300);
    say(&c, &p, id, 300);
}

START_TEST(finished_waits_for_the_request_and_no_longer_than_5_ms)
{
    skip_first();
    play_hello(1);
    say(&p, &c, 1, 3000);
    ck_assert_uint_eq(offer(1, 640, qn_slice_of(content, 80), 80), 0);
    ck_assert_uint_eq(qn_shape_due(&c), tc.env.now + QN_SHAPE_JOIN_MAX);
    if (_i == 0) {
        ck_assert_uint_eq(offer(1, 640, qn_slice_of(content, 80), 500), 80);
    } else {
        pass(QN_SHAPE_JOIN_MAX);
        ck_assert_uint_eq(offer(1, 640, qn_slice_of(content, 80), 80), 80);
    }
    ck_assert_uint_eq(qn_shape_due(&c), QN_NEVER);
}
END_TEST

START_TEST(answers_in_an_opening_are_lifted_to_the_templates_next_burst)
{
    size_t whole = 0;

    skip_first();
    play_hello(1);
    whole += send(&p, &c, stream_frame(1, NULL, 900, 0)) + 5;
    ck_assert_uint_eq(whole, 4000);
    whole += send(&p, &c, stream_frame(1, NULL, 200, 0)) + 5;
    ck_assert_uint_eq(whole, 9000);
    say(&c, &p, 1, 400);
    ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 100, 0)) + 5, 4000);
    say(&c, &p, 1, 200); /* the opening is over */
    ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 100, 0)), 100 + 8 + SEAL);
}
END_TEST

START_TEST(after_a_finished_alone_the_tickets_and_the_requests_answer_are_lifted)
{
    skip_first();
    play_hello(1);
    say(&p, &c, 1, 900);
    say(&c, &p, 1, 80);
    ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 500, 0)) + 5, 4000);
    for (unsigned i = 0; i < 3; i++)
        say(&c, &p, 1, 200); /* in pieces */
    ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 1300, 0)) + 5, 4000);
    say(&c, &p, 1, 200);
    ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 100, 0)), 100 + 8 + SEAL);
}
END_TEST

START_TEST(a_stream_of_short_writes_leaves_its_opening_too)
{
    skip_first();
    play_hello(1);
    say(&p, &c, 1, 900);
    for (unsigned i = 0; i < 4; i++) {
        say(&c, &p, 1, 40);
        ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 30, 0)) + 5, 4000);
    }
    say(&c, &p, 1, 40);
    ck_assert_uint_eq(send(&p, &c, stream_frame(1, NULL, 30, 0)), 30 + 8 + SEAL);
}
END_TEST

START_TEST(frames_of_one_stream_in_one_record_are_one_burst)
{
    size_t n;

    skip_first();
    play_hello(1);
    n = stream_frame(1, NULL, 300, 0).n;
    n += qn_frame_put_stream(content + n, 1, 100, 0) + 100;
    ck_assert_uint_eq(send(&p, &c, qn_slice_of(content, n)) + 5, 4000);
    ck_assert_uint_eq(p.opening[0].burst, 4000);
}
END_TEST

START_TEST(a_seventh_opening_waits_for_a_place)
{
    qn_slice h = hello(600);

    skip_first();
    for (uint32_t id = 1; id <= 11; id += 2)
        send_half(id);
    ck_assert_uint_eq(offer(13, 40, h, h.n), 0);
    say(&p, &c, 3, 10);
    send(&p, &c, stream_frame(3, NULL, 10, QN_FRAME_FIN)); /* this one is over */
    ck_assert_uint_eq(offer(13, 40, h, h.n), 300);
    ck_assert_uint_eq(offer(15, 40, h, h.n), 0);
}
END_TEST

START_TEST(a_place_is_lost_to_one_that_waits_when_its_stream_stands_still)
{
    qn_slice h = hello(600);

    skip_first();
    for (uint32_t id = 1; id <= 11; id += 2)
        play_hello(id);
    ck_assert_uint_eq(qn_shape_due(&c), QN_NEVER); /* nobody waits */
    ck_assert_uint_eq(offer(13, 40, h, h.n), 0);
    ck_assert_uint_eq(qn_shape_due(&c), tc.env.now + QN_SHAPE_STALL);
    pass(QN_SHAPE_STALL);
    ck_assert_uint_eq(offer(13, 40, h, h.n), 300);
}
END_TEST

START_TEST(established_streams_are_not_counted)
{
    skip_first();
    for (uint32_t id = 1; id < 101; id += 2) {
        play_hello(id);
        say(&p, &c, id, 3000);
        ck_assert_uint_eq(offer(id, 640, qn_slice_of(content, 400), 400), 400);
        say(&c, &p, id, 400);
        say(&p, &c, id, 2000);
        ck_assert_uint_eq(offer(id, 1040, qn_slice_of(content, 400), 400), 400);
        say(&c, &p, id, 400);
    }
    for (unsigned i = 0; i < QN_SHAPE_OPENINGS; i++) {
        ck_assert_uint_eq(c.opening[i].stream, 0);
        ck_assert_uint_eq(p.opening[i].stream, 0);
    }
}
END_TEST

START_TEST(a_peer_forgets_the_oldest_of_too_many_openings)
{
    skip_first();
    for (uint32_t id = 1; id < 41; id += 2) {
        pass(QN_MS);
        qn_shape_opened(&p, stream_frame(id, hello(600).p, 300, 0));
    }
    for (unsigned i = 0; i < QN_SHAPE_OPENINGS; i++)
        ck_assert_uint_gt(p.opening[i].stream, 40 - 2 * QN_SHAPE_OPENINGS);
    for (unsigned i = 0; i < QN_SHAPE_OPENINGS; i++)
        ck_assert_uint_gt(qn_shape_answer(&p), 0);
    ck_assert_uint_eq(qn_shape_answer(&p), 0);
}
END_TEST

START_TEST(a_whole_hello_is_not_answered_by_an_empty_record)
{
    skip_first();
    qn_shape_opened(&p, stream_frame(1, hello(600).p, 600, 0));
    ck_assert_uint_eq(qn_shape_answer(&p), 0);
}
END_TEST

START_TEST(what_is_no_frame_changes_nothing)
{
    static const uint8_t junk[] = {0xff, 0xff, 0xff, 0x10, 1, 2, 3};
    qn_shape before;

    skip_first();
    play_hello(1);
    before = p;
    qn_shape_opened(&p, qn_slice_of(junk, sizeof junk));
    ck_assert_mem_eq(&before, &p, sizeof p);
}
END_TEST

/* ---- rule 4 ---------------------------------------------------------------------------------- */

START_TEST(credit_in_the_middle_of_an_upload_does_not_end_it)
{
    skip_first();
    ck_assert_uint_eq(offer(1, 9000, qn_slice_of(content, 5000), 5000), 5000);
    say(&c, &p, 1, 440);
    send(&c, &p, qn_slice_of(content, qn_frame_put_link_window(content, 1, 2)));
    ck_assert_uint_eq(qn_shape_room(&c), MAX);
}
END_TEST

START_TEST(credit_goes_at_the_browsers_pace)
{
    qn_pace pace = qn_shape_pace(&c);

    ck_assert_uint_eq(pace.units, 3 << 20);
    ck_assert_uint_eq(pace.after, 5 * QN_SEC);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_lengths)
{
    static size_t lengths[2][200];

    for (unsigned run = 0; run < 2; run++) {
        teardown();
        setup();
        for (unsigned i = 0; i < 200; i++)
            lengths[run][i] = send(&c, &p, stream_frame(1, NULL, 1 + i % 30, 0));
    }
    ck_assert_mem_eq(lengths[0], lengths[1], sizeof lengths[0]);
}
END_TEST

static Suite *shape_suite(void)
{
    Suite *s = suite_create("htx/shape");
    TCase *k = tcase_create("shape");

    tcase_add_checked_fixture(k, setup, teardown);
    tcase_add_loop_test(k, the_first_twelve_records_each_way_are_a_page_loads, 0, 2);
    tcase_add_test(k, both_ends_take_the_same_page);
    tcase_add_test(k, a_small_largest_record_bounds_every_length);
    tcase_add_test(k, uplink_records_are_as_long_as_requests_and_vary_like_them);
    tcase_add_test(k, a_short_record_is_never_as_long_as_a_first_request);
    tcase_add_test(k, an_upload_begins_with_a_request_and_takes_the_lengths_of_a_post);
    tcase_add_test(k, four_kilobytes_are_not_yet_an_upload);
    tcase_add_test(k, downlink_records_are_full_but_for_the_last);
    tcase_add_test(k, between_relays_only_the_first_records_are_shaped);
    tcase_add_test(k, a_hello_goes_in_halves_with_a_record_of_30_to_60_between);
    tcase_add_test(k, a_half_whose_answer_never_comes_is_followed_after_half_a_second);
    tcase_add_test(k, an_open_message_in_front_goes_by_itself);
    tcase_add_test(k, what_is_no_first_write_or_no_hello_is_not_touched);
    tcase_add_loop_test(k, finished_waits_for_the_request_and_no_longer_than_5_ms, 0, 2);
    tcase_add_test(k, answers_in_an_opening_are_lifted_to_the_templates_next_burst);
    tcase_add_test(k, after_a_finished_alone_the_tickets_and_the_requests_answer_are_lifted);
    tcase_add_test(k, a_stream_of_short_writes_leaves_its_opening_too);
    tcase_add_test(k, frames_of_one_stream_in_one_record_are_one_burst);
    tcase_add_test(k, a_seventh_opening_waits_for_a_place);
    tcase_add_test(k, a_place_is_lost_to_one_that_waits_when_its_stream_stands_still);
    tcase_add_test(k, established_streams_are_not_counted);
    tcase_add_test(k, a_peer_forgets_the_oldest_of_too_many_openings);
    tcase_add_test(k, a_whole_hello_is_not_answered_by_an_empty_record);
    tcase_add_test(k, what_is_no_frame_changes_nothing);
    tcase_add_test(k, credit_in_the_middle_of_an_upload_does_not_end_it);
    tcase_add_test(k, credit_goes_at_the_browsers_pace);
    tcase_add_test(k, the_same_seed_gives_the_same_lengths);
    suite_add_tcase(s, k);
    return s;
}

QT_MAIN(shape_suite)
