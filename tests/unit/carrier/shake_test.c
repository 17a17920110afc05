/* The bare handshake against a peer that speaks Noise well and says wrong things in it. */
#include "support/qt.h"

#include "carrier/bare.h"
#include "support/carrier/pair.h"

static qt_pair p;
static qn_noise peer; /* the other end, by hand */
static qt_end *us;

static void setup(void)
{
    qt_pair_open(&p, &qn_carrier_bare, NULL);
}

static void teardown(void)
{
    qn_noise_clear(&peer);
    qt_pair_close(&p);
}

/* Our end is real, the other one is `peer`. */
static void start(bool we_initiate)
{
    const qt_end *other = we_initiate ? &p.b : &p.a;
    uint8_t prologue[76] = "qnet-bare-v1";

    us = we_initiate ? &p.a : &p.b;
    memcpy(prologue + 12, us->cfg.network, 32);
    memcpy(prologue + 44, us->cfg.responder.b, 32);
    qt_assert_err(qn_noise_init(&peer, &us->t.env,
                                &(qn_noise_cfg){.pattern = &qn_noise_xkpsk0,
                                                .initiator = !we_initiate,
                                                .prologue = qn_slice_of(prologue, 76),
                                                .s = &other->cfg.own_key,
                                                .rs = &p.a.cfg.responder_key}),
                  QN_OK);
    us->lost = us->established = false;
    qt_assert_err(qn_carrier_bare.create(&us->carrier, &us->t.env, &us->cfg), QN_OK);
    qn_carrier_opened(us->carrier, 0);
    qt_end_drain(&p, us);
}

/* The record our end wants to send, read by the peer; its payload. */
static qn_slice hear(void)
{
    static uint8_t payload[256];
    qn_slice v[4];
    size_t n = 0;

    ck_assert_uint_eq(qn_carrier_peek(us->carrier, 0, v, 4), 1);
    ck_assert_uint_eq(v[0].n, QN_RECORD_HEADER + qn_get16(v[0].p + 3));
    qt_assert_err(qn_noise_read(&peer, &us->t.env,
                                qn_slice_of(v[0].p + QN_RECORD_HEADER, v[0].n - QN_RECORD_HEADER),
                                payload, &n),
                  QN_OK);
    qn_carrier_consume(us->carrier, 0, v[0].n);
    return qn_slice_of(payload, n);
}

static void say(qn_slice payload)
{
    uint8_t *record = qn_carrier_space(us->carrier, 0).p;
    size_t n = qn_noise_size(&peer, payload.n);

    record[0] = 0x17;
    qn_put16(record + 1, 0x0303);
    qn_put16(record + 3, (uint16_t)n);
    qt_assert_err(qn_noise_write(&peer, &us->t.env, payload, record + QN_RECORD_HEADER), QN_OK);
    qn_carrier_commit(us->carrier, 0, QN_RECORD_HEADER + n);
    qt_end_drain(&p, us);
}

/* An identity and a signature; here nobody looks at them. */
#define VOUCH                                                                                      \
    "1111111111111111111111111111111111111111111111111111111111111111"                             \
    "2222222222222222222222222222222222222222222222222222222222222222"                             \
    "2222222222222222222222222222222222222222222222222222222222222222"

static qn_vouch some_vouch(void)
{
    qn_vouch v;

    memset(v.identity.b, 0x11, sizeof v.identity.b);
    memset(v.signature.b, 0x22, sizeof v.signature.b);
    return v;
}

static void must_be(const qn_vouch *got)
{
    qn_vouch want = some_vouch();

    ck_assert_mem_eq(got, &want, sizeof want);
}

START_TEST(the_reply_is_the_documents)
{
    qn_slice reply;

    p.b.cfg.max_record = 0x1234;
    p.b.cfg.vouch = some_vouch();
    start(false);
    us->t.env.wall = 0x65432100;
    say((qn_slice){0});
    reply = hear();
    qt_assert_bytes(reply.p, reply.n, qt_hex("01 65432100 1234 01 0000" VOUCH));
}
END_TEST

START_TEST(the_last_message_is_the_documents)
{
    qn_slice last;

    p.a.cfg.vouch = some_vouch();
    start(true);
    hear();
    say(qt_hex("01 65432100 4000 01 0000" VOUCH));
    last = hear();
    ck_assert_uint_eq(last.n, 130);
    ck_assert_uint_eq(last.p[0], 1);
    ck_assert_mem_eq(last.p + 1, us->cfg.own_id.b, 32);
    qt_assert_bytes(last.p + 33, 96, qt_hex(VOUCH));
    ck_assert_uint_eq(last.p[129], 0);
    ck_assert(us->established);
    must_be(&us->est.vouch);
}
END_TEST

static const struct {
    const char *payload;
    qn_err err;
} replies[] = {
    {"01 65432100 0200 03 8001" VOUCH, QN_OK}, /* more ciphers and features than we know */
    {"", QN_PROTO},
    {"02 65432100 4000 01 0000" VOUCH, QN_VERSION},
    {"02", QN_VERSION}, /* another version may be of any length */
    {"01 65432100 4000 01 0000", QN_PROTO},
    {"01 65432100 4000 01 000000" VOUCH, QN_PROTO},
    {"01 65432100 4000 02 0000" VOUCH, QN_PROTO}, /* no cipher of ours */
    {"01 65432100 01ff 01 0000" VOUCH, QN_PROTO},
    {"01 65432100 4001 01 0000" VOUCH, QN_PROTO},
};

START_TEST(replies_of_wrong_form_are_refused)
{
    start(true);
    hear();
    say(qt_hex(replies[_i].payload));
    ck_assert_int_eq(us->established, replies[_i].err == QN_OK);
    ck_assert_int_eq(us->lost, replies[_i].err != QN_OK);
    if (us->lost)
        qt_assert_err(us->err, replies[_i].err);
}
END_TEST

static const struct {
    const char *payload;
    bool ok;
} finals[] = {
    {"00 00", true},
    {"01 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" VOUCH "00", true},
    {"01 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 00", false},
    {"", false},
    {"00", false},
    {"00 01", false}, /* a cipher we did not offer */
    {"00 0000", false},
    {"02 00", false}, /* an unknown flag */
    {"01 00", false}, /* the PeerID is missing */
    {"01 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" VOUCH "01", false},
    {"00 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" VOUCH "00", false},
};

START_TEST(last_messages_of_wrong_form_are_refused)
{
    start(false);
    say((qn_slice){0});
    hear();
    say(qt_hex(finals[_i].payload));
    ck_assert_int_eq(us->established, finals[_i].ok);
    ck_assert_int_eq(us->lost, !finals[_i].ok);
    if (us->lost)
        qt_assert_err(us->err, QN_PROTO);
}
END_TEST

START_TEST(a_first_message_has_no_payload)
{
    start(false);
    say(qt_hex("00"));
    ck_assert(us->lost);
    qt_assert_err(us->err, QN_PROTO);
}
END_TEST

static Suite *shake_suite(void)
{
    Suite *s = suite_create("carrier/shake");
    TCase *tc = tcase_create("shake");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_reply_is_the_documents);
    tcase_add_test(tc, the_last_message_is_the_documents);
    tcase_add_loop_test(tc, replies_of_wrong_form_are_refused, 0, QN_LEN(replies));
    tcase_add_loop_test(tc, last_messages_of_wrong_form_are_refused, 0, QN_LEN(finals));
    tcase_add_test(tc, a_first_message_has_no_payload);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(shake_suite)
