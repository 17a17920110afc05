/* What strangers cause is logged, but never without a bound. */
#include "io-real/log.h"
#include "support/qt.h"

START_TEST(a_flood_of_lines_is_cut_and_counted)
{
    qn_log_rate r = {0};
    unsigned written = 0, left_out = 0, told;

    for (unsigned i = 0; i < 100000; i++) {
        written += qn_log_may(&r, 1000, &told);
        left_out += told;
    }
    ck_assert_uint_eq(written, QN_LOG_LINES_PER_SECOND);
    ck_assert_uint_eq(left_out, 0);
    ck_assert(qn_log_may(&r, 1001, &told));
    ck_assert_uint_eq(told, 100000 - QN_LOG_LINES_PER_SECOND);
    ck_assert(qn_log_may(&r, 1001, &told));
    ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(a_clock_set_back_silences_nothing)
{
    qn_log_rate r = {0};
    unsigned told;

    ck_assert(qn_log_may(&r, 1000, &told));
    ck_assert(qn_log_may(&r, 10, &told));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("real log");
    TCase *t = tcase_create("rate");

    tcase_add_test(t, a_flood_of_lines_is_cut_and_counted);
    tcase_add_test(t, a_clock_set_back_silences_nothing);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
