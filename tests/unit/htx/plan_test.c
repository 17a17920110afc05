/* The rehearsal: what it promises a browser can keep, and pages that give no such promise. */
#include "../tls/fixture.h"

#include "htx/plan.h"
#include "htx/tag.h"

static qt_env t;
static qn_tls_profile tls;
static qn_h2_profile h2;
static qn_htx_page first, second[2];
static qn_htx_target target;
static char path[300];

static void setup(void)
{
    qt_env_open(&t, 15);
    memset(path, '|', sizeof path);
    path[0] = '/';
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void load(int i)
{
    tls = tls_profile(&t, tls_profiles[i]);
    qt_assert_err(qn_h2_profile_read(&h2, tls.http2), QN_OK);
    first = (qn_htx_page){qn_slice_of("/", 1), 1000};
    second[0] = (qn_htx_page){qn_slice_of("/news/latest.json", 17), 2000};
    target = (qn_htx_target){.tls = &tls,
                             .h2 = &h2,
                             .name = qn_slice_of(DECOY, strlen(DECOY)),
                             .first = &first,
                             .second = second,
                             .first_n = 1,
                             .second_n = 1};
}

START_TEST(a_plan_says_what_is_asked_for)
{
    qn_htx_plan plan;

    load(_i);
    qt_assert_err(qn_htx_plan_make(&plan, &t.env, &target, false), QN_OK);
    ck_assert_uint_eq(plan.requests, _i == 0 ? 3 : 4);
    qt_assert_bytes(plan.path[0], plan.path_n[0], first.path);
    qt_assert_bytes(plan.path[1], plan.path_n[1], second[0].path);
    ck_assert_uint_eq(plan.largest[0], 1000);
    ck_assert_uint_eq(plan.largest[1], 2000);
}
END_TEST

/* Firefox's requests for paths of '|' (15 bits each) grow past its first request's length. */
static qn_err plan_of(qn_htx_plan *plan, size_t n)
{
    second[0].path = qn_slice_of(path, n);
    return qn_htx_plan_make(plan, &t.env, &target, false);
}

START_TEST(no_plan_confuses_the_second_request_with_another_record)
{
    unsigned refused = 0;
    uint16_t last = 0;
    qn_htx_plan plan;

    load(1);
    for (size_t n = 1; n <= QN_H2_PATH_MAX; n++) {
        qn_err err = plan_of(&plan, n);

        if (err != QN_OK) {
            qt_assert_err(err, QN_CONFIG);
            refused++;
            continue;
        }
        ck_assert_uint_ge(plan.second, last);
        last = plan.second;
        ck_assert_uint_ne(plan.second, plan.first);
    }
    ck_assert_uint_eq(refused, 1);
    ck_assert_uint_gt(last, plan.first);
}
END_TEST

START_TEST(a_second_page_that_will_do_is_found)
{
    qn_htx_plan plan;
    size_t bad = 1;

    load(1);
    while (bad <= QN_H2_PATH_MAX && plan_of(&plan, bad) == QN_OK)
        bad++;
    ck_assert_uint_le(bad, QN_H2_PATH_MAX);
    second[0].path = qn_slice_of(path, bad);
    second[1] = (qn_htx_page){qn_slice_of("/news/latest.json", 17), 2000};
    target.second_n = 2;
    for (unsigned i = 0; i < 20; i++) { /* whichever is drawn */
        qt_assert_err(qn_htx_plan_make(&plan, &t.env, &target, false), QN_OK);
        ck_assert_uint_eq(plan.path_n[1], 17);
    }
}
END_TEST

START_TEST(without_memory_there_is_no_plan)
{
    qn_htx_plan plan;
    uint64_t n;

    load(_i);
    qt_alloc_fail_at(0);
    qt_assert_err(qn_htx_plan_make(&plan, &t.env, &target, false), QN_OK);
    n = qt_alloc_requests();
    for (uint64_t at = 1; at <= n; at++) {
        qt_alloc_fail_at(at);
        qt_assert_err(qn_htx_plan_make(&plan, &t.env, &target, false), QN_NOMEM);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx plan");
    TCase *tc = tcase_create("plan");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_plan_says_what_is_asked_for, 0, 2);
    tcase_add_test(tc, no_plan_confuses_the_second_request_with_another_record);
    tcase_add_test(tc, a_second_page_that_will_do_is_found);
    tcase_add_loop_test(tc, without_memory_there_is_no_plan, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
