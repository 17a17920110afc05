/* Padding machines: bursts are filled up, budgets hold, idle is silent, and both ends agree first.
 */
#include "support/qt.h"

#include "chain.h"
#include "circuit/pad.h"

static qt_env t;
static qn_pad p;

static void setup(void)
{
    qt_env_open(&t, 5);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void start(bool client)
{
    bool refused;

    qn_pad_init(&p, client);
    if (client) {
        qn_pad_ask(&p, QN_PAD_BURSTS);
        p.tell = false; /* it was said */
        qt_assert_err(qn_pad_heard(&p, true, QN_PAD_BURSTS, true, &refused), QN_OK);
    } else {
        qt_assert_err(qn_pad_heard(&p, false, QN_PAD_BURSTS, true, &refused), QN_OK);
    }
    ck_assert_int_eq(p.machine, QN_PAD_BURSTS);
}

static void burst(unsigned small, unsigned large)
{
    for (unsigned i = 0; i < small; i++)
        qn_pad_sent(&p, &t.env, QN_CELL_S);
    for (unsigned i = 0; i < large; i++)
        qn_pad_sent(&p, &t.env, QN_CELL_L);
}

/* Time passes until the machine has nothing more to wait for; DROP cells by class. */
static void fill(unsigned got[2])
{
    got[0] = got[1] = 0;
    while (qn_pad_due(&p) != QN_NEVER || qn_pad_owed(&p) > 0) {
        size_t size = qn_pad_owed(&p);

        if (size > 0) {
            got[size == QN_CELL_L]++;
            qn_pad_paid(&p, size);
            continue;
        }
        qt_env_step(&t, qn_pad_due(&p) - t.env.now);
        qn_pad_tick(&p, &t.env);
    }
}

START_TEST(a_burst_is_filled_to_whole_units)
{
    unsigned got[2];

    start(false);
    for (unsigned small = 0; small <= 40; small++) {
        start(false);
        qt_env_step(&t, QN_SEC);
        burst(small, small % 3);
        fill(got);
        ck_assert_uint_eq((small + got[0]) % 16, 0);
        ck_assert_uint_eq((small % 3 + got[1]) % 2, 0);
        ck_assert_uint_lt(got[0], 16);
    }
}
END_TEST

START_TEST(a_pause_shorter_than_the_gap_is_no_end_of_a_burst)
{
    start(true);
    burst(1, 0);
    qt_env_step(&t, 39 * QN_MS);
    qn_pad_tick(&p, &t.env);
    ck_assert_uint_eq(qn_pad_owed(&p), 0);
    burst(1, 0);
    qt_env_step(&t, 39 * QN_MS);
    qn_pad_tick(&p, &t.env);
    ck_assert_uint_eq(qn_pad_owed(&p), 0);
    qt_env_step(&t, 40 * QN_MS);
    qn_pad_tick(&p, &t.env);
    ck_assert_uint_eq(p.owed_small, 2);
}
END_TEST

START_TEST(later_bursts_are_filled_to_smaller_units)
{
    unsigned got[2];

    start(false);
    for (unsigned i = 0; i < 8; i++) {
        burst(1, 0);
        fill(got);
        ck_assert_uint_eq(got[0], 15);
        qt_env_step(&t, QN_SEC);
    }
    burst(1, 0);
    fill(got);
    ck_assert_uint_eq(got[0], 7);
}
END_TEST

START_TEST(nothing_is_sent_that_no_burst_asked_for)
{
    start(false);
    ck_assert_uint_eq(qn_pad_due(&p), QN_NEVER);
    qt_env_step(&t, 3600 * QN_SEC);
    qn_pad_tick(&p, &t.env);
    ck_assert_uint_eq(qn_pad_owed(&p), 0);
    burst(16, 2);
    qt_env_step(&t, QN_SEC);
    qn_pad_tick(&p, &t.env);
    ck_assert_uint_eq(qn_pad_owed(&p), 0);
    ck_assert_uint_eq(qn_pad_due(&p), QN_NEVER);
}
END_TEST

START_TEST(budgets_end_it)
{
    unsigned got[2], cells = 0, in_second = 0;

    start(false);
    for (unsigned i = 0; i < 2000; i++) { /* bursts of one cell, 100 ms apart and more */
        burst(1, 0);
        fill(got);
        cells += got[0];
        in_second += i < 8 ? got[0] : 0;
    }
    ck_assert_uint_le(in_second, 64);
    ck_assert_uint_le(cells * QN_CELL_S, (256u << 10) + 2000 * QN_CELL_S / 2);
    ck_assert_uint_ge(cells, 100);
}
END_TEST

START_TEST(who_was_not_asked_does_not_answer)
{
    bool refused;

    qn_pad_init(&p, true);
    qt_assert_err(qn_pad_heard(&p, true, QN_PAD_BURSTS, true, &refused), QN_PROTO);
    qt_assert_err(qn_pad_heard(&p, false, QN_PAD_BURSTS, true, &refused), QN_PROTO);
    qn_pad_ask(&p, QN_PAD_BURSTS);
    qt_assert_err(qn_pad_heard(&p, true, QN_PAD_BURSTS, true, &refused),
                  QN_PROTO); /* not said yet */
    p.tell = false;
    qt_assert_err(qn_pad_heard(&p, true, QN_PAD_BURSTS + 1, true, &refused), QN_PROTO);
    qt_assert_err(qn_pad_heard(&p, true, QN_PAD_NONE, true, &refused), QN_OK);
    ck_assert(refused && p.machine == QN_PAD_NONE);
    qt_assert_err(qn_pad_heard(&p, true, QN_PAD_BURSTS, true, &refused), QN_PROTO); /* twice */
    burst(3, 0);
    ck_assert_uint_eq(qn_pad_due(&p), QN_NEVER);
}
END_TEST

START_TEST(an_end_may_refuse)
{
    bool refused;

    qn_pad_init(&p, false);
    qt_assert_err(qn_pad_heard(&p, true, QN_PAD_BURSTS, true, &refused), QN_PROTO);
    qt_assert_err(qn_pad_heard(&p, false, 200, true, &refused), QN_OK);
    ck_assert(refused && p.tell && p.said == QN_PAD_NONE);
    qt_assert_err(qn_pad_heard(&p, false, QN_PAD_BURSTS, true, &refused), QN_PROTO);
    qn_pad_init(&p, false);
    qt_assert_err(qn_pad_heard(&p, false, QN_PAD_BURSTS, false, &refused), QN_OK);
    ck_assert(refused && p.machine == QN_PAD_NONE);
}
END_TEST

/* ---- in a circuit ---------------------------------------------------------------------------- */

static chain x;

static void let_time_pass(void)
{
    for (unsigned i = 0; i < 50; i++) {
        qt_env_step(&x.t, 20 * QN_MS);
        qn_circuit_tick(&x.circuit);
        for (unsigned k = 0; k < x.hops; k++)
            qn_hop_tick(&x.hop[k]);
        chain_run(&x);
    }
}

static uint64_t cells(unsigned hop, bool forward)
{
    const qn_circuit_counts *c = &x.at_hop[hop].counts;

    return forward ? c->cells_forward : c->cells_backward;
}

/* One answer of n bytes on a fresh circuit; what the joint counts. */
static void fetch(size_t n, uint8_t padding, uint64_t got[2])
{
    uint32_t sid;

    chain_open(&x, 3);
    x.at_client.padding = padding;
    chain_run(&x);
    sid = chain_stream(&x);
    chain_run(&x);
    let_time_pass();
    (void)side_send(&x.client, sid, 300);
    chain_run(&x);
    let_time_pass();
    (void)side_send(&x.exit, sid, n);
    chain_run(&x);
    qn_apps_end(x.exit.apps, sid, QN_APP_DONE);
    chain_run(&x);
    let_time_pass();
    got[0] = cells(1, true);
    got[1] = cells(1, false);
    ck_assert(!x.ended);
    ck_assert_uint_eq(x.client.s[sid].got, n);
    let_time_pass();
    ck_assert_uint_eq(cells(1, false), got[1]); /* idle is silent */
    chain_close(&x);
}

/* What the machine is for: answers of different sizes, up to a unit, look alike to the joint. */
START_TEST(small_answers_have_one_number_of_cells)
{
    static const size_t sizes[] = {1, 900, 3000, 6000, 8000};
    uint64_t first[2], got[2];

    fetch(sizes[0], QN_PAD_BURSTS, first);
    for (unsigned i = 1; i < QN_LEN(sizes); i++) {
        fetch(sizes[i], QN_PAD_BURSTS, got);
        ck_assert_uint_eq(got[0], first[0]);
        ck_assert_uint_eq(got[1], first[1]);
    }
    fetch(sizes[0], QN_PAD_NONE, first); /* and without it they do not */
    fetch(sizes[4], QN_PAD_NONE, got);
    ck_assert_uint_ne(got[1], first[1]);
}
END_TEST

static Suite *pad_suite(void)
{
    Suite *s = suite_create("circuit/pad");
    TCase *tc = tcase_create("machine"), *whole = tcase_create("circuit");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_burst_is_filled_to_whole_units);
    tcase_add_test(tc, a_pause_shorter_than_the_gap_is_no_end_of_a_burst);
    tcase_add_test(tc, later_bursts_are_filled_to_smaller_units);
    tcase_add_test(tc, nothing_is_sent_that_no_burst_asked_for);
    tcase_add_test(tc, budgets_end_it);
    tcase_add_test(tc, who_was_not_asked_does_not_answer);
    tcase_add_test(tc, an_end_may_refuse);
    tcase_add_test(whole, small_answers_have_one_number_of_cells);
    suite_add_tcase(s, tc);
    suite_add_tcase(s, whole);
    return s;
}

QT_MAIN(pad_suite)
