/* Discovery beside the directory: what nodes tell each other when no operator answers. */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"

#include "base/limits.h"
#include "support/qt.h"

static mesh m;
static const qn_addr nat = {.family = 4, .ip = {198, 51, 100, 9}, .port = 1};

static void up(uint64_t seed, uint32_t relays)
{
    mesh_cfg cfg = {.world = {.seed = seed, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                    .relays = relays,
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

/* A relay that starts with a list somebody gave it. */
static pw_node *newcomer(const char *name, qn_node_cfg *cfg)
{
    cfg->stored_snapshot = pw_stored(m.exit[0], "snapshot");
    return pw_add(m.w, name, cfg);
}

/* Whether n has heard of that node, and has reached it. */
static bool has_heard(pw_node *n, pw_node *of)
{
    qn_heard_info info;

    for (uint32_t i = 0; qn_node_heard(pw_core(n), i, &info); i++)
        if (qn_peerid_equal(&info.id, &pw_core(of)->id))
            return info.reached;
    return false;
}

static bool fetches(void)
{
    pw_fetch *f = pw_get(m.w, m.client, MESH_WEB, 80, 400, 20000, NULL);

    return mesh_await(&m, f, 60 * QN_SEC) == PW_DONE;
}

START_TEST(while_operators_answer_there_is_no_news)
{
    up(1, 4);
    pass(600 * QN_SEC);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(mesh_status(m.relay[i]).heard, 0);
        ck_assert_int_eq(mesh_status(m.relay[i]).reach, QN_REACH_DIRECT);
    }
    down();
}
END_TEST

START_TEST(without_operators_every_node_hears_of_a_newcomer)
{
    pw_node *late;
    qn_node_cfg cfg;

    up((uint64_t)_i + 10, 14);
    pass(30 * QN_SEC);
    if (_i % 2 == 0)
        pw_kill(m.w, m.super);
    else
        pw_shut(m.super, true); /* to the newcomer only: the others' links are up */
    cfg = mesh_cfg_for(&m, QN_RELAY);
    late = newcomer("late", &cfg);
    pass(5 * QN_GOSSIP_EVERY); /* it introduces itself to 15 at most, and to some of them again */
    for (unsigned i = 0; i < 14; i++)
        ck_assert_msg(has_heard(m.relay[i], late), "relay %u has not heard", i);
    ck_assert(has_heard(m.exit[0], late));
    ck_assert_int_eq(mesh_status(late).reach, QN_REACH_DIRECT);
    ck_assert_uint_eq(mesh_status(m.client).heard, 0); /* it is in no list: not for clients */
    down();
}
END_TEST

START_TEST(newcomers_hear_of_each_other)
{
    pw_node *late[2];
    qn_node_cfg cfg[2];

    up(20, 3);
    pw_kill(m.w, m.super);
    for (unsigned i = 0; i < 2; i++) {
        cfg[i] = mesh_cfg_for(&m, QN_RELAY);
        late[i] = newcomer(i == 0 ? "late1" : "late2", &cfg[i]);
    }
    pass(8 * QN_GOSSIP_EVERY);
    ck_assert(has_heard(late[0], late[1]));
    ck_assert(has_heard(late[1], late[0]));
    down();
}
END_TEST

/* The relays move while the operator is away; the list still says where they were. */
START_TEST(a_client_finds_relays_that_moved)
{
    pw_node *moved[3];
    qn_node_cfg cfg[3];

    up(30, 3);
    pass(QN_LIST_EVERY * 2);
    for (unsigned i = 0; i < 3; i++) {
        cfg[i] = mesh_cfg_for(&m, QN_RELAY);
        cfg[i].keys = pw_core(m.relay[i])->cfg.keys;
    }
    pw_kill(m.w, m.super);
    for (unsigned i = 0; i < 3; i++) {
        pw_kill(m.w, m.relay[i]);
        moved[i] = newcomer("moved", &cfg[i]);
    }
    pass(8 * QN_GOSSIP_EVERY);
    ck_assert(has_heard(m.exit[0], moved[0]) || has_heard(m.exit[0], moved[1]));
    for (unsigned i = 0; i < 6 && !fetches(); i++)
        pass(30 * QN_SEC);
    ck_assert(fetches());
    ck_assert(pw_dialled(m.client, &cfg[0].listen) || pw_dialled(m.client, &cfg[1].listen) ||
              pw_dialled(m.client, &cfg[2].listen));
    down();
}
END_TEST

/* ---- what it must not do ----------------------------------------------------------------------
 */

/* A node that introduces itself as being where a third party is. */
START_TEST(nobody_has_others_dial_third_parties)
{
    pw_node *liar;
    qn_node_cfg cfg;

    up(40, 4);
    pw_kill(m.w, m.super);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    liar = newcomer("liar", &cfg);
    pw_masquerade(liar, &nat);
    pass(5 * QN_GOSSIP_EVERY);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(!pw_dialled(m.relay[i], &cfg.listen));
        ck_assert(!has_heard(m.relay[i], liar));
    }
    ck_assert_int_eq(mesh_status(liar).reach, QN_REACH_BEHIND);
    down();
}
END_TEST

static void only_itself_told_of(pw_node *n, pw_node *of)
{
    const qn_peerid *id = &pw_core(of)->id;
    const qn_heard_entry *e = qn_heard_find(&pw_core(n)->discovery.heard, id);

    ck_assert(e == NULL || qn_peerid_equal(&e->from, id));
}

/* It comes from its own address, but nobody can connect to it there. */
START_TEST(a_closed_door_is_noticed)
{
    pw_node *closed;
    qn_node_cfg cfg;

    up(41, 4);
    pw_kill(m.w, m.super);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    closed = newcomer("closed", &cfg);
    pw_shut(closed, true);
    for (unsigned i = 0; i < 30; i++) {
        pass(10 * QN_SEC);
        for (unsigned k = 0; k < 4; k++)
            only_itself_told_of(m.relay[k], closed);
    }
    ck_assert_int_eq(mesh_status(closed).reach, QN_REACH_BEHIND);
    ck_assert_int_eq(mesh_status(m.relay[0]).reach, QN_REACH_DIRECT);
    down();
}
END_TEST

static uint64_t sent(pw_node *n)
{
    uint64_t bytes = 0;

    for (const neighbour *nb = pw_core(n)->neighbours; nb != NULL; nb = nb->next)
        bytes += nb->link.out;
    return bytes;
}

static void say(pw_node *from, neighbour *nb, const qn_dir_message *msg)
{
    uint8_t head[QN_DIR_HEAD_MAX];
    uint32_t id;

    pw__stamp(from);
    ck_assert(qn_link_open(&nb->link, QN_KIND_DIRECTORY, NULL, &id) == QN_OK);
    ck_assert(qn_link_send_bytes(&nb->link, id, head, qn_dir_message_head(msg, head), false) ==
              QN_OK);
    if (msg->bytes.n > 0)
        ck_assert(qn_link_send_bytes(&nb->link, id, msg->bytes.p, msg->bytes.n, false) == QN_OK);
    neighbour_touch(nb);
    node_settle(pw_core(from));
    pw__drain(from);
}

static neighbour *a_link(pw_node *from, pw_node *to)
{
    neighbour *nb = pw_core(from)->neighbours;

    while (nb != NULL && (nb->over || !nb->under.up || nb->dial_back ||
                          !qn_peerid_equal(&nb->id, &pw_core(to)->id)))
        nb = nb->next;
    return nb;
}

/* Two relays with a link between them, while there is something to tell. */
static neighbour *with_news(pw_node **from, pw_node **to)
{
    qn_node_cfg cfg;

    up(50, 4);
    pw_kill(m.w, m.super);
    cfg = mesh_cfg_for(&m, QN_RELAY);
    (void)newcomer("late", &cfg);
    pass(4 * QN_GOSSIP_EVERY);
    for (unsigned i = 0; i < 16; i++) {
        *from = m.relay[i / 4];
        *to = m.relay[i % 4];
        if (*from != *to && mesh_status(*to).heard > 0 && a_link(*from, *to) != NULL)
            return a_link(*from, *to);
    }
    ck_abort_msg("no two relays have a link");
    return NULL;
}

START_TEST(a_flood_of_questions_is_answered_at_a_pace)
{
    qn_dir_message ask = {.type = QN_DIR_NEWS};
    pw_node *from, *to;
    neighbour *nb = with_news(&from, &to);
    uint64_t before = sent(to), mem = pw_node_env(to)->mem.used;

    for (unsigned i = 0; i < 2000; i++) {
        say(from, nb, &ask);
        if (i % 50 == 0)
            pass(10 * QN_MS);
    }
    pass(2 * QN_SEC);
    ck_assert_uint_le(sent(to) - before, 2000 * 150); /* ERROR each; a descriptor is over 200 */
    pass(90 * QN_SEC);
    ck_assert_uint_le(pw_node_env(to)->mem.used, mem + (256 << 10));
    down();
}
END_TEST

START_TEST(whoever_introduces_himself_all_the_time_is_dialled_now_and_then)
{
    pw_node *from, *to;
    neighbour *nb = with_news(&from, &to);
    uint64_t before = mesh_status(to).counters.handshakes;

    for (unsigned i = 0; i < 30; i++) {
        const asker *self = &pw_core(from)->asker;

        say(from, nb,
            &(qn_dir_message){.type = QN_DIR_INTRODUCE,
                              .version = i,
                              .bytes = qn_slice_of(self->descriptor, self->descriptor_n)});
        pass(QN_SEC);
    }
    ck_assert_uint_le(mesh_status(to).counters.handshakes - before, 10);
    down();
}
END_TEST

static unsigned asks(const qn_node *n)
{
    unsigned count = 0;

    for (unsigned i = 0; i < QN_LEN(n->discovery.ask); i++)
        count += n->discovery.ask[i].tie.nb != NULL;
    return count;
}

/* Several seem to have news, and keep back the answer. */
START_TEST(who_has_us_ask_back_delays_no_round)
{
    qn_node *n;

    up(52, 4);
    pass(60 * QN_SEC);
    n = pw_core(m.super); /* everybody has a link to it */
    pw__stamp(m.super);
    for (neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        if (!nb->over && nb->under.up)
            gossip_ask_back(n, nb);
    ck_assert_uint_eq(asks(n), 1);
    for (neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        if (!nb->over && nb->under.up)
            gossip_ask_one(n, nb, ASK_NEWS);
    ck_assert_uint_eq(asks(n), 1 + QN_GOSSIP_FANOUT);
    down();
}
END_TEST

/* ---- behind a NAT -----------------------------------------------------------------------------
 */

static pw_node *behind;
static qn_node_cfg behind_cfg;

static bool is_listed(void *node)
{
    return qn_snapshot_find(pw_core(m.client)->snapshot, &pw_core(node)->id) != NULL;
}

/* A node of this mode that nobody can connect to, until the list of the client has it. */
static void stand_behind(uint64_t seed, qn_mode mode)
{
    up(seed, 4);
    behind_cfg = mesh_cfg_for(&m, mode);
    behind = pw_add(m.w, "behind", &behind_cfg);
    pw_masquerade(behind, &nat);
    ck_assert(pw_run(m.w, pw_now(m.w) + 240 * QN_SEC, is_listed, behind));
}

static bool was_used(void *node)
{
    return mesh_status(node).counters.relayed > 0 || mesh_status(node).counters.exit_ok > 0;
}

START_TEST(a_relay_behind_a_nat_joins_circuits)
{
    stand_behind((uint64_t)_i + 60, QN_RELAY);
    ck_assert_int_eq(mesh_status(behind).reach, QN_REACH_BEHIND);
    ck_assert(is_listed(behind));
    for (unsigned i = 0; i < 40 && !was_used(behind); i++) {
        ck_assert(fetches());
        pass(20 * QN_SEC);
    }
    ck_assert(was_used(behind));
    ck_assert(!pw_dialled(m.client, &behind_cfg.listen));
    for (unsigned i = 0; i < 4; i++)
        ck_assert(!pw_dialled(m.relay[i], &behind_cfg.listen));
    down();
}
END_TEST

START_TEST(an_exit_behind_a_nat_serves)
{
    stand_behind(70, QN_EXIT);
    pw_kill(m.w, m.exit[0]);
    for (unsigned i = 0; i < 40 && !was_used(behind); i++) {
        (void)fetches();
        pass(20 * QN_SEC);
    }
    ck_assert_uint_gt(mesh_status(behind).counters.exit_ok, 0);
    down();
}
END_TEST

static bool has_mooring(pw_node *n)
{
    return pw_core(n)->discovery.moorings_n > 0;
}

/* The only super dies with the mooring; a relay that still runs takes its place. */
START_TEST(a_rendezvous_that_dies_is_replaced)
{
    pw_node *second;
    qn_node_cfg cfg;

    stand_behind(80, QN_RELAY);
    ck_assert(has_mooring(m.super));
    cfg = mesh_cfg_for(&m, QN_SUPER);
    second = pw_add(m.w, "second", &cfg);
    pass(200 * QN_SEC); /* everybody's list has it */
    pw_kill(m.w, m.super);
    pass(120 * QN_SEC);
    ck_assert(has_mooring(second));
    ck_assert_int_eq(mesh_status(behind).reach, QN_REACH_BEHIND);
    down();
}
END_TEST

/* Streams to nobody, to strangers and more than may be: each is refused, nothing stays. */
START_TEST(passages_are_bounded)
{
    neighbour *nb;
    uint64_t before;

    stand_behind(90, QN_RELAY);
    nb = a_link(m.relay[0], m.super);
    ck_assert(nb != NULL);
    before = pw_node_env(m.super)->mem.used;
    for (unsigned i = 0; i < 500; i++) {
        const uint8_t *id = i % 2 ? pw_core(behind)->id.b : pw_core(m.client)->id.b;
        uint32_t stream;

        pw__stamp(m.relay[0]);
        ck_assert(qn_link_open(&nb->link, QN_KIND_PASSAGE, NULL, &stream) == QN_OK);
        ck_assert(qn_link_send_bytes(&nb->link, stream, id, 32, false) == QN_OK);
        neighbour_touch(nb);
        node_settle(pw_core(m.relay[0]));
        pw__drain(m.relay[0]);
    }
    pass(QN_SEC);
    ck_assert_uint_gt(pw_core(m.super)->discovery.crossings_n, 0);
    ck_assert_uint_le(pw_core(m.super)->discovery.crossings_n, QN_PASSAGES_PER_LINK);
    ck_assert_uint_le(pw_core(behind)->discovery.passages_n, QN_PASSAGES_PER_LINK);
    pass(QN_PASSAGE_IDLE + QN_LINK_IDLE_ACCEPTED);
    ck_assert_uint_eq(pw_core(behind)->discovery.passages_n, 0);
    ck_assert_uint_le(pw_core(m.super)->discovery.crossings_n, 2); /* the operator's looks */
    ck_assert_uint_le(pw_node_env(m.super)->mem.used, before + (256 << 10));
    down();
}
END_TEST

/* The node's descriptor of an hour from now, as it might tell of itself. */
static void tell(pw_node *to, pw_node *of, const qn_peerid *via)
{
    qn_node *n = pw_core(to), *about = pw_core(of);
    qn_descriptor d = about->asker.self;
    uint8_t bytes[QN_DESCRIPTOR_MAX];
    size_t len;

    d.sequence += 3600;
    d.via[0] = *via;
    d.via_n = 1;
    d.card = (qn_slice){0};
    qt_assert_err(qn_descriptor_sign(&d, n->env, &n->net, &about->cfg.keys.identity, bytes, &len),
                  QN_OK);
    qt_assert_err(qn_descriptor_open(&d, n->env, &n->net, qn_slice_of(bytes, len)), QN_OK);
    qt_assert_err(heard_take(n, &d, qn_slice_of(bytes, len), &about->id), QN_OK);
}

/* Who is moored at an operator claims an address where nobody of his answers. */
START_TEST(a_mooring_proves_no_address)
{
    uint8_t bytes[QN_DESCRIPTOR_MAX];
    const qn_registration *e;
    qn_descriptor d;
    qn_node *op;
    size_t len;

    stand_behind(96, QN_RELAY);
    op = pw_core(m.super);
    d = pw_core(behind)->asker.self;
    d.via_n = 0;
    d.sequence += 3600;
    d.card = (qn_slice){0};
    if (_i == 1)
        d.addrs[0].port++;
    qt_assert_err(qn_descriptor_sign(&d, op->env, &op->net, &behind_cfg.keys.identity, bytes, &len),
                  QN_OK);
    pw__stamp(m.super);
    qt_assert_err(operator_register(op, qn_slice_of(bytes, len)), QN_OK);
    for (unsigned i = 0; i < 30; i++) {
        pass(QN_SEC);
        e = qn_registry_find(&op->op->registry, &d.id);
        ck_assert(e == NULL || e->d.via_n > 0 || !e->reached);
    }
    down();
}
END_TEST

/* Each says that it is reached through the other. */
START_TEST(rendezvous_that_name_each_other_lead_nowhere)
{
    pw_node *to;
    const qn_relay *r;
    qn_node *n;

    up(97, 3);
    to = _i == 0 ? m.client : m.relay[0];
    n = pw_core(to);
    pw__stamp(to);
    for (neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        neighbour_end(nb, QN_CLOSE_DONE);
    tell(to, m.relay[1], &pw_core(m.relay[2])->id);
    tell(to, m.relay[2], &pw_core(m.relay[1])->id);
    r = paths_relay(n, &pw_core(m.relay[1])->id);
    ck_assert_ptr_nonnull(r);
    ck_assert_ptr_null(neighbour_get(n, r));
    down();
}
END_TEST

/* Between the two ends the rendezvous dies, and the link inside with it: an error, no silence. */
START_TEST(a_transfer_through_a_dead_rendezvous_ends_in_an_error)
{
    pw_fetch *f[8];

    stand_behind(95, QN_RELAY);
    for (unsigned i = 0; i < 8; i++)
        f[i] = pw_get(m.w, m.client, MESH_WEB, 80, 400, 4 << 20, NULL);
    pass(2 * QN_SEC);
    pw_kill(m.w, m.super);
    for (unsigned i = 0; i < 8; i++) {
        (void)mesh_await(&m, f[i], 200 * QN_SEC);
        ck_assert_int_ne(pw_outcome(f[i]), PW_RUNNING);
        ck_assert(!pw_corrupt(f[i]));
        ck_assert(pw_outcome(f[i]) == PW_DONE || !pw_clean_end(f[i]));
    }
    down();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("discovery");
    TCase *t = tcase_create("gossip");
    TCase *n = tcase_create("must not");
    TCase *b = tcase_create("behind a NAT");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, while_operators_answer_there_is_no_news);
    tcase_add_loop_test(t, without_operators_every_node_hears_of_a_newcomer, 0, 4);
    tcase_add_test(t, newcomers_hear_of_each_other);
    tcase_add_test(t, a_client_finds_relays_that_moved);
    suite_add_tcase(s, t);
    tcase_set_timeout(n, 120);
    tcase_add_test(n, nobody_has_others_dial_third_parties);
    tcase_add_test(n, a_closed_door_is_noticed);
    tcase_add_test(n, who_has_us_ask_back_delays_no_round);
    tcase_add_test(n, a_flood_of_questions_is_answered_at_a_pace);
    tcase_add_test(n, whoever_introduces_himself_all_the_time_is_dialled_now_and_then);
    suite_add_tcase(s, n);
    tcase_set_timeout(b, 240);
    tcase_add_loop_test(b, a_relay_behind_a_nat_joins_circuits, 0, 3);
    tcase_add_test(b, an_exit_behind_a_nat_serves);
    tcase_add_test(b, a_rendezvous_that_dies_is_replaced);
    tcase_add_test(b, passages_are_bounded);
    tcase_add_loop_test(b, a_mooring_proves_no_address, 0, 2);
    tcase_add_loop_test(b, rendezvous_that_name_each_other_lead_nowhere, 0, 2);
    tcase_add_test(b, a_transfer_through_a_dead_rendezvous_ends_in_an_error);
    suite_add_tcase(s, b);
    return s;
}

QT_MAIN(suite)
