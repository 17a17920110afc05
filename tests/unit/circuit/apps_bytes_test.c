/* App streams between two honest ends: what is sent arrives, in order, as far as credit goes, in
 * the cells the document says. */
#include "support/qt.h"

#include "ends.h"

/* ---- bytes ----------------------------------------------------------------------------------- */

static const struct {
    size_t n;
    unsigned small, large; /* cells expected */
} cuts[] = {
    {1, 1, 0},     {1016, 1, 0},  {1017, 2, 0},         {8128, 8, 0},         {8129, 0, 1},
    {16248, 0, 1}, {16249, 1, 1}, {16248 + 8128, 8, 1}, {16248 + 8129, 0, 2}, {65536, 1, 4},
};

START_TEST(bytes_are_cut_into_the_classes_the_document_says)
{
    uint32_t sid = open_stream();
    size_t n = cuts[_i].n;

    exit_.hold = true; /* no CREDIT to cloud the count */
    reset_cells();
    ck_assert_uint_eq(side_send(&client, sid, n), n);
    settle();
    ck_assert_uint_eq(exit_.s[sid].got, n);
    ck_assert_uint_eq(client.cells[0], cuts[_i].small);
    ck_assert_uint_eq(client.cells[1], cuts[_i].large);
}
END_TEST

START_TEST(a_large_cell_is_the_block_that_was_read_into)
{
    uint32_t sid = open_stream();
    qn_span v[1];
    qn_piece out;

    ck_assert_uint_eq(qn_apps_space(&at_client, sid, v, 1), 1);
    ck_assert_uint_eq(v[0].n, QN_MSG_DATA_L);
    memset(v[0].p, 7, v[0].n);
    qn_apps_commit(&at_client, sid, v[0].n);
    qt_alloc_fail_at(0);
    qt_assert_err(qn_apps_output(&at_client, &out), QN_OK);
    ck_assert_uint_eq(qt_alloc_requests(), 0);
    ck_assert_ptr_eq(qn_piece_data(&out) + QN_MSG_HEADER, v[0].p);
    ck_assert_uint_ge(out.off, QN_STREAM_HEADER);
    qn_block_drop(out.block);
}
END_TEST

START_TEST(small_messages_of_many_streams_share_a_cell)
{
    uint32_t sid[6];

    for (unsigned i = 0; i < QN_LEN(sid); i++)
        sid[i] = open_stream();
    reset_cells();
    for (unsigned i = 0; i < QN_LEN(sid); i++)
        ck_assert_uint_eq(side_send(&client, sid[i], 100), 100);
    settle();
    ck_assert_uint_eq(client.cells[0], 1);
    for (unsigned i = 0; i < QN_LEN(sid); i++)
        ck_assert_uint_eq(exit_.s[sid[i]].got, 100);
}
END_TEST

START_TEST(middling_bytes_of_many_streams_share_a_large_cell)
{
    uint32_t sid[5];

    for (unsigned i = 0; i < QN_LEN(sid); i++)
        sid[i] = open_stream();
    exit_.hold = true;
    reset_cells();
    for (unsigned i = 0; i < QN_LEN(sid); i++)
        ck_assert_uint_eq(side_send(&client, sid[i], 3000), 3000);
    settle();
    ck_assert_uint_eq(client.cells[1], 1); /* 15,000 bytes and 40 of headers */
    ck_assert_uint_eq(client.cells[0], 0);
    for (unsigned i = 0; i < QN_LEN(sid); i++)
        ck_assert_uint_eq(exit_.s[sid[i]].got, 3000);
}
END_TEST

START_TEST(small_reads_of_one_stream_fill_one_block)
{
    uint32_t sid = open_stream();

    exit_.hold = true;
    reset_cells();
    for (unsigned i = 0; i < 162; i++)
        ck_assert_uint_eq(side_send(&client, sid, 100), 100);
    ck_assert_uint_eq(at_client.run_n, 1);
    settle();
    ck_assert_uint_eq(exit_.s[sid].got, 16200);
    ck_assert_uint_eq(client.cells[1], 1);
    ck_assert_uint_eq(client.cells[0], 0);
}
END_TEST

START_TEST(send_copies_what_there_is_room_for)
{
    uint32_t sid = open_stream();
    static uint8_t bytes[70000];

    exit_.hold = true;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = pair_byte(&client, sid, i);
    ck_assert_uint_eq(qn_apps_send(&at_client, sid, bytes, 10), 10);
    ck_assert_uint_eq(qn_apps_send(&at_client, sid, bytes + 10, sizeof bytes - 10), 65526);
    ck_assert_uint_eq(qn_apps_send(&at_client, sid, bytes, 1), 0);
    settle();
    ck_assert_uint_eq(exit_.s[sid].got, 65536);
}
END_TEST

START_TEST(a_loan_not_taken_up_costs_nothing)
{
    uint32_t sid = open_stream();
    uint64_t used = t.env.mem.used;
    qn_span v[4];

    ck_assert_uint_eq(qn_apps_space(&at_client, sid, v, 4), 4);
    qn_apps_commit(&at_client, sid, 0);
    ck_assert_uint_eq(t.env.mem.used, used);
    ck_assert(!qn_apps_pending(&at_client));
}
END_TEST

/* ---- back-pressure --------------------------------------------------------------------------- */

START_TEST(a_slow_reader_stops_its_sender_and_nobody_else)
{
    uint32_t slow = open_stream(), fast = open_stream();

    exit_.hold = true;
    while (side_send(&client, slow, 100000) > 0)
        settle();
    ck_assert_uint_eq(exit_.s[slow].got, QN_STREAM_BASE);
    ck_assert_uint_eq(qn_apps_room(&at_client, slow), 0);
    exit_.hold = false;
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_uint_gt(side_send(&client, fast, 50000), 0);
        settle();
    }
    ck_assert_uint_eq(exit_.s[slow].got, QN_STREAM_BASE);
    ck_assert_uint_gt(exit_.s[fast].got, 500000);
    ck_assert_uint_eq(client.s[slow].rooms, 0);
    side_release(&exit_, slow);
    settle();
    ck_assert_uint_eq(client.s[slow].rooms, 1);
    ck_assert_uint_gt(qn_apps_room(&at_client, slow), 0);
}
END_TEST

START_TEST(the_queue_is_bounded_when_nobody_takes_cells)
{
    uint32_t a = open_stream(), b = open_stream();
    uint64_t before = t.env.mem.used;

    /* Widen a's window first, so that the queue and not credit is the bound. */
    for (unsigned i = 0; i < 40; i++) {
        (void)side_send(&client, a, 1 << 20);
        settle();
    }
    (void)side_send(&client, a, 1 << 20);
    ck_assert_uint_eq(at_client.run_n, QN_APPS_RUNS);
    ck_assert_uint_eq(side_send(&client, b, 10), 0);
    ck_assert_uint_le(t.env.mem.used - before,
                      QN_APPS_RUNS * (sizeof(qn_block) + (size_t)QN_BLOCK_LARGE));
    settle();
    ck_assert_uint_eq(client.s[b].rooms, 1);
    ck_assert_uint_eq(side_send(&client, b, 10), 10);
    settle();
}
END_TEST

START_TEST(windows_grow_for_who_reads_and_shrink_never_below_the_base)
{
    uint32_t sid = open_stream();
    uint64_t got = 0;

    for (unsigned i = 0; i < 200 && budget.used < (QN_STREAM_WINDOW_MAX - QN_STREAM_BASE) / 2;
         i++) {
        (void)side_send(&client, sid, 1 << 20);
        settle();
        got = exit_.s[sid].got;
    }
    ck_assert_uint_gt(budget.used, QN_STREAM_BASE);
    ck_assert_uint_gt(got, QN_STREAM_BASE * 4);
    qn_apps_end(&at_client, sid, QN_APP_RESET);
    settle();
    ck_assert_uint_eq(budget.used, 0);
}
END_TEST

START_TEST(without_budget_streams_live_on_their_bases)
{
    uint32_t sid = open_stream();

    budget.limit = 0;
    for (unsigned i = 0; i < 50; i++) {
        (void)side_send(&client, sid, 1 << 20);
        settle();
    }
    ck_assert_uint_eq(budget.used, 0);
    ck_assert_uint_gt(exit_.s[sid].got, 1 << 20);
}
END_TEST

START_TEST(many_streams_echo_through_one_circuit)
{
    uint32_t sid[40];
    uint64_t seed = 12345;

    exit_.echo = true;
    for (unsigned i = 0; i < QN_LEN(sid); i++)
        sid[i] = open_stream();
    for (unsigned i = 0; i < 4000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        /* At most what the exit's own queue can echo at once. */
        (void)side_send(&client, sid[(seed >> 33) % QN_LEN(sid)], (size_t)(seed >> 40) % 3000);
        if (i % 4 == 3)
            settle();
    }
    settle();
    for (unsigned i = 0; i < QN_LEN(sid); i++) {
        ck_assert_uint_gt(client.s[sid[i]].got, 0);
        ck_assert_uint_eq(client.s[sid[i]].got, client.s[sid[i]].sent);
        qn_apps_end(&at_client, sid[i], QN_APP_DONE);
    }
    settle();
    ck_assert_uint_eq(at_client.n, 0);
    ck_assert_uint_eq(at_exit.n, 0);
}
END_TEST

/* ---- bounds ---------------------------------------------------------------------------------- */

START_TEST(the_257th_stream_is_refused_until_another_ended)
{
    qn_dest dest = {.type = 1, .port = 80};
    uint32_t sid;

    for (unsigned i = 0; i < QN_CIRCUIT_APPS_MAX; i++)
        (void)side_open(&client);
    qt_assert_err(qn_apps_open(&at_client, &dest, NULL, &sid), QN_BUSY);
    settle();
    ck_assert_uint_eq(at_exit.live, QN_CIRCUIT_APPS_MAX);
    qn_apps_end(&at_client, 7, QN_APP_RESET);
    qt_assert_err(qn_apps_open(&at_client, &dest, NULL, &sid), QN_BUSY); /* END not yet out */
    settle();
    (void)open_stream();
    ck_assert_uint_eq(at_exit.live, QN_CIRCUIT_APPS_MAX);
}
END_TEST

START_TEST(sids_are_used_once_and_run_out)
{
    qn_dest dest = {.type = 1, .port = 80};
    uint32_t sid;

    at_client.last = UINT32_MAX;
    qt_assert_err(qn_apps_open(&at_client, &dest, NULL, &sid), QN_BUSY);
}
END_TEST

START_TEST(a_ping_comes_back_with_its_value)
{
    qn_apps_ping(&at_client, 1);
    qn_apps_ping(&at_client, 0x1122334455667788);
    settle();
    ck_assert_uint_eq(client.pongs, 1);
    ck_assert_uint_eq(client.pong, 0x1122334455667788);
    ck_assert_uint_eq(exit_.pongs, 0);
}
END_TEST

/* The answer is small: only the way there is measured. */
START_TEST(a_large_ping_fills_a_large_cell_and_its_answer_a_small_one)
{
    qn_apps_ping_large(&at_client, 7);
    settle();
    ck_assert_uint_eq(client.pong, 7);
    ck_assert_uint_eq(client.cells[1], 1);
    ck_assert_uint_eq(client.cells[0] + exit_.cells[1], 0);
    qn_apps_ping(&at_client, 8);
    settle();
    ck_assert_uint_eq(client.cells[1], 1);
    ck_assert_uint_eq(client.cells[0], 1);
}
END_TEST

static Suite *apps_bytes_suite(void)
{
    Suite *s = suite_create("circuit/apps_bytes");
    TCase *tc = tcase_create("apps_bytes");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, bytes_are_cut_into_the_classes_the_document_says, 0, (int)QN_LEN(cuts));
    tcase_add_test(tc, a_large_cell_is_the_block_that_was_read_into);
    tcase_add_test(tc, small_messages_of_many_streams_share_a_cell);
    tcase_add_test(tc, middling_bytes_of_many_streams_share_a_large_cell);
    tcase_add_test(tc, small_reads_of_one_stream_fill_one_block);
    tcase_add_test(tc, send_copies_what_there_is_room_for);
    tcase_add_test(tc, a_loan_not_taken_up_costs_nothing);
    tcase_add_test(tc, a_slow_reader_stops_its_sender_and_nobody_else);
    tcase_add_test(tc, the_queue_is_bounded_when_nobody_takes_cells);
    tcase_add_test(tc, windows_grow_for_who_reads_and_shrink_never_below_the_base);
    tcase_add_test(tc, without_budget_streams_live_on_their_bases);
    tcase_add_test(tc, many_streams_echo_through_one_circuit);
    tcase_add_test(tc, the_257th_stream_is_refused_until_another_ended);
    tcase_add_test(tc, sids_are_used_once_and_run_out);
    tcase_add_test(tc, a_ping_comes_back_with_its_value);
    tcase_add_test(tc, a_large_ping_fills_a_large_cell_and_its_answer_a_small_one);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(apps_bytes_suite)
