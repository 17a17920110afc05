/* Raw and the orderly ends at a peer: docs/wire/htx.md, "The switch" and "Ends". */
#include "duo_scene.h"

#include "carrier/record.h"
#include "tls/numbers.h"

/* ---- raw --------------------------------------------------------------------------------------
 */

static const uint8_t alien[5 + 30] = {0x17, 3, 3, 0, 30};

START_TEST(an_anomaly_gives_the_connection_back)
{
    unsigned from;

    dial();
    must_carry();
    echo();
    from = d->seen_n;
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(alien, sizeof alien));
    htx_duo_run(d);
    ck_assert(p->raw && p->lost && c->lost);
    ck_assert_mem_eq(d->log.to_origin.p + d->log.to_origin.n - sizeof alien, alien, sizeof alien);
    must_tell(from, "P19 Cf Pf ");
    ck_assert_uint_eq(p->c->kind->room(p->c), 0);
}
END_TEST

/* It opens, and is neither frames nor an alert: an inner type of TLS's own, none, half an alert. */
START_TEST(a_record_of_another_inner_type_is_an_anomaly)
{
    static const uint8_t inner[] = {0x16, 0x14, 0x00, QN_INNER_ALERT};
    qn_htx_client *of;
    qn_slice one = qn_slice_of("\1", 1);

    dial();
    must_carry();
    of = (qn_htx_client *)c->c;
    qt_assert_err(qn_record_seal(&of->traffic.tx, of->env, NULL, one, (qn_slice){0},
                                 (qn_inner)inner[_i], &of->out),
                  QN_OK);
    htx_duo_run(d);
    ck_assert(p->raw && p->lost && c->lost && world.site.closed);
}
END_TEST

/* All that was not used as QNet goes on in one piece, the bad record first. */
START_TEST(everything_behind_the_bad_record_goes_on_unchanged)
{
    uint8_t all[sizeof alien * 3 + 3];

    dial();
    must_carry();
    for (unsigned i = 0; i < 3; i++)
        memcpy(all + i * sizeof alien, alien, sizeof alien);
    memcpy(all + 3 * sizeof alien, "\x17\x03\x03", 3);
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(all, sizeof all));
    htx_duo_run(d);
    ck_assert_mem_eq(d->log.to_origin.p + d->log.to_origin.n - sizeof all, all, sizeof all);
}
END_TEST

START_TEST(a_client_that_goes_without_a_word_is_an_anomaly)
{
    dial();
    must_carry();
    d->wire[DUO_CLIENT].fin = _i == 0;
    d->wire[DUO_CLIENT].rst = _i == 1;
    htx_duo_run(d);
    ck_assert(p->raw);
    ck_assert(_i == 0 ? p->leg[1].finish : p->leg[1].reset);
}
END_TEST

/* Origin records that have not been carried leave as they are, but for one that has begun to. */
START_TEST(going_raw_finishes_the_record_it_had_begun)
{
    size_t before, left;

    dial();
    must_carry();
    while (peer()->bond->traffic.shape.first < QN_SHAPE_FIRST) /* lengths of a drawn page */
        echo();
    d->link_quiet = true;
    p->c->kind->busy(p->c, true);
    htx_world_origin_writes(&world, qt_noise(5, 8000)); /* two QNet records */
    htx_world_origin_writes(&world, qt_noise(6, 100));
    htx_duo_run(d);
    qt_assert_err(htx_duo_say(d, DUO_PEER, (qn_slice){0}), QN_OK);
    left = peer()->bond->traffic.carry.started;
    ck_assert_uint_gt(left, 3000);
    ck_assert_uint_lt(left, 8000);
    before = d->log.said[DUO_PEER].n;
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(alien, sizeof alien));
    htx_duo_run(d);
    ck_assert(p->raw);
    /* two records of ours, then the origin's second one and its alert, as it wrote them */
    ck_assert_uint_eq(d->log.said[DUO_PEER].n - before,
                      (5 + 4092 + 17) + (5 + 5 + left + 17) + (5 + 117) + (5 + 19));
    ck_assert_mem_eq(d->log.said[DUO_PEER].p + d->log.said[DUO_PEER].n - (5 + 117) - (5 + 19),
                     d->log.of_origin.p + d->log.of_origin.n - (5 + 117) - (5 + 19),
                     (5 + 117) + (5 + 19));
}
END_TEST

START_TEST(an_incomplete_record_is_given_to_the_origin_in_time)
{
    qn_time wait = _i == 0 ? 50 * QN_SEC : 30 * QN_SEC;
    size_t before;

    d->site.idle = _i == 0 ? 60 * QN_SEC : 35 * QN_SEC;
    dial();
    must_carry();
    before = d->log.to_origin.n;
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(alien, 20));
    htx_duo_run(d);
    ck_assert(qn_carrier_due(p->c) == p->t->env.now + wait);
    htx_duo_wait(d, wait - 1);
    ck_assert(!p->raw && d->log.to_origin.n == before);
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(alien + 20, 1)); /* it comes on: the time is new */
    htx_duo_run(d);
    htx_duo_wait(d, wait - 1);
    ck_assert(!p->raw);
    htx_duo_wait(d, 1);
    ck_assert(p->raw);
    ck_assert_uint_eq(d->log.to_origin.n, before + 21);
    ck_assert_mem_eq(d->log.to_origin.p + before, alien, 21);
}
END_TEST

START_TEST(without_an_origin_an_anomaly_gets_what_it_would_have_said)
{
    unsigned from;

    d->site.after_fatal.reset = _i == 1;
    dial();
    must_carry();
    p->c->kind->busy(p->c, true);
    htx_duo_origin_ends(d, false);
    htx_duo_run(d);
    from = d->seen_n;
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(alien, sizeof alien));
    htx_duo_run(d);
    ck_assert(p->raw && p->lost);
    must_tell(from, _i == 1 ? "P19 C19 Cf Px " : "P19 C19 Cf Pf ");
}
END_TEST

/* ---- ends -------------------------------------------------------------------------------------
 */

START_TEST(a_client_closes_as_a_browser)
{
    unsigned from;

    d->site.after_notify.alert = _i % 2 == 0;
    d->site.after_notify.reset = _i / 2 == 1;
    dial();
    must_carry();
    from = d->seen_n;
    close_link(DUO_CLIENT, QN_CLOSE_DONE);
    htx_duo_run(d);
    ck_assert(c->lost && p->lost && !p->raw);
    qt_assert_err(c->err, QN_OK);
    qt_assert_err(p->err, QN_OK);
    ck_assert_uint_eq(p->frames.n, QN_FRAME_CLOSE_SIZE);
    ck_assert(p->leg[1].close && !p->leg[1].reset);
    must_tell(from, _i == 0   ? "C34 C19 P19 Cf Pf "
                    : _i == 1 ? "C34 C19 Cf Pf "
                    : _i == 2 ? "C34 C19 P19 Cf Px "
                              : "C34 C19 Cf Px ");
}
END_TEST

/* Somebody keeps the alert back. An origin that has heard a GOAWAY would wait for its idle limit.
 */
static void no_alert(htx_duo *x, unsigned who, uint8_t *r, size_t *n)
{
    (void)x, (void)r;
    if (who == DUO_CLIENT && *n == 5 + 19)
        *n = 0;
}

START_TEST(a_close_without_its_alert_ends_too)
{
    d->site.idle = 75 * QN_SEC;
    dial();
    must_carry();
    d->hands = no_alert;
    close_link(DUO_CLIENT, QN_CLOSE_DONE);
    while (peer()->state != QN_HTX_PEER_LEAVING)
        ck_assert(htx_duo_step(d));
    ck_assert(!p->lost);
    d->wire[DUO_CLIENT].fin = false;
    if (_i == 0) {
        ck_assert(qn_carrier_due(p->c) == p->t->env.now + 65 * QN_SEC);
        p->t->env.now += 65 * QN_SEC - 1;
        qn_carrier_tick(p->c);
        ck_assert(peer()->state == QN_HTX_PEER_LEAVING && qn_htx_peer_see(p->c).parting);
        p->t->env.now++;
        qn_carrier_tick(p->c);
        htx_duo_run(d);
    } else {
        p->c->kind->ended(p->c, 0, QN_END_RESET);
        htx_duo_run(d);
    }
    ck_assert(p->lost && !p->raw);
}
END_TEST

START_TEST(a_peer_closes_as_its_origin)
{
    unsigned from;

    d->site.after_notify.reset = _i == 1;
    d->site.goaway = 51;
    d->site.alert = 35;
    dial();
    must_carry();
    from = d->seen_n;
    close_link(DUO_PEER, QN_CLOSE_DONE);
    htx_duo_run(d);
    ck_assert(c->lost && p->lost && !p->raw);
    ck_assert_uint_eq(c->frames.n, QN_FRAME_CLOSE_SIZE);
    must_tell(from, _i == 1 ? "P51 P35 Cf Px " : "P51 P35 Cf Pf ");
}
END_TEST

START_TEST(a_clients_fatal_alert_ends_as_the_origin_would)
{
    unsigned from;

    d->site.after_fatal.alert = _i == 1;
    dial();
    must_carry();
    from = d->seen_n;
    htx_duo_inject(d, DUO_PEER, qn_slice_of(alien, sizeof alien)); /* C: damage */
    htx_duo_run(d);
    ck_assert(c->lost && p->lost && !p->raw);
    qt_assert_err(p->err, QN_GONE);
    ck_assert(p->leg[1].reset);
    must_tell(from, _i == 1 ? "C19 P19 Cf Pf " : "C19 Cf Pf ");
}
END_TEST

START_TEST(a_wrong_frame_in_a_good_record_is_answered_by_alert_ten)
{
    static const char *const wrong[] = {
        "000001 24 00", /* DATA without data */
        "000001 24 03", /* no kind */
        "000009 24 01 0000000000000001" /* a limit that goes back */,
        "000006 24 00 99 0303 0010",      /* DATA that is no TLS record */
        "000008 24 02 00 0000 000002 24", /* a frame that does not end */
        "000000 2c",
        "000000 28",                                     /* PATH_CONTROL, SHAPE */
        "000000 1c 000000 00",                           /* KEY_UPDATE not last */
        "000004 24 02 00 0000 000006 24 00 17 0303 0020" /* DATA after END */
    };
    unsigned from;

    dial();
    must_carry();
    from = d->seen_n;
    qt_assert_err(c->c->kind->seal(c->c, qt_hex(wrong[_i]), (qn_slice){0}), QN_OK);
    htx_duo_run(d);
    ck_assert(p->lost && !p->raw && c->lost);
    ck_assert_uint_eq(d->seen[from + 1].who, DUO_PEER);
    ck_assert_uint_eq(d->seen[from + 1].length, 19);
    ck_assert(p->leg[1].reset);
}
END_TEST

START_TEST(an_origin_that_ends_an_idle_link_ends_it_at_once)
{
    unsigned from;

    dial();
    must_carry();
    from = d->seen_n;
    htx_duo_origin_ends(d, _i == 1);
    htx_duo_run(d);
    ck_assert(c->lost && p->lost && !p->raw);
    must_tell(from, "P34 P19 Cf Pf ");
}
END_TEST

/* GOAWAY, close_notify, FIN: nothing of it is carried, and nothing is added to it. */
START_TEST(an_idle_end_is_the_same_as_a_browsers)
{
    static char story[2][256];

    for (int proven = 0; proven < 2; proven++) {
        unsigned from;

        d->site.proven = proven == 1;
        dial();
        ck_assert(p->established == d->site.proven);
        from = d->seen_n;
        htx_world_origin_writes(&world, qt_hex("000008 07 00 00000000 00000003 00000000"));
        (void)SSL_shutdown(world.site.tls.ssl);
        htx_duo_run(d);
        htx_duo_origin_ends(d, false);
        htx_duo_run(d);
        (void)snprintf(story[proven], sizeof story[0], "%s", htx_duo_story(d, from));
    }
    ck_assert_str_eq(story[0], story[1]);
}
END_TEST

START_TEST(an_origin_that_ends_a_busy_link_lets_it_drain)
{
    unsigned from;

    d->site.goaway = 60;
    dial();
    must_carry();
    p->c->kind->busy(p->c, true);
    from = d->seen_n;
    htx_duo_origin_ends(d, false);
    htx_duo_run(d);
    must_tell(from, "P60 C25 "); /* END, and C's */
    ck_assert(!c->lost && !p->lost);
    ck_assert(qn_htx_peer_see(p->c).draining && qn_htx_client_look(c->c).draining);
    ck_assert_uint_eq(qn_htx_client_look(c->c).drain, 300);
    echo();
    from = d->seen_n;
    if (_i == 0) { /* the last stream ends; it was said in the record before */
        p->c->kind->busy(p->c, false);
        ck_assert(qn_carrier_due(p->c) == p->t->env.now);
        htx_duo_run(d);
    } else {
        ck_assert(qn_carrier_due(p->c) == p->t->env.now + 300 * QN_SEC);
        htx_duo_wait(d, 300 * QN_SEC - 1);
        ck_assert(!p->lost);
        htx_duo_wait(d, 1);
    }
    ck_assert(c->lost && p->lost);
    must_tell(from, "P60 P19 Cf Pf ");
    /* never a clean end; a link that is in use goes on upon another carrier */
    ck_assert_uint_eq(qn_get16(c->frames.p + c->frames.n - 2),
                      _i == 0 ? QN_CLOSE_GONE : QN_CLOSE_MOVED);
}
END_TEST

START_TEST(what_the_origin_cannot_take_is_not_granted_again)
{
    static uint8_t frame[5 + 5 + 3000] = {0, 0x0b, 0xbe, 0x24, 0, 0x17, 3, 3, 0x0b, 0xb8};
    unsigned sent = 0;

    dial();
    must_carry();
    p->leg[1].open = false; /* its socket takes nothing */
    while (sent < 40 && !p->lost) {
        qt_assert_err(htx_duo_say(d, DUO_CLIENT, qn_slice_of(frame, sizeof frame)), QN_OK);
        htx_duo_run(d);
        sent++;
    }
    ck_assert(p->lost); /* more than its limit */
    ck_assert_uint_le(peer()->visit.splice.leg[1].out.bytes, QN_HTX_CARRY_WINDOW);
}
END_TEST

/* C's END with RST: the origin connection is gone, so nobody is there any more to judge damage. */
START_TEST(a_client_that_resets_its_origin_has_a_link_without_one)
{
    static const uint8_t end[] = {0, 0, 4, QN_FRAME_CARRIER, QN_HTX_END, 1, 0, 0};

    dial();
    must_carry();
    d->link_quiet = _i == 1;
    p->c->kind->busy(p->c, _i == 1);
    qt_assert_err(htx_duo_say(d, DUO_CLIENT, qn_slice_of(end, sizeof end)), QN_OK);
    htx_duo_run(d);
    ck_assert(p->leg[1].reset);
    if (_i == 0) { /* idle: as when the origin ends */
        ck_assert(p->lost && c->lost && !p->raw);
        return;
    }
    ck_assert(qn_htx_peer_see(p->c).draining);
    htx_duo_inject(d, DUO_CLIENT, qn_slice_of(alien, sizeof alien));
    htx_duo_run(d);
    ck_assert(p->raw && p->lost);
}
END_TEST

static void deafen_origin(htx_duo *x, unsigned who, uint8_t *r, size_t *n)
{
    (void)r;
    if (who == DUO_PEER && *n == 5 + 3000 + 9 + 17)
        x->end[DUO_PEER].leg[1].open = false;
}

START_TEST(an_origin_slow_at_the_switch_does_not_cost_the_link)
{
    world.site.pings = 20; /* what the browser answers is still on its way to O */
    d->hands = deafen_origin;
    dial();
    must_carry();
    ck_assert_uint_gt(peer()->visit.splice.leg[1].out.bytes, 0);
    echo();
    echo();
    p->leg[1].open = true;
    echo();
    ck_assert(!c->lost && !p->lost && !world.site.closed);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx switch");
    TCase *tc = tcase_create("switch");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_anomaly_gives_the_connection_back);
    tcase_add_loop_test(tc, a_record_of_another_inner_type_is_an_anomaly, 0, 4);
    tcase_add_test(tc, everything_behind_the_bad_record_goes_on_unchanged);
    tcase_add_loop_test(tc, a_client_that_goes_without_a_word_is_an_anomaly, 0, 2);
    tcase_add_test(tc, going_raw_finishes_the_record_it_had_begun);
    tcase_add_loop_test(tc, an_incomplete_record_is_given_to_the_origin_in_time, 0, 2);
    tcase_add_loop_test(tc, without_an_origin_an_anomaly_gets_what_it_would_have_said, 0, 2);
    tcase_add_loop_test(tc, a_client_closes_as_a_browser, 0, 4);
    tcase_add_loop_test(tc, a_close_without_its_alert_ends_too, 0, 2);
    tcase_add_loop_test(tc, a_peer_closes_as_its_origin, 0, 2);
    tcase_add_loop_test(tc, a_clients_fatal_alert_ends_as_the_origin_would, 0, 2);
    tcase_add_loop_test(tc, a_wrong_frame_in_a_good_record_is_answered_by_alert_ten, 0, 9);
    tcase_add_loop_test(tc, an_origin_that_ends_an_idle_link_ends_it_at_once, 0, 2);
    tcase_add_test(tc, an_idle_end_is_the_same_as_a_browsers);
    tcase_add_loop_test(tc, an_origin_that_ends_a_busy_link_lets_it_drain, 0, 2);
    tcase_add_test(tc, what_the_origin_cannot_take_is_not_granted_again);
    tcase_add_loop_test(tc, a_client_that_resets_its_origin_has_a_link_without_one, 0, 2);
    tcase_add_test(tc, an_origin_slow_at_the_switch_does_not_cost_the_link);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
