/*
 * The automaton: one visit that leads to PROOF, every step beside it that does not, and both
 * however the streams are cut.
 *
 * A visit is a script, a list of records in the order in which they happen.
 */
#include "support/qt.h"

#include "htx/watch.h"
#include "tls/numbers.h"

enum { C = 'C', O = 'O', SENT = '>', WAIT = 't', END = 'x' };
enum { FLIGHT = 600, FLIGHT_R = 125, ALERT = 19, SECOND = 100, REQUESTS = 3 };

typedef struct beat {
    char who;         /* C, O: a record; SENT: C's socket took all; WAIT: size seconds; END */
    uint8_t type;     /* of the record */
    uint16_t size;    /* its length */
    const char *body; /* hex; NULL: any bytes */
} beat;

#define RANDOM "1111111111111111111111111111111111111111111111111111111111111111"
#define RETRY "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
#define ID "20a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define SHARE "00330024001d0020" RANDOM
#define REST "130100"

/* 76 bytes, then supported_versions and key_share: 46 bytes. */
#define HELLO                                                                                      \
    "020000760303" RANDOM ID REST "002e"                                                           \
    "002b00020304" SHARE
#define HELLO_N 122
/* and pre_shared_key */
#define HELLO_R                                                                                    \
    "0200007c0303" RANDOM ID REST "0034"                                                           \
    "002b00020304"                                                                                 \
    "002900020000" SHARE
#define HELLO_R_N 128

enum { CCS = QN_TLS_CCS, HS = QN_TLS_HANDSHAKE, DATA = QN_TLS_DATA, AL = QN_TLS_ALERT };

/* A visit of Chromium to nginx, up to and with R. */
static const beat visit[] = {
    {O, HS, HELLO_N, HELLO}, {O, CCS, 1, "01"},    {O, DATA, 36, NULL},   {O, DATA, 415, NULL},
    {O, DATA, 96, NULL},     {O, DATA, 53, NULL},  {SENT, 0, 0, NULL},    {C, CCS, 1, "01"},
    {C, DATA, 53, NULL},     {C, DATA, 87, NULL},  {C, DATA, 462, NULL},  {O, DATA, 234, NULL},
    {O, DATA, 234, NULL},    {C, DATA, 26, NULL},  {O, DATA, 4414, NULL}, {SENT, 0, 0, NULL},
    {C, DATA, SECOND, NULL}, {O, DATA, 300, NULL}, {O, DATA, 1300, NULL},
};

static qt_env t;

static void setup(void)
{
    qt_env_open(&t, 13);
}

static void teardown(void)
{
    qt_env_close(&t);
}

/* What came of a script. */
typedef struct outcome {
    qn_htx_state state;
    uint64_t proved; /* bytes of O before R when PROVE came; 0: it did not */
    size_t record;
} outcome;

static struct play {
    qn_htx_watch w;
    qn_time now;
    uint8_t held[2 * QN_RECORD_BODY_MAX];
    size_t held_n;
    uint64_t passed, sent;
    outcome out;
} p;

static void begin(void)
{
    qn_htx_watch_cfg cfg = {.requests = REQUESTS,
                            .second = SECOND,
                            .flight = FLIGHT,
                            .flight_r = FLIGHT_R,
                            .alert = ALERT};

    memset(&p, 0, sizeof p);
    memcpy(cfg.session_id, qt_hex(ID).p + 1, 32);
    p.now = QN_SEC;
    qn_htx_watch_init(&p.w, &cfg);
}

/* Check notes every assertion that it passes; this is for those that a byte costs. */
static void must(bool holds)
{
    if (!holds)
        ck_abort_msg("the automaton's answer makes no sense");
}

/* The owner's part: what is held back is offered again with what comes behind it. */
static void origin_says(const uint8_t *bytes, size_t n)
{
    size_t used, record = 0;
    qn_htx_word word;

    must(p.held_n + n <= sizeof p.held);
    memcpy(p.held + p.held_n, bytes, n);
    p.held_n += n;
    word = qn_htx_watch_origin(&p.w, p.now, p.held, p.held_n, &used, &record);
    must(used <= p.held_n);
    must(word != QN_HTX_PASS || used == p.held_n);
    memmove(p.held, p.held + used, p.held_n - used);
    p.held_n -= used;
    p.passed += used;
    must(word != QN_HTX_HOLD || p.held_n < QN_RECORD_HEADER + QN_RECORD_BODY_MAX);
    if (word == QN_HTX_PROVE && p.out.proved == 0) {
        must(record <= p.held_n);
        p.out.proved = p.passed;
        p.out.record = record;
    }
}

static size_t record_of(const beat *b, uint8_t out[QN_RECORD_HEADER + QN_RECORD_BODY_MAX])
{
    static qn_slice noise;
    qn_slice body;

    if (noise.n == 0)
        noise = qt_noise(1, QN_RECORD_BODY_MAX);
    body = b->body != NULL ? qt_hex(b->body) : qn_slice_of(noise.p, b->size);

    out[0] = b->type;
    out[1] = out[2] = 3;
    qn_put16(out + 3, b->size);
    must(body.n == b->size);
    if (body.n > 0)
        memcpy(out + QN_RECORD_HEADER, body.p, body.n);
    return QN_RECORD_HEADER + b->size;
}

/* cut: bytes a read; 0: draws. */
static void say(const beat *b, size_t cut)
{
    static uint8_t bytes[QN_RECORD_HEADER + QN_RECORD_BODY_MAX];
    size_t n = record_of(b, bytes);

    for (size_t at = 0, chunk; at < n; at += chunk) {
        chunk = cut != 0 ? cut : 1 + qn_rng_below(&t.env, 700);
        chunk = QN_MIN(chunk, n - at);
        if (b->who == C)
            qn_htx_watch_client(&p.w, p.now, bytes + at, chunk);
        else
            origin_says(bytes + at, chunk);
    }
}

static void play(const beat *script, size_t n, size_t cut)
{
    begin();
    for (size_t i = 0; i < n; i++) {
        switch (script[i].who) {
        case SENT:
            qn_htx_watch_sent(&p.w, p.passed - p.sent);
            p.sent = p.passed;
            break;
        case WAIT:
            p.now += script[i].size * QN_SEC;
            break;
        case END:
            qn_htx_watch_ended(&p.w);
            break;
        default:
            say(&script[i], cut);
        }
    }
    p.out.state = p.w.state;
}

/* ---- the visit --------------------------------------------------------------------------------
 */

static uint64_t bytes_before(const beat *script, size_t n)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < n; i++)
        if (script[i].who == O)
            bytes += QN_RECORD_HEADER + script[i].size;
    return bytes;
}

static const size_t cuts[] = {1, 2, 3, 5, 7, 100, 1305, 20000, 0, 0, 0, 0};

START_TEST(a_whole_visit_leads_to_proof)
{
    play(visit, QN_LEN(visit), cuts[_i]);
    ck_assert_int_eq(p.out.state, QN_HTX_ARMED);
    ck_assert_uint_eq(p.out.proved, bytes_before(visit, QN_LEN(visit) - 1));
    ck_assert_uint_eq(p.out.record, QN_RECORD_HEADER + 1300);
}
END_TEST

/* R must not have begun to leave: from its header on it is held, however it comes. */
START_TEST(no_byte_of_r_passes)
{
    static uint8_t bytes[QN_RECORD_HEADER + QN_RECORD_BODY_MAX];
    uint64_t before;

    play(visit, QN_LEN(visit) - 1, cuts[_i]);
    ck_assert_int_eq(p.out.state, QN_HTX_ARMED);
    (void)record_of(&visit[QN_LEN(visit) - 1], bytes);
    before = p.passed;
    for (unsigned i = 0; i < QN_RECORD_HEADER + 1299; i++) {
        origin_says(bytes + i, 1);
        must(p.passed == before && p.out.proved == 0);
    }
    origin_says(bytes + QN_RECORD_HEADER + 1299, 1);
    ck_assert_uint_eq(p.out.proved, before);
}
END_TEST

START_TEST(short_of_any_step_there_is_no_proof)
{
    enum { ACK = 13 }; /* would make up for a missing record of C's flight */

    for (size_t left_out = 0; left_out < QN_LEN(visit) - 1; left_out++) {
        beat script[QN_LEN(visit)];
        size_t n = 0;
        bool spare;

        for (size_t i = 0; i < QN_LEN(visit); i++)
            if (i != left_out && i != ACK)
                script[n++] = visit[i];
        play(script, n, 0);
        /* tickets, short answers and both change_cipher_spec may be missing */
        spare = left_out == ACK || visit[left_out].type == CCS || visit[left_out].size == 234 ||
                visit[left_out].size == 300;
        ck_assert_msg((p.out.proved != 0) == spare, "without beat %zu", left_out);
    }
}
END_TEST

START_TEST(a_resumed_flight_is_measured_by_its_own_length)
{
    beat script[QN_LEN(visit)];
    size_t n = 0;

    for (size_t i = 0; i < QN_LEN(visit); i++)
        if (visit[i].size != 415 && visit[i].size != 96) /* no certificate */
            script[n++] = visit[i];
    play(script, n, 0);
    ck_assert_int_eq(p.out.state, QN_HTX_UNTIED); /* 89 bytes are no full flight */
    script[0] = (beat){O, HS, HELLO_R_N, HELLO_R};
    script[2].size = 72; /* 125 with 53 */
    play(script, n, 0);
    ck_assert_uint_ne(p.out.proved, 0);
    script[2].size = 71;
    play(script, n, 0);
    ck_assert_int_eq(p.out.state, QN_HTX_UNTIED);
}
END_TEST

/* ---- everything else --------------------------------------------------------------------------
 */

/* A deviation: `what` goes before beat `at` of the visit; `instead`: in its place. */
static const struct deviation {
    const char *name;
    size_t at;
    bool instead;
    beat what;
    bool second; /* wrong only because the visit has another one */
} deviations[] = {
    {"HelloRetryRequest (X1)",
     0,
     true,
     {O, HS, HELLO_N,
      "020000760303" RETRY ID REST "002e"
      "002b00020304" SHARE}},
    {"TLS 1.2",
     0,
     true,
     {O, HS, HELLO_N,
      "020000760303" RANDOM ID REST "002e"
      "002b00020303" SHARE}},
    {"no supported_versions", 0, true, {O, HS, 116, "020000700303" RANDOM ID REST "0028" SHARE}},
    {"another session_id",
     0,
     true,
     {O, HS, HELLO_N,
      "020000760303" RANDOM
      "20a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebe" REST "002e"
      "002b00020304" SHARE}},
    {"a compressed ServerHello",
     0,
     true,
     {O, HS, HELLO_N,
      "020000760303" RANDOM ID "130101"
      "002e"
      "002b00020304" SHARE}},
    {"an extension over the end",
     0,
     true,
     {O, HS, HELLO_N,
      "020000760303" RANDOM ID REST "002e"
      "002b00020304"
      "00330025001d0020" RANDOM}},
    {"extensions that end in an extension's header",
     0,
     true,
     {O, HS, 85,
      "020000510303" RANDOM ID REST "0009"
      "002b00020304"
      "003300"}},
    {"a ServerHello shorter than any", 0, true, {O, HS, 5, "0200000103"}},
    {"two messages in one record",
     0,
     true,
     {O, HS, 126,
      "020000760303" RANDOM ID REST "002e"
      "002b00020304" SHARE "08000000"}},
    {"another handshake message",
     0,
     true,
     {O, HS, HELLO_N,
      "0b0000760303" RANDOM ID REST "002e"
      "002b00020304" SHARE}},
    {"another length of the message",
     0,
     true,
     {O, HS, HELLO_N,
      "020000750303" RANDOM ID REST "002e"
      "002b00020304" SHARE}},
    {"an extension far over the end",
     0,
     true,
     {O, HS, HELLO_N,
      "020000760303" RANDOM ID REST "002e"
      "002b00020304"
      "0033ffff"
      "00000020" RANDOM}},
    {"O: data before ServerHello", 0, false, {O, DATA, 100, NULL}},
    {"O: an alert", 0, true, {O, AL, 2, "0228"}},
    {"O: a second ServerHello", 1, false, {O, HS, HELLO_N, HELLO}},
    {"O: two change_cipher_spec", 1, false, {O, CCS, 1, "01"}, true},
    {"O: another change_cipher_spec", 1, true, {O, CCS, 1, "02"}},
    {"O: a long change_cipher_spec", 1, true, {O, CCS, 2, "0101"}},
    {"O: change_cipher_spec late", 3, false, {O, CCS, 1, "01"}},
    {"O: change_cipher_spec first", 0, false, {O, CCS, 1, "01"}},
    {"O: encrypted alert in the flight", 3, false, {O, DATA, ALERT, NULL}},
    {"O: plaintext alert in the flight", 3, false, {O, AL, 2, "0228"}},
    {"O: a record too short to be sealed", 3, false, {O, DATA, 16, NULL}},
    {"O: an unknown type", 3, false, {O, 24, 100, NULL}},
    {"O: an empty record", 3, false, {O, DATA, 0, NULL}},
    {"O: a handshake record late", 12, false, {O, HS, HELLO_N, HELLO}},
    {"O: encrypted alert after the flight (X2)", 11, false, {O, DATA, ALERT, NULL}},
    {"O: encrypted alert after the page", 16, false, {O, DATA, ALERT, NULL}},
    {"O: encrypted alert when armed", 17, false, {O, DATA, ALERT, NULL}},
    {"O: plaintext alert when armed", 17, false, {O, AL, 2, "0228"}},
    {"C: a byte before ServerHello (X2)", 0, false, {C, DATA, 100, NULL}},
    {"C: change_cipher_spec before ServerHello", 0, false, {C, CCS, 1, "01"}},
    {"C: data inside the flight (F4)", 4, false, {C, DATA, 100, NULL}},
    {"C: data behind a flight that was not sent", 6, false, {C, DATA, 100, NULL}},
    {"C: a second hello", 7, false, {C, HS, 300, NULL}},
    {"C: two change_cipher_spec", 8, false, {C, CCS, 1, "01"}, true},
    {"C: change_cipher_spec late", 9, false, {C, CCS, 1, "01"}},
    {"C: another change_cipher_spec", 7, true, {C, CCS, 1, "00"}},
    {"C: a long change_cipher_spec", 7, true, {C, CCS, 16, NULL}},
    {"C: plaintext alert", 8, false, {C, AL, 2, "0100"}},
    {"C: an unknown type", 13, false, {C, 99, 50, NULL}},
    {"C: a record too short to be sealed", 13, false, {C, DATA, 16, NULL}},
    {"C: a stray change_cipher_spec when armed", 17, false, {C, CCS, 1, "01"}},
    {"an end in the flight", 4, false, {END, 0, 0, NULL}},
    {"an end before the page", 11, false, {END, 0, 0, NULL}},
    {"an end when armed", 17, false, {END, 0, 0, NULL}},
    {"an answer after more than a minute", 18, false, {WAIT, 0, 61, NULL}},
};

/* The visit with a deviation in it; without_ccs: and without its own change_cipher_spec records. */
static size_t deviate(const struct deviation *d, bool without_ccs, beat script[QN_LEN(visit) + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < QN_LEN(visit); i++) {
        if (i == d->at)
            script[n++] = d->what;
        if ((i != d->at || !d->instead) && !(without_ccs && visit[i].type == CCS))
            script[n++] = visit[i];
    }
    return n;
}

START_TEST(a_deviation_unties_for_good)
{
    const struct deviation *d = &deviations[_i / 2];
    static const size_t some[] = {1, 3, 20000, 0};
    beat script[QN_LEN(visit) + 1];
    size_t n = deviate(d, _i % 2, script);

    for (size_t k = 0; k < QN_LEN(some) && !(d->second && _i % 2); k++) {
        play(script, n, some[k]);
        ck_assert_msg(p.out.proved == 0 && p.out.state == QN_HTX_UNTIED, "%s", d->name);
        ck_assert_uint_eq(p.held_n, 0);
        ck_assert_uint_eq(p.passed, bytes_before(script, n)); /* nothing is kept from C */
    }
}
END_TEST

/* X2: both garbage records come with the hello, the flight after them. */
START_TEST(garbage_behind_the_hello_unties_whatever_the_origin_does)
{
    beat script[QN_LEN(visit) + 3] = {{C, CCS, 1, "01"}, {C, DATA, 53, NULL}, {C, DATA, 53, NULL}};

    memcpy(script + 3, visit, sizeof visit);
    play(script, QN_LEN(script), _i == 0 ? 20000 : 0);
    ck_assert_int_eq(p.out.state, QN_HTX_UNTIED);
    ck_assert_uint_eq(p.out.proved, 0);
}
END_TEST

START_TEST(too_long_a_record_unties_at_its_header)
{
    static const uint8_t head[] = {QN_TLS_DATA, 3, 3, 0x41, 0x01};

    play(visit, 12, 0);
    qn_htx_watch_client(&p.w, p.now, head, sizeof head);
    ck_assert_int_eq(p.w.state, QN_HTX_UNTIED);
    play(visit, 12, 0);
    origin_says(head, sizeof head);
    ck_assert_int_eq(p.w.state, QN_HTX_UNTIED);
}
END_TEST

START_TEST(another_version_unties)
{
    static const uint8_t head[] = {QN_TLS_DATA, 3, 1, 0, 50};

    play(visit, 12, 0);
    qn_htx_watch_client(&p.w, p.now, head, sizeof head);
    ck_assert_int_eq(p.w.state, QN_HTX_UNTIED);
    play(visit, QN_LEN(visit) - 1, 0);
    origin_says(head, sizeof head);
    ck_assert_int_eq(p.w.state, QN_HTX_UNTIED);
    ck_assert_uint_eq(p.held_n, 0);
}
END_TEST

/* The page counts when it began behind the request, and the second request when C had the page. */
START_TEST(what_was_on_its_way_before_does_not_count)
{
    static const uint8_t head[] = {QN_TLS_DATA, 3, 3, 0x07, 0xd0};
    static const beat early_second[] = {
        {C, DATA, SECOND, NULL}, {SENT, 0, 0, NULL}, {O, DATA, 2000, NULL}};

    play(visit, 10, 0); /* all but the last record of C's flight */
    origin_says(head, sizeof head);
    say(&visit[10], 0);
    origin_says(qt_noise(1, 2000).p, 2000);
    qn_htx_watch_sent(&p.w, p.passed - p.sent);
    ck_assert_int_eq(p.w.state, QN_HTX_PAGE);

    play(visit, 15, 0);
    say(&early_second[0], 0);
    qn_htx_watch_sent(&p.w, p.passed - p.sent);
    say(&early_second[2], 0);
    ck_assert_int_eq(p.w.state, QN_HTX_SECOND);
    ck_assert_uint_eq(p.out.proved, 0);
}
END_TEST

START_TEST(a_second_request_that_began_before_the_page_was_there_does_not_count)
{
    static const uint8_t head[] = {QN_TLS_DATA, 3, 3, 0, SECOND};

    play(visit, 15, 0);
    qn_htx_watch_client(&p.w, p.now, head, sizeof head);
    qn_htx_watch_sent(&p.w, p.passed - p.sent);
    ck_assert_int_eq(p.w.state, QN_HTX_SECOND);
    qn_htx_watch_client(&p.w, p.now, qt_noise(1, SECOND).p, SECOND);
    ck_assert_int_eq(p.w.state, QN_HTX_SECOND);
    say(&visit[16], 0);
    ck_assert_int_eq(p.w.state, QN_HTX_ARMED);
}
END_TEST

START_TEST(what_c_was_sent_counts_to_the_last_byte)
{
    play(visit, 6, 0);
    qn_htx_watch_sent(&p.w, p.passed - 1);
    ck_assert_int_eq(p.w.state, QN_HTX_FLIGHT);
    qn_htx_watch_sent(&p.w, 1);
    ck_assert_int_eq(p.w.state, QN_HTX_REQUEST);
    play(visit, 15, 0);
    qn_htx_watch_sent(&p.w, p.passed - p.sent - 1);
    ck_assert_int_eq(p.w.state, QN_HTX_PAGE);
    qn_htx_watch_sent(&p.w, 1);
    ck_assert_int_eq(p.w.state, QN_HTX_SECOND);
}
END_TEST

START_TEST(a_record_under_way_when_the_second_request_comes_is_not_r)
{
    static const uint8_t head[] = {QN_TLS_DATA, 3, 3, 0x07, 0xd0};
    uint64_t before;

    play(visit, 16, 0);
    origin_says(head, sizeof head);
    say(&visit[16], 0);
    ck_assert_int_eq(p.w.state, QN_HTX_ARMED);
    before = p.passed;
    origin_says(qt_noise(1, 2000).p, 2000);
    ck_assert_uint_eq(p.passed, before + 2000);
    say(&visit[18], 0);
    ck_assert_uint_eq(p.out.proved, before + 2000);
}
END_TEST

START_TEST(an_end_lets_go_what_was_held)
{
    play(visit, QN_LEN(visit) - 1, 0);
    origin_says((const uint8_t[]){QN_TLS_DATA, 3, 3, 0x10, 0x00, 1, 2, 3}, 8);
    ck_assert_uint_eq(p.held_n, 8);
    qn_htx_watch_ended(&p.w);
    origin_says((const uint8_t[]){4}, 1);
    ck_assert_uint_eq(p.held_n, 0);
}
END_TEST

/* ---- chunking ---------------------------------------------------------------------------------
 */

/* Any scripts, sound or not: the verdict and the place of R are those of whole records. */
START_TEST(cutting_changes_no_verdict)
{
    beat script[QN_LEN(visit) + 4];
    outcome whole;

    for (unsigned round = 0; round < 100; round++) {
        size_t n = QN_LEN(visit);

        memcpy(script, visit, sizeof visit);
        for (unsigned changes = qn_rng_below(&t.env, 3); changes > 0; changes--) {
            size_t at = qn_rng_below(&t.env, (uint32_t)n);

            switch (qn_rng_below(&t.env, 3)) {
            case 0: /* another length */
                if (script[at].body == NULL && script[at].size > 0)
                    script[at].size = (uint16_t)(1 + qn_rng_below(&t.env, 2000));
                break;
            case 1: /* twice */
                memmove(script + at + 1, script + at, (n - at) * sizeof *script);
                n++;
                break;
            default: /* swapped with the next */
                if (at + 1 < n) {
                    beat b = script[at];

                    script[at] = script[at + 1];
                    script[at + 1] = b;
                }
            }
        }
        play(script, n, 20000);
        whole = p.out;
        for (unsigned again = 0; again < 5; again++) {
            play(script, n, again);
            ck_assert_int_eq(p.out.state, whole.state);
            ck_assert_uint_eq(p.out.proved, whole.proved);
            ck_assert_uint_eq(p.out.record, whole.record);
        }
    }
}
END_TEST

static Suite *watch_suite(void)
{
    Suite *s = suite_create("htx/watch");
    TCase *tc = tcase_create("watch");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_whole_visit_leads_to_proof, 0, QN_LEN(cuts));
    tcase_add_loop_test(tc, no_byte_of_r_passes, 0, QN_LEN(cuts));
    tcase_add_test(tc, short_of_any_step_there_is_no_proof);
    tcase_add_test(tc, a_resumed_flight_is_measured_by_its_own_length);
    tcase_add_loop_test(tc, a_deviation_unties_for_good, 0, 2 * QN_LEN(deviations));
    tcase_add_loop_test(tc, garbage_behind_the_hello_unties_whatever_the_origin_does, 0, 2);
    tcase_add_test(tc, too_long_a_record_unties_at_its_header);
    tcase_add_test(tc, another_version_unties);
    tcase_add_test(tc, what_was_on_its_way_before_does_not_count);
    tcase_add_test(tc, a_second_request_that_began_before_the_page_was_there_does_not_count);
    tcase_add_test(tc, what_c_was_sent_counts_to_the_last_byte);
    tcase_add_test(tc, a_record_under_way_when_the_second_request_comes_is_not_r);
    tcase_add_test(tc, an_end_lets_go_what_was_held);
    tcase_add_test(tc, cutting_changes_no_verdict);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(watch_suite)
