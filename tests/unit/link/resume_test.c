/* A link outlives its carriers: whatever dies with them is sent again, cut to the new record size,
 * and arrives exactly once. */
#include "fixture.h"

static void setup(void)
{
    open_sides(&qn_carrier_bare);
}

/* The carriers die with all that was in flight. */
static void lose_carriers(void)
{
    qt_pair_cut(&pair);
    qn_link_detach(&a.link);
    qn_link_detach(&b.link);
}

static void reconnect(uint16_t max_record)
{
    pair.b.cfg.max_record = max_record;
    connect_sides();
}

START_TEST(nothing_is_lost_or_doubled_at_any_cut)
{
    static const uint16_t sizes[] = {16384, 512, 4000, 1037, 16384, 2048};
    uint32_t up, down;
    uint64_t at_up = 0, at_down = 0, to = 600000;
    unsigned cuts = 0, every = 5 + 4 * (unsigned)_i;

    pair.chunk = 3001;
    connect_sides();
    up = open_stream(&a, QN_KIND_APP);
    down = open_stream(&b, QN_KIND_CIRCUIT);
    for (unsigned step = 0; at_up < to || at_down < to; step++) {
        ck_assert_uint_lt(step, 10000);
        at_up = send_some(&a, up, at_up, to, 16000, true);
        at_down = send_some(&b, down, at_down, to, 16248, true);
        qt_pair_step(&pair);
        if (step % every == every - 1) {
            lose_carriers();
            pair.b.cfg.max_record = sizes[++cuts % QN_LEN(sizes)];
            qt_assert_err(qt_pair_connect(&pair), QN_OK); /* a cut may fall into a handshake too */
        }
    }
    qt_pair_run(&pair);
    ck_assert_uint_ge(cuts, 5);
    ck_assert_uint_eq(b.s[up].bytes, to);
    ck_assert_uint_eq(a.s[down].bytes, to);
    ck_assert_uint_eq(a.link.log.pos.units, qn_link_received(&b.link)); /* no part counted twice */
    ck_assert_uint_eq(b.link.log.sent, qn_link_received(&a.link));
    ck_assert_uint_eq(b.s[up].news, 1);
    ck_assert_uint_eq(b.s[up].fins + a.s[down].fins, 2);
    ck_assert_uint_eq(a.closed + b.closed, 0);
}
END_TEST

/* Parts of one cell arrive as a chain of MORE, however carriers cut it. */
START_TEST(a_message_cut_by_two_carriers_is_still_one_message)
{
    uint32_t id;
    const char *at;
    unsigned ends = 0;

    pair.chunk = 700;
    pair.b.cfg.max_record = 1000;
    connect_sides();
    id = open_stream(&a, QN_KIND_CIRCUIT);
    send_all(&a, id, 0, 1056, 1056, false);
    send_some(&a, id, 1056, 1056 + 16288, 16288, false);
    for (unsigned i = 0; i < 8; i++)
        qt_pair_step(&pair);
    ck_assert_uint_gt(b.s[id].bytes, 2000);
    ck_assert_uint_lt(b.s[id].bytes, 16000);
    lose_carriers();
    reconnect(5000);
    ck_assert_uint_eq(b.s[id].bytes, 1056 + 16288);
    for (at = b.trace; (at = strstr(at, "data1:")) != NULL; at++)
        ends++;
    ck_assert_uint_eq(ends, 2); /* two messages, the rest is "more" */
}
END_TEST

START_TEST(window_updates_and_closes_survive)
{
    uint32_t x, y;
    uint64_t at;

    connect_sides();
    x = open_stream(&a, QN_KIND_APP);
    y = open_stream(&a, QN_KIND_APP);
    b.hold = true;
    at = send_some(&a, x, 0, 1 << 20, 16000, false);
    send_all(&a, y, 0, 10, 10, false);
    b.hold = false;
    qn_link_returned(&b.link, x, at);
    qn_link_close(&b.link, y, QN_CLOSE_TIMEOUT);
    qn_link_fill(&b.link); /* both are sealed, and die with the carrier */
    ck_assert_uint_eq(a.s[y].closes, 0);
    lose_carriers();
    reconnect(512);
    ck_assert_uint_eq(a.s[y].closes, 1);
    ck_assert_uint_eq(a.s[y].code, QN_CLOSE_TIMEOUT);
    ck_assert_uint_eq(a.s[x].rooms, 1);
    send_all(&a, x, at, 1 << 20, 16000, true);
    ck_assert_uint_eq(b.s[x].bytes, 1 << 20);
}
END_TEST

START_TEST(what_is_queued_while_suspended_goes_out_first_thing)
{
    uint32_t id;

    connect_sides();
    id = open_stream(&a, QN_KIND_APP);
    lose_carriers();
    ck_assert_uint_eq(send_some(&a, id, 0, 40000, 8000, true), 40000);
    ck_assert(!qn_link_fill(&a.link));
    reconnect(16384);
    ck_assert_uint_eq(b.s[id].bytes, 40000);
    ck_assert_uint_eq(b.s[id].fins, 1);
}
END_TEST

START_TEST(link_credit_lost_with_a_carrier_is_said_again)
{
    uint32_t id[5];
    uint64_t at[5] = {0};

    connect_sides();
    b.no_fill = true;
    for (unsigned i = 0; i < 5; i++) {
        id[i] = open_stream(&a, QN_KIND_APP);
        at[i] = send_some(&a, id[i], 0, 1 << 20, 16000, false);
    }
    qt_pair_run(&pair);
    ck_assert_uint_lt(qn_credit_left(&a.link.log.tx),
                      16000); /* five first windows use up the link's */
    ck_assert(qn_link_fill(&b.link));
    ck_assert_uint_eq(b.link.rx_acked, b.link.rx.received);
    lose_carriers();
    b.no_fill = false;
    reconnect(16384);
    ck_assert_uint_gt(qn_credit_left(&a.link.log.tx), QN_LINK_BASE / 2);
    for (unsigned i = 0; i < 5; i++)
        send_all(&a, id[i], at[i], 1 << 20, 16000, true);
}
END_TEST

START_TEST(the_peers_claim_is_checked)
{
    uint32_t id;
    uint64_t got;
    qn_carrier *c;

    connect_sides();
    id = open_stream(&a, QN_KIND_CIRCUIT);
    send_all(&a, id, 0, 1000, 1000, false);
    send_all(&a, id, 1000, 3000, 1000, false);
    pass(100 * QN_MS); /* all acknowledged: kind and 1000 and 1, twice 1000 and 1 */
    got = qn_link_received(&b.link);
    ck_assert_uint_eq(got, 3004);
    send_all(&a, id, 3000, 4000, 1000, false);
    c = a.link.carrier;
    qn_link_detach(&a.link);
    qt_assert_err(qn_link_attach(&a.link, c, got - 1), QN_PROTO);    /* before what it said */
    qt_assert_err(qn_link_attach(&a.link, c, got + 1002), QN_PROTO); /* never sent */
    qt_assert_err(qn_link_attach(&a.link, c, got + 1000), QN_PROTO); /* no split ends there */
    ck_assert_ptr_null(a.link.carrier);
    qt_assert_err(qn_link_attach(&a.link, c, got + 999), QN_OK);
    qn_link_detach(&a.link);
    qt_assert_err(qn_link_attach(&a.link, c, got + 1001), QN_OK);
}
END_TEST

START_TEST(the_log_is_bounded_by_credit_and_budget)
{
    uint32_t id[8];
    uint64_t at[8] = {0}, kept;

    a.budget.limit = 100000;
    connect_sides();
    for (unsigned i = 0; i < 8; i++)
        id[i] = open_stream(&a, QN_KIND_APP);
    b.no_fill = true; /* it reads, and never acknowledges */
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 8; i++)
            at[i] = send_some(&a, id[i], at[i], 1 << 20, 16000, false);
        qt_pair_run(&pair);
        kept = a.link.log.tx.used - a.link.log.acked;
        ck_assert_uint_le(kept, QN_LINK_BASE); /* what the peer credited */
        ck_assert_uint_le(a.budget.used, a.budget.limit);
    }
    ck_assert_uint_gt(kept, QN_LINK_BASE - 17000);
    b.no_fill = false;
    for (unsigned i = 0; i < 8; i++)
        send_all(&a, id[i], at[i], 1 << 20, 16000, true);
    ck_assert_uint_le(a.end->t.env.mem.peak, UINT64_C(4) << 20);
}
END_TEST

START_TEST(a_sender_without_budget_is_never_stopped_by_its_own_log)
{
    uint32_t id;

    a.budget.limit = 0;
    connect_sides();
    id = open_stream(&a, QN_KIND_APP);
    send_all(&a, id, 0, 24 << 20, 16000, true);
    ck_assert_uint_eq(b.s[id].bytes, 24 << 20);
    ck_assert_uint_gt(b.link.rx.window, 4 * QN_LINK_BASE);
}
END_TEST

static Suite *resume_suite(void)
{
    Suite *s = suite_create("link/resume");
    TCase *tc = tcase_create("resume");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, close_sides);
    tcase_add_loop_test(tc, nothing_is_lost_or_doubled_at_any_cut, 0, 6);
    tcase_add_test(tc, a_message_cut_by_two_carriers_is_still_one_message);
    tcase_add_test(tc, window_updates_and_closes_survive);
    tcase_add_test(tc, what_is_queued_while_suspended_goes_out_first_thing);
    tcase_add_test(tc, link_credit_lost_with_a_carrier_is_said_again);
    tcase_add_test(tc, the_peers_claim_is_checked);
    tcase_add_test(tc, the_log_is_bounded_by_credit_and_budget);
    tcase_add_test(tc, a_sender_without_budget_is_never_stopped_by_its_own_log);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(resume_suite)
