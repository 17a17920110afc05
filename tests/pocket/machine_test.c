/*
 * The shared machine tests, for whole nodes: whatever way bytes are cut, the same happens; and an
 * allocation that fails, in any node and at any time, costs at most an error.
 */
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

typedef struct outcome {
    uint64_t received, up, down; /* bytes at the user; application bytes as the exit counted them */
    uint64_t streams, failed, requests, served;
    uint8_t hops;
} outcome;

enum { UP = 30000, DOWN = 200000 };

static mesh_cfg quiet(qn_route route, uint32_t cut_max)
{
    return (mesh_cfg){
        .world = {.seed = 5, .delay_min = 5 * QN_MS, .delay_max = 20 * QN_MS, .cut_max = cut_max},
        .relays = 2,
        .exits = 1,
        .route = route};
}

/* ---- cuts ------------------------------------------------------------------------------------ */

static void add_exit(outcome *o, pw_node *n)
{
    qn_counters c = mesh_status(n).counters;

    o->up += c.app_up;
    o->down += c.app_down;
    o->requests += c.exit_requests;
    o->served += c.exit_ok;
}

static outcome fetch_with_cuts(qn_route route, uint32_t cut_max)
{
    mesh_cfg cfg = quiet(route, cut_max);
    outcome o = {0};
    qn_counters c;
    qn_event ev;
    pw_fetch *f;
    mesh m;

    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    f = pw_get(m.w, m.client, MESH_WEB, 80, UP, DOWN, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 600 * QN_SEC), PW_DONE);
    (void)pw_run(m.w, pw_now(m.w) + 5 * QN_SEC, NULL, NULL);
    c = mesh_status(m.client).counters;
    o.received = pw_received(f);
    o.streams = c.streams_opened;
    o.failed = c.streams_failed;
    ck_assert_uint_eq(pw_events(m.client, QN_EV_STREAM_OPENED, &ev), 1);
    o.hops = ev.hops;
    ck_assert_uint_eq(pw_events(m.client, QN_EV_STREAM_ENDED, &ev), 1);
    qt_assert_err(ev.err, QN_OK);
    add_exit(&o, m.exit[0]);
    add_exit(&o, m.super); /* an exit too */
    mesh_free(&m);
    return o;
}

START_TEST(any_cuts_give_the_same_bytes_and_counters)
{
    static const uint32_t cuts[] = {100, 7, 1};
    qn_route route = _i == 0 ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY;
    outcome whole = fetch_with_cuts(route, 0);

    ck_assert_uint_eq(whole.received, DOWN);
    ck_assert_uint_eq(whole.hops, _i == 0 ? 1 : 3);
    ck_assert_uint_eq(whole.up, UP + 16); /* the request begins with 16 bytes: how much each way */
    ck_assert_uint_eq(whole.down, DOWN);
    ck_assert_uint_eq(whole.streams, 1);
    ck_assert_uint_eq(whole.failed, 0);
    ck_assert_uint_eq(whole.requests, whole.served);
    for (size_t i = 0; i < QN_LEN(cuts); i++) {
        outcome cut = fetch_with_cuts(route, cuts[i]);

        ck_assert_uint_eq(cut.received, whole.received);
        ck_assert_uint_eq(cut.up, whole.up);
        ck_assert_uint_eq(cut.down, whole.down);
        ck_assert_uint_eq(cut.streams, whole.streams);
        ck_assert_uint_eq(cut.failed, whole.failed);
        ck_assert_uint_eq(cut.requests, whole.requests);
        ck_assert_uint_eq(cut.served, whole.served);
        ck_assert_uint_eq(cut.hops, whole.hops);
    }
}
END_TEST

/* ---- failing allocations --------------------------------------------------------------------- */

static pw_node *node_of(const mesh *m, int which)
{
    pw_node *const nodes[] = {m->client, m->relay[0], m->relay[1], m->exit[0], m->super};

    return nodes[which];
}

/* One fetch while the nth allocation of a node fails; true: it was reached. */
static bool fetch_without(qn_route route, int which, uint64_t nth)
{
    mesh_cfg cfg = quiet(route, 0);
    pw_fetch *f, *after;
    pw_node *victim;
    bool reached;
    mesh m;

    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    victim = node_of(&m, which);
    pw_fail_alloc(victim, nth);
    f = pw_get(m.w, m.client, MESH_WEB, 80, UP, DOWN, NULL);
    (void)pw_run(m.w, pw_now(m.w) + 40 * QN_SEC, NULL, NULL);
    ck_assert_msg(!pw_corrupt(f), "allocation %llu: a wrong byte", (unsigned long long)nth);
    if (pw_outcome(f) != PW_DONE && pw_socks_reply(f) == 0)
        ck_assert_msg(!pw_clean_end(f), "allocation %llu: cut and ended clean (P1)",
                      (unsigned long long)nth);
    reached = victim->allocs >= victim->fail_at;
    pw_fail_alloc(victim, 0);
    after = pw_get(m.w, m.client, MESH_WEB, 80, 100, 1000, NULL);
    ck_assert_msg(mesh_await(&m, after, 90 * QN_SEC) == PW_DONE,
                  "allocation %llu: the mesh did not recover", (unsigned long long)nth);
    mesh_free(&m); /* asserts that every node gave all of its memory back */
    return reached;
}

/* The first allocations one by one, later ones in steps that meet every phase of the fetch. */
START_TEST(each_allocation_failing_once_costs_an_error_at_most)
{
    qn_route route = _i < 5 ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY;
    uint64_t nth = 1;

    while (fetch_without(route, _i % 5, nth))
        nth += nth < 8 ? 1 : nth < 60 ? 7 : nth / 4;
    ck_assert_uint_gt(nth, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket machine");
    TCase *t = tcase_create("whole nodes");

    tcase_set_timeout(t, 280);
    tcase_add_loop_test(t, any_cuts_give_the_same_bytes_and_counters, 0, 2);
    tcase_add_loop_test(t, each_allocation_failing_once_costs_an_error_at_most, 0, 10);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
