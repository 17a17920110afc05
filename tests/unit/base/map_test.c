/* The map against an array that is searched from end to end. */
#include "support/qt.h"

#include "base/map.h"

enum { KEYS = 200, STEPS = 20000 };

static qt_env t;
static qn_map m;

static void setup(void)
{
    qt_env_open(&t, 4);
    qn_map_init(&m, 1234);
}

static void teardown(void)
{
    qn_map_clear(&m, &t.env.mem);
    qt_env_close(&t);
}

/* Dense, sparse and colliding keys: stream ids count up, others are drawn, some share low bits. */
static uint64_t key_of(unsigned i, int style)
{
    switch (style) {
    case 0:
        return i;
    case 1:
        return (uint64_t)i << 32;
    case 2:
        return (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
    default:
        return UINT64_MAX - 2 * i;
    }
}

static void compare_all(void *const model[KEYS], int style)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < KEYS; i++) {
        ck_assert_ptr_eq(qn_map_get(&m, key_of(i, style)), model[i]);
        n += model[i] != NULL;
    }
    ck_assert_uint_eq(m.n, n);
    ck_assert_uint_le(m.n * 4, m.cap * 3);
    ck_assert_uint_eq(t.env.mem.used, m.cap * sizeof(qn_map_slot));
}

START_TEST(agrees_with_a_naive_model_through_sets_and_deletions)
{
    static char values[STEPS];
    void *model[KEYS] = {0};
    uint32_t fill = 0; /* percent of steps that add: waves, so that the table fills and empties */

    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = qn_rng_below(&t.env, KEYS);

        if (step % 500 == 0)
            fill = 10 + qn_rng_below(&t.env, 81);
        if (qn_rng_below(&t.env, 100) < fill) {
            qt_assert_err(qn_map_set(&m, &t.env.mem, key_of(i, _i), &values[step]), QN_OK);
            model[i] = &values[step];
        } else {
            qn_map_del(&m, &t.env.mem, key_of(i, _i));
            model[i] = NULL;
        }
        if (step % 50 == 0)
            compare_all(model, _i);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        qn_map_del(&m, &t.env.mem, key_of(i, _i));
        model[i] = NULL;
    }
    compare_all(model, _i);
    ck_assert_uint_eq(m.cap, 0); /* an empty map costs nothing */
}
END_TEST

START_TEST(a_failed_set_changes_nothing)
{
    char value;

    for (uint64_t k = 0; k < 6; k++) /* 6 of 8 slots: the next one doubles the table */
        qt_assert_err(qn_map_set(&m, &t.env.mem, k, &value), QN_OK);
    qt_alloc_fail_at(1);
    qt_assert_err(qn_map_set(&m, &t.env.mem, 6, &value), QN_NOMEM);
    ck_assert_ptr_null(qn_map_get(&m, 6));
    for (uint64_t k = 0; k < 6; k++)
        ck_assert_ptr_eq(qn_map_get(&m, k), &value);
    qt_assert_err(qn_map_set(&m, &t.env.mem, 6, &value), QN_OK);
    ck_assert_uint_eq(m.n, 7);
}
END_TEST

START_TEST(replacing_a_value_needs_no_memory)
{
    char one, two;

    for (uint64_t k = 0; k < 6; k++)
        qt_assert_err(qn_map_set(&m, &t.env.mem, k, &one), QN_OK);
    qt_alloc_fail_at(1);
    qt_assert_err(qn_map_set(&m, &t.env.mem, 3, &two), QN_OK);
    ck_assert_ptr_eq(qn_map_get(&m, 3), &two);
    ck_assert_uint_eq(m.n, 6);
}
END_TEST

START_TEST(an_empty_map_answers)
{
    ck_assert_ptr_null(qn_map_get(&m, 0));
    qn_map_del(&m, &t.env.mem, 0);
    qn_map_clear(&m, &t.env.mem);
    ck_assert_ptr_null(qn_map_get(&m, 0));
}
END_TEST

/* A peer that knows the hash but not the seed cannot make one long run: keys chosen to collide
 * under one seed spread out under another. */
START_TEST(colliding_keys_of_one_seed_spread_under_another)
{
    enum { MANY = 40 };
    uint64_t keys[MANY];
    qn_map one, other;
    char value;
    uint32_t found = 0, used_slots = 0;

    qn_map_init(&one, 1);
    qn_map_init(&other, 2);
    for (uint64_t k = 0; found < MANY; k++) { /* keys that land on slot 0 of a table of 8 */
        qt_assert_err(qn_map_set(&one, &t.env.mem, k, &value), QN_OK);
        if (one.v[0].value != NULL && one.v[0].key == k)
            keys[found++] = k;
        qn_map_del(&one, &t.env.mem, k);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        qt_assert_err(qn_map_set(&other, &t.env.mem, keys[i], &value), QN_OK);
        used_slots |= 1u << (uint32_t)(other.v[0].key == keys[i]   ? 0
                                       : other.v[1].key == keys[i] ? 1
                                       : other.v[2].key == keys[i] ? 2
                                       : other.v[3].key == keys[i] ? 3
                                                                   : 4);
        qn_map_del(&other, &t.env.mem, keys[i]);
    }
    ck_assert_uint_eq(used_slots, 31);
}
END_TEST

static Suite *map_suite(void)
{
    Suite *s = suite_create("base/map");
    TCase *tc = tcase_create("map");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, agrees_with_a_naive_model_through_sets_and_deletions, 0, 4);
    tcase_add_test(tc, a_failed_set_changes_nothing);
    tcase_add_test(tc, replacing_a_value_needs_no_memory);
    tcase_add_test(tc, an_empty_map_answers);
    tcase_add_test(tc, colliding_keys_of_one_seed_spread_under_another);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(map_suite)
