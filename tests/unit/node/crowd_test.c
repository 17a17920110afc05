/* Who comes from where: no prefix takes the places of all others. */
#include "unit/node/solo.h"

#include "dir/vouch.h"
#include "node/internal.h"

enum { CONNS = 200, FILL = CONNS * QN_UNNAMED_MARK_PERCENT / 100 };

typedef struct guest {
    qn_carrier *carrier;
    qn_conn conn;
} guest;

static guest guests[CONNS];
static unsigned guests_n;

static void setup(void)
{
    qn_node_cfg cfg;

    solo_open();
    cfg = solo_cfg(QN_RELAY);
    cfg.conns_max = CONNS;
    solo_start(&cfg);
    guests_n = 0;
}

static void teardown(void)
{
    for (unsigned i = 0; i < guests_n; i++)
        qn_carrier_destroy(guests[i].carrier);
    solo_close();
}

/* The i-th host of a prefix of its own for each letter; IPv6 for capitals. */
static qn_addr host(char of, unsigned i)
{
    qn_addr a = {.family = 4, .ip = {9, 9, (uint8_t)of, (uint8_t)i}, .port = 40000};

    if (of >= 'A' && of <= 'Z')
        a = (qn_addr){
            .family = 6, .ip = {0x26, 0x06, 0x47, 0, 0, (uint8_t)of, (uint8_t)i, 1}, .port = 40000};
    return a;
}

static qn_conn knock(qn_addr from)
{
    qn_conn c = qn_node_accepted(node, QN_LISTEN_LINK, &from, &from);

    solo_drain();
    return c;
}

static void hang_up(qn_conn c)
{
    qn_node_ended(node, c, QN_END_RESET);
    solo_drain();
}

static void hand_over(guest *g, qn_slice s)
{
    while (s.n > 0) {
        qn_span room = qn_carrier_space(g->carrier, 0);
        size_t part = QN_MIN(room.n, s.n);

        memcpy(room.p, s.p, part);
        qn_carrier_commit(g->carrier, 0, part);
        s.p += part;
        s.n -= part;
    }
}

static bool is_up(guest *g)
{
    qn_carrier_event ev;
    bool up = false;

    while (qn_carrier_next(g->carrier, &ev))
        up |= ev.type == QN_CARRIER_ESTABLISHED;
    return up;
}

static void begin(guest *g, bool by_operator)
{
    qn_carrier_cfg cfg = {.initiator = true, .claim = by_operator};
    qn_secret32 identity = solo_secret('I');
    qn_dh_secret own;
    qn_dh_public key;
    qn_status s = solo_status();

    memcpy(cfg.network, net.id, sizeof cfg.network);
    memcpy(own.b, solo_secret('k').b, sizeof own.b);
    qn_dh_derive(&own, &cfg.responder_key);
    cfg.responder = s.id;
    if (by_operator) {
        memcpy(cfg.own_key.b, solo_secret('l').b, sizeof cfg.own_key.b);
        cfg.own_id = net.operators[0].id;
        memcpy(key.b, net.operators[0].link_key, sizeof key.b);
        qn_vouch_sign(&cfg.vouch, net.id, &identity, QN_VOUCHED_LINK, &key);
    } else {
        qn_rng_fill(&t.env, cfg.own_key.b, sizeof cfg.own_key.b);
    }
    qt_assert_err(qn_carrier_bare.create(&g->carrier, &t.env, &cfg), QN_OK);
    qn_carrier_opened(g->carrier, 0);
}

/* Proves a key: anybody's, or the operator's. */
static guest *come(qn_addr from, bool by_operator)
{
    guest *g = &guests[guests_n++];

    ck_assert_uint_le(guests_n, CONNS);
    *g = (guest){.conn = knock(from)};
    ck_assert_uint_ne(g->conn, 0);
    begin(g, by_operator);
    for (unsigned i = 0; i < 4; i++) {
        qn_slice v[1];

        while (qn_carrier_peek(g->carrier, 0, v, 1) > 0) {
            ck_assert_uint_eq(solo_say(g->conn, v[0].p, v[0].n), v[0].n);
            qn_carrier_consume(g->carrier, 0, v[0].n);
        }
        hand_over(g, solo_hear(g->conn));
        (void)is_up(g);
    }
    solo_pass(QN_MS);
    return g;
}

/* Whether its link goes on. */
static bool lives(const guest *g)
{
    for (const neighbour *nb = node->neighbours; nb != NULL; nb = nb->next)
        if (nb->under.leg[0] == g->conn)
            return nb->under.up && !nb->over;
    return false;
}

static unsigned living(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < guests_n; i++)
        n += lives(&guests[i]);
    return n;
}

/* Until one more link reaches the mark; the node has conns of its own. */
static bool fills(void)
{
    return node->conns.used + 1 < FILL;
}

/* ---- strangers ------------------------------------------------------------------------------- */

START_TEST(strangers_of_one_prefix_get_a_quarter_of_the_places)
{
    qn_conn c[CONNS];
    unsigned n = 0;

    while ((c[n] = knock(host(_i ? 'A' : 'a', n))) != 0)
        n++;
    ck_assert_uint_eq(n, CONNS * QN_STRANGERS_PERCENT / 100 / 4);
    ck_assert_uint_ne(knock(host(_i ? 'B' : 'b', 0)), 0);
    hang_up(c[0]);
    ck_assert_uint_ne(knock(host(_i ? 'A' : 'a', 0)), 0);
    ck_assert_uint_eq(knock(host(_i ? 'A' : 'a', 0)), 0);
}
END_TEST

START_TEST(a_prefix_is_heard_so_often_a_second)
{
    for (unsigned i = 0; i < QN_HEARD_AT_ONCE; i++) {
        qn_conn c = knock(host('a', i));

        ck_assert_uint_ne(c, 0);
        hang_up(c);
    }
    ck_assert_uint_eq(knock(host('a', 1)), 0);
    ck_assert_uint_ne(knock(host('b', 1)), 0);
    solo_pass(QN_SEC);
    for (unsigned i = 0; i < QN_HEARD_A_SECOND; i++) {
        qn_conn c = knock(host('a', i));

        ck_assert_uint_ne(c, 0);
        hang_up(c);
    }
    ck_assert_uint_eq(knock(host('a', 1)), 0);
}
END_TEST

/* In a lab, and behind a gateway, all come from one. */
START_TEST(addresses_that_are_not_global_have_no_prefix)
{
    for (unsigned i = 0; i < 2 * QN_HEARD_AT_ONCE; i++) {
        qn_addr from = {.family = 4, .ip = {10, 0, 0, (uint8_t)i}, .port = 40000};
        qn_conn c = knock(from);

        ck_assert_uint_ne(c, 0);
        if (i >= CONNS / 2)
            hang_up(c);
    }
}
END_TEST

START_TEST(what_is_remembered_of_prefixes_is_bounded)
{
    uint64_t before;

    for (unsigned i = 0; i < 3 * QN_PREFIXES_KEPT; i++) {
        qn_addr from = {.family = 4, .ip = {20, (uint8_t)(i >> 8), (uint8_t)i, 1}, .port = 40000};

        if (i == QN_PREFIXES_KEPT + 1)
            before = t.env.mem.used;
        hang_up(knock(from));
    }
    ck_assert_uint_le(node->crowd.kept, QN_PREFIXES_KEPT);
    ck_assert_uint_le(t.env.mem.used, before + 4096);
}
END_TEST

/* ---- links that prove anybody's key ---------------------------------------------------------- */

START_TEST(when_conns_run_short_the_stalest_of_the_fullest_prefix_gives_way)
{
    guest *alone = come(host('b', 0), false), *stalest = come(host('a', 0), false), *c;
    unsigned before;

    while (fills())
        (void)come(host('a', guests_n), false);
    before = living();
    ck_assert_uint_eq(before, guests_n);
    c = come(host('c', 0), false); /* which reaches the mark */
    ck_assert_uint_eq(living(), before);
    ck_assert(lives(alone) && lives(c) && !lives(stalest) && lives(&guests[2]));
}
END_TEST

START_TEST(a_full_prefix_gains_no_place_from_others)
{
    guest *alone = come(host('b', 0), false);

    while (guests_n < CONNS - 10)
        (void)come(host('a', guests_n % 250), false);
    ck_assert(lives(alone));
    ck_assert_uint_le(living(), FILL);
}
END_TEST

/* By many prefixes too: who was used last stays longest. */
START_TEST(among_equals_the_one_not_used_for_longest_gives_way)
{
    guest *first = come(host('b', 0), false), *second = come(host('c', 0), false);

    while (fills())
        (void)come((qn_addr){.family = 4, .ip = {21, 0, (uint8_t)guests_n, 1}, .port = 1}, false);
    for (neighbour *nb = node->neighbours; nb != NULL; nb = nb->next)
        if (nb->under.leg[0] == first->conn)
            crowd_used(nb);
    (void)come(host('d', 0), false);
    ck_assert(lives(first) && !lives(second));
}
END_TEST

START_TEST(a_node_of_the_network_keeps_its_place)
{
    guest *by_operator = come(host('a', 0), true);

    while (guests_n < CONNS - 10)
        (void)come(host('a', guests_n % 250), false);
    ck_assert(lives(by_operator));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node/crowd");
    TCase *tc = tcase_create("crowd");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, strangers_of_one_prefix_get_a_quarter_of_the_places, 0, 2);
    tcase_add_test(tc, a_prefix_is_heard_so_often_a_second);
    tcase_add_test(tc, addresses_that_are_not_global_have_no_prefix);
    tcase_add_test(tc, what_is_remembered_of_prefixes_is_bounded);
    tcase_add_test(tc, when_conns_run_short_the_stalest_of_the_fullest_prefix_gives_way);
    tcase_add_test(tc, a_full_prefix_gains_no_place_from_others);
    tcase_add_test(tc, among_equals_the_one_not_used_for_longest_gives_way);
    tcase_add_test(tc, a_node_of_the_network_keeps_its_place);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
