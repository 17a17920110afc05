/* Requests of each address: a burst, then a rate. */
#include "io-real/ration.h"

#include "support/qt.h"

static qt_env t;
static qn_ration r;

static qn_addr address(uint8_t family, uint8_t last)
{
    qn_addr a = {.family = family, .ip = {8, 8, 8, last}, .port = 1};

    return a;
}

static unsigned taken(const qn_addr *a, unsigned tries, qn_time now)
{
    unsigned n = 0;

    for (unsigned i = 0; i < tries; i++)
        n += qn_ration_take(&r, a, now);
    return n;
}

static void up(uint32_t rate, uint32_t burst)
{
    qt_env_open(&t, 1);
    qn_ration_init(&r, rate, burst, &t.env.rng);
}

START_TEST(a_burst_and_then_the_rate)
{
    qn_addr a = address(4, 1), b = address(4, 2);

    up(20, 100);
    ck_assert_uint_eq(taken(&a, 200, QN_SEC), 100);
    ck_assert_uint_eq(taken(&a, 200, 2 * QN_SEC), 20);
    ck_assert_uint_eq(taken(&b, 200, 2 * QN_SEC), 100);
    ck_assert_uint_eq(taken(&a, 200, 1000 * QN_SEC), 100);
    qt_env_close(&t);
}
END_TEST

START_TEST(ports_and_hosts_of_a_64_share)
{
    qn_addr a = address(6, 1), b = a, c = a;

    up(1, 10);
    b.port = 2;
    b.ip[15] = 9;
    c.ip[7] = 9;
    ck_assert_uint_eq(taken(&a, 6, QN_SEC), 6);
    ck_assert_uint_eq(taken(&b, 6, QN_SEC), 4);
    ck_assert_uint_eq(taken(&c, 6, QN_SEC), 6);
    qt_env_close(&t);
}
END_TEST

START_TEST(many_addresses_take_no_more_each)
{
    up(1, 3);
    for (unsigned i = 0; i < 100000; i++) {
        qn_addr a = {.family = 4, .ip = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};

        ck_assert_uint_eq(taken(&a, 5, QN_SEC + i), 3);
    }
    qt_env_close(&t);
}
END_TEST

START_TEST(no_rate_is_no_limit)
{
    qn_addr a = address(4, 1);

    up(0, 1);
    ck_assert_uint_eq(taken(&a, 1000, QN_SEC), 1000);
    qt_env_close(&t);
}
END_TEST

static Suite *ration_suite(void)
{
    Suite *s = suite_create("ration");
    TCase *tc = tcase_create("ration");

    tcase_add_test(tc, a_burst_and_then_the_rate);
    tcase_add_test(tc, ports_and_hosts_of_a_64_share);
    tcase_add_test(tc, many_addresses_take_no_more_each);
    tcase_add_test(tc, no_rate_is_no_limit);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(ration_suite)
