/* Guards: kept for months, tried in order, not multiplied by an outage, the same after a restart.
 */
#include "list.h"

#define DAY INT64_C(86400)

static list l;
static qn_guards g;

static void setup(void)
{
    list_open(&l, 1);
    list_add_many(&l, 40, 10);
    qn_guards_init(&g, QN_CANDIDATE_RELAY);
    l.wish.guards = &g;
}

static void teardown(void)
{
    qt_env_close(&l.t);
}

static uint32_t entry(void)
{
    qt_assert_err(list_choose(&l), QN_OK);
    return l.path.hop[0].at;
}

START_TEST(one_entry_serves_every_path)
{
    uint32_t first = entry();

    ck_assert_int_eq(l.path.hop[0].reason, QN_HOP_NEW_GUARD);
    for (unsigned round = 0; round < 300; round++) {
        ck_assert_uint_eq(entry(), first);
        ck_assert_int_eq(l.path.hop[0].reason, QN_HOP_GUARD);
    }
    ck_assert_uint_eq(g.n, 1);
}
END_TEST

/* Twenty-five of fifty have the mean weight or more: only they become guards. */
START_TEST(new_guards_are_among_those_with_the_mean_weight)
{
    for (size_t i = 0; i < l.n; i += 2)
        l.v[i].weight = 1;
    for (unsigned round = 0; round < 200; round++) {
        qn_guards_init(&g, QN_CANDIDATE_RELAY);
        ck_assert_uint_eq(l.v[entry()].weight, 10);
        ck_assert_uint_eq(l.path.hop[0].fitting, 25);
    }
}
END_TEST

/* Nineteen do not leave enough choice: one who meets a giant is not sent to it alone. */
START_TEST(few_large_ones_do_not_become_everybodys_guard)
{
    unsigned light = 0;

    for (size_t i = 0; i < 19; i++)
        l.v[i].weight = 20;
    for (unsigned round = 0; round < 200; round++) {
        qn_guards_init(&g, QN_CANDIDATE_RELAY);
        light += l.v[entry()].weight == 10;
    }
    ck_assert_uint_gt(light, 0);
}
END_TEST

static void fail_twice(uint32_t at)
{
    qn_guards_failed(&g, &l.t.env, &l.v[at].id);
    qn_guards_failed(&g, &l.t.env, &l.v[at].id);
}

START_TEST(a_guard_that_fails_twice_is_replaced_and_comes_back)
{
    uint32_t first = entry(), second;

    qn_guards_worked(&g, &l.v[first].id);
    qn_guards_failed(&g, &l.t.env, &l.v[first].id);
    ck_assert_uint_eq(entry(), first);
    qn_guards_failed(&g, &l.t.env, &l.v[first].id);
    second = entry();
    ck_assert_uint_ne(second, first);
    qn_guards_worked(&g, &l.v[second].id);
    qt_env_step(&l.t, 11 * QN_SEC);
    ck_assert_uint_eq(entry(), first);
    ck_assert_uint_eq(g.n, 2);
}
END_TEST

START_TEST(those_that_worked_come_before_those_that_never_did)
{
    uint32_t first = entry(), second;

    fail_twice(first);
    second = entry();
    qn_guards_worked(&g, &l.v[second].id);
    qt_env_step(&l.t, 3600 * QN_SEC);
    ck_assert_uint_eq(entry(), second);
}
END_TEST

START_TEST(patience_grows_and_ends)
{
    static const uint32_t wait_s[] = {0, 10, 60, 600, 3600, 6 * 3600, 6 * 3600};
    uint32_t first = entry();

    for (unsigned i = 0; i < QN_LEN(wait_s); i++) {
        qn_guards_failed(&g, &l.t.env, &l.v[first].id);
        ck_assert_uint_eq(g.v[0].retry, l.t.env.now + wait_s[i] * QN_SEC);
        if (wait_s[i] > 0)
            qn_guards_failed(&g, &l.t.env, &l.v[first].id); /* too soon to count */
        qt_env_step(&l.t, wait_s[i] * QN_SEC);
    }
}
END_TEST

START_TEST(an_outage_of_our_own_does_not_multiply_guards)
{
    for (unsigned round = 0; round < 90; round++) {
        uint32_t at = entry();

        qn_guards_failed(&g, &l.t.env, &l.v[at].id);
        qt_env_step(&l.t, QN_SEC / 10);
    }
    ck_assert_uint_eq(g.n, 4);
}
END_TEST

START_TEST(a_guard_at_odds_with_the_last_exit_is_not_given_up)
{
    static const char country[5][3] = {"IS", "CH", "SE", "NL", "RO"};
    uint32_t first;

    for (size_t i = 0; i < l.n; i++)
        memcpy(l.v[i].country, country[i % 5], 3);
    first = entry();
    for (unsigned round = 0; round < 100; round++) {
        ck_assert_uint_eq(entry(), first);
        ck_assert_uint_ne(l.path.hop[2].at % 5, first % 5);
    }
}
END_TEST

START_TEST(a_guard_that_is_the_only_exit_lets_the_exit_go_first)
{
    l.n = 0;
    list_add_many(&l, 3, 1);
    qn_guards_keep(&g, &l.t.env, &l.v[3].id);
    ck_assert_uint_ne(entry(), 3);
    ck_assert_uint_eq(l.path.hop[2].at, 3);
}
END_TEST

START_TEST(a_path_that_is_not_found_keeps_no_guard)
{
    l.n = 1;
    qt_assert_err(list_choose(&l), QN_NOPATH);
    ck_assert_uint_eq(g.n, 0);
}
END_TEST

START_TEST(a_guard_goes_when_its_time_is_over_and_not_before)
{
    (void)entry();
    ck_assert_int_ge(g.v[0].until - l.t.env.wall, 270 * DAY);
    ck_assert_int_lt(g.v[0].until - l.t.env.wall, 450 * DAY);
    ck_assert_int_gt(g.v[0].since, l.t.env.wall - 10 * DAY);
    l.t.env.wall = g.v[0].until - 1;
    qn_guards_review(&g, &l.t.env, l.v, l.n);
    ck_assert_uint_eq(g.n, 1);
    l.t.env.wall++;
    qn_guards_review(&g, &l.t.env, l.v, l.n);
    ck_assert_uint_eq(g.n, 0);
}
END_TEST

START_TEST(a_guard_that_lists_forget_is_waited_for_twenty_days)
{
    uint32_t first = entry();
    qn_candidate was = l.v[first];

    memset(l.v[first].id.b, 0xaa, sizeof l.v[first].id.b);
    qn_guards_review(&g, &l.t.env, l.v, l.n);
    ck_assert_uint_ne(entry(), first);
    l.t.env.wall += 19 * DAY;
    qn_guards_review(&g, &l.t.env, l.v, l.n);
    l.v[first] = was;
    qn_guards_review(&g, &l.t.env, l.v, l.n);
    ck_assert_uint_eq(entry(), first);
    memset(l.v[first].id.b, 0xaa, sizeof l.v[first].id.b);
    qn_guards_review(&g, &l.t.env, l.v, l.n);
    l.t.env.wall += 20 * DAY;
    qn_guards_review(&g, &l.t.env, l.v, l.n);
    ck_assert(!qn_guards_has(&g, &was.id));
}
END_TEST

START_TEST(what_was_written_is_read_again)
{
    uint8_t out[QN_GUARDS_BYTES];
    qn_guards again;
    size_t n;

    qn_guards_worked(&g, &l.v[entry()].id);
    for (unsigned i = 0; g.n < QN_GUARDS_MAX; i++)
        if (!qn_guards_has(&g, &l.v[i].id))
            qn_guards_keep(&g, &l.t.env, &l.v[i].id);
    n = qn_guards_write(&g, out);
    qt_assert_err(qn_guards_read(&again, QN_CANDIDATE_RELAY, (qn_slice){out, n}), QN_OK);
    ck_assert_uint_eq(again.n, g.n);
    for (unsigned i = 0; i < g.n; i++) {
        ck_assert_mem_eq(again.v[i].id.b, g.v[i].id.b, sizeof g.v[i].id.b);
        ck_assert_int_eq(again.v[i].since, g.v[i].since);
        ck_assert_int_eq(again.v[i].until, g.v[i].until);
        ck_assert_int_eq(again.v[i].confirmed, g.v[i].confirmed);
    }
}
END_TEST

START_TEST(a_damaged_file_is_refused_and_changes_nothing)
{
    uint8_t out[QN_GUARDS_BYTES];
    size_t n;

    (void)entry();
    n = qn_guards_write(&g, out);
    for (size_t cut = 0; cut < n; cut++)
        ck_assert_int_ne(qn_guards_read(&g, QN_CANDIDATE_RELAY, (qn_slice){out, cut}), QN_OK);
    qt_assert_err(qn_guards_read(&g, QN_CANDIDATE_EXIT, (qn_slice){out, n}), QN_PROTO);
    out[1] = 2;
    qt_assert_err(qn_guards_read(&g, QN_CANDIDATE_RELAY, (qn_slice){out, n}), QN_VERSION);
    ck_assert_uint_eq(g.n, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("guard");
    TCase *tc = tcase_create("guard");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, one_entry_serves_every_path);
    tcase_add_test(tc, new_guards_are_among_those_with_the_mean_weight);
    tcase_add_test(tc, few_large_ones_do_not_become_everybodys_guard);
    tcase_add_test(tc, a_guard_that_fails_twice_is_replaced_and_comes_back);
    tcase_add_test(tc, those_that_worked_come_before_those_that_never_did);
    tcase_add_test(tc, patience_grows_and_ends);
    tcase_add_test(tc, an_outage_of_our_own_does_not_multiply_guards);
    tcase_add_test(tc, a_guard_at_odds_with_the_last_exit_is_not_given_up);
    tcase_add_test(tc, a_guard_that_is_the_only_exit_lets_the_exit_go_first);
    tcase_add_test(tc, a_path_that_is_not_found_keeps_no_guard);
    tcase_add_test(tc, a_guard_goes_when_its_time_is_over_and_not_before);
    tcase_add_test(tc, a_guard_that_lists_forget_is_waited_for_twenty_days);
    tcase_add_test(tc, what_was_written_is_read_again);
    tcase_add_test(tc, a_damaged_file_is_refused_and_changes_nothing);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
