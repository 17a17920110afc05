/* The client's life: a visit to a plain site, PROOF, the switch, what is carried. ends_test.c:
 * ends. */
#include "scene.h"
#include "shape_item.h"

/* ---- the switch ---------------------------------------------------------------------------- */

START_TEST(a_tagged_visit_becomes_a_carrier)
{
    teardown();
    open_world((unsigned)_i);
    dial();
    must_carry();
    ck_assert_mem_eq(w->est.hash.b, qn_noise_hash(&w->peer.x)->b, 32);
    ck_assert_mem_eq(w->est.resume.b, w->peer.resume.b, 32);
    ck_assert(w->est.known);
    ck_assert_mem_eq(w->est.peer.b, w->cfg.responder.b, 32);
    ck_assert_mem_eq(w->est.peer_key.b, w->peer.key.pub.b, 32);
    ck_assert_mem_eq(&w->est.vouch, &w->peer.offer.vouch, sizeof w->est.vouch);
    ck_assert_mem_eq(&w->peer.choice.vouch, &w->cfg.vouch, sizeof w->cfg.vouch);
    ck_assert_uint_eq(w->est.max_record, 4096);
    ck_assert_int_eq(w->est.wall, QT_EPOCH + 3);
    ck_assert(w->peer.choice.claim);
    ck_assert_mem_eq(w->peer.choice.id.b, w->cfg.own_id.b, 32);
    echo();
    ck_assert_uint_eq(w->site.requests, 2);
    ck_assert(!w->site.closed);
}
END_TEST

START_TEST(any_chunking_switches)
{
    static const size_t chunks[] = {1, 2, 3, 7, 100, 1460, 5000};

    w->chunk = chunks[_i];
    dial();
    must_carry();
    echo();
}
END_TEST

START_TEST(an_anonymous_client_names_nobody)
{
    w->cfg.claim = false;
    dial();
    must_carry();
    ck_assert(!w->peer.choice.claim);
    echo();
}
END_TEST

START_TEST(a_psk_is_part_of_the_tag)
{
    qn_key psk;

    memset(psk.b, 0x77, sizeof psk.b);
    w->cfg.psk = &psk;
    dial();
    must_carry();
    w->cfg.psk = NULL;
}
END_TEST

/* The promise of the tag: n1 records up to the first request, and one of exactly L2. */
START_TEST(the_first_flight_has_the_records_the_tag_says)
{
    teardown();
    open_world((unsigned)_i);
    dial();
    must_carry();
    ck_assert_uint_eq(w->peer.watch.cfg.requests, _i == 0 ? 3 : 4);
    ck_assert_uint_eq(w->type[0], 0x16);
    ck_assert_uint_eq(w->type[1], 0x14);
    for (unsigned i = 2; i < w->records; i++)
        ck_assert_uint_eq(w->type[i], 0x17);
}
END_TEST

static uint16_t final_length(void)
{
    unsigned i = 0;

    while (i < w->records && w->length[i] != w->peer.watch.cfg.second)
        i++;
    do
        ck_assert_uint_lt(++i, w->records);
    while (w->length[i] <= 60);
    return w->length[i];
}

/* Two requests of one length, one behind the other, each time: no browser's pages are like that. */
START_TEST(message_three_is_as_long_as_some_request_not_as_the_last)
{
    unsigned same = 0;

    for (unsigned k = 0; k < 12; k++) {
        bool listed = false;

        dial();
        must_carry();
        same += final_length() == w->peer.watch.cfg.second;
        for (unsigned i = 0; i < shape_item.request_n; i++)
            listed |= shape_item.request[i] == final_length();
        ck_assert(listed);
    }
    ck_assert_uint_lt(same, 12);
}
END_TEST

/* Whatever the origin makes the browser say while PROOF is on its way, the hold lets it pass. */
START_TEST(what_it_must_say_while_it_waits_is_short)
{
    teardown();
    open_world((unsigned)_i);
    w->site.pings = 20;
    dial();
    must_carry();
    ck_assert_uint_gt(w->peer.passed_small, 0);
    echo();
    ck_assert(!w->site.closed);
}
END_TEST

/* ---- what is carried ----------------------------------------------------------------------- */

START_TEST(the_origin_goes_on_inside_the_link)
{
    uint64_t before;

    dial();
    must_carry();
    before = w->peer.carry.got;
    /* h2 PING, which the browser must answer */
    htx_world_origin_writes(w, qt_hex("000008 06 00 00000000 0102030405060708"));
    htx_world_run(w);
    ck_assert_uint_eq(w->peer.carry.got, before + 5 + 17 + 17);
    ck_assert_uint_eq(w->site.in.n, 0);
    ck_assert(!w->site.closed && !w->lost);
    echo();
}
END_TEST

START_TEST(an_origin_that_ends_lets_the_link_live_on)
{
    qn_htx_look look;

    dial();
    must_carry();
    qn_htx_carry_end(&w->peer.carry, false, 300);
    htx_world_run(w);
    look = qn_htx_client_look(w->c);
    ck_assert(look.draining && !w->lost);
    ck_assert_uint_eq(look.drain, 300);
    echo();
}
END_TEST

START_TEST(a_damaged_origin_costs_only_the_origin)
{
    dial();
    must_carry();
    qt_assert_err(qn_htx_carry_send(&w->peer.carry, &w->peer.t.env,
                                    qt_hex("170303 0020 00112233445566778899aabbccddeeff"
                                           "00112233445566778899aabbccddeeff")),
                  QN_OK);
    htx_world_run(w);
    ck_assert(!w->lost);
    ck_assert(w->site.closed); /* by our alert */
    ck_assert(w->peer.carry.ended);
    echo();
}
END_TEST

START_TEST(what_is_no_frame_of_ours_is_answered_by_alert_ten)
{
    static const char *const wrong[] = {
        "000001 24 00",                   /* DATA without data */
        "000001 24 03",                   /* no kind */
        "000005 24 01 00000001",          /* a short LIMIT */
        "000009 24 01 0000000000000001",  /* a limit that goes back */
        "000004 24 02 02 0000",           /* neither FIN nor RST */
        "000003 24 02 00 00",             /* a short END */
        "000006 24 00 99 0303 0010",      /* DATA that is no TLS record */
        "000006 24 00 17 0303 0000",      /* nor this */
        "000008 24 02 00 0000 000002 24", /* a frame that does not end */
        "000000 2c",
        "000000 28",          /* PATH_CONTROL, SHAPE */
        "000000 1c 000000 00" /* KEY_UPDATE not last */
    };

    dial();
    must_carry();
    htx_world_say(w, qt_hex(wrong[_i]), QN_INNER_FRAMES);
    htx_world_run(w);
    ck_assert(w->lost && w->closed && !w->reset);
    ck_assert(w->peer.alerted);
    ck_assert_uint_eq(w->peer.alert[0], 2);
    ck_assert_uint_eq(w->peer.alert[1], 10);
    ck_assert_uint_eq(w->length[w->records - 1], 19);
}
END_TEST

START_TEST(data_after_end_is_answered_by_alert_ten)
{
    dial();
    must_carry();
    htx_world_say(w, qt_hex("000004 24 02 00 0000 000006 24 00 17 0303 0010"), QN_INNER_FRAMES);
    htx_world_run(w);
    ck_assert(w->lost && w->peer.alerted);
    ck_assert_uint_eq(w->peer.alert[1], 10);
}
END_TEST

START_TEST(an_idle_key_is_changed_with_the_next_record)
{
    dial();
    must_carry();
    htx_world_wait(w, QN_REKEY_AFTER + QN_SEC);
    qt_assert_err(htx_world_seal(w, qn_slice_of(ping, sizeof ping)), QN_OK);
    htx_world_run(w);
    ck_assert_uint_eq(w->peer.frames.n, sizeof ping + 4);
    htx_world_say(w, qt_hex("000000 1c"), QN_INNER_FRAMES);
    qt_assert_err(qn_record_ratchet(&w->peer.tx, &w->peer.t.env), QN_OK);
    echo();
}
END_TEST

/* ---- visitors ------------------------------------------------------------------------------ */

START_TEST(without_a_peer_it_is_a_visit)
{
    teardown();
    open_world((unsigned)_i);
    w->peer.mute_proof = true;
    dial();
    must_visit();
    ck_assert_uint_eq(w->site.requests, 2);
    ck_assert(qn_carrier_due(w->c) == w->t.env.now + 300 * QN_SEC);
    htx_world_wait(w, 300 * QN_SEC);
    ck_assert(w->lost && w->closed && !w->reset);
    qt_assert_err(w->err, QN_REFUSED);
}
END_TEST

START_TEST(a_visitor_hears_its_origin_before_it_leaves)
{
    w->peer.mute_proof = true;
    dial();
    must_visit();
    htx_world_wait(w, 200 * QN_SEC);
    htx_world_origin_writes(w, qt_hex("000008 06 00 00000000 0102030405060708"));
    htx_world_run(w);
    htx_world_wait(w, 200 * QN_SEC);
    must_visit();
    htx_world_wait(w, 100 * QN_SEC);
    ck_assert(w->lost && w->closed);
}
END_TEST

/* Another table, and the second request is not as long as the tag said: the peer waits in vain. */
START_TEST(an_origin_that_changes_the_requests_makes_a_visitor)
{
    w->site.settings = "0001 00000000";
    dial();
    ck_assert(w->peer.tagged);
    must_visit();
    ck_assert_uint_eq(w->site.requests, 2);
    ck_assert_int_ne(w->peer.watch.state, QN_HTX_ARMED);
    ck_assert(qn_carrier_due(w->c) > w->t.env.now + 60 * QN_SEC);
}
END_TEST

START_TEST(a_peer_with_another_key_sees_a_visit)
{
    w->peer.key.secret.b[3] ^= 1;
    qn_dh_derive(&w->peer.key.secret, &w->peer.key.pub);
    dial();
    ck_assert(!w->peer.tagged);
    must_visit();
}
END_TEST

START_TEST(a_wrong_clock_makes_a_visitor_who_learns_the_time)
{
    w->peer.t.env.wall += 1000;
    /* status 200 and a date 1000 s ahead of QT_EPOCH (Tue, 14 Nov 2023 22:13:20) */
    w->site.status = "88 0f12 1d 5475652c203134204e6f7620323032332032323a33303a303020474d54";
    dial();
    must_visit();
    ck_assert(qn_htx_client_look(w->c).dated);
    ck_assert_int_eq(qn_htx_client_look(w->c).ahead, 1000);
    w->target.ahead = 1000;
    w->peer.offer.time = 1;
    dial();
    must_carry();
}
END_TEST

START_TEST(after_hello_retry_request_it_asks_once_and_stays_a_visitor)
{
    ck_assert_int_eq((int)SSL_CTX_set1_groups_list(w->site.tls.ctx, "P-384"), 1);
    dial();
    must_visit();
    ck_assert_uint_eq(w->site.requests, 1);
}
END_TEST

START_TEST(only_a_good_page_leads_on)
{
    /* 404, 500, 302, 204 is fine, 103 first is fine */
    static const char *const status[] = {"8d", "8e", "0803333032", "8c"};

    w->site.status = status[_i];
    dial();
    must_visit();
    ck_assert_uint_eq(w->site.requests, 1);
}
END_TEST

START_TEST(a_page_larger_than_said_ends_the_visit)
{
    w->first[0].largest = w->first[1].largest = 5999;
    dial();
    ck_assert(w->lost && w->closed && !w->established);
    qt_assert_err(w->err, QN_LIMIT);
}
END_TEST

static void must_die_as_a_browser(void)
{
    ck_assert(!w->established && w->lost && w->closed && !w->reset);
    qt_assert_err(w->err, QN_AUTH);
    ck_assert_uint_eq(w->type[w->records - 1], 0x17);
    ck_assert_uint_eq(w->length[w->records - 1], 19);
    ck_assert_int_ne(w->peer.mode, HTX_QNET);
}

START_TEST(a_late_second_answer_is_never_proof)
{
    qt_assert_err(htx_world_dial(w), QN_OK);
    while (phase() != QN_HTX_WAITING)
        ck_assert(htx_world_step(w));
    ck_assert(qn_htx_client_look(w->c).since == w->t.env.now);
    htx_world_wait(w, 60 * QN_SEC - 1);
    ck_assert_int_eq(phase(), QN_HTX_WAITING);
    htx_world_wait(w, 1);
    ck_assert_int_eq(phase(), QN_HTX_VISITOR);
    htx_world_run(w); /* the request was slow, the peer proves itself at once */
    ck_assert_int_eq(w->peer.mode, HTX_HOLD);
    must_die_as_a_browser();
}
END_TEST

START_TEST(an_origin_that_never_answers_is_left)
{
    qt_assert_err(htx_world_dial(w), QN_OK);
    htx_world_wait(w, 60 * QN_SEC);
    ck_assert(w->lost && w->closed);
    qt_assert_err(w->err, QN_TIMEOUT);
}
END_TEST

/* ---- PROOF that is none -------------------------------------------------------------------- */

START_TEST(a_changed_proof_is_damage)
{
    w->peer.spoil_proof = 1;
    dial();
    must_die_as_a_browser();
}
END_TEST

START_TEST(a_proof_over_another_transcript_is_damage)
{
    w->peer.bad_hash = true;
    dial();
    must_die_as_a_browser();
}
END_TEST

START_TEST(a_proof_that_offers_more_than_the_descriptor_is_damage)
{
    w->peer.offer.max_record = 8193;
    dial();
    must_die_as_a_browser();
}
END_TEST

/* ---- configuration ------------------------------------------------------------------------- */

START_TEST(a_target_that_gives_no_visit_is_refused)
{
    static const struct {
        uint8_t first_n, second_n;
        const char *path;
        size_t name_n;
    } wrong[] = {{0, 1, "/x", 5}, {1, 0, "/x", 5},   {9, 1, "/x", 5}, {1, 1, "x", 5},
                 {1, 1, "", 5},   {1, 1, "/x y", 5}, {1, 1, "/x", 0}};

    w->target.first_n = wrong[_i].first_n;
    w->target.second_n = wrong[_i].second_n;
    w->second[0].path = qn_slice_of(wrong[_i].path, strlen(wrong[_i].path));
    w->target.name.n = wrong[_i].name_n;
    qt_assert_err(htx_world_dial(w), QN_CONFIG);
}
END_TEST

START_TEST(a_mirror_key_of_small_order_is_refused)
{
    memset(w->target.mirror.b, 0, sizeof w->target.mirror.b);
    qt_assert_err(htx_world_dial(w), QN_CONFIG);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx client");
    TCase *tc = tcase_create("client");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_tagged_visit_becomes_a_carrier, 0, PROFILES);
    tcase_add_loop_test(tc, any_chunking_switches, 0, 7);
    tcase_add_test(tc, an_anonymous_client_names_nobody);
    tcase_add_test(tc, a_psk_is_part_of_the_tag);
    tcase_add_loop_test(tc, the_first_flight_has_the_records_the_tag_says, 0, PROFILES);
    tcase_add_test(tc, message_three_is_as_long_as_some_request_not_as_the_last);
    tcase_add_loop_test(tc, what_it_must_say_while_it_waits_is_short, 0, PROFILES);
    tcase_add_test(tc, the_origin_goes_on_inside_the_link);
    tcase_add_test(tc, an_origin_that_ends_lets_the_link_live_on);
    tcase_add_test(tc, a_damaged_origin_costs_only_the_origin);
    tcase_add_loop_test(tc, what_is_no_frame_of_ours_is_answered_by_alert_ten, 0, 12);
    tcase_add_test(tc, data_after_end_is_answered_by_alert_ten);
    tcase_add_test(tc, an_idle_key_is_changed_with_the_next_record);
    tcase_add_loop_test(tc, without_a_peer_it_is_a_visit, 0, PROFILES);
    tcase_add_test(tc, a_visitor_hears_its_origin_before_it_leaves);
    tcase_add_test(tc, an_origin_that_changes_the_requests_makes_a_visitor);
    tcase_add_test(tc, a_peer_with_another_key_sees_a_visit);
    tcase_add_test(tc, a_wrong_clock_makes_a_visitor_who_learns_the_time);
    tcase_add_test(tc, after_hello_retry_request_it_asks_once_and_stays_a_visitor);
    tcase_add_loop_test(tc, only_a_good_page_leads_on, 0, 3);
    tcase_add_test(tc, a_page_larger_than_said_ends_the_visit);
    tcase_add_test(tc, a_late_second_answer_is_never_proof);
    tcase_add_test(tc, an_origin_that_never_answers_is_left);
    tcase_add_test(tc, a_changed_proof_is_damage);
    tcase_add_test(tc, a_proof_over_another_transcript_is_damage);
    tcase_add_test(tc, a_proof_that_offers_more_than_the_descriptor_is_damage);
    tcase_add_loop_test(tc, a_target_that_gives_no_visit_is_refused, 0, 7);
    tcase_add_test(tc, a_mirror_key_of_small_order_is_refused);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
