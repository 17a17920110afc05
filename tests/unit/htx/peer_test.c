/* Both genuine ends: the link comes up, the origin goes on inside it, and each kind of end. */
#include "duo.h"

static htx_world world;
static htx_duo duo, *const d = &duo; /* too large for a stack */
static htx_duo_end *const c = &duo.end[DUO_CLIENT], *const p = &duo.end[DUO_PEER];

static const uint8_t ping[] = {0, 0, 8, 0x18, 0, 0, 0, 0, 0, 0, 0, 2};
static const char h2_ping[] = "000008 06 00 00000000 0102030405060708";

enum { PROFILES = 2 };

static void setup(void)
{
    htx_duo_open(d, &world, 0);
}

static void teardown(void)
{
    htx_duo_close(d);
}

static void dial(void)
{
    htx_duo_dial(d);
    htx_duo_run(d);
}

static qn_htx_peer_look look(void)
{
    return qn_htx_peer_see(p->c);
}

static void must_carry(void)
{
    ck_assert_msg(c->established && p->established, "client phase %d, peer state %d, watch %d",
                  (int)qn_htx_client_look(c->c).phase, (int)((qn_htx_peer *)p->c)->state,
                  ((qn_htx_peer *)p->c)->visit.tied != NULL
                      ? (int)((qn_htx_peer *)p->c)->visit.tied->watch.state
                      : -1);
    ck_assert(!c->lost && !p->lost && !p->raw && look().carrying);
}

static void echo(void)
{
    c->frames.n = p->frames.n = 0;
    qt_assert_err(htx_duo_say(d, DUO_CLIENT, qn_slice_of(ping, sizeof ping)), QN_OK);
    qt_assert_err(htx_duo_say(d, DUO_PEER, qn_slice_of(ping, sizeof ping)), QN_OK);
    htx_duo_run(d);
    qt_assert_bytes(p->frames.p, p->frames.n, qn_slice_of(ping, sizeof ping));
    qt_assert_bytes(c->frames.p, c->frames.n, qn_slice_of(ping, sizeof ping));
}

/* ---- the switch ------------------------------------------------------------------------------- */

START_TEST(a_visit_becomes_a_link)
{
    teardown();
    htx_duo_open(d, &world, (unsigned)_i);
    dial();
    must_carry();
    ck_assert_mem_eq(c->est.hash.b, p->est.hash.b, 32);
    ck_assert_mem_eq(c->est.resume.b, p->est.resume.b, 32);
    ck_assert_uint_eq(c->est.max_record, 4096);
    ck_assert_uint_eq(p->est.max_record, 4096);
    ck_assert_int_eq(c->est.wall, world.peer.t.env.wall);
    ck_assert(p->est.known);
    ck_assert_mem_eq(p->est.peer.b, world.cfg.own_id.b, 32);
    echo();
    ck_assert_uint_eq(world.site.requests, 2);
    ck_assert(!world.site.closed);
}
END_TEST

START_TEST(any_chunking_switches)
{
    static const size_t chunks[] = {1, 2, 3, 7, 100, 1460, 5000};

    d->chunk = chunks[_i];
    dial();
    must_carry();
    echo();
}
END_TEST

START_TEST(an_anonymous_client_names_nobody)
{
    world.cfg.claim = false;
    dial();
    must_carry();
    ck_assert(!p->est.known);
    echo();
}
END_TEST

/* Records for the browser that stand in front of R make it speak while it waits for PROOF. */
START_TEST(what_the_browser_must_say_meanwhile_reaches_the_origin)
{
    world.site.pings = 20;
    dial();
    must_carry();
    echo();
    ck_assert(!world.site.closed);
}
END_TEST

START_TEST(the_origin_goes_on_inside_the_link)
{
    size_t before;

    dial();
    must_carry();
    before = d->to_origin.n;
    htx_world_origin_writes(&world, qt_hex(h2_ping));
    htx_duo_run(d);
    ck_assert_uint_eq(d->to_origin.n, before + 5 + 17 + 17);
    ck_assert_uint_eq(world.site.in.n, 0);
    ck_assert(!world.site.closed);
    echo();
}
END_TEST

START_TEST(keys_change_both_ways)
{
    dial();
    must_carry();
    for (unsigned i = 0; i < 3; i++) {
        htx_duo_wait(d, QN_REKEY_AFTER + QN_SEC);
        c->frames.n = p->frames.n = 0;
        qt_assert_err(htx_duo_say(d, DUO_CLIENT, qn_slice_of(ping, sizeof ping)), QN_OK);
        qt_assert_err(htx_duo_say(d, DUO_PEER, qn_slice_of(ping, sizeof ping)), QN_OK);
        htx_duo_run(d);
        must_carry();
        ck_assert_uint_eq(p->frames.n, sizeof ping);
        ck_assert_uint_eq(c->frames.n, sizeof ping);
        htx_world_origin_writes(&world, qt_hex(h2_ping));
        htx_duo_run(d);
    }
    ck_assert(!world.site.closed);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx peer");
    TCase *tc = tcase_create("peer");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_visit_becomes_a_link, 0, PROFILES);
    tcase_add_loop_test(tc, any_chunking_switches, 0, 7);
    tcase_add_test(tc, an_anonymous_client_names_nobody);
    tcase_add_test(tc, what_the_browser_must_say_meanwhile_reaches_the_origin);
    tcase_add_test(tc, the_origin_goes_on_inside_the_link);
    tcase_add_test(tc, keys_change_both_ways);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
