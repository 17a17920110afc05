/*
 * Floods of circuits: ten thousand begun and ended within a second, by a listed node and by a
 * client. Nobody computes beyond the beginner's budget, and afterwards every counter, table and
 * budget of every node is what it was.
 */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

enum { FLOOD = 10000, ROUNDS = 200, BATCH = FLOOD / ROUNDS };

static void start(mesh *m, uint64_t seed)
{
    mesh_new(
        m,
        &(mesh_cfg){
            .world = {.seed = seed, .delay_min = QN_MS, .delay_max = 5 * QN_MS, .window = 4 << 20},
            .relays = 3,
            .exits = 1,
            .route = QN_ROUTE_PRIVACY});
    ck_assert(mesh_ready(m, 60 * QN_SEC));
}

static void run_for(mesh *m, qn_time t)
{
    (void)pw_run(m->w, pw_now(m->w) + t, NULL, NULL);
}

/* ---- what is counted, counted again ---------------------------------------------------------- */

static void check_node(pw_node *node)
{
    const qn_node *n = pw_core(node);
    uint32_t streams = 0, counted = 0, relays = 0;

    for (const relay *r = n->relays; r != NULL; r = r->next) {
        relays++;
        ck_assert_uint_eq(r->forward.n + r->backward.n, 0);
        streams += (r->prev_tie.nb != NULL ? 1u : 0u) + (r->next_tie.nb != NULL ? 1u : 0u);
    }
    for (const circuit *c = n->circuits; c != NULL; c = c->next)
        streams += c->tie.nb != NULL;
    for (const edge *e = n->edges; e != NULL; e = e->next)
        streams += e->tie.nb != NULL;
    for (const answer *a = n->answers; a != NULL; a = a->next)
        streams++;
    for (const neighbour *nb = n->neighbours; nb != NULL; nb = nb->next) {
        counted += nb->link.streams_n;
        ck_assert_uint_eq(nb->link.closing_n, 0);
    }
    ck_assert_uint_eq(relays, n->relays_n);
    ck_assert_uint_eq(n->budget.used, 0);
    ck_assert_uint_eq(counted, streams);
}

static void check_all(mesh *m)
{
    for (uint32_t i = 0; i < m->w->nodes_n; i++)
        check_node(m->w->node[i]);
}

static uint64_t used(mesh *m)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < m->w->nodes_n; i++)
        all += m->w->node[i]->env.mem.used;
    return all;
}

/* ---- a listed node floods another ------------------------------------------------------------ */

static neighbour *link_between(mesh *m, pw_node *from, pw_node *to)
{
    const qn_relay *r;
    neighbour *nb;

    pw__stamp(from);
    r = qn_snapshot_find(pw_core(from)->snapshot, &pw_core(to)->id);
    ck_assert_ptr_nonnull(r);
    nb = neighbour_get(pw_core(from), r);
    node_settle(pw_core(from));
    pw__drain(from);
    run_for(m, QN_SEC);
    ck_assert(nb != NULL && nb->under.up);
    return nb;
}

/* What a CREATE of ours says; all say the same, for nobody remembers one. */
static void create_cell(pw_node *from, const qn_node *to, uint8_t data[QN_CREATE_SIZE])
{
    qn_hop_key key = {.id = to->id, .onion = to->circuits_shared.keys[0].pub};
    qn_noise x;

    ck_assert(qn_create_begin(&x, &pw_core(from)->circuits_shared, &key, data) == QN_OK);
    qn_noise_clear(&x);
}

static void settle(pw_node *n)
{
    node_settle(pw_core(n));
    pw__drain(n);
}

/* Begins circuits, and ends them before any answer can have come. */
static void begin_and_end(pw_node *from, neighbour *nb, const uint8_t data[QN_CREATE_SIZE])
{
    uint32_t id[BATCH];

    pw__stamp(from);
    for (unsigned i = 0; i < BATCH; i++) {
        qn_piece cell;

        ck_assert(qn_link_open(&nb->link, QN_KIND_CIRCUIT, NULL, &id[i]) == QN_OK);
        ck_assert(qn_create_cell(&from->env, QN_CMD_CREATE, data, QN_CREATE_SIZE, &cell) == QN_OK);
        ck_assert(qn_link_send(&nb->link, id[i], cell, false) == QN_OK);
    }
    neighbour_touch(nb);
    settle(from);
    for (unsigned i = 0; i < BATCH; i++)
        qn_link_close(&nb->link, id[i], QN_CLOSE_DONE);
    neighbour_touch(nb);
    settle(from);
}

START_TEST(ten_thousand_circuits_of_a_relay_in_a_second_leave_nothing)
{
    uint8_t data[QN_CREATE_SIZE];
    qn_counters before, after;
    uint64_t held, done, refused;
    neighbour *nb;
    pw_fetch *f;
    mesh m;

    start(&m, 31);
    nb = link_between(&m, m.relay[0], m.relay[1]);
    create_cell(m.relay[0], pw_core(m.relay[1]), data);
    run_for(&m, 120 * QN_SEC); /* what the client built has ended */
    nb = link_between(&m, m.relay[0], m.relay[1]);
    begin_and_end(m.relay[0], nb, data); /* tables have their sizes now */
    run_for(&m, 10 * QN_SEC);
    held = used(&m);
    before = mesh_status(m.relay[1]).counters;
    for (unsigned i = 0; i < ROUNDS; i++) {
        begin_and_end(m.relay[0], nb, data);
        run_for(&m, QN_SEC / ROUNDS);
    }
    run_for(&m, 2 * QN_SEC);
    after = mesh_status(m.relay[1]).counters;
    done = after.handshakes - before.handshakes;
    refused = after.circuits_refused - before.circuits_refused;
    ck_assert_uint_eq(done + refused, FLOOD);
    ck_assert_uint_le(done, QN_BIRTHS_RELAY + 2048 + 16);
    ck_assert_uint_ge(done, QN_BIRTHS_RELAY + 2048 - 64);
    ck_assert_uint_eq(pw_core(m.relay[1])->relays_n, 0);
    check_all(&m);
    ck_assert_uint_le(used(&m), held + 65536); /* heaps and maps may stay as large as they grew */
    f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 20000, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    mesh_free(&m);
}
END_TEST

/* ---- a client floods its entry --------------------------------------------------------------- */

static uint32_t begun(mesh *m)
{
    return (uint32_t)mesh_status(m->client).counters.circuits_failed +
           (uint32_t)mesh_status(m->client).counters.circuits_built;
}

/* All the circuits it may have, ended at every stage of their building. */
static void churn(mesh *m, unsigned round)
{
    qn_node *n = pw_core(m->client);

    n->cfg.pool = QN_CIRCUITS_MAX;
    n->pool_wanted = pw_now(m->w);
    n->pool_failures = 0;
    pw__stamp(m->client);
    client_pool(n);
    settle(m->client);
    run_for(m, (1 + round % 40) * QN_MS);
    pw__stamp(m->client);
    for (circuit *c = n->circuits; c != NULL; c = c->next) {
        qn_circuit_end(&c->core);
        client_event(c);
    }
    settle(m->client);
}

START_TEST(a_client_that_builds_and_ends_without_pause_is_held_to_its_budget)
{
    uint64_t handshakes = 0, refused = 0;
    qn_time began;
    pw_fetch *f;
    mesh m;

    start(&m, 32);
    began = pw_now(m.w);
    for (unsigned i = 0; i < 100; i++)
        churn(&m, i);
    pw_core(m.client)->cfg.pool = 4;
    ck_assert_uint_ge(begun(&m), 2000);
    run_for(&m, 5 * QN_SEC);
    for (uint32_t i = 0; i < m.w->nodes_n; i++) {
        handshakes = QN_MAX(handshakes, mesh_status(m.w->node[i]).counters.handshakes);
        refused += mesh_status(m.w->node[i]).counters.circuits_refused;
    }
    ck_assert_uint_gt(refused, 0);
    /* Two entries at most, each with the burst and what came since; and each hop of a circuit. */
    ck_assert_uint_le(handshakes,
                      2 * 2 * (QN_BIRTHS_LINK + 16 * ((pw_now(m.w) - began) / QN_SEC + 1)));
    run_for(&m, 120 * QN_SEC);
    check_all(&m);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 20000, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    mesh_free(&m);
}
END_TEST

/* ---- the budgets by themselves --------------------------------------------------------------- */

/* A neighbour of the exit's that no snapshot lists, from an address. */
static void stranger(neighbour *nb, mesh *m, uint8_t last)
{
    *nb = (neighbour){.n = pw_core(m->exit[0])};
    nb->under.leg_addr[0] = (qn_addr){.family = 4, .ip = {192, 0, 2, last}, .port = 7};
}

static unsigned allowed(neighbour *nb, unsigned asked)
{
    unsigned n = 0;

    for (unsigned i = 0; i < asked; i++)
        n += births_allow(nb);
    return n;
}

START_TEST(a_link_has_a_budget_and_an_address_one_for_all_its_links)
{
    neighbour one, more[8], other;
    unsigned all = 0;
    mesh m;

    start(&m, 33);
    pw__stamp(m.exit[0]);
    stranger(&one, &m, 1);
    ck_assert_uint_eq(allowed(&one, 1000), QN_BIRTHS_LINK);
    for (unsigned i = 0; i < QN_LEN(more); i++) {
        stranger(&more[i], &m, 1);
        all += allowed(&more[i], 1000);
    }
    ck_assert_uint_eq(all + QN_BIRTHS_LINK, QN_BIRTHS_ADDRESS);
    stranger(&other, &m, 2);
    ck_assert_uint_eq(allowed(&other, 1000), QN_BIRTHS_LINK);
    run_for(&m, QN_SEC);
    pw__stamp(m.exit[0]);
    ck_assert_uint_eq(allowed(&one, 1000), QN_BIRTHS_LINK / 16);
    mesh_free(&m);
}
END_TEST

START_TEST(more_addresses_than_the_table_holds_evict_those_that_owe_least)
{
    neighbour first, again, other;
    mesh m;

    start(&m, 34);
    pw__stamp(m.exit[0]);
    for (unsigned i = 0; i < QN_BIRTHS_ADDRESS / QN_BIRTHS_LINK; i++) {
        stranger(&first, &m, 0);
        ck_assert_uint_eq(allowed(&first, 1000), QN_BIRTHS_LINK);
    }
    for (unsigned i = 0; i < 1000; i++) {
        stranger(&other, &m, (uint8_t)i);
        other.under.leg_addr[0].ip[2] = (uint8_t)(10 + i / 256);
        ck_assert_uint_eq(allowed(&other, 1), 1);
    }
    stranger(&again, &m, 0);
    ck_assert_uint_eq(allowed(&again, 1000), 0);
    mesh_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket floods");
    TCase *t = tcase_create("floods");

    tcase_set_timeout(t, 300);
    tcase_add_test(t, ten_thousand_circuits_of_a_relay_in_a_second_leave_nothing);
    tcase_add_test(t, a_client_that_builds_and_ends_without_pause_is_held_to_its_budget);
    tcase_add_test(t, a_link_has_a_budget_and_an_address_one_for_all_its_links);
    tcase_add_test(t, more_addresses_than_the_table_holds_evict_those_that_owe_least);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
