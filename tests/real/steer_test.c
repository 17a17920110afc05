/* Which loop gets a conn: an address's home, unless that is crowded, full or shut. */
#include "io-real/loops.h"

#include "support/qt.h"

enum { LOOPS = 4, ROOM = 1000 };

static qn_loops loops;
static qn_world worlds[LOOPS];

static void setup(void)
{
    memset(&loops, 0, sizeof loops);
    memset(worlds, 0, sizeof worlds);
    loops.n = LOOPS;
    loops.seed = 7;
    for (unsigned i = 0; i < LOOPS; i++) {
        worlds[i] = (qn_world){.loops = &loops, .place = i, .conns_max = ROOM};
        loops.v[i].world = &worlds[i];
        loops.v[i].running = true;
    }
}

static qn_addr client(unsigned i)
{
    return (qn_addr){.family = 4, .ip = {198, (uint8_t)(i >> 8), (uint8_t)i, 9}, .port = 1};
}

static unsigned picked(const qn_addr *from)
{
    const qn_world *w = qn__loops_pick(&worlds[0], from);

    ck_assert_ptr_nonnull(w);
    return w->place;
}

START_TEST(addresses_spread_and_each_comes_back_to_its_loop)
{
    unsigned count[LOOPS] = {0};

    for (unsigned i = 0; i < 4000; i++) {
        qn_addr a = client(i), again = a;

        again.port = 2;
        count[picked(&a)]++;
        ck_assert_uint_eq(picked(&a), picked(&again));
    }
    for (unsigned i = 0; i < LOOPS; i++)
        ck_assert_uint_gt(count[i], 800);
}
END_TEST

START_TEST(a_prefix_that_quotas_count_has_one_home)
{
    qn_addr six = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5}}, four = client(3);
    unsigned home = picked(&six);

    for (unsigned i = 0; i < 200; i++) {
        six.ip[6 + i % 10] = (uint8_t)i;
        ck_assert_uint_eq(picked(&six), home);
    }
    home = picked(&four);
    for (unsigned i = 0; i < 256; i++) {
        four.ip[3] = (uint8_t)i;
        ck_assert_uint_eq(picked(&four), home);
    }
}
END_TEST

START_TEST(a_crowded_home_takes_nobody_more)
{
    qn_addr a = client(1);
    unsigned home = picked(&a);

    for (unsigned i = 0; i < LOOPS; i++)
        atomic_store(&loops.v[i].used, 100);
    atomic_store(&loops.v[home].used, 141);
    ck_assert_uint_eq(picked(&a), home);
    atomic_store(&loops.v[home].used, 142);
    ck_assert_uint_ne(picked(&a), home);
}
END_TEST

/* A tunnel's end or a test's: one address there is many people. */
START_TEST(this_machines_own_addresses_go_to_the_emptiest)
{
    qn_addr four = {.family = 4, .ip = {127, 0, 0, 1}}, six = {.family = 6, .ip = {[15] = 1}};

    for (unsigned i = 0; i < LOOPS; i++)
        atomic_store(&loops.v[i].used, 5 - i);
    ck_assert_uint_eq(picked(&four), LOOPS - 1);
    ck_assert_uint_eq(picked(&six), LOOPS - 1);
    loops.v[LOOPS - 1].given = 2; /* on their way */
    ck_assert_uint_eq(picked(&four), LOOPS - 2);
    atomic_store(&loops.v[LOOPS - 1].arrived, 2);
    ck_assert_uint_eq(picked(&four), LOOPS - 1);
}
END_TEST

START_TEST(who_lets_nobody_in_or_is_full_or_down_is_passed_over)
{
    qn_addr a = client(1);
    unsigned home = picked(&a), next;

    ck_assert(!qn__loops_shut(&worlds[0], home, true));
    next = picked(&a);
    ck_assert_uint_ne(next, home);
    ck_assert(!qn__loops_shut(&worlds[0], home, false));
    ck_assert_uint_eq(picked(&a), home);
    atomic_store(&loops.v[home].used, ROOM);
    ck_assert_uint_ne(picked(&a), home);
    atomic_store(&loops.v[home].used, 0);
    loops.v[home].running = false;
    ck_assert_uint_ne(picked(&a), home);
}
END_TEST

START_TEST(the_door_shuts_when_all_are_shut)
{
    qn_addr a = client(1);

    for (unsigned i = 0; i < LOOPS; i++)
        ck_assert_int_eq(qn__loops_shut(&worlds[0], i, true), i == LOOPS - 1);
    ck_assert_ptr_null(qn__loops_pick(&worlds[0], &a));
    ck_assert(qn__loops_full(&worlds[0]));
    ck_assert(!qn__loops_shut(&worlds[0], 2, false));
    ck_assert_uint_eq(picked(&a), 2);
}
END_TEST

static Suite *steer_suite(void)
{
    Suite *s = suite_create("real/steer");
    TCase *tc = tcase_create("steer");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, addresses_spread_and_each_comes_back_to_its_loop);
    tcase_add_test(tc, a_prefix_that_quotas_count_has_one_home);
    tcase_add_test(tc, a_crowded_home_takes_nobody_more);
    tcase_add_test(tc, this_machines_own_addresses_go_to_the_emptiest);
    tcase_add_test(tc, who_lets_nobody_in_or_is_full_or_down_is_passed_over);
    tcase_add_test(tc, the_door_shuts_when_all_are_shut);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(steer_suite)
