/* Reads that wait for the rest of their record: nothing is lost, nothing is held in the scratch. */
#include "support/qt.h"

#include "base/engine.h"
#include "base/inbox.h"

static qt_env t;
static qn_inbox in;

static void setup(void)
{
    qt_env_open(&t, 1);
    in = (qn_inbox){0};
}

static void teardown(void)
{
    qn_inbox_drop(&in);
    qt_env_close(&t);
}

static void hear(qn_slice s)
{
    qn_span space = qn_inbox_space(&in, &t.env);

    ck_assert_uint_ge(space.n, QN_SCRATCH);
    memcpy(space.p, s.p, s.n);
    qn_inbox_commit(&in, &t.env, s.n);
}

START_TEST(what_is_left_comes_in_front_of_what_follows)
{
    hear(qn_slice_of("abcdef", 6));
    qn_inbox_take(&in, 2);
    qt_assert_err(qn_inbox_stow(&in, &t.env), QN_OK);
    memset(t.env.engine->scratch, 0xee, 64); /* it is everybody's */
    hear(qn_slice_of("gh", 2));
    qt_assert_bytes(in.p, in.n, qn_slice_of("cdefgh", 6));
    qn_inbox_take(&in, 6);
    qt_assert_err(qn_inbox_stow(&in, &t.env), QN_OK);
    ck_assert_ptr_null(in.left.block);
}
END_TEST

START_TEST(stowing_nothing_keeps_what_was_stowed)
{
    hear(qn_slice_of("abc", 3));
    qt_assert_err(qn_inbox_stow(&in, &t.env), QN_OK);
    qt_assert_err(qn_inbox_stow(&in, &t.env), QN_OK);
    ck_assert_uint_eq(in.left.len, 3);
    qn_inbox_drop(&in);
    ck_assert_ptr_null(in.left.block);
    qn_inbox_drop(&in);
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
    hear(qn_slice_of("abc", 3));
    qt_alloc_fail_at(1);
    qt_assert_err(qn_inbox_stow(&in, &t.env), QN_NOMEM);
    qt_alloc_fail_at(0);
    qt_assert_bytes(in.p, in.n, qn_slice_of("abc", 3));
    qt_assert_err(qn_inbox_stow(&in, &t.env), QN_OK);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("inbox");
    TCase *tc = tcase_create("inbox");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_left_comes_in_front_of_what_follows);
    tcase_add_test(tc, stowing_nothing_keeps_what_was_stowed);
    tcase_add_test(tc, without_memory_nothing_changes);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
