/* What a peer may not do, and what memory may not be there for. */
#include "fixture.h"

static const qn_carrier_kind *const kinds[] = {&qn_carrier_bare, &qt_carrier_dummy2};

static void setup(void)
{
    open_sides(&qn_carrier_bare);
}

/* b answers a frame nobody may send by ending the link with a code. */
typedef struct crime {
    const char *before; /* lawful record in front; "" for none */
    const char *hex;
    uint16_t code;
} crime;

static const crime crimes[] = {
    {"", "000005 10 00000002 01", QN_CLOSE_MALFORMED}, /* b's own parity */
    {"000006 10 00000005 0123", "000006 10 00000003 01aa",
     QN_CLOSE_DONE /* older than the last: taken for late, dropped */},
    {"", "000004 11 00000001", QN_CLOSE_MALFORMED}, /* first frame without a kind */
    {"", "00000c 14 00000001 0000000000020000", QN_CLOSE_MALFORMED}, /* unknown streams */
    {"", "00000c 14 00000002 0000000000020000", QN_CLOSE_MALFORMED},
    {"", "000006 20 00000007 0000", QN_CLOSE_MALFORMED},
    {"000006 11 00000001 0107", "000005 10 00000001 bb", QN_CLOSE_MALFORMED}, /* after FIN */
    {"000006 10 00000001 0107", "00000c 14 00000001 000000000000ffff",
     QN_CLOSE_MALFORMED /* a limit that goes back */},
    {"000006 10 00000001 0107", "00000c 14 00000001 ffffffffffffffff", QN_CLOSE_MALFORMED},
    {"", "000014 14 00000000 0000000000000001 0000000000080000",
     QN_CLOSE_MALFORMED /* acknowledges what was never sent */},
    {"", "000014 14 00000000 0000000000000000 0000000000000001", QN_CLOSE_MALFORMED},
    {"", "000000 1c 000000 00", QN_CLOSE_MALFORMED}, /* KEY_UPDATE not last */
    {"", "000001 28 00", QN_CLOSE_MALFORMED},        /* nobody takes these */
    {"", "000001 2c 00", QN_CLOSE_MALFORMED},
    {"", "000001 24 00", QN_CLOSE_MALFORMED},
    {"", "000000 30", QN_CLOSE_MALFORMED},
    {"", "0000", QN_CLOSE_MALFORMED},             /* half a header */
    {"", "000009 18 000000", QN_CLOSE_MALFORMED}, /* past the record's end */
};

START_TEST(a_peer_that_breaks_the_rules_loses_the_link)
{
    const crime *c = &crimes[_i];

    connect_sides();
    if (c->before[0] != '\0')
        inject(&a, c->before);
    inject(&a, c->hex);
    qt_pair_run(&pair);
    if (c->code == QN_CLOSE_DONE) {
        ck_assert_uint_eq(b.closed, 0);
        return;
    }
    ck_assert_uint_eq(b.closed, 1);
    ck_assert_uint_eq(b.last.code, c->code);
    ck_assert_uint_eq(a.closed, 1); /* it is told why */
    ck_assert_uint_eq(a.last.code, c->code);
    ck_assert(b.end->lost);
}
END_TEST

START_TEST(frames_before_the_broken_one_are_delivered)
{
    connect_sides();
    inject(&a, "000006 10 00000001 01 07 000000 30");
    ck_assert_uint_eq(b.s[1].news, 1);
    ck_assert_uint_eq(b.s[1].closes, 1);
    ck_assert_uint_eq(b.s[1].code, QN_CLOSE_GONE);
    ck_assert_uint_eq(b.closed, 1);
}
END_TEST

/* Fills stream 1's credit to the last byte, past a's own bookkeeping, and then one byte more. */
START_TEST(one_byte_over_a_streams_credit_is_a_fault)
{
    uint32_t id;
    uint64_t left;

    connect_sides();
    b.hold = true;
    id = open_stream(&a, QN_KIND_APP);
    send_all(&a, id, 0, 4 * 16000, 16000, false);
    left = QN_STREAM_BASE - 1 - 4 * 16000;
    send_all(&a, id, 64000, 64000 + left, (size_t)left, false);
    ck_assert_uint_eq(b.closed, 0);
    ck_assert_uint_eq(b.s[id].bytes, QN_STREAM_BASE - 1);
    inject(&a, "000005 10 00000001 ff");
    ck_assert_uint_eq(b.closed, 1);
    qt_assert_err(b.last.err, QN_CREDIT);
    ck_assert_uint_eq(b.last.code, QN_CLOSE_CREDIT);
}
END_TEST

START_TEST(one_unit_over_the_links_credit_is_a_fault)
{
    connect_sides();
    b.link.rx.received = b.link.rx.returned = b.link.rx_acked = b.link.rx.limit - 2;
    b.no_fill = true;
    inject(&a, "000005 10 00000001 01"); /* kind and end: two units */
    ck_assert_uint_eq(b.closed, 0);
    b.link.rx.received = b.link.rx.returned = b.link.rx.limit - 1;
    inject(&a, "000005 10 00000003 01");
    ck_assert_uint_eq(b.closed, 1);
    qt_assert_err(b.last.err, QN_CREDIT);
}
END_TEST

START_TEST(unknown_kinds_are_refused_stream_by_stream)
{
    connect_sides();
    inject(&a, "000005 10 00000001 09 000005 10 00000003 00 000006 10 00000005 0123");
    a.no_fill = true; /* its own link knows nothing of these streams */
    ck_assert_uint_eq(b.s[5].news, 1);
    ck_assert_uint_eq(b.link.refused_n, 0);
    ck_assert_uint_eq(b.link.streams_n, 1);
    ck_assert_uint_eq(b.closed, 0);
    ck_assert_uint_eq(b.link.log.sent, 2); /* two CLOSEs */
}
END_TEST

START_TEST(a_forged_pong_is_ignored)
{
    connect_sides();
    inject(&a, "000008 18 0000000000000001");
    inject(&a, "000008 18 0000000000000003");
    ck_assert_uint_eq(b.pongs, 0);
    ck_assert_uint_eq(b.closed, 0);
}
END_TEST

START_TEST(a_flood_of_pings_costs_one_answer_a_record)
{
    char flood[32 * 100] = "";
    uint64_t before;

    connect_sides();
    before = b.link.out;
    for (unsigned i = 0; i < 100; i++)
        strcat(flood, "000008 18 0000000000000004 ");
    inject(&a, flood);
    ck_assert_uint_le(b.link.out - before, QN_FRAME_PING_SIZE);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

/* A conversation with every kind of thing in it; allocation n fails. What was promised must hold:
 * all bytes arrive, or somebody is told. Returns the requests. */
static uint64_t play_failing(const qn_carrier_kind *kind, uint64_t n)
{
    static const char text[] = "words that nobody checks";
    uint64_t requests;
    uint32_t id[3];
    unsigned open = 0;

    open_sides(kind);
    pair.b.cfg.max_record = 3000;
    pair.origin_extra = 100;
    qt_alloc_fail_at(n);
    if (qt_pair_connect(&pair) == QN_OK)
        qt_pair_run(&pair);
    if (a.up && b.up) {
        for (open = 0; open < 3; open++)
            if (qn_link_open(&a.link, QN_KIND_CIRCUIT, NULL, &id[open]) != QN_OK)
                break;
        for (unsigned i = 0; i < open; i++) {
            qn_err err;

            qn_link_set_user(&a.link, id[i], &a.s[id[i]]);
            err = qn_link_send_bytes(&a.link, id[i], text, 0, true);
            ck_assert(err == QN_OK || err == QN_NOMEM);
        }
        qt_pair_run(&pair);
        pass(QN_SEC);
        for (unsigned i = 0; i < open; i++)
            qn_link_close(&b.link, id[i], QN_CLOSE_REFUSED);
        qt_pair_run(&pair);
        pass(QN_SEC);
        if (!a.end->lost && !b.end->lost && n == 0)
            ck_assert_uint_eq(a.s[id[0]].closes + a.s[id[1]].closes + a.s[id[2]].closes, 3);
    } else {
        ck_assert(a.end->lost || b.end->lost || a.end->carrier == NULL || b.end->carrier == NULL);
    }
    requests = qt_alloc_requests();
    qt_alloc_fail_at(0);
    return requests;
}

START_TEST(each_allocation_may_fail_once)
{
    uint64_t all;

    close_sides();
    all = play_failing(kinds[_i], 0);
    close_sides();
    ck_assert_uint_gt(all, 20);
    for (uint64_t n = 1; n <= all; n++) {
        play_failing(kinds[_i], n);
        close_sides();
    }
    open_sides(kinds[_i]);
}
END_TEST

/* Bulk, both ways, with one failure somewhere: the bytes that arrive are the right ones (hear_data
 * compares), and the transfer ends complete or with a carrier lost. */
START_TEST(a_failed_allocation_in_a_transfer_never_corrupts_it)
{
    close_sides();
    for (uint64_t n = 1; n < 400; n += 3) {
        uint32_t id;
        uint64_t at = 0;

        open_sides(kinds[_i]);
        pair.chunk = 5000;
        connect_sides();
        id = open_stream(&a, QN_KIND_APP);
        qt_alloc_fail_at(n);
        for (unsigned i = 0; i < 400 && at < 150000; i++) {
            uint8_t part[5000];

            for (unsigned k = 0; k < sizeof part; k++)
                part[k] = pattern(id, at + k);
            if (qn_link_writable(&a.link, id) >= sizeof part &&
                qn_link_send_bytes(&a.link, id, part, sizeof part, at + sizeof part == 150000) ==
                    QN_OK)
                at += sizeof part;
            qt_pair_step(&pair);
            if (i % 8 == 7)
                pass(20 * QN_MS);
        }
        qt_alloc_fail_at(0);
        pass(QN_SEC);
        ck_assert(b.s[id].fins == 1 || a.end->lost || b.end->lost || b.closed == 1 ||
                  b.s[id].closes == 1 || a.s[id].closes == 1);
        if (b.s[id].fins == 1)
            ck_assert_uint_eq(b.s[id].bytes, 150000);
        close_sides();
    }
    open_sides(kinds[_i]);
}
END_TEST

START_TEST(clearing_at_any_moment_leaves_nothing)
{
    close_sides();
    for (unsigned steps = 0; steps < 80; steps++) {
        uint32_t id;

        open_sides(kinds[_i]);
        pair.chunk = 400;
        qt_assert_err(qt_pair_connect(&pair), QN_OK);
        for (unsigned i = 0; i < steps; i++) {
            if (a.up && i % 5 == 0 && qn_link_open(&a.link, QN_KIND_CIRCUIT, NULL, &id) == QN_OK) {
                qn_link_set_user(&a.link, id, &a.s[id]);
                send_some(&a, id, 0, 2000, 1000, i % 2 == 0);
            }
            if (b.up && i % 7 == 0)
                qn_link_close(&b.link, 1 + 2 * (i / 7), QN_CLOSE_REFUSED);
            qt_pair_step(&pair);
        }
        close_sides(); /* asserts that memory and budget are back */
    }
    open_sides(kinds[_i]);
}
END_TEST

static Suite *fault_suite(void)
{
    Suite *s = suite_create("link/fault");
    TCase *tc = tcase_create("fault");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, close_sides);
    tcase_add_loop_test(tc, a_peer_that_breaks_the_rules_loses_the_link, 0, QN_LEN(crimes));
    tcase_add_test(tc, frames_before_the_broken_one_are_delivered);
    tcase_add_test(tc, one_byte_over_a_streams_credit_is_a_fault);
    tcase_add_test(tc, one_unit_over_the_links_credit_is_a_fault);
    tcase_add_test(tc, unknown_kinds_are_refused_stream_by_stream);
    tcase_add_test(tc, a_forged_pong_is_ignored);
    tcase_add_test(tc, a_flood_of_pings_costs_one_answer_a_record);
    tcase_add_loop_test(tc, each_allocation_may_fail_once, 0, 2);
    tcase_add_loop_test(tc, a_failed_allocation_in_a_transfer_never_corrupts_it, 0, 2);
    tcase_add_loop_test(tc, clearing_at_any_moment_leaves_nothing, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(fault_suite)
