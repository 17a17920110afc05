/* Padding on whole meshes: agreed with the exit, measured at the hops between, silent when idle. */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

typedef struct scene {
    mesh m;
    pw_node *client;
} scene;

static void start(scene *s, bool padding)
{
    mesh_cfg cfg = {.world = {.seed = 21, .delay_min = 5 * QN_MS, .delay_max = 8 * QN_MS},
                    .relays = 3,
                    .exits = 1,
                    .route = QN_ROUTE_FAST};
    qn_node_cfg client;

    mesh_new(&s->m, &cfg);
    ck_assert(mesh_ready(&s->m, 60 * QN_SEC));
    client = mesh_cfg_for(&s->m, QN_CLIENT);
    client.socks = true;
    client.padding = padding;
    s->client = pw_add(s->m.w, "padded", &client);
}

static void run_for(scene *s, qn_time t)
{
    (void)pw_run(s->m.w, pw_now(s->m.w) + t, NULL, NULL);
}

/* One answer of n bytes; the client and all hops are quiet afterwards. */
static void fetch(scene *s, uint64_t n)
{
    pw_fetch *f = pw_get(s->m.w, s->client, MESH_WEB, 80, 300, n, "privacy");

    ck_assert_int_eq(mesh_await(&s->m, f, 60 * QN_SEC), PW_DONE);
    run_for(s, 2 * QN_SEC);
}

/* What all hops counted. */
static uint64_t counted(scene *s, bool forward)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < s->m.w->nodes_n; i++) {
        qn_counters c = mesh_status(s->m.w->node[i]).counters;

        if (s->m.w->node[i] != s->client)
            n += forward ? c.cells_forward : c.cells_backward;
    }
    return n;
}

static void measure(bool padding, uint64_t n, uint64_t got[2])
{
    scene s;

    start(&s, padding);
    fetch(&s, n);
    got[0] = counted(&s, true);
    got[1] = counted(&s, false);
    run_for(&s, 20 * QN_SEC);
    ck_assert_uint_eq(counted(&s, false), got[1]);
    ck_assert_uint_eq(counted(&s, true), got[0]);
    ck_assert_uint_eq(mesh_status(s.client).counters.padding_cells > 0, padding);
    mesh_free(&s.m);
}

START_TEST(hops_count_the_same_for_small_answers_and_nothing_when_idle)
{
    static const uint64_t sizes[] = {700, 2000, 7900};
    uint64_t first[2], got[2];

    measure(true, sizes[0], first);
    for (unsigned i = 1; i < QN_LEN(sizes); i++) {
        measure(true, sizes[i], got);
        ck_assert_uint_eq(got[0], first[0]);
        ck_assert_uint_eq(got[1], first[1]);
    }
    measure(false, sizes[0], first);
    measure(false, sizes[2], got);
    ck_assert_uint_gt(got[1], first[1]);
}
END_TEST

enum { BALLAST = 64 << 20 };

/* Four fifths of a node's memory are in use. */
static void burden(pw_node *n, void **ballast, bool on)
{
    qn_mem *mem = &n->env.mem;

    if (on) {
        *ballast = qn_mem_get(mem, BALLAST);
        mem->limit = mem->used * 5 / 4;
    } else {
        qn_mem_put(mem, *ballast, BALLAST);
    }
}

START_TEST(an_exit_that_is_short_of_memory_refuses_and_serves)
{
    void *ballast[2];
    uint64_t refused;
    scene s;

    start(&s, true);
    burden(s.m.exit[0], &ballast[0], true);
    burden(s.m.super, &ballast[1], true);
    fetch(&s, 3000);
    refused = mesh_status(s.m.exit[0]).counters.padding_refused +
              mesh_status(s.m.super).counters.padding_refused;
    ck_assert_uint_eq(refused, 1);
    ck_assert_uint_eq(mesh_status(s.client).counters.padding_refused, 1);
    ck_assert_uint_eq(mesh_status(s.client).counters.padding_cells, 0);
    burden(s.m.exit[0], &ballast[0], false);
    burden(s.m.super, &ballast[1], false);
    mesh_free(&s.m);
}
END_TEST

START_TEST(downloads_and_uploads_arrive_whole_with_padding)
{
    scene s;
    pw_fetch *f[4];

    start(&s, true);
    for (unsigned i = 0; i < QN_LEN(f); i++)
        f[i] = pw_get(s.m.w, s.client, MESH_WEB, 80, i * 200000, 900000, "privacy");
    for (unsigned i = 0; i < QN_LEN(f); i++)
        ck_assert_int_eq(mesh_await(&s.m, f[i], 120 * QN_SEC), PW_DONE);
    mesh_free(&s.m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket padding");
    TCase *t = tcase_create("padding");

    tcase_set_timeout(t, 300);
    tcase_add_test(t, hops_count_the_same_for_small_answers_and_nothing_when_idle);
    tcase_add_test(t, an_exit_that_is_short_of_memory_refuses_and_serves);
    tcase_add_test(t, downloads_and_uploads_arrive_whole_with_padding);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
