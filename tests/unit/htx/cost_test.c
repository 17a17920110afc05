/* What a connection costs the peer and the client: memory, X25519, and what is left when either has
 * no more memory. And what a peer does not touch. */
#include "duo_scene.h"

#include "base/tally.h"

/* Of a link's carrier at rest, blocks kept warm aside: docs/limits.md. */
enum { PEER_IDLE_MAX = 2560, CLIENT_IDLE_MAX = 6144 };

static qn_tally tally;

static void setup_counted(void)
{
    memset(&tally, 0, sizeof tally);
    setup();
    d->peer_tally = &tally;
}

static size_t held(const htx_duo_end *e, size_t before)
{
    qn_pool_clear(&e->t->env.engine->pool); /* kept warm for others */
    return e->t->env.mem.used - before;
}

/* ---- strangers --------------------------------------------------------------------------------
 */

/* Somebody else's hello: the key it was made for is not ours. */
static void be_a_stranger(void)
{
    world.peer.key.secret.b[3] ^= 1;
    qn_dh_derive(&world.peer.key.secret, &world.peer.key.pub);
}

START_TEST(a_stranger_costs_one_x25519_and_less_than_four_kibibytes)
{
    size_t before = p->t->env.mem.used, most = 0;

    be_a_stranger();
    d->chunk = _i == 0 ? 1 : 1448;
    htx_duo_dial(d);
    do
        most = QN_MAX(most, p->t->env.mem.used - before);
    while (htx_duo_step(d) && tally.dh == 0);
    ck_assert_uint_le(most, 4096);
    htx_duo_run(d);
    must_visit();
    ck_assert_uint_eq(tally.dh, 1);
    ck_assert_uint_eq(tally.aead_bytes, 0);
    ck_assert_uint_le(held(p, before), 1500); /* from here on, for hours perhaps */
}
END_TEST

START_TEST(garbage_costs_none)
{
    htx_duo_dial(d);
    htx_duo_inject(d, DUO_CLIENT, qt_noise(1, 3000));
    htx_duo_run(d);
    ck_assert_uint_eq(tally.dh, 0);
}
END_TEST

START_TEST(near_an_epochs_end_a_stranger_costs_two)
{
    qn_htx_mirror_key two[2] = {world.peer.key, world.peer.key};

    be_a_stranger();
    two[0].secret.b[5] ^= 1;
    two[1].secret.b[6] ^= 1;
    d->site.judge.keys = two;
    d->site.judge.keys_n = 2;
    dial();
    must_visit();
    ck_assert_uint_eq(tally.dh, 2);
}
END_TEST

/* ---- who shows a tag that is not his ----------------------------------------------------------
 */

/* The hello of one connection, for another. */
static uint8_t stolen[QN_RECORD_HEADER + QN_TLS_HELLO_MAX];
static size_t stolen_n;

static void steal(htx_duo *x, unsigned who, uint8_t *r, size_t *n)
{
    if (who != DUO_CLIENT || x->count[DUO_CLIENT] != 0)
        return;
    memcpy(stolen, r, *n);
    stolen_n = *n;
    if (!x->site.proven) /* and it never arrives */
        *n = 0;
}

static void show_stolen(void)
{
    htx_duo_dial(d);
    d->end[DUO_CLIENT].leg[0].open = false; /* the client here is only a place to stand */
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(stolen, stolen_n));
    for (unsigned i = 0; i < 50; i++)
        (void)htx_duo_step(d);
}

START_TEST(a_stolen_unused_tag_is_tied_and_gets_no_further)
{
    static const uint8_t finished[5 + 53] = {0x17, 3, 3, 0, 53};

    d->hands = steal;
    d->site.proven = false;
    dial();
    d->site.proven = true;
    d->hands = NULL;
    show_stolen();
    ck_assert_int_eq(peer()->visit.state, QN_HTX_VISIT_TIED);
    ck_assert_int_eq(peer()->visit.tied->watch.state, QN_HTX_REQUEST);
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(finished, sizeof finished));
    htx_duo_run(d);
    ck_assert(world.site.closed && !p->established);
    ck_assert_uint_le(tally.dh, 2); /* the one that vanished was judged not at all */
    dial();                         /* nothing was used up */
    must_carry();
}
END_TEST

START_TEST(an_answered_tag_is_a_visitors)
{
    d->hands = steal;
    dial();
    must_carry();
    d->hands = NULL;
    ck_assert_uint_eq(d->replay.n, 1);
    show_stolen();
    ck_assert_int_eq(peer()->visit.state, QN_HTX_VISIT_TIED); /* nobody asked for a proof yet */
    ck_assert_uint_eq(d->replay.n, 1);
}
END_TEST

START_TEST(after_hello_retry_request_a_tag_is_worth_nothing)
{
    ck_assert_int_eq((int)SSL_CTX_set1_groups_list(world.site.tls.ctx, "P-384"), 1);
    dial();
    must_visit();
    ck_assert_int_eq(peer()->visit.state, QN_HTX_VISIT_SPLICE);
    ck_assert_uint_eq(tally.dh, 1);
}
END_TEST

START_TEST(without_measurements_a_peer_never_speaks)
{
    d->site.proven = false;
    dial();
    must_visit();
    ck_assert_int_eq(peer()->visit.state, QN_HTX_VISIT_SPLICE);
}
END_TEST

/* ---- what is not touched ----------------------------------------------------------------------
 */

START_TEST(both_legs_of_a_visit_are_equal)
{
    static const size_t chunks[] = {1, 7, 1000, 1448, SIZE_MAX};

    if (_i / 5 == 0)
        be_a_stranger();
    else
        d->site.proven = false;
    d->chunk = chunks[_i % 5];
    dial();
    must_visit();
    htx_world_origin_writes(&world, qt_hex(h2_ping[0]));
    htx_duo_run(d);
    (void)SSL_shutdown(world.site.tls.ssl);
    htx_duo_origin_ends(d, false);
    htx_duo_run(d);
    ck_assert(p->lost && c->lost);
    ck_assert_uint_gt(d->log.to_origin.n, 2000);
    qt_assert_bytes(d->log.to_origin.p, d->log.to_origin.n,
                    qn_slice_of(d->log.said[DUO_CLIENT].p, d->log.said[DUO_CLIENT].n));
    qt_assert_bytes(d->log.said[DUO_PEER].p, d->log.said[DUO_PEER].n,
                    qn_slice_of(d->log.of_origin.p, d->log.of_origin.n));
}
END_TEST

/* ---- an idle link ------------------------------------------------------------------------------
 */

START_TEST(an_idle_link_is_small)
{
    size_t before[2] = {c->t->env.mem.used, p->t->env.mem.used};
    unsigned profile = (unsigned)_i;

    if (profile != 0) {
        teardown();
        htx_duo_open(d, &world, profile);
        before[0] = c->t->env.mem.used;
        before[1] = p->t->env.mem.used;
    }
    dial();
    must_carry();
    echo();
    htx_duo_wait(d, QN_SEC);
    if (getenv("QT_PRINT") != NULL)
        printf(
            "profile %u: an idle link's carrier takes %zu bytes at the client, %zu at the peer\n",
            profile, held(c, before[0]), held(p, before[1]));
    ck_assert_uint_le(held(p, before[1]), PEER_IDLE_MAX);
    ck_assert_uint_le(held(c, before[0]), CLIENT_IDLE_MAX);
}
END_TEST

/* ---- without memory ---------------------------------------------------------------------------
 */

/* Whatever allocation fails: a link, a visit, or an end of either; never something in between. */
START_TEST(each_allocation_may_fail)
{
    uint64_t total;

    d->fails = (unsigned)_i;
    dial();
    must_carry();
    echo();
    total = d->requests;
    ck_assert_uint_gt(total, 20);
    for (uint64_t at = 1; at <= total; at++) {
        d->fail_at = at;
        htx_duo_dial(d);
        if (c->c != NULL && p->c != NULL)
            htx_duo_run(d);
        if (c->established && p->established && !c->lost && !p->lost && !p->raw) {
            (void)htx_duo_say(d, DUO_CLIENT, qn_slice_of(ping, sizeof ping));
            (void)htx_duo_say(d, DUO_PEER, qn_slice_of(ping, sizeof ping));
            htx_duo_run(d);
        }
        d->fail_at = 0;
        if (c->established && p->established && !c->lost && !p->lost && !p->raw)
            echo();
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx cost");
    TCase *tc = tcase_create("cost");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup_counted, teardown);
    tcase_add_loop_test(tc, a_stranger_costs_one_x25519_and_less_than_four_kibibytes, 0, 2);
    tcase_add_test(tc, garbage_costs_none);
    tcase_add_test(tc, near_an_epochs_end_a_stranger_costs_two);
    tcase_add_test(tc, a_stolen_unused_tag_is_tied_and_gets_no_further);
    tcase_add_test(tc, an_answered_tag_is_a_visitors);
    tcase_add_test(tc, after_hello_retry_request_a_tag_is_worth_nothing);
    tcase_add_test(tc, without_measurements_a_peer_never_speaks);
    tcase_add_loop_test(tc, both_legs_of_a_visit_are_equal, 0, 10);
    tcase_add_loop_test(tc, an_idle_link_is_small, 0, PROFILES);
    tcase_add_loop_test(tc, each_allocation_may_fail, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
