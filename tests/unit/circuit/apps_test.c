/* App streams between two honest ends: what is sent arrives, in order, as far as credit goes. */
#include "support/qt.h"

#include "pair.h"

static qt_env t;
static qn_budget budget;
static qn_circuits all;
static qn_apps at_client, at_exit;
static side client, exit_;

static void setup(void)
{
    qt_env_open(&t, 1);
    budget = (qn_budget){.limit = QN_CREDIT_BUDGET};
    all = (qn_circuits){.env = &t.env, .budget = &budget};
    qn_apps_init(&at_client, &all, true);
    qn_apps_init(&at_exit, &all, false);
    client = (side){.apps = &at_client, .client = true};
    exit_ = (side){.apps = &at_exit};
}

static void teardown(void)
{
    qn_apps_clear(&at_client);
    qn_apps_clear(&at_exit);
    ck_assert_uint_eq(budget.used, 0);
    qt_env_close(&t);
}

/* One cell from one end to the other; false when there was none. */
static bool cell(side *from, side *to)
{
    qn_piece piece;
    qn_err err = qn_apps_output(from->apps, &piece);

    ck_assert_int_eq(err == QN_OK, err != QN_AGAIN);
    if (err != QN_OK)
        return false;
    ck_assert(qn_cell_sized(piece.len));
    from->cells[piece.len == QN_CELL_L]++;
    side_drain(from, to);
    qt_assert_err(qn_apps_input(to->apps, piece), QN_OK);
    qn_block_drop(piece.block);
    side_drain(to, from);
    return true;
}

static void settle(void)
{
    bool moved;

    do {
        moved = cell(&client, &exit_);
        moved = cell(&exit_, &client) || moved;
    } while (moved);
    qt_assert_err(qn_apps_err(&at_client), QN_OK);
    qt_assert_err(qn_apps_err(&at_exit), QN_OK);
}

static uint32_t open_stream(void)
{
    uint32_t sid = side_open(&client);

    settle();
    ck_assert_uint_eq(exit_.s[sid].opens, 1);
    ck_assert_uint_eq(client.s[sid].openeds, 1);
    ck_assert_int_eq(client.s[sid].opened, QN_APP_DONE);
    return sid;
}

static void reset_cells(void)
{
    memset(client.cells, 0, sizeof client.cells);
    memset(exit_.cells, 0, sizeof exit_.cells);
}

/* ---- opening and ending
 * --------------------------------------------------------------------------- */

START_TEST(a_stream_opens_to_the_destination_it_names)
{
    (void)open_stream();
    ck_assert_uint_eq(exit_.dest.type, 3);
    ck_assert_str_eq(exit_.dest.name, "example.com");
    ck_assert_uint_eq(exit_.dest.port, 443);
    ck_assert_uint_eq(client.cells[0] + exit_.cells[0], 2);
}
END_TEST

START_TEST(bytes_may_follow_open_without_waiting)
{
    uint32_t sid = side_open(&client);

    exit_.mute = true;
    ck_assert_uint_eq(side_send(&client, sid, 500), 500);
    settle();
    ck_assert_uint_eq(client.cells[0], 1); /* in the same cell */
    ck_assert_uint_eq(exit_.s[sid].got, 500);
    ck_assert_uint_eq(side_send(&exit_, sid, 1), 0); /* not before OPENED */
    qn_apps_opened(&at_exit, sid, QN_APP_DONE);
    ck_assert_uint_eq(side_send(&exit_, sid, 300), 300);
    settle();
    ck_assert_uint_eq(client.s[sid].got, 300);
}
END_TEST

START_TEST(every_reason_not_to_open_reaches_the_client)
{
    qn_app_code code = (qn_app_code)(_i + 1);
    uint32_t sid = side_open(&client);

    exit_.mute = true;
    ck_assert_uint_eq(side_send(&client, sid, 500), 500);
    settle();
    if (code % 2 == 0)
        qn_apps_opened(&at_exit, sid, code);
    else
        qn_apps_end(&at_exit, sid, code); /* the same, before OPENED */
    settle();
    ck_assert_int_eq(client.s[sid].opened, code);
    ck_assert_uint_eq(client.s[sid].ends, 0);
    ck_assert_uint_eq(at_client.n, 0);
    ck_assert_uint_eq(at_exit.n, 0);
    ck_assert_uint_le(qn_app_socks(code), 6);
    ck_assert_uint_ne(qn_app_socks(code), 0);
    ck_assert_int_ne(qn_app_err(code), QN_OK);
}
END_TEST

START_TEST(codes_survive_the_way_through_errors)
{
    static const qn_app_code exact[] = {
        QN_APP_DONE,    QN_APP_FAILED,  QN_APP_POLICY,  QN_APP_HOST_UNREACHABLE,
        QN_APP_REFUSED, QN_APP_TIMEOUT, QN_APP_RESOLVE, QN_APP_TOO_MANY,
        QN_APP_GONE};

    for (unsigned i = 0; i < QN_LEN(exact); i++)
        ck_assert_int_eq(qn_app_of(qn_app_err(exact[i])), exact[i]);
    for (uint8_t wire = 0; wire <= QN_APP_GONE; wire++)
        ck_assert_int_eq(qn_app_code_get(wire), wire);
    ck_assert_int_eq(qn_app_code_get(QN_APP_GONE + 1), QN_APP_FAILED);
    ck_assert_int_eq(qn_app_code_get(255), QN_APP_FAILED);
}
END_TEST

START_TEST(each_direction_ends_by_itself)
{
    uint32_t sid = open_stream();

    ck_assert_uint_eq(side_send(&client, sid, 20000), 20000);
    qn_apps_end(&at_client, sid, QN_APP_DONE);
    ck_assert_uint_eq(side_send(&client, sid, 1), 0);
    settle();
    ck_assert_uint_eq(exit_.s[sid].got, 20000);
    ck_assert_uint_eq(exit_.s[sid].ends, 1);
    ck_assert_int_eq(exit_.s[sid].end, QN_APP_DONE);
    ck_assert_uint_eq(at_client.live, 1);
    ck_assert_uint_eq(side_send(&exit_, sid, 30000), 30000); /* half-closed, not closed */
    qn_apps_end(&at_exit, sid, QN_APP_DONE);
    settle();
    ck_assert_uint_eq(client.s[sid].got, 30000);
    ck_assert_uint_eq(client.s[sid].ends, 1);
    ck_assert_uint_eq(at_client.n, 0);
    ck_assert_uint_eq(at_exit.n, 0);
}
END_TEST

START_TEST(end_comes_behind_the_last_byte_even_when_all_is_small)
{
    uint32_t sid = open_stream();

    reset_cells();
    ck_assert_uint_eq(side_send(&client, sid, 100), 100);
    qn_apps_end(&at_client, sid, QN_APP_DONE);
    settle();
    ck_assert_uint_eq(client.cells[0], 1);
    ck_assert_uint_eq(exit_.s[sid].got, 100);
    ck_assert_uint_eq(exit_.s[sid].ends, 1);
}
END_TEST

START_TEST(end_waits_for_bytes_that_wait_for_a_cell_of_their_own)
{
    uint32_t sid = open_stream();

    ck_assert_uint_eq(side_send(&client, sid, 9000), 9000);
    qn_apps_end(&at_client, sid, QN_APP_DONE);
    qn_apps_ping(&at_client, 1); /* goes first, in an S cell with room for END */
    reset_cells();
    settle();
    ck_assert_uint_eq(client.cells[0], 1);
    ck_assert_uint_eq(client.cells[1], 1);
    ck_assert_uint_eq(exit_.s[sid].got, 9000);
    ck_assert_uint_eq(exit_.s[sid].ends, 1);
}
END_TEST

START_TEST(a_direction_that_ended_gets_no_more_credit)
{
    uint32_t sid = open_stream();

    exit_.hold = true;
    ck_assert_uint_eq(side_send(&client, sid, 65536), 65536);
    qn_apps_end(&at_client, sid, QN_APP_DONE);
    settle();
    side_release(&exit_, sid);
    ck_assert(!qn_apps_pending(&at_exit));
}
END_TEST

START_TEST(an_error_ends_both_directions_and_drops_what_waits)
{
    uint32_t sid = open_stream();

    ck_assert_uint_eq(side_send(&client, sid, 40000), 40000);
    qn_apps_end(&at_client, sid, QN_APP_RESET);
    reset_cells();
    settle();
    ck_assert_uint_eq(client.cells[0] + client.cells[1], 1);
    ck_assert_uint_eq(exit_.s[sid].got, 0);
    ck_assert_int_eq(exit_.s[sid].end, QN_APP_RESET);
    ck_assert_uint_eq(at_client.n, 0);
    ck_assert_uint_eq(at_exit.n, 0);
    ck_assert_uint_eq(qn_apps_room(&at_exit, sid), 0);
}
END_TEST

START_TEST(an_error_may_follow_a_clean_end_of_the_same_direction)
{
    uint32_t sid = open_stream();

    qn_apps_end(&at_client, sid, QN_APP_DONE);
    settle();
    qn_apps_end(&at_client, sid, QN_APP_RESET);
    settle();
    ck_assert_uint_eq(exit_.s[sid].ends, 2);
    ck_assert_int_eq(exit_.s[sid].end, QN_APP_RESET);
    ck_assert_uint_eq(at_exit.n, 0);
}
END_TEST

START_TEST(a_stream_given_up_before_open_left_is_never_heard_of)
{
    uint32_t sid = side_open(&client);

    qn_apps_end(&at_client, sid, QN_APP_RESET);
    ck_assert(!qn_apps_pending(&at_client));
    sid = open_stream();
    ck_assert_uint_eq(sid, 2);
    ck_assert_uint_eq(exit_.s[1].opens, 0);
}
END_TEST

START_TEST(bytes_under_way_to_a_stream_that_ended_are_ignored)
{
    uint32_t sid = open_stream();

    ck_assert_uint_eq(side_send(&client, sid, 65536), 65536); /* all its credit, unsent yet */
    qn_apps_end(&at_exit, sid, QN_APP_RESET);
    ck_assert_uint_eq(at_exit.ignorable, 65536);
    while (cell(&client, &exit_))
        ;
    ck_assert_uint_eq(at_exit.ignorable, 0);
    ck_assert_uint_eq(exit_.s[sid].got, 0);
    settle();
    ck_assert_int_eq(client.s[sid].end, QN_APP_RESET);
}
END_TEST

START_TEST(when_the_circuit_goes_no_stream_ends_cleanly)
{
    uint32_t a = open_stream(), b = open_stream(), c = open_stream(), d = open_stream();

    (void)side_send(&client, a, 1000);
    qn_apps_end(&at_client, b, QN_APP_DONE); /* not yet told */
    qn_apps_end(&at_client, d, QN_APP_DONE);
    qn_apps_end(&at_exit, d, QN_APP_DONE);
    while (cell(&exit_, &client))
        ;
    qn_apps_fail(&at_client, QN_GONE);
    side_drain(&client, &exit_);
    ck_assert_int_eq(client.s[a].end, QN_APP_GONE);
    ck_assert_int_eq(client.s[b].end, QN_APP_GONE);
    ck_assert_int_eq(client.s[c].end, QN_APP_GONE);
    ck_assert_int_eq(client.s[d].end, QN_APP_GONE); /* our END never left */
    ck_assert_uint_eq(client.s[d].ends, 2);
    qt_assert_err(qn_apps_err(&at_client), QN_GONE);
    ck_assert(!qn_apps_pending(&at_client));
    ck_assert_uint_eq(qn_apps_room(&at_client, a), 0);
    qn_apps_end(&at_client, a, QN_APP_RESET);
    qn_apps_consumed(&at_client, a, 0);
    ck_assert_uint_eq(at_client.n, 0);
}
END_TEST

START_TEST(a_stream_that_ended_both_ways_is_not_disturbed_by_the_circuits_end)
{
    uint32_t sid = open_stream();

    exit_.hold = true;
    (void)side_send(&client, sid, 1000);
    qn_apps_end(&at_client, sid, QN_APP_DONE);
    qn_apps_end(&at_exit, sid, QN_APP_DONE);
    settle();
    ck_assert_uint_eq(at_exit.live, 0);
    ck_assert_uint_eq(at_exit.n, 1); /* until its bytes have left */
    qn_apps_fail(&at_exit, QN_GONE);
    side_drain(&exit_, &client);
    ck_assert_int_eq(exit_.s[sid].end, QN_APP_DONE);
}
END_TEST

/* ---- bytes
 * ---------------------------------------------------------------------------------------- */

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

/* ---- back-pressure
 * --------------------------------------------------------------------------------- */

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

/* ---- bounds
 * ----------------------------------------------------------------------------------------- */

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

static Suite *apps_suite(void)
{
    Suite *s = suite_create("circuit/apps");
    TCase *tc = tcase_create("apps");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_stream_opens_to_the_destination_it_names);
    tcase_add_test(tc, bytes_may_follow_open_without_waiting);
    tcase_add_loop_test(tc, every_reason_not_to_open_reaches_the_client, 0, QN_APP_GONE);
    tcase_add_test(tc, codes_survive_the_way_through_errors);
    tcase_add_test(tc, each_direction_ends_by_itself);
    tcase_add_test(tc, end_comes_behind_the_last_byte_even_when_all_is_small);
    tcase_add_test(tc, end_waits_for_bytes_that_wait_for_a_cell_of_their_own);
    tcase_add_test(tc, a_direction_that_ended_gets_no_more_credit);
    tcase_add_test(tc, an_error_ends_both_directions_and_drops_what_waits);
    tcase_add_test(tc, an_error_may_follow_a_clean_end_of_the_same_direction);
    tcase_add_test(tc, a_stream_given_up_before_open_left_is_never_heard_of);
    tcase_add_test(tc, bytes_under_way_to_a_stream_that_ended_are_ignored);
    tcase_add_test(tc, when_the_circuit_goes_no_stream_ends_cleanly);
    tcase_add_test(tc, a_stream_that_ended_both_ways_is_not_disturbed_by_the_circuits_end);
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
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(apps_suite)
