/* App streams against another end that breaks the rules: the circuit dies, with the right name. */
#include "support/qt.h"

#include "pair.h"

static qt_env t;
static qn_budget budget;
static qn_circuits all;
static qn_apps apps;
static side here, there;
static uint8_t text[QN_CELL_TEXT_L];
static size_t at;

static void begin(bool client)
{
    qt_env_open(&t, 1);
    budget = (qn_budget){.limit = QN_CREDIT_BUDGET};
    all = (qn_circuits){.env = &t.env, .budget = &budget};
    qn_apps_init(&apps, &all, client);
    here = (side){.apps = &apps, .client = client};
    there = (side){.client = !client};
    memset(text, 0, sizeof text);
    at = 0;
}

static void setup_exit(void)
{
    begin(false);
}

static void setup_client(void)
{
    begin(true);
}

static void teardown(void)
{
    qn_apps_clear(&apps);
    ck_assert_uint_eq(budget.used, 0);
    qt_env_close(&t);
}

static uint8_t *add(uint8_t cmd, uint8_t flags, uint16_t len, uint32_t sid)
{
    uint8_t *data = text + at + QN_MSG_HEADER;

    ck_assert_uint_le(at + QN_MSG_HEADER + len, sizeof text);
    qn_msg_head(text + at, cmd, flags, len, sid);
    at += QN_MSG_HEADER + (size_t)len;
    return data;
}

static void add_code(uint8_t cmd, uint32_t sid, uint8_t code)
{
    *add(cmd, 0, 1, sid) = code;
}

static void add_open(uint32_t sid)
{
    static const uint8_t dest[] = {1, 192, 0, 2, 1, 0, 80};

    memcpy(add(QN_CMD_OPEN, 0, sizeof dest, sid), dest, sizeof dest);
}

/* n bytes of data as the honest other side would have sent them, next in the stream. */
static void add_data(uint32_t sid, uint16_t n)
{
    uint8_t *data = add(QN_CMD_DATA, 0, n, sid);

    for (unsigned i = 0; i < n; i++)
        data[i] = pair_byte(&there, sid, there.s[sid].sent + i);
    there.s[sid].sent += n;
}

static void add_credit(uint32_t sid, uint64_t limit)
{
    qn_put64(add(QN_CMD_CREDIT, 0, 8, sid), limit);
}

/* The messages added since, as one L cell. */
static qn_err feed(void)
{
    qn_piece cell;
    qn_err err;

    qt_assert_err(qn_cell_get(&t.env, QN_CELL_L, &cell), QN_OK);
    memcpy(qn_piece_data(&cell), text, sizeof text);
    memset(text, 0, sizeof text);
    at = 0;
    err = qn_apps_input(&apps, cell);
    qn_block_drop(cell.block);
    side_drain(&here, &there);
    return err == QN_OK ? qn_apps_err(&apps) : err;
}

static void flush(void)
{
    qn_piece cell;

    while (qn_apps_output(&apps, &cell) == QN_OK)
        qn_block_drop(cell.block);
}

/* ---- at the exit ----------------------------------------------------------------------------- */

START_TEST(exit_refuses_data_beyond_its_credit)
{
    add_open(1);
    for (unsigned i = 0; i < 4; i++) {
        add_data(1, 16000);
        here.hold = true;
        qt_assert_err(feed(), QN_OK);
    }
    add_data(1, (uint16_t)(QN_STREAM_BASE - 64000));
    qt_assert_err(feed(), QN_OK);
    add_data(1, 1);
    qt_assert_err(feed(), QN_CREDIT);
    ck_assert_int_eq(here.s[1].end, QN_APP_GONE);
}
END_TEST

START_TEST(exit_refuses_data_behind_end)
{
    add_open(1);
    add_code(QN_CMD_END, 1, 0);
    add_data(1, 1);
    qt_assert_err(feed(), QN_PROTO);
    ck_assert_uint_eq(here.s[1].ends, 2);
    ck_assert_int_eq(here.s[1].end, QN_APP_GONE);
}
END_TEST

START_TEST(exit_refuses_a_second_clean_end)
{
    add_open(1);
    add_code(QN_CMD_END, 1, 0);
    add_code(QN_CMD_END, 1, 0);
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

START_TEST(exit_refuses_streams_that_never_were)
{
    static const uint8_t cmds[] = {QN_CMD_DATA, QN_CMD_END};

    add_open(1);
    add_code(cmds[_i], 2, 1);
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

START_TEST(exit_refuses_a_sid_that_does_not_rise)
{
    add_open(5);
    add_open((uint32_t)(4 + _i));
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

START_TEST(exit_refuses_what_only_an_exit_says)
{
    add_open(1);
    add_code(QN_CMD_OPENED, (uint32_t)(1 + _i), 0);
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

START_TEST(exit_refuses_handshakes_among_streams)
{
    static const uint8_t cmds[] = {QN_CMD_EXTEND, QN_CMD_EXTENDED, QN_CMD_CREATE, QN_CMD_CREATED};

    (void)add(cmds[_i], 0, 90, 0);
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

static const struct {
    uint8_t n, wire[20];
} bad_dests[] = {
    {6, {1, 192, 0, 2, 1, 0}},         {8, {1, 192, 0, 2, 1, 0, 80, 0}}, {4, {3, 0, 0, 80}},
    {5, {3, 1, ' ', 0, 80}},           {5, {2, 1, 'x', 0, 80}},          {6, {3, 2, 'x', 0, 0, 80}},
    {18, {4, 0, 0, 0, 0, 0, 0, 0, 0}},
};

START_TEST(exit_refuses_a_destination_that_is_none)
{
    memcpy(add(QN_CMD_OPEN, 0, bad_dests[_i].n, 1), bad_dests[_i].wire, bad_dests[_i].n);
    qt_assert_err(feed(), QN_PROTO);
    ck_assert_uint_eq(here.s[1].opens, 0);
}
END_TEST

START_TEST(exit_refuses_the_257th_stream)
{
    for (uint32_t sid = 1; sid <= QN_CIRCUIT_APPS_MAX; sid++)
        add_open(sid);
    qt_assert_err(feed(), QN_OK);
    add_open(QN_CIRCUIT_APPS_MAX + 1);
    qt_assert_err(feed(), QN_LIMIT);
}
END_TEST

START_TEST(exit_bounds_the_streams_whose_bytes_never_leave)
{
    qn_err err = QN_OK;
    unsigned streams = 0;

    here.hold = true;
    while (err == QN_OK && streams < 3 * QN_CIRCUIT_APPS_MAX) {
        /* pair.h's tables end before this does, so the sid is mapped back by dropping events */
        uint32_t sid = ++streams;
        qn_app_event ev;
        qn_piece cell;

        add_open(sid);
        qn_put16(add(QN_CMD_DATA, 0, 2, sid), 7);
        add_code(QN_CMD_END, sid, 0);
        qt_assert_err(qn_cell_get(&t.env, QN_CELL_L, &cell), QN_OK);
        memcpy(qn_piece_data(&cell), text, sizeof text);
        memset(text, 0, sizeof text);
        at = 0;
        err = qn_apps_input(&apps, cell);
        qn_block_drop(cell.block);
        while (qn_apps_next(&apps, &ev))
            ;
        qn_apps_opened(&apps, sid, QN_APP_DONE);
        qn_apps_end(&apps, sid, QN_APP_DONE);
        flush();
        err = err == QN_OK ? qn_apps_err(&apps) : err;
    }
    qt_assert_err(err, QN_LIMIT);
    ck_assert_uint_eq(streams, 2 * QN_CIRCUIT_APPS_MAX + 1);
}
END_TEST

START_TEST(exit_ignores_a_gone_streams_messages_up_to_its_credit)
{
    add_open(1);
    qt_assert_err(feed(), QN_OK);
    qn_apps_end(&apps, 1, QN_APP_RESET);
    flush();
    for (unsigned i = 0; i < 4; i++) {
        (void)add(QN_CMD_DATA, 0, 16000, 1);
        qt_assert_err(feed(), QN_OK);
    }
    add_credit(1, 1);
    add_code(QN_CMD_END, 1, 0);
    qt_assert_err(feed(), QN_OK);
    (void)add(QN_CMD_DATA, 0, 1536, 1);
    qt_assert_err(feed(), QN_OK);
    (void)add(QN_CMD_DATA, 0, 1, 1);
    qt_assert_err(feed(), QN_CREDIT);
}
END_TEST

START_TEST(credit_never_falls_and_never_leaps)
{
    add_open(1);
    add_credit(1, QN_STREAM_BASE);
    add_credit(1, QN_STREAM_BASE + 1);
    qt_assert_err(feed(), QN_OK);
    add_credit(1, _i == 0 ? QN_STREAM_BASE : UINT64_MAX);
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

START_TEST(a_broken_text_shows_nothing_of_itself)
{
    add_open(1);
    text[at + 1] = 1; /* behind the last message */
    qt_assert_err(feed(), QN_PROTO);
    ck_assert_uint_eq(here.s[1].opens, 0);
    qt_assert_err(feed(), QN_STATE); /* and it is over */
}
END_TEST

START_TEST(what_came_before_the_fault_was_shown)
{
    add_open(1);
    add_data(1, 100);
    add_data(2, 100);
    qt_assert_err(feed(), QN_PROTO);
    ck_assert_uint_eq(here.s[1].got, 100);
    ck_assert_int_eq(here.s[1].end, QN_APP_GONE);
}
END_TEST

START_TEST(a_pong_nobody_asked_for_harms_nobody)
{
    qn_put64(add(QN_CMD_PING, QN_MSG_ANSWER, 8, 0), 9);
    (void)add(QN_CMD_DROP, 0, 1000, 0);
    qt_assert_err(feed(), QN_OK);
    ck_assert_uint_eq(here.pongs, 1);
    ck_assert(!qn_apps_pending(&apps));
}
END_TEST

START_TEST(the_next_cell_waits_for_the_last_ones_events)
{
    qn_piece cell;
    qn_app_event ev;

    add_open(1);
    qt_assert_err(qn_cell_get(&t.env, QN_CELL_S, &cell), QN_OK);
    memcpy(qn_piece_data(&cell), text, QN_CELL_S);
    qt_assert_err(qn_apps_input(&apps, cell), QN_OK);
    qt_assert_err(qn_apps_input(&apps, cell), QN_STATE);
    qn_block_drop(cell.block);
    ck_assert(qn_apps_next(&apps, &ev));
    ck_assert_int_eq(ev.type, QN_APP_EV_OPEN);
    ck_assert(!qn_apps_next(&apps, &ev));
}
END_TEST

/* ---- at the client --------------------------------------------------------------------------- */

static void open_one(void)
{
    (void)side_open(&here);
    flush();
}

START_TEST(client_refuses_open)
{
    open_one();
    add_open(2);
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

START_TEST(client_refuses_opened_twice)
{
    open_one();
    add_code(QN_CMD_OPENED, 1, 0);
    add_code(QN_CMD_OPENED, 1, 0);
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

START_TEST(client_refuses_a_stream_used_before_opened)
{
    open_one();
    if (_i == 0)
        add_data(1, 1);
    else
        add_code(QN_CMD_END, 1, (uint8_t)(_i - 1));
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

START_TEST(client_refuses_streams_it_never_opened)
{
    static const uint8_t cmds[] = {QN_CMD_OPENED, QN_CMD_DATA, QN_CMD_END};

    open_one();
    add_code(cmds[_i], 2, 0);
    qt_assert_err(feed(), QN_PROTO);
}
END_TEST

START_TEST(client_ignores_a_late_answer_to_a_stream_it_gave_up)
{
    open_one();
    qn_apps_end(&apps, 1, QN_APP_TIMEOUT);
    add_code(QN_CMD_OPENED, 1, 0);
    add_data(1, 500);
    add_code(QN_CMD_END, 1, 0);
    qt_assert_err(feed(), QN_OK);
    ck_assert_uint_eq(here.s[1].openeds, 0);
    ck_assert_uint_eq(here.s[1].got, 0);
}
END_TEST

START_TEST(client_takes_an_unknown_reason_as_failure)
{
    open_one();
    add_code(QN_CMD_OPENED, 1, 200);
    qt_assert_err(feed(), QN_OK);
    ck_assert_int_eq(here.s[1].opened, QN_APP_FAILED);
}
END_TEST

static Suite *fault_suite(void)
{
    Suite *s = suite_create("circuit/apps_fault");
    TCase *e = tcase_create("exit"), *c = tcase_create("client");

    tcase_add_checked_fixture(e, setup_exit, teardown);
    tcase_add_test(e, exit_refuses_data_beyond_its_credit);
    tcase_add_test(e, exit_refuses_data_behind_end);
    tcase_add_test(e, exit_refuses_a_second_clean_end);
    tcase_add_loop_test(e, exit_refuses_streams_that_never_were, 0, 2);
    tcase_add_loop_test(e, exit_refuses_a_sid_that_does_not_rise, 0, 2);
    tcase_add_loop_test(e, exit_refuses_what_only_an_exit_says, 0, 2);
    tcase_add_loop_test(e, exit_refuses_handshakes_among_streams, 0, 4);
    tcase_add_loop_test(e, exit_refuses_a_destination_that_is_none, 0, (int)QN_LEN(bad_dests));
    tcase_add_test(e, exit_refuses_the_257th_stream);
    tcase_add_test(e, exit_bounds_the_streams_whose_bytes_never_leave);
    tcase_add_test(e, exit_ignores_a_gone_streams_messages_up_to_its_credit);
    tcase_add_loop_test(e, credit_never_falls_and_never_leaps, 0, 2);
    tcase_add_test(e, a_broken_text_shows_nothing_of_itself);
    tcase_add_test(e, what_came_before_the_fault_was_shown);
    tcase_add_test(e, a_pong_nobody_asked_for_harms_nobody);
    tcase_add_test(e, the_next_cell_waits_for_the_last_ones_events);
    suite_add_tcase(s, e);
    tcase_add_checked_fixture(c, setup_client, teardown);
    tcase_add_test(c, client_refuses_open);
    tcase_add_test(c, client_refuses_opened_twice);
    tcase_add_loop_test(c, client_refuses_a_stream_used_before_opened, 0, 3);
    tcase_add_loop_test(c, client_refuses_streams_it_never_opened, 0, 3);
    tcase_add_test(c, client_ignores_a_late_answer_to_a_stream_it_gave_up);
    tcase_add_test(c, client_takes_an_unknown_reason_as_failure);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(fault_suite)
