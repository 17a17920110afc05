/* What other nodes tell us of nodes: how much of it is kept, and what of it gives way. */
#include "unit/dir/fixture.h"

#include "dir/heard.h"

static qn_heard h;
static qn_peerid teller = {{1}}, other_teller = {{2}};

static void setup(void)
{
    fx_open(1, 1, false);
    qn_heard_init(&h, &t.env);
}

static void teardown(void)
{
    qn_heard_clear(&h);
    fx_close();
}

/* Node i, at an address of a prefix of its own unless prefix is given. */
static qn_slice node(uint16_t i, uint64_t sequence, uint16_t prefix)
{
    qn_descriptor d = fx_relay(i);

    d.sequence = sequence;
    d.addrs[0] = fx_addr("11.0.0.1:443");
    qn_put16(d.addrs[0].ip + 1, prefix);
    d.addrs[0].ip[3] = (uint8_t)i;
    return fx_signed(&d, i);
}

static qn_err add(qn_slice bytes, const qn_peerid *from, bool listed)
{
    qn_descriptor d;

    qt_assert_err(qn_descriptor_open(&d, &t.env, &net, bytes), QN_OK);
    return qn_heard_add(&h, &d, bytes, from, listed);
}

static qn_heard_entry *entry(uint16_t i)
{
    qn_descriptor d;

    qt_assert_err(qn_descriptor_open(&d, &t.env, &net, node(i, 1, i)), QN_OK);
    return qn_heard_find(&h, &d.id);
}

START_TEST(keeps_the_newest_descriptor_of_each_node)
{
    qt_assert_err(add(node(1, 5, 1), &teller, false), QN_OK);
    qt_assert_err(add(node(1, 5, 1), &other_teller, false), QN_OK);
    qt_assert_err(add(node(1, 4, 1), &teller, false), QN_STALE);
    qt_assert_err(add(node(1, 5, 2), &teller, false), QN_REFUSED); /* signed twice */
    qt_assert_err(add(node(1, 6, 2), &teller, false), QN_OK);
    ck_assert_uint_eq(h.n, 1);
    ck_assert_uint_eq(entry(1)->d.sequence, 6);
    qt_assert_bytes(entry(1)->bytes.p, entry(1)->bytes.n, node(1, 6, 2));
}
END_TEST

START_TEST(takes_none_that_is_over)
{
    qn_slice d = node(1, 5, 1);

    t.env.wall += 15 * 86400;
    qt_assert_err(add(d, &teller, false), QN_EXPIRED);
    ck_assert_uint_eq(h.n, 0);
}
END_TEST

START_TEST(one_prefix_has_a_quota_unless_the_list_names_them)
{
    for (uint16_t i = 1; i <= QN_QUOTA_PREFIX; i++)
        qt_assert_err(add(node(i, 1, 7), &teller, false), QN_OK);
    qt_assert_err(add(node(50, 1, 7), &other_teller, false), QN_QUOTA);
    qt_assert_err(add(node(51, 1, 7), &other_teller, true), QN_OK);
    qt_assert_err(add(node(52, 1, 8), &other_teller, false), QN_OK);
}
END_TEST

START_TEST(one_teller_has_a_quota_until_what_he_tells_is_reached)
{
    for (uint16_t i = 1; i <= QN_HEARD_PER_TELLER; i++)
        qt_assert_err(add(node(i, 1, i), &teller, false), QN_OK);
    qt_assert_err(add(node(100, 1, 100), &teller, false), QN_QUOTA);
    qt_assert_err(add(node(100, 1, 100), &other_teller, false), QN_OK);
    h.v[3]->reached = t.env.now;
    qt_assert_err(add(node(101, 1, 101), &teller, false), QN_OK);
}
END_TEST

START_TEST(reached_holds_for_the_same_place_and_an_hour)
{
    qt_assert_err(add(node(1, 5, 1), &teller, false), QN_OK);
    ck_assert(!qn_heard_reached(&h, entry(1)));
    entry(1)->reached = t.env.now;
    qt_assert_err(add(node(1, 6, 1), &teller, false), QN_OK);
    ck_assert(qn_heard_reached(&h, entry(1)));
    qt_env_step(&t, QN_HEARD_LIFE);
    ck_assert(!qn_heard_reached(&h, entry(1)));
    entry(1)->reached = t.env.now;
    qt_assert_err(add(node(1, 7, 2), &teller, false), QN_OK);
    ck_assert(!qn_heard_reached(&h, entry(1)));
}
END_TEST

/* A crowd of made-up nodes pushes out its own kind, never who was reached or is listed. */
START_TEST(a_full_table_keeps_who_was_reached_and_who_is_listed)
{
    qn_peerid from = {{3}};

    for (uint16_t i = 1; i <= QN_HEARD_MAX + 20; i++) {
        qn_put16(from.b, i);
        qt_assert_err(add(node(i, 1, i), &from, i == 2), QN_OK);
        if (i == 1)
            entry(1)->reached = t.env.now;
    }
    ck_assert_uint_eq(h.n, QN_HEARD_MAX);
    ck_assert_ptr_nonnull(entry(1));
    ck_assert_ptr_nonnull(entry(2));
    ck_assert_ptr_null(entry(3));
    for (uint32_t i = 0; i < h.n; i++)
        h.v[i]->reached = t.env.now;
    qt_assert_err(add(node(3000, 1, 3000), &from, false), QN_BUSY);
}
END_TEST

START_TEST(short_memory_changes_nothing)
{
    for (uint64_t nth = 1; nth <= 3; nth++) {
        qn_slice bytes = node(1, 1, 1);
        qn_descriptor d;

        qt_assert_err(qn_descriptor_open(&d, &t.env, &net, bytes), QN_OK);
        qt_alloc_fail_at(nth);
        qt_assert_err(qn_heard_add(&h, &d, bytes, &teller, false), QN_NOMEM);
        qt_alloc_fail_at(0);
        ck_assert_uint_eq(h.n, 0);
        qn_heard_clear(&h);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("heard");
    TCase *c = tcase_create("all");

    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, keeps_the_newest_descriptor_of_each_node);
    tcase_add_test(c, takes_none_that_is_over);
    tcase_add_test(c, one_prefix_has_a_quota_unless_the_list_names_them);
    tcase_add_test(c, one_teller_has_a_quota_until_what_he_tells_is_reached);
    tcase_add_test(c, reached_holds_for_the_same_place_and_an_hour);
    tcase_add_test(c, a_full_table_keeps_who_was_reached_and_who_is_listed);
    tcase_add_test(c, short_memory_changes_nothing);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)
