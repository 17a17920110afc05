/* What users were promised, on whole meshes: ends, refusals, isolation, memory, lifetimes. */
#include "base/limits.h"
#include "pocket/mesh.h"
#include "support/qt.h"

#include <stdio.h>

static const qn_addr web = {.family = 4, .ip = {93, 184, 216, 35}, .port = 80};

static void start(mesh *m, uint64_t seed, qn_route route)
{
    mesh_cfg cfg = {.world = {.seed = seed, .delay_min = 2 * QN_MS, .delay_max = 20 * QN_MS},
                    .relays = 3,
                    .exits = 1,
                    .route = route};

    mesh_new(m, &cfg);
    ck_assert(mesh_ready(m, 30 * QN_SEC));
}

static void run_for(mesh *m, qn_time t)
{
    (void)pw_run(m->w, pw_now(m->w) + t, NULL, NULL);
}

static qn_route route_of(int i)
{
    return i % 2 ? QN_ROUTE_PRIVACY : QN_ROUTE_FAST;
}

/* ---- ends ------------------------------------------------------------------------------------ */

typedef struct progress {
    const pw_fetch *f;
    uint64_t bytes;
} progress;

static bool far_enough(void *ctx)
{
    const progress *p = ctx;

    return pw_received(p->f) >= p->bytes || pw_outcome(p->f) != PW_RUNNING;
}

START_TEST(a_killed_exit_or_relay_ends_streams_in_an_error)
{
    mesh m;
    pw_fetch *f;
    progress half;

    start(&m, (uint64_t)_i, route_of(_i));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 100, 4 << 20, NULL);
    half = (progress){f, 1 << 20};
    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, far_enough, &half));
    /* Whoever carries it dies: with 3 hops that is some of these, with 1 hop an exit. */
    pw_kill(m.w, m.exit[0]);
    pw_kill(m.w, m.super);
    for (unsigned i = 0; i < 3; i++)
        pw_kill(m.w, m.relay[i]);
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_FAILED);
    ck_assert(!pw_clean_end(f));
    ck_assert(!pw_corrupt(f));
    ck_assert_uint_lt(pw_received(f), 4 << 20);
    mesh_free(&m);
}
END_TEST

START_TEST(a_server_that_resets_in_mid_body_resets_the_application)
{
    mesh m;
    pw_fetch *f;

    start(&m, 7, route_of(_i));
    (void)pw_serve(m.w, "reset.example", &web, PW_RESET_MID);
    f = pw_get(m.w, m.client, "reset.example", 80, 10, 1 << 20, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_FAILED);
    ck_assert(!pw_clean_end(f));
    ck_assert_int_eq(pw_socks_reply(f), 0);
    mesh_free(&m);
}
END_TEST

/* Nothing of the stream has been sent yet, so another path serves as well. */
START_TEST(a_stream_whose_path_dies_before_it_opens_takes_another)
{
    bool opened;
    mesh m;
    pw_fetch *f;

    start(&m, 19, route_of(_i));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 50000, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 50000, NULL);
    run_for(&m, (unsigned)_i * 5 * QN_MS); /* at every stage of the request */
    opened = pw_socks_reply(f) == 0;
    while (pw_cut(m.w, m.client, NULL))
        ;
    (void)mesh_await(&m, f, 60 * QN_SEC);
    if (!opened && pw_socks_reply(f) != 0)
        ck_abort_msg("SOCKS reply %d", pw_socks_reply(f));
    mesh_free(&m);
}
END_TEST

/* ---- refusals -------------------------------------------------------------------------------- */

static int reply_to(mesh *m, const char *name, uint16_t port)
{
    pw_fetch *f = pw_get(m->w, m->client, name, port, 10, 10, NULL);

    (void)mesh_await(m, f, 60 * QN_SEC);
    return pw_socks_reply(f);
}

START_TEST(refusals_reach_the_application_with_their_own_code)
{
    static const qn_addr inside = {.family = 4, .ip = {10, 0, 0, 1}, .port = 80};
    mesh m;

    start(&m, 8, route_of(_i));
    (void)pw_serve(m.w, "refuse.example", &web, PW_REFUSE);
    (void)pw_serve(m.w, "inside.example", &inside, PW_SERVE);
    ck_assert_int_eq(reply_to(&m, "refuse.example", 80), 5);
    ck_assert_int_eq(reply_to(&m, "nowhere.example", 80), 4);
    ck_assert_int_eq(reply_to(&m, "inside.example", 80), 2);
    ck_assert_int_eq(reply_to(&m, MESH_WEB, 80), 0);
    mesh_free(&m);
}
END_TEST

/* ---- paths ----------------------------------------------------------------------------------- */

START_TEST(a_hundred_fetches_use_every_relay)
{
    mesh m;

    start(&m, 9, QN_ROUTE_PRIVACY);
    for (unsigned i = 0; i < 100; i++) {
        pw_fetch *f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 1000, NULL);

        ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    }
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_gt(mesh_status(m.relay[i]).counters.relayed, 20000);
    mesh_free(&m);
}
END_TEST

/* Bytes of requests that went into a circuit; *id 0: the one that has a stream. */
static uint64_t asked_of(const mesh *m, uint64_t *id)
{
    qn_circuit_info c;

    for (uint32_t i = 0; qn_node_circuit(pw_core(m->client), i, &c); i++)
        if (c.hops_len == 3 && (*id == 0 ? c.streams > 0 : c.id == *id)) {
            *id = c.id;
            return c.up;
        }
    ck_abort_msg("the circuit is gone");
    return 0;
}

static void fetch_for(mesh *m, unsigned minutes)
{
    for (unsigned i = 0; i < 6 * minutes; i++) {
        pw_fetch *f = pw_get(m->w, m->client, MESH_WEB, 80, 10, 1000, NULL);

        ck_assert_int_eq(mesh_await(m, f, 60 * QN_SEC), PW_DONE);
        run_for(m, 9 * QN_SEC);
    }
}

static bool is_flowing(void *f)
{
    return pw_received(f) > 0;
}

/* A stream that nobody reads keeps its circuit alive, and for ten minutes others come and go on it.
 */
START_TEST(a_circuit_in_use_for_ten_minutes_gets_no_new_stream)
{
    uint64_t id = 0, asked;
    mesh m;
    pw_fetch *slow;

    start(&m, 21, QN_ROUTE_PRIVACY);
    slow = pw_get(m.w, m.client, MESH_WEB, 80, 0, 8 << 20, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, is_flowing, slow));
    pw_pause_reading(m.w, slow, true);
    asked = asked_of(&m, &id);
    fetch_for(&m, 8);
    ck_assert_uint_gt(asked_of(&m, &id), asked);
    fetch_for(&m, 4);
    asked = asked_of(&m, &id);
    fetch_for(&m, 3);
    ck_assert_uint_eq(asked_of(&m, &id), asked);
    mesh_free(&m);
}
END_TEST

START_TEST(exactly_the_named_hops_carry_the_bytes)
{
    mesh m;
    pw_fetch *f;

    start(&m, 10, QN_ROUTE_FAST);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 1 << 20, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_lt(mesh_status(m.relay[i]).counters.aead_bytes, 65536);
    ck_assert_uint_eq(mesh_status(m.exit[0]).counters.exit_bytes +
                          mesh_status(m.super).counters.exit_bytes,
                      (1 << 20) + 10 + 16);
    mesh_free(&m);
}
END_TEST

static uint64_t circuit_of(mesh *m, const char *user)
{
    pw_fetch *f = pw_get(m->w, m->client, MESH_WEB, 80, 10, 1000, user);
    qn_event ev;

    ck_assert_int_eq(mesh_await(m, f, 60 * QN_SEC), PW_DONE);
    ck_assert_uint_gt(pw_events(m->client, QN_EV_STREAM_OPENED, &ev), 0);
    return ev.circuit;
}

START_TEST(users_with_different_credentials_never_share_a_circuit)
{
    uint64_t alice[12], bob[12];
    mesh m;

    start(&m, 11, QN_ROUTE_PRIVACY);
    for (unsigned i = 0; i < QN_LEN(alice); i++) {
        alice[i] = circuit_of(&m, "privacy+alice");
        bob[i] = circuit_of(&m, "privacy+bob");
    }
    for (unsigned i = 0; i < QN_LEN(alice); i++)
        for (unsigned k = 0; k < QN_LEN(bob); k++)
            ck_assert_uint_ne(alice[i], bob[k]);
    mesh_free(&m);
}
END_TEST

/* Each has a circuit of its own, and there is no room for so many: the ones that carry nothing make
 * it, so nobody waits out a stranger's idle minute. */
START_TEST(a_hundred_credentials_in_a_row_are_served_at_once)
{
    pw_fetch *open;
    mesh m;

    start(&m, 19, QN_ROUTE_PRIVACY);
    open = pw_get(m.w, m.client, MESH_WEB, 80, 10, 1 << 20, "privacy+open");
    run_for(&m, QN_SEC / 4);
    pw_pause_reading(m.w, open, true);
    for (unsigned i = 0; i < 100; i++) {
        char user[24];
        pw_fetch *f;

        (void)snprintf(user, sizeof user, "privacy+%u", i);
        f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 1000, user);
        ck_assert_int_eq(mesh_await(&m, f, 2 * QN_SEC), PW_DONE);
    }
    pw_pause_reading(m.w, open, false);
    ck_assert_int_eq(mesh_await(&m, open, 60 * QN_SEC), PW_DONE);
    ck_assert_uint_le(mesh_status(m.client).circuits, QN_CIRCUITS_MAX);
    mesh_free(&m);
}
END_TEST

static bool has_opened(void *f)
{
    return pw_socks_reply(f) == 0;
}

/* Their applications have said all and do not read on: after half a minute they make room. */
START_TEST(streams_that_rest_half_closed_give_way)
{
    pw_fetch *f[QN_CIRCUITS_MAX], *late;
    mesh m;

    start(&m, 23, QN_ROUTE_PRIVACY);
    for (unsigned i = 0; i < QN_LEN(f); i++) {
        char user[24];

        (void)snprintf(user, sizeof user, "privacy+%u", i);
        f[i] = pw_get(m.w, m.client, MESH_WEB, 80, 10, 4 << 20, user);
        ck_assert(pw_run(m.w, pw_now(m.w) + 2 * QN_SEC, has_opened, f[i]));
        pw_pause_reading(m.w, f[i], true);
        if (i > 0)
            pw_said_all(m.w, f[i]);
    }
    late = pw_get(m.w, m.client, MESH_WEB, 80, 10, 1000, "privacy+late");
    ck_assert_int_eq(mesh_await(&m, late, 5 * QN_SEC), PW_RUNNING); /* all of them are young */
    ck_assert_int_eq(mesh_await(&m, late, 60 * QN_SEC), PW_DONE);
    pw_pause_reading(m.w, f[0], false);
    ck_assert_int_eq(mesh_await(&m, f[0], 60 * QN_SEC), PW_DONE);
    mesh_free(&m);
}
END_TEST

/* ---- memory and back-pressure ---------------------------------------------------------------- */

static void memory_below(mesh *m, uint64_t bytes)
{
    pw_node *all[] = {m->client, m->super, m->exit[0], m->relay[0], m->relay[1], m->relay[2]};

    for (unsigned i = 0; i < QN_LEN(all); i++)
        ck_assert_uint_lt(mesh_status(all[i]).mem_used, bytes);
}

START_TEST(a_reader_that_stops_stops_only_itself)
{
    mesh m;
    pw_fetch *stuck, *other;

    start(&m, 12, route_of(_i));
    stuck = pw_get(m.w, m.client, MESH_WEB, 80, 10, 200 << 20, NULL);
    run_for(&m, 2 * QN_SEC);
    pw_pause_reading(m.w, stuck, true);
    run_for(&m, 20 * QN_SEC);
    memory_below(&m,
                 12 << 20); /* a stream's largest windows, not the 200 MiB that were asked for */
    other = pw_get(m.w, m.client, MESH_WEB, 80, 10, 2 << 20, NULL);
    ck_assert_int_eq(mesh_await(&m, other, 30 * QN_SEC), PW_DONE);
    ck_assert_int_eq(pw_outcome(stuck), PW_RUNNING);
    mesh_free(&m);
}
END_TEST

START_TEST(an_upload_to_a_server_that_never_reads_is_held_back)
{
    mesh m;
    pw_fetch *f;

    start(&m, 13, route_of(_i));
    (void)pw_serve(m.w, "deaf.example", &web, PW_NEVER_READ);
    f = pw_get(m.w, m.client, "deaf.example", 80, 100 << 20, 10, NULL);
    run_for(&m, 30 * QN_SEC);
    ck_assert_int_eq(pw_outcome(f), PW_RUNNING);
    memory_below(&m, 12 << 20);
    mesh_free(&m);
}
END_TEST

/* Many readers that stop, on a node with little memory: those who stopped first give way, the cap
 * holds, and whoever still reads is served. */
START_TEST(near_the_memory_cap_the_stalest_gives_way)
{
    enum { STUCK = 80 };
    const uint64_t cap = 6 << 20;
    pw_fetch *stuck[STUCK], *fresh;
    unsigned ended = 0;
    mesh m;

    start(&m, 18, route_of(_i));
    for (unsigned i = 0; i < STUCK; i++) {
        stuck[i] = pw_get(m.w, m.client, MESH_WEB, 80, 10, 4 << 20, NULL);
        pw_pause_reading(m.w, stuck[i], true);
    }
    pw_node_env(m.client)->mem.limit = cap;
    for (unsigned i = 0; i < STUCK; i++)
        pw_pause_reading(m.w, stuck[i], false);
    run_for(&m, QN_SEC / 2);
    for (unsigned i = 0; i < STUCK; i++)
        pw_pause_reading(m.w, stuck[i], true);
    run_for(&m, 60 * QN_SEC);
    for (unsigned i = 0; i < STUCK; i++) {
        ended += pw_outcome(stuck[i]) == PW_FAILED;
        ck_assert(!pw_clean_end(stuck[i]));
    }
    ck_assert_uint_gt(ended, 0);
    ck_assert_uint_lt(ended, STUCK);
    fresh = pw_get(m.w, m.client, MESH_WEB, 80, 10, 1 << 20, NULL);
    ck_assert_int_eq(mesh_await(&m, fresh, 60 * QN_SEC), PW_DONE);
    ck_assert_uint_le(mesh_status(m.client).mem_peak, cap);
    mesh_free(&m);
}
END_TEST

/* ---- lifetimes ------------------------------------------------------------------------------- */

START_TEST(idle_circuits_and_links_go_away_everywhere)
{
    mesh m;
    pw_fetch *f;

    start(&m, 14, QN_ROUTE_FAST);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 100000, "privacy");
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    ck_assert_uint_gt(mesh_status(m.client).circuits, 0);
    run_for(&m, 600 * QN_SEC); /* the pool is kept for a minute, then 60 s idle */
    ck_assert_uint_eq(mesh_status(m.client).circuits, 0);
    memory_below(&m, 128 << 10);
    mesh_free(&m);
}
END_TEST

START_TEST(a_dead_relay_leaves_the_snapshot_after_its_time)
{
    mesh m;

    start(&m, 15, QN_ROUTE_FAST);
    ck_assert_uint_eq(mesh_status(m.super).peers_known, 5);
    pw_kill(m.w, m.relay[0]);
    run_for(&m, 60 * QN_SEC);
    ck_assert_uint_eq(mesh_status(m.super).peers_known, 5);
    run_for(&m, 130 * QN_SEC); /* 120 s without heartbeat, 60 s prune */
    ck_assert_uint_eq(mesh_status(m.super).peers_known, 4);
    run_for(&m, 70 * QN_SEC);
    ck_assert_uint_eq(mesh_status(m.relay[1]).peers_known, 4);
    (void)pw_get(m.w, m.client, MESH_WEB, 80, 0, 1000, NULL); /* a client asks when it is used */
    run_for(&m, 10 * QN_SEC);
    ck_assert_uint_eq(mesh_status(m.client).peers_known, 4);
    mesh_free(&m);
}
END_TEST

static bool is_stopped(void *ctx)
{
    return pw_stopped(ctx);
}

START_TEST(a_stopped_client_says_goodbye_within_two_seconds)
{
    mesh m;
    pw_fetch *f;

    start(&m, 16, route_of(_i));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 10, 10 << 20, NULL);
    run_for(&m, QN_SEC);
    pw_stop(m.w, m.client);
    ck_assert(pw_run(m.w, pw_now(m.w) + 3 * QN_SEC, is_stopped, m.client));
    ck_assert_int_ne(pw_outcome(f), PW_DONE);
    ck_assert(!pw_clean_end(f));
    mesh_free(&m);
}
END_TEST

START_TEST(connected_ends_when_no_exit_answers_any_more)
{
    pw_fetch *f;
    mesh m;

    start(&m, 17, route_of(_i));
    pw_isolate(m.w, m.exit[0], true);
    pw_isolate(m.w, m.super, true);
    run_for(&m, 130 * QN_SEC); /* nobody wants anything, so nothing is asked */
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 1000, NULL);
    run_for(&m, QN_SEC);
    ck_assert_int_ne(mesh_status(m.client).state, QN_CONNECTED);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_FAILED);
    ck_assert_int_ne(mesh_status(m.client).state, QN_CONNECTED);
    ck_assert_str_ne(mesh_status(m.client).advice, "");
    pw_isolate(m.w, m.exit[0], false);
    pw_isolate(m.w, m.super, false);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    mesh_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket promises");
    TCase *t = tcase_create("promises");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, a_killed_exit_or_relay_ends_streams_in_an_error, 0, 4);
    tcase_add_loop_test(t, a_server_that_resets_in_mid_body_resets_the_application, 0, 2);
    tcase_add_loop_test(t, a_stream_whose_path_dies_before_it_opens_takes_another, 0, 40);
    tcase_add_loop_test(t, refusals_reach_the_application_with_their_own_code, 0, 2);
    tcase_add_test(t, a_hundred_fetches_use_every_relay);
    tcase_add_test(t, a_circuit_in_use_for_ten_minutes_gets_no_new_stream);
    tcase_add_test(t, exactly_the_named_hops_carry_the_bytes);
    tcase_add_test(t, users_with_different_credentials_never_share_a_circuit);
    tcase_add_test(t, a_hundred_credentials_in_a_row_are_served_at_once);
    tcase_add_test(t, streams_that_rest_half_closed_give_way);
    tcase_add_loop_test(t, a_reader_that_stops_stops_only_itself, 0, 2);
    tcase_add_loop_test(t, an_upload_to_a_server_that_never_reads_is_held_back, 0, 2);
    tcase_add_loop_test(t, near_the_memory_cap_the_stalest_gives_way, 0, 2);
    tcase_add_test(t, idle_circuits_and_links_go_away_everywhere);
    tcase_add_test(t, a_dead_relay_leaves_the_snapshot_after_its_time);
    tcase_add_loop_test(t, a_stopped_client_says_goodbye_within_two_seconds, 0, 2);
    tcase_add_loop_test(t, connected_ends_when_no_exit_answers_any_more, 0, 2);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
