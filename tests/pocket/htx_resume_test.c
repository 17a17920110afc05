/* Links over HTX that go on upon other connections, which are visits of their own. */
#include "pocket/htx_site.h"

static mesh_cfg quiet(uint64_t seed, qn_route route)
{
    return (mesh_cfg){.world = {.seed = seed, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                      .relays = 3,
                      .exits = 1,
                      .route = route,
                      .htx = &htx};
}

static void begin(qn_route route)
{
    mesh_cfg cfg;

    set_out(0);
    cfg = quiet(2, route);
    mesh_new(&m, &cfg);
}

static void go_home(void)
{
    mesh_free(&m);
    qt_origin_free(origin);
}

static bool has_begun(void *f)
{
    return pw_received(f) > 0;
}

/* Nobody says anything before: all connections between nodes are reset. */
START_TEST(streams_go_on_over_every_cut)
{
    uint64_t down = 4 << 20;
    pw_fetch *f;

    begin(_i == 0 ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 100000, down, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, has_begun, f));
    while (pw_outcome(f) == PW_RUNNING && pw_now(m.w) < 1000 * QN_SEC) {
        while (pw_cut(m.w, NULL, NULL))
            ;
        (void)mesh_await(&m, f, 4 * QN_SEC);
    }
    ck_assert_int_eq(pw_outcome(f), PW_DONE);
    ck_assert_uint_eq(pw_received(f), down);
    ck_assert_uint_gt(mesh_status(m.client).counters.links_resumed, 0);
    go_home();
}
END_TEST

/* lab/censor/freeze.c: each connection carries 16 KiB to who dialled, a visit's pages among them.
 */
START_TEST(a_censor_that_freezes_slows_but_does_not_stop)
{
    uint64_t down = 100000;
    pw_fetch *f;

    begin(_i == 0 ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 400, down, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, has_begun, f));
    pw_freeze(m.w, m.client, 16384);
    while (pw_cut(m.w, m.client, NULL))
        ;
    ck_assert_int_eq(mesh_await(&m, f, 2000 * QN_SEC), PW_DONE);
    ck_assert_uint_eq(pw_received(f), down);
    ck_assert_uint_gt(mesh_status(m.client).counters.links_resumed, 1);
    go_home();
}
END_TEST

/* As SSH that nobody types in: the site's patience with a connection ends, the stream does not. */
START_TEST(a_quiet_stream_outlives_its_sites_limits)
{
    mesh_cfg cfg;
    pw_fetch *f;

    set_out(0);
    htx.origin.seconds = 100;
    cfg = quiet(2, _i == 0 ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY);
    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    f = pw_get(m.w, m.client, MESH_WEB, 80, 400, 1 << 20, NULL);
    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, has_begun, f));
    pw_pause_reading(m.w, f, true);
    (void)pw_run(m.w, pw_now(m.w) + 250 * QN_SEC, NULL, NULL);
    ck_assert_int_eq(pw_outcome(f), PW_RUNNING);
    ck_assert_uint_ge(mesh_status(m.client).counters.links_resumed, 2);
    pw_pause_reading(m.w, f, false);
    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    go_home();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket htx resume");
    TCase *t = tcase_create("sites");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, streams_go_on_over_every_cut, 0, 2);
    tcase_add_loop_test(t, a_quiet_stream_outlives_its_sites_limits, 0, 2);
    tcase_add_loop_test(t, a_censor_that_freezes_slows_but_does_not_stop, 0, 2);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
