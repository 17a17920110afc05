/* Programs run beside the loop: what they print, and that they cannot keep it. */
#include "io-real/errand.h"

#include "support/qt.h"

#include <string.h>
#include <sys/wait.h>

typedef struct seen {
    int times, status;
    size_t n;
    char text[64];
} seen;

static void note(void *ctx, int status, const char *output, size_t n)
{
    seen *s = ctx;

    s->times++;
    s->status = status;
    s->n = n;
    (void)snprintf(s->text, sizeof s->text, "%.60s", output);
}

static seen run(const char *script)
{
    struct event_base *base = event_base_new();
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    seen s = {0};

    ck_assert_ptr_nonnull(qn_errand_start(base, argv, note, &s));
    (void)event_base_dispatch(base);
    event_base_free(base);
    ck_assert_int_eq(s.times, 1);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
    return s;
}

START_TEST(what_it_prints_and_how_it_ends_is_told)
{
    seen s = run("printf one; printf two; exit 3");

    ck_assert_int_eq(s.status, 3);
    ck_assert_str_eq(s.text, "onetwo");
    s = run("kill -9 $$");
    ck_assert_int_eq(s.status, -1);
}
END_TEST

START_TEST(one_that_prints_without_end_is_killed)
{
    seen s = run("exec yes");

    ck_assert_int_eq(s.status, -1);
    ck_assert_uint_eq(s.n, QN_ERRAND_OUTPUT);
}
END_TEST

START_TEST(it_hears_nothing_and_its_errors_are_not_ours)
{
    seen s = run("cat; echo x >&2; printf end");

    ck_assert_int_eq(s.status, 0);
    ck_assert_str_eq(s.text, "end");
}
END_TEST

START_TEST(what_cannot_be_started_is_said_at_once)
{
    struct event_base *base = event_base_new();
    const char *const argv[] = {"/nowhere/program", NULL};
    seen s = {0};

    ck_assert_ptr_null(qn_errand_start(base, argv, note, &s));
    event_base_free(base);
}
END_TEST

START_TEST(a_kill_leaves_nothing)
{
    struct event_base *base = event_base_new();
    const char *const argv[] = {"/bin/sleep", "1000", NULL};
    seen s = {0};

    qn_errand_kill(qn_errand_start(base, argv, note, &s));
    (void)event_base_dispatch(base);
    event_base_free(base);
    ck_assert_int_eq(s.times, 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    qn_errand_kill(NULL);
}
END_TEST

static Suite *errand_suite(void)
{
    Suite *suite = suite_create("errand");
    TCase *t = tcase_create("errand");

    tcase_add_test(t, what_it_prints_and_how_it_ends_is_told);
    tcase_add_test(t, one_that_prints_without_end_is_killed);
    tcase_add_test(t, it_hears_nothing_and_its_errors_are_not_ours);
    tcase_add_test(t, what_cannot_be_started_is_said_at_once);
    tcase_add_test(t, a_kill_leaves_nothing);
    suite_add_tcase(suite, t);
    return suite;
}

QT_MAIN(errand_suite)
