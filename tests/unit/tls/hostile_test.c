/* A server that means harm during the handshake: the client bounds it and ends as a browser does.
 */
#include "scene.h"

#include "tls/inflate.h"

/* ---- what browsers understand and OpenSSL 3.0 does not say --------------------------------- */

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

/* Trust anchors and the retry configs of ECH are told to whoever judges a server; so is which
 * certificate it showed. */
START_TEST(what_else_a_server_answers_is_told)
{
    qn_slice ext = qt_hex("000f fe0d 0003 000102 ca34 0004 0002 0100"), der;
    uint8_t bytes[2048], *end = bytes;
    qn_hash want;

    der = qn_slice_of(bytes, (size_t)i2d_X509(leaf.cert, &end));
    script_keys(&s);
    script_message(&s, QN_TLS_ENCRYPTED_EXTENSIONS, ext);
    script_message(&s, QN_TLS_CERTIFICATE, script_chain(&leaf));
    script_verify(&s, &leaf);
    script_finished(&s);
    ck_assert(s.run.up && s.run.established.ech && s.run.established.anchors);
    ck_assert(!s.run.established.alps);
    qt_assert_err(qn_sha256(&t.env, &der, 1, &want), QN_OK);
    ck_assert_mem_eq(s.run.established.leaf.b, want.b, sizeof want.b);
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
    tcase_add_test(tc, what_else_a_server_answers_is_told);
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
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(hostile_suite)
