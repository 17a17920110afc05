/* Streams of a link, over the bare carrier and over the two-leg dummy, unchanged. */
#include "fixture.h"

static const qn_carrier_kind *const kinds[] = {&qn_carrier_bare, &qt_carrier_dummy2};

static void setup(void)
{
    open_sides(&qn_carrier_bare);
}

static void start(int kind)
{
    pair.kind = kinds[kind];
    pair.origin_extra = 3000;
    connect_sides();
}

START_TEST(a_small_conversation_both_ways)
{
    uint32_t x, y;

    start(_i);
    x = open_stream(&a, QN_KIND_APP);
    y = open_stream(&b, QN_KIND_CIRCUIT);
    ck_assert_uint_eq(x, 1);
    ck_assert_uint_eq(y, 2);
    send_all(&a, x, 0, 100, 100, false);
    send_all(&b, y, 0, 1056, 1056, false);
    ck_assert_uint_eq(b.s[x].news, 1);
    ck_assert_int_eq(b.s[x].kind, QN_KIND_APP);
    ck_assert_uint_eq(b.s[x].bytes, 100);
    ck_assert_int_eq(a.s[y].kind, QN_KIND_CIRCUIT);
    ck_assert_uint_eq(a.s[y].bytes, 1056);
    send_all(&b, x, 0, 5000, 5000, false);
    ck_assert_uint_eq(a.s[x].bytes, 5000);
}
END_TEST

START_TEST(megabytes_arrive_exactly_and_memory_returns)
{
    uint64_t idle;
    uint32_t id;

    start(_i);
    idle = a.end->t.env.mem.used + b.end->t.env.mem.used;
    id = open_stream(&a, QN_KIND_APP);
    send_all(&a, id, 0, 8 << 20, QN_FRAME_DATA_MAX, true);
    ck_assert_uint_eq(b.s[id].bytes, 8 << 20);
    ck_assert_uint_eq(b.s[id].fins, 1);
    ck_assert_uint_gt(b.link.rx.window, QN_LINK_BASE); /* it grew by itself */
    ck_assert_uint_gt(a.s[id].rooms, 0);
    ck_assert_uint_le(a.s[id].rooms, (8 << 20) / (QN_STREAM_QUEUE_MAX / 4));
    send_all(&b, id, 0, 1, 1, true);
    pass(100 * QN_MS);
    pass(100 * QN_MS);
    ck_assert_uint_eq(a.s[id].closes, 1);
    ck_assert_uint_eq(b.s[id].closes, 1);
    ck_assert_uint_eq(a.budget.used + b.budget.used, 0);
    ck_assert_uint_eq(a.end->t.env.mem.used + b.end->t.env.mem.used, idle);
}
END_TEST

START_TEST(any_chunking_gives_the_same_events)
{
    static const size_t chunks[] = {1, 3, 1000, 100000};
    static char want[2][sizeof a.trace];
    const qn_carrier_kind *kind = kinds[_i];

    for (size_t c = 0; c < QN_LEN(chunks); c++) {
        uint32_t id[4];

        open_sides(kind);
        pair.chunk = chunks[c];
        connect_sides();
        for (unsigned i = 0; i < 4; i++) {
            side *x = i % 2 == 0 ? &a : &b;

            id[i] = open_stream(x, i < 2 ? QN_KIND_APP : QN_KIND_CIRCUIT);
            ck_assert_uint_eq(send_some(x, id[i], 0, 20000, 700 + 3000 * i, true), 20000);
        }
        qt_pair_run(&pair);
        if (c == 0) {
            memcpy(want[0], a.trace, sizeof want[0]);
            memcpy(want[1], b.trace, sizeof want[1]);
        }
        ck_assert_str_eq(a.trace, want[0]);
        ck_assert_str_eq(b.trace, want[1]);
        ck_assert_uint_eq(b.s[id[0]].bytes, 20000);
        if (c + 1 < QN_LEN(chunks))
            close_sides();
    }
}
END_TEST

START_TEST(each_direction_ends_by_itself)
{
    uint32_t id;

    start(_i);
    id = open_stream(&a, QN_KIND_APP);
    send_all(&a, id, 0, 10, 10, true);
    ck_assert_uint_eq(b.s[id].fins, 1);
    ck_assert_uint_eq(b.s[id].closes, 0);
    ck_assert_uint_eq(qn_link_writable(&a.link, id), 0);
    qt_assert_err(qn_link_send_bytes(&a.link, id, "x", 1, false), QN_STATE);
    send_all(&b, id, 0, 200000, 9000, false); /* the other one goes on */
    qt_assert_err(qn_link_send(&b.link, id, (qn_piece){0}, true), QN_OK);
    qt_pair_run(&pair);
    ck_assert_uint_eq(a.s[id].bytes, 200000);
    ck_assert_uint_eq(a.s[id].fins, 1);
    ck_assert_uint_eq(a.s[id].closes, 1);
    ck_assert_uint_eq(a.s[id].code, QN_CLOSE_DONE);
    ck_assert_uint_eq(b.s[id].closes, 1);
    ck_assert_uint_eq(a.link.streams_n + b.link.streams_n, 0);
    qt_assert_err(qn_link_send_bytes(&a.link, id, "x", 1, false), QN_UNKNOWN);
}
END_TEST

START_TEST(a_stream_may_be_nothing_but_its_end)
{
    uint32_t id;

    start(_i);
    id = open_stream(&a, QN_KIND_DIRECTORY);
    qt_assert_err(qn_link_send(&a.link, id, (qn_piece){0}, true), QN_OK);
    qt_pair_run(&pair);
    ck_assert_uint_eq(b.s[id].news, 1);
    ck_assert_uint_eq(b.s[id].fins, 1);
    ck_assert_uint_eq(b.s[id].bytes, 0);
}
END_TEST

START_TEST(messages_keep_their_frames_and_byte_streams_share_them)
{
    uint32_t cells, bytes;

    start(_i);
    cells = open_stream(&a, QN_KIND_CIRCUIT);
    bytes = open_stream(&a, QN_KIND_APP);
    a.no_fill = true;
    for (uint64_t i = 0; i < 20; i++) {
        uint8_t one[10];

        for (uint64_t k = 0; k < sizeof one; k++)
            one[k] = pattern(cells, i * 10 + k);
        qt_assert_err(qn_link_send_bytes(&a.link, cells, one, sizeof one, false), QN_OK);
        for (uint64_t k = 0; k < sizeof one; k++)
            one[k] = pattern(bytes, i * 10 + k);
        qt_assert_err(qn_link_send_bytes(&a.link, bytes, one, sizeof one, i == 19), QN_OK);
    }
    a.no_fill = false;
    qt_pair_run(&pair);
    ck_assert_uint_eq(b.s[cells].bytes, 200);
    ck_assert_uint_eq(b.s[bytes].bytes, 200);
    ck_assert_ptr_nonnull(strstr(b.trace, "data1:10 data1:10"));
    ck_assert_ptr_nonnull(strstr(b.trace, "fin3:200"));
}
END_TEST

START_TEST(the_documents_record_is_what_a_link_sends)
{
    qn_slice want = qt_doc_hex("link.md", "content");
    qn_carrier_event ev;
    qn_slice v[4];
    uint32_t id;

    start(0);
    a.link.rx.received = a.link.rx.returned = 300;
    a.link.rx.limit = 0x4012c;
    qt_assert_err(qn_link_open(&a.link, QN_KIND_CIRCUIT, NULL, &id), QN_OK);
    qt_assert_err(qn_link_send_bytes(&a.link, id, "\xc0\xff\xee", 4, false), QN_OK);
    ck_assert(qn_link_fill(&a.link));
    ck_assert_uint_eq(a.link.log.sent, 6);
    ck_assert_uint_eq(qn_carrier_peek(a.end->carrier, 0, v, 4), 1);
    memcpy(qn_carrier_space(b.end->carrier, 0).p, v[0].p, v[0].n);
    qn_carrier_commit(b.end->carrier, 0, v[0].n);
    ck_assert(qn_carrier_next(b.end->carrier, &ev));
    ck_assert_int_eq(ev.type, QN_CARRIER_RECORD);
    qt_assert_bytes(qn_piece_data(&ev.piece), ev.piece.len, want);
    qn_block_drop(ev.piece.block);
    ck_assert(!qn_carrier_next(b.end->carrier, &ev));
}
END_TEST

/* A caller may keep a reference to what it sends: nothing is written behind such a piece. */
START_TEST(a_shared_block_is_not_appended_to)
{
    uint32_t id;
    qn_piece p;

    start(_i);
    id = open_stream(&a, QN_KIND_APP);
    send_all(&a, id, 0, 10, 10, false);
    p = make_piece(&a, id, 10, 600);
    p.len = 500;
    qn_block_ref(p.block);
    qt_assert_err(qn_link_send(&a.link, id, p, false), QN_OK);
    qt_assert_err(qn_link_send_bytes(&a.link, id, "0123456789", 10, false), QN_OK);
    for (uint32_t i = 500; i < 600; i++)
        ck_assert_uint_eq(p.block->data[p.off + i], pattern(id, 10 + i));
    qn_link_close(&a.link, id, QN_CLOSE_GONE);
    qn_block_drop(p.block);
}
END_TEST

/* ---- credit ---------------------------------------------------------------------------------- */

START_TEST(a_full_stream_stops_alone_and_resumes_with_room)
{
    uint32_t slow, other;
    uint64_t at, more;

    start(_i);
    slow = open_stream(&a, QN_KIND_APP);
    other = open_stream(&a, QN_KIND_APP);
    ck_assert_uint_eq(qn_link_writable(&a.link, slow), QN_STREAM_BASE - 1); /* the kind is data */
    b.hold = true;
    at = send_some(&a, slow, 0, 1 << 20, 16000, false);
    qt_pair_run(&pair);
    more = send_some(&a, slow, at, 1 << 20, 16000, false);
    ck_assert_uint_eq(more, at);
    ck_assert_uint_le(at, QN_STREAM_BASE - 1);
    qt_assert_err(qn_link_send_bytes(&a.link, slow, a.trace, QN_FRAME_DATA_MAX, false), QN_FULL);
    ck_assert_uint_eq(b.s[slow].bytes, at);
    send_all(&a, other, 0, 3000, 1000, false); /* the link itself is not stopped */
    ck_assert_uint_eq(b.s[other].bytes, 3000);
    ck_assert_uint_eq(a.s[slow].rooms, 0);
    b.hold = false;
    qn_link_returned(&b.link, slow, at);
    qt_pair_run(&pair);
    ck_assert_uint_eq(a.s[slow].rooms, 1);
    send_all(&a, slow, at, 1 << 20, 16000, false);
    ck_assert_uint_eq(b.s[slow].bytes, 1 << 20);
}
END_TEST

START_TEST(a_detached_queue_is_bounded)
{
    uint32_t id;
    uint64_t n;

    start(_i);
    id = open_stream(&a, QN_KIND_APP);
    qt_pair_cut(&pair);
    qn_link_detach(&a.link);
    qn_link_detach(&b.link);
    ck_assert(!qn_link_fill(&a.link));
    n = send_some(&a, id, 0, 1 << 20, 1000, false);
    ck_assert_uint_le(n, QN_STREAM_QUEUE_MAX);
    ck_assert_uint_lt(qn_link_writable(&a.link, id), 1000);
    ck_assert_uint_eq(qn_link_due(&a.link), QN_NEVER);
}
END_TEST

/* ---- closing --------------------------------------------------------------------------------- */

START_TEST(close_reaches_the_other_side_once_and_late_data_is_dropped)
{
    uint32_t id;

    start(_i);
    id = open_stream(&a, QN_KIND_APP);
    send_all(&a, id, 0, 10, 10, false);
    b.no_fill = true;
    qn_link_close(&b.link, id, QN_CLOSE_REFUSED);
    ck_assert_uint_eq(b.link.streams_n, 0);
    send_all(&a, id, 10, 30000, 1000, false); /* on its way already */
    b.no_fill = false;
    qt_pair_run(&pair);
    ck_assert_uint_eq(a.s[id].closes, 1);
    ck_assert_uint_eq(a.s[id].code, QN_CLOSE_REFUSED);
    ck_assert_uint_eq(b.s[id].bytes, 10);
    ck_assert_uint_eq(b.s[id].closes, 0);
    ck_assert_uint_eq(a.closed + b.closed, 0);
    pass(100 * QN_MS);
    ck_assert_uint_eq(a.link.log.q.n + b.link.log.q.n, 0); /* late data is acknowledged as well */
}
END_TEST

START_TEST(a_stream_closed_before_its_first_frame_was_never_there)
{
    uint32_t id, next;

    start(_i);
    id = open_stream(&a, QN_KIND_APP);
    qt_assert_err(qn_link_send_bytes(&a.link, id, a.trace, 100, false), QN_OK);
    qn_link_close(&a.link, id, QN_CLOSE_GONE);
    qt_pair_run(&pair);
    ck_assert_uint_eq(b.s[id].news + b.s[id].closes, 0);
    next = open_stream(&a, QN_KIND_APP);
    ck_assert_uint_eq(next, id + 2);
    send_all(&a, next, 0, 10, 10, false);
    ck_assert_uint_eq(b.s[next].bytes, 10);
}
END_TEST

START_TEST(shutting_the_link_tells_every_stream_on_both_sides)
{
    uint32_t x, y;

    start(_i);
    x = open_stream(&a, QN_KIND_APP);
    y = open_stream(&b, QN_KIND_CIRCUIT);
    send_all(&a, x, 0, 10, 10, false);
    send_all(&b, y, 0, 10, 10, false);
    qn_link_shut(&a.link, QN_CLOSE_POLICY);
    qt_pair_run(&pair);
    ck_assert_uint_eq(a.closed, 1);
    ck_assert_uint_eq(b.closed, 1);
    qt_assert_err(b.last.err, QN_POLICY);
    ck_assert_uint_eq(a.s[x].closes + a.s[y].closes + b.s[x].closes + b.s[y].closes, 4);
    ck_assert_uint_eq(b.s[y].code, QN_CLOSE_GONE);
    ck_assert(a.end->lost && b.end->lost);
    ck_assert_uint_eq(a.end->close, 1);
    qt_assert_err(qn_link_open(&a.link, QN_KIND_APP, NULL, &x), QN_STATE);
}
END_TEST

/* ---- small things ---------------------------------------------------------------------------- */

START_TEST(ping_measures_the_round_trip)
{
    start(_i);
    qn_link_ping(&a.link);
    a.end->upper->fill(a.end);
    qt_env_step(&a.end->t, 30 * QN_MS);
    qt_pair_run(&pair);
    ck_assert_uint_eq(a.pongs, 1);
    ck_assert_uint_eq(a.rtt, 30 * QN_MS);
    ck_assert_uint_eq(b.pongs, 0);
}
END_TEST

START_TEST(a_quiet_peer_acknowledges_within_100_ms)
{
    uint32_t id;

    start(_i);
    id = open_stream(&a, QN_KIND_APP);
    send_all(&a, id, 0, 100, 100, false);
    ck_assert_uint_gt(a.link.log.q.n, 0);
    ck_assert_uint_eq(qn_link_due(&b.link), b.end->t.env.now + 100 * QN_MS);
    pass(100 * QN_MS - 1);
    ck_assert_uint_gt(a.link.log.q.n, 0);
    pass(1);
    ck_assert_uint_eq(a.link.log.q.n, 0);
    ck_assert_uint_eq(qn_link_due(&b.link), QN_NEVER);
    send_all(&a, id, 100, 200, 100, false);
    send_all(&b, id, 0, 100, 100, false); /* the acknowledgement rides along */
    ck_assert_uint_eq(a.link.log.q.n, 0);
    ck_assert_uint_eq(qn_link_due(&b.link), QN_NEVER);
    pass(100 * QN_MS);
    ck_assert_uint_eq(qn_link_due(&a.link), QN_NEVER); /* acknowledgements are not acknowledged */
}
END_TEST

START_TEST(rekeying_under_traffic_is_not_noticed)
{
    uint32_t up, down;

    start(_i);
    up = open_stream(&a, QN_KIND_APP);
    down = open_stream(&b, QN_KIND_APP);
    for (uint64_t i = 0; i < 8; i++) {
        send_some(&a, up, i * 40000, (i + 1) * 40000, 15000, false);
        send_some(&b, down, i * 40000, (i + 1) * 40000, 900, false);
        qt_pair_step(&pair);
        pass(QN_REKEY_AFTER);
    }
    ck_assert_uint_eq(b.s[up].bytes, 320000);
    ck_assert_uint_eq(a.s[down].bytes, 320000);
    ck_assert(!a.end->lost && !b.end->lost);
}
END_TEST

START_TEST(a_short_stream_overtakes_a_long_one_on_a_slow_conn)
{
    uint32_t lng, shrt;
    uint64_t at;

    start(0);
    pair.chunk = 2000;
    lng = open_stream(&a, QN_KIND_APP);
    at = send_some(&a, lng, 0, 512 << 10, 16000, false);
    for (unsigned i = 0; i < 4; i++)
        qt_pair_step(&pair);
    shrt = open_stream(&a, QN_KIND_APP);
    send_some(&a, shrt, 0, 8 << 10, 8 << 10, true);
    send_all(&a, lng, at, 512 << 10, 16000, true);
    ck_assert_uint_eq(b.s[shrt].fins + b.s[lng].fins, 2);
    ck_assert_uint_lt(b.s[shrt].finished_at, b.s[lng].finished_at / 2);
}
END_TEST

START_TEST(a_hundred_streams_share_a_link)
{
    uint64_t at[100] = {0}, to = 300000;
    bool all = false;

    start(_i);
    for (unsigned i = 0; i < 100; i++)
        ck_assert_uint_eq(open_stream(&a, QN_KIND_APP), 2 * i + 1);
    while (!all) {
        all = true;
        for (unsigned i = 0; i < 100; i++) {
            at[i] = send_some(&a, 2 * i + 1, at[i], to, 5000, true);
            all = all && at[i] == to;
        }
        qt_pair_step(&pair);
    }
    qt_pair_run(&pair);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(b.s[2 * i + 1].bytes, to);
        ck_assert_uint_eq(b.s[2 * i + 1].fins, 1);
    }
}
END_TEST

/* DESIGN: an idle link costs at most 4 KiB of user space beyond the world's socket. */
START_TEST(an_idle_link_with_streams_costs_little)
{
    uint64_t before = b.end->t.env.mem.used, cost;

    start(0);
    pass(QN_SEC);
    cost = b.end->t.env.mem.used - before + sizeof(qn_link);
    ck_assert_msg(cost <= 2048, "an idle link costs %llu bytes", (unsigned long long)cost);
    for (unsigned i = 0; i < 4; i++)
        send_all(&a, open_stream(&a, QN_KIND_CIRCUIT), 0, 1056, 1056, false);
    pass(QN_SEC);
    cost = b.end->t.env.mem.used - before + sizeof(qn_link);
    ck_assert_msg(cost <= 4096, "with four streams %llu bytes", (unsigned long long)cost);
}
END_TEST

static Suite *stream_suite(void)
{
    Suite *s = suite_create("link/stream");
    TCase *tc = tcase_create("stream");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, close_sides);
    tcase_add_loop_test(tc, a_small_conversation_both_ways, 0, 2);
    tcase_add_loop_test(tc, megabytes_arrive_exactly_and_memory_returns, 0, 2);
    tcase_add_loop_test(tc, each_direction_ends_by_itself, 0, 2);
    tcase_add_loop_test(tc, a_stream_may_be_nothing_but_its_end, 0, 2);
    tcase_add_loop_test(tc, messages_keep_their_frames_and_byte_streams_share_them, 0, 2);
    tcase_add_loop_test(tc, a_shared_block_is_not_appended_to, 0, 2);
    tcase_add_test(tc, the_documents_record_is_what_a_link_sends);
    tcase_add_loop_test(tc, a_full_stream_stops_alone_and_resumes_with_room, 0, 2);
    tcase_add_loop_test(tc, a_detached_queue_is_bounded, 0, 2);
    tcase_add_loop_test(tc, close_reaches_the_other_side_once_and_late_data_is_dropped, 0, 2);
    tcase_add_loop_test(tc, a_stream_closed_before_its_first_frame_was_never_there, 0, 2);
    tcase_add_loop_test(tc, shutting_the_link_tells_every_stream_on_both_sides, 0, 2);
    tcase_add_loop_test(tc, ping_measures_the_round_trip, 0, 2);
    tcase_add_loop_test(tc, a_quiet_peer_acknowledges_within_100_ms, 0, 1);
    tcase_add_loop_test(tc, rekeying_under_traffic_is_not_noticed, 0, 2);
    tcase_add_test(tc, a_short_stream_overtakes_a_long_one_on_a_slow_conn);
    tcase_add_loop_test(tc, a_hundred_streams_share_a_link, 0, 2);
    tcase_add_test(tc, an_idle_link_with_streams_costs_little);
    suite_add_tcase(s, tc);
    tc = tcase_create("chunks");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, NULL, close_sides);
    tcase_add_loop_test(tc, any_chunking_gives_the_same_events, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(stream_suite)
