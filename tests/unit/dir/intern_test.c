/* Snapshots that a process's nodes share: one verification, one copy, each node's own clock. */
#include "unit/dir/fixture.h"

#include <stdlib.h>

static qn_registry r;
static qn_mem world; /* the intern's own memory, as a world gives it */
static struct qn_intern *table;

static void *world_get(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void world_put(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

static void setup(void)
{
    fx_open(1, 1, false);
    fx_registry(&r, 3);
    world = (qn_mem){.get = world_get, .put = world_put, .limit = UINT64_MAX};
    table = qn_intern_new(&world);
    ck_assert_ptr_nonnull(table);
}

static void teardown(void)
{
    qn_intern_free(table);
    ck_assert_uint_eq(world.used, 0);
    qn_registry_clear(&r);
    fx_close();
}

static qn_intern_stats stats(void)
{
    qn_intern_stats s;

    qn_intern_stats_get(table, &s);
    return s;
}

/* The i-th list of a series: version wall + i. */
static qn_snapshot *open_nth(unsigned i)
{
    qn_blob b = fx_snapshot(&r, t.env.wall + i, t.env.wall + 3600, 1);
    qn_snapshot *s;

    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, table, qn_slice_of(b.p, b.n), 0), QN_OK);
    qn_blob_clear(&b, &t.env.mem);
    return s;
}

START_TEST(equal_bytes_are_verified_once_and_held_once)
{
    qn_snapshot *a = open_nth(0), *b = open_nth(0);

    ck_assert_ptr_eq(a, b);
    ck_assert_uint_eq(a->refs, 2);
    ck_assert_uint_eq(stats().opened, 1);
    ck_assert_uint_eq(stats().hits, 1);
    ck_assert_uint_eq(stats().verified, 1);
    ck_assert_uint_eq(stats().saved, 1);
    qn_snapshot_drop(a);
    qn_snapshot_drop(b);
    ck_assert_ptr_eq(open_nth(0), a); /* and stays when nobody holds it */
    qn_snapshot_drop(a);
    ck_assert_uint_eq(stats().held, 1);
}
END_TEST

START_TEST(the_memory_is_the_worlds_not_the_nodes)
{
    uint64_t node = t.env.mem.used, before = world.used;
    qn_snapshot *s = open_nth(0);

    ck_assert_uint_eq(t.env.mem.used, node);
    ck_assert_uint_gt(world.used, before + s->bytes.n);
    qn_snapshot_drop(s);
}
END_TEST

START_TEST(a_hit_is_judged_by_the_nodes_own_clock_and_version)
{
    qn_blob b = fx_snapshot(&r, t.env.wall, t.env.wall + 3600, 1);
    qn_slice in = qn_slice_of(b.p, b.n);
    qn_snapshot *s, *none = NULL;

    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, table, in, 0), QN_OK);
    qt_assert_err(qn_snapshot_open(&none, &t.env, &net, table, in, s->version), QN_STALE);
    t.env.wall += 3600;
    qt_assert_err(qn_snapshot_open(&none, &t.env, &net, table, in, 0), QN_EXPIRED);
    t.env.wall -= 3600 + QN_CLOCK_SKEW_S + 1;
    qt_assert_err(qn_snapshot_open(&none, &t.env, &net, table, in, 0), QN_EARLY);
    ck_assert_ptr_null(none);
    ck_assert_uint_eq(s->refs, 1);
    ck_assert_uint_eq(stats().verified, 1);
    qn_snapshot_drop(s);
    qn_blob_clear(&b, &t.env.mem);
}
END_TEST

START_TEST(other_networks_do_not_share)
{
    qn_blob b = fx_snapshot(&r, t.env.wall, t.env.wall + 3600, 1);
    qn_network other = net;
    qn_snapshot *s, *none = NULL;

    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, table, qn_slice_of(b.p, b.n), 0), QN_OK);
    other.id[0] ^= 1;
    qt_assert_err(qn_snapshot_open(&none, &t.env, &other, table, qn_slice_of(b.p, b.n), 0),
                  QN_NETWORK);
    qn_snapshot_drop(s);
    qn_blob_clear(&b, &t.env.mem);
}
END_TEST

START_TEST(a_forgery_never_enters_the_table)
{
    qn_blob b = fx_snapshot(&r, t.env.wall, t.env.wall + 3600, 1);
    qn_snapshot *none = NULL;

    b.p[b.n - 1] ^= 1;
    for (unsigned i = 0; i < 2; i++)
        qt_assert_err(qn_snapshot_open(&none, &t.env, &net, table, qn_slice_of(b.p, b.n), 0),
                      QN_AUTH);
    ck_assert_uint_eq(stats().held, 0);
    ck_assert_uint_eq(stats().hits, 0);
    qn_blob_clear(&b, &t.env.mem);
}
END_TEST

START_TEST(makes_room_by_the_oldest_that_nobody_holds)
{
    qn_snapshot *first = open_nth(0), *second = open_nth(1);

    qn_snapshot_drop(second);
    for (unsigned i = 2; i < QN_INTERN_MAX + 1; i++)
        qn_snapshot_drop(open_nth(i));
    ck_assert_uint_eq(stats().held, QN_INTERN_MAX);
    ck_assert_uint_eq(stats().opened, QN_INTERN_MAX + 1);
    qn_snapshot_drop(open_nth(0)); /* held by us: still there */
    qn_snapshot_drop(open_nth(2)); /* younger than the second: still there */
    ck_assert_uint_eq(stats().hits, 2);
    qn_snapshot_drop(open_nth(1)); /* the second had to go */
    ck_assert_uint_eq(stats().hits, 2);
    ck_assert_uint_eq(stats().held, QN_INTERN_MAX);
    qn_snapshot_drop(first);
}
END_TEST

START_TEST(with_every_one_in_use_a_newcomer_is_its_nodes_alone)
{
    qn_snapshot *v[QN_INTERN_MAX + 1];
    uint64_t full;

    for (unsigned i = 0; i < QN_INTERN_MAX; i++)
        v[i] = open_nth(i);
    full = world.used;
    v[QN_INTERN_MAX] = open_nth(QN_INTERN_MAX);
    ck_assert_uint_eq(stats().held, QN_INTERN_MAX);
    ck_assert_uint_gt(world.used, full);
    qn_snapshot_drop(v[QN_INTERN_MAX]);
    ck_assert_uint_eq(world.used, full);
    for (unsigned i = 0; i < QN_INTERN_MAX; i++)
        qn_snapshot_drop(v[i]);
}
END_TEST

START_TEST(short_memory_evicts_before_it_refuses)
{
    qn_snapshot *s = open_nth(0);
    qn_blob b = fx_snapshot(&r, t.env.wall + 1, t.env.wall + 3600, 1);

    world.limit = world.used;
    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, table, qn_slice_of(b.p, b.n), 0), QN_NOMEM);
    qn_snapshot_drop(s);
    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, table, qn_slice_of(b.p, b.n), 0), QN_OK);
    ck_assert_uint_eq(stats().held, 1);
    qn_snapshot_drop(s);
    qn_blob_clear(&b, &t.env.mem);
}
END_TEST

static qn_shared shared_of(uint8_t key)
{
    return (qn_shared){.key = {{key}}};
}

START_TEST(other_things_stay_while_somebody_holds_them)
{
    qn_shared a = shared_of(1), b = shared_of(2);

    ck_assert_ptr_null(qn_shared_find(table, &a.key));
    qn_shared_add(table, &a);
    qn_shared_add(table, &b);
    ck_assert_ptr_eq(qn_shared_find(table, &a.key), &a);
    ck_assert_ptr_eq(qn_shared_find(table, &b.key), &b);
    ck_assert_uint_eq(stats().shared, 2);
    ck_assert(!qn_shared_drop(&a));
    ck_assert(qn_shared_drop(&a));
    ck_assert_ptr_null(qn_shared_find(table, &a.key));
    ck_assert(!qn_shared_drop(&b));
    ck_assert(qn_shared_drop(&b));
    ck_assert_uint_eq(stats().shared, 0);
}
END_TEST

START_TEST(other_things_are_bounded_and_need_no_table)
{
    qn_shared v[QN_INTERN_SHARED_MAX + 1], alone = shared_of(99);

    for (uint8_t i = 0; i < QN_LEN(v); i++) {
        v[i] = shared_of(i);
        qn_shared_add(table, &v[i]);
    }
    ck_assert_uint_eq(stats().shared, QN_INTERN_SHARED_MAX);
    ck_assert_ptr_null(qn_shared_find(table, &v[QN_INTERN_SHARED_MAX].key));
    for (unsigned i = 0; i < QN_LEN(v); i++)
        ck_assert(qn_shared_drop(&v[i]));
    qn_shared_add(NULL, &alone);
    ck_assert_ptr_null(qn_shared_find(NULL, &alone.key));
    ck_assert(qn_shared_drop(&alone));
}
END_TEST

START_TEST(no_table_without_memory)
{
    qn_mem none = {.get = world_get, .put = world_put, .limit = 1};

    ck_assert_ptr_null(qn_intern_new(&none));
    qn_intern_free(NULL);
}
END_TEST

static Suite *intern_suite(void)
{
    Suite *s = suite_create("dir/intern");
    TCase *tc = tcase_create("intern");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, equal_bytes_are_verified_once_and_held_once);
    tcase_add_test(tc, the_memory_is_the_worlds_not_the_nodes);
    tcase_add_test(tc, a_hit_is_judged_by_the_nodes_own_clock_and_version);
    tcase_add_test(tc, other_networks_do_not_share);
    tcase_add_test(tc, a_forgery_never_enters_the_table);
    tcase_add_test(tc, makes_room_by_the_oldest_that_nobody_holds);
    tcase_add_test(tc, with_every_one_in_use_a_newcomer_is_its_nodes_alone);
    tcase_add_test(tc, short_memory_evicts_before_it_refuses);
    tcase_add_test(tc, other_things_stay_while_somebody_holds_them);
    tcase_add_test(tc, other_things_are_bounded_and_need_no_table);
    tcase_add_test(tc, no_table_without_memory);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(intern_suite)
