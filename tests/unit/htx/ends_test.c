/* How a client's connection ends: damage, endings of every side, memory, keys. */
#include "scene.h"

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

/* A browser answers an alert it can open by FIN alone, and so do we when O's comes to us raw: right
 * after the switch, when the peer has dropped R, and later. */
START_TEST(the_origins_own_alert_gets_none)
{
    unsigned before;

    qt_assert_err(htx_world_dial(w), QN_OK);
    while (!w->established)
        ck_assert(htx_world_step(w));
    if (_i == 1)
        htx_world_run(w);
    before = w->records;
    htx_world_origin_objects(w);
    htx_world_run(w);
    ck_assert(w->lost && w->closed && !w->reset);
    qt_assert_err(w->err, QN_GONE);
    for (unsigned i = before; i < w->records; i++)
        ck_assert_uint_ne(w->length[i], 19);
    ck_assert(!w->peer.alerted);
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
    ck_assert_ptr_null(qn_tls_secrets(c->tls));
    w->peer.mute_proof = true;
    dial();
    must_visit();
    c = (const qn_htx_client *)w->c;
    ck_assert_ptr_null(c->hope);
    ck_assert_ptr_null(qn_tls_secrets(c->tls));
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

static Suite *suite(void)
{
    Suite *s = suite_create("htx ends");
    TCase *tc = tcase_create("ends");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_changed_byte_anywhere_ends_as_a_browser_would);
    tcase_add_loop_test(tc, damage_after_the_switch_gets_one_alert, 0, 2);
    tcase_add_loop_test(tc, the_origins_own_alert_gets_none, 0, 2);
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
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)
