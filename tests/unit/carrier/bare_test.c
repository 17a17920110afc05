/* The bare carrier: handshake, records, endings. shake_test.c has well-formed messages with wrong
 * content. */
#include "support/qt.h"

#include "base/engine.h"
#include "carrier/record.h"
#include "support/carrier/dummy_carrier.h"
#include "support/carrier/pair.h"

static qt_pair p;

/* ---- an upper side that seals on demand and records what arrives ----------------------------- */

typedef struct recorder {
    unsigned records;
    size_t bytes;
    uint8_t last[64];
    size_t last_n;
} recorder;

static recorder seen[2];

static recorder *recorder_of(const qt_end *e)
{
    return &seen[e == &p.b];
}

static void on_established(qt_end *e, const qn_established *est)
{
    (void)e;
    (void)est;
}

static void on_record(qt_end *e, qn_piece piece)
{
    recorder *r = recorder_of(e);
    size_t off = 0;

    r->records++;
    r->bytes += piece.len;
    r->last_n = QN_MIN(piece.len, sizeof r->last);
    memcpy(r->last, qn_piece_data(&piece), r->last_n);
    while (off < piece.len) {
        qn_frame f;
        size_t used;

        qt_assert_err(qn_frame_get(&f, qn_piece_data(&piece) + off, piece.len - off, &used), QN_OK);
        off += used;
        if (f.type == QN_FRAME_KEY_UPDATE || f.type == QN_FRAME_CARRIER)
            qt_assert_err(e->carrier->kind->frame(e->carrier, &f, off == piece.len), QN_OK);
    }
    qn_block_drop(piece.block);
}

static void on_lost(qt_end *e, qn_err err)
{
    (void)e;
    (void)err;
}

static void on_fill(qt_end *e)
{
    uint8_t own[256];
    size_t n;

    if (!e->established || e->carrier->kind->room(e->carrier) == 0)
        return;
    n = e->carrier->kind->own(e->carrier, own, sizeof own);
    if (n > 0)
        qt_assert_err(e->carrier->kind->seal(e->carrier, qn_slice_of(own, n), (qn_slice){0}),
                      QN_OK);
}

static const qt_upper recorders = {on_established, on_record, on_lost, on_fill};

/* A PAD frame of n bytes in all, as one record. */
static qn_err say(qt_end *e, size_t n)
{
    static uint8_t frame[QN_RECORD_CONTENT_MAX];
    uint8_t own[16];
    size_t own_n;

    memset(frame, 0x5a, n);
    qn_frame_put_header(frame, QN_FRAME_PAD, n - QN_FRAME_HEADER);
    own_n = e->carrier->kind->own(e->carrier, own, sizeof own);
    return e->carrier->kind->seal(e->carrier, qn_slice_of(frame, n), qn_slice_of(own, own_n));
}

static void setup(void)
{
    memset(seen, 0, sizeof seen);
    qt_pair_open(&p, &qn_carrier_bare, &recorders);
}

static void teardown(void)
{
    qt_pair_close(&p);
}

static void connect_and_run(void)
{
    qt_assert_err(qt_pair_connect(&p), QN_OK);
    qt_pair_run(&p);
}

/* ---- the handshake --------------------------------------------------------------------------- */

START_TEST(both_ends_agree_on_everything)
{
    qn_dh_public a_key;

    p.b.t.env.wall = 1234567;
    connect_and_run();
    ck_assert(p.a.established && p.b.established);
    ck_assert_mem_eq(p.a.est.hash.b, p.b.est.hash.b, 32);
    ck_assert_mem_eq(p.a.est.resume.b, p.b.est.resume.b, 32);
    ck_assert(p.a.est.known && qn_peerid_equal(&p.a.est.peer, &p.a.cfg.responder));
    ck_assert(p.b.est.known && qn_peerid_equal(&p.b.est.peer, &p.a.cfg.own_id));
    qn_dh_derive(&p.a.cfg.own_key, &a_key);
    ck_assert_mem_eq(p.b.est.peer_key.b, a_key.b, 32);
    ck_assert_uint_eq(p.a.est.max_record, QN_RECORD_CONTENT_MAX);
    ck_assert_int_eq(p.a.est.wall, 1234567);
    ck_assert_uint_eq(p.a.tally.handshakes, 1);
    ck_assert_uint_eq(p.b.tally.handshakes, 1);
}
END_TEST

START_TEST(handshake_sizes_are_the_documents)
{
    connect_and_run();
    ck_assert_uint_eq(p.a.wrote, 5 + 48 + 5 + 194);
    ck_assert_uint_eq(p.b.wrote, 5 + 154);
}
END_TEST

START_TEST(an_anonymous_initiator_stays_unnamed)
{
    p.a.cfg.claim = false;
    connect_and_run();
    ck_assert(p.b.established && !p.b.est.known);
    ck_assert_uint_eq(p.a.wrote, 5 + 48 + 5 + 66);
}
END_TEST

START_TEST(the_responders_record_size_holds_for_both)
{
    p.b.cfg.max_record = 1000;
    connect_and_run();
    ck_assert_uint_eq(p.a.est.max_record, 1000);
    ck_assert_uint_eq(p.b.est.max_record, 1000);
    ck_assert_uint_eq(p.a.carrier->kind->room(p.a.carrier), 1000);
    qt_assert_err(say(&p.a, 1000), QN_OK);
    qt_pair_run(&p);
    ck_assert_uint_eq(seen[1].bytes, 1000);
    qt_assert_err(say(&p.a, 1001), QN_OK); /* an honest link keeps to room() */
    qt_pair_run(&p);
    ck_assert(p.b.lost);
    qt_assert_err(p.b.err, QN_PROTO);
}
END_TEST

static void must_fail_at_b(qn_err want)
{
    qt_assert_err(qt_pair_connect(&p), QN_OK);
    qt_pair_run(&p);
    ck_assert(p.b.lost && !p.b.established && !p.a.established);
    qt_assert_err(p.b.err, want);
    ck_assert_uint_eq(p.b.reset, 1);
    ck_assert_uint_eq(p.b.close + p.b.finish, 0);
    ck_assert_uint_eq(p.b.wrote, 0);
}

START_TEST(another_network_another_peer_or_another_key_is_refused)
{
    qn_key psk = {{1}};

    switch (_i) {
    case 0:
        p.a.cfg.network[31] ^= 1;
        break;
    case 1:
        p.a.cfg.responder.b[0] ^= 1;
        break;
    case 2:
        qn_dh_derive(&p.a.cfg.own_key, &p.a.cfg.responder_key);
        break;
    default:
        p.a.cfg.psk = &psk;
        break;
    }
    must_fail_at_b(QN_AUTH);
}
END_TEST

START_TEST(equal_psks_meet)
{
    qn_key psk = {{9, 9, 9}};

    p.a.cfg.psk = p.b.cfg.psk = &psk;
    connect_and_run();
    ck_assert(p.a.established && p.b.established);
}
END_TEST

/* Every byte of the three messages, flipped on its way. */
START_TEST(a_flipped_byte_in_any_message_ends_the_carrier_and_nothing_else)
{
    for (unsigned at = 0; at < 156; at++) {
        p.a.flip = 0x40;
        p.a.flip_at = at;
        connect_and_run();
        ck_assert_msg(p.b.lost || !p.b.established, "byte %u of the initiator", at);
        qt_pair_wait(&p, QN_HANDSHAKE_TIMEOUT);
        ck_assert(p.b.lost && !p.b.established);
        qt_pair_cut(&p);
    }
    p.a.flip = 0;
    for (unsigned at = 0; at < 63; at++) {
        p.b.flip = 0x40;
        p.b.flip_at = at;
        connect_and_run();
        qt_pair_wait(&p, QN_HANDSHAKE_TIMEOUT);
        ck_assert_msg(p.a.lost && !p.a.established, "byte %u of the responder", at);
        qt_pair_cut(&p);
    }
}
END_TEST

/* Garbage of a stranger, whole or in pieces, at a fresh responder. */
static const char *const garbage[] = {
    "474554202f20485454502f312e310d0a",              /* GET / HTTP/1.1 */
    "160301020001000200",                            /* a TLS ClientHello begins */
    "1703034100",                                    /* a record larger than any message of ours */
    "17030300d1",                                    /* by one byte */
    "1703030010 00000000000000000000000000000000",   /* too short for a record */
    "1703030011 0000000000000000000000000000000000", /* too short for message 1 */
    ("1703030030 000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000000000000"), /* a zero key */
};

START_TEST(garbage_resets_the_leg_and_says_nothing)
{
    qn_slice g = qt_hex(garbage[_i]);

    for (size_t step = 1; step <= g.n; step += g.n - 1) {
        qt_assert_err(qt_pair_connect(&p), QN_OK);
        for (size_t off = 0; off < g.n && !p.b.lost; off += step) {
            qn_span s = qn_carrier_space(p.b.carrier, 0);
            size_t n = QN_MIN(step, g.n - off);

            memcpy(s.p, g.p + off, n);
            qn_carrier_commit(p.b.carrier, 0, n);
            qt_end_drain(&p, &p.b);
        }
        ck_assert(p.b.lost);
        ck_assert_int_eq(qn_err_band(p.b.err), QN_BAND_PEER);
        ck_assert_uint_eq(p.b.reset, 1);
        ck_assert_uint_eq(qn_carrier_space(p.b.carrier, 0).n, 0);
        ck_assert_uint_eq(qn_carrier_peek(p.b.carrier, 0, &(qn_slice){0}, 1), 0);
        qt_pair_cut(&p);
    }
}
END_TEST

START_TEST(a_replayed_first_message_gets_no_further_than_the_second)
{
    qn_slice v[4];
    uint8_t first[53];

    qt_assert_err(qt_pair_connect(&p), QN_OK);
    ck_assert_uint_eq(qn_carrier_peek(p.a.carrier, 0, v, 4), 1);
    ck_assert_uint_eq(v[0].n, sizeof first);
    memcpy(first, v[0].p, sizeof first);
    qt_pair_run(&p);
    ck_assert(p.b.established);
    qt_pair_cut(&p);
    qt_assert_err(qt_pair_connect(&p), QN_OK);
    for (unsigned i = 0; i < 2; i++) { /* the old message 1, and again in the place of message 3 */
        memcpy(qn_carrier_space(p.b.carrier, 0).p, first, sizeof first);
        qn_carrier_commit(p.b.carrier, 0, sizeof first);
        qt_end_drain(&p, &p.b);
    }
    ck_assert(!p.b.established && p.b.lost);
    ck_assert_int_eq(qn_err_band(p.b.err), QN_BAND_PEER);
}
END_TEST

/* P3: whatever a stranger sends before proving anything. */
START_TEST(a_stranger_costs_at_most_4_kib_and_one_key_exchange)
{
    uint64_t before = p.b.t.env.mem.used;
    qn_dh_public own;

    qn_dh_derive(&p.b.cfg.own_key, &own);
    p.b.cfg.own_public = &own;
    qt_assert_err(qt_pair_connect(&p), QN_OK);
    for (unsigned i = 0; i < 52; i++) { /* message 1 but for its last byte, one at a time */
        p.chunk = 1;
        qt_pair_step(&p);
        ck_assert_uint_le(p.b.t.env.mem.used - before, 4096);
    }
    qt_pair_run(&p);
    ck_assert(p.b.established);
    ck_assert_uint_le(p.b.t.env.mem.peak - before, 4096);
    ck_assert_uint_eq(p.b.tally.dh, 4); /* es; and after it verified: e, ee, se */
}
END_TEST

START_TEST(a_silent_peer_is_given_up_after_the_handshake_timeout)
{
    qt_assert_err(qt_pair_connect(&p), QN_OK);
    ck_assert_uint_eq(qn_carrier_due(p.b.carrier), p.b.t.env.now + QN_HANDSHAKE_TIMEOUT);
    qt_pair_wait(&p, QN_HANDSHAKE_TIMEOUT - 1);
    ck_assert(!p.a.lost && !p.b.lost);
    qt_pair_wait(&p, 1);
    ck_assert(p.a.lost && p.b.lost);
    qt_assert_err(p.a.err, QN_TIMEOUT);
    ck_assert_uint_eq(qn_carrier_due(p.b.carrier), QN_NEVER);
}
END_TEST

/* ---- records --------------------------------------------------------------------------------- */

START_TEST(any_chunking_gives_the_same_events)
{
    static const size_t chunks[] = {1, 2, 7, 1460, 65536};
    static char want[2][4096];

    for (size_t c = 0; c < QN_LEN(chunks); c++) {
        p.chunk = chunks[c];
        p.a.trace_n = p.b.trace_n = 0;
        connect_and_run();
        for (unsigned i = 0; i < 5; i++) {
            qt_assert_err(say(&p.a, 100 + 4000 * i), QN_OK);
            qt_assert_err(say(&p.b, 50 + 777 * i), QN_OK);
        }
        qt_pair_run(&p);
        if (c == 0) {
            memcpy(want[0], p.a.trace, sizeof want[0]);
            memcpy(want[1], p.b.trace, sizeof want[1]);
        }
        ck_assert_str_eq(p.a.trace, want[0]);
        ck_assert_str_eq(p.b.trace, want[1]);
        qt_pair_cut(&p);
    }
}
END_TEST

START_TEST(an_idle_carrier_holds_no_buffers)
{
    uint64_t before = p.a.t.env.mem.used;

    connect_and_run();
    for (unsigned i = 0; i < 50; i++)
        qt_assert_err(say(&p.a, 16384), QN_OK);
    qt_pair_run(&p);
    ck_assert_uint_eq(seen[1].records, 50);
    ck_assert_uint_le(p.a.t.env.mem.used - before, 640);
    ck_assert_uint_le(p.b.t.env.mem.used, 640);
}
END_TEST

START_TEST(key_update_under_traffic_loses_nothing)
{
    connect_and_run();
    p.chunk = 1000;
    for (unsigned i = 0; i < 60; i++) {
        qt_assert_err(say(&p.a, 3000), QN_OK);
        qt_assert_err(say(&p.b, 2000), QN_OK);
        qt_pair_step(&p);
        if (i % 10 == 9) /* both ratchet at once, with records in flight */
            qt_pair_wait(&p, QN_REKEY_AFTER);
    }
    qt_pair_run(&p);
    ck_assert(!p.a.lost && !p.b.lost);
    ck_assert_uint_ge(seen[0].records, 60);
    ck_assert_uint_ge(seen[1].bytes, 60 * 3000 + 5 * QN_FRAME_HEADER);
}
END_TEST

START_TEST(key_update_anywhere_but_last_is_refused)
{
    qn_frame f = {.type = QN_FRAME_KEY_UPDATE};

    connect_and_run();
    qt_assert_err(p.a.carrier->kind->frame(p.a.carrier, &f, false), QN_PROTO);
    f.type = QN_FRAME_SHAPE;
    qt_assert_err(p.a.carrier->kind->frame(p.a.carrier, &f, true), QN_PROTO);
    f.type = QN_FRAME_CARRIER;
    qt_assert_err(p.a.carrier->kind->frame(p.a.carrier, &f, true), QN_PROTO);
}
END_TEST

START_TEST(a_damaged_record_ends_the_carrier_and_is_not_delivered)
{
    connect_and_run();
    p.a.flip = 1;
    p.a.flip_at = p.a.wrote + 500;
    qt_assert_err(say(&p.a, 1000), QN_OK);
    qt_assert_err(say(&p.a, 1000), QN_OK);
    qt_pair_run(&p);
    ck_assert_uint_eq(seen[1].records, 0);
    ck_assert(p.b.lost);
    qt_assert_err(p.b.err, QN_AUTH);
    ck_assert_uint_eq(p.b.reset, 1);
}
END_TEST

/* ---- endings --------------------------------------------------------------------------------- */

START_TEST(close_says_goodbye_after_what_was_sealed)
{
    connect_and_run();
    qt_assert_err(say(&p.a, 1000), QN_OK);
    p.a.carrier->kind->close(p.a.carrier, QN_CLOSE_DONE);
    qt_end_drain(&p, &p.a);
    ck_assert(p.a.lost && p.a.close == 1);
    qt_assert_err(p.a.err, QN_OK);
    ck_assert_uint_eq(p.a.carrier->kind->room(p.a.carrier), 0);
    qt_pair_run(&p); /* peek still serves what is left */
    ck_assert_uint_eq(seen[1].records, 1);
    ck_assert(p.b.lost && p.b.close == 1);
    qt_assert_err(p.b.err, QN_GONE);
}
END_TEST

START_TEST(eof_reset_and_write_failure_each_end_the_carrier)
{
    connect_and_run();
    qn_carrier_ended(p.a.carrier, 0, (qn_ending)_i);
    qt_end_drain(&p, &p.a);
    ck_assert_uint_eq(p.a.carrier->kind->room(p.a.carrier), 0);
    if (_i == QN_END_WRITE_FAILED) { /* what the peer said last may still be read, for a second */
        ck_assert(!p.a.lost);
        qt_assert_err(say(&p.b, 100), QN_OK);
        qt_pair_run(&p);
        ck_assert_uint_eq(seen[0].records, 1);
        qt_pair_wait(&p, QN_SEC);
    }
    ck_assert(p.a.lost);
    qt_assert_err(p.a.err, QN_GONE);
    ck_assert_uint_eq(p.a.reset, _i == QN_END_WRITE_FAILED ? 1 : 0);
    ck_assert_uint_eq(p.a.close, _i == QN_END_EOF ? 1 : 0);
}
END_TEST

START_TEST(eof_comes_after_the_records_before_it)
{
    qn_slice v[4];
    qn_span s;

    connect_and_run();
    qt_assert_err(say(&p.a, 300), QN_OK);
    ck_assert_uint_eq(qn_carrier_peek(p.a.carrier, 0, v, 4), 1);
    s = qn_carrier_space(p.b.carrier, 0);
    memcpy(s.p, v[0].p, v[0].n);
    qn_carrier_commit(p.b.carrier, 0, v[0].n);
    qn_carrier_ended(p.b.carrier, 0, QN_END_EOF);
    qt_end_drain(&p, &p.b);
    ck_assert_uint_eq(seen[1].records, 1);
    ck_assert(p.b.lost);
}
END_TEST

static const qn_carrier_kind *const kinds[] = {&qn_carrier_bare, &qt_carrier_dummy2};

START_TEST(an_early_clear_leaves_nothing_behind)
{
    p.kind = kinds[_i];
    p.chunk = 20;
    for (unsigned steps = 0; steps < 60; steps++) {
        qt_assert_err(qt_pair_connect(&p), QN_OK);
        for (unsigned i = 0; i < steps; i++)
            qt_pair_step(&p);
        qt_pair_cut(&p);
        ck_assert_uint_eq(p.a.t.env.mem.used, 0);
        ck_assert_uint_eq(p.b.t.env.mem.used, 0);
    }
}
END_TEST

/* Connects, exchanges a record, lets go of everything; allocation n fails. Returns the requests. */
static uint64_t play_failing(uint64_t n)
{
    uint64_t requests;
    qn_err err;

    qt_alloc_fail_at(n);
    if (qt_pair_connect(&p) == QN_OK) {
        qt_pair_run(&p);
        if (p.a.established && p.b.established) {
            err = say(&p.a, 5000);
            ck_assert(err == QN_OK || err == QN_NOMEM);
            qt_pair_run(&p);
        } else {
            ck_assert_msg(p.a.lost || p.b.lost, "allocation %u", (unsigned)n);
        }
    }
    requests = qt_alloc_requests();
    qt_alloc_fail_at(0);
    qt_pair_cut(&p);
    ck_assert_uint_eq(p.a.t.env.mem.used + p.b.t.env.mem.used, 0);
    return requests;
}

START_TEST(each_allocation_may_fail_once)
{
    uint64_t all;

    p.kind = kinds[_i];
    p.chunk = 30;
    all = play_failing(0);
    ck_assert_uint_gt(all, 8);
    for (uint64_t n = 1; n <= all; n++)
        play_failing(n);
}
END_TEST

static Suite *bare_suite(void)
{
    Suite *s = suite_create("carrier/bare");
    TCase *shake = tcase_create("handshake"), *rec = tcase_create("records");
    TCase *end = tcase_create("endings");

    tcase_add_checked_fixture(shake, setup, teardown);
    tcase_add_test(shake, both_ends_agree_on_everything);
    tcase_add_test(shake, handshake_sizes_are_the_documents);
    tcase_add_test(shake, an_anonymous_initiator_stays_unnamed);
    tcase_add_test(shake, the_responders_record_size_holds_for_both);
    tcase_add_loop_test(shake, another_network_another_peer_or_another_key_is_refused, 0, 4);
    tcase_add_test(shake, equal_psks_meet);
    tcase_add_test(shake, a_flipped_byte_in_any_message_ends_the_carrier_and_nothing_else);
    tcase_add_loop_test(shake, garbage_resets_the_leg_and_says_nothing, 0, QN_LEN(garbage));
    tcase_add_test(shake, a_replayed_first_message_gets_no_further_than_the_second);
    tcase_add_test(shake, a_stranger_costs_at_most_4_kib_and_one_key_exchange);
    tcase_add_test(shake, a_silent_peer_is_given_up_after_the_handshake_timeout);
    tcase_add_checked_fixture(rec, setup, teardown);
    tcase_add_test(rec, any_chunking_gives_the_same_events);
    tcase_add_test(rec, an_idle_carrier_holds_no_buffers);
    tcase_add_test(rec, key_update_under_traffic_loses_nothing);
    tcase_add_test(rec, key_update_anywhere_but_last_is_refused);
    tcase_add_test(rec, a_damaged_record_ends_the_carrier_and_is_not_delivered);
    tcase_add_checked_fixture(end, setup, teardown);
    tcase_add_test(end, close_says_goodbye_after_what_was_sealed);
    tcase_add_loop_test(end, eof_reset_and_write_failure_each_end_the_carrier, 0, 3);
    tcase_add_test(end, eof_comes_after_the_records_before_it);
    tcase_add_loop_test(end, an_early_clear_leaves_nothing_behind, 0, 2);
    tcase_add_loop_test(end, each_allocation_may_fail_once, 0, 2);
    suite_add_tcase(s, shake);
    suite_add_tcase(s, rec);
    suite_add_tcase(s, end);
    return s;
}

QT_MAIN(bare_suite)
