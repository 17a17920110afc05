/* The directory through a door of the world's own: who is listed there, and for how long. */
#include "pocket/mesh.h"

#include "base/limits.h"
#include "dir/descriptor.h"
#include "dir/heartbeat.h"
#include "qnet/directory.h"
#include "support/qt.h"

static mesh m;

static void spot(void *ctx, const qn_addr *a, qn_spot *out)
{
    (void)ctx;
    (void)a;
    *out = (qn_spot){.country = "NZ", .as = 64500};
}

static void up(uint64_t seed)
{
    mesh_cfg cfg = {.world = {.seed = seed, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                    .relays = 3,
                    .exits = 1};

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

/* How many it lists; what it says of the node with this id, if that is among them. */
static unsigned look(pw_node *at, const qn_peerid *id, qn_listed *out)
{
    uint32_t cursor = 0;
    unsigned n = 0;
    qn_listed l;

    while (qn_node_listed(pw_core(at), &cursor, &l)) {
        if (id != NULL && qn_peerid_equal(&l.id, id))
            *out = l;
        n++;
    }
    return n;
}

static bool lists(pw_node *at, pw_node *who, qn_listed *out)
{
    qn_peerid id = mesh_status(who).id;

    *out = (qn_listed){0};
    (void)look(at, &id, out);
    return qn_peerid_equal(&out->id, &id);
}

START_TEST(an_operator_shows_whom_it_would_list)
{
    qn_listed l;

    up(1);
    pass(60 * QN_SEC);
    ck_assert_int_eq(qn_node_directory(pw_core(m.super)), QN_DIRECTORY_OPERATOR);
    ck_assert_uint_eq(look(m.super, NULL, &l), 5);
    ck_assert(lists(m.super, m.exit[0], &l));
    ck_assert(l.relay && l.exit && !l.directory);
    ck_assert_uint_eq(l.addrs_n, 1);
    ck_assert_int_le(pw_node_env(m.super)->wall - l.last_seen, 31);
    ck_assert_int_ge(pw_node_env(m.super)->wall - l.first_seen, 60);
    ck_assert(!lists(m.super, m.client, &l));
    down();
}
END_TEST

START_TEST(a_dead_node_is_gone_within_180_seconds)
{
    qn_listed l;

    up(2);
    ck_assert(lists(m.super, m.relay[0], &l));
    pw_kill(m.w, m.relay[1]);
    pass(85 * QN_SEC); /* its last heartbeat is at most 30 s older */
    ck_assert_uint_eq(look(m.super, NULL, &l), 5);
    pass(95 * QN_SEC);
    ck_assert_uint_eq(look(m.super, NULL, &l), 4);
    down();
}
END_TEST

START_TEST(setting_the_wall_clock_ages_nobody)
{
    qn_listed l;

    up(3);
    pw_set_clock(m.super, -500); /* further, and no descriptor would be valid */
    pass(QN_SEC);
    ck_assert_uint_eq(look(m.super, NULL, &l), 5);
    ck_assert(lists(m.super, m.relay[0], &l));
    ck_assert_int_le(pw_node_env(m.super)->wall - l.last_seen, 31);
    down();
}
END_TEST

START_TEST(pruning_removes_the_dead_only)
{
    qn_pruned p;

    up(4);
    pass(57 * QN_SEC);
    qt_assert_err(qn_node_prune(pw_core(m.super), &p), QN_OK);
    ck_assert_uint_eq(p.removed, 0);
    ck_assert_uint_eq(p.active, 5);
    pw_kill(m.w, m.relay[0]);
    for (p.removed = 0; p.removed == 0;) { /* before the prune of every minute */
        pass(QN_SEC);
        qt_assert_err(qn_node_prune(pw_core(m.super), &p), QN_OK);
        ck_assert_uint_eq(p.removed + p.total, 5);
    }
    ck_assert_uint_eq(p.removed, 1);
    ck_assert_uint_eq(p.active, 4);
    down();
}
END_TEST

START_TEST(only_operators_register)
{
    static const uint8_t junk[] = {1, 2, 3};
    qn_slice some = qn_slice_of(junk, sizeof junk), none = {0};
    qn_node *super;
    qn_pruned p;
    bool fresh = false;

    up(5);
    super = pw_core(m.super);
    ck_assert_int_eq(qn_node_directory(pw_core(m.relay[0])), QN_DIRECTORY_NONE);
    qt_assert_err(qn_node_register(pw_core(m.relay[0]), some, none, &fresh), QN_STATE);
    qt_assert_err(qn_node_prune(pw_core(m.relay[0]), &p), QN_STATE);
    qt_assert_err(qn_node_register(super, none, none, &fresh), QN_PROTO);
    ck_assert_int_ne(qn_node_register(super, some, none, &fresh), QN_OK);
    ck_assert_int_ne(qn_node_register(super, none, some, &fresh), QN_OK);
    ck_assert(!fresh);
    down();
}
END_TEST

/* Whoever is registered and does not answer at its address is listed nowhere. */
START_TEST(who_is_not_reached_is_not_shown)
{
    qn_descriptor d = {.sequence = 1, .roles = QN_ROLE_RELAY, .addrs_n = 1, .onions_n = 1};
    qn_secret32 identity = {{9}};
    qn_heartbeat h = {.descriptor = 1};
    uint8_t bytes[QN_DESCRIPTOR_MAX], beat[QN_HEARTBEAT_MAX];
    size_t n, beat_n;
    bool fresh = false;
    qn_env *env;
    qn_listed l;

    up(6);
    env = pw_node_env(m.super);
    d.valid_after = d.link.not_before = d.onion[0].not_before = env->wall - 10;
    d.valid_until = d.link.not_after = d.onion[0].not_after = env->wall + 86400;
    d.link.key.b[0] = d.onion[0].key.b[0] = 9;
    d.addrs[0] = (qn_addr){.family = 4, .ip = {10, 200, 0, 1}, .port = 9};
    h.time = env->wall;
    qt_assert_err(qn_descriptor_sign(&d, env, &m.net, &identity, bytes, &n), QN_OK);
    qt_assert_err(qn_heartbeat_sign(&h, env, &m.net, &identity, beat, &beat_n), QN_OK);
    qt_assert_err(qn_node_register(pw_core(m.super), qn_slice_of(bytes, n),
                                   qn_slice_of(beat, beat_n), &fresh),
                  QN_OK);
    ck_assert(fresh);
    qt_assert_err(qn_node_register(pw_core(m.super), qn_slice_of(bytes, n), (qn_slice){0}, &fresh),
                  QN_OK);
    ck_assert(!fresh);
    pass(60 * QN_SEC);
    ck_assert_uint_eq(look(m.super, NULL, &l), 5);
    down();
}
END_TEST

/* What a node says of itself is a claim; what the atlas says counts. */
START_TEST(an_atlas_counts_for_more_than_a_claim)
{
    static const qn_atlas atlas = {.find = spot};
    qn_node_cfg cfg;
    pw_node *mirror, *late;
    qn_listed l;

    up(7);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    memcpy(cfg.country, "IS", 3);
    late = pw_add(m.w, "late", &cfg);
    cfg = mesh_cfg_for(&m, QN_BOOTSTRAP);
    cfg.atlas = &atlas;
    mirror = pw_add(m.w, "mirror", &cfg);
    pass(30 * QN_SEC);
    ck_assert(lists(m.super, late, &l));
    ck_assert_str_eq(l.country, "IS");
    ck_assert_int_eq(qn_node_directory(pw_core(mirror)), QN_DIRECTORY_MIRROR);
    ck_assert(lists(mirror, late, &l));
    ck_assert_str_eq(l.country, "NZ");
    ck_assert_str_eq(l.claimed, "IS");
    ck_assert_int_eq(l.last_seen, 0);
    down();
}
END_TEST

/* Everybody in one country and one AS: paths say so. */
START_TEST(paths_are_chosen_by_the_atlas)
{
    static const qn_atlas atlas = {.find = spot};
    mesh_cfg cfg = {.world = {.seed = 8, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                    .relays = 3,
                    .exits = 1};
    qn_circuit_info c = {0};
    qn_node_cfg client;
    pw_node *n;

    mesh_new(&m, &cfg);
    client = mesh_cfg_for(&m, QN_CLIENT);
    client.socks = true;
    client.route = QN_ROUTE_PRIVACY;
    client.atlas = &atlas;
    n = pw_add(m.w, "atlas", &client);
    (void)pw_get(m.w, n, MESH_WEB, 80, 400, 2000, NULL);
    pass(60 * QN_SEC);
    ck_assert(qn_node_circuit(pw_core(n), 0, &c));
    ck_assert_uint_eq(c.alike & (QN_APART_COUNTRY | QN_APART_AS), QN_APART_COUNTRY | QN_APART_AS);
    ck_assert_str_eq(c.why[0].country, "NZ");
    down();
}
END_TEST

static bool keeps(pw_node *n, const char *name, const uint8_t *was, size_t size)
{
    qn_slice now = pw_stored(n, name);

    return now.n == size && memcmp(now.p, was, size) == 0;
}

/* A disk that was full when a list came and is not any more: nothing else has to happen. */
START_TEST(what_could_not_be_kept_is_kept_later)
{
    static uint8_t was[64 << 10];
    qn_slice kept;

    up(20);
    pass(30 * QN_SEC);
    kept = pw_stored(m.exit[0], "snapshot");
    ck_assert_uint_gt(kept.n, 0);
    ck_assert_uint_le(kept.n, sizeof was);
    memcpy(was, kept.p, kept.n);
    pw_fail_store(m.exit[0], "snapshot");
    pw_kill(m.w, m.relay[0]);
    pass(400 * QN_SEC);
    ck_assert_uint_eq(mesh_status(m.exit[0]).peers_known, 4);
    ck_assert(keeps(m.exit[0], "snapshot", was, kept.n));
    pw_fail_store(m.exit[0], NULL);
    pass(QN_STORE_PAUSE);
    ck_assert(!keeps(m.exit[0], "snapshot", was, kept.n));
    down();
}
END_TEST

static Suite *directory_suite(void)
{
    Suite *s = suite_create("pocket directory");
    TCase *tc = tcase_create("directory");

    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, an_operator_shows_whom_it_would_list);
    tcase_add_test(tc, a_dead_node_is_gone_within_180_seconds);
    tcase_add_test(tc, setting_the_wall_clock_ages_nobody);
    tcase_add_test(tc, pruning_removes_the_dead_only);
    tcase_add_test(tc, only_operators_register);
    tcase_add_test(tc, who_is_not_reached_is_not_shown);
    tcase_add_test(tc, an_atlas_counts_for_more_than_a_claim);
    tcase_add_test(tc, paths_are_chosen_by_the_atlas);
    tcase_add_test(tc, what_could_not_be_kept_is_kept_later);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(directory_suite)
