/* What keeps an origin's connection from ending for lack of use, and what does not. */
#include "duo_scene.h"

#include <stdio.h>
#include <stdlib.h>

enum { IDLE_S = 60 };

static void warm(bool relays)
{
    world.cfg.claim = relays;
    world.target.site_idle = IDLE_S * QN_SEC;
    dial();
    must_carry();
    ck_assert_uint_eq(world.site.requests, 2);
    htx_duo_wait(d, QN_SEC); /* what the origin said to an idle link comes a moment later */
}

/* A record that leaves anyway, like the credit of a download. */
static void burst(void)
{
    qt_assert_err(htx_duo_say(d, DUO_CLIENT, qn_slice_of(ping, sizeof ping)), QN_OK);
    htx_duo_run(d);
}

START_TEST(an_idle_link_is_silent)
{
    unsigned from;

    warm(false);
    from = d->seen_n;
    for (unsigned i = 0; i < 200; i++) /* and past QN_REKEY_AFTER */
        htx_duo_wait(d, IDLE_S / 10 * QN_SEC);
    must_tell(from, "");
    ck_assert_uint_eq(world.site.requests, 2);
}
END_TEST

START_TEST(a_request_rides_in_a_record_that_leaves_anyway)
{
    unsigned sent;

    warm(false);
    for (unsigned i = 0; i < 12; i++) /* these have the page template's lengths, short ones too */
        burst();
    htx_duo_wait(d, IDLE_S * 4 / 10 * QN_SEC - 2 * QN_SEC);
    burst();
    ck_assert_uint_eq(world.site.requests, 2); /* too early for any draw */
    htx_duo_wait(d, IDLE_S * 2 / 10 * QN_SEC + 3 * QN_SEC);
    sent = d->count[DUO_CLIENT];
    burst();
    ck_assert_uint_eq(world.site.requests, 3);
    ck_assert_uint_eq(d->count[DUO_CLIENT], sent + 1);
    burst();
    ck_assert_uint_eq(world.site.requests, 3); /* one is enough */
    ck_assert_uint_eq(qn_htx_client_look(c->c).asked, 3);
    must_carry();
}
END_TEST

/* Each answer has the room of its page, however many there were. */
START_TEST(a_long_link_asks_as_often_as_it_must)
{
    enum { SECONDS = 1800, STEP = 10 };
    unsigned most = SECONDS * 10 / (IDLE_S * 4) + 2;
    unsigned least = SECONDS * 10 / (IDLE_S * 6 + STEP * 20);
    const qn_htx_carry *carry;

    world.site.second = 10000;
    warm(false);
    for (unsigned s = 0; s < SECONDS; s += STEP) {
        htx_duo_wait(d, STEP * QN_SEC);
        burst();
        d->log.of_origin.n = d->log.said[DUO_PEER].n = d->log.heard[DUO_CLIENT].n = 0;
    }
    must_carry();
    ck_assert_uint_le(world.site.requests, most);
    ck_assert_uint_ge(world.site.requests, least);
    carry = &((const qn_htx_client *)c->c)->traffic.carry;
    ck_assert_uint_gt(carry->got, 100000 + 65536);
    if (getenv("QT_PRINT") != NULL)
        printf("%u requests in %u s: %u bytes up, %u down, pages of 10000\n",
               world.site.requests - 2, (unsigned)SECONDS, (unsigned)carry->sent,
               (unsigned)carry->got);
}
END_TEST

START_TEST(between_relays_a_timer_asks)
{
    warm(true);
    for (unsigned i = 0; i < 10; i++)
        htx_duo_wait(d, IDLE_S * 6 / 10 * QN_SEC + QN_SEC);
    ck_assert_uint_ge(world.site.requests, 2 + 10);
    ck_assert_uint_le(world.site.requests, 2 + 16);
    must_carry();
}
END_TEST

START_TEST(no_more_is_asked_than_the_origin_answers)
{
    world.target.site_requests = 3;
    warm(_i == 1);
    for (unsigned i = 0; i < 10; i++) {
        htx_duo_wait(d, IDLE_S * QN_SEC);
        burst();
    }
    ck_assert_uint_eq(world.site.requests, 3);
    must_carry();
}
END_TEST

START_TEST(an_origin_without_a_limit_is_not_asked)
{
    dial();
    must_carry();
    htx_duo_wait(d, 3600 * QN_SEC);
    burst();
    ck_assert_uint_eq(world.site.requests, 2);
}
END_TEST

START_TEST(the_cheapest_page_is_asked_for)
{
    const qn_htx_client *client;

    world.second[1].largest = 7000;
    warm(false);
    client = (const qn_htx_client *)c->c;
    qt_assert_bytes(client->warm.path, client->warm.path_n, world.second[1].path);
    ck_assert(!client->warm.document);
    world.first[0].largest = 6500;
    warm(false);
    client = (const qn_htx_client *)c->c;
    qt_assert_bytes(client->warm.path, client->warm.path_n, world.first[0].path);
    ck_assert(client->warm.document);
}
END_TEST

START_TEST(no_memory_for_a_request_costs_nothing_but_the_request)
{
    uint64_t all;

    warm(false);
    htx_duo_wait(d, IDLE_S * QN_SEC);
    all = d->requests;
    for (uint64_t at = 1; at < 12; at++) {
        d->fail_at = d->requests + at;
        (void)htx_duo_say(d, DUO_CLIENT, qn_slice_of(ping, sizeof ping));
        htx_duo_run(d);
        d->fail_at = 0;
        htx_duo_wait(d, IDLE_S * QN_SEC);
    }
    ck_assert_uint_gt(d->requests, all);
    burst();
    if (!c->lost)
        echo();
    else
        qt_assert_err(c->err, QN_NOMEM);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx warm");
    TCase *tc = tcase_create("warm");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_idle_link_is_silent);
    tcase_add_test(tc, a_request_rides_in_a_record_that_leaves_anyway);
    tcase_add_test(tc, a_long_link_asks_as_often_as_it_must);
    tcase_add_test(tc, between_relays_a_timer_asks);
    tcase_add_loop_test(tc, no_more_is_asked_than_the_origin_answers, 0, 2);
    tcase_add_test(tc, an_origin_without_a_limit_is_not_asked);
    tcase_add_test(tc, the_cheapest_page_is_asked_for);
    tcase_add_test(tc, no_memory_for_a_request_costs_nothing_but_the_request);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
