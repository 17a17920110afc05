/*
 * Any hop of a circuit dies at any point of a transfer: the next request is served within five
 * seconds of virtual time, and the application has the whole or an error as soon as the dead hop's
 * links are given up.
 *
 * POCKET_KILL_MIB=50 for the size that the long run takes.
 */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

#include <stdio.h>
#include <stdlib.h>

enum { OFFSETS = 20, HOPS = 3 };

static uint64_t size(void)
{
    const char *mib = getenv("POCKET_KILL_MIB");

    return (mib != NULL ? strtoull(mib, NULL, 10) : 2) << 20;
}

typedef struct progress {
    const pw_fetch *f;
    uint64_t bytes;
} progress;

static bool far_enough(void *ctx)
{
    const progress *p = ctx;

    return pw_received(p->f) >= p->bytes || pw_outcome(p->f) != PW_RUNNING;
}

/* The node at this place of the circuit that carries bytes now. */
static pw_node *hop_in_use(mesh *m, unsigned place)
{
    const circuit *c = pw_core(m->client)->circuits;

    while (c != NULL && c->core.apps.live == 0)
        c = c->next;
    ck_assert(c != NULL);
    for (uint32_t i = 0; i < m->w->nodes_n; i++)
        if (qn_peerid_equal(&pw_core(m->w->node[i])->id, &c->hops[place].id))
            return m->w->node[i];
    return NULL;
}

static void check_cut(const pw_fetch *f, int run)
{
    ck_assert_msg(pw_outcome(f) != PW_RUNNING, "run %d: the application was left waiting", run);
    ck_assert_msg(!pw_corrupt(f), "run %d: a wrong byte", run);
    if (pw_outcome(f) == PW_FAILED)
        ck_assert_msg(!pw_clean_end(f), "run %d: cut, and ended clean", run);
}

static void come_up(mesh *m, uint64_t seed, unsigned relays, unsigned exits)
{
    mesh_new(m, &(mesh_cfg){.world = {.seed = seed,
                                      .delay_min = 5 * QN_MS,
                                      .delay_max = 30 * QN_MS,
                                      .window = 256 << 10},
                            .relays = relays,
                            .exits = exits,
                            .route = QN_ROUTE_PRIVACY});
    ck_assert(mesh_ready(m, 60 * QN_SEC));
}

START_TEST(a_hop_that_dies_costs_one_error_and_five_seconds_at_most)
{
    unsigned place = (unsigned)_i % HOPS, at = (unsigned)_i / HOPS;
    progress p = {.bytes = size() * at / OFFSETS};
    pw_fetch *f, *next;
    pw_node *dies;
    mesh m;

    come_up(&m, 100 + (uint64_t)_i, 5, 3);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 1000, size(), NULL);
    p.f = f;
    if (at == 0)
        p.bytes = 1;
    ck_assert(pw_run(m.w, pw_now(m.w) + 600 * QN_SEC, far_enough, &p));
    dies = hop_in_use(&m, place);
    pw_kill(m.w, dies);
    next = pw_get(m.w, m.client, MESH_WEB, 80, 100, 100000, NULL);
    ck_assert_msg(mesh_await(&m, next, 5 * QN_SEC) == PW_DONE,
                  "run %d: the next request was not served within 5 s (reply %d, %llu bytes)", _i,
                  pw_socks_reply(next), (unsigned long long)pw_received(next));
    (void)mesh_await(&m, f, QN_ORPHAN_LIFE + 5 * QN_SEC); /* its link might have come back */
    check_cut(f, _i);
    mesh_free(&m);
}
END_TEST

/* b was begun because a was late, and waits for the same hop. */
static bool in_vain(const circuit *a, const circuit *b)
{
    if (a->built || b->built || !a->core.asked || !b->core.asked)
        return false;
    return b->core.started >= a->core.started + QN_CIRCUIT_LATE &&
           qn_peerid_equal(&a->hops[a->core.layers + 1].id, &b->hops[b->core.layers + 1].id);
}

static bool asked_in_vain(const qn_node *n)
{
    for (const circuit *a = n->circuits; a != NULL; a = a->next)
        for (const circuit *b = n->circuits; b != NULL; b = b->next)
            if (in_vain(a, b))
                return true;
    return false;
}

/* Many keys, each of which needs a circuit of its own: some of these would lead through the dead
 * hop, whose neighbours still wait for it. */
START_TEST(nobody_waits_for_a_circuit_that_may_never_be_built)
{
    enum { KEYS = 24 };
    pw_fetch *f[KEYS];
    char key[KEYS][24];
    mesh m;

    come_up(&m, 300 + (uint64_t)_i, 4, 1);
    for (int i = 0; i < KEYS / 2; i++) {
        (void)snprintf(key[i], sizeof key[i], "privacy+%d", i);
        f[i] = pw_get(m.w, m.client, MESH_WEB, 80, 100, 1000, key[i]);
        ck_assert_int_eq(mesh_await(&m, f[i], 20 * QN_SEC), PW_DONE);
    }
    pw_kill(m.w, _i % 2 == 0 ? m.relay[_i % 4] : m.exit[0]);
    for (int i = KEYS / 2; i < KEYS; i++) {
        (void)snprintf(key[i], sizeof key[i], "privacy+%d", i);
        f[i] = pw_get(m.w, m.client, MESH_WEB, 80, 100, 1000, key[i]);
        ck_assert_msg(mesh_await(&m, f[i], 5 * QN_SEC) == PW_DONE,
                      "run %d: request %d was not served within 5 s", _i, i);
        ck_assert_msg(!asked_in_vain(pw_core(m.client)),
                      "run %d: request %d led twice to a hop that was silent", _i, i);
    }
    mesh_free(&m);
}
END_TEST

typedef struct begun {
    const qn_node *n;
    qn_time after;
    unsigned count;
} begun;

static bool one_begun(void *ctx)
{
    begun *b = ctx;

    b->count = 0;
    for (const circuit *c = b->n->circuits; c != NULL; c = c->next)
        b->count += c->core.started > b->after;
    return b->count > 0;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

/* Where every circuit is late, more of them make nothing better: two hops answer after three
 * seconds each, and by then one has been begun at once, one after 1 s and one after 3. */
START_TEST(company_of_late_circuits_comes_ever_more_slowly)
{
    enum { KEYS = 8 }; /* each of which takes one of the circuits that are ready */
    char key[24];
    begun b = {0};
    mesh m;

    come_up(&m, 400 + (uint64_t)_i, 4, 1);
    pw_core(m.client)->cfg.pool = 1;
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof key, "privacy+%d", i);
        ck_assert_int_eq(
            mesh_await(&m, pw_get(m.w, m.client, MESH_WEB, 80, 100, 1000, key), 20 * QN_SEC),
            PW_DONE);
    }
    m.w->cfg.delay_min = m.w->cfg.delay_max = 1500 * QN_MS;
    b = (begun){.n = pw_core(m.client), .after = pw_core(m.client)->env->now};
    (void)pw_get(m.w, m.client, MESH_WEB, 80, 100, 1000, "privacy+fresh");
    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, one_begun, &b));
    ck_assert(!pw_run(m.w, pw_now(m.w) + 5500 * QN_MS, never, NULL));
    (void)one_begun(&b);
    ck_assert_uint_eq(b.count, 3);
    mesh_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket deaths");
    TCase *t = tcase_create("offsets");

    tcase_set_timeout(t, 3600);
    tcase_add_loop_test(t, a_hop_that_dies_costs_one_error_and_five_seconds_at_most, 0,
                        OFFSETS * HOPS);
    tcase_add_loop_test(t, nobody_waits_for_a_circuit_that_may_never_be_built, 0, 48);
    tcase_add_loop_test(t, company_of_late_circuits_comes_ever_more_slowly, 0, 8);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
