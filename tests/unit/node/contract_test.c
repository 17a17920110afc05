/* The contract of qnet/node.h, one node at a time, with a world that answers only what a test says.
 */
#include "solo.h"

static const uint8_t greeting[] = {5, 1, 0};
static const uint8_t request[] = {5, 1, 0, 1, 93, 184, 216, 34, 0, 80};

static void start(qn_mode mode)
{
    qn_node_cfg cfg = solo_cfg(mode);

    solo_start(&cfg);
}

/* A SOCKS client that has sent greeting and request. */
static qn_conn ask(void)
{
    qn_conn c = solo_accept(QN_LISTEN_SOCKS);

    ck_assert_uint_ne(c, 0);
    ck_assert_uint_eq(solo_say(c, greeting, sizeof greeting), sizeof greeting);
    qt_assert_bytes(solo_hear(c).p, 2, qn_slice_of("\5\0", 2));
    ck_assert_uint_eq(solo_say(c, request, sizeof request), sizeof request);
    return c;
}

static void expect_reply(qn_conn c, uint8_t reply)
{
    const uint8_t want[10] = {5, reply, 0, 1};
    qn_slice got = solo_hear(c);

    qt_assert_bytes(got.p, got.n, qn_slice_of(want, sizeof want));
}

/* CLOSE was asked for: only peek, consume and released remain, and then the name is nobody's. */
static void expect_closed(qn_conn c)
{
    qn_span v[2];

    ck_assert_uint_eq(acts[QN_ACT_CLOSE], 1);
    ck_assert_uint_eq(last[QN_ACT_CLOSE].conn, c);
    ck_assert_uint_eq(qn_node_space(node, c, v, 2), 0);
    qn_node_released(node, c);
    solo_drain();
    ck_assert_uint_eq(solo_status().streams, 0);
    qn_node_released(node, c);
    qn_node_ended(node, c, QN_END_RESET);
    solo_drain();
    ck_assert_uint_eq(acts[QN_ACT_CLOSE], 1);
}

/* ---- SOCKS through a node that knows nobody -------------------------------------------------- */

START_TEST(a_request_without_a_directory_ends_in_network_unreachable)
{
    qn_conn c;

    start(QN_CLIENT);
    c = ask();
    ck_assert_uint_eq(solo_hear(c).n, 0);
    solo_pass(QN_OPEN_TIMEOUT + QN_SEC);
    expect_reply(c, 3);
    expect_closed(c);
    ck_assert_uint_eq(solo_status().counters.streams_failed, 1);
    ck_assert_uint_eq(solo_status().counters.streams_opened, 0);
}
END_TEST

START_TEST(a_request_one_byte_at_a_time_is_the_same_request)
{
    qn_conn c;

    start(QN_CLIENT);
    c = solo_accept(QN_LISTEN_SOCKS);
    for (size_t i = 0; i < sizeof greeting; i++)
        ck_assert_uint_eq(solo_say(c, greeting + i, 1), 1);
    ck_assert_uint_eq(solo_hear(c).n, 2);
    for (size_t i = 0; i < sizeof request; i++)
        ck_assert_uint_eq(solo_say(c, request + i, 1), 1);
    solo_pass(QN_OPEN_TIMEOUT + QN_SEC);
    expect_reply(c, 3);
    expect_closed(c);
}
END_TEST

START_TEST(bind_is_refused_as_a_command)
{
    qn_conn c;

    start(QN_CLIENT);
    c = solo_accept(QN_LISTEN_SOCKS);
    (void)solo_say(c, "\5\1\0\5\2\0\1\1\2\3\4\0\x50", 13);
    qt_assert_bytes(solo_hear(c).p, 4, qn_slice_of("\5\0\5\7", 4));
    expect_closed(c);
}
END_TEST

START_TEST(a_browser_at_the_wrong_port_is_told_so)
{
    qn_conn c;

    start(QN_CLIENT);
    c = solo_accept(QN_LISTEN_SOCKS);
    (void)solo_say(c, "GET http://x/ HTTP/1.1\r\n", 24);
    ck_assert_int_eq(memcmp(solo_hear(c).p, "HTTP/1.1 501", 12), 0);
    expect_closed(c);
}
END_TEST

START_TEST(a_client_that_says_nothing_is_closed_in_ten_seconds)
{
    qn_conn c;

    start(QN_CLIENT);
    c = solo_accept(QN_LISTEN_SOCKS);
    (void)solo_say(c, greeting, 1 + (size_t)_i);
    solo_pass(QN_SOCKS_TIMEOUT - QN_MS);
    ck_assert_uint_eq(acts[QN_ACT_CLOSE], 0);
    solo_pass(2 * QN_MS);
    expect_closed(c);
}
END_TEST

/* What a node holds when everything a client may leave behind is over. */
static uint64_t held_after(int step, qn_ending how)
{
    uint64_t used;
    qn_conn c = 0;

    start(QN_CLIENT);
    if (step >= 0)
        c = solo_accept(QN_LISTEN_SOCKS);
    if (step >= 1)
        (void)solo_say(c, greeting, sizeof greeting);
    if (step >= 2)
        (void)solo_say(c, request, sizeof request);
    if (step >= 0) {
        qn_node_ended(node, c, how);
        solo_drain();
    }
    solo_pass(QN_OPEN_TIMEOUT + QN_SEC);
    qn_node_released(node, c);
    solo_drain();
    used = t.env.mem.used;
    solo_close();
    solo_open();
    return used;
}

/* However a client leaves, and whenever, it is as if it had never come. */
START_TEST(a_client_that_goes_away_leaves_nothing)
{
    static const qn_ending how[] = {QN_END_RESET, QN_END_WRITE_FAILED, QN_END_EOF};

    ck_assert_uint_eq(held_after(_i / 3, how[_i % 3]), held_after(-1, QN_END_EOF));
}
END_TEST

/* ---- stale names ----------------------------------------------------------------------------- */

START_TEST(verbs_on_names_that_are_nobodys_do_nothing)
{
    static const qn_conn never[] = {0, 1, 5, 77777, UINT32_MAX};
    uint64_t used;
    qn_addr a = {.family = 4, .ip = {1, 2, 3, 4}, .port = 80};

    start((qn_mode)_i);
    solo_pass(QN_SEC);
    used = t.env.mem.used;
    for (size_t i = 1; i < QN_LEN(never); i++) {
        qn_span s[2];
        qn_slice v[2];
        qn_action act;
        qn_conn c = never[i] + 0x40000000u;

        ck_assert_uint_eq(qn_node_space(node, c, s, 2), 0);
        ck_assert_uint_eq(qn_node_peek(node, c, v, 2), 0);
        qn_node_commit(node, c, 0);
        qn_node_consume(node, c, 0);
        qn_node_opened(node, c);
        qn_node_open_failed(node, c, QN_REFUSED);
        qn_node_ended(node, c, QN_END_RESET);
        qn_node_released(node, c);
        qn_node_resolved(node, c, &a, 1, QN_OK);
        ck_assert(!qn_node_next(node, &act));
    }
    ck_assert_uint_eq(t.env.mem.used, used);
}
END_TEST

/* ---- links ----------------------------------------------------------------------------------- */

START_TEST(a_stranger_who_says_nothing_is_reset_and_costs_nothing)
{
    uint64_t base;
    qn_conn c;

    start(QN_RELAY);
    base = t.env.mem.used;
    c = solo_accept(QN_LISTEN_LINK);
    ck_assert_uint_ne(c, 0);
    ck_assert_uint_le(t.env.mem.used - base, 4096 + 1024); /* P3, and the node's own record of it */
    (void)solo_say(c, "\x17\x03\x03", 3);
    solo_pass(QN_HANDSHAKE_TIMEOUT - QN_MS);
    ck_assert(!solo_was_reset(c));
    solo_pass(2 * QN_MS);
    ck_assert(solo_was_reset(c));
    qn_node_ended(node, c, QN_END_RESET); /* its name is nobody's by now */
    solo_drain();
}
END_TEST

START_TEST(garbage_on_a_link_is_answered_by_a_reset)
{
    qn_conn c;

    start(QN_RELAY);
    c = solo_accept(QN_LISTEN_LINK);
    (void)solo_say(c, "GET / HTTP/1.0\r\n\r\n", 18);
    ck_assert_uint_eq(acts[QN_ACT_RESET], 1);
    ck_assert_uint_eq(last[QN_ACT_RESET].conn, c);
}
END_TEST

/* Refused every time: dialled again and again, but ever more slowly, up to every 8 s. */
START_TEST(dialling_backs_off)
{
    unsigned early, late;

    start(QN_CLIENT);
    for (unsigned i = 0; i < 600; i++) {
        if (acts[QN_ACT_DIAL] >
            acts[QN_ACT_READ]) { /* READ is nobody's here: count answers with it */
            acts[QN_ACT_READ] = acts[QN_ACT_DIAL];
            qn_node_open_failed(node, last[QN_ACT_DIAL].conn, QN_REFUSED);
            solo_drain();
        }
        if (i == 100)
            ck_assert_uint_ge(acts[QN_ACT_DIAL], 2);
        solo_pass(100 * QN_MS);
    }
    early = acts[QN_ACT_DIAL];
    ck_assert_uint_le(early, 20);
    ck_assert_uint_ge(early, 6);
    solo_pass(QN_SEC);
    late = acts[QN_ACT_DIAL];
    ck_assert_uint_le(late - early, 1);
    ck_assert_int_eq(solo_status().state, QN_OFFLINE);
}
END_TEST

/* ---- status ---------------------------------------------------------------------------------- */

START_TEST(no_node_claims_to_be_connected_before_anything_answered)
{
    qn_status s;

    start((qn_mode)_i);
    for (unsigned i = 0; i < 100; i++) {
        s = solo_status();
        if (_i == QN_BOOTSTRAP || _i == QN_SUPER) /* they are directories themselves */
            break;
        ck_assert_int_ne(s.state, QN_CONNECTED);
        ck_assert_str_eq(s.phase, "directory");
        ck_assert_uint_gt(strlen(s.advice), 0);
        ck_assert_uint_eq(s.last_probe, 0);
        solo_pass(QN_SEC);
    }
    ck_assert_uint_eq(solo_status().links, 0);
    ck_assert_uint_eq(solo_status().circuits, 0);
}
END_TEST

/* A TCP connection is not a link: only a handshake makes one. */
START_TEST(an_open_conn_is_no_link)
{
    qn_conn c;

    start(QN_CLIENT);
    solo_pass(QN_SEC);
    ck_assert_uint_ge(acts[QN_ACT_DIAL], 1);
    c = last[QN_ACT_DIAL].conn;
    ck_assert(qn_addr_equal(&last[QN_ACT_DIAL].addr, &net.operators[0].addr));
    qn_node_opened(node, c);
    solo_drain();
    ck_assert_uint_gt(solo_hear(c).n, 0); /* it begins the handshake */
    ck_assert_uint_eq(solo_status().links, 0);
    ck_assert_int_ne(solo_status().state, QN_CONNECTED);
}
END_TEST

START_TEST(an_operator_publishes_and_asks_for_it_to_be_kept)
{
    start(_i == 0 ? QN_BOOTSTRAP : QN_SUPER);
    solo_pass(5 * QN_SEC);
    ck_assert_uint_gt(solo_status().snapshot_version, 0);
    ck_assert_uint_ge(acts[QN_ACT_STORE], 1);
    ck_assert_str_eq(last[QN_ACT_STORE].name, "snapshot");
    ck_assert_uint_ge(acts[QN_ACT_EVENT], 1);
}
END_TEST

/* ---- the end --------------------------------------------------------------------------------- */

static void expect_stopped(void)
{
    solo_pass(QN_STOP_AFTER + QN_SEC);
    ck_assert_uint_eq(acts[QN_ACT_STOPPED], 1);
    solo_pass(10 * QN_SEC);
    ck_assert_uint_eq(acts[QN_ACT_STOPPED], 1);
}

START_TEST(stop_yields_stopped_once)
{
    start((qn_mode)_i);
    solo_pass(QN_SEC);
    ck_assert_uint_eq(acts[QN_ACT_STOPPED], 0);
    qn_node_stop(node);
    qn_node_stop(node);
    solo_drain();
    expect_stopped();
    ck_assert_uint_eq(solo_accept(QN_LISTEN_LINK), 0);
    ck_assert_uint_eq(solo_accept(QN_LISTEN_SOCKS), 0);
}
END_TEST

/* Whatever a client was doing: silent, half way through its request, or waiting. */
START_TEST(stop_ends_clients_with_a_reply_or_none)
{
    qn_conn c;

    start(QN_CLIENT);
    c = _i < 2 ? solo_accept(QN_LISTEN_SOCKS) : ask();
    if (_i == 1)
        (void)solo_say(c, greeting, 2);
    qn_node_stop(node);
    solo_drain();
    if (_i == 2)
        expect_reply(c, 1);
    else
        ck_assert_uint_eq(solo_hear(c).n, 0);
    expect_closed(c);
    expect_stopped();
}
END_TEST

START_TEST(stop_without_a_world_that_answers_still_ends)
{
    start(QN_RELAY);
    (void)solo_accept(QN_LISTEN_LINK);
    solo_pass(QN_SEC);
    qn_node_stop(node);
    solo_drain();
    expect_stopped();
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

/* The n-th allocation fails while clients and strangers come and go: an error, never an end. */
START_TEST(each_allocation_failing_once_harms_one_conn_at_most)
{
    qn_node_cfg cfg = solo_cfg(_i == 0 ? QN_CLIENT : QN_SUPER);

    for (uint64_t nth = 1; nth < 200; nth++) {
        qn_conn c;
        bool all;

        solo_start(&cfg);
        qt_alloc_fail_at(nth);
        for (unsigned i = 0; i < 3; i++) {
            c = solo_accept(_i == 0 ? QN_LISTEN_SOCKS : QN_LISTEN_LINK);
            if (c == 0)
                continue;
            (void)solo_say(c, "\5\1\0\5\1\0\1\1\2\3\4\0\x50", 13);
            (void)solo_hear(c);
            solo_pass(2 * QN_SEC);
        }
        all = qt_alloc_requests() < nth;
        qt_alloc_fail_at(0);
        c = solo_accept(_i == 0 ? QN_LISTEN_SOCKS : QN_LISTEN_LINK);
        ck_assert_uint_ne(c, 0); /* the next one is served as if nothing had been */
        qn_node_free(node);
        node = NULL;
        ck_assert_uint_eq(t.env.mem.used, 0);
        if (all)
            return;
    }
}
END_TEST

/* Whoever only knocks leaves room for those who are known. */
START_TEST(strangers_have_six_tenths_of_the_conns)
{
    qn_node_cfg cfg = solo_cfg(QN_SUPER);
    qn_conn v[6];

    cfg.conns_max = 10;
    solo_start(&cfg);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(acts[QN_ACT_PAUSE_ACCEPT], 0);
        v[i] = solo_accept(QN_LISTEN_LINK);
    }
    ck_assert_uint_eq(acts[QN_ACT_PAUSE_ACCEPT], 1);
    ck_assert(last[QN_ACT_PAUSE_ACCEPT].on);
    ck_assert_int_eq(last[QN_ACT_PAUSE_ACCEPT].purpose, QN_LISTEN_LINK);
    qn_node_ended(node, v[0], QN_END_RESET);
    solo_drain();
    ck_assert_uint_eq(acts[QN_ACT_PAUSE_ACCEPT], 1); /* not at every one that goes */
    qn_node_ended(node, v[1], QN_END_RESET);
    solo_drain();
    ck_assert_uint_eq(acts[QN_ACT_PAUSE_ACCEPT], 2);
    ck_assert(!last[QN_ACT_PAUSE_ACCEPT].on);
}
END_TEST

/* A machine that allows more descriptors than a node has conns. */
START_TEST(strangers_have_six_tenths_of_no_more_conns_than_there_are)
{
    qn_node_cfg cfg = solo_cfg(QN_SUPER);
    unsigned n = 0;

    cfg.conns_max = UINT32_MAX;
    solo_start(&cfg);
    while (acts[QN_ACT_PAUSE_ACCEPT] == 0 && n < QN_CONNS_MAX && solo_accept(QN_LISTEN_LINK) != 0)
        n++;
    ck_assert_uint_eq(n, QN_CONNS_MAX * 6 / 10 + 1);
    ck_assert(last[QN_ACT_PAUSE_ACCEPT].on);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node contract");
    TCase *c = tcase_create("one node");

    tcase_set_timeout(c, 100);
    tcase_add_checked_fixture(c, solo_open, solo_close);
    tcase_add_test(c, a_request_without_a_directory_ends_in_network_unreachable);
    tcase_add_test(c, a_request_one_byte_at_a_time_is_the_same_request);
    tcase_add_test(c, bind_is_refused_as_a_command);
    tcase_add_test(c, a_browser_at_the_wrong_port_is_told_so);
    tcase_add_loop_test(c, a_client_that_says_nothing_is_closed_in_ten_seconds, 0, 3);
    tcase_add_loop_test(c, a_client_that_goes_away_leaves_nothing, 0, 9);
    tcase_add_loop_test(c, verbs_on_names_that_are_nobodys_do_nothing, QN_CLIENT, QN_SUPER + 1);
    tcase_add_test(c, a_stranger_who_says_nothing_is_reset_and_costs_nothing);
    tcase_add_test(c, garbage_on_a_link_is_answered_by_a_reset);
    tcase_add_test(c, dialling_backs_off);
    tcase_add_loop_test(c, no_node_claims_to_be_connected_before_anything_answered, QN_CLIENT,
                        QN_SUPER + 1);
    tcase_add_test(c, an_open_conn_is_no_link);
    tcase_add_loop_test(c, an_operator_publishes_and_asks_for_it_to_be_kept, 0, 2);
    tcase_add_test(c, strangers_have_six_tenths_of_the_conns);
    tcase_add_test(c, strangers_have_six_tenths_of_no_more_conns_than_there_are);
    tcase_add_loop_test(c, stop_yields_stopped_once, QN_CLIENT, QN_SUPER + 1);
    tcase_add_loop_test(c, stop_ends_clients_with_a_reply_or_none, 0, 3);
    tcase_add_test(c, stop_without_a_world_that_answers_still_ends);
    tcase_add_loop_test(c, each_allocation_failing_once_harms_one_conn_at_most, 0, 2);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)
