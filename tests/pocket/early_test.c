/* What an application says before its stream is open. */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

enum { OTHERS = 16 };

static mesh_cfg quiet(uint64_t seed)
{
    return (mesh_cfg){.world = {.seed = seed, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                      .relays = 3,
                      .exits = 1,
                      .route = QN_ROUTE_PRIVACY};
}

/* ---- bytes before the reply ------------------------------------------------------------------ */

static edge *opening_edge(const mesh *m)
{
    for (edge *e = pw_core(m->client)->edges; e != NULL; e = e->next)
        if (e->state == EDGE_OPENING)
            return e;
    return NULL;
}

static bool is_opening(void *ctx)
{
    return opening_edge(ctx) != NULL;
}

/* All of a client's streams on one circuit, whose blocks are all taken by uploads to a slow line.
 */
static void busy_circuit(mesh *m, pw_fetch *others[OTHERS])
{
    mesh_cfg cfg = quiet(11);

    mesh_new(m, &cfg);
    pw_core(m->client)->cfg.pool = 1;
    ck_assert(mesh_ready(m, 30 * QN_SEC));
    pw_set_uplink(m->client, 1000000);
    for (int i = 0; i < OTHERS; i++)
        others[i] = pw_get(m->w, m->client, MESH_WEB, 80, 400000, 10, NULL);
    (void)pw_run(m->w, pw_now(m->w) + 300 * QN_MS, NULL, NULL);
}

START_TEST(bytes_before_the_reply_wait_while_the_circuit_is_busy)
{
    pw_fetch *others[OTHERS], *f;
    mesh m;

    busy_circuit(&m, others);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 5000, 3000, NULL);
    pw_hurry(f);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
    for (int i = 0; i < OTHERS; i++)
        ck_assert_int_eq(mesh_await(&m, others[i], 120 * QN_SEC), PW_DONE);
    mesh_free(&m);
}
END_TEST

START_TEST(an_end_behind_bytes_before_the_reply_waits_for_them)
{
    pw_fetch *others[OTHERS], *f;
    mesh m;

    busy_circuit(&m, others);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 3000, NULL);
    pw_hurry(f);
    ck_assert(pw_run(m.w, pw_now(m.w) + QN_SEC, is_opening, &m));
    pw_said_all(m.w, f);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
    mesh_free(&m);
}
END_TEST

START_TEST(bytes_before_the_reply_go_by_another_circuit_when_theirs_dies)
{
    mesh_cfg cfg = quiet(12);
    pw_fetch *f;
    edge *e;
    mesh m;

    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 30 * QN_SEC));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 3000, NULL);
    pw_hurry(f);
    ck_assert(pw_run(m.w, pw_now(m.w) + QN_SEC, is_opening, &m));
    e = opening_edge(&m);
    ck_assert_uint_gt(e->opening->in_n, 0);
    pw__stamp(m.client);
    qn_circuit_end(&e->circuit->core);
    client_event(e->circuit);
    node_settle(pw_core(m.client));
    pw__drain(m.client);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
    mesh_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket early");
    TCase *t = tcase_create("bytes before the reply");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, bytes_before_the_reply_wait_while_the_circuit_is_busy);
    tcase_add_test(t, an_end_behind_bytes_before_the_reply_waits_for_them);
    tcase_add_test(t, bytes_before_the_reply_go_by_another_circuit_when_theirs_dies);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
