/*
 * Attacks on whole meshes: what a hostile or merely unlucky neighbour, user or destination may try.
 * Each test is one attack that once worked.
 */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

static void mesh_started(mesh *m, qn_route route, uint32_t window)
{
    mesh_new(m,
             &(mesh_cfg){
                 .world = {.seed = 7, .delay_min = QN_MS, .delay_max = 5 * QN_MS, .window = window},
                 .relays = 3,
                 .exits = 1,
                 .route = route});
    ck_assert(mesh_ready(m, 60 * QN_SEC));
}

static void run_for(mesh *m, qn_time span)
{
    (void)pw_run(m->w, pw_now(m->w) + span, NULL, NULL);
}

static bool asked(void *f)
{
    return pw_socks_reply(f) >= 0;
}

/* The pipe of the only user. */
static pw_pipe *user_pipe(pw_world *w)
{
    pw_pipe *p = w->pipes;

    while (p->dead || p->end[0].kind != HOLD_FETCH)
        p = p->next;
    return p;
}

/* ---- lifetimes ------------------------------------------------------------------------------- */

/* Both directions have ended, bytes still wait for a user who does not read; then the circuit they
 * came on goes away, and only then does he read them. */
START_TEST(bytes_of_an_ended_stream_outlive_their_circuit)
{
    mesh m;
    pw_fetch *f;

    mesh_started(&m, QN_ROUTE_PRIVACY, 2000);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 30000, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, asked, f));
    pw_pause_reading(m.w, f, true);
    run_for(&m, QN_SEC);
    pw__write(m.w, user_pipe(m.w), 0, NULL, 0, true);
    run_for(&m, QN_SEC);
    for (unsigned i = 0; i < 3; i++)
        pw_kill(m.w, m.relay[i]);
    pw_kill(m.w, m.exit[0]);
    run_for(&m, QN_SEC);
    ck_assert(!user_pipe(m.w)->end[1].closing); /* a close gives its reader 200 ms */
    pw_pause_reading(m.w, f, false);
    run_for(&m, QN_SEC);
    ck_assert(pw_outcome(f) == PW_DONE);
    mesh_free(&m);
}
END_TEST

/* The minute to ask the directory again comes while a stop waits for peers who do not read. */
START_TEST(a_stop_ends_though_the_directory_is_due)
{
    mesh m;

    mesh_started(&m, QN_ROUTE_FAST, 0);
    (void)pw_run(m.w, 60 * QN_SEC, NULL, NULL);
    pw_stall(m.client);
    pw_stop(m.w, m.client);
    run_for(&m, 3 * QN_SEC);
    ck_assert(pw_stopped(m.client));
    mesh_free(&m);
}
END_TEST

static neighbour *dialled(pw_node *n)
{
    neighbour *nb = pw_core(n)->neighbours;

    while (nb != NULL && !(nb->outbound && nb->under.up))
        nb = nb->next;
    return nb;
}

/* So much is sealed for a peer who does not read that not even CLOSE has room. */
START_TEST(a_link_that_is_over_does_not_wait_for_a_peer_who_never_reads)
{
    mesh m;
    neighbour *nb;
    uint64_t serial;

    mesh_started(&m, QN_ROUTE_FAST, 0);
    (void)pw_get(m.w, m.client, MESH_WEB, 80, 64u << 20, 1, NULL);
    run_for(&m, QN_SEC);
    pw_stall(m.client);
    run_for(&m, 2 * QN_SEC); /* a silent carrier is left after three */
    nb = dialled(m.client);
    while (nb != NULL && nb->under.carrier->kind->room(nb->under.carrier) > 0)
        nb = nb->next;
    ck_assert(nb != NULL);
    serial = nb->serial;
    pw__stamp(m.client);
    neighbour_end(nb, QN_CLOSE_MALFORMED);
    node_settle(pw_core(m.client));
    pw__drain(m.client);
    run_for(&m, 10 * QN_SEC);
    for (nb = pw_core(m.client)->neighbours; nb != NULL; nb = nb->next)
        ck_assert_uint_ne(nb->serial, serial); /* another may have been dialled meanwhile */
    mesh_free(&m);
}
END_TEST

/* Silence is a reason to dial again; where that may not be, it is none to be woken at once, again
 * and again. */
START_TEST(a_silent_link_that_may_not_move_keeps_no_node_busy)
{
    mesh m;

    mesh_started(&m, QN_ROUTE_FAST, 0);
    (void)pw_get(m.w, m.client, MESH_WEB, 80, 64u << 20, 1, NULL);
    run_for(&m, QN_SEC);
    for (neighbour *nb = pw_core(m.client)->neighbours; nb != NULL; nb = nb->next)
        nb->right.token = 0;
    pw_stall(m.client);
    for (unsigned i = 0; i < 60; i++) {
        run_for(&m, QN_SEC);
        ck_assert(qn_node_due(pw_core(m.client)) > pw_now(m.w));
    }
    mesh_free(&m);
}
END_TEST

static uint32_t strangers(pw_node *n)
{
    uint32_t count = 0;

    for (const neighbour *nb = pw_core(n)->neighbours; nb != NULL; nb = nb->next)
        count += !nb->outbound && !nb->known && !nb->over;
    return count;
}

/* As a laptop whose lid is closed: no FIN, no RST, nothing. */
START_TEST(a_client_that_vanished_is_forgotten)
{
    mesh m;

    mesh_started(&m, QN_ROUTE_FAST, 0);
    ck_assert_uint_eq(strangers(m.exit[0]), 1);
    pw_stall(m.client);
    m.client->dead = true;
    run_for(&m, 300 * QN_SEC);
    ck_assert_uint_eq(strangers(m.exit[0]), 0);
    m.client->dead = false;
    mesh_free(&m);
}
END_TEST

/* ---- floods ---------------------------------------------------------------------------------- */

/* The hostile client's link to a node. */
static neighbour *link_to(pw_node *from, pw_node *to)
{
    neighbour *nb = pw_core(from)->neighbours;

    while (nb != NULL && (nb->over || !qn_peerid_equal(&nb->id, &pw_core(to)->id)))
        nb = nb->next;
    ck_assert(nb != NULL);
    return nb;
}

/* Opens streams without ever finishing what they are for. */
static void open_many(mesh *m, pw_node *from, neighbour *nb, qn_stream_kind kind, unsigned n)
{
    pw__stamp(from);
    for (unsigned i = 0; i < n; i++) {
        uint32_t id;

        ck_assert(qn_link_open(&nb->link, kind, NULL, &id) == QN_OK);
        ck_assert(qn_link_send_bytes(&nb->link, id, "\0", 1, false) == QN_OK);
    }
    neighbour_touch(nb);
    node_settle(pw_core(from));
    pw__drain(from);
    run_for(m, QN_SEC);
}

START_TEST(an_unfinished_request_holds_no_directory)
{
    mesh m;

    mesh_started(&m, QN_ROUTE_FAST, 1 << 20);
    open_many(&m, m.client, link_to(m.client, m.super), QN_KIND_DIRECTORY, 100);
    ck_assert_uint_eq(pw_core(m.super)->answers_n, QN_ANSWERS_PER_LINK); /* the others gave way */
    run_for(&m, 90 * QN_SEC);
    ck_assert_uint_eq(pw_core(m.super)->answers_n, 0);
    mesh_free(&m);
}
END_TEST

START_TEST(a_stranger_has_no_more_streams_than_a_client_needs)
{
    mesh m;
    uint64_t before;

    mesh_started(&m, QN_ROUTE_FAST, 1 << 20);
    before = pw_node_env(m.exit[0])->mem.used;
    open_many(&m, m.client, link_to(m.client, m.exit[0]), QN_KIND_APP, 20000);
    ck_assert_uint_le(pw_core(m.exit[0])->edges_n, QN_STRANGER_STREAMS);
    ck_assert_uint_le(pw_node_env(m.exit[0])->mem.used, before + (4 << 20));
    mesh_free(&m);
}
END_TEST

/* The relay's link is older than its place in the list. */
START_TEST(who_is_listed_by_now_is_no_stranger)
{
    mesh m;

    mesh_started(&m, QN_ROUTE_FAST, 1 << 20);
    open_many(&m, m.relay[0], link_to(m.relay[0], m.super), QN_KIND_APP, 2 * QN_STRANGER_STREAMS);
    ck_assert_uint_ge(pw_core(m.super)->edges_n, 2 * QN_STRANGER_STREAMS);
    mesh_free(&m);
}
END_TEST

/* A first message that is right: all of it but a key's proof. */
static size_t first_message(mesh *m, uint8_t out[256])
{
    qn_env *env = pw_env(m->w);
    const qn_operator *o = &m->net.operators[0];
    qn_carrier_cfg cfg = {.initiator = true, .responder = o->id};
    qn_carrier *c;
    qn_slice v[1];

    memcpy(cfg.responder_key.b, o->link_key, 32);
    memcpy(cfg.network, m->net.id, 32);
    qn_rng_fill(env, cfg.own_key.b, 32);
    ck_assert(qn_carrier_bare.create(&c, env, &cfg) == QN_OK);
    qn_carrier_opened(c, 0);
    ck_assert_uint_eq(qn_carrier_peek(c, 0, v, 1), 1);
    ck_assert_uint_le(v[0].n, 256);
    memcpy(out, v[0].p, v[0].n);
    qn_carrier_destroy(c);
    return v[0].n;
}

/* Promise P3, however far a stranger gets without proving a key: nothing said, half a message, a
 * forged one, a right one and no interest in the answer (e and ee besides es). */
START_TEST(a_stranger_costs_at_most_four_kibibytes_and_one_x25519)
{
    enum { STRANGERS = 512 };
    static const uint64_t dh_most[] = {0, 0, 1, 3};
    static const qn_addr from = {.family = 4, .ip = {198, 51, 100, 9}, .port = 9};
    uint8_t said[256];
    uint64_t before, dh;
    size_t n;
    mesh m;

    mesh_started(&m, QN_ROUTE_FAST, 0);
    n = first_message(&m, said);
    n = _i == 0 ? 0 : _i == 1 ? n / 2 : n;
    said[n > 0 ? n - 1 : 0] ^= _i == 2;
    pw__stamp(m.super);
    before = pw_node_env(m.super)->mem.used;
    dh = mesh_status(m.super).counters.dh;
    for (unsigned i = 0; i < STRANGERS; i++) {
        qn_conn c = qn_node_accepted(pw_core(m.super), QN_LISTEN_LINK, &from, &from);
        qn_span v[1];

        ck_assert(c != 0);
        if (n == 0)
            continue;
        ck_assert_uint_eq(qn_node_space(pw_core(m.super), c, v, 1), 1);
        memcpy(v[0].p, said, n);
        qn_node_commit(pw_core(m.super), c, n);
    }
    ck_assert_uint_le((pw_node_env(m.super)->mem.used - before) / STRANGERS, 4096);
    ck_assert_uint_le((mesh_status(m.super).counters.dh - dh) / STRANGERS, dh_most[_i]);
    mesh_free(&m);
}
END_TEST

/* ---- worlds that say things twice -------------------------------------------------------------
 */

START_TEST(a_second_answer_to_a_query_is_ignored)
{
    static const qn_addr other = {.family = 4, .ip = {93, 184, 216, 99}, .port = 80};
    const edge *e;
    pw_fetch *f;
    mesh m;

    mesh_started(&m, QN_ROUTE_FAST, 2000);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 100000, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, asked, f));
    e = pw_core(m.exit[0])->edges != NULL ? pw_core(m.exit[0])->edges : pw_core(m.super)->edges;
    ck_assert(e != NULL && e->state == EDGE_OPEN);
    qn_node_resolved(e->n, e->conn, &other, 1, QN_OK);
    ck_assert(mesh_await(&m, f, 30 * QN_SEC) == PW_DONE);
    mesh_free(&m);
}
END_TEST

/* ---- old lists ------------------------------------------------------------------------------- */

/* Whoever keeps a client from the directories keeps it on a list for a day at most. */
START_TEST(a_list_a_day_old_leads_nowhere)
{
    mesh m;
    pw_fetch *f;

    mesh_started(&m, _i ? QN_ROUTE_PRIVACY : QN_ROUTE_FAST, 0);
    pw_kill(m.w, m.super);
    run_for(&m, 3600 * QN_SEC);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 1000, NULL);
    ck_assert(mesh_await(&m, f, 60 * QN_SEC) == PW_DONE);
    run_for(&m, 24 * 3600 * QN_SEC);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 1000, NULL);
    ck_assert(mesh_await(&m, f, 60 * QN_SEC) == PW_FAILED);
    ck_assert_int_gt(pw_socks_reply(f), 0);
    ck_assert(mesh_status(m.client).state != QN_CONNECTED);
    mesh_free(&m);
}
END_TEST

/* ---- no memory ------------------------------------------------------------------------------- */

/* There is memory for a stranger, but not to make the heap of timers larger. Who gets no deadline
 * gets no place. */
START_TEST(no_stranger_is_without_a_deadline)
{
    static const qn_addr from = {.family = 4, .ip = {198, 51, 100, 9}, .port = 9};
    qn_node *super;
    qn_env *env;
    mesh m;

    mesh_started(&m, QN_ROUTE_FAST, 0);
    super = pw_core(m.super);
    env = pw_node_env(m.super);
    for (unsigned i = 0; i < 1500; i++) {
        pw__stamp(m.super);
        env->mem.limit = env->mem.used + (i % 300 == 299 ? 1 << 20 : 3000);
        (void)qn_node_accepted(super, QN_LISTEN_LINK, &from, &from);
        env->mem.limit = UINT64_C(256) << 20;
    }
    run_for(&m, 1);
    for (const neighbour *nb = super->neighbours; nb != NULL; nb = nb->next)
        ck_assert(nb->under.up || nb->timer.pos != 0);
    mesh_free(&m);
}
END_TEST

static bool opening_now(void *client)
{
    const edge *e = pw_core(client)->edges;

    return e != NULL && e->state == EDGE_OPENING;
}

/* OPENED comes when there is no memory to say so, or to send on what the application said early. */
START_TEST(an_answer_that_cannot_be_said_resets_the_application)
{
    uint64_t no_more;
    pw_fetch *f;
    edge *e;
    mesh m;

    mesh_started(&m, _i & 1 ? QN_ROUTE_PRIVACY : QN_ROUTE_FAST, 0);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 1000, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, opening_now, m.client));
    e = pw_core(m.client)->edges;
    e->opening->in_n = 100;
    pw__stamp(m.client);
    no_more =
        pw_node_env(m.client)->mem.used + (_i & 2 ? sizeof(qn_block) + QN_BLOCK_SMALL + 64 : 0);
    pw_node_env(m.client)->mem.limit = no_more;
    open_answer(e, QN_APP_DONE);
    node_settle(pw_core(m.client));
    pw_node_env(m.client)->mem.limit = UINT64_C(256) << 20;
    pw__drain(m.client);
    ck_assert(mesh_await(&m, f, 60 * QN_SEC) == PW_FAILED);
    ck_assert(!pw_clean_end(f) && !pw_corrupt(f));
    mesh_free(&m);
}
END_TEST

/* The exit that is connecting now; NULL: neither. */
static pw_node *connecting(const mesh *m)
{
    pw_node *const exits[] = {m->exit[0], m->super};

    for (unsigned i = 0; i < QN_LEN(exits); i++) {
        const edge *e = pw_core(exits[i])->edges;

        if (e != NULL && e->state == EDGE_OPENING && e->conn != 0)
            return exits[i];
    }
    return NULL;
}

static bool connecting_now(void *m)
{
    return connecting(m) != NULL;
}

/* Without OPENED the destination's first bytes would stand where OPENED is expected. */
START_TEST(an_exit_that_cannot_say_opened_sends_nothing_else)
{
    pw_node *exit;
    pw_fetch *f;
    edge *e;
    mesh m;

    mesh_started(&m, QN_ROUTE_FAST, 0);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 1000, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, connecting_now, &m));
    exit = connecting(&m);
    e = pw_core(exit)->edges;
    pw__stamp(exit);
    pw_node_env(exit)->mem.limit = pw_node_env(exit)->mem.used;
    open_connected(e, QN_OK);
    ck_assert(e->state == EDGE_OVER);
    node_settle(pw_core(exit));
    pw_node_env(exit)->mem.limit = UINT64_C(256) << 20;
    pw__drain(exit);
    ck_assert(mesh_await(&m, f, 60 * QN_SEC) == PW_FAILED);
    ck_assert_uint_eq(pw_received(f), 0);
    mesh_free(&m);
}
END_TEST

/* For a moment a node has no memory at all. What it carries ends or goes on; nothing just stops. */
START_TEST(a_moment_without_memory_leaves_nothing_hanging)
{
    mesh m;
    pw_node *poor;
    pw_fetch *f;

    mesh_started(&m, _i & 1 ? QN_ROUTE_PRIVACY : QN_ROUTE_FAST, 0);
    poor = _i & 2 ? m.exit[0] : m.client;
    f = pw_get(m.w, m.client, MESH_WEB, 80, _i & 4 ? 4u << 20 : 1, _i & 4 ? 1 : 4u << 20, NULL);
    run_for(&m, (50 + (qn_time)_i * 7) * QN_MS);
    for (unsigned i = 0; i < 20 && pw_outcome(f) == PW_RUNNING; i++) {
        pw_node_env(poor)->mem.limit = pw_node_env(poor)->mem.used;
        run_for(&m, QN_MS + i * 200 * QN_US);
        pw_node_env(poor)->mem.limit = UINT64_C(256) << 20;
        run_for(&m, 5 * QN_MS);
    }
    ck_assert(mesh_await(&m, f, 90 * QN_SEC) != PW_RUNNING);
    ck_assert(!pw_corrupt(f));
    ck_assert(pw_outcome(f) == PW_DONE || pw_socks_reply(f) != 0 || !pw_clean_end(f));
    mesh_free(&m);
}
END_TEST

/* The end that has been spoken to, and whose it is: exits and supers may be. */
static relay *spoken_to(mesh *m, pw_node **whose)
{
    for (uint32_t i = 0; i < m->w->nodes_n; i++)
        for (relay *r = pw_core(m->w->node[i])->relays; r != NULL; r = r->next)
            if (qn_hop_apps(&r->hop) != NULL) {
                *whose = m->w->node[i];
                return r;
            }
    return NULL;
}

static void answers_unasked(pw_node *exit, relay *r)
{
    pw__stamp(exit);
    qn_hop_apps(&r->hop)->pong = true;
    chore_add(r->n, &r->chore);
    node_settle(r->n);
    pw__drain(exit);
}

/* All streams go where the way is short, so an exit would like to look near. This one answers PINGs
 * before they come, with the last value it was asked by. */
START_TEST(an_exit_does_not_get_nearer_by_answers_to_no_question)
{
    mesh m;
    relay *last;
    pw_node *exit;
    pw_fetch *f;

    mesh_new(&m, &(mesh_cfg){.world = {.seed = 7, .delay_min = 20 * QN_MS, .delay_max = 20 * QN_MS},
                             .relays = 3,
                             .exits = 1,
                             .route = QN_ROUTE_PRIVACY});
    pw_core(m.client)->cfg.pool = 1;
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    pw_core(m.client)->net.lab = false; /* a lab's circuits take turns: nothing is measured */
    f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 10, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 30 * QN_SEC), PW_DONE);
    run_for(&m, 10 * QN_SEC); /* the next stream asks again */
    last = spoken_to(&m, &exit);
    ck_assert_ptr_nonnull(last);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 10, NULL);
    while (pw_outcome(f) == PW_RUNNING) {
        answers_unasked(exit, last);
        run_for(&m, 10 * QN_MS);
    }
    ck_assert_int_eq(pw_outcome(f), PW_DONE);
    ck_assert_uint_ge(pw_core(m.client)->circuits->trip, 2 * 3 * 20 * QN_MS);
    mesh_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("attack");
    TCase *life = tcase_create("lifetimes"), *floods = tcase_create("floods");

    tcase_set_timeout(life, 60);
    tcase_add_test(life, bytes_of_an_ended_stream_outlive_their_circuit);
    tcase_add_test(life, a_stop_ends_though_the_directory_is_due);
    tcase_add_test(life, a_link_that_is_over_does_not_wait_for_a_peer_who_never_reads);
    tcase_add_test(life, a_silent_link_that_may_not_move_keeps_no_node_busy);
    tcase_add_test(life, a_client_that_vanished_is_forgotten);
    suite_add_tcase(s, life);
    tcase_add_loop_test(life, a_moment_without_memory_leaves_nothing_hanging, 0, 32);
    tcase_add_test(life, a_second_answer_to_a_query_is_ignored);
    tcase_add_loop_test(life, a_list_a_day_old_leads_nowhere, 0, 2);
    tcase_add_loop_test(life, an_answer_that_cannot_be_said_resets_the_application, 0, 4);
    tcase_add_test(life, an_exit_that_cannot_say_opened_sends_nothing_else);
    tcase_add_test(life, an_exit_does_not_get_nearer_by_answers_to_no_question);
    tcase_set_timeout(floods, 60);
    tcase_add_test(floods, no_stranger_is_without_a_deadline);
    tcase_add_test(floods, an_unfinished_request_holds_no_directory);
    tcase_add_test(floods, who_is_listed_by_now_is_no_stranger);
    tcase_add_test(floods, a_stranger_has_no_more_streams_than_a_client_needs);
    tcase_add_loop_test(floods, a_stranger_costs_at_most_four_kibibytes_and_one_x25519, 0, 4);
    suite_add_tcase(s, floods);
    return s;
}

QT_MAIN(suite)
