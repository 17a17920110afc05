/* App streams between two honest ends: how they open and end. */
#include "support/qt.h"

#include "ends.h"

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
    side_drain(&exit_, &client);
    ck_assert_uint_eq(exit_.s[sid].rooms, 1);
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
        QN_APP_GONE,    QN_APP_RATE};

    for (unsigned i = 0; i < QN_LEN(exact); i++)
        ck_assert_int_eq(qn_app_of(qn_app_err(exact[i])), exact[i]);
    for (uint8_t wire = 0; wire <= QN_APP_RATE; wire++)
        ck_assert_int_eq(qn_app_code_get(wire), wire);
    ck_assert_int_eq(qn_app_code_get(QN_APP_RATE + 1), QN_APP_FAILED);
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

/* Commands of the messages of the client's next cell. */
static void next_cell(uint8_t *cmd, unsigned count)
{
    qn_piece cell;
    const uint8_t *p;

    qt_assert_err(qn_apps_output(&at_client, &cell), QN_OK);
    p = qn_piece_data(&cell);
    for (unsigned i = 0; i < count; i++) {
        cmd[i] = p[0];
        p += QN_MSG_HEADER + qn_get16(p + 2);
    }
    qt_assert_err(qn_apps_input(&at_exit, cell), QN_OK);
    qn_block_drop(cell.block);
}

/* An exit that grants so many streams and no more has the place of the one before by then. */
START_TEST(an_end_goes_before_the_open_that_takes_its_place)
{
    uint32_t sid = open_stream();
    uint8_t cmd[2];

    qn_apps_end(&at_exit, sid, QN_APP_DONE);
    settle();
    qn_apps_end(&at_client, sid, QN_APP_DONE);
    (void)side_open(&client);
    next_cell(cmd, 2);
    ck_assert_uint_eq(cmd[0], QN_CMD_END);
    ck_assert_uint_eq(cmd[1], QN_CMD_OPEN);
    settle();
}
END_TEST

START_TEST(an_end_never_goes_before_its_own_open)
{
    uint32_t sid = side_open(&client);
    uint8_t cmd[2];

    qn_apps_end(&at_client, sid, QN_APP_DONE);
    next_cell(cmd, 2);
    ck_assert_uint_eq(cmd[0], QN_CMD_OPEN);
    ck_assert_uint_eq(cmd[1], QN_CMD_END);
    settle();
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
    tcase_add_test(tc, an_end_goes_before_the_open_that_takes_its_place);
    tcase_add_test(tc, an_end_never_goes_before_its_own_open);
    tcase_add_test(tc, a_direction_that_ended_gets_no_more_credit);
    tcase_add_test(tc, an_error_ends_both_directions_and_drops_what_waits);
    tcase_add_test(tc, an_error_may_follow_a_clean_end_of_the_same_direction);
    tcase_add_test(tc, a_stream_given_up_before_open_left_is_never_heard_of);
    tcase_add_test(tc, bytes_under_way_to_a_stream_that_ended_are_ignored);
    tcase_add_test(tc, when_the_circuit_goes_no_stream_ends_cleanly);
    tcase_add_test(tc, a_stream_that_ended_both_ways_is_not_disturbed_by_the_circuits_end);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(apps_suite)
