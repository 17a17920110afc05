/* Applications that speak, or are answered, before their stream is open. */
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

static void end_circuit(mesh *m, circuit *c)
{
    pw__stamp(m->client);
    qn_circuit_end(&c->core);
    client_event(c);
    node_settle(pw_core(m->client));
    pw__drain(m->client);
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
    end_circuit(&m, e->circuit);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
    mesh_free(&m);
}
END_TEST

/* ---- answers before the exit's --------------------------------------------------------------- */

static void start(mesh *m, qn_route route)
{
    mesh_cfg cfg = quiet(13);

    cfg.route = route;
    mesh_new(m, &cfg);
    pw_core(m->client)->cfg.early = QN_EARLY_KNOWN;
    pw_core(m->client)->cfg.pool = 1; /* what was heard is asked again */
    ck_assert(mesh_ready(m, 30 * QN_SEC));
}

static bool has_reply(void *ctx)
{
    return pw_socks_reply(ctx) >= 0;
}

static uint64_t opened(const mesh *m)
{
    return mesh_status(m->client).counters.streams_opened;
}

/* Whether the client answers before it has the exit's word. The fetch then runs to its end. */
static bool early(mesh *m, pw_fetch *f)
{
    uint64_t before = opened(m);
    bool found;

    ck_assert(pw_run(m->w, pw_now(m->w) + 30 * QN_SEC, has_reply, f));
    found = opened(m) == before;
    ck_assert_int_eq(mesh_await(m, f, 120 * QN_SEC), PW_DONE);
    return found;
}

static bool early_to(mesh *m, uint64_t up, uint64_t down, const char *user)
{
    return early(m, pw_get(m->w, m->client, MESH_WEB, 80, up, down, user));
}

static void known_ones_only(qn_route route)
{
    static const qn_addr other = {.family = 4, .ip = {93, 184, 216, 35}, .port = 80};
    mesh m;

    start(&m, route);
    (void)pw_serve(m.w, "other.example", &other, PW_SERVE);
    ck_assert(!early_to(&m, 400, 4000, NULL));
    ck_assert(early_to(&m, 400, 4000, NULL));
    ck_assert(!early(&m, pw_get(m.w, m.client, "other.example", 80, 400, 4000, NULL)));
    ck_assert(!early_to(&m, 400, 4000, "somebody else"));
    ck_assert(early_to(&m, 400, 4000, "somebody else"));
    ck_assert(early_to(&m, 400, 4000, NULL));
    mesh_free(&m);
}

START_TEST(one_hop_answers_early_for_destinations_its_user_has_reached)
{
    known_ones_only(QN_ROUTE_FAST);
}
END_TEST

START_TEST(three_hops_answer_early_for_destinations_their_user_has_reached)
{
    known_ones_only(QN_ROUTE_PRIVACY);
}
END_TEST

START_TEST(what_was_reached_ten_minutes_ago_is_not_known)
{
    mesh m;

    start(&m, QN_ROUTE_FAST);
    ck_assert(!early_to(&m, 10, 10, NULL));
    (void)pw_run(m.w, pw_now(m.w) + QN_KNOWN_LIFE, NULL, NULL);
    (void)early_to(&m, 10, 10, "the link is up again");
    ck_assert(!early_to(&m, 10, 10, NULL));
    ck_assert(early_to(&m, 10, 10, NULL));
    mesh_free(&m);
}
END_TEST

START_TEST(never_means_that_the_exit_answers_first)
{
    mesh m;

    start(&m, QN_ROUTE_PRIVACY);
    pw_core(m.client)->cfg.early = QN_EARLY_NEVER;
    for (int i = 0; i < 3; i++)
        ck_assert(!early_to(&m, 10, 10, NULL));
    mesh_free(&m);
}
END_TEST

START_TEST(no_link_no_early_answer)
{
    mesh m;

    start(&m, QN_ROUTE_FAST);
    ck_assert(!early_to(&m, 10, 10, NULL));
    (void)pw_run(m.w, pw_now(m.w) + 300 * QN_SEC, NULL, NULL); /* the link has ended, unused */
    ck_assert(!early_to(&m, 10, 10, NULL));
    mesh_free(&m);
}
END_TEST

START_TEST(a_way_that_has_not_been_heard_is_not_trusted)
{
    qn_route routes[] = {QN_ROUTE_FAST, QN_ROUTE_PRIVACY};
    mesh m;

    start(&m, routes[_i]);
    ck_assert(!early_to(&m, 10, 10, NULL));
    (void)pw_run(m.w, pw_now(m.w) + QN_EARLY_HEARD + QN_SEC, NULL, NULL);
    ck_assert(!early_to(&m, 10, 10, NULL));
    ck_assert(early_to(&m, 10, 10, NULL));
    mesh_free(&m);
}
END_TEST

/* ---- what is said early ---------------------------------------------------------------------- */

static pw_server *web(mesh *m)
{
    static const qn_addr addr = {.family = 4, .ip = {93, 184, 216, 36}, .port = 80};

    return pw_serve(m->w, "web2.example", &addr, PW_SERVE);
}

static pw_fetch *get2(mesh *m, uint64_t up, uint64_t down)
{
    return pw_get(m->w, m->client, "web2.example", 80, up, down, NULL);
}

/* The server checks every byte: none may be lost, come twice or out of order. */
static void arrives_once(qn_route route, uint64_t up, bool hurried)
{
    pw_server *s;
    pw_fetch *f;
    mesh m;

    start(&m, route);
    s = web(&m);
    ck_assert(!early(&m, get2(&m, 0, 10)));
    f = get2(&m, up, 70000);
    if (hurried)
        pw_hurry(f);
    ck_assert(early(&m, f));
    ck_assert_uint_eq(pw_heard(s), 16 + 16 + up);
    mesh_free(&m);
}

START_TEST(what_is_said_early_arrives_once_and_in_order)
{
    static const uint64_t sizes[] = {0, 500, QN_EARLY_MAX - 16, QN_EARLY_MAX, 300000};
    unsigned i = (unsigned)_i;

    arrives_once(i & 1 ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY, sizes[i / 4], (i & 2) != 0);
}
END_TEST

static uint64_t cells_forward(const mesh *m)
{
    return mesh_status(m->client).counters.cells_forward;
}

static uint64_t cells_of_a_fetch(mesh *m, bool known)
{
    uint64_t before = cells_forward(m);

    ck_assert(early(m, get2(m, 0, 100)) == known);
    (void)pw_run(m->w, pw_now(m->w) + QN_SEC, NULL, NULL);
    return cells_forward(m) - before;
}

START_TEST(the_request_shares_its_cell_with_open)
{
    mesh_cfg cfg = quiet(14);
    mesh m;

    cfg.world.delay_min = cfg.world.delay_max = QN_MS; /* the application speaks before 5 ms */
    mesh_new(&m, &cfg);
    pw_core(m.client)->cfg.early = QN_EARLY_KNOWN;
    pw_core(m.client)->cfg.pool = 1;
    ck_assert(mesh_ready(&m, 30 * QN_SEC));
    (void)web(&m);
    (void)early_to(&m, 10, 10, NULL); /* circuits are built */
    (void)pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, NULL, NULL);
    ck_assert_uint_eq(cells_of_a_fetch(&m, false), 3); /* OPEN, the request, END */
    ck_assert_uint_eq(cells_of_a_fetch(&m, true), 2);
    mesh_free(&m);
}
END_TEST

static bool is_early(void *ctx)
{
    const edge *e = opening_edge(ctx);

    return e != NULL && e->opening->early;
}

/* Of whoever speaks first there, as mail servers do, nobody knows. */
START_TEST(an_application_that_waits_to_be_spoken_to_is_connected_all_the_same)
{
    uint64_t before;
    pw_fetch *f;
    mesh m;

    start(&m, QN_ROUTE_PRIVACY);
    ck_assert(!early_to(&m, 10, 10, NULL));
    before = opened(&m);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 0, 0, NULL);
    pw_hush(f);
    ck_assert(pw_run(m.w, pw_now(m.w) + QN_SEC, is_early, &m));
    (void)pw_run(m.w, pw_now(m.w) + QN_EARLY_WAIT + 6 * 30 * QN_MS + QN_MS, NULL, NULL);
    ck_assert_uint_eq(opened(&m), before + 1);
    ck_assert_int_eq(pw_outcome(f), PW_RUNNING);
    mesh_free(&m);
}
END_TEST

/* ---- failures -------------------------------------------------------------------------------- */

static void is_forgotten(qn_route route)
{
    pw_server *s;
    pw_fetch *f;
    mesh m;

    start(&m, route);
    s = web(&m);
    pw_refuse(s, true);
    f = get2(&m, 10, 10);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_FAILED);
    ck_assert_int_eq(pw_socks_reply(f), 5); /* a first contact learns why */
    pw_refuse(s, false);
    ck_assert(!early(&m, get2(&m, 10, 10)));

    pw_refuse(s, true);
    f = get2(&m, 10, 10);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_FAILED);
    ck_assert_int_eq(pw_socks_reply(f), 0);
    ck_assert(!pw_clean_end(f)); /* a reset */

    f = get2(&m, 10, 10);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_FAILED);
    ck_assert_int_eq(pw_socks_reply(f), 5);
    pw_refuse(s, false);
    ck_assert(!early(&m, get2(&m, 10, 10)));
    ck_assert(early(&m, get2(&m, 10, 10)));
    mesh_free(&m);
}

START_TEST(one_hop_forgets_a_destination_that_fails)
{
    is_forgotten(QN_ROUTE_FAST);
}
END_TEST

START_TEST(three_hops_forget_a_destination_that_fails)
{
    is_forgotten(QN_ROUTE_PRIVACY);
}
END_TEST

/* A known destination, and bytes on their way there when their circuit dies: the fetch, which
 * nobody reads. */
static pw_fetch *circuit_dies_under(mesh *m, pw_server **s, const char *text, size_t n)
{
    pw_fetch *f;
    edge *e;

    start(m, QN_ROUTE_PRIVACY);
    *s = web(m);
    ck_assert(!early(m, get2(m, 0, 10)));
    f = get2(m, 0, 10);
    pw_hush(f);
    ck_assert(pw_run(m->w, pw_now(m->w) + QN_SEC, is_early, m));
    e = opening_edge(m);
    pw__stamp(m->client);
    memcpy(e->opening->in, text, n);
    edge_commit(e, n);
    node_settle(pw_core(m->client));
    ck_assert_uint_eq(e->opening->in_passed, n);
    end_circuit(m, e->circuit);
    (void)pw_run(m->w, pw_now(m->w) + 10 * QN_SEC, NULL, NULL);
    return f;
}

static void is_not_said_again(const char *text, size_t n)
{
    pw_server *s;
    pw_fetch *f;
    mesh m;

    f = circuit_dies_under(&m, &s, text, n);
    ck_assert_int_eq(pw_outcome(f), PW_FAILED);
    ck_assert(!pw_clean_end(f));            /* a reset */
    ck_assert_uint_le(pw_heard(s), 16 + n); /* once, or not at all */
    ck_assert(!early(&m, get2(&m, 0, 10)));
    mesh_free(&m);
}

#define SAID(text)                                                                                 \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }

START_TEST(what_has_left_is_not_said_again_on_another_circuit)
{
    static const struct {
        const char *text;
        size_t n;
    } said[] = {SAID("POST / HTTP/1.1\r\n\r\n"),
                SAID("GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n\r\n"),
                SAID("GET / HTTP/1.1\r\nHost: x\r\n"),
                SAID("\x16\x03\x01\x00\x04\x01\x00\x00\x00\x17\x03\x03\x00\x01x"), /* early data */
                SAID("\x17\x03\x03\x00\x04\x01\x00\x00\x00"),
                SAID("EHLO x\r\n")};

    is_not_said_again(said[_i].text, said[_i].n);
}
END_TEST

START_TEST(what_changes_nothing_is_said_again_on_another_circuit)
{
    static const struct {
        const char *text;
        size_t n;
    } said[] = {SAID("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), SAID("HEAD / HTTP/1.1\r\n\r\n"),
                SAID("\x16\x03\x01\x00\x04\x01\x00\x00\x00")};
    pw_server *s;
    mesh m;

    (void)circuit_dies_under(&m, &s, said[_i].text, said[_i].n);
    ck_assert_uint_ge(pw_heard(s), 16 + said[_i].n);
    mesh_free(&m);
}
END_TEST

START_TEST(what_has_not_left_goes_by_another_circuit)
{
    pw_fetch *f;
    edge *e;
    mesh m;

    start(&m, QN_ROUTE_PRIVACY);
    ck_assert(!early_to(&m, 10, 10, NULL));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 1000, 10, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + QN_SEC, is_early, &m));
    e = opening_edge(&m);
    ck_assert(e->opening->held && e->opening->in_passed == 0);
    end_circuit(&m, e->circuit);
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

    t = tcase_create("early answers");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, one_hop_answers_early_for_destinations_its_user_has_reached);
    tcase_add_test(t, three_hops_answer_early_for_destinations_their_user_has_reached);
    tcase_add_test(t, what_was_reached_ten_minutes_ago_is_not_known);
    tcase_add_test(t, never_means_that_the_exit_answers_first);
    tcase_add_test(t, no_link_no_early_answer);
    tcase_add_loop_test(t, a_way_that_has_not_been_heard_is_not_trusted, 0, 2);
    tcase_add_loop_test(t, what_is_said_early_arrives_once_and_in_order, 0, 20);
    tcase_add_test(t, the_request_shares_its_cell_with_open);
    tcase_add_test(t, an_application_that_waits_to_be_spoken_to_is_connected_all_the_same);
    suite_add_tcase(s, t);

    t = tcase_create("failures");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, one_hop_forgets_a_destination_that_fails);
    tcase_add_test(t, three_hops_forget_a_destination_that_fails);
    tcase_add_loop_test(t, what_has_left_is_not_said_again_on_another_circuit, 0, 6);
    tcase_add_loop_test(t, what_changes_nothing_is_said_again_on_another_circuit, 0, 3);
    tcase_add_test(t, what_has_not_left_goes_by_another_circuit);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
