/* A server that means harm by its records, or once the handshake is done; and memory that fails. */
#include "scene.h"

/* ---- records ------------------------------------------------------------------------------- */

START_TEST(records_that_are_none_are_refused)
{
    static const char *const v[] = {"1800", "1602", "485454502f", "00", "160304ffff"};
    qn_slice bytes = qt_hex(v[_i]);

    script_feed(&s, bytes.p, bytes.n);
    script_feed(&s, "\0\0\0\0\0", 5);
    ck_assert(s.run.over && !s.run.up);
}
END_TEST

START_TEST(damage_after_the_handshake_ends_in_one_record_of_19_bytes)
{
    static const char *const v[] = {
        "140303000101",                                      /* a stray CCS */
        "15030300020100",                                    /* a plaintext alert */
        "1603030004 08000000",                               /* plaintext handshake */
        "1703030013 00000000000000000000000000000000000000", /* damaged */
        "1703034101",                                        /* an oversized header */
        "1703030001 00",                                     /* no room for a tag */
        "1603010001 00",
    };
    qn_slice bytes = qt_hex(v[_i]), last;

    shake();
    script_feed(&s, bytes.p, bytes.n);
    ck_assert(s.run.over);
    ck_assert_uint_eq(qn_tls_peek(c, &last, 1), 1);
    ck_assert_uint_eq(last.n, 5 + 19);
    ck_assert_mem_eq(last.p, "\x17\x03\x03\x00\x13", 5);
}
END_TEST

/* The carrier tries a record under other keys when it does not open under these. */
START_TEST(a_record_that_does_not_open_changes_nothing_when_given_alone)
{
    qn_slice alien = qt_hex("1703030013 00000000000000000000000000000000000000");
    qn_tls_event ev;

    shake();
    qt_assert_err(qn_tls_record(c, alien.p, alien.n), QN_AUTH);
    ck_assert(!qn_tls_next(c, &ev));
    script_record(&s, QN_TLS_DATA, qn_slice_of("still here", 10));
    ck_assert_uint_eq(s.run.data_n, 10);
    qn_tls_damaged(c);
    ck_assert(qn_tls_next(c, &ev));
    qt_assert_err(ev.err, QN_AUTH);
    s.run.over = true;
    s.run.ended = ev;
    must_end(QN_AUTH, QN_TLS_BAD_RECORD_MAC);
}
END_TEST

START_TEST(nothing_may_stand_inside_a_handshake_message)
{
    shake();
    script_record(&s, QN_TLS_HANDSHAKE, qn_slice_of("\x04\x00", 2));
    script_record(&s, QN_TLS_DATA, qn_slice_of("x", 1));
    must_end(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
}
END_TEST

/* ---- floods and what follows the handshake ------------------------------------------------- */

START_TEST(floods_end_at_the_33rd)
{
    static const char update[] = "\x18\x00\x00\x01\x00";

    if (_i != 0)
        shake();
    for (unsigned i = 0; i < QN_TLS_FLOOD_MAX; i++) {
        if (_i == 0)
            script_feed(&s, "\x14\x03\x03\x00\x01\x01", 6);
        if (_i == 1)
            script_record(&s, QN_TLS_DATA, qn_slice_of(NULL, 0));
        if (_i == 2) {
            script_record(&s, QN_TLS_HANDSHAKE, qn_slice_of(update, 5));
            qt_assert_err(qn_tls_keys_update(&s.tx, &t.env), QN_OK);
        }
        if (_i == 3)
            script_record(&s, QN_TLS_ALERT, qn_slice_of("\x01\x5a", 2));
        ck_assert(!s.run.over);
    }
    if (_i == 0)
        script_feed(&s, "\x14\x03\x03\x00\x01\x01", 6);
    if (_i == 1)
        script_record(&s, QN_TLS_DATA, qn_slice_of(NULL, 0));
    if (_i == 2)
        script_record(&s, QN_TLS_HANDSHAKE, qn_slice_of(update, 5));
    if (_i == 3)
        script_record(&s, QN_TLS_ALERT, qn_slice_of("\x01\x5a", 2));
    ck_assert(s.run.over);
}
END_TEST

START_TEST(key_updates_are_answered_once_with_the_next_data)
{
    uint8_t out[QN_RECORD_BODY_MAX];
    size_t n;

    shake();
    for (unsigned i = 0; i < 3; i++) {
        script_record(&s, QN_TLS_HANDSHAKE, qn_slice_of("\x18\x00\x00\x01\x01", 5));
        qt_assert_err(qn_tls_keys_update(&s.tx, &t.env), QN_OK);
    }
    ck_assert_uint_eq(qn_tls_peek(c, &(qn_slice){0}, 1), 0);
    qt_assert_err(qn_tls_send(c, qn_slice_of("x", 1)), QN_OK);
    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_HANDSHAKE);
    ck_assert(n == 5 && memcmp(out, "\x18\x00\x00\x01\x00", 5) == 0);
    qt_assert_err(qn_tls_keys_update(&s.rx, &t.env), QN_OK);
    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_DATA);
    ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(strange_messages_after_the_handshake_are_refused)
{
    static const struct {
        const char *hex;
        uint8_t alert;
    } v[] = {
        {"18000002 0000", QN_TLS_DECODE_ERROR},
        {"18000001 02", QN_TLS_ILLEGAL_PARAMETER},
        {"18000001 00 18", QN_TLS_UNEXPECTED_MESSAGE},  /* no record boundary */
        {"0d000003 000000", QN_TLS_UNEXPECTED_MESSAGE}, /* was not offered */
        {"14000000", QN_TLS_UNEXPECTED_MESSAGE},
        {"01000000", QN_TLS_UNEXPECTED_MESSAGE}, /* HelloRequest's heir */
        {"04000000", QN_TLS_DECODE_ERROR},
        {"0400000d 00000001 00000000 00 0000 0000", QN_TLS_DECODE_ERROR}, /* no identity */
        {"0400000e 00000001 00000000 00 0001 aa 0001", QN_TLS_DECODE_ERROR},
    };

    shake();
    script_record(&s, QN_TLS_HANDSHAKE, qt_hex(v[_i].hex));
    must_end(QN_PROTO, v[_i].alert);
}
END_TEST

/* lifetime, age_add, a nonce of any length, an identity, early_data */
static void send_ticket(uint32_t lifetime, size_t nonce, size_t id, bool early)
{
    static uint8_t m[2048];
    qn_tls_w w = {.p = m, .cap = sizeof m};
    size_t start, ext;

    qn_tls_put_uint(&w, QN_TLS_NEW_SESSION_TICKET, 1);
    start = qn_tls_open(&w, 3);
    qn_tls_put_uint(&w, lifetime, 4);
    qn_tls_put_uint(&w, 7, 4);
    qn_tls_put_uint(&w, (uint32_t)nonce, 1);
    qn_tls_put(&w, qt_noise(1, 255).p, nonce);
    qn_tls_put_uint(&w, (uint32_t)id, 2);
    qn_tls_put(&w, qt_noise(2, 1024).p, id);
    ext = qn_tls_open(&w, 2);
    if (early)
        qn_tls_put(&w, "\x00\x2a\x00\x04\x00\x00\x40\x00", 8);
    qn_tls_shut(&w, ext, 2);
    qn_tls_shut(&w, start, 3);
    ck_assert(!w.bad);
    script_record(&s, QN_TLS_HANDSHAKE, qn_slice_of(m, w.n));
}

START_TEST(tickets_are_kept_within_bounds)
{
    shake();
    send_ticket(7200, 255, QN_TLS_TICKET_MAX, true); /* the longest nonce and identity */
    ck_assert_uint_eq(s.run.tickets, 1);
    ck_assert(s.run.ticket[0].early_data && s.run.ticket[0].id_n == QN_TLS_TICKET_MAX);
    send_ticket(7200, 0, QN_TLS_TICKET_MAX + 1, false);
    send_ticket(0, 1, 100, false); /* to be discarded at once (4.6.1) */
    ck_assert_uint_eq(s.run.tickets, 1);
    send_ticket(UINT32_MAX, 1, 1, false);
    ck_assert_uint_eq(s.run.ticket[1].lifetime, 7 * 86400);
    ck_assert(!s.run.ticket[1].early_data);
    for (unsigned i = 0; i < 100; i++)
        send_ticket(7200, 1, 1, false);
    ck_assert_uint_eq(s.run.tickets, QN_TLS_TICKETS_MAX);
    ck_assert(!s.run.over);
}
END_TEST

START_TEST(an_alert_of_the_server_ends_without_an_answer)
{
    script_record(&s, QN_TLS_ALERT, qn_slice_of("\x02\x28", 2));
    ck_assert(s.run.over);
    qt_assert_err(s.run.ended.err, QN_REFUSED);
    ck_assert_uint_eq(qn_tls_peek(c, &(qn_slice){0}, 1), 0);
}
END_TEST

START_TEST(a_close_is_said_once_established_and_the_server_still_heard)
{
    uint8_t out[QN_RECORD_BODY_MAX];
    size_t n;

    qt_assert_err(qn_tls_close(c), QN_STATE);
    shake();
    qt_assert_err(qn_tls_close(c), QN_OK);
    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_ALERT);
    ck_assert_uint_eq(n, 2);
    ck_assert_mem_eq(out, "\x01\x00", 2);
    script_record(&s, QN_TLS_DATA, qn_slice_of("the rest", 8));
    ck_assert_uint_eq(s.run.data_n, 8);
    script_record(&s, QN_TLS_ALERT, qn_slice_of("\x01\x00", 2));
    ck_assert(s.run.over);
    qt_assert_err(s.run.ended.err, QN_OK);
}
END_TEST

START_TEST(what_waits_for_the_socket_is_bounded)
{
    unsigned sent = 0;

    shake();
    while (qn_tls_send(c, qt_noise(1, 16384)) == QN_OK)
        sent++;
    qt_assert_err(qn_tls_send(c, qn_slice_of("x", 1)), QN_FULL);
    ck_assert_uint_eq(sent, 4);
}
END_TEST

/* Each allocation of a whole connection fails once: an error of ours, no crash, nothing leaked. */
START_TEST(every_allocation_of_the_flight_may_fail)
{
    uint64_t n = 0, requests;

    do {
        qn_slice chain = script_chain(&leaf);

        open_with("chromium-156");
        s.hold = true;
        script_keys(&s);
        script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
        script_message(&s, QN_TLS_COMPRESSED_CERTIFICATE, brotli_of(chain, (uint32_t)chain.n));
        script_verify(&s, &leaf);
        script_finished(&s);
        send_ticket(7200, 1, 100, false);
        s.hold = false;
        qt_alloc_fail_at(++n);
        script_feed(&s, s.held, s.held_n - 3); /* an incomplete record is put away, too */
        script_feed(&s, s.held + s.held_n - 3, 3);
        requests = qt_alloc_requests();
        qt_alloc_fail_at(0);
        ck_assert_int_eq(s.run.up && !s.run.over && s.run.tickets == 1, n > requests);
        if (s.run.over)
            ck_assert_int_eq(qn_err_band(s.run.ended.err), QN_BAND_OURS);
    } while (n <= requests);
    ck_assert_uint_gt(n, 10);
}
END_TEST

START_TEST(every_allocation_of_the_beginning_may_fail)
{
    qn_tls_cfg cfg = {.profile = &p, .roots = roots, .name = qn_slice_of(DECOY, strlen(DECOY))};
    uint64_t n = 0, requests;
    bool fine;

    do {
        qn_tls *other = NULL;

        qt_alloc_fail_at(++n);
        fine = qn_tls_create(&other, &t.env, &cfg) == QN_OK && qn_tls_start(other, NULL) == QN_OK;
        requests = qt_alloc_requests();
        qt_alloc_fail_at(0);
        qn_tls_destroy(other);
        ck_assert_int_eq(fine, n > requests);
    } while (n <= requests);
    ck_assert_uint_gt(n, 3);
}
END_TEST

static Suite *after_suite(void)
{
    Suite *suite = suite_create("tls/after");
    TCase *tc = tcase_create("after");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, records_that_are_none_are_refused, 0, 5);
    tcase_add_loop_test(tc, damage_after_the_handshake_ends_in_one_record_of_19_bytes, 0, 7);
    tcase_add_test(tc, a_record_that_does_not_open_changes_nothing_when_given_alone);
    tcase_add_test(tc, nothing_may_stand_inside_a_handshake_message);
    tcase_add_loop_test(tc, floods_end_at_the_33rd, 0, 4);
    tcase_add_test(tc, key_updates_are_answered_once_with_the_next_data);
    tcase_add_loop_test(tc, strange_messages_after_the_handshake_are_refused, 0, 9);
    tcase_add_test(tc, tickets_are_kept_within_bounds);
    tcase_add_test(tc, an_alert_of_the_server_ends_without_an_answer);
    tcase_add_test(tc, a_close_is_said_once_established_and_the_server_still_heard);
    tcase_add_test(tc, what_waits_for_the_socket_is_bounded);
    tcase_add_test(tc, every_allocation_of_the_flight_may_fail);
    tcase_add_test(tc, every_allocation_of_the_beginning_may_fail);
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(after_suite)
