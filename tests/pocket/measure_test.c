/* Operators measure what listed relays carry, and lists weigh them by it. */
#include "pocket/mesh.h"

#include "base/limits.h"
#include "dir/capacity.h"
#include "node/internal.h"
#include "support/qt.h"

enum { SLOW = 200 << 10 }; /* bytes a second */
#define MEASURED_BY (720 * QN_SEC)
#define LISTED_BY (MEASURED_BY + QN_SNAPSHOT_EVERY + 60 * QN_SEC)

static mesh m;

static void up(uint64_t seed, uint32_t supers)
{
    mesh_cfg cfg = {
        .world = {.seed = seed, .delay_min = 5 * QN_MS, .delay_max = 20 * QN_MS, .window = 1 << 20},
        .relays = 3,
        .exits = 1,
        .operators = supers};

    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
}

static void pass(qn_time time)
{
    (void)pw_run(m.w, pw_now(m.w) + time, NULL, NULL);
}

/* Of this node in the list that `reader` holds; 0: it is not in it. */
static uint16_t weight_of(pw_node *reader, pw_node *of)
{
    qn_peerid id = mesh_status(of).id;
    const qn_relay *r = qn_snapshot_find(pw_core(reader)->snapshot, &id);

    return r != NULL ? r->weight : 0;
}

START_TEST(a_relay_is_listed_before_it_is_measured)
{
    up(1, 1);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(weight_of(m.client, m.relay[i]), qn_capacity_unmeasured(&m.net));
    ck_assert_uint_eq(mesh_status(m.super).measured, 0);
    mesh_free(&m);
}
END_TEST

/* Whatever it says: it claims no load at all. */
START_TEST(a_slow_relay_gets_a_low_weight)
{
    uint16_t slow, fast;

    up(2, (uint32_t)_i);
    pw_set_uplink(m.relay[1], SLOW);
    pass(LISTED_BY);
    slow = weight_of(m.exit[0], m.relay[1]);
    fast = weight_of(m.exit[0], m.relay[2]);
    ck_assert_uint_ge(slow, SLOW / QN_CAPACITY_STEP / 4); /* two may measure it at once */
    ck_assert_uint_le(slow, SLOW / QN_CAPACITY_STEP + 1);
    ck_assert_uint_ge(fast, 4 * slow);
    ck_assert_uint_eq(mesh_status(m.super).measured, 4 + (uint32_t)_i - 1);
    ck_assert_uint_ge(mesh_status(m.super).measured_oldest, QN_SNAPSHOT_EVERY);
    mesh_free(&m);
}
END_TEST

/* One burst for each, and no more before hours have passed. */
START_TEST(it_costs_each_relay_a_bounded_burst)
{
    uint64_t before, burst = (uint64_t)QN_MEASURE_CELLS * QN_CELL_L;

    up(3, 1);
    pass(60 * QN_SEC);
    before = mesh_status(m.relay[0]).counters.relayed;
    pass(LISTED_BY);
    ck_assert_uint_ge(mesh_status(m.relay[0]).counters.relayed - before, burst);
    before = mesh_status(m.relay[0]).counters.relayed;
    pass(3600 * QN_SEC);
    ck_assert_uint_le(mesh_status(m.relay[0]).counters.relayed - before, burst / 4);
    mesh_free(&m);
}
END_TEST

/* Three times in a row; it stays listed, and is heard of again when it carries again. */
START_TEST(who_carries_nothing_weighs_next_to_nothing)
{
    qn_circuits *of;

    up(6, 1);
    of = &pw_core(m.relay[0])->circuits_shared;
    of->keys_n = 0; /* every circuit through it fails */
    pass(LISTED_BY);
    ck_assert_uint_gt(weight_of(m.exit[0], m.relay[0]), 1);
    pass(2 * QN_MEASURE_AGAIN + QN_SNAPSHOT_EVERY);
    ck_assert_uint_eq(weight_of(m.exit[0], m.relay[0]), 1);
    ck_assert_uint_gt(weight_of(m.exit[0], m.relay[1]), 100);
    of->keys_n = 1;
    pass(QN_MEASURE_AGAIN + QN_SNAPSHOT_EVERY + 120 * QN_SEC);
    ck_assert_uint_gt(weight_of(m.exit[0], m.relay[0]), 100);
    mesh_free(&m);
}
END_TEST

/* It measures what it likes, and proposes by that alone. */
START_TEST(one_lying_operator_of_three_cannot_lift_its_friend)
{
    operators *liar;
    qn_peerid friend;
    uint16_t most = 0, honest;

    up(4, 3);
    pw_set_uplink(m.relay[1], SLOW);
    pass(LISTED_BY);
    honest = weight_of(m.exit[0], m.relay[1]);
    liar = pw_core(m.operator[2])->op;
    friend = mesh_status(m.relay[1]).id;
    for (unsigned i = 0; i < 1500; i++) {
        qn_registration *e = qn_registry_entry(&liar->registry, &friend);

        qn_registry_measured(&liar->registry, &friend, liar->me, QN_WEIGHT_MAX);
        e->capacity = e->capacity_before = QN_WEIGHT_MAX;
        liar->made = 0; /* and in every turn of its own */
        pass(QN_SEC);
        most = QN_MAX(most, weight_of(m.exit[0], m.relay[1]));
    }
    ck_assert_uint_gt(honest, 1);
    ck_assert_uint_le(most, 2 * honest);
    ck_assert_uint_le(mesh_status(m.exit[0]).snapshot_version, (uint64_t)pw_env(m.w)->wall);
    ck_assert_uint_gt(mesh_status(m.exit[0]).snapshot_version,
                      (uint64_t)pw_env(m.w)->wall - QN_SNAPSHOT_EVERY / QN_SEC - 60);
    mesh_free(&m);
}
END_TEST

/* What its majority signed before stands, until it knows again. */
START_TEST(an_operator_that_starts_again_keeps_the_weights)
{
    uint16_t before;

    up(5, (uint32_t)_i);
    pass(LISTED_BY);
    before = weight_of(m.exit[0], m.relay[1]);
    ck_assert_uint_gt(before, 2 * QN_CAPACITY_UNMEASURED);
    pw_kill(m.w, m.operator[0]);
    pass(5 * QN_SEC);
    mesh_restart_operator(&m, 0);
    pass(QN_SNAPSHOT_EVERY + 60 * QN_SEC);
    ck_assert_uint_ge(weight_of(m.exit[0], m.relay[1]), before / 2);
    mesh_free(&m);
}
END_TEST

static Suite *measure_suite(void)
{
    Suite *s = suite_create("measure");
    TCase *tc = tcase_create("measure");

    tcase_set_timeout(tc, 280);
    suite_add_tcase(s, tc);
    tcase_add_test(tc, a_relay_is_listed_before_it_is_measured);
    tcase_add_loop_test(tc, a_slow_relay_gets_a_low_weight, 1, 3);
    tcase_add_test(tc, it_costs_each_relay_a_bounded_burst);
    tcase_add_test(tc, who_carries_nothing_weighs_next_to_nothing);
    tcase_add_test(tc, one_lying_operator_of_three_cannot_lift_its_friend);
    tcase_add_loop_test(tc, an_operator_that_starts_again_keeps_the_weights, 1, 3);
    return s;
}

QT_MAIN(measure_suite)
