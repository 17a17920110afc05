/*
 * Who gets how much of a link, and when: 20 clients share one relay, a page beside 50 downloads, a
 * reader that stopped. Uplinks have a rate here, so that there is something to share.
 */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

#include <stdio.h>

enum { CLIENTS = 20, BULK = 50, PAGE = 1 << 20, RATE = 4 << 20 };

/* One exit, the super, and two relays: three hops have both relays in front of it. */
static void start(mesh *m, qn_route route, uint32_t window)
{
    mesh_new(m, &(mesh_cfg){.world = {.seed = 5,
                                      .delay_min = 10 * QN_MS,
                                      .delay_max = 12 * QN_MS,
                                      .window = window},
                            .relays = 2,
                            .route = route});
    ck_assert(mesh_ready(m, 60 * QN_SEC));
    pw_set_uplink(m->super, RATE);
}

static void run_for(mesh *m, qn_time t)
{
    (void)pw_run(m->w, pw_now(m->w) + t, NULL, NULL);
}

static bool one_runs(void *ctx)
{
    pw_fetch *const *f = ctx;

    for (unsigned i = 0; i < BULK; i++)
        if (f[i] != NULL && pw_received(f[i]) == 0)
            return false;
    return true;
}

/* ---- equal shares ---------------------------------------------------------------------------- */

/* The first relay of this client's circuit. */
static const qn_peerid *joint_of(pw_node *client)
{
    const circuit *c = pw_core(client)->circuits;

    while (c != NULL && c->core.apps.live == 0)
        c = c->next;
    ck_assert(c != NULL);
    return &c->hops[1].id;
}

/* Shares are of a link: with three hops those circuits are compared that have the same joint. */
static void check_shares(mesh *m, pw_node *const *client, const uint64_t *got, qn_route route)
{
    for (unsigned k = 0; k < 2; k++) {
        uint64_t least = UINT64_MAX, most = 0;

        for (unsigned i = 0; i < CLIENTS; i++) {
            if (route == QN_ROUTE_PRIVACY &&
                !qn_peerid_equal(joint_of(client[i]), &pw_core(m->relay[k])->id))
                continue;
            least = QN_MIN(least, got[i]);
            most = QN_MAX(most, got[i]);
        }
        if (most > 0)
            ck_assert_msg(most - least <= most / 10, "%llu to %llu bytes",
                          (unsigned long long)least, (unsigned long long)most);
    }
}

START_TEST(twenty_clients_get_equal_shares_of_one_relay)
{
    qn_route route = _i ? QN_ROUTE_PRIVACY : QN_ROUTE_FAST;
    pw_fetch *f[BULK] = {NULL};
    pw_node *client[CLIENTS];
    uint64_t got[CLIENTS];
    mesh m;

    start(&m, route, 64 << 10);
    for (unsigned i = 0; i < CLIENTS; i++) {
        client[i] = mesh_add_client(&m, "sharer", route);
        f[i] = pw_get(m.w, client[i], MESH_WEB, 80, 10, 200 << 20, NULL);
    }
    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, one_runs, f));
    run_for(&m, 5 * QN_SEC); /* what came first does not count */
    for (unsigned i = 0; i < CLIENTS; i++)
        got[i] = pw_received(f[i]);
    run_for(&m, 15 * QN_SEC);
    for (unsigned i = 0; i < CLIENTS; i++)
        got[i] = pw_received(f[i]) - got[i];
    check_shares(&m, client, got, route);
    mesh_free(&m);
}
END_TEST

/* ---- interactive beside bulk ----------------------------------------------------------------- */

static qn_time page(mesh *m, uint64_t bytes)
{
    pw_fetch *f = pw_get(m->w, m->client, MESH_WEB, 80, 300, bytes, "privacy+page");

    ck_assert_int_eq(mesh_await(m, f, 120 * QN_SEC), PW_DONE);
    return pw_took(f);
}

START_TEST(a_page_beside_fifty_downloads_takes_at_most_twice_its_time)
{
    pw_fetch *f[BULK];
    qn_time alone, beside;
    mesh m;

    start(&m, QN_ROUTE_PRIVACY, 64 << 10);
    (void)page(&m, PAGE); /* builds its circuit */
    run_for(&m, QN_SCHED_REST);
    alone = page(&m, PAGE);
    for (unsigned i = 0; i < BULK; i++) {
        char user[24];

        (void)snprintf(user, sizeof user, "privacy+bulk%u", i % 10);
        f[i] = pw_get(m.w, m.client, MESH_WEB, 80, 10, 200 << 20, user);
    }
    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, one_runs, f));
    run_for(&m, QN_SCHED_REST);
    beside = page(&m, PAGE);
    ck_assert_msg(beside <= 2 * alone, "%llu ms beside 50 downloads, %llu ms alone",
                  (unsigned long long)(beside / QN_MS), (unsigned long long)(alone / QN_MS));
    mesh_free(&m);
}
END_TEST

/* ---- a reader that stopped ------------------------------------------------------------------- */

START_TEST(a_stalled_reader_stops_only_itself)
{
    pw_fetch *stuck, *f;
    qn_time alone, beside;
    mesh m;

    start(&m, QN_ROUTE_PRIVACY, 64 << 10);
    (void)page(&m, 4 * PAGE);
    alone = page(&m, 4 * PAGE);
    stuck = pw_get(m.w, m.client, MESH_WEB, 80, 10, 200 << 20, "privacy+page");
    run_for(&m, 2 * QN_SEC);
    pw_pause_reading(m.w, stuck, true);
    run_for(&m, 20 * QN_SEC);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 300, 4 * PAGE, "privacy+page");
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
    beside = pw_took(f);
    ck_assert_uint_le(beside, alone + alone / 4);
    ck_assert_int_eq(pw_outcome(stuck), PW_RUNNING);
    mesh_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket shares");
    TCase *t = tcase_create("shares");

    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, twenty_clients_get_equal_shares_of_one_relay, 0, 2);
    tcase_add_test(t, a_page_beside_fifty_downloads_takes_at_most_twice_its_time);
    tcase_add_test(t, a_stalled_reader_stops_only_itself);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
