/* What the world comes upon in the local network: a hint is one more thing told, and no more. */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"

#include "base/limits.h"
#include "support/qt.h"

static mesh m;

static void up(uint64_t seed)
{
    mesh_cfg cfg = {.world = {.seed = seed, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                    .relays = 4,
                    .exits = 1,
                    .route = QN_ROUTE_PRIVACY};

    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
}

static void down(void)
{
    mesh_free(&m);
}

static void pass(qn_time time)
{
    (void)pw_run(m.w, pw_now(m.w) + time, NULL, NULL);
}

static qn_err hint(pw_node *to, qn_slice descriptor, const qn_addr *at)
{
    qn_err err;

    pw__stamp(to);
    err = qn_node_hint(pw_core(to), descriptor, at);
    pw__drain(to);
    return err;
}

static qn_err hint_of(pw_node *to, pw_node *of)
{
    return hint(to, qn_node_descriptor(pw_core(of)), &pw_core(of)->cfg.listen);
}

static bool has_reached(pw_node *n, pw_node *of)
{
    qn_heard_info info;

    for (uint32_t i = 0; qn_node_heard(pw_core(n), i, &info); i++)
        if (qn_peerid_equal(&info.id, &pw_core(of)->id))
            return info.reached;
    return false;
}

/* No operator answers and it has no list: all it has is a neighbour in its own network. */
START_TEST(a_newcomer_without_a_list_gets_one_from_a_neighbour)
{
    pw_node *late;
    qn_node_cfg cfg;

    up(1);
    pass(30 * QN_SEC);
    pw_kill(m.w, m.super);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    late = pw_add(m.w, "late", &cfg);
    pass(120 * QN_SEC);
    ck_assert_uint_eq(mesh_status(late).peers_known, 0);
    ck_assert_int_eq(hint_of(late, m.relay[0]), QN_OK);
    pass(300 * QN_SEC);
    ck_assert_uint_gt(mesh_status(late).peers_known, 0);
    ck_assert_int_eq(mesh_status(late).reach, QN_REACH_DIRECT);
    ck_assert(has_reached(m.relay[1], late));
    down();
}
END_TEST

START_TEST(what_is_listed_is_no_news)
{
    up(2);
    pass(QN_LIST_EVERY * 2);
    ck_assert_int_eq(hint_of(m.relay[0], m.relay[1]), QN_STALE);
    ck_assert_int_eq(hint_of(m.relay[0], m.relay[0]), QN_STALE);
    ck_assert_uint_eq(mesh_status(m.relay[0]).heard, 0);
    down();
}
END_TEST

START_TEST(a_hint_of_another_address_is_refused)
{
    pw_node *late;
    qn_node_cfg cfg;
    qn_addr elsewhere;

    up(3);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    elsewhere = cfg.listen;
    elsewhere.port++;
    late = pw_add(m.w, "late", &cfg);
    ck_assert_int_eq(hint(m.relay[0], qn_node_descriptor(pw_core(late)), &elsewhere), QN_POLICY);
    elsewhere = cfg.listen;
    elsewhere.ip[3]++;
    ck_assert_int_eq(hint(m.relay[0], qn_node_descriptor(pw_core(late)), &elsewhere), QN_POLICY);
    ck_assert_uint_eq(mesh_status(m.relay[0]).heard, 0);
    ck_assert(!pw_dialled(m.relay[0], &elsewhere));
    down();
}
END_TEST

START_TEST(a_forged_hint_is_refused)
{
    uint8_t bytes[QN_DESCRIPTOR_MAX];
    pw_node *late;
    qn_node_cfg cfg;
    qn_slice d;

    up(4);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    late = pw_add(m.w, "late", &cfg);
    d = qn_node_descriptor(pw_core(late));
    ck_assert_uint_gt(d.n, 0);
    for (size_t i = 0; i < d.n; i += 7) {
        memcpy(bytes, d.p, d.n);
        bytes[i] ^= 1;
        ck_assert_int_ne(hint(m.relay[0], qn_slice_of(bytes, d.n), &cfg.listen), QN_OK);
        ck_assert_int_ne(hint(m.relay[0], qn_slice_of(d.p, i), &cfg.listen), QN_OK);
    }
    ck_assert_uint_eq(mesh_status(m.relay[0]).heard, 0);
    ck_assert_int_eq(hint(m.relay[0], d, &cfg.listen), QN_OK);
    down();
}
END_TEST

START_TEST(clients_take_no_hints_and_give_none)
{
    up(5);
    ck_assert_int_eq(hint_of(m.client, m.relay[0]), QN_REFUSED);
    ck_assert_uint_eq(qn_node_descriptor(pw_core(m.client)).n, 0);
    pw__stamp(m.relay[0]);
    pw_core(m.relay[0])->cfg.unlisted = true;
    ck_assert_uint_eq(qn_node_descriptor(pw_core(m.relay[0])).n, 0);
    ck_assert_int_eq(hint_of(m.relay[0], m.relay[1]), QN_REFUSED);
    pw_core(m.relay[0])->cfg.unlisted = false;
    down();
}
END_TEST

/* Somebody in the local network makes up nodes: what we dial for it stays as much as one teller's.
 */
START_TEST(made_up_nodes_are_bounded)
{
    unsigned taken = 0;

    up(6);
    for (unsigned i = 0; i < 2 * QN_HEARD_PER_TELLER; i++) {
        qn_descriptor d = pw_core(m.relay[1])->asker.self;
        uint8_t bytes[QN_DESCRIPTOR_MAX];
        qn_secret32 key = {{(uint8_t)(i + 1)}};
        size_t n;

        d.addrs[0].ip[1] = (uint8_t)i;
        ck_assert_int_eq(
            qn_descriptor_sign(&d, pw_env(m.w), &pw_core(m.relay[1])->net, &key, bytes, &n), QN_OK);
        taken += hint(m.relay[0], qn_slice_of(bytes, n), &d.addrs[0]) == QN_OK;
    }
    ck_assert_uint_eq(taken, QN_HEARD_PER_TELLER);
    pass(600 * QN_SEC);
    ck_assert_uint_eq(mesh_status(m.relay[0]).heard, 0);
    down();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hints");
    TCase *t = tcase_create("hints");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_newcomer_without_a_list_gets_one_from_a_neighbour);
    tcase_add_test(t, what_is_listed_is_no_news);
    tcase_add_test(t, a_hint_of_another_address_is_refused);
    tcase_add_test(t, a_forged_hint_is_refused);
    tcase_add_test(t, clients_take_no_hints_and_give_none);
    tcase_add_test(t, made_up_nodes_are_bounded);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
