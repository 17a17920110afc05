/* A server that means harm, or says what no stock server says: the client bounds it and ends as a
 * browser. */
#include "script.h"

#include "tls/inflate.h"

#include <brotli/encode.h>

static qt_env t;
static qn_tls_profile p;
static tls_identity ca, leaf;
static qn_roots *roots;
static qn_tls *c;
static script s;

static void open_with(const char *profile)
{
    qn_tls_cfg cfg = {.profile = &p, .roots = roots, .name = qn_slice_of(DECOY, strlen(DECOY))};

    p = tls_profile(&t, profile);
    qn_tls_destroy(c);
    script_close(&s);
    qt_assert_err(qn_tls_create(&c, &t.env, &cfg), QN_OK);
    qt_assert_err(qn_tls_start(c, NULL), QN_OK);
    script_open(&s, &t, c);
}

static void setup(void)
{
    qt_env_open(&t, 1);
    ca = tls_issue(NULL, TLS_P256, "authority", -1000, 1000);
    leaf = tls_issue(&ca, TLS_P256, DECOY, -1000, 1000);
    roots = tls_trust(&ca, true);
    open_with("chromium-156");
}

static void teardown(void)
{
    qn_tls_destroy(c);
    c = NULL;
    script_close(&s);
    qn_roots_free(roots);
    tls_identity_free(&leaf);
    tls_identity_free(&ca);
    qt_env_close(&t);
}

/* It ended, with this alert as its last word. */
static void must_end(qn_err err, uint8_t alert)
{
    uint8_t out[QN_RECORD_BODY_MAX];
    size_t n;

    ck_assert(s.run.over);
    qt_assert_err(s.run.ended.err, err);
    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_ALERT);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(out[0], 2);
    ck_assert_uint_eq(out[1], alert);
    ck_assert_uint_eq(qn_tls_peek(c, &(qn_slice){0}, 1), 0);
    ck_assert_uint_eq(qn_tls_space(c).n, 0);
}

/* The client's CCS and its flight; afterwards s.rx is for application data and counts from 0. */
static size_t client_flight(uint8_t *out)
{
    const qn_tls_suite *suite = qn_tls_suite_of(0x1301);
    uint8_t hash[32], secret[32];
    size_t n;

    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_CCS);
    qt_assert_err(qn_running_peek(&s.transcript, &t.env, (qn_slice){0}, hash), QN_OK);
    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_HANDSHAKE);
    qt_assert_err(qn_tls_derive(&s.schedule, &t.env, "c ap traffic", hash, secret), QN_OK);
    qt_assert_err(qn_tls_keys_init(&s.rx, &t.env, suite, secret), QN_OK);
    return n;
}

static void shake(void)
{
    uint8_t out[QN_RECORD_BODY_MAX];

    script_shake(&s, &leaf);
    ck_assert_uint_eq(client_flight(out), 36);
}

/* ---- what browsers understand and OpenSSL 3.0 does not say --------------------------------- */

static qn_slice brotli_of(qn_slice plain, uint32_t claimed)
{
    static uint8_t body[8192];
    size_t n = sizeof body - 8;

    ck_assert(BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, plain.n, plain.p,
                                    &n, body + 8));
    qn_put16(body, 2);
    qn_put24(body + 2, claimed);
    qn_put24(body + 5, (uint32_t)n);
    return qn_slice_of(body, 8 + n);
}

START_TEST(a_compressed_certificate_is_read)
{
    qn_slice chain = script_chain(&leaf);

    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
    script_message(&s, QN_TLS_COMPRESSED_CERTIFICATE, brotli_of(chain, (uint32_t)chain.n));
    script_verify(&s, &leaf);
    script_finished(&s);
    ck_assert(s.run.up);
}
END_TEST

START_TEST(a_compressed_certificate_that_lies_is_refused)
{
    qn_slice chain = script_chain(&leaf), packed;
    uint8_t copy[8192];

    for (unsigned i = 0; i < 6; i++) {
        static const uint32_t claim[] = {0, 10, 1, 65537, 0, 0};
        static const qn_err err[] = {QN_PROTO, QN_PROTO, QN_LIMIT, QN_LIMIT, QN_PROTO, QN_PROTO};

        open_with("chromium-156");
        packed = brotli_of(chain, i == 2 ? 0 : i == 3 ? claim[3] : (uint32_t)chain.n);
        memcpy(copy, packed.p, packed.n);
        if (i == 0)
            qn_put24(copy + 2, (uint32_t)chain.n - 1); /* more comes out */
        if (i == 1)
            qn_put24(copy + 2, (uint32_t)chain.n + claim[1]); /* less comes out */
        if (i == 4)
            memset(copy + 8, 0xff, 8); /* not brotli */
        if (i == 5)
            copy[1] = 1; /* zlib: Chromium does not offer it */
        script_keys(&s);
        script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
        script_message(&s, QN_TLS_COMPRESSED_CERTIFICATE, qn_slice_of(copy, packed.n));
        must_end(err[i], i == 5 ? QN_TLS_ILLEGAL_PARAMETER : QN_TLS_BAD_CERTIFICATE);
    }
}
END_TEST

/* 16 MiB of window behind a few bytes: the decoder does not get it. */
START_TEST(a_brotli_bomb_gets_no_memory)
{
    static uint8_t zeros[1 << 23], packed[4096], out[QN_TLS_MESSAGE_MAX];
    size_t n = sizeof packed;

    ck_assert(BrotliEncoderCompress(9, 24, BROTLI_MODE_GENERIC, sizeof zeros, zeros, &n, packed));
    ck_assert_int_ne(qn_tls_inflate(&t.env, qn_slice_of(packed, n), out, sizeof out), QN_OK);
    ck_assert_uint_lt(t.env.mem.peak, 2 * QN_TLS_INFLATE_MAX);
}
END_TEST

/* Settings for h2, answered with our own (empty) ones in front of Finished. */
START_TEST(application_settings_are_answered)
{
    uint8_t out[QN_RECORD_BODY_MAX];
    qn_slice ext = qt_hex("000e 0010 0005 0003 02 6832 44cd 0001 00");
    uint8_t body[64];

    memcpy(body, ext.p, ext.n);
    qn_put16(body, (uint16_t)(ext.n - 2));
    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of(body, ext.n));
    script_message(&s, QN_TLS_CERTIFICATE, script_chain(&leaf));
    script_verify(&s, &leaf);
    script_finished(&s);
    ck_assert(s.run.up && s.run.established.alps);
    ck_assert_uint_eq(client_flight(out), 10 + 36);
    ck_assert_mem_eq(out, "\x08\x00\x00\x06\x00\x04\x44\xcd\x00\x00", 10);
}
END_TEST

/* ---- ServerHello --------------------------------------------------------------------------- */

enum { AT_RANDOM = 6, AT_SID = 39, AT_SUITE = 71, AT_COMPRESSION = 73, AT_EXT = 76 };

START_TEST(a_changed_server_hello_is_refused)
{
    static const struct {
        size_t at;
        const char *with;
        qn_err err;
        uint8_t alert;
    } v[] = {
        {4, "0304", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER},        /* legacy version */
        {AT_SID, "00", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER},     /* not our session id */
        {AT_SID - 1, "1f", QN_PROTO, QN_TLS_DECODE_ERROR},      /* everything shifted */
        {AT_SUITE, "1304", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER}, /* not offered */
        {AT_SUITE, "c02f", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER}, /* not of TLS 1.3 */
        {AT_COMPRESSION, "01", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER},
        {AT_EXT + 4, "0303", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER}, /* version */
        {AT_EXT, "0010", QN_PROTO, QN_TLS_UNSUPPORTED_EXTENSION},
        {AT_EXT, "002c", QN_PROTO, QN_TLS_UNSUPPORTED_EXTENSION}, /* a cookie belongs elsewhere */
        {AT_EXT, "0029", QN_PROTO, QN_TLS_UNSUPPORTED_EXTENSION}, /* no ticket was offered */
        {AT_EXT, "0033", QN_PROTO, QN_TLS_DECODE_ERROR},          /* two shares, one cut */
        {AT_EXT + 6, "002b", QN_PROTO, QN_TLS_UNSUPPORTED_EXTENSION}, /* two versions */
        {AT_EXT + 10, "0017", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER},    /* a group without a share */
        {AT_EXT + 10, "11ec", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER},    /* a share too short */
        {AT_EXT + 10, "0a0a", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER},
        {AT_EXT + 12, "001f", QN_PROTO, QN_TLS_DECODE_ERROR},
        {AT_EXT - 2, "002d", QN_PROTO, QN_TLS_DECODE_ERROR},
    };
    qn_slice with = qt_hex(v[_i].with);

    memcpy(s.hello + v[_i].at, with.p, with.n);
    script_hello(&s);
    must_end(v[_i].err, v[_i].alert);
}
END_TEST

START_TEST(an_all_zero_shared_secret_is_refused)
{
    memset(s.hello + AT_EXT + 14, 0, 32);
    script_hello(&s);
    must_end(QN_PROTO, QN_TLS_ILLEGAL_PARAMETER);
}
END_TEST

START_TEST(a_server_hello_cut_anywhere_is_refused)
{
    for (size_t n = 4; n < s.hello_n; n++) {
        open_with("chromium-156");
        qn_put24(s.hello + 1, (uint32_t)(n - 4));
        s.hello_n = n;
        script_hello(&s);
        ck_assert(s.run.over && !s.run.up);
    }
}
END_TEST

START_TEST(nothing_may_follow_a_server_hello_in_its_record)
{
    memcpy(s.hello + s.hello_n, "\x08\x00\x00\x02\x00\x00", 6);
    s.hello_n += 6;
    script_hello(&s);
    must_end(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
}
END_TEST

/* ---- HelloRetryRequest --------------------------------------------------------------------- */

static void make_retry(const char *extensions)
{
    qn_slice ext = qt_hex(extensions);

    qt_hex_into(s.hello + AT_RANDOM, 32,
                "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");
    qn_put16(s.hello + AT_EXT - 2, (uint16_t)ext.n);
    memcpy(s.hello + AT_EXT, ext.p, ext.n);
    s.hello_n = AT_EXT + ext.n;
    qn_put24(s.hello + 1, (uint32_t)(s.hello_n - 4));
}

START_TEST(a_retry_that_asks_for_nothing_sensible_is_refused)
{
    static const struct {
        const char *ext;
        uint8_t alert;
    } v[] = {
        {"002b00020304", QN_TLS_ILLEGAL_PARAMETER},              /* nothing */
        {"002b00020304 00330002001d", QN_TLS_ILLEGAL_PARAMETER}, /* what it has */
        {"002b00020304 0033000211ec", QN_TLS_ILLEGAL_PARAMETER},
        {"002b00020304 003300020a0a", QN_TLS_ILLEGAL_PARAMETER},
        {"002b00020304 003300020019", QN_TLS_ILLEGAL_PARAMETER},              /* not offered */
        {"002b00020304 003300020017 002c00020000", QN_TLS_ILLEGAL_PARAMETER}, /* empty cookie */
        {"002b00020304 00330003001700", QN_TLS_DECODE_ERROR},
        {"002b00020304 003300020000", QN_TLS_ILLEGAL_PARAMETER},
    };

    make_retry(v[_i].ext);
    script_hello(&s);
    must_end(QN_PROTO, v[_i].alert);
}
END_TEST

START_TEST(a_group_only_the_browser_knows_makes_the_origin_unsuitable)
{
    open_with("firefox-esr-153");
    make_retry("002b00020304 003300020100"); /* ffdhe2048 */
    script_hello(&s);
    must_end(QN_VERSION, QN_TLS_HANDSHAKE_FAILURE);
}
END_TEST

static bool holds(qn_slice in, qn_slice what)
{
    for (size_t i = 0; i + what.n <= in.n; i++)
        if (memcmp(in.p + i, what.p, what.n) == 0)
            return true;
    return false;
}

START_TEST(a_cookie_comes_back_and_a_second_retry_is_refused)
{
    uint8_t out[QN_RECORD_BODY_MAX];
    size_t n;

    make_retry("002b00020304 003300020018 002c00060004 61626364");
    script_hello(&s);
    ck_assert(!s.run.over);
    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_CCS);
    ck_assert_uint_eq(script_read(&s, out, &n), QN_TLS_HANDSHAKE);
    ck_assert(holds(qn_slice_of(out, n), qt_hex("002c 0006 0004 61626364")));
    script_hello(&s);
    must_end(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
}
END_TEST

/* ---- the encrypted flight ------------------------------------------------------------------ */

START_TEST(strange_encrypted_extensions_are_refused)
{
    static const struct {
        const char *hex;
        uint8_t alert;
    } v[] = {
        {"", QN_TLS_DECODE_ERROR},
        {"0001", QN_TLS_DECODE_ERROR},
        {"0004 002a0000", QN_TLS_UNSUPPORTED_EXTENSION}, /* early data was not offered */
        {"0004 002b0000", QN_TLS_UNSUPPORTED_EXTENSION}, /* belongs into the hello */
        {"0004 ffff0000", QN_TLS_UNSUPPORTED_EXTENSION},
        {"0008 00000000 00000000", QN_TLS_ILLEGAL_PARAMETER},      /* twice */
        {"0009 0010 0005 0003 02 6833", QN_TLS_ILLEGAL_PARAMETER}, /* h3 */
        {"000a 0010 0006 0004 02 6832 00", QN_TLS_DECODE_ERROR},   /* two protocols */
        {"0006 0010 0002 0000", QN_TLS_DECODE_ERROR},
        {"0005 44cd 0001 00", QN_TLS_ILLEGAL_PARAMETER}, /* settings of no protocol */
    };

    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qt_hex(v[_i].hex));
    must_end(QN_PROTO, v[_i].alert);
}
END_TEST

START_TEST(messages_out_of_order_are_refused)
{
    static const uint8_t wrong[] = {QN_TLS_CERTIFICATE,        QN_TLS_FINISHED,
                                    QN_TLS_NEW_SESSION_TICKET, QN_TLS_KEY_UPDATE,
                                    QN_TLS_CERTIFICATE_VERIFY, 99};

    script_keys(&s);
    script_message(&s, wrong[_i], qn_slice_of("\0\0", 2));
    must_end(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
}
END_TEST

/* No certificate, no Finished: a server must prove itself. */
START_TEST(a_server_without_a_certificate_is_refused)
{
    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
    script_finished(&s);
    ck_assert(!s.run.up);
    must_end(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
}
END_TEST

START_TEST(malformed_chains_are_refused)
{
    static const struct {
        const char *hex;
        qn_err err;
        uint8_t alert;
    } v[] = {
        {"00 000000", QN_PROTO, QN_TLS_DECODE_ERROR},             /* no certificate */
        {"01 00 000000", QN_PROTO, QN_TLS_DECODE_ERROR},          /* a context */
        {"00 000005 000000 0000", QN_PROTO, QN_TLS_DECODE_ERROR}, /* an empty one */
        {"00 000006 000001 00 0000", QN_PROTO, QN_TLS_BAD_CERTIFICATE},
        {"00 000006 000002 00 0000", QN_PROTO, QN_TLS_DECODE_ERROR},
        {"00 00000a 000001 00 0004 00100000", QN_PROTO, QN_TLS_UNSUPPORTED_EXTENSION},
    };

    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
    script_message(&s, QN_TLS_CERTIFICATE, qt_hex(v[_i].hex));
    must_end(v[_i].err, v[_i].alert);
}
END_TEST

START_TEST(a_chain_too_long_is_refused)
{
    uint8_t body[4 + 11 * 6] = {0, 0, 0, 66};

    for (unsigned i = 0; i < 11; i++)
        memcpy(body + 4 + 6 * i, "\0\0\1\0\0\0", 6);
    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
    script_message(&s, QN_TLS_CERTIFICATE, qn_slice_of(body, sizeof body));
    must_end(QN_LIMIT, QN_TLS_BAD_CERTIFICATE);
}
END_TEST

START_TEST(a_message_too_long_is_refused_at_its_header)
{
    script_keys(&s);
    script_record(&s, QN_TLS_HANDSHAKE,
                  qn_slice_of("\x08\x00\xff\xfd", 4)); /* 65,537 with its header */
    must_end(QN_LIMIT, QN_TLS_ILLEGAL_PARAMETER);
    ck_assert_uint_lt(t.env.mem.peak, 1 << 17);
}
END_TEST

START_TEST(a_signature_by_another_key_is_refused)
{
    tls_identity other = tls_issue(&ca, TLS_P256, DECOY, -1000, 1000);

    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
    script_message(&s, QN_TLS_CERTIFICATE, script_chain(&leaf));
    script_verify(&s, &other);
    tls_identity_free(&other);
    must_end(QN_AUTH, QN_TLS_DECRYPT_ERROR);
}
END_TEST

START_TEST(signature_schemes_are_held_to_the_offer)
{
    static const struct {
        const char *scheme;
        qn_err err;
        uint8_t alert;
    } v[] = {
        {"0807", QN_PROTO, QN_TLS_ILLEGAL_PARAMETER},   /* Ed25519: not offered */
        {"0904", QN_VERSION, QN_TLS_ILLEGAL_PARAMETER}, /* ML-DSA: offered as the browser does */
        {"0401", QN_VERSION, QN_TLS_ILLEGAL_PARAMETER}, /* PKCS #1: not in TLS 1.3 */
        {"0503", QN_AUTH, QN_TLS_DECRYPT_ERROR},        /* the key is on another curve */
        {"0804", QN_AUTH, QN_TLS_DECRYPT_ERROR},        /* the key is not RSA */
    };
    uint8_t body[6] = {0, 0, 0, 2, 1, 1};

    memcpy(body, qt_hex(v[_i].scheme).p, 2);
    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
    script_message(&s, QN_TLS_CERTIFICATE, script_chain(&leaf));
    script_message(&s, QN_TLS_CERTIFICATE_VERIFY, qn_slice_of(body, sizeof body));
    must_end(v[_i].err, v[_i].alert);
}
END_TEST

START_TEST(a_wrong_finished_is_refused)
{
    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
    script_message(&s, QN_TLS_CERTIFICATE, script_chain(&leaf));
    script_verify(&s, &leaf);
    script_message(&s, QN_TLS_FINISHED, qt_noise(1, _i == 0 ? 32 : 31));
    must_end(QN_AUTH, QN_TLS_DECRYPT_ERROR);
}
END_TEST

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

static Suite *hostile_suite(void)
{
    Suite *suite = suite_create("tls/hostile");
    TCase *tc = tcase_create("hostile");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_compressed_certificate_is_read);
    tcase_add_test(tc, a_compressed_certificate_that_lies_is_refused);
    tcase_add_test(tc, a_brotli_bomb_gets_no_memory);
    tcase_add_test(tc, application_settings_are_answered);
    tcase_add_loop_test(tc, a_changed_server_hello_is_refused, 0, 17);
    tcase_add_test(tc, an_all_zero_shared_secret_is_refused);
    tcase_add_test(tc, a_server_hello_cut_anywhere_is_refused);
    tcase_add_test(tc, nothing_may_follow_a_server_hello_in_its_record);
    tcase_add_loop_test(tc, a_retry_that_asks_for_nothing_sensible_is_refused, 0, 8);
    tcase_add_test(tc, a_group_only_the_browser_knows_makes_the_origin_unsuitable);
    tcase_add_test(tc, a_cookie_comes_back_and_a_second_retry_is_refused);
    tcase_add_loop_test(tc, strange_encrypted_extensions_are_refused, 0, 10);
    tcase_add_loop_test(tc, messages_out_of_order_are_refused, 0, 6);
    tcase_add_test(tc, a_server_without_a_certificate_is_refused);
    tcase_add_loop_test(tc, malformed_chains_are_refused, 0, 6);
    tcase_add_test(tc, a_chain_too_long_is_refused);
    tcase_add_test(tc, a_message_too_long_is_refused_at_its_header);
    tcase_add_test(tc, a_signature_by_another_key_is_refused);
    tcase_add_loop_test(tc, signature_schemes_are_held_to_the_offer, 0, 5);
    tcase_add_loop_test(tc, a_wrong_finished_is_refused, 0, 2);
    tcase_add_loop_test(tc, records_that_are_none_are_refused, 0, 5);
    tcase_add_loop_test(tc, damage_after_the_handshake_ends_in_one_record_of_19_bytes, 0, 7);
    tcase_add_test(tc, a_record_that_does_not_open_changes_nothing_when_given_alone);
    tcase_add_test(tc, nothing_may_stand_inside_a_handshake_message);
    tcase_add_loop_test(tc, floods_end_at_the_33rd, 0, 4);
    tcase_add_test(tc, key_updates_are_answered_once_with_the_next_data);
    tcase_add_loop_test(tc, strange_messages_after_the_handshake_are_refused, 0, 9);
    tcase_add_test(tc, tickets_are_kept_within_bounds);
    tcase_add_test(tc, an_alert_of_the_server_ends_without_an_answer);
    tcase_add_test(tc, what_waits_for_the_socket_is_bounded);
    tcase_add_test(tc, every_allocation_of_the_flight_may_fail);
    tcase_add_test(tc, every_allocation_of_the_beginning_may_fail);
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(hostile_suite)
