/* Whole meshes: the main job, in both modes, over one and over three hops. */
#include "pocket/mesh.h"
#include "support/carrier/dummy_carrier.h"
#include "support/qt.h"

static mesh_cfg quiet(uint64_t seed, qn_route route)
{
    return (mesh_cfg){.world = {.seed = seed, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                      .relays = 3,
                      .exits = 1,
                      .route = route};
}

static void fetches(qn_route route, uint64_t up, uint64_t down)
{
    mesh_cfg cfg = quiet(1, route);
    mesh m;
    pw_fetch *f;

    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 30 * QN_SEC));
    f = pw_get(m.w, m.client, MESH_WEB, 80, up, down, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
    ck_assert_uint_eq(pw_received(f), down);
    mesh_free(&m);
}

START_TEST(one_hop_fetches_a_page)
{
    fetches(QN_ROUTE_FAST, 400, 50 << 10);
}
END_TEST

START_TEST(three_hops_fetch_a_page)
{
    fetches(QN_ROUTE_PRIVACY, 400, 50 << 10);
}
END_TEST

START_TEST(one_hop_carries_megabytes_both_ways)
{
    fetches(QN_ROUTE_FAST, 2 << 20, 5 << 20);
}
END_TEST

START_TEST(three_hops_carry_megabytes_both_ways)
{
    fetches(QN_ROUTE_PRIVACY, 2 << 20, 5 << 20);
}
END_TEST

/* The seam: nothing above the carrier knows that this one has a second leg to an origin. */
static void two_legs(qn_route route)
{
    mesh_cfg cfg = quiet(3, route);
    mesh m;
    pw_fetch *f;

    cfg.carrier = &qt_carrier_dummy2;
    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 30 * QN_SEC));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 300000, 500000, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
    ck_assert_uint_gt(pw_heard(m.origin), 0);
    mesh_free(&m);
}

START_TEST(a_carrier_with_an_origin_leg_slots_in_under_one_hop)
{
    two_legs(QN_ROUTE_FAST);
}
END_TEST

START_TEST(a_carrier_with_an_origin_leg_slots_in_under_three_hops)
{
    two_legs(QN_ROUTE_PRIVACY);
}
END_TEST

/* ---- ends that nobody waits for -------------------------------------------------------------- */

static uint64_t cells_of(mesh *m)
{
    qn_counters c;

    qn_node_counters(pw_core(m->client), &c);
    return c.cells_forward;
}

static uint32_t open_at_exits(mesh *m)
{
    return mesh_status(m->exit[0]).streams + mesh_status(m->super).streams; /* both are exits */
}

static void fetch_small(mesh *m)
{
    pw_fetch *f = pw_get(m->w, m->client, MESH_WEB, 80, 100, 100, NULL);

    ck_assert_int_eq(mesh_await(m, f, 120 * QN_SEC), PW_DONE);
}

/* One fetch after the other, with so long a pause between them: the cells they take to the exit. */
static uint64_t cells_of_fetches(qn_time pause)
{
    mesh_cfg cfg = quiet(1, QN_ROUTE_PRIVACY);
    uint64_t before;
    mesh m;

    cfg.world.delay_min = cfg.world.delay_max =
        20 * QN_US; /* each circuit is used again before its end has waited */
    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 30 * QN_SEC));
    fetch_small(&m);
    (void)pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, NULL, NULL); /* all circuits are built */
    before = cells_of(&m);
    for (int i = 0; i < 12; i++) {
        fetch_small(&m);
        (void)pw_run(m.w, pw_now(m.w) + pause, NULL, NULL);
    }
    (void)pw_run(m.w, pw_now(m.w) + QN_SEC, NULL, NULL);
    before = cells_of(&m) - before;
    mesh_free(&m);
    return before;
}

START_TEST(the_end_of_a_stream_shares_a_cell_with_the_next_ones_beginning)
{
    uint64_t apart = cells_of_fetches(QN_SEC), together = cells_of_fetches(0);

    ck_assert_uint_eq(apart - together, 8); /* of twelve ends the last of each circuit goes alone */
}
END_TEST

START_TEST(the_end_of_a_stream_alone_leaves_soon)
{
    mesh_cfg cfg = quiet(1, QN_ROUTE_PRIVACY);
    mesh m;

    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 30 * QN_SEC));
    fetch_small(&m);
    ck_assert_uint_eq(open_at_exits(&m), 1);
    (void)pw_run(m.w, pw_now(m.w) + QN_END_WAITS + 3 * 30 * QN_MS + QN_MS, NULL, NULL);
    ck_assert_uint_eq(open_at_exits(&m), 0);
    mesh_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket mesh");
    TCase *t = tcase_create("main job");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, one_hop_fetches_a_page);
    tcase_add_test(t, three_hops_fetch_a_page);
    tcase_add_test(t, one_hop_carries_megabytes_both_ways);
    tcase_add_test(t, three_hops_carry_megabytes_both_ways);
    tcase_add_test(t, a_carrier_with_an_origin_leg_slots_in_under_one_hop);
    tcase_add_test(t, a_carrier_with_an_origin_leg_slots_in_under_three_hops);
    tcase_add_test(t, the_end_of_a_stream_shares_a_cell_with_the_next_ones_beginning);
    tcase_add_test(t, the_end_of_a_stream_alone_leaves_soon);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
