/* Both genuine ends: the link comes up, the origin goes on inside it, and each kind of end. */
#include "duo_scene.h"

/* ---- the switch -------------------------------------------------------------------------------
 */

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

/* What the origin said on an idle link is carried a moment later. */
static void rest(void)
{
    htx_duo_run(d);
    htx_duo_wait(d, QN_HTX_PAUSE);
}

START_TEST(the_origin_goes_on_inside_the_link)
{
    size_t before;

    dial();
    must_carry();
    before = d->log.to_origin.n;
    htx_world_origin_writes(&world, qt_hex(h2_ping[0]));
    rest();
    ck_assert_uint_eq(d->log.to_origin.n, before + 5 + 17 + 17);
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
        htx_world_origin_writes(&world, qt_hex(h2_ping[0]));
        rest();
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
