/* Several operators: they agree on lists with one of three dead, cut off, restarted or lying. */
#include "node/internal.h"
#include "pocket/mesh.h"

#include "base/limits.h"
#include "dir/equivocation.h"
#include "dir/offer.h"
#include "dir/snapshot.h"
#include "support/qt.h"

static mesh m;

static void up(uint64_t seed, uint32_t many)
{
    mesh_cfg cfg = {.world = {.seed = seed, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                    .relays = 3,
                    .exits = 1,
                    .operators = many};

    mesh_new(&m, &cfg);
}

static void down(void)
{
    mesh_free(&m);
}

static void pass(qn_time time)
{
    (void)pw_run(m.w, pw_now(m.w) + time, NULL, NULL);
}

static uint64_t version(pw_node *n)
{
    return mesh_status(n).snapshot_version;
}

static uint32_t listed(pw_node *n)
{
    return mesh_status(n).peers_known;
}

static bool fetches(void)
{
    pw_fetch *f = pw_get(m.w, m.client, MESH_WEB, 80, 400, 20000, NULL);

    return mesh_await(&m, f, 60 * QN_SEC) == PW_DONE;
}

/* Signatures of the list this node holds. */
static uint16_t signers(pw_node *n)
{
    qn_signed_list l;
    qn_slice bytes = pw_stored(n, "snapshot"), list, verified;

    if (qn_offer_read(bytes, &list, &verified) == QN_OK) /* an operator's */
        bytes = list;
    qt_assert_err(qn_signed_list_open(&l, pw_env(m.w), &m.net, bytes), QN_OK);
    return l.signers;
}

static unsigned count(uint16_t bits)
{
    unsigned n = 0;

    for (; bits != 0; bits &= (uint16_t)(bits - 1))
        n++;
    return n;
}

START_TEST(a_majority_signs_every_list)
{
    up(1, (uint32_t)_i);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    ck_assert(fetches());
    ck_assert_uint_ge(count(signers(m.exit[0])), (unsigned)_i / 2 + 1);
    pass(60 * QN_SEC);
    for (int i = 0; i < _i; i++) {
        ck_assert_uint_eq(version(m.operator[i]), version(m.super));
        ck_assert_uint_eq(listed(m.operator[i]), 4 + (uint32_t)_i);
    }
    down();
}
END_TEST

/* Who holds a list is sent what differs from it; who holds none, all of it packed. */
START_TEST(a_change_comes_as_a_delta)
{
    qn_event e;
    qn_node_cfg cfg;
    pw_node *late;

    up(11, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    pass(70 * QN_SEC);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    late = pw_add(m.w, "late", &cfg);
    pass(QN_SEC);
    ck_assert_uint_eq(pw_events(late, QN_EV_SNAPSHOT, &e), 1);
    ck_assert_uint_gt(e.down, pw_stored(late, "snapshot").n / 3);
    ck_assert_uint_lt(e.down, pw_stored(late, "snapshot").n);
    pass(100 * QN_SEC);
    ck_assert_uint_ge(pw_events(m.exit[0], QN_EV_SNAPSHOT, &e), 2);
    ck_assert_uint_eq(e.value, 4 + 3 + 1);
    ck_assert_uint_gt(e.down, 0);
    ck_assert_uint_lt(e.down, pw_stored(m.exit[0], "snapshot").n / 3);
    down();
}
END_TEST

/* The nodes that register with the one that dies find another. */
START_TEST(one_of_three_may_die)
{
    uint64_t before;
    pw_node *late;
    qn_node_cfg cfg;

    up(2, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    pw_kill(m.w, m.operator[_i]);
    pass(200 * QN_SEC);
    before = version(m.exit[0]);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    late = pw_add(m.w, "late", &cfg);
    pass(120 * QN_SEC);
    ck_assert_uint_gt(version(m.exit[0]), before);
    ck_assert_uint_eq(listed(m.exit[0]), 4 + 2 + 1);
    ck_assert_int_eq(mesh_status(late).state, QN_CONNECTED);
    ck_assert(fetches());
    down();
}
END_TEST

START_TEST(one_of_three_may_be_cut_off_and_catches_up)
{
    qn_node_cfg cfg;

    up(3, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    pw_isolate(m.w, m.operator[_i], true);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    (void)pw_add(m.w, "late", &cfg);
    pass(240 * QN_SEC);
    ck_assert_uint_eq(listed(m.operator[(_i + 1) % 3]), 4 + 2 + 1);
    pw_isolate(m.w, m.operator[_i], false);
    pass(150 * QN_SEC);
    ck_assert_uint_eq(version(m.operator[_i]), version(m.operator[(_i + 1) % 3]));
    ck_assert_uint_eq(listed(m.operator[_i]), 4 + 3 + 1);
    down();
}
END_TEST

/* Two are not a majority of three twice over: without it nobody signs, and nothing goes back. */
START_TEST(a_minority_signs_nothing)
{
    uint64_t before;
    qn_node_cfg cfg;

    up(4, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    pw_kill(m.w, m.operator[1]);
    pw_kill(m.w, m.operator[2]);
    before = version(m.super);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    (void)pw_add(m.w, "late", &cfg);
    pass(300 * QN_SEC);
    ck_assert_uint_eq(version(m.super), before);
    mesh_restart_operator(&m, 1);
    pass(120 * QN_SEC);
    ck_assert_uint_gt(version(m.super), before);
    ck_assert_uint_eq(listed(m.super), 4 + 2 + 1);
    down();
}
END_TEST

/* P5: at random moments, whatever was signed before is not signed differently again. */
START_TEST(versions_never_go_back_over_restarts)
{
    uint64_t last = 0;

    up(5, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    for (uint32_t i = 0; i < 30; i++) {
        uint32_t who = qn_rng_below(pw_env(m.w), 3);

        pw_kill(m.w, m.operator[who]);
        mesh_restart_operator(&m, who);
        pass((1 + qn_rng_below(pw_env(m.w), 8000)) * QN_MS);
        ck_assert_uint_ge(version(m.exit[0]), last);
        last = version(m.exit[0]);
    }
    pass(200 * QN_SEC);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(mesh_status(m.operator[i]).distrusted, 0);
        ck_assert_uint_eq(listed(m.operator[i]), 4 + 3);
    }
    down();
}
END_TEST

/* Of two that are left, one had its clock a day ahead for a while and signed by it. */
START_TEST(a_clock_that_was_ahead_spends_few_versions)
{
    uint64_t before;
    qn_node_cfg cfg;

    up(51, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    pw_set_clock(m.operator[1], 86400);
    pw_isolate(m.w, m.operator[1], true); /* nobody lives, as far as it knows */
    pass(150 * QN_SEC);
    ck_assert_int_gt(pw_core(m.operator[1])->op->versions.last.version, pw_env(m.w)->wall + 80000);
    if (_i == 1) {
        pw_kill(m.w, m.operator[1]);
        mesh_restart_operator(&m, 1);
    }
    pw_isolate(m.w, m.operator[1], false);
    pw_set_clock(m.operator[1], 0);
    pw_kill(m.w, m.operator[2]);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    (void)pw_add(m.w, "news", &cfg);
    before = version(m.super);
    pass(200 * QN_SEC);
    ck_assert_uint_gt(version(m.super), before);
    ck_assert_uint_eq(listed(m.super), 4 + 2 + 1);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_uint_eq(mesh_status(m.operator[i]).distrusted, 0);
    down();
}
END_TEST

/* 120 s of silence and a round of turns at the operators; others ask them once a minute. */
START_TEST(a_dead_relay_leaves_within_three_minutes)
{
    up(6, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    pass((qn_time)(unsigned)_i * 7 * QN_SEC);
    pw_kill(m.w, m.relay[0]);
    pass(80 * QN_SEC);
    ck_assert_uint_eq(listed(m.super), 4 + 3);
    pass(50 * QN_SEC);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(listed(m.operator[i]), 4 + 3 - 1);
    pass(50 * QN_SEC);
    ck_assert_uint_eq(listed(m.exit[0]), 4 + 3 - 1);
    down();
}
END_TEST

/* A list of nobody, as operators `who` sign it; the difference is how long it lives. */
static qn_blob forge(int64_t at, int64_t lives, unsigned who)
{
    qn_env *env = pw_env(m.w);
    qn_snapshot_signature v[MESH_OPERATORS_MAX];
    qn_registry empty;
    qn_blob body, out;
    unsigned n = 0;

    qn_registry_init(&empty, env, &m.net);
    qt_assert_err(qn_snapshot_build(&body, &empty, at, at + lives, (qn_slice){0}), QN_OK);
    for (unsigned i = 0; i < m.net.operators_n; i++)
        if ((who >> i & 1) != 0)
            qt_assert_err(qn_snapshot_sign(&v[n++], env, &m.net, qn_slice_of(body.p, body.n),
                                           &m.operator_seed[i]),
                          QN_OK);
    qt_assert_err(qn_snapshot_join(&out, env, qn_slice_of(body.p, body.n), v, n), QN_OK);
    qn_blob_clear(&body, &env->mem);
    return out;
}

/* Operator 2 shows one list to 0 and another to 1, each of whom signs the one it saw. */
START_TEST(a_liar_is_proven_and_the_others_go_on_without_it)
{
    qn_blob x, y;
    int64_t at;

    up(7, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    at = pw_env(m.w)->wall + 1;
    x = forge(at, 3600, 1 << 0 | 1 << 2);
    y = forge(at, 3601, 1 << 1 | 1 << 2);
    pw_kill(m.w, m.operator[0]);
    pw_kill(m.w, m.operator[1]);
    m.operator_cfg[0].stored_snapshot = qn_slice_of(x.p, x.n);
    m.operator_cfg[1].stored_snapshot = qn_slice_of(y.p, y.n);
    for (uint32_t i = 0; i < 2; i++)
        m.operator[i] = pw_add(m.w, "shown", &m.operator_cfg[i]);
    pass(120 * QN_SEC);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(mesh_status(m.operator[i]).distrusted, 1 << 2);
        ck_assert_uint_gt(pw_stored(m.operator[i], "equivocations").n, 0);
    }
    ck_assert_uint_eq(mesh_status(m.exit[0]).distrusted, 1 << 2);
    ck_assert_uint_eq(signers(m.exit[0]) & 3, 3); /* its own does not count */
    ck_assert_uint_eq(listed(m.exit[0]), 4 + 3);  /* as a relay it may go on */
    ck_assert(fetches());
    /* And who starts again still knows. */
    pw_kill(m.w, m.operator[0]);
    mesh_restart_operator(&m, 0);
    ck_assert_uint_eq(mesh_status(m.operator[0]).distrusted, 1 << 2);
    qn_blob_clear(&x, &pw_env(m.w)->mem);
    qn_blob_clear(&y, &pw_env(m.w)->mem);
    down();
}
END_TEST

/* What was signed is on disk first: where that fails, nothing is signed. */
/* The network without its first operator, as the two others signed it. */
static qn_network rotated(uint8_t root[QN_ROOT_MAX], size_t *n)
{
    static uint8_t draft[QN_ROOT_MAX], one[QN_ROOT_MAX];
    qn_network next = m.net;
    size_t draft_n, one_n;

    next.root = 2;
    next.operators_n = 2;
    next.operators[0] = m.net.operators[1];
    next.operators[1] = m.net.operators[2];
    qt_assert_err(qn_root_draft(&next, QT_EPOCH, draft, sizeof draft, &draft_n), QN_OK);
    qt_assert_err(qn_root_sign(&m.net, qn_slice_of(draft, draft_n), &m.operator_seed[1], one,
                               sizeof one, &one_n),
                  QN_OK);
    qt_assert_err(
        qn_root_sign(&m.net, qn_slice_of(one, one_n), &m.operator_seed[2], root, QN_ROOT_MAX, n),
        QN_OK);
    next = m.net;
    qt_assert_err(qn_roots_apply(&next, qn_slice_of(root, *n)), QN_OK);
    next.roots = qn_slice_of(root, *n);
    return next;
}

/* One operator is started with the new network file; the other hears of it and only needs to be
 * started again; everybody else follows by himself, and stays there. */
START_TEST(operators_change_and_everybody_follows)
{
    static uint8_t root[QN_ROOT_MAX];
    qn_network net;
    qn_node_cfg cfg;
    pw_node *late;
    size_t n;

    up(21, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    net = rotated(root, &n);
    pw_kill(m.w, m.operator[1]);
    m.operator_cfg[1].network = &net;
    mesh_restart_operator(&m, 1);
    pass(20 * QN_SEC);
    qt_assert_bytes(pw_stored(m.operator[2], "roots").p, pw_stored(m.operator[2], "roots").n,
                    qn_slice_of(root, n));
    pw_kill(m.w, m.operator[2]);
    mesh_restart_operator(&m, 2);
    pw_kill(m.w, m.operator[0]);
    cfg = mesh_cfg_for(&m, QN_RELAY); /* with the old network file */
    late = pw_add(m.w, "late", &cfg);
    pass(240 * QN_SEC);
    ck_assert_uint_eq(qn_node_network(pw_core(late))->root, 2);
    ck_assert_uint_eq(qn_node_network(pw_core(m.exit[0]))->root, 2);
    qt_assert_bytes(pw_stored(m.exit[0], "roots").p, pw_stored(m.exit[0], "roots").n,
                    qn_slice_of(root, n));
    ck_assert_uint_eq(listed(m.exit[0]), 4 + 2 + 1);
    ck_assert_int_eq(mesh_status(late).state, QN_CONNECTED);
    ck_assert(fetches());
    ck_assert_uint_eq(qn_node_network(pw_core(m.client))->root, 2);
    down();
}
END_TEST

/* What says otherwise than the network file is no reason to believe the file. */
START_TEST(damaged_roots_are_no_way_back)
{
    static uint8_t root[QN_ROOT_MAX];
    qn_node_cfg cfg;
    qn_node *node = NULL;
    char why[160];
    size_t n;

    up(22, 3);
    (void)rotated(root, &n);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    root[n - 1] ^= 1;
    cfg.stored_roots = qn_slice_of(root, n);
    qt_assert_err(qn_node_new(&node, &cfg, pw_env(m.w), why), QN_CONFIG);
    ck_assert_ptr_nonnull(strstr(why, "roots"));
    down();
}
END_TEST

START_TEST(nothing_is_signed_that_cannot_be_kept)
{
    uint64_t before;
    qn_node_cfg cfg;

    up(8, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    pw_fail_store(m.operator[1], "signed");
    pw_fail_store(m.operator[2], "signed");
    before = version(m.super);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    (void)pw_add(m.w, "late", &cfg);
    pass(100 * QN_SEC);
    ck_assert_uint_eq(version(m.super), before);
    pw_fail_store(m.operator[1], NULL);
    pass(60 * QN_SEC);
    ck_assert_uint_gt(version(m.super), before);
    down();
}
END_TEST

/* Operators, and the supers they are, gone: relays have the list, and give it to who holds an older
 * one. */
START_TEST(relays_serve_the_list_when_no_operator_answers)
{
    static uint8_t old[1 << 16];
    qn_node_cfg cfg;
    qn_slice kept;
    pw_node *late;

    up(10, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    pass(60 * QN_SEC);
    kept = pw_stored(m.client, "snapshot");
    ck_assert_uint_le(kept.n, sizeof old);
    memcpy(old, kept.p, kept.n);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    (void)pw_add(m.w, "newcomer", &cfg);
    pass(100 * QN_SEC);
    for (uint32_t i = 0; i < 3; i++)
        pw_kill(m.w, m.operator[i]);
    cfg = mesh_cfg_for(&m, QN_CLIENT);
    cfg.socks = true;
    cfg.stored_snapshot = qn_slice_of(old, kept.n);
    late = pw_add(m.w, "late", &cfg);
    ck_assert_uint_eq(listed(late), 4 + 3);
    pass(60 * QN_SEC);
    ck_assert_uint_eq(listed(late), 4 + 3 + 1);
    ck_assert_uint_eq(version(late), version(m.exit[0]));
    ck_assert_int_eq(mesh_status(late).state, QN_CONNECTED);
    down();
}
END_TEST

/* It registers and beats, but nobody answers where it says it is. */
static bool has_list(void *ctx)
{
    return mesh_status(ctx).snapshot_version > 0;
}

/* How long a newcomer with the network file alone is without a list. */
static qn_time newcomer(const char *name)
{
    pw_node *late = mesh_add_client(&m, name, QN_ROUTE_FAST);
    qn_time from = pw_now(m.w);

    (void)pw_run(m.w, from + 60 * QN_SEC, has_list, late);
    return pw_now(m.w) - from;
}

/* Two of three let everybody wait: the third is asked two seconds later at most, whichever is
 * first; with all of them there nobody waits, and not all begin with the same one. */
START_TEST(three_operators_are_asked_one_after_the_other)
{
    unsigned quick = 0;

    up(31, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    ck_assert(newcomer("at once") < QN_SEC);
    pw_isolate(m.w, m.operator[_i], true);
    pw_isolate(m.w, m.operator[(_i + 1) % 3], true);
    for (char name[] = "a"; name[0] <= 'h'; name[0]++) {
        qn_time took = newcomer(name);

        ck_assert_msg(took < 3 * QN_SEC, "%lld ms", (long long)(took / QN_MS));
        quick += took < QN_SEC;
    }
    ck_assert(quick > 0 && quick < 8);
    down();
}
END_TEST

/* What it kept is too old to go by, but says who might have another. */
START_TEST(an_old_list_says_whom_to_ask)
{
    qn_node_cfg cfg;
    qn_slice kept;
    uint8_t old[1 << 14];
    pw_node *late;

    up(32, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    kept = pw_stored(m.exit[0], "snapshot");
    ck_assert_uint_le(kept.n, sizeof old);
    memcpy(old, kept.p, kept.n);
    pass((QN_SNAPSHOT_LIVES_S + 60) * QN_SEC);
    for (int i = 0; i < 3; i++)
        pw_kill(m.w, m.operator[i]);
    cfg = mesh_cfg_for(&m, QN_CLIENT);
    late = pw_add(m.w, "without", &cfg);
    pass(60 * QN_SEC);
    ck_assert_uint_eq(mesh_status(late).snapshot_version, 0);
    cfg.stored_snapshot = qn_slice_of(old, kept.n);
    late = pw_add(m.w, "with", &cfg);
    ck_assert_uint_eq(mesh_status(late).snapshot_version, 0);
    pass(20 * QN_SEC);
    ck_assert_uint_gt(mesh_status(late).snapshot_version, 0);
    down();
}
END_TEST

/* Unless it says through whom it is reached. */
START_TEST(who_cannot_be_dialled_back_is_not_listed)
{
    const qn_relay *r;
    qn_node_cfg cfg;
    pw_node *late;

    up(9, 3);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    cfg = mesh_cfg_for(&m, QN_RELAY);
    late = pw_add(m.w, "late", &cfg);
    pw_shut(late, true);
    pass(20 * QN_SEC);
    ck_assert_uint_eq(listed(m.super), 4 + 3);
    pass(80 * QN_SEC);
    r = qn_snapshot_find(pw_core(m.super)->snapshot, &pw_core(late)->id);
    ck_assert(r == NULL || r->d.via_n > 0);
    pw_shut(late, false);
    pass(60 * QN_SEC);
    ck_assert_uint_eq(listed(m.super), 4 + 3 + 1);
    down();
}
END_TEST

static Suite *operators_suite(void)
{
    Suite *s = suite_create("pocket operators");
    TCase *tc = tcase_create("operators");

    tcase_set_timeout(tc, 0);
    tcase_add_loop_test(tc, a_majority_signs_every_list, 1, 6);
    tcase_add_test(tc, a_change_comes_as_a_delta);
    tcase_add_loop_test(tc, three_operators_are_asked_one_after_the_other, 0, 3);
    tcase_add_test(tc, an_old_list_says_whom_to_ask);
    tcase_add_test(tc, operators_change_and_everybody_follows);
    tcase_add_test(tc, damaged_roots_are_no_way_back);
    tcase_add_loop_test(tc, one_of_three_may_die, 0, 3);
    tcase_add_loop_test(tc, one_of_three_may_be_cut_off_and_catches_up, 0, 3);
    tcase_add_test(tc, a_minority_signs_nothing);
    tcase_add_test(tc, versions_never_go_back_over_restarts);
    tcase_add_loop_test(tc, a_dead_relay_leaves_within_three_minutes, 0, 8);
    tcase_add_test(tc, a_liar_is_proven_and_the_others_go_on_without_it);
    tcase_add_test(tc, relays_serve_the_list_when_no_operator_answers);
    tcase_add_loop_test(tc, a_clock_that_was_ahead_spends_few_versions, 0, 2);
    tcase_add_test(tc, who_cannot_be_dialled_back_is_not_listed);
    tcase_add_test(tc, nothing_is_signed_that_cannot_be_kept);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(operators_suite)
