/* RFC 8448's traces: the key schedule, Finished, binders and records give the published bytes. */
#include "fixture.h"

#include "tls/keys.h"
#include "tls/protect.h"

#include <ctype.h>
#include <stdlib.h>

static const char *const simple = "\n3.  Simple 1-RTT Handshake\n";
static const char *const resumed = "\n4.  Resumed 0-RTT Handshake\n";
static const char *const retry = "\n5.  HelloRetryRequest\n";

static qt_env t;
static qn_running transcript;

static void setup(void)
{
    qt_env_open(&t, 1);
    qt_assert_err(qn_running_init(&transcript, &t.env, QN_SHA256), QN_OK);
}

static void teardown(void)
{
    qn_running_clear(&transcript);
    qt_env_close(&t);
}

/* ---- reading the text ---------------------------------------------------------------------- */

static const char *find(const char *from, const char *what)
{
    const char *p = strstr(from, what);

    if (p == NULL)
        qt_die("rfc8448.txt: no '%s'", what);
    return p + strlen(what);
}

/* So many octets in hex, over page breaks. */
static qn_slice octets(const char *p, size_t n)
{
    char *hex = calloc(2 * n + 1, 1);
    qn_slice out;

    for (size_t i = 0; i < 2 * n;) {
        if (*p == '\n' && (strncmp(p + 1, "Thomson", 7) == 0 || strncmp(p + 1, "RFC 8448", 8) == 0))
            p = strchr(p + 1, '\n');
        else if (isxdigit((unsigned char)*p))
            hex[i++] = *p++;
        else if (isspace((unsigned char)*p))
            p++;
        else
            qt_die("rfc8448.txt: '%.20s' is not hex", p);
    }
    out = qt_hex(hex);
    free(hex);
    return out;
}

/* The value of `label` that follows `anchor` in a section. */
static qn_slice value(const char *section, const char *anchor, const char *label)
{
    const char *p = find((const char *)qt_vector_file("tls13/rfc8448.txt").p, section);

    do
        p = find(find(p, anchor), label);
    while (strncmp(p, " (", 2) != 0);
    return octets(find(p, "octets):"), strtoul(p + 2, NULL, 10));
}

/* ---- the schedule -------------------------------------------------------------------------- */

static void add(qn_slice message)
{
    qt_assert_err(qn_running_add(&transcript, message), QN_OK);
}

static void must_derive(const qn_tls_schedule *s, const char *label, qn_slice want, uint8_t *out)
{
    uint8_t hash[QN_MD_MAX];

    qt_assert_err(qn_running_peek(&transcript, &t.env, (qn_slice){0}, hash), QN_OK);
    qt_assert_err(qn_tls_derive(s, &t.env, label, hash, out), QN_OK);
    qt_assert_bytes(out, 32, want);
}

static void must_key(const uint8_t *secret, qn_tls_keys *k, const char *section, const char *anchor)
{
    qt_assert_err(qn_tls_keys_init(k, &t.env, qn_tls_suite_of(0x1301), secret), QN_OK);
    qt_assert_bytes(k->key, 16, value(section, anchor, "key expanded"));
    qt_assert_bytes(k->iv, 12, value(section, anchor, "iv expanded"));
}

static void must_open(qn_tls_keys *k, qn_slice record, uint8_t type, qn_slice want)
{
    qn_piece piece;
    uint8_t got;

    qt_assert_err(qn_tls_unseal(k, &t.env, record.p, record.n, &piece, &got), QN_OK);
    ck_assert_uint_eq(got, type);
    qt_assert_bytes(qn_piece_data(&piece), piece.len, want);
    qn_block_drop(piece.block);
}

static void must_seal(qn_tls_keys *k, uint8_t type, qn_slice content, qn_slice want)
{
    qn_queue out = {0};

    qt_assert_err(qn_tls_seal(k, &t.env, type, 0x0303, content, &out), QN_OK);
    qt_assert_bytes(qn_piece_data(qn_queue_head(&out)), qn_queue_head(&out)->len, want);
    qn_queue_clear(&out, &t.env.mem);
}

static void shared_secret(const char *section, uint8_t out[32])
{
    qn_tls_shares shares;
    qn_slice pub = value(section, "{server}  create an ephemeral", "public key");
    uint8_t agreed[QN_TLS_SHARED_MAX];
    size_t n;

    memset(&shares, 0, sizeof shares);
    memcpy(shares.x25519.b, value(section, "{client}  create an ephemeral", "private key").p, 32);
    qt_assert_err(qn_tls_shares_agree(&shares, &t.env, QN_TLS_X25519, pub, agreed, &n), QN_OK);
    ck_assert_uint_eq(n, 32);
    memcpy(out, agreed, 32);
}

START_TEST(the_simple_handshake_gives_its_secrets_and_records)
{
    qn_tls_schedule s;
    uint8_t shared[32], c_hs[48], s_hs[48], c_ap[48], s_ap[48], res[48], hash[48], mac[48], psk[48];
    qn_tls_keys rx, tx;
    qn_slice flight, finished;

    qt_assert_err(qn_tls_schedule_start(&s, &t.env, QN_SHA256, (qn_slice){0}), QN_OK);
    qt_assert_bytes(s.secret, 32, value(simple, "extract secret \"early\"", "secret"));
    shared_secret(simple, shared);
    qt_assert_err(qn_tls_schedule_next(&s, &t.env, qn_slice_of(shared, 32)), QN_OK);
    qt_assert_bytes(s.secret, 32, value(simple, "extract secret \"handshake\"", "secret"));
    add(value(simple, "construct a ClientHello", "ClientHello"));
    add(value(simple, "construct a ServerHello", "ServerHello"));
    must_derive(&s, "c hs traffic", value(simple, "\"tls13 c hs traffic\"", "expanded"), c_hs);
    must_derive(&s, "s hs traffic", value(simple, "\"tls13 s hs traffic\"", "expanded"), s_hs);
    must_key(s_hs, &rx, simple, "{server}  derive write traffic keys for handshake");
    flight = value(simple, "construct a Finished", "payload");
    must_open(&rx, value(simple, "construct a Finished", "complete record"), QN_TLS_HANDSHAKE,
              flight);

    /* The flight without the server's Finished, then with it. */
    add(qn_slice_of(flight.p, flight.n - 36));
    qt_assert_err(qn_running_peek(&transcript, &t.env, (qn_slice){0}, hash), QN_OK);
    qt_assert_err(qn_tls_finished(&t.env, QN_SHA256, s_hs, hash, mac), QN_OK);
    ck_assert_mem_eq(mac, flight.p + flight.n - 32, 32);
    add(qn_slice_of(flight.p + flight.n - 36, 36));

    qt_assert_err(qn_running_peek(&transcript, &t.env, (qn_slice){0}, hash), QN_OK);
    qt_assert_err(qn_tls_finished(&t.env, QN_SHA256, c_hs, hash, mac), QN_OK);
    finished = value(simple, "{client}  construct a Finished", "Finished");
    ck_assert_mem_eq(mac, finished.p + 4, 32);
    qt_assert_err(qn_tls_keys_init(&tx, &t.env, qn_tls_suite_of(0x1301), c_hs), QN_OK);
    must_seal(&tx, QN_TLS_HANDSHAKE, finished,
              value(simple, "{client}  construct a Finished", "complete record"));

    qt_assert_err(qn_tls_schedule_next(&s, &t.env, (qn_slice){0}), QN_OK);
    qt_assert_bytes(s.secret, 32, value(simple, "extract secret \"master\"", "secret"));
    must_derive(&s, "c ap traffic", value(simple, "\"tls13 c ap traffic\"", "expanded"), c_ap);
    must_derive(&s, "s ap traffic", value(simple, "\"tls13 s ap traffic\"", "expanded"), s_ap);
    add(finished);
    must_derive(&s, "res master", value(simple, "\"tls13 res master\"", "expanded"), res);
    qt_assert_err(
        qn_tls_expand(&t.env, QN_SHA256, res, "resumption", qn_slice_of("\0\0", 2), psk, 32),
        QN_OK);
    qt_assert_bytes(psk, 32, value(simple, "resumption secret \"tls13 resumption\"", "expanded"));

    must_key(c_ap, &tx, simple, "{client}  derive write traffic keys for application");
    must_key(s_ap, &rx, simple, "{server}  derive write traffic keys for application");
    must_open(&rx, value(simple, "construct a NewSessionTicket", "complete record"),
              QN_TLS_HANDSHAKE, value(simple, "construct a NewSessionTicket", "payload"));
    must_seal(&tx, QN_TLS_DATA, value(simple, "{client}  send application_data", "payload"),
              value(simple, "{client}  send application_data", "complete record"));
    must_open(&rx, value(simple, "{server}  send application_data", "complete record"), QN_TLS_DATA,
              value(simple, "{server}  send application_data", "payload"));
    must_seal(&tx, QN_TLS_ALERT, value(simple, "{client}  send alert", "payload"),
              value(simple, "{client}  send alert", "complete record"));
    must_open(&rx, value(simple, "{server}  send alert", "complete record"), QN_TLS_ALERT,
              value(simple, "{server}  send alert", "payload"));
}
END_TEST

START_TEST(a_resumed_handshake_gives_its_binder_and_secrets)
{
    qn_slice psk = value(simple, "resumption secret \"tls13 resumption\"", "expanded");
    qn_slice prefix = value(resumed, "calculate PSK binder", "ClientHello prefix");
    qn_slice sent = value(resumed, "{client}  send handshake record", "payload");
    uint8_t hash[48], binder[48], shared[32], out[48];
    qn_tls_schedule s;
    qn_tls_hello h;

    qt_assert_err(qn_md_hash(&t.env, QN_SHA256, &prefix, 1, hash), QN_OK);
    qt_assert_bytes(hash, 32, value(resumed, "calculate PSK binder", "binder hash"));
    qt_assert_err(qn_tls_binder(&t.env, QN_SHA256, psk, hash, binder), QN_OK);
    ck_assert_mem_eq(binder, sent.p + sent.n - 32, 32);
    /* Our reader cuts a hello just there. */
    qt_assert_err(qn_tls_hello_read(sent, &h), QN_OK);
    ck_assert_uint_eq(h.cut, prefix.n);
    ck_assert(h.psk && h.early_data);

    qt_assert_err(qn_tls_schedule_start(&s, &t.env, QN_SHA256, psk), QN_OK);
    qt_assert_bytes(s.secret, 32, value(resumed, "extract secret \"early\"", "secret"));
    shared_secret(resumed, shared);
    qt_assert_err(qn_tls_schedule_next(&s, &t.env, qn_slice_of(shared, 32)), QN_OK);
    qt_assert_bytes(s.secret, 32, value(resumed, "extract secret \"handshake\"", "secret"));
    add(sent);
    add(value(resumed, "construct a ServerHello", "ServerHello"));
    must_derive(&s, "s hs traffic", value(resumed, "\"tls13 s hs traffic\"", "expanded"), out);
}
END_TEST

START_TEST(a_retried_handshake_agrees_on_p256)
{
    const char *server = "{server}  create an ephemeral P-256";
    qn_slice want = value(retry, "extract secret \"handshake\"", "IKM");
    qn_slice x = value(retry, server, "public key");
    uint8_t shared[32];
    qn_curve_secret secret;

    memcpy(secret.b, value(retry, "{client}  create an ephemeral P-256", "private key").p, 32);
    qt_assert_err(qn_curve_dh(QN_P256, &secret, x, shared), QN_OK);
    qt_assert_bytes(shared, 32, want);
}
END_TEST

/* ---- what the traces do not hold ----------------------------------------------------------- */

/* A server that takes the hybrid share: the ML-KEM secret, then the X25519 secret. */
START_TEST(both_halves_of_the_hybrid_share_count)
{
    for (unsigned one = 0; one < 2; one++) {
        uint8_t share[QN_MLKEM_EK + 32], answer[QN_MLKEM_CT + 32], m[32], got[QN_TLS_SHARED_MAX];
        qn_tls_w w = {.p = share, .cap = sizeof share};
        qn_dh_secret server;
        qn_dh_public server_pub, client_pub;
        qn_key kem, dh;
        qn_tls_shares shares;
        qn_mlkem_ek ek;
        size_t n;

        qn_tls_shares_draw(&shares, &t.env, one);
        qt_assert_err(qn_tls_shares_put(&shares, &t.env, QN_TLS_HYBRID, &w), QN_OK);
        ck_assert_uint_eq(w.n, sizeof share);
        memcpy(ek.b, share, sizeof ek.b);
        memcpy(client_pub.b, share + QN_MLKEM_EK, 32);
        qn_rng_fill(&t.env, m, sizeof m);
        qt_assert_err(qn_mlkem_encaps(&t.env, &ek, m, answer, &kem), QN_OK);
        qn_dh_generate(&t.env, &server, &server_pub);
        memcpy(answer + QN_MLKEM_CT, server_pub.b, 32);
        qt_assert_err(qn_dh(&server, &client_pub, &dh), QN_OK);
        qt_assert_err(qn_tls_shares_agree(&shares, &t.env, QN_TLS_HYBRID,
                                          qn_slice_of(answer, sizeof answer), got, &n),
                      QN_OK);
        ck_assert_uint_eq(n, 64);
        ck_assert_mem_eq(got, kem.b, 32);
        ck_assert_mem_eq(got + 32, dh.b, 32);
        qt_assert_err(qn_tls_shares_agree(&shares, &t.env, QN_TLS_HYBRID,
                                          qn_slice_of(answer, sizeof answer - 1), got, &n),
                      QN_AUTH);
        memset(answer + QN_MLKEM_CT, 0, 32);
        qt_assert_err(qn_tls_shares_agree(&shares, &t.env, QN_TLS_HYBRID,
                                          qn_slice_of(answer, sizeof answer), got, &n),
                      QN_AUTH);
    }
}
END_TEST

START_TEST(records_round_trip_under_every_suite_until_their_keys_are_spent)
{
    uint16_t id = (uint16_t)(0x1301 + _i);
    qn_slice secret = qt_noise(1, 48), data = qt_noise(2, QN_RECORD_CONTENT_MAX);
    static const size_t sizes[] = {0, 1, 16, 1000, QN_RECORD_CONTENT_MAX};
    qn_tls_keys tx, rx;
    qn_queue out = {0};

    qt_assert_err(qn_tls_keys_init(&tx, &t.env, qn_tls_suite_of(id), secret.p), QN_OK);
    rx = tx;
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < QN_LEN(sizes); i++) {
            qn_slice content = qn_slice_of(data.p, sizes[i]);
            qn_slice record;

            qt_assert_err(qn_tls_seal(&tx, &t.env, QN_TLS_DATA, 0, content, &out), QN_OK);
            record = qn_slice_of(qn_piece_data(qn_queue_head(&out)), qn_queue_head(&out)->len);
            ck_assert_uint_eq(record.n, 5 + sizes[i] + 17);
            must_open(&rx, record, QN_TLS_DATA, content);
            qn_queue_clear(&out, &t.env.mem);
        }
        qt_assert_err(qn_tls_keys_update(&tx, &t.env), QN_OK);
        ck_assert_mem_ne(tx.key, rx.key, 16);
        qt_assert_err(qn_tls_keys_update(&rx, &t.env), QN_OK);
    }
    tx.seq = QN_REKEY_RECORDS;
    qt_assert_err(qn_tls_seal(&tx, &t.env, QN_TLS_DATA, 0, data, &out), QN_EXHAUSTED);
    ck_assert_uint_eq(out.n, 0);
}
END_TEST

static Suite *rfc8448_suite(void)
{
    Suite *s = suite_create("tls/rfc8448");
    TCase *tc = tcase_create("rfc8448");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_simple_handshake_gives_its_secrets_and_records);
    tcase_add_test(tc, a_resumed_handshake_gives_its_binder_and_secrets);
    tcase_add_test(tc, a_retried_handshake_agrees_on_p256);
    tcase_add_test(tc, both_halves_of_the_hybrid_share_count);
    tcase_add_loop_test(tc, records_round_trip_under_every_suite_until_their_keys_are_spent, 0, 3);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(rfc8448_suite)
