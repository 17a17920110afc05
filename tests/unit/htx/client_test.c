/* The client's whole life: a visit to a plain site, PROOF, the switch, what is carried, endings. */
#include "world.h"

static htx_world world, *const w = &world; /* too large for a stack */

enum { PROFILES = 2 };

static void open_world(unsigned profile)
{
    htx_world_open(w, profile);
}

static void setup(void)
{
    open_world(0);
}

static void teardown(void)
{
    htx_world_close(w);
}

static void dial(void)
{
    qt_assert_err(htx_world_dial(w), QN_OK);
    htx_world_run(w);
}

static qn_htx_phase phase(void)
{
    return qn_htx_client_look(w->c).phase;
}

static void must_carry(void)
{
    ck_assert_msg(w->established, "phase %d, watch %d, tagged %d, requests %u, lost %s", phase(),
                  w->peer.watch.state, w->peer.tagged, w->site.requests,
                  w->lost ? qn_err_name(w->err) : "not");
    ck_assert_int_eq(w->peer.mode, HTX_QNET);
    ck_assert_msg(phase() == QN_HTX_CARRYING, "lost: %s", qn_err_name(w->err));
}

static void must_visit(void)
{
    ck_assert(!w->established && !w->lost);
    ck_assert_int_eq(phase(), QN_HTX_VISITOR);
}

static const uint8_t ping[] = {0, 0, 8, 0x18, 0, 0, 0, 0, 0, 0, 0, 2};

static void echo(void)
{
    w->frames.n = w->peer.frames.n = 0;
    htx_world_say(w, qn_slice_of(ping, sizeof ping), QN_INNER_FRAMES);
    qt_assert_err(htx_world_seal(w, qn_slice_of(ping, sizeof ping)), QN_OK);
    htx_world_run(w);
    qt_assert_bytes(w->frames.p, w->frames.n, qn_slice_of(ping, sizeof ping));
    qt_assert_bytes(w->peer.frames.p, w->peer.frames.n, qn_slice_of(ping, sizeof ping));
}

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
    ck_assert_mem_eq(w->est.peer_key.b, w->cfg.responder_key.b, 32);
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

/* ---- damage and endings -------------------------------------------------------------------- */

/* Whatever byte towards the client changes: never a link, or a sound one that ends by one alert. */
START_TEST(a_changed_byte_anywhere_ends_as_a_browser_would)
{
    uint64_t total;

    dial();
    must_carry();
    echo();
    total = w->to_c_total;
    for (uint64_t at = 1; at <= total; at += at < 300 ? 13 : 211) {
        w->flip_at = at;
        qt_assert_err(htx_world_dial(w), QN_OK);
        htx_world_run(w);
        if (w->established && !w->lost)
            htx_world_say(w, qn_slice_of(ping, sizeof ping), QN_INNER_FRAMES);
        htx_world_run(w);
        if (!w->lost) /* a length that grew: it waits for more */
            qn_carrier_ended(w->c, 0, QN_END_EOF);
        htx_world_drain(w);
        ck_assert_msg(w->lost && !w->reset, "byte %u of %u", (unsigned)at, (unsigned)total);
    }
    w->flip_at = 0;
}
END_TEST

START_TEST(damage_after_the_switch_gets_one_alert)
{
    uint8_t record[64] = {0x17, 3, 3, 0, 59};

    dial();
    must_carry();
    record[0] = _i == 0 ? 0x17 : 0x15;
    memcpy(w->to_c.p, record, sizeof record);
    w->to_c.n = sizeof record;
    htx_world_run(w);
    ck_assert(w->lost && w->closed && !w->reset);
    ck_assert(w->peer.alerted);
    ck_assert_uint_eq(w->peer.alert[1], 20);
    ck_assert_uint_eq(w->length[w->records - 1], 19);
}
END_TEST

START_TEST(a_record_over_the_agreed_size_is_damage)
{
    static uint8_t pad[4097] = {0, 0x0f, 0xfc}; /* one PAD frame of 4,096 bytes in all */

    dial();
    must_carry();
    htx_world_say(w, qn_slice_of(pad, 4096), QN_INNER_FRAMES);
    htx_world_run(w);
    ck_assert(!w->lost);
    qn_put24(pad, 4093);
    htx_world_say(w, qn_slice_of(pad, 4097), QN_INNER_FRAMES);
    htx_world_run(w);
    ck_assert(w->lost && w->peer.alerted);
    ck_assert_uint_eq(w->peer.alert[1], 20);
}
END_TEST

START_TEST(a_link_closes_with_close_notify)
{
    dial();
    must_carry();
    w->c->kind->close(w->c, QN_CLOSE_DONE);
    htx_world_run(w);
    htx_world_drain(w);
    ck_assert(w->lost && w->closed);
    qt_assert_err(w->err, QN_OK);
    ck_assert_uint_eq(w->peer.alert[0], 1);
    ck_assert_uint_eq(w->peer.alert[1], 0);
}
END_TEST

START_TEST(a_visit_that_is_called_off_ends_with_fin)
{
    qt_assert_err(htx_world_dial(w), QN_OK);
    while (w->site.requests == 0)
        ck_assert(htx_world_step(w));
    w->c->kind->close(w->c, QN_CLOSE_DONE);
    htx_world_drain(w);
    ck_assert(w->lost && w->closed && !w->reset);
    htx_world_run(w);
    for (unsigned i = 0; i < w->records; i++)
        ck_assert_uint_ne(w->length[i], 19); /* no alert */
}
END_TEST

START_TEST(the_peers_alert_is_the_end)
{
    dial();
    must_carry();
    htx_world_say(w, qt_hex("0100"), QN_INNER_ALERT);
    htx_world_run(w);
    ck_assert(w->lost && w->closed && !w->peer.alerted);
    qt_assert_err(w->err, QN_GONE);
}
END_TEST

START_TEST(eof_and_reset_end_every_phase)
{
    static const qn_ending how[] = {QN_END_EOF, QN_END_RESET, QN_END_WRITE_FAILED};
    unsigned steps = 0;

    dial();
    must_carry();
    for (unsigned i = 0; i < QN_LEN(how); i++)
        for (steps = 0;; steps++) {
            qt_assert_err(htx_world_dial(w), QN_OK);
            for (unsigned k = 0; k < steps; k++)
                if (!htx_world_step(w))
                    goto done;
            qn_carrier_ended(w->c, 0, how[i]);
            htx_world_drain(w);
            if (!w->lost)
                htx_world_wait(w, QN_SEC);
            ck_assert(w->lost);
            qt_assert_err(w->err, QN_GONE);
        done:
            if (!w->lost)
                break;
        }
}
END_TEST

/* Destroyed after any number of steps it leaves nothing: qt_env_close counts. */
START_TEST(it_can_be_destroyed_at_any_moment)
{
    for (unsigned steps = 0;; steps++) {
        qt_assert_err(htx_world_dial(w), QN_OK);
        for (unsigned k = 0; k < steps; k++)
            if (!htx_world_step(w))
                return;
    }
}
END_TEST

START_TEST(secrets_go_with_the_switch)
{
    const qn_htx_client *c;

    dial();
    must_carry();
    c = (const qn_htx_client *)w->c;
    ck_assert_ptr_null(c->hope);
    for (size_t i = 0; i < sizeof(qn_tls_shares); i++)
        ck_assert_uint_eq(((const uint8_t *)qn_tls_secrets(c->tls))[i], 0);
    w->peer.mute_proof = true;
    dial();
    must_visit();
    c = (const qn_htx_client *)w->c;
    ck_assert_ptr_null(c->hope);
    for (size_t i = 0; i < sizeof(qn_tls_shares); i++)
        ck_assert_uint_eq(((const uint8_t *)qn_tls_secrets(c->tls))[i], 0);
}
END_TEST

/* A link that survived is sound; whatever did not ends for lack of memory, and leaves nothing. */
START_TEST(each_allocation_may_fail)
{
    uint64_t total;

    w->peer.mute_proof = _i == 1;
    dial();
    total = w->requests;
    ck_assert_uint_gt(total, 20);
    for (uint64_t at = 1; at <= total; at++) {
        qn_err err;

        w->fail_at = at;
        err = htx_world_dial(w);
        if (err == QN_OK)
            htx_world_run(w);
        w->fail_at = 0;
        if (err != QN_OK)
            qt_assert_err(err, QN_NOMEM);
        else if (w->lost)
            ck_assert_msg(w->err == QN_NOMEM || w->err == QN_OK, "%s", qn_err_name(w->err));
        else if (w->established)
            echo();
    }
}
END_TEST

START_TEST(no_key_and_nonce_is_used_twice)
{
    dial();
    must_carry();
    for (unsigned i = 0; i < 3; i++) {
        qt_assert_err(htx_world_seal(w, qn_slice_of(ping, sizeof ping)), QN_OK);
        htx_world_say(w, qn_slice_of(ping, sizeof ping), QN_INNER_FRAMES);
        htx_world_origin_writes(w, qt_hex("000008 06 00 00000000 0102030405060708"));
        htx_world_run(w);
        htx_world_wait(w, QN_REKEY_AFTER + QN_SEC);
    }
    ck_assert_uint_gt(htx_world_sealings(), 20);
}
END_TEST

START_TEST(more_data_than_its_limit_is_answered_by_alert_ten)
{
    static uint8_t frame[5 + 4000] = {0, 0x0f, 0xa1, 0x24, 0};

    dial();
    must_carry();
    w->peer.carry.may = UINT64_MAX; /* a peer that does not care */
    for (unsigned i = 0; i < 40; i++) {
        memset(frame + 5, 0x17, sizeof frame - 5);
        if (i == 0)
            memcpy(frame + 5, qt_hex("17030340ff").p, 5);
        htx_world_say(w, qn_slice_of(frame, sizeof frame), QN_INNER_FRAMES);
    }
    htx_world_run(w);
    ck_assert(w->lost && w->peer.alerted);
    ck_assert_uint_eq(w->peer.alert[1], 10);
}
END_TEST

/* An origin that says more than its page may hold is no visit any more. */
START_TEST(an_origin_that_does_not_stop_ends_the_link)
{
    static uint8_t pings[8000];

    dial();
    must_carry();
    for (size_t i = 0; i + 17 <= sizeof pings; i += 17)
        memcpy(pings + i, qt_hex("000008 06 01 00000000 0102030405060708").p, 17);
    for (unsigned i = 0; i < 40 && !w->lost; i++) {
        htx_world_origin_writes(w, qn_slice_of(pings, sizeof pings / 17 * 17));
        htx_world_run(w);
    }
    ck_assert(w->lost);
    ck_assert_uint_le(w->peer.carry.sent, 100000 + 65536 + 8192);
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
    tcase_add_test(tc, a_changed_byte_anywhere_ends_as_a_browser_would);
    tcase_add_loop_test(tc, damage_after_the_switch_gets_one_alert, 0, 2);
    tcase_add_test(tc, a_record_over_the_agreed_size_is_damage);
    tcase_add_test(tc, a_link_closes_with_close_notify);
    tcase_add_test(tc, a_visit_that_is_called_off_ends_with_fin);
    tcase_add_test(tc, the_peers_alert_is_the_end);
    tcase_add_test(tc, eof_and_reset_end_every_phase);
    tcase_add_test(tc, it_can_be_destroyed_at_any_moment);
    tcase_add_test(tc, secrets_go_with_the_switch);
    tcase_add_loop_test(tc, each_allocation_may_fail, 0, 2);
    tcase_add_test(tc, no_key_and_nonce_is_used_twice);
    tcase_add_test(tc, more_data_than_its_limit_is_answered_by_alert_ten);
    tcase_add_test(tc, an_origin_that_does_not_stop_ends_the_link);
    tcase_add_loop_test(tc, a_target_that_gives_no_visit_is_refused, 0, 7);
    tcase_add_test(tc, a_mirror_key_of_small_order_is_refused);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
