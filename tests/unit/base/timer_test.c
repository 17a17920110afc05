/* Timers against a list that is searched from end to end. */
#include "support/qt.h"

#include "base/timer.h"

enum { TIMERS = 60, STEPS = 20000 };

static qt_env t;
static qn_timers heap;
static qn_timer timers[TIMERS];

/* The model: deadline and arming order of each timer; order 0 = not armed. */
static struct {
    qn_time due;
    uint64_t order;
} model[TIMERS];
static uint64_t armed_so_far;

static void setup(void)
{
    qt_env_open(&t, 9);
    heap = (qn_timers){0};
    memset(timers, 0, sizeof timers);
    memset(model, 0, sizeof model);
    armed_so_far = 0;
}

static void teardown(void)
{
    qn_timers_clear(&heap, &t.env.mem);
    qt_env_close(&t);
}

static int model_first(void)
{
    int first = -1;

    for (int i = 0; i < TIMERS; i++)
        if (model[i].order != 0 &&
            (first < 0 || model[i].due < model[first].due ||
             (model[i].due == model[first].due && model[i].order < model[first].order)))
            first = i;
    return first;
}

static void set(unsigned i, qn_time due)
{
    qt_assert_err(qn_timers_set(&heap, &t.env.mem, &timers[i], due), QN_OK);
    model[i].due = due;
    model[i].order = due == QN_NEVER ? 0 : ++armed_so_far;
}

static void pop_all_until(qn_time now)
{
    for (;;) {
        int first = model_first();
        qn_timer *got = qn_timers_pop(&heap, now);

        ck_assert_uint_eq(qn_timers_due(&heap) == QN_NEVER, heap.n == 0);
        if (first < 0 || model[first].due > now) {
            ck_assert_ptr_null(got);
            return;
        }
        ck_assert_ptr_eq(got, &timers[first]);
        ck_assert_uint_eq(got->pos, 0);
        model[first].order = 0;
    }
}

START_TEST(agrees_with_a_naive_model)
{
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = qn_rng_below(&t.env, TIMERS);
        int first;

        switch (qn_rng_below(&t.env, 10)) {
        case 0:
            qn_timers_cancel(&heap, &timers[i]);
            model[i].order = 0;
            break;
        case 1:
            set(i, QN_NEVER);
            break;
        case 2:
            t.env.now += qn_rng_below(&t.env, 20);
            pop_all_until(t.env.now);
            break;
        default: /* few distinct deadlines, so that many are equal */
            set(i, t.env.now + qn_rng_below(&t.env, 30));
        }
        first = model_first();
        ck_assert_uint_eq(qn_timers_due(&heap), first < 0 ? QN_NEVER : model[first].due);
    }
}
END_TEST

START_TEST(equal_deadlines_leave_in_the_order_they_were_armed)
{
    for (unsigned i = 0; i < TIMERS; i++)
        set(i, 100);
    set(0, 100); /* armed again: now the last */
    for (unsigned i = 1; i < TIMERS; i++)
        ck_assert_ptr_eq(qn_timers_pop(&heap, 100), &timers[i]);
    ck_assert_ptr_eq(qn_timers_pop(&heap, 100), &timers[0]);
    ck_assert_ptr_null(qn_timers_pop(&heap, 100));
}
END_TEST

START_TEST(nothing_leaves_before_its_time)
{
    set(0, 100);
    ck_assert_ptr_null(qn_timers_pop(&heap, 99));
    ck_assert_uint_eq(qn_timers_due(&heap), 100);
    ck_assert_ptr_eq(qn_timers_pop(&heap, 100), &timers[0]);
    ck_assert_uint_eq(qn_timers_due(&heap), QN_NEVER);
}
END_TEST

START_TEST(a_failed_arming_leaves_the_timer_disarmed_and_the_rest_armed)
{
    for (unsigned i = 0; i < 8; i++)
        set(i, 50 + i);
    qt_alloc_fail_at(1);
    qt_assert_err(qn_timers_set(&heap, &t.env.mem, &timers[8], 1), QN_NOMEM);
    ck_assert_uint_eq(timers[8].pos, 0);
    ck_assert_uint_eq(qn_timers_due(&heap), 50);
    set(3, 10); /* moving an armed one needs no memory */
    ck_assert_ptr_eq(qn_timers_pop(&heap, 100), &timers[3]);
    for (unsigned i = 0; i < 8; i++)
        if (i != 3)
            ck_assert_ptr_eq(qn_timers_pop(&heap, 100), &timers[i]);
}
END_TEST

START_TEST(clear_disarms_all_and_may_repeat)
{
    for (unsigned i = 0; i < TIMERS; i++)
        set(i, i);
    qn_timers_clear(&heap, &t.env.mem);
    qn_timers_clear(&heap, &t.env.mem);
    for (unsigned i = 0; i < TIMERS; i++) {
        ck_assert_uint_eq(timers[i].pos, 0);
        qn_timers_cancel(&heap, &timers[i]);
    }
    ck_assert_uint_eq(t.env.mem.used, 0);
}
END_TEST

static Suite *timer_suite(void)
{
    Suite *s = suite_create("base/timer");
    TCase *tc = tcase_create("timer");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, agrees_with_a_naive_model);
    tcase_add_test(tc, equal_deadlines_leave_in_the_order_they_were_armed);
    tcase_add_test(tc, nothing_leaves_before_its_time);
    tcase_add_test(tc, a_failed_arming_leaves_the_timer_disarmed_and_the_rest_armed);
    tcase_add_test(tc, clear_disarms_all_and_may_repeat);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(timer_suite)
