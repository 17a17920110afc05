/* Credit: the last unit is accepted, the next is a fault; windows grow, the budget is exact. */
#include "support/qt.h"

#include "frame/credit.h"

enum { BASE = 65536, MAX = 1 << 20 };

static qn_credit_rx rx;
static qn_budget budget;

static void setup(void)
{
    qn_credit_rx_init(&rx, BASE, MAX, QN_SEC);
    budget = (qn_budget){.limit = UINT64_C(16) << 20};
}

static void teardown(void)
{
    qn_credit_release(&rx, &budget);
    ck_assert_uint_eq(budget.used, 0);
}

/* Takes and returns n; grants when due. */
static void pass(uint64_t n, qn_time now)
{
    qt_assert_err(qn_credit_take(&rx, n), QN_OK);
    if (qn_credit_return(&rx, &budget, n))
        qn_credit_grant(&rx, &budget, now);
}

START_TEST(the_last_unit_fits_and_the_next_is_a_fault)
{
    qt_assert_err(qn_credit_take(&rx, BASE), QN_OK);
    qt_assert_err(qn_credit_take(&rx, 1), QN_CREDIT);
    qt_assert_err(qn_credit_take(&rx, 0), QN_OK);
    qt_assert_err(qn_credit_take(&rx, UINT64_MAX), QN_CREDIT);
    ck_assert_uint_eq(rx.received, BASE);
}
END_TEST

START_TEST(an_overrun_by_one_counts_nothing)
{
    qt_assert_err(qn_credit_take(&rx, BASE + 1), QN_CREDIT);
    ck_assert_uint_eq(rx.received, 0);
}
END_TEST

START_TEST(half_a_window_makes_an_update_due)
{
    qt_assert_err(qn_credit_take(&rx, BASE), QN_OK);
    ck_assert(!qn_credit_return(&rx, &budget, BASE / 2 - 1));
    ck_assert(qn_credit_return(&rx, &budget, 1));
}
END_TEST

START_TEST(the_window_doubles_while_data_flows_and_is_consumed)
{
    uint32_t before = rx.window;

    for (unsigned i = 0; i < 200; i++)
        pass(BASE / 2, QN_SEC + i * QN_MS);
    ck_assert_uint_gt(rx.window, before);
    ck_assert_uint_eq(rx.window, MAX);
    ck_assert_uint_le(rx.limit - rx.returned, MAX);
    ck_assert_uint_eq(budget.used, rx.limit - rx.returned - BASE);
}
END_TEST

START_TEST(the_window_stays_when_the_consumer_is_behind)
{
    qt_assert_err(qn_credit_take(&rx, BASE), QN_OK);
    ck_assert(qn_credit_return(&rx, &budget, BASE / 2));
    ck_assert_uint_eq(qn_credit_grant(&rx, &budget, QN_SEC + 1), BASE + BASE / 2);
    ck_assert_uint_eq(rx.window, BASE);
    ck_assert_uint_eq(budget.used, 0);
}
END_TEST

START_TEST(the_window_stays_when_data_trickles)
{
    for (unsigned i = 1; i < 20; i++)
        pass(BASE / 2, QN_SEC + i * 2 * QN_SEC);
    ck_assert_uint_eq(rx.window, BASE);
}
END_TEST

START_TEST(a_slow_stream_is_not_renewed_and_gives_its_budget_back)
{
    qn_time now = QN_SEC;

    for (unsigned i = 0; i < 200; i++)
        pass(BASE / 2, now += QN_MS);
    ck_assert_uint_gt(budget.used, 0);
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t told = rx.limit;

        pass(BASE / 8, now += QN_SEC);
        ck_assert_uint_ge(rx.limit, told); /* never taken back */
    }
    ck_assert_uint_lt(rx.window, MAX / 2);
    ck_assert_uint_eq(budget.used, rx.over);
}
END_TEST

START_TEST(the_budget_is_never_overdrawn)
{
    qn_credit_rx many[8];

    budget.limit = MAX;
    for (unsigned i = 0; i < QN_LEN(many); i++)
        qn_credit_rx_init(&many[i], BASE, MAX, QN_SEC);
    for (unsigned round = 0; round < 100; round++)
        for (unsigned i = 0; i < QN_LEN(many); i++) {
            qt_assert_err(qn_credit_take(&many[i], BASE / 2), QN_OK);
            if (qn_credit_return(&many[i], &budget, BASE / 2))
                qn_credit_grant(&many[i], &budget, QN_SEC);
            ck_assert_uint_le(budget.used, budget.limit);
            ck_assert_uint_ge(many[i].limit - many[i].received, BASE / 2); /* the base is free */
        }
    ck_assert_uint_gt(budget.used, budget.limit / 2);
    for (unsigned i = 0; i < QN_LEN(many); i++)
        qn_credit_release(&many[i], &budget);
}
END_TEST

START_TEST(with_an_empty_budget_updates_stay_rare)
{
    unsigned updates = 0;

    budget.limit = 0;
    for (unsigned i = 0; i < 1000; i++) {
        qt_assert_err(qn_credit_take(&rx, 100), QN_OK);
        if (qn_credit_return(&rx, &budget, 100)) {
            qn_credit_grant(&rx, &budget, QN_SEC);
            updates++;
        }
    }
    ck_assert_uint_le(updates, 1000 * 100 / (BASE / 2));
}
END_TEST

START_TEST(release_may_repeat)
{
    for (unsigned i = 0; i < 10; i++)
        pass(BASE / 2, QN_SEC);
    ck_assert_uint_gt(budget.used, 0);
    qn_credit_release(&rx, &budget);
    ck_assert_uint_eq(budget.used, 0);
    qn_credit_release(&rx, &budget);
}
END_TEST

START_TEST(a_sender_refuses_limits_that_go_back_or_are_absurd)
{
    qn_credit_tx tx = {.limit = BASE, .used = 100};

    ck_assert_uint_eq(qn_credit_left(&tx), BASE - 100);
    qt_assert_err(qn_credit_raise(&tx, BASE), QN_OK);
    qt_assert_err(qn_credit_raise(&tx, BASE - 1), QN_PROTO);
    qt_assert_err(qn_credit_raise(&tx, UINT64_MAX), QN_PROTO);
    qt_assert_err(qn_credit_raise(&tx, UINT64_C(101) + UINT32_MAX), QN_PROTO);
    ck_assert_uint_eq(tx.limit, BASE);
    qt_assert_err(qn_credit_raise(&tx, UINT64_C(100) + UINT32_MAX), QN_OK);
    ck_assert_uint_eq(qn_credit_left(&tx), UINT32_MAX);
}
END_TEST

static Suite *credit_suite(void)
{
    Suite *s = suite_create("frame/credit");
    TCase *tc = tcase_create("credit");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_last_unit_fits_and_the_next_is_a_fault);
    tcase_add_test(tc, an_overrun_by_one_counts_nothing);
    tcase_add_test(tc, half_a_window_makes_an_update_due);
    tcase_add_test(tc, the_window_doubles_while_data_flows_and_is_consumed);
    tcase_add_test(tc, the_window_stays_when_the_consumer_is_behind);
    tcase_add_test(tc, the_window_stays_when_data_trickles);
    tcase_add_test(tc, a_slow_stream_is_not_renewed_and_gives_its_budget_back);
    tcase_add_test(tc, the_budget_is_never_overdrawn);
    tcase_add_test(tc, with_an_empty_budget_updates_stay_rare);
    tcase_add_test(tc, release_may_repeat);
    tcase_add_test(tc, a_sender_refuses_limits_that_go_back_or_are_absurd);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(credit_suite)
