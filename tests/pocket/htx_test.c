/* Whole meshes over HTX: genuine visits of a browser to an OpenSSL site that go on as links. */
#include "htx/client.h"
#include "htx/peer.h"
#include "node/internal.h"
#include "pocket/htx_site.h"
#include "pocket/internal.h"

static mesh_cfg quiet(uint64_t seed, qn_route route)
{
    return (mesh_cfg){.world = {.seed = seed, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                      .relays = 3,
                      .exits = 1,
                      .route = route,
                      .htx = &htx};
}

static void go_home(void)
{
    mesh_free(&m);
    qt_origin_free(origin);
}

static void fetches(unsigned which, qn_route route, uint64_t up, uint64_t down)
{
    mesh_cfg cfg;
    pw_fetch *f;

    set_out(which);
    cfg = quiet(1, route);
    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    f = pw_get(m.w, m.client, MESH_WEB, 80, up, down, NULL);
    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
    ck_assert_uint_eq(pw_received(f), down);
    go_home();
}

START_TEST(one_hop_fetches_a_page)
{
    fetches((unsigned)_i, QN_ROUTE_FAST, 400, 50 << 10);
}
END_TEST

START_TEST(three_hops_fetch_a_page)
{
    fetches((unsigned)_i, QN_ROUTE_PRIVACY, 400, 50 << 10);
}
END_TEST

START_TEST(three_hops_carry_a_megabyte_both_ways)
{
    fetches(0, QN_ROUTE_PRIVACY, 1 << 20, 1 << 20);
}
END_TEST

/* ---- what sites do ----------------------------------------------------------------------------
 */

static void begin(qn_route route)
{
    mesh_cfg cfg;

    set_out(0);
    cfg = quiet(2, route);
    mesh_new(&m, &cfg);
}

static void still_fetches(void)
{
    pw_fetch *f = pw_get(m.w, m.client, MESH_WEB, 80, 400, 20000, NULL);

    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
}

static bool far_on(void *f)
{
    return pw_received(f) > 300000;
}

/* A site that restarts ends its connections. Links that are in use go on upon others. */
START_TEST(a_site_that_restarts_cuts_no_stream)
{
    pw_fetch *f;

    begin(_i == 0 ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 400, 2 << 20, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 120 * QN_SEC, far_on, f));
    pw_hang_up(m.w, m.origin);
    ck_assert_int_eq(mesh_await(&m, f, 200 * QN_SEC), PW_DONE);
    still_fetches();
    ck_assert_uint_gt(mesh_status(m.client).counters.links_resumed, 0);
    go_home();
}
END_TEST

static bool door_shut(void *ctx)
{
    return mesh_status(ctx).origin_down;
}

static bool door_open(void *ctx)
{
    return !mesh_status(ctx).origin_down;
}

START_TEST(whose_site_is_down_lets_nobody_in_until_it_answers)
{
    begin(QN_ROUTE_FAST);
    pw_refuse(m.origin, true);
    ck_assert(pw_run(m.w, pw_now(m.w) + 30 * QN_SEC, door_shut, m.super));
    ck_assert_ptr_nonnull(strstr(mesh_status(m.super).advice, "origin does not answer"));
    ck_assert(!mesh_ready(&m, 20 * QN_SEC));
    pw_refuse(m.origin, false);
    ck_assert(pw_run(m.w, pw_now(m.w) + 30 * QN_SEC, door_open, m.super));
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    still_fetches();
    go_home();
}
END_TEST

/* After what a start or a use leaves behind, no record leaves and no link is made, until the hourly
 * look at the list; and then a user is served at once. */
START_TEST(a_client_that_nobody_uses_is_silent)
{
    qn_status before, after;

    begin(_i == 0 ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    still_fetches();
    (void)pw_run(m.w, pw_now(m.w) + 150 * QN_SEC, NULL, NULL);
    before = mesh_status(m.client);
    (void)pw_run(m.w, pw_now(m.w) + 120 * QN_SEC, NULL, NULL);
    after = mesh_status(m.client);
    ck_assert_uint_eq(after.counters.aead_bytes, before.counters.aead_bytes);
    ck_assert_int_eq(after.state, QN_CONNECTED);
    (void)pw_run(m.w, pw_now(m.w) + 3000 * QN_SEC, NULL, NULL);
    after = mesh_status(m.client);
    ck_assert_uint_eq(after.counters.links_opened, before.counters.links_opened);
    ck_assert_uint_eq(after.links, 0);
    ck_assert_int_eq(after.state, QN_CONNECTED);
    still_fetches();
    ck_assert_int_eq(mesh_status(m.client).state, QN_CONNECTED);
    go_home();
}
END_TEST

/* ---- names ------------------------------------------------------------------------------------
 */

START_TEST(an_own_name_that_leads_elsewhere_is_not_dialled)
{
    mesh_cfg cfg;

    set_out(0);
    cfg = quiet(3, QN_ROUTE_FAST);
    cfg.nameless = true;
    mesh_new(&m, &cfg);
    if (_i == 1) /* of a censor's resolver */
        pw_name(m.w, "site.example", &(qn_addr){.family = 4, .ip = {203, 0, 113, 1}, .port = 443});
    ck_assert(!mesh_ready(&m, 30 * QN_SEC));
    ck_assert_uint_eq(pw_heard(m.origin), 0);
    ck_assert((strstr(mesh_status(m.client).advice, "use another one") != NULL) == (_i == 1));
    go_home();
}
END_TEST

START_TEST(a_mirror_name_is_dialled_without_asking)
{
    mesh_cfg cfg;

    set_out(0);
    htx.origin.mirror = true;
    cfg = quiet(3, QN_ROUTE_FAST);
    cfg.nameless = true;
    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    still_fetches();
    go_home();
}
END_TEST

/* ---- clocks, restarts --------------------------------------------------------------------------
 */

START_TEST(a_wrong_clock_is_learned_from_the_sites_date)
{
    static const int64_t off[] = {-500, 500};
    qn_event ev;
    qn_status s;

    begin(QN_ROUTE_FAST);
    pw_set_clock(m.client, off[_i]);
    ck_assert(mesh_ready(&m, 120 * QN_SEC));
    ck_assert_uint_gt(pw_events(m.client, QN_EV_CLOCK, &ev), 0);
    ck_assert_uint_gt(ev.value, 400);
    ck_assert_uint_lt(ev.value, 600);
    s = mesh_status(m.client);
    ck_assert(s.clock_ahead * off[_i] < 0);
    ck_assert_ptr_nonnull(strstr(s.advice, "clock"));
    still_fetches();
    go_home();
}
END_TEST

/* Tags are made by the site's Date, lists are not judged by it. */
START_TEST(a_clock_too_slow_for_the_list_is_named)
{
    qn_status s;

    begin(QN_ROUTE_FAST);
    pw_set_clock(m.client, -5000);
    ck_assert(!mesh_ready(&m, 60 * QN_SEC));
    s = mesh_status(m.client);
    ck_assert_uint_eq(s.snapshot_version, 0);
    ck_assert_ptr_nonnull(strstr(s.advice, "set the clock, nothing else helps"));
    pw_set_clock(m.client, 0);
    ck_assert(mesh_ready(&m, 120 * QN_SEC));
    still_fetches();
    go_home();
}
END_TEST

static void restart_super(bool replay)
{
    qn_slice keys = pw_stored(m.super, "mirror-keys"), tags = pw_stored(m.super, "replay");
    qn_node_cfg cfg = m.operator_cfg[0];

    ck_assert_uint_gt(keys.n, 0);
    ck_assert_uint_gt(tags.n, 16); /* somebody was answered */
    pw_kill(m.w, m.super);
    m.htx.stored_mirror_keys = keys;
    m.htx.stored_replay = replay ? tags : (qn_slice){0};
    m.super = pw_add(m.w, "super2", &cfg);
    m.htx.stored_mirror_keys = m.htx.stored_replay = (qn_slice){0};
}

static bool listed_again(void *ctx)
{
    return mesh_status(m.client).snapshot_version > *(const uint64_t *)ctx;
}

/* A client asks for a list when it is used. */
static bool lists_within(qn_time time, uint64_t version)
{
    qn_time until = pw_now(m.w) + time;

    while (pw_now(m.w) < until) {
        (void)pw_get(m.w, m.client, MESH_WEB, 80, 400, 1000, NULL);
        if (pw_run(m.w, pw_now(m.w) + 15 * QN_SEC, listed_again, &version))
            return true;
    }
    return false;
}

/* With the tags it answered at hand a restarted node answers at once; without them not before
 * every tag that might have been answered is too old. */
START_TEST(a_restart_waits_only_if_the_tags_are_lost)
{
    bool kept = _i == 0;
    uint64_t version;

    begin(QN_ROUTE_FAST);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    version = mesh_status(m.client).snapshot_version;
    restart_super(kept);
    ck_assert(lists_within(75 * QN_SEC, version) == kept);
    ck_assert(kept || lists_within(900 * QN_SEC, version));
    still_fetches();
    go_home();
}
END_TEST

/* ---- storms -----------------------------------------------------------------------------------
 */

/* P1: what arrives is right, and a short answer never ends cleanly. */
static void judge(pw_fetch *const *f, unsigned n, unsigned *done)
{
    for (unsigned i = 0; i < n; i++) {
        ck_assert(!pw_corrupt(f[i]));
        *done += pw_outcome(f[i]) == PW_DONE;
        ck_assert(pw_outcome(f[i]) != PW_FAILED || !pw_clean_end(f[i]) || pw_received(f[i]) == 0);
    }
}

START_TEST(a_storm_breaks_no_promise)
{
    qn_route route = _i % 2 == 0 ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY;
    mesh_cfg cfg;
    pw_fetch *f[24];
    unsigned done = 0;

    set_out((unsigned)_i % 2);
    cfg = quiet(100 + (uint64_t)_i, route);
    cfg.world.cut_max = 4000;
    cfg.relays = 4;
    cfg.exits = 2;
    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    for (unsigned i = 0; i < QN_LEN(f); i++) {
        f[i] = pw_get(m.w, m.client, MESH_WEB, 80, 5000, 60000, NULL);
        (void)pw_run(m.w, pw_now(m.w) + 400 * QN_MS, NULL, NULL);
        if (i % 3 == 1)
            (void)pw_cut(m.w, NULL, NULL);
        if (i % 8 == 5)
            pw_hang_up(m.w, m.origin);
        if (i == 12)
            pw_kill(m.w, m.relay[3]);
    }
    (void)pw_run(m.w, pw_now(m.w) + 200 * QN_SEC, NULL, NULL);
    judge(f, QN_LEN(f), &done);
    ck_assert_uint_gt(done, QN_LEN(f) / 3);
    ck_assert(mesh_ready(&m, 120 * QN_SEC));
    still_fetches();
    go_home();
}
END_TEST

/* Without memory at any one moment something fails, and nothing else. */
START_TEST(memory_that_runs_short_once_ends_nothing_for_good)
{
    pw_node *who;
    pw_fetch *f;

    begin(QN_ROUTE_FAST);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    who = _i % 2 == 0 ? m.client : m.exit[0];
    (void)pw_cut(m.w, m.client, m.exit[0]);
    pw_fail_alloc(who, 1 + (uint64_t)_i * 3);
    f = pw_get(m.w, m.client, MESH_WEB, 80, 400, 20000, NULL);
    (void)mesh_await(&m, f, 120 * QN_SEC);
    ck_assert(!pw_corrupt(f));
    pw_fail_alloc(who, 0);
    ck_assert(mesh_ready(&m, 120 * QN_SEC));
    still_fetches();
    go_home();
}
END_TEST

/* ---- strangers ---------------------------------------------------------------------------------
 */

static neighbour *accepted(pw_node *n, bool (*is)(const neighbour *))
{
    neighbour *nb = pw_core(n)->neighbours;

    while (nb != NULL && (nb->outbound || !is(nb)))
        nb = nb->next;
    return nb;
}

static bool has_proved(const neighbour *nb)
{
    return nb->under.up && !nb->over && !nb->claims;
}

static bool has_not(const neighbour *nb)
{
    return nb->under.stranger && !nb->under.lost && nb->under.leg[1] != 0;
}

static bool is_raw(const neighbour *nb)
{
    return nb->under.raw;
}

static bool is_parting(const neighbour *nb)
{
    return nb->over && qn_htx_peer_see(nb->under.carrier).parting;
}

static bool exit_has_a_raw_one(void *ctx)
{
    (void)ctx;
    return accepted(m.exit[0], is_raw) != NULL;
}

static bool exit_has_a_stranger(void *ctx)
{
    (void)ctx;
    return accepted(m.exit[0], has_not) != NULL;
}

static qn_htx_client *clients_carrier(void)
{
    for (neighbour *nb = pw_core(m.client)->neighbours; nb != NULL; nb = nb->next)
        if (nb->under.up && !nb->over && qn_peerid_equal(&nb->id, &pw_core(m.exit[0])->id))
            return (qn_htx_client *)(void *)nb->under.carrier;
    return NULL;
}

/* Else a link, which anybody can have, would be a way around the bound on strangers. */
START_TEST(a_link_that_is_the_sites_again_counts_as_a_strangers)
{
    uint32_t before;

    begin(QN_ROUTE_FAST);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    still_fetches();
    ck_assert_ptr_nonnull(accepted(m.exit[0], has_proved));
    before = pw_core(m.exit[0])->strangers;
    ck_assert_ptr_nonnull(clients_carrier());
    clients_carrier()->traffic.tx.key.b[0] ^= 1;
    (void)pw_get(m.w, m.client, MESH_WEB, 80, 400, 20000, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 30 * QN_SEC, exit_has_a_raw_one, NULL));
    ck_assert_uint_eq(pw_core(m.exit[0])->strangers, before + 1);
    ck_assert(mesh_ready(&m, 120 * QN_SEC));
    still_fetches();
    (void)pw_run(m.w, pw_now(m.w) + 30 * QN_SEC, NULL, NULL);
    ck_assert_uint_eq(pw_core(m.exit[0])->strangers, before);
    go_home();
}
END_TEST

/* Somebody on the path lets a CLOSE pass and keeps back what came with it, the alert and the FIN.
 * An origin knows nothing of that, so neither may the peer. */
START_TEST(a_close_whose_end_is_kept_back_changes_nothing)
{
    uint8_t frame[QN_FRAME_CLOSE_SIZE];
    qn_htx_client *of;
    neighbour *nb;

    begin(QN_ROUTE_FAST);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    still_fetches();
    nb = accepted(m.exit[0], has_proved);
    of = clients_carrier();
    ck_assert(nb != NULL && of != NULL);
    (void)of->base.kind->own(&of->base, frame, 0);
    ck_assert_int_eq(of->base.kind->seal(&of->base,
                                         qn_slice_of(frame, qn_frame_put_close(frame, 0, 0)),
                                         (qn_slice){0}),
                     QN_OK);
    neighbour_touch(pw_core(m.client)->neighbours);
    (void)pw_get(m.w, m.client, MESH_WEB, 80, 400, 20000, NULL); /* the socket is written to */
    (void)pw_run(m.w, pw_now(m.w) + 5 * QN_SEC, NULL, NULL);
    ck_assert(accepted(m.exit[0], is_parting) == nb && !nb->under.lost && nb->under.leg[0] != 0);
    go_home();
}
END_TEST

/* Many strangers may use up the descriptors: then the site stays open for whoever has one. */
START_TEST(a_lack_of_sockets_is_not_the_sites_fault)
{
    uint32_t clients = 0;
    char name[] = "0";
    neighbour *nb;

    begin(QN_ROUTE_FAST);
    while (!pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, exit_has_a_stranger, NULL)) {
        ck_assert_uint_lt(clients, 8);
        name[0] = (char)('0' + clients++);
        (void)mesh_add_client(&m, name, QN_ROUTE_FAST);
    }
    nb = accepted(m.exit[0], has_not);
    neighbour_open_failed(nb, 1, _i == 0 ? QN_BUSY : QN_REFUSED);
    node_settle(pw_core(m.exit[0]));
    pw__drain(m.exit[0]);
    ck_assert_int_eq(pw_core(m.exit[0])->site->down, _i != 0);
    go_home();
}
END_TEST

/* Whoever has a tag can make a peer keep 64 KiB for him, and anybody has one for a listed peer. */
START_TEST(near_the_cap_a_stranger_who_stalls_gives_way)
{
    neighbour *nb;
    qn_node *n;
    qn_mem *mem;
    uint64_t limit;
    uint32_t before, clients = 0;
    char name[] = "0";

    begin(QN_ROUTE_FAST);
    while (!pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, exit_has_a_stranger, NULL)) {
        ck_assert_uint_lt(clients, 8); /* each draws its exit, and dials it once */
        name[0] = (char)('0' + clients++);
        (void)mesh_add_client(&m, name, QN_ROUTE_FAST);
    }
    n = pw_core(m.exit[0]);
    mem = &pw_node_env(m.exit[0])->mem;
    limit = mem->limit;
    nb = accepted(m.exit[0], has_not);
    before = n->strangers;
    mem->limit = mem->used;
    node_settle(n);
    ck_assert_uint_eq(n->strangers, before); /* he holds nothing yet */
    nb->under.starved[1] = true;
    nb->under.starved_since = n->env->now;
    node_settle(n);
    pw__drain(m.exit[0]);
    ck_assert_uint_eq(n->strangers, before - 1);
    mem->limit = limit;
    ck_assert(mesh_ready(&m, 120 * QN_SEC));
    still_fetches();
    go_home();
}
END_TEST

static Suite *suite(void)
{
    TCase *sites = tcase_create("sites"), *time = tcase_create("time");
    TCase *storm = tcase_create("storm");
    Suite *s = suite_create("pocket htx");
    TCase *t = tcase_create("main job");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, one_hop_fetches_a_page, 0, 2);
    tcase_add_loop_test(t, three_hops_fetch_a_page, 0, 2);
    tcase_add_test(t, three_hops_carry_a_megabyte_both_ways);
    suite_add_tcase(s, t);
    tcase_set_timeout(sites, 120);
    tcase_add_loop_test(sites, a_site_that_restarts_cuts_no_stream, 0, 2);
    tcase_add_loop_test(sites, a_client_that_nobody_uses_is_silent, 0, 2);
    tcase_add_test(sites, whose_site_is_down_lets_nobody_in_until_it_answers);
    tcase_add_loop_test(sites, an_own_name_that_leads_elsewhere_is_not_dialled, 0, 2);
    tcase_add_test(sites, a_mirror_name_is_dialled_without_asking);
    tcase_add_test(sites, a_link_that_is_the_sites_again_counts_as_a_strangers);
    tcase_add_test(sites, a_close_whose_end_is_kept_back_changes_nothing);
    tcase_add_test(sites, near_the_cap_a_stranger_who_stalls_gives_way);
    tcase_add_loop_test(sites, a_lack_of_sockets_is_not_the_sites_fault, 0, 2);
    suite_add_tcase(s, sites);
    tcase_set_timeout(time, 120);
    tcase_add_loop_test(time, a_wrong_clock_is_learned_from_the_sites_date, 0, 2);
    tcase_add_test(time, a_clock_too_slow_for_the_list_is_named);
    tcase_add_loop_test(time, a_restart_waits_only_if_the_tags_are_lost, 0, 2);
    suite_add_tcase(s, time);
    tcase_set_timeout(storm, 120);
    tcase_add_loop_test(storm, a_storm_breaks_no_promise, 0, 4);
    tcase_add_loop_test(storm, memory_that_runs_short_once_ends_nothing_for_good, 0, 16);
    suite_add_tcase(s, storm);
    return s;
}

QT_MAIN(suite)
