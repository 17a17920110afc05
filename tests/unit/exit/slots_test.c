/* How many sockets, in all and for one. */
#include "support/qt.h"

#include "exit/slots.h"
#include "qnet/err.h"

static qt_env t;
static qn_slots s;

static void setup(void)
{
    qt_env_open(&t, 1);
    qn_slots_init(&s, 10, 4, 7);
}

static void teardown(void)
{
    qn_slots_clear(&s, &t.env.mem);
    qn_slots_clear(&s, &t.env.mem);
    ck_assert_uint_eq(s.n, 0);
    qt_env_close(&t);
}

static qn_err take(uint64_t id)
{
    return qn_slots_take(&s, &t.env.mem, id);
}

START_TEST(one_source_takes_its_share_and_no_more)
{
    for (unsigned i = 0; i < 4; i++)
        qt_assert_err(take(1), QN_OK);
    qt_assert_err(take(1), QN_BUSY);
    qt_assert_err(take(0), QN_OK);
    qn_slots_give(&s, &t.env.mem, 1);
    qt_assert_err(take(1), QN_OK);
    ck_assert_uint_eq(s.n, 5);
}
END_TEST

START_TEST(all_together_take_what_there_is)
{
    for (uint64_t id = 0; id < 10; id++)
        qt_assert_err(take(id), QN_OK);
    qt_assert_err(take(10), QN_BUSY);
    qn_slots_give(&s, &t.env.mem, 5);
    qt_assert_err(take(10), QN_OK);
    qt_assert_err(take(11), QN_BUSY);
}
END_TEST

START_TEST(sources_without_sockets_cost_nothing)
{
    for (uint64_t id = 0; id < 1000; id++) {
        qt_assert_err(take(id), QN_OK);
        qn_slots_give(&s, &t.env.mem, id);
        ck_assert_uint_eq(t.env.mem.used, 0);
    }
}
END_TEST

START_TEST(sources_may_leave_in_any_order)
{
    static const uint64_t order[] = {2, 0, 4, 1, 3};

    for (uint64_t id = 0; id < 5; id++) {
        qt_assert_err(take(id), QN_OK);
        qt_assert_err(take(id), QN_OK);
    }
    for (size_t i = 0; i < 5; i++) {
        qn_slots_give(&s, &t.env.mem, order[i]);
        qn_slots_give(&s, &t.env.mem, order[i]);
        ck_assert_uint_eq(s.n, 8 - 2 * i);
    }
    ck_assert_uint_eq(t.env.mem.used, 0);
}
END_TEST

START_TEST(survives_every_failed_allocation)
{
    uint64_t total;

    qn_slots_init(&s, 100, 4, 7);
    qt_alloc_fail_at(0);
    for (uint64_t id = 0; id < 20; id++)
        qt_assert_err(take(id), QN_OK);
    total = qt_alloc_requests();
    for (uint64_t fail = 1; fail <= total; fail++) {
        unsigned refused = 0;

        qn_slots_clear(&s, &t.env.mem);
        ck_assert_uint_eq(t.env.mem.used, 0);
        qt_alloc_fail_at(fail);
        for (uint64_t id = 0; id < 20; id++) {
            qn_err err = take(id);

            ck_assert(err == QN_OK || err == QN_NOMEM);
            refused += err != QN_OK;
        }
        ck_assert_uint_eq(refused, 1);
        ck_assert_uint_eq(s.n, 19);
    }
    qt_alloc_fail_at(0);
}
END_TEST

static Suite *slots_suite(void)
{
    Suite *suite = suite_create("exit/slots");
    TCase *tc = tcase_create("slots");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, one_source_takes_its_share_and_no_more);
    tcase_add_test(tc, all_together_take_what_there_is);
    tcase_add_test(tc, sources_without_sockets_cost_nothing);
    tcase_add_test(tc, sources_may_leave_in_any_order);
    tcase_add_test(tc, survives_every_failed_allocation);
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(slots_suite)
