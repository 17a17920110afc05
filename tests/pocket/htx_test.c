/* Whole meshes over HTX: genuine visits of a browser to an OpenSSL site that go on as links. */
#include "pocket/mesh.h"
#include "support/origin/origin.h"
#include "support/qt.h"

enum { EPOCH = 1800000000 }; /* the pocket world's day */

static const char *const profiles[] = {"../../profiles/chromium-156.cbor",
                                       "../../profiles/firefox-esr-153.cbor"};

static qt_origin *origin;
static qn_slice profile;
static mesh_htx htx;
static mesh m;

static void *visit_open(void *site)
{
    return qt_visit_new(site);
}

static void visit_hear(void *v, const uint8_t *p, size_t n)
{
    qt_visit_hear(v, p, n);
}

static qn_slice visit_peek(const void *v)
{
    return qt_visit_peek(v);
}

static void visit_consume(void *v, size_t n)
{
    qt_visit_consume(v, n);
}

static bool visit_over(const void *v)
{
    return qt_visit_over(v);
}

static void visit_end(void *v)
{
    qt_visit_end(v);
}

static void visit_free(void *v)
{
    qt_visit_free(v);
}

static void set_out(unsigned which)
{
    origin = qt_origin_new("site.example", EPOCH);
    profile = qt_vector_file(profiles[which]);
    htx = (mesh_htx){.profile = profile,
                     .roots = qt_origin_roots(origin),
                     .origin = qt_origin_facts(origin),
                     .site = {.site = origin,
                              .open = visit_open,
                              .hear = visit_hear,
                              .peek = visit_peek,
                              .consume = visit_consume,
                              .over = visit_over,
                              .end = visit_end,
                              .free = visit_free}};
}

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

static Suite *suite(void)
{
    Suite *s = suite_create("pocket htx");
    TCase *t = tcase_create("main job");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, one_hop_fetches_a_page, 0, 2);
    tcase_add_loop_test(t, three_hops_fetch_a_page, 0, 2);
    tcase_add_test(t, three_hops_carry_a_megabyte_both_ways);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
