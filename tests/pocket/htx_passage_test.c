/* A relay that nobody can connect to, where all links are visits to web sites: its rendezvous carry
 * a link inside one that is HTX. */
#include "node/internal.h"
#include "pocket/htx_site.h"

static const qn_addr nat = {.family = 4, .ip = {198, 51, 100, 9}, .port = 1};

static bool is_listed(void *node)
{
    return qn_snapshot_find(pw_core(m.client)->snapshot, &pw_core(node)->id) != NULL;
}

static bool was_used(void *node)
{
    return mesh_status(node).counters.relayed > 0;
}

static void fetch(void)
{
    pw_fetch *f = pw_get(m.w, m.client, MESH_WEB, 80, 400, 20000, NULL);

    ck_assert_int_eq(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
}

START_TEST(a_relay_behind_a_nat_is_reached_through_visits)
{
    mesh_cfg cfg = {.world = {.seed = 7, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                    .relays = 2,
                    .exits = 1,
                    .route = QN_ROUTE_PRIVACY};
    qn_node_cfg behind_cfg;
    pw_node *behind;

    set_out(0);
    cfg.htx = &htx;
    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    behind_cfg = mesh_cfg_for(&m, QN_RELAY);
    behind = pw_add(m.w, "behind", &behind_cfg);
    pw_masquerade(behind, &nat);
    ck_assert(pw_run(m.w, pw_now(m.w) + 240 * QN_SEC, is_listed, behind));
    ck_assert_int_eq(mesh_status(behind).reach, QN_REACH_BEHIND);
    for (unsigned i = 0; i < 40 && !was_used(behind); i++) {
        fetch();
        (void)pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, NULL, NULL);
    }
    ck_assert(was_used(behind));
    mesh_free(&m);
    qt_origin_free(origin);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket htx passage");
    TCase *t = tcase_create("behind a NAT");

    tcase_set_timeout(t, 240);
    tcase_add_test(t, a_relay_behind_a_nat_is_reached_through_visits);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
