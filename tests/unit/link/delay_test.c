/* How long frames wait on a link, as status says it. */
#include "support/qt.h"

#include "link/delay.h"

static qn_delay d;
static qn_time now;

static void setup(void)
{
    d = (qn_delay){0};
    now = QN_SEC;
}

static void wait_for(qn_time t)
{
    qn_delay_queued(&d, 3, 100, now);
    now += t;
    qn_delay_sent(&d, 3, 100, now);
}

START_TEST(one_frame_is_followed_until_its_last_byte_is_sent)
{
    qn_delay_queued(&d, 3, 100, now);
    qn_delay_queued(&d, 5, 10, now + QN_MS); /* not this one */
    qn_delay_sent(&d, 5, 10, now + 2 * QN_MS);
    qn_delay_sent(&d, 3, 99, now + 2 * QN_MS);
    ck_assert_uint_eq(d.stream, 3);
    qn_delay_sent(&d, 3, 120, now + 8 * QN_MS);
    ck_assert_uint_eq(d.stream, 0);
    ck_assert_uint_eq(d.mean, QN_MS);
}
END_TEST

START_TEST(a_stream_that_ends_is_not_waited_for)
{
    qn_delay_queued(&d, 3, 100, now);
    qn_delay_forget(&d, 5);
    ck_assert_uint_eq(d.stream, 3);
    qn_delay_forget(&d, 3);
    qn_delay_queued(&d, 5, 10, now);
    ck_assert_uint_eq(d.stream, 5);
}
END_TEST

START_TEST(the_mean_follows)
{
    for (unsigned i = 0; i < 100; i++)
        wait_for(10 * QN_MS);
    ck_assert_uint_ge(d.mean, 9 * QN_MS);
    ck_assert_uint_le(d.mean, 10 * QN_MS);
    for (unsigned i = 0; i < 100; i++)
        wait_for(0);
    ck_assert_uint_le(d.mean, QN_MS / 100);
}
END_TEST

/* Waits of 1 to 100 ms, evenly: one in a hundred is over 99 ms. */
START_TEST(about_one_in_a_hundred_is_longer_than_high)
{
    unsigned longer = 0;

    for (unsigned i = 0; i < 40000; i++) {
        qn_time wait = (1 + i * 37 % 100) * QN_MS;

        longer += i >= 20000 && wait > d.high;
        wait_for(wait);
    }
    ck_assert_uint_ge(longer, 100);
    ck_assert_uint_le(longer, 1000);
}
END_TEST

static Suite *delay_suite(void)
{
    Suite *s = suite_create("link/delay");
    TCase *tc = tcase_create("delay");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, one_frame_is_followed_until_its_last_byte_is_sent);
    tcase_add_test(tc, a_stream_that_ends_is_not_waited_for);
    tcase_add_test(tc, the_mean_follows);
    tcase_add_test(tc, about_one_in_a_hundred_is_longer_than_high);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(delay_suite)
