/*
 * Operators enough to sign a list invent keys for a node that exists, and lead its clients to one
 * of theirs. The list holds; the link does not: the node's identity has not signed those keys.
 */
#include "node/internal.h"
#include "pocket/htx_site.h"
#include "pocket/internal.h"

#include "dir/envelope.h"

static bool over_htx;

static void up(bool with_htx)
{
    mesh_cfg cfg = {.world = {.seed = 1, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                    .relays = 1,
                    .exits = 2,
                    .route = QN_ROUTE_FAST};

    over_htx = with_htx;
    if (with_htx) {
        set_out(0);
        cfg.htx = &htx;
    }
    mesh_new(&m, &cfg);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
}

static void down(void)
{
    mesh_free(&m);
    if (over_htx)
        qt_origin_free(origin);
}

/* ---- the lie --------------------------------------------------------------------------------- */

/* What this node answers by, as if `who` had said it. */
static qn_slice body_as(pw_node *n, const qn_peerid *who, uint8_t out[QN_DESCRIPTOR_MAX])
{
    qn_descriptor d = pw_core(n)->asker.self;
    uint8_t card[QN_HTX_CARD_MAX];
    const qn_secret32 nobodys = {{1}};
    qn_envelope e;
    qn_cbor_w w;
    size_t len;

    if (d.card.n > 0) {
        qn_htx_card c;

        qt_assert_err(qn_htx_card_read(&c, d.card, QN_HTX_DESCRIPTOR_KEYS), QN_OK);
        c.key[0].epoch = qn_htx_epoch(who, d.valid_after);
        qn_cbor_w_init(&w, card, sizeof card);
        qn_htx_card_put(&w, &c);
        d.card = qn_slice_of(card, w.n);
    }
    qt_assert_err(qn_descriptor_sign(&d, pw_env(m.w), &m.net, &nobodys, out, &len), QN_OK);
    qt_assert_err(qn_envelope_read(&e, qn_slice_of(out, len)), QN_OK);
    return e.body;
}

/* A list of one node, newer than every true one, that all operators have signed. */
static qn_blob list_of(const qn_sign_public *identity, qn_slice described)
{
    qn_env *env = pw_env(m.w);
    uint64_t after = (uint64_t)env->wall + 300;
    uint8_t body[QN_DESCRIPTOR_MAX + 256];
    qn_snapshot_signature v;
    qn_blob list;
    qn_cbor_w w;

    qn_cbor_w_init(&w, body, sizeof body);
    qn_cbor_map(&w, 5);
    qn_cbor_uint(&w, 1);
    qn_cbor_uint(&w, 1);
    qn_cbor_uint(&w, 2);
    qn_cbor_uint(&w, after);
    qn_cbor_uint(&w, 3);
    qn_cbor_uint(&w, after + 3600);
    qn_cbor_uint(&w, 4);
    qn_cbor_bytes(&w, m.net.id, sizeof m.net.id);
    qn_cbor_uint(&w, 5);
    qn_cbor_array(&w, 1);
    qn_cbor_array(&w, 3);
    qn_cbor_bytes(&w, identity->b, sizeof identity->b);
    qn_cbor_bytes(&w, described.p, described.n);
    qn_cbor_uint(&w, 500);
    qt_assert_err(w.err, QN_OK);
    qt_assert_err(qn_snapshot_sign(&v, env, &m.net, qn_slice_of(body, w.n), &m.operator_seed[0]),
                  QN_OK);
    qt_assert_err(qn_snapshot_join(&list, env, qn_slice_of(body, w.n), &v, 1), QN_OK);
    return list;
}

/* From now on it answers handshakes in this name. */
static void pose(pw_node *n, const qn_peerid *as)
{
    qn_node *core = pw_core(n);

    if (core->site != NULL) {
        core->site->htx.judge.place.peer = *as;
        core->site->mirror.epoch[0] = qn_htx_epoch(as, core->env->wall);
        core->site->mirror.id = *as;
    }
    core->id = *as;
}

/* A client that has this list of `who` as `n` is, and no newer one. */
static pw_node *deceived(pw_node *n, const qn_sign_public *who, const qn_peerid *id)
{
    uint8_t described[QN_DESCRIPTOR_MAX];
    qn_blob list = list_of(who, body_as(n, id, described));
    qn_node_cfg cfg = mesh_cfg_for(&m, QN_CLIENT);
    pw_node *client;

    cfg.socks = true;
    cfg.stored_snapshot = qn_slice_of(list.p, list.n);
    client = pw_add(m.w, "deceived", &cfg);
    ck_assert_uint_eq(mesh_status(client).peers_known, 1);
    qn_blob_clear(&list, &pw_env(m.w)->mem);
    return client;
}

/* ---- what comes of it ------------------------------------------------------------------------ */

START_TEST(a_list_of_a_nodes_own_keys_leads_to_it)
{
    const qn_descriptor *x;
    pw_node *client;

    up(_i == 1);
    x = &pw_core(m.exit[0])->asker.self;
    client = deceived(m.exit[0], &x->identity, &x->id);
    ck_assert_int_eq(
        mesh_await(&m, pw_get(m.w, client, MESH_WEB, 80, 400, 20000, NULL), 60 * QN_SEC), PW_DONE);
    ck_assert_uint_eq(mesh_status(client).counters.impostors, 0);
    down();
}
END_TEST

START_TEST(keys_that_operators_invented_for_a_node_lead_to_nobody)
{
    const qn_descriptor *x;
    uint64_t asked;
    pw_node *client;
    pw_fetch *f;

    up(_i == 1);
    x = &pw_core(m.exit[0])->asker.self;
    client = deceived(m.exit[1], &x->identity, &x->id);
    pose(m.exit[1], &x->id);
    asked = mesh_status(m.exit[1]).counters.exit_requests;
    f = pw_get(m.w, client, MESH_WEB, 80, 400, 20000, NULL);
    ck_assert_int_ne(mesh_await(&m, f, 60 * QN_SEC), PW_DONE);
    ck_assert_uint_eq(pw_received(f), 0);
    ck_assert_uint_gt(mesh_status(client).counters.impostors, 0);
    ck_assert_int_ne(mesh_status(client).state, QN_CONNECTED);
    ck_assert_uint_eq(mesh_status(m.exit[1]).counters.exit_requests, asked);
    down();
}
END_TEST

static unsigned warnings;

static void count_warnings(void *ctx, qn_level level, const char *area, const char *text)
{
    (void)ctx;
    (void)text;
    warnings += level <= QN_LOG_WARN && strcmp(area, "link") == 0;
}

/* The other way round: it dials in the name of a node, with a key that was invented for it. */
START_TEST(who_dials_in_another_nodes_name_is_no_neighbour)
{
    const qn_descriptor *x;
    uint64_t before;

    up(_i == 1);
    x = &pw_core(m.exit[0])->asker.self;
    pose(m.exit[1], &x->id);
    before = mesh_status(m.super).counters.impostors;
    warnings = 0;
    pw_core(m.super)->env->log = (qn_log){.line = count_warnings, .level = QN_LOG_WARN};
    (void)pw_run(m.w, pw_now(m.w) + 120 * QN_SEC, NULL, NULL);
    pw_cut(m.w, m.exit[1], m.super);
    (void)pw_run(m.w, pw_now(m.w) + 120 * QN_SEC, NULL, NULL);
    ck_assert_uint_gt(mesh_status(m.super).counters.impostors, before);
    ck_assert_uint_eq(warnings, 0); /* whoever dials could fill the log with them */
    down();
}
END_TEST

static Suite *impostor_suite(void)
{
    Suite *s = suite_create("pocket/htx impostor");
    TCase *tc = tcase_create("impostor");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_list_of_a_nodes_own_keys_leads_to_it, 0, 2);
    tcase_add_loop_test(tc, keys_that_operators_invented_for_a_node_lead_to_nobody, 0, 2);
    tcase_add_loop_test(tc, who_dials_in_another_nodes_name_is_no_neighbour, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(impostor_suite)
