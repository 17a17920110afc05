/* Links outlive carriers: whatever cuts their connections, streams go on where they stood. */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

#include <stdlib.h>

enum { SEEDS = 6 }; /* POCKET_SEEDS=500 for a long run */

static mesh m;

static void begin(uint64_t seed, qn_route route, const qn_carrier_kind *carrier)
{
    mesh_cfg cfg = {.world = {.seed = seed,
                              .delay_min = 2 * QN_MS,
                              .delay_max = 20 * QN_MS,
                              .cut_max = seed % 2 ? 3000 : 0},
                    .relays = 3,
                    .exits = 1,
                    .route = route,
                    .carrier = carrier};

    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
}

static uint64_t resumed(void)
{
    return mesh_status(m.client).counters.links_resumed;
}

/* Again and again all connections between nodes end, whatever is on them. */
static void cut_all_through(pw_fetch *f, qn_time every)
{
    while (pw_outcome(f) == PW_RUNNING && pw_now(m.w) < 300 * QN_SEC) {
        while (pw_cut(m.w, NULL, NULL))
            ;
        (void)mesh_await(&m, f, every);
    }
}

static bool has_begun(void *f)
{
    return pw_received(f) > 0;
}

static void cut_transfer(uint64_t seed, qn_route route, const qn_carrier_kind *carrier)
{
    uint64_t up = 40000 + seed * 1111, down = 1000000 + seed * 777;
    pw_fetch *f;

    begin(seed, route, carrier);
    f = pw_get(m.w, m.client, MESH_WEB, 80, up, down, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, has_begun, f));
    cut_all_through(f, (300 + 50 * seed) * QN_MS);
    ck_assert_msg(pw_outcome(f) == PW_DONE, "seed %llu: %llu bytes came", (unsigned long long)seed,
                  (unsigned long long)pw_received(f));
    ck_assert_uint_eq(pw_received(f), down);
    ck_assert_uint_gt(resumed(), 0);
    mesh_free(&m);
}

START_TEST(one_hop_goes_on_over_every_cut)
{
    cut_transfer(mesh_seed(_i), QN_ROUTE_FAST, NULL);
}
END_TEST

START_TEST(three_hops_go_on_over_every_cut)
{
    cut_transfer(mesh_seed(_i), QN_ROUTE_PRIVACY, NULL);
}
END_TEST

static neighbour *link_between(pw_node *from, pw_node *to)
{
    neighbour *nb = pw_core(from)->neighbours;

    while (nb != NULL && (nb->over || !nb->outbound || nb->link.streams_n == 0 ||
                          !qn_peerid_equal(&nb->id, &pw_core(to)->id)))
        nb = nb->next;
    ck_assert(nb != NULL);
    return nb;
}

static uint32_t orphans(pw_node *n)
{
    return pw_core(n)->orphans_n;
}

/* A download over one hop that is under way, and the client's end of its link. */
static pw_fetch *under_way(pw_node *client, neighbour **link)
{
    pw_fetch *f = pw_get(m.w, client, MESH_WEB, 80, 100, 8 << 20, NULL);

    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, has_begun, f));
    *link = link_between(client, m.exit[0]);
    return f;
}

static bool answer_is_under_way(void *ctx)
{
    return pw_core(m.exit[0])->counters.links_resumed > *(const uint64_t *)ctx;
}

/* The exit has the next right by then, the client has not. */
START_TEST(a_lost_answer_loses_no_link)
{
    neighbour *link;
    pw_fetch *f;

    begin(2, QN_ROUTE_FAST, NULL);
    f = under_way(m.client, &link);
    for (uint64_t i = 0; i < 5; i++) {
        while (pw_cut(m.w, m.client, m.exit[0]))
            ;
        ck_assert(pw_run(m.w, pw_now(m.w) + 20 * QN_SEC, answer_is_under_way, &i));
    }
    ck_assert_uint_eq(resumed(), 0);
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    ck_assert_uint_eq(resumed(), 1);
    ck_assert_uint_ge(mesh_status(m.exit[0]).counters.links_resumed, 5);
    mesh_free(&m);
}
END_TEST

/* ---- a censor that freezes ------------------------------------------------------------------- */

/* lab/censor/freeze.c: after 16 KiB no connection carries anything any more, and nobody is told. */
static void frozen_transfer(uint64_t seed, qn_route route)
{
    uint64_t down = 200000 + seed * 777;
    pw_fetch *f;

    begin(seed, route, NULL);
    pw_freeze(m.w, NULL, 16384);
    while (pw_cut(m.w, NULL, NULL))
        ;
    (void)pw_run(m.w, pw_now(m.w) + 5 * QN_SEC, NULL, NULL);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 3000, down, NULL);
    ck_assert_msg(mesh_await(&m, f, 1000 * QN_SEC) == PW_DONE, "seed %llu: %llu bytes came",
                  (unsigned long long)seed, (unsigned long long)pw_received(f));
    ck_assert_uint_eq(pw_received(f), down);
    ck_assert_uint_ge(resumed(), down / 16384);
    mesh_free(&m);
}

START_TEST(one_hop_is_slowed_but_not_stopped_by_freezing)
{
    frozen_transfer(mesh_seed(_i), QN_ROUTE_FAST);
}
END_TEST

START_TEST(three_hops_are_slowed_but_not_stopped_by_freezing)
{
    frozen_transfer(mesh_seed(_i), QN_ROUTE_PRIVACY);
}
END_TEST

/* Nothing is expected, so nothing is asked and nothing is dialled. */
START_TEST(a_quiet_stream_is_left_alone)
{
    neighbour *link;
    pw_fetch *f;
    uint64_t out;

    begin(2, QN_ROUTE_FAST, NULL);
    f = under_way(m.client, &link);
    pw_pause_reading(m.w, f, true);
    (void)pw_run(m.w, pw_now(m.w) + 40 * QN_SEC, NULL, NULL);
    out = link->link.out;
    (void)pw_run(m.w, pw_now(m.w) + 600 * QN_SEC, NULL, NULL);
    ck_assert_uint_eq(link->link.out, out);
    ck_assert_uint_eq(resumed(), 0);
    pw_pause_reading(m.w, f, false);
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    mesh_free(&m);
}
END_TEST

/* ---- who has no right ------------------------------------------------------------------------ */

static void cut_off(pw_fetch *f)
{
    while (pw_cut(m.w, m.client, m.exit[0]))
        ;
    (void)mesh_await(&m, f, 10 * QN_SEC);
    ck_assert_int_eq(pw_outcome(f), PW_FAILED);
    ck_assert(!pw_clean_end(f)); /* P1 */
    ck_assert_uint_eq(resumed(), 0);
}

/* The anonymous link that n accepted was a named node's. */
static void of_somebody_else(pw_node *n)
{
    for (neighbour *nb = pw_core(n)->neighbours; nb != NULL; nb = nb->next)
        nb->claims |= !nb->outbound && nb->link.streams_n > 0;
}

/* The exit keeps the link for who has the right to it, and ends it when nobody came. */
START_TEST(a_wrong_claim_leaves_the_link_to_its_owner)
{
    neighbour *link;
    pw_fetch *f;

    begin(2, QN_ROUTE_FAST, NULL);
    f = under_way(m.client, &link);
    if (_i == 0)
        link->right.secret.b[9] ^= 1;
    else if (_i == 1)
        link->right.token ^= 1;
    else
        of_somebody_else(m.exit[0]);
    cut_off(f);
    ck_assert_uint_eq(orphans(m.exit[0]), 1);
    (void)pw_run(m.w, pw_now(m.w) + QN_ORPHAN_LIFE, NULL, NULL);
    ck_assert_uint_eq(orphans(m.exit[0]), 0);
    mesh_free(&m);
}
END_TEST

START_TEST(a_token_of_another_link_opens_nothing)
{
    pw_node *other;
    neighbour *link, *others;
    pw_fetch *f, *g;

    begin(2, QN_ROUTE_FAST, NULL);
    other = mesh_add_client(&m, "client2", QN_ROUTE_FAST);
    g = under_way(other, &others);
    f = under_way(m.client, &link);
    link->right.token = others->right.token;
    cut_off(f);
    ck_assert_int_eq(mesh_await(&m, g, 60 * QN_SEC), PW_DONE);
    mesh_free(&m);
}
END_TEST

/* What was acknowledged is forgotten, what was never sent cannot have come. */
START_TEST(units_that_cannot_be_end_the_link)
{
    neighbour *link;
    pw_fetch *f;

    begin(2, QN_ROUTE_FAST, NULL);
    f = under_way(m.client, &link);
    (void)pw_run(m.w, pw_now(m.w) + QN_SEC, NULL, NULL);
    if (_i == 0)
        link->link.rx.received = 1;
    else
        link->link.rx.received += 1u << 30;
    cut_off(f);
    ck_assert_uint_eq(orphans(m.exit[0]), 0);
    mesh_free(&m);
}
END_TEST

/* A peer of which nothing is heard any more is not waited for longer than an orphan lives. */
START_TEST(an_application_hears_of_a_dead_peer_in_time)
{
    neighbour *link;
    pw_fetch *f;
    qn_time killed;

    begin(3, QN_ROUTE_FAST, NULL);
    f = under_way(m.client, &link);
    killed = pw_now(m.w);
    pw_kill(m.w, m.exit[0]);
    (void)mesh_await(&m, f, 60 * QN_SEC);
    ck_assert_int_eq(pw_outcome(f), PW_FAILED);
    ck_assert(!pw_clean_end(f));
    ck_assert(pw_now(m.w) - killed < QN_ORPHAN_LIFE + QN_SEC);
    ck_assert_uint_eq(orphans(m.client), 0);
    mesh_free(&m);
}
END_TEST

/* Near the cap orphans go before anything that moves. */
START_TEST(orphans_are_the_first_to_go)
{
    neighbour *link;
    pw_fetch *f;
    qn_mem *mem;
    size_t limit;

    begin(4, QN_ROUTE_FAST, NULL);
    f = under_way(m.client, &link);
    pw_shut(m.exit[0], true);
    while (pw_cut(m.w, m.client, m.exit[0]))
        ;
    (void)pw_run(m.w, pw_now(m.w) + QN_SEC, NULL, NULL);
    ck_assert_uint_eq(orphans(m.exit[0]), 1);
    mem = &pw_node_env(m.exit[0])->mem;
    limit = mem->limit;
    mem->limit = mem->used + 1;
    node_settle(pw_core(m.exit[0]));
    mem->limit = limit;
    ck_assert_uint_eq(orphans(m.exit[0]), 0);
    (void)mesh_await(&m, f, 60 * QN_SEC);
    ck_assert_int_eq(pw_outcome(f), PW_FAILED);
    mesh_free(&m);
}
END_TEST

/* Each carrier is frozen when the peer has taken the link, or has said a little more. */
START_TEST(a_link_that_goes_on_and_carries_nothing_ends)
{
    neighbour *link;
    pw_fetch *f;

    begin(2, QN_ROUTE_FAST, NULL);
    f = under_way(m.client, &link);
    pw_freeze(m.w, m.client, (uint64_t)_i * 250 + 150);
    while (pw_cut(m.w, m.client, m.exit[0]))
        ;
    (void)mesh_await(&m, f, 120 * QN_SEC);
    ck_assert_int_eq(pw_outcome(f), PW_FAILED);
    ck_assert(!pw_clean_end(f));
    ck_assert_uint_le(resumed(), QN_BARREN_MAX + 1);
    mesh_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket resume");
    TCase *t = tcase_create("cuts");

    tcase_set_timeout(t, 3600);
    tcase_add_loop_test(t, one_hop_goes_on_over_every_cut, 0, mesh_seeds(SEEDS));
    tcase_add_loop_test(t, three_hops_go_on_over_every_cut, 0, mesh_seeds(SEEDS));
    tcase_add_loop_test(t, a_link_that_goes_on_and_carries_nothing_ends, 0, 4);
    tcase_add_test(t, a_lost_answer_loses_no_link);
    suite_add_tcase(s, t);
    t = tcase_create("freezes");
    tcase_set_timeout(t, 3600);
    tcase_add_loop_test(t, one_hop_is_slowed_but_not_stopped_by_freezing, 0, mesh_seeds(SEEDS));
    tcase_add_loop_test(t, three_hops_are_slowed_but_not_stopped_by_freezing, 0,
                        mesh_seeds(SEEDS) / 2);
    tcase_add_test(t, a_quiet_stream_is_left_alone);
    suite_add_tcase(s, t);
    t = tcase_create("rights");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, a_wrong_claim_leaves_the_link_to_its_owner, 0, 3);
    tcase_add_test(t, a_token_of_another_link_opens_nothing);
    tcase_add_loop_test(t, units_that_cannot_be_end_the_link, 0, 2);
    tcase_add_test(t, an_application_hears_of_a_dead_peer_in_time);
    tcase_add_test(t, orphans_are_the_first_to_go);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
