/* Entries nobody lists: who was invited reaches the network by them alone, and nobody else can. */
#include "pocket/htx_site.h"

enum { HIDDEN_MAX = 2 };

static pw_node *hidden[HIDDEN_MAX], *guest;
static qn_node_cfg hidden_cfg[HIDDEN_MAX];
static char text[QN_INVITED_TEXT];
static size_t text_n;

static const mesh_cfg quiet = {
    .world = {.seed = 1, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
    .relays = 3,
    .exits = 1,
    .htx = &htx};

static void setup(void)
{
    text_n = 0;
    set_out(0);
    mesh_new(&m, &quiet);
}

static void teardown(void)
{
    mesh_free(&m);
    qt_origin_free(origin);
}

static bool has_described(void *n)
{
    return pw_stored(n, "descriptor").n > 0;
}

/* The i-th unlisted node, with one batch, whose key is all (i + 1). */
static void hide(unsigned i, qn_mode mode)
{
    hidden_cfg[i] = mesh_cfg_for(&m, mode);
    hidden_cfg[i].unlisted = true;
    hidden_cfg[i].psks_n = 1;
    memset(hidden_cfg[i].psk[0].b, (int)i + 1, sizeof hidden_cfg[i].psk[0].b);
    hidden[i] = pw_add(m.w, i == 0 ? "hidden1" : "hidden2", &hidden_cfg[i]);
    ck_assert(pw_run(m.w, pw_now(m.w) + 10 * QN_SEC, has_described, hidden[i]));
}

static void invite(unsigned i, uint8_t key)
{
    qn_secret32 psk;

    memset(psk.b, key, sizeof psk.b);
    qt_assert_err(qn_invitation_make(pw_env(m.w), &m.net, pw_stored(hidden[i], "descriptor"), &psk,
                                     text + text_n),
                  QN_OK);
    text_n += strlen(text + text_n);
    text[text_n++] = '\n';
}

static qn_node_cfg guest_cfg(qn_route route)
{
    qn_node_cfg cfg = mesh_cfg_for(&m, QN_CLIENT);

    cfg.socks = true;
    cfg.route = route;
    cfg.invited = qn_slice_of(text, text_n);
    return cfg;
}

static void arrive(qn_route route)
{
    qn_node_cfg cfg = guest_cfg(route);

    guest = pw_add(m.w, "guest", &cfg);
}

static bool is_connected(void *n)
{
    return mesh_status(n).state == QN_CONNECTED;
}

static bool connects(qn_time within)
{
    return pw_run(m.w, pw_now(m.w) + within, is_connected, guest);
}

static void fetches(void)
{
    pw_fetch *f = pw_get(m.w, guest, MESH_WEB, 80, 400, 20000, NULL);

    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
}

/* Addresses of the mesh's own nodes, those of mesh_new: what its list and network file name. */
static unsigned listed_dialled(const pw_node *n)
{
    unsigned found = 0;

    for (uint8_t i = 1; i <= 5; i++)
        found += pw_dialled(n, &(qn_addr){.family = 4, .ip = {198, 18, 0, i}, .port = 4433});
    return found;
}

START_TEST(three_hops_of_a_guest_touch_no_listed_address)
{
    hide(0, QN_RELAY);
    invite(0, 1);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    arrive(QN_ROUTE_PRIVACY);
    ck_assert(connects(120 * QN_SEC));
    fetches();
    ck_assert(pw_dialled(guest, &hidden_cfg[0].listen));
    ck_assert_uint_eq(listed_dialled(guest), 0);
    ck_assert_uint_gt(listed_dialled(m.client), 0);
    ck_assert_uint_gt(mesh_status(hidden[0]).counters.relayed, 20000);
}
END_TEST

START_TEST(an_unlisted_node_is_in_no_list)
{
    uint32_t relays = 5; /* the super, three relays, the exit */

    hide(0, QN_RELAY);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    (void)pw_run(m.w, pw_now(m.w) + 90 * QN_SEC, NULL, NULL);
    ck_assert_uint_eq(mesh_status(m.client).peers_known, relays);
    ck_assert_uint_eq(mesh_status(hidden[0]).peers_known, relays);
    ck_assert_int_eq(mesh_status(hidden[0]).state, QN_CONNECTED);
}
END_TEST

static bool has_heard_of_hidden(pw_node *n)
{
    qn_peerid id = mesh_status(hidden[0]).id;
    qn_heard_info info;
    bool has = false;

    for (uint32_t i = 0; qn_node_heard(pw_core(n), i, &info); i++)
        has |= qn_peerid_equal(&info.id, &id);
    return has;
}

/* The operator dies, a relay comes: all of them tell each other what they know. */
START_TEST(an_unlisted_node_is_in_no_gossip)
{
    qn_node_cfg cfg;
    pw_node *late;

    hide(0, QN_RELAY);
    invite(0, 1);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    arrive(QN_ROUTE_PRIVACY);
    ck_assert(connects(120 * QN_SEC));
    pw_kill(m.w, m.super);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    cfg.stored_snapshot = pw_stored(m.exit[0], "snapshot");
    late = pw_add(m.w, "late", &cfg);
    (void)pw_run(m.w, pw_now(m.w) + 300 * QN_SEC, NULL, NULL);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_gt(mesh_status(m.relay[i]).heard, 0);
        ck_assert(!has_heard_of_hidden(m.relay[i]));
    }
    ck_assert(!has_heard_of_hidden(late) && !has_heard_of_hidden(m.exit[0]));
    ck_assert(!has_heard_of_hidden(guest) && !has_heard_of_hidden(m.client));
    ck_assert_int_eq(mesh_status(hidden[0]).reach, QN_REACH_UNKNOWN); /* it asked nobody */
}
END_TEST

/* It answers his hello with its web site, as it would anybody's. */
START_TEST(a_wrong_key_meets_the_site_and_nothing_else)
{
    uint64_t heard;

    hide(0, QN_RELAY);
    invite(0, 77);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    heard = pw_heard(m.origin);
    arrive(QN_ROUTE_PRIVACY);
    ck_assert(!connects(60 * QN_SEC));
    ck_assert_uint_gt(pw_heard(m.origin), heard);
    ck_assert_uint_eq(listed_dialled(guest), 0);
    ck_assert_ptr_nonnull(strstr(mesh_status(guest).advice, "invitation may have been revoked"));
}
END_TEST

/* What k invitations tell a censor: k nodes, and of the others not even a key that opens one. */
START_TEST(an_invitation_tells_of_no_other_node)
{
    hide(0, QN_RELAY);
    hide(1, QN_RELAY);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    invite(0, 1);
    arrive(QN_ROUTE_PRIVACY);
    ck_assert(connects(120 * QN_SEC));
    fetches();
    ck_assert(!pw_dialled(guest, &hidden_cfg[1].listen));
    ck_assert_uint_eq(mesh_status(guest).peers_known, 5); /* those that everybody knows */
    text_n = 0;
    invite(1, 1);
    arrive(QN_ROUTE_PRIVACY);
    ck_assert(!connects(60 * QN_SEC));
}
END_TEST

START_TEST(a_batch_is_revoked_while_the_node_runs)
{
    qn_secret32 other;

    hide(0, QN_RELAY);
    invite(0, 1);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    memset(other.b, 9, sizeof other.b);
    qt_assert_err(qn_node_admit(pw_core(hidden[0]), &other, 1), QN_OK);
    arrive(QN_ROUTE_PRIVACY);
    ck_assert(!connects(60 * QN_SEC));
    qt_assert_err(qn_node_admit(pw_core(hidden[0]), hidden_cfg[0].psk, 1), QN_OK);
    ck_assert(connects(600 * QN_SEC)); /* as soon as its visits ended: a browser makes no more */
    fetches();
}
END_TEST

START_TEST(with_no_batch_nobody_is_let_in)
{
    hide(0, QN_RELAY);
    invite(0, 1);
    qt_assert_err(qn_node_admit(pw_core(hidden[0]), NULL, 0), QN_OK);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    arrive(QN_ROUTE_PRIVACY);
    ck_assert(!connects(60 * QN_SEC));
}
END_TEST

START_TEST(the_second_invitation_serves_when_the_first_fails)
{
    hide(0, QN_RELAY);
    hide(1, QN_RELAY);
    invite(0, 1);
    invite(1, 2);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    arrive(QN_ROUTE_PRIVACY);
    ck_assert(connects(120 * QN_SEC));
    fetches();
    ck_assert(!pw_dialled(guest, &hidden_cfg[1].listen));
    pw_kill(m.w, hidden[0]);
    (void)pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, NULL, NULL);
    ck_assert(connects(120 * QN_SEC));
    fetches();
    ck_assert(pw_dialled(guest, &hidden_cfg[1].listen));
    ck_assert_uint_eq(listed_dialled(guest), 0);
}
END_TEST

START_TEST(one_hop_leaves_by_an_invited_exit_or_a_listed_one)
{
    bool exits = _i == 0;

    hide(0, exits ? QN_EXIT : QN_RELAY);
    invite(0, 1);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    arrive(QN_ROUTE_FAST);
    ck_assert(connects(120 * QN_SEC));
    fetches();
    ck_assert((listed_dialled(guest) == 0) == exits);
}
END_TEST

/* The mirror keys of an invitation are of three weeks. */
START_TEST(an_invitation_in_use_does_not_grow_old)
{
    enum { WEEK = 604800 };
    pw_node *all[] = {m.super, m.relay[0], m.relay[1], m.relay[2], m.exit[0], m.client, NULL, NULL};
    qn_slice kept;

    hide(0, QN_RELAY);
    invite(0, 1);
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    arrive(QN_ROUTE_PRIVACY);
    ck_assert(connects(120 * QN_SEC));
    all[6] = hidden[0];
    all[7] = guest;
    for (int64_t week = 2; week <= 4; week += 2) {
        for (unsigned i = 0; i < QN_LEN(all); i++)
            pw_set_clock(all[i], week * WEEK);
        qt_origin_date(origin, EPOCH + week * WEEK);
        (void)pw_run(m.w, pw_now(m.w) + 23000 * QN_SEC, NULL, NULL);
        ck_assert(connects(60 * QN_SEC));
        fetches();
    }
    ck_assert_uint_eq(listed_dialled(guest), 0);
    kept = pw_stored(guest, "invited"); /* is as good for the next start */
    ck_assert_uint_gt(kept.n, 0);
    memcpy(text, kept.p, kept.n);
    text_n = kept.n;
    pw_kill(m.w, guest);
    arrive(QN_ROUTE_PRIVACY);
    pw_set_clock(guest, 4 * WEEK);
    ck_assert(connects(120 * QN_SEC));
}
END_TEST

static qn_err refused(const qn_node_cfg *cfg, const char *sentence)
{
    qn_node *n = NULL;
    char why[160] = "";
    qn_err err = qn_node_new(&n, cfg, pw_env(m.w), why);

    ck_assert_msg(strstr(why, sentence) != NULL, "%s", why);
    qn_node_free(n);
    return err;
}

/* A client that fell back to the operators would show itself where it must not be seen. */
START_TEST(useless_invitations_stop_a_client)
{
    qn_node_cfg cfg;

    hide(0, QN_RELAY);
    invite(0, 1);
    text[40] = text[40] == 'a' ? 'b' : 'a';
    cfg = guest_cfg(QN_ROUTE_PRIVACY);
    qt_assert_err(refused(&cfg, "none of the invitations can be used"), QN_CONFIG);
}
END_TEST

START_TEST(who_cannot_be_unlisted_is_told)
{
    qn_node_cfg cfg = mesh_cfg_for(&m, QN_RELAY);

    cfg.unlisted = true;
    cfg.psks_n = 1; /* and zero */
    qt_assert_err(refused(&cfg, "none is zero"), QN_CONFIG);
    cfg.psks_n = 0;
    cfg.carrier = &qn_carrier_bare;
    qt_assert_err(refused(&cfg, "needs HTX"), QN_CONFIG);
    cfg = mesh_cfg_for(&m, QN_BOOTSTRAP);
    cfg.unlisted = true;
    qt_assert_err(refused(&cfg, "only relay, exit and super"), QN_CONFIG);
    cfg = m.operator_cfg[0];
    cfg.unlisted = true;
    qt_assert_err(refused(&cfg, "stands in the network file"), QN_CONFIG);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    cfg.invited = qn_slice_of("x", 1);
    qt_assert_err(refused(&cfg, "for clients"), QN_CONFIG);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket htx invite");
    TCase *t = tcase_create("guests");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, three_hops_of_a_guest_touch_no_listed_address);
    tcase_add_test(t, an_unlisted_node_is_in_no_list);
    tcase_add_test(t, an_unlisted_node_is_in_no_gossip);
    tcase_add_test(t, a_wrong_key_meets_the_site_and_nothing_else);
    tcase_add_test(t, an_invitation_tells_of_no_other_node);
    tcase_add_test(t, a_batch_is_revoked_while_the_node_runs);
    tcase_add_test(t, with_no_batch_nobody_is_let_in);
    tcase_add_test(t, the_second_invitation_serves_when_the_first_fails);
    tcase_add_loop_test(t, one_hop_leaves_by_an_invited_exit_or_a_listed_one, 0, 2);
    tcase_add_test(t, an_invitation_in_use_does_not_grow_old);
    tcase_add_test(t, useless_invitations_stop_a_client);
    tcase_add_test(t, who_cannot_be_unlisted_is_told);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)
