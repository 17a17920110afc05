/* What a browser does beside its requests: it reads before it asks on, says farewell or does not,
 * and comes back with the origin's tickets. */
#include "scene.h"

static void open_browser(int profile)
{
    teardown();
    open_world((unsigned)profile);
}

/* ---- the pause ------------------------------------------------------------------------------ */

START_TEST(it_reads_the_page_before_it_asks_on)
{
    qn_time least, most;

    open_browser(_i);
    w->cfg.claim = false;
    qt_assert_err(htx_world_dial(w), QN_OK);
    while (!htx_reads(w->c))
        ck_assert(htx_world_step(w));
    least = w->t.env.now + w->tls.pause[0] * QN_MS;
    most = w->t.env.now + w->tls.pause[1] * QN_MS;
    ck_assert_uint_eq(w->site.requests, 1);
    ck_assert(qn_carrier_due(w->c) >= least && qn_carrier_due(w->c) <= most);
    htx_world_wait(w, qn_carrier_due(w->c) - w->t.env.now - 1);
    ck_assert(htx_reads(w->c));
    htx_world_wait(w, 1);
    ck_assert_int_eq(phase(), QN_HTX_WAITING);
    htx_world_run(w);
    must_carry();
}
END_TEST

START_TEST(the_pause_is_drawn)
{
    qn_time seen[8];
    unsigned different = 0;

    w->cfg.claim = false;
    for (unsigned i = 0; i < QN_LEN(seen); i++) {
        qt_assert_err(htx_world_dial(w), QN_OK);
        while (!htx_reads(w->c))
            ck_assert(htx_world_step(w));
        seen[i] = qn_carrier_due(w->c) - w->t.env.now;
        different += i > 0 && seen[i] != seen[0];
    }
    ck_assert_uint_ge(different, QN_LEN(seen) - 2);
}
END_TEST

/* Between relays a circuit waits, and no cover is claimed. */
START_TEST(a_named_node_pauses_for_the_least)
{
    open_browser(_i);
    qt_assert_err(htx_world_dial(w), QN_OK);
    while (!htx_reads(w->c))
        ck_assert(htx_world_step(w));
    ck_assert_uint_eq(qn_carrier_due(w->c), w->t.env.now + w->tls.pause[0] * QN_MS);
}
END_TEST

START_TEST(an_origin_that_says_goaway_meanwhile_has_a_visitor)
{
    qt_assert_err(htx_world_dial(w), QN_OK);
    while (!htx_reads(w->c))
        ck_assert(htx_world_step(w));
    htx_world_origin_writes(w, qt_hex("000008 07 00 00000000 00000001 00000000"));
    htx_world_run(w);
    must_visit();
    ck_assert_uint_eq(w->site.requests, 1);
}
END_TEST

/* ---- farewells ------------------------------------------------------------------------------ */

static void must_have_said(bool farewell, unsigned before)
{
    ck_assert(w->lost && w->closed && !w->reset);
    ck_assert_uint_eq(w->records - before, farewell ? 2 : 0);
    if (!farewell)
        return;
    ck_assert(w->type[before] == 0x17 && w->length[before] == 34); /* GOAWAY */
    ck_assert(w->type[before + 1] == 0x17 && w->length[before + 1] == 19);
}

START_TEST(an_idle_visit_ends_as_the_browser_s)
{
    unsigned before;

    open_browser(_i);
    w->peer.mute_proof = true;
    dial();
    must_visit();
    before = w->records;
    htx_world_wait(w, w->target.idle);
    htx_world_run(w);
    must_have_said(w->tls.farewell, before);
    qt_assert_err(w->err, QN_REFUSED);
}
END_TEST

START_TEST(an_origin_that_closes_is_answered_as_by_the_browser)
{
    unsigned before;

    open_browser(_i);
    w->peer.mute_proof = true;
    dial();
    must_visit();
    before = w->records;
    (void)SSL_shutdown(w->site.tls.ssl);
    htx_world_run(w);
    must_have_said(w->tls.farewell, before);
    qt_assert_err(w->err, QN_GONE);
}
END_TEST

/* ---- tickets -------------------------------------------------------------------------------- */

static qn_tls_tickets *tickets;

static void with_tickets(int profile)
{
    open_browser(profile);
    qt_assert_err(qn_tls_tickets_new(&tickets, &w->t.env), QN_OK);
    w->target.tickets = tickets;
}

static void drop_tickets(void)
{
    qn_tls_tickets_free(tickets, &w->t.env);
    w->target.tickets = tickets = NULL;
}

START_TEST(the_second_visit_resumes_and_becomes_a_carrier_too)
{
    with_tickets(_i);
    for (unsigned i = 0; i < 4; i++) {
        dial();
        must_carry();
        ck_assert_int_eq(SSL_session_reused(w->site.tls.ssl), i > 0);
        ck_assert_uint_gt(qn_tls_tickets_count(tickets), 0);
        echo();
    }
    drop_tickets();
}
END_TEST

/* n1 is a minimum: Firefox's first flight is a record shorter when it resumes. */
START_TEST(a_ticket_the_origin_has_forgotten_still_makes_a_carrier)
{
    with_tickets(_i);
    dial();
    must_carry();
    SSL_CTX_set_options(w->site.tls.ctx, SSL_OP_NO_TICKET); /* it now looks in a cache, in vain */
    dial();
    ck_assert_int_eq(SSL_session_reused(w->site.tls.ssl), 0);
    must_carry();
    drop_tickets();
}
END_TEST

START_TEST(another_peer_is_shown_none)
{
    with_tickets(0);
    dial();
    must_carry();
    ck_assert_uint_eq(qn_tls_tickets_count(tickets), 2);
    w->cfg.responder.b[0] ^= 1;
    qt_assert_err(htx_world_dial(w), QN_OK);
    ck_assert_uint_eq(qn_tls_tickets_count(tickets), 2);
    w->cfg.responder.b[0] ^= 1;
    qt_assert_err(htx_world_dial(w), QN_OK);
    ck_assert_uint_eq(qn_tls_tickets_count(tickets), 1); /* used up by the hello */
    drop_tickets();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx habits");
    TCase *tc = tcase_create("habits");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, it_reads_the_page_before_it_asks_on, 0, PROFILES);
    tcase_add_test(tc, the_pause_is_drawn);
    tcase_add_loop_test(tc, a_named_node_pauses_for_the_least, 0, 2);
    tcase_add_test(tc, an_origin_that_says_goaway_meanwhile_has_a_visitor);
    tcase_add_loop_test(tc, an_idle_visit_ends_as_the_browser_s, 0, PROFILES);
    tcase_add_loop_test(tc, an_origin_that_closes_is_answered_as_by_the_browser, 0, PROFILES);
    tcase_add_loop_test(tc, the_second_visit_resumes_and_becomes_a_carrier_too, 0, PROFILES);
    tcase_add_loop_test(tc, a_ticket_the_origin_has_forgotten_still_makes_a_carrier, 0, PROFILES);
    tcase_add_test(tc, another_peer_is_shown_none);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
