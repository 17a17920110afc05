/* Destinations that were reached lately. */
#include "support/qt.h"

#include <stdio.h>

#include "base/limits.h"
#include "node/known.h"

static qt_env t;
static knowns k;
static const uint8_t mine[16] = {1}, yours[16] = {2};

static void setup(void)
{
    qt_env_open(&t, 1);
    k = (knowns){0};
}

static void teardown(void)
{
    knowns_clear(&k, &t.env.mem);
    knowns_clear(&k, &t.env.mem);
    qt_env_close(&t);
}

static qn_dest host(unsigned i, uint16_t port)
{
    qn_dest d = {.type = 3, .port = port};

    d.name_len = (uint8_t)snprintf((char *)d.name, sizeof d.name, "host%u.example", i);
    return d;
}

static void add(unsigned i)
{
    qn_dest d = host(i, 443);

    knowns_add(&k, &t.env, mine, &d);
}

static bool have(unsigned i)
{
    qn_dest d = host(i, 443);

    return knowns_have(&k, &t.env, mine, &d);
}

START_TEST(host_port_and_user_must_all_be_the_same)
{
    qn_dest d = host(1, 443), other = host(1, 80);
    qn_dest address = {.type = 1, .port = 443, .ip = {192, 0, 2, 1}};

    ck_assert(!have(1));
    add(1);
    ck_assert(have(1));
    ck_assert(!have(2));
    ck_assert(!knowns_have(&k, &t.env, yours, &d));
    ck_assert(!knowns_have(&k, &t.env, mine, &other));
    ck_assert(!knowns_have(&k, &t.env, mine, &address));
}
END_TEST

START_TEST(ten_minutes_count_from_the_last_time)
{
    add(1);
    t.env.now += QN_KNOWN_LIFE - 1;
    ck_assert(have(1));
    add(1);
    ck_assert_uint_eq(k.n, 1);
    t.env.now += QN_KNOWN_LIFE - 1;
    ck_assert(have(1));
    t.env.now++;
    ck_assert(!have(1));
}
END_TEST

START_TEST(what_is_forgotten_takes_nothing_else_with_it)
{
    qn_dest d = host(1, 443);

    for (unsigned i = 0; i < 5; i++)
        add(i);
    knowns_forget(&k, yours, &d);
    ck_assert(have(1));
    knowns_forget(&k, mine, &d);
    knowns_forget(&k, mine, &d);
    for (unsigned i = 0; i < 5; i++)
        ck_assert(have(i) == (i != 1));
}
END_TEST

START_TEST(the_oldest_gives_way_at_the_bound)
{
    for (unsigned i = 0; i < QN_KNOWN_MAX; i++) {
        add(i);
        t.env.now++;
    }
    add(0); /* again: now 1 is the oldest */
    add(QN_KNOWN_MAX);
    ck_assert_uint_eq(k.n, QN_KNOWN_MAX);
    ck_assert(have(0) && !have(1) && have(2) && have(QN_KNOWN_MAX));
}
END_TEST

START_TEST(what_is_over_gives_way_before_the_table_grows)
{
    for (unsigned i = 0; i < 8; i++)
        add(i);
    t.env.now += QN_KNOWN_LIFE;
    for (unsigned i = 8; i < 16; i++)
        add(i);
    ck_assert_uint_eq(k.cap, 8);
    for (unsigned i = 8; i < 16; i++)
        ck_assert(have(i));
}
END_TEST

START_TEST(without_memory_the_oldest_gives_way)
{
    qt_alloc_fail_at(1);
    add(0);
    ck_assert(!have(0));
    for (unsigned i = 0; i < 8; i++) {
        add(i);
        t.env.now++;
    }
    qt_alloc_fail_at(1);
    add(8);
    ck_assert_uint_eq(k.n, 8);
    ck_assert(!have(0) && have(1) && have(8));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("known destinations");
    TCase *c = tcase_create("known");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, host_port_and_user_must_all_be_the_same);
    tcase_add_test(c, ten_minutes_count_from_the_last_time);
    tcase_add_test(c, what_is_forgotten_takes_nothing_else_with_it);
    tcase_add_test(c, the_oldest_gives_way_at_the_bound);
    tcase_add_test(c, what_is_over_gives_way_before_the_table_grows);
    tcase_add_test(c, without_memory_the_oldest_gives_way);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)
