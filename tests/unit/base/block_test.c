/* Blocks are charged while held and returned at once; a failed request changes nothing. */
#include "support/qt.h"

#include "base/engine.h"

static qt_env t;

static void setup(void)
{
    qt_env_open(&t, 6);
}

static void teardown(void)
{
    qt_env_close(&t);
}

START_TEST(two_classes_and_each_is_charged_whole)
{
    static const struct {
        size_t need, cap;
    } rows[] = {{0, QN_BLOCK_SMALL},
                {1, QN_BLOCK_SMALL},
                {QN_BLOCK_SMALL, QN_BLOCK_SMALL},
                {QN_BLOCK_SMALL + 1, QN_BLOCK_LARGE},
                {QN_BLOCK_LARGE, QN_BLOCK_LARGE}};
    qn_block *b = qn_block_get(&t.env, rows[_i].need);

    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq(b->cap, rows[_i].cap);
    ck_assert_uint_eq(t.env.mem.used, sizeof *b + b->cap);
    memset(b->data, 0xff, b->cap); /* all of it is there */
    qn_block_drop(b);
    ck_assert_uint_eq(t.env.mem.used, 0);
}
END_TEST

START_TEST(the_last_reference_gives_it_back)
{
    qn_block *b = qn_block_get(&t.env, 1);

    ck_assert_ptr_eq(qn_block_ref(b), b);
    qn_block_drop(b);
    ck_assert_uint_gt(t.env.mem.used, 0);
    qn_block_drop(b);
    ck_assert_uint_eq(t.env.mem.used, 0);
    qn_block_drop(NULL);
}
END_TEST

START_TEST(the_cap_counts_blocks)
{
    qn_block *b;

    t.env.mem.limit = sizeof *b + QN_BLOCK_LARGE;
    b = qn_block_get(&t.env, QN_BLOCK_LARGE);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_null(qn_block_get(&t.env, 1));
    qn_block_drop(b);
    b = qn_block_get(&t.env, 1);
    ck_assert_ptr_nonnull(b);
    qn_block_drop(b);
}
END_TEST

START_TEST(a_failed_request_charges_nothing)
{
    qt_alloc_fail_at(1);
    ck_assert_ptr_null(qn_block_get(&t.env, 1));
    ck_assert_uint_eq(t.env.mem.used, 0);
}
END_TEST

START_TEST(the_pool_keeps_a_few_warm_and_no_more)
{
    qn_pool *pool = &t.env.engine->pool;
    qn_block *b[QN_POOL_KEEP + 3];

    pool->keep = QN_POOL_KEEP;
    for (size_t i = 0; i < QN_LEN(b); i++)
        b[i] = qn_block_get(&t.env, QN_BLOCK_LARGE);
    for (size_t i = 0; i < QN_LEN(b); i++)
        qn_block_drop(b[i]);
    ck_assert_uint_eq(pool->n_large, QN_POOL_KEEP);
    ck_assert_uint_eq(pool->n_small, 0);
    ck_assert_uint_eq(t.env.mem.used, 0); /* warm blocks are the thread's, no node is charged */
    qt_alloc_fail_at(1);
    b[0] = qn_block_get(&t.env, QN_BLOCK_LARGE); /* from the pool: asks nobody */
    ck_assert_ptr_nonnull(b[0]);
    ck_assert_uint_eq(qt_alloc_requests(), 0);
    ck_assert_uint_eq(b[0]->refs, 1);
    qn_block_drop(b[0]);
}
END_TEST

START_TEST(a_warm_block_is_charged_to_whoever_takes_it)
{
    qt_env other;
    qn_block *b;

    qt_env_open(&other, 7);
    t.env.engine->pool.keep = QN_POOL_KEEP;
    qn_block_drop(qn_block_get(&t.env, 1));
    qn_engine_free(other.env.engine);
    other.env.engine = t.env.engine; /* two nodes of one thread */
    b = qn_block_get(&other.env, 1);
    ck_assert_uint_eq(t.env.mem.used, 0);
    ck_assert_uint_gt(other.env.mem.used, 0);
    qn_block_drop(b);
    other.env.engine = NULL;
    qt_env_close(&other);
}
END_TEST

static Suite *block_suite(void)
{
    Suite *s = suite_create("base/block");
    TCase *tc = tcase_create("block");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, two_classes_and_each_is_charged_whole, 0, 5);
    tcase_add_test(tc, the_last_reference_gives_it_back);
    tcase_add_test(tc, the_cap_counts_blocks);
    tcase_add_test(tc, a_failed_request_charges_nothing);
    tcase_add_test(tc, the_pool_keeps_a_few_warm_and_no_more);
    tcase_add_test(tc, a_warm_block_is_charged_to_whoever_takes_it);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(block_suite)
