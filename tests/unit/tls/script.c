#include "script.h"

/* Offset of the next record in what the client sent; earlier ones are dropped. */
static qn_slice next_record(script *s)
{
    static uint8_t record[QN_RECORD_HEADER + QN_RECORD_BODY_MAX];
    size_t n = 0;
    qn_slice v;

    while (n < QN_RECORD_HEADER || n < QN_RECORD_HEADER + (size_t)qn_get16(record + 3)) {
        ck_assert_uint_eq(qn_tls_peek(s->c, &v, 1), 1);
        ck_assert_uint_le(n + v.n, sizeof record);
        memcpy(record + n, v.p, v.n);
        qn_tls_consume(s->c, v.n);
        n += v.n;
    }
    ck_assert_uint_eq(n, QN_RECORD_HEADER + (size_t)qn_get16(record + 3));
    return qn_slice_of(record, n);
}

static void build_hello(script *s)
{
    qn_tls_w w = {.p = s->hello, .cap = sizeof s->hello};
    qn_dh_public pub;
    size_t message, extensions;

    qn_dh_generate(&s->t->env, &s->secret, &pub);
    qn_tls_put_uint(&w, QN_TLS_SERVER_HELLO, 1);
    message = qn_tls_open(&w, 3);
    qn_tls_put_uint(&w, 0x0303, 2);
    qn_tls_put(&w, qt_noise(4, 32).p, 32);
    qn_tls_put_uint(&w, 32, 1);
    qn_tls_put(&w, s->session_id, 32);
    qn_tls_put_uint(&w, 0x1301, 2);
    qn_tls_put_uint(&w, 0, 1);
    extensions = qn_tls_open(&w, 2);
    qn_tls_put(&w, "\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x24\x00\x1d\x00\x20", 14);
    qn_tls_put(&w, pub.b, sizeof pub.b);
    qn_tls_shut(&w, extensions, 2);
    qn_tls_shut(&w, message, 3);
    s->hello_n = w.n;
}

void script_open(script *s, qt_env *t, qn_tls *c)
{
    qn_slice record;
    qn_tls_hello h;

    memset(s, 0, sizeof *s);
    s->t = t;
    s->c = c;
    qt_assert_err(qn_running_init(&s->transcript, &t->env, QN_SHA256), QN_OK);
    record = next_record(s);
    qt_assert_err(qn_running_add(&s->transcript, qn_slice_of(record.p + 5, record.n - 5)), QN_OK);
    qt_assert_err(qn_tls_hello_read(qn_slice_of(record.p + 5, record.n - 5), &h), QN_OK);
    memcpy(s->session_id, h.session_id.p, 32);
    s->client_share = qt_hex(qt_unhex(h.x25519.p, 32));
    build_hello(s);
}

void script_close(script *s)
{
    qn_running_clear(&s->transcript);
}

void script_feed(script *s, const void *p, size_t n)
{
    const uint8_t *at = p;
    qn_tls_event ev;

    if (s->hold) {
        ck_assert_uint_le(s->held_n + n, sizeof s->held);
        memcpy(s->held + s->held_n, p, n);
        s->held_n += n;
        return;
    }
    while (n > 0) {
        qn_span space = qn_tls_space(s->c);
        size_t part = QN_MIN(n, space.n);

        if (part == 0)
            return; /* it ended */
        memcpy(space.p, at, part);
        qn_tls_commit(s->c, part);
        while (qn_tls_next(s->c, &ev)) {
            s->run.up = s->run.up || ev.type == QN_TLS_ESTABLISHED;
            if (ev.type == QN_TLS_ESTABLISHED)
                s->run.established = ev;
            if (ev.type == QN_TLS_TICKET)
                s->run.ticket[s->run.tickets++ % QN_LEN(s->run.ticket)] = ev.ticket;
            if (ev.type == QN_TLS_BYTES) {
                s->run.data_n += ev.piece.len;
                qn_block_drop(ev.piece.block);
            }
            if (ev.type == QN_TLS_ENDED) {
                s->run.over = true;
                s->run.ended = ev;
            }
        }
        at += part;
        n -= part;
    }
}

void script_record(script *s, uint8_t type, qn_slice content)
{
    qn_queue out = {0};

    qt_assert_err(qn_tls_seal(&s->tx, &s->t->env, type, 0x0303, content, &out), QN_OK);
    script_feed(s, qn_piece_data(qn_queue_head(&out)), qn_queue_head(&out)->len);
    qn_queue_clear(&out, &s->t->env.mem);
}

void script_hello(script *s)
{
    script_record(s, QN_TLS_HANDSHAKE, qn_slice_of(s->hello, s->hello_n));
}

void script_keys(script *s)
{
    const qn_tls_suite *suite = qn_tls_suite_of(0x1301);
    uint8_t hash[32], client[32];
    qn_dh_public pub;
    qn_key shared;

    qt_assert_err(qn_running_add(&s->transcript, qn_slice_of(s->hello, s->hello_n)), QN_OK);
    script_hello(s);
    memcpy(pub.b, s->client_share.p, 32);
    qt_assert_err(qn_dh(&s->secret, &pub, &shared), QN_OK);
    qt_assert_err(qn_tls_schedule_start(&s->schedule, &s->t->env, QN_SHA256, (qn_slice){0}), QN_OK);
    qt_assert_err(qn_tls_schedule_next(&s->schedule, &s->t->env, qn_slice_of(shared.b, 32)), QN_OK);
    qt_assert_err(qn_running_peek(&s->transcript, &s->t->env, (qn_slice){0}, hash), QN_OK);
    qt_assert_err(qn_tls_derive(&s->schedule, &s->t->env, "c hs traffic", hash, client), QN_OK);
    qt_assert_err(qn_tls_derive(&s->schedule, &s->t->env, "s hs traffic", hash, s->server_secret),
                  QN_OK);
    qt_assert_err(qn_tls_keys_init(&s->tx, &s->t->env, suite, s->server_secret), QN_OK);
    qt_assert_err(qn_tls_keys_init(&s->rx, &s->t->env, suite, client), QN_OK);
}

static qn_slice wrap(uint8_t type, qn_slice body)
{
    static uint8_t message[1 << 17];

    ck_assert_uint_le(4 + body.n, sizeof message);
    message[0] = type;
    qn_put24(message + 1, (uint32_t)body.n);
    if (body.n > 0)
        memmove(message + 4, body.p, body.n);
    return qn_slice_of(message, 4 + body.n);
}

void script_message(script *s, uint8_t type, qn_slice body)
{
    qn_slice m = wrap(type, body);

    qt_assert_err(qn_running_add(&s->transcript, m), QN_OK);
    for (size_t at = 0; at < m.n; at += QN_RECORD_CONTENT_MAX)
        script_record(s, QN_TLS_HANDSHAKE,
                      qn_slice_of(m.p + at, QN_MIN(m.n - at, (size_t)QN_RECORD_CONTENT_MAX)));
}

qn_slice script_chain(const tls_identity *leaf)
{
    static uint8_t body[4096];
    uint8_t *der = NULL;
    int n = i2d_X509(leaf->cert, &der);
    qn_tls_w w = {.p = body, .cap = sizeof body};
    size_t list;

    ck_assert_int_gt(n, 0);
    qn_tls_put_uint(&w, 0, 1);
    list = qn_tls_open(&w, 3);
    qn_tls_put_uint(&w, (uint32_t)n, 3);
    qn_tls_put(&w, der, (size_t)n);
    qn_tls_put_uint(&w, 0, 2);
    qn_tls_shut(&w, list, 3);
    OPENSSL_free(der);
    ck_assert(!w.bad);
    return qn_slice_of(body, w.n);
}

void script_verify(script *s, const tls_identity *leaf)
{
    static const char label[] = "TLS 1.3, server CertificateVerify";
    uint8_t text[64 + sizeof label + 32], body[4 + 128] = {0x04, 0x03};
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = sizeof body - 4;

    memset(text, ' ', 64);
    memcpy(text + 64, label, sizeof label);
    qt_assert_err(
        qn_running_peek(&s->transcript, &s->t->env, (qn_slice){0}, text + 64 + sizeof label),
        QN_OK);
    ck_assert_int_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, leaf->key), 1);
    ck_assert_int_eq(EVP_DigestSign(ctx, body + 4, &n, text, sizeof text), 1);
    EVP_MD_CTX_free(ctx);
    qn_put16(body + 2, (uint16_t)n);
    script_message(s, QN_TLS_CERTIFICATE_VERIFY, qn_slice_of(body, 4 + n));
}

void script_finished(script *s)
{
    const qn_tls_suite *suite = qn_tls_suite_of(0x1301);
    uint8_t hash[32], mac[32], secret[32];

    qt_assert_err(qn_running_peek(&s->transcript, &s->t->env, (qn_slice){0}, hash), QN_OK);
    qt_assert_err(qn_tls_finished(&s->t->env, QN_SHA256, s->server_secret, hash, mac), QN_OK);
    script_message(s, QN_TLS_FINISHED, qn_slice_of(mac, 32));
    qt_assert_err(qn_running_peek(&s->transcript, &s->t->env, (qn_slice){0}, hash), QN_OK);
    qt_assert_err(qn_tls_schedule_next(&s->schedule, &s->t->env, (qn_slice){0}), QN_OK);
    qt_assert_err(qn_tls_derive(&s->schedule, &s->t->env, "s ap traffic", hash, secret), QN_OK);
    qt_assert_err(qn_tls_keys_init(&s->tx, &s->t->env, suite, secret), QN_OK);
}

void script_shake(script *s, const tls_identity *leaf)
{
    script_keys(s);
    script_message(s, QN_TLS_ENCRYPTED_EXTENSIONS, qn_slice_of("\0\0", 2));
    script_message(s, QN_TLS_CERTIFICATE, script_chain(leaf));
    script_verify(s, leaf);
    script_finished(s);
    ck_assert(s->run.up && !s->run.over);
}

uint8_t script_read(script *s, uint8_t *out, size_t *n)
{
    qn_slice record = next_record(s);
    uint8_t type = record.p[0];
    qn_piece piece;

    if (type != QN_TLS_DATA) {
        *n = record.n - QN_RECORD_HEADER;
        memcpy(out, record.p + QN_RECORD_HEADER, *n);
        return type;
    }
    qt_assert_err(qn_tls_unseal(&s->rx, &s->t->env, record.p, record.n, &piece, &type), QN_OK);
    *n = piece.len;
    memcpy(out, qn_piece_data(&piece), piece.len);
    qn_block_drop(piece.block);
    return type;
}
