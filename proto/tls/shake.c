/* The handshake from EncryptedExtensions to both Finished (RFC 8446 section 4).
 */
#include "tls/internal.h"

static qn_tls_fault unexpected(void)
{
    return qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
}

static qn_tls_fault undecodable(void)
{
    return qn_tls_fault_of(QN_PROTO, QN_TLS_DECODE_ERROR);
}

/* ---- EncryptedExtensions ------------------------------------------------------------------- */

/* One protocol, and one that we offered. */
static qn_tls_fault read_alpn(qn_tls *c, qn_slice body)
{
    qn_tls_r r = qn_tls_reader(body), list = qn_tls_reader(qn_tls_vec(&r, 2)), ours;
    qn_slice chosen = qn_tls_vec(&list, 1);

    if (!qn_tls_done(&r) || !qn_tls_done(&list) || chosen.n == 0)
        return undecodable();
    ours = qn_tls_reader(qn_tls_profile_ext(c->profile, QN_TLS_X_ALPN, NULL));
    ours = qn_tls_reader(qn_tls_vec(&ours, 2));
    while (!ours.bad && ours.n > 0) {
        qn_slice offered = qn_tls_vec(&ours, 1);

        if (offered.n == chosen.n && memcmp(offered.p, chosen.p, chosen.n) == 0) {
            memcpy(c->alpn, chosen.p, chosen.n);
            c->alpn_n = (uint8_t)chosen.n;
            return qn_tls_fine();
        }
    }
    return qn_tls_fault_of(QN_PROTO, QN_TLS_ILLEGAL_PARAMETER);
}

/* Which of the extensions that browsers offer a server may answer here (4.2,
 * RFC 7301, RFC 8449, the drafts of ECH, ALPS and trust anchors). Retry configs
 * of a GREASE ECH are to be ignored. */
static bool answerable(const qn_tls *c, uint16_t type)
{
    static const uint16_t here[] = {QN_TLS_X_NAME, QN_TLS_X_GROUPS, QN_TLS_X_ALPN,   28,
                                    QN_TLS_X_ALPS, QN_TLS_X_ECH,    QN_TLS_X_ANCHORS};
    bool offered;

    (void)qn_tls_profile_ext(c->profile, type, &offered);
    for (size_t i = 0; offered && i < QN_LEN(here); i++)
        if (here[i] == type)
            return true;
    return false;
}

static qn_tls_fault on_extensions(qn_tls *c, qn_slice body)
{
    qn_tls_r r = qn_tls_reader(body), list = qn_tls_reader(qn_tls_vec(&r, 2));
    uint16_t seen[8];
    unsigned n = 0;

    while (!list.bad && list.n > 0) {
        uint16_t type = (uint16_t)qn_tls_uint(&list, 2);
        qn_slice content = qn_tls_vec(&list, 2);
        qn_tls_fault fault = qn_tls_fine();

        if (list.bad)
            break;
        if (!answerable(c, type))
            return qn_tls_fault_of(QN_PROTO, QN_TLS_UNSUPPORTED_EXTENSION);
        for (unsigned i = 0; i < n; i++)
            if (seen[i] == type)
                return qn_tls_fault_of(QN_PROTO, QN_TLS_ILLEGAL_PARAMETER);
        seen[n++] = type; /* there are seven */
        if (type == QN_TLS_X_ALPN)
            fault = read_alpn(c, content);
        c->alps = c->alps || type == QN_TLS_X_ALPS;
        c->anchors = c->anchors || type == QN_TLS_X_ANCHORS;
        c->ech = c->ech || type == QN_TLS_X_ECH;
        if (fault.err != QN_OK)
            return fault;
    }
    if (!qn_tls_done(&r) || !qn_tls_done(&list))
        return undecodable();
    if (c->alps && c->alpn_n == 0) /* settings of no protocol */
        return qn_tls_fault_of(QN_PROTO, QN_TLS_ILLEGAL_PARAMETER);
    c->state = c->resumed ? QN_TLS_WANT_FINISHED : QN_TLS_WANT_CERTIFICATE;
    return qn_tls_fine();
}

static qn_tls_fault on_request(qn_tls *c, qn_slice body)
{
    qn_tls_r r = qn_tls_reader(body);
    qn_slice context = qn_tls_vec(&r, 1);

    (void)qn_tls_vec(&r, 2);               /* which certificates: we have none */
    if (!qn_tls_done(&r) || context.n > 0) /* a context is for requests after the handshake */
        return undecodable();
    if (c->asked)
        return unexpected();
    c->asked = true;
    return qn_tls_fine();
}

/* ---- Finished ------------------------------------------------------------------------------ */

static qn_tls_fault on_finished(qn_tls *c, qn_slice body)
{
    uint8_t hash[QN_MD_MAX], want[QN_MD_MAX];
    qn_err err = qn_running_peek(&c->transcript, c->env, (qn_slice){0}, hash);

    if (err == QN_OK)
        err = qn_tls_finished(c->env, c->suite->md, c->shake->server_secret, hash, want);
    if (err != QN_OK)
        return qn_tls_ours(err);
    if (body.n != qn_md_size(c->suite->md) || !qn_equal(body.p, want, body.n))
        return qn_tls_fault_of(QN_AUTH, QN_TLS_DECRYPT_ERROR);
    return qn_tls_fine();
}

/* Our side's messages, in one record: application settings if the server
 * answered with its own, an empty certificate if it asked for one, Finished. */
static qn_err our_flight(qn_tls *c)
{
    qn_tls_shake *s = c->shake;
    uint8_t flight[32 + QN_MD_MAX], hash[QN_MD_MAX];
    qn_tls_w w = {.p = flight, .cap = sizeof flight};
    size_t size = qn_md_size(c->suite->md), finished;
    qn_err err;

    if (c->alps) { /* Chromium's settings for h2 are empty */
        static const uint8_t settings[] = {
            QN_TLS_ENCRYPTED_EXTENSIONS, 0, 0, 6, 0, 4, 0x44, 0xcd, 0, 0};

        qn_tls_put(&w, settings, sizeof settings);
    }
    if (c->asked) {
        static const uint8_t nothing[] = {QN_TLS_CERTIFICATE, 0, 0, 4, 0, 0, 0, 0};

        qn_tls_put(&w, nothing, sizeof nothing);
    }
    finished = w.n;
    err = qn_running_peek(&c->transcript, c->env, qn_slice_of(flight, finished), hash);
    qn_tls_put_uint(&w, QN_TLS_FINISHED, 1);
    qn_tls_put_uint(&w, (uint32_t)size, 3);
    (void)qn_tls_room_for(&w, size);
    QN_ASSERT(!w.bad);
    if (err == QN_OK)
        err = qn_tls_finished(c->env, c->suite->md, s->client_secret, hash, flight + finished + 4);
    if (err == QN_OK)
        err = qn_running_add(&c->transcript, qn_slice_of(flight, w.n));
    if (err == QN_OK)
        err = qn_tls_emit_ccs(c);
    return err == QN_OK ? qn_tls_emit(c, QN_TLS_HANDSHAKE, qn_slice_of(flight, w.n)) : err;
}

/* The transcript ends with the server's Finished: application keys, our flight,
 * the secret of tickets. */
static qn_err complete(qn_tls *c)
{
    qn_tls_schedule *schedule = &c->shake->schedule;
    uint8_t hash[QN_MD_MAX], client[QN_MD_MAX], server[QN_MD_MAX];
    qn_err err = qn_tls_schedule_next(schedule, c->env, (qn_slice){0});

    if (err == QN_OK)
        err = qn_running_peek(&c->transcript, c->env, (qn_slice){0}, hash);
    if (err == QN_OK)
        err = qn_tls_derive(schedule, c->env, "c ap traffic", hash, client);
    if (err == QN_OK)
        err = qn_tls_derive(schedule, c->env, "s ap traffic", hash, server);
    if (err == QN_OK)
        err = our_flight(c);
    if (err == QN_OK)
        err = qn_running_peek(&c->transcript, c->env, (qn_slice){0}, hash);
    if (err == QN_OK)
        err = qn_tls_derive(schedule, c->env, "res master", hash, c->resumption);
    if (err == QN_OK)
        err = qn_tls_keys_init(&c->tx, c->env, c->suite, client);
    if (err == QN_OK)
        err = qn_tls_keys_init(&c->rx, c->env, c->suite, server);
    qn_wipe(client, sizeof client);
    qn_wipe(server, sizeof server);
    return err;
}

/* ---- messages in their order --------------------------------------------------------------- */

static qn_tls_fault dispatch(qn_tls *c, uint8_t type, qn_slice body)
{
    bool compressed;

    switch (c->state) {
    case QN_TLS_WANT_EXTENSIONS:
        return type == QN_TLS_ENCRYPTED_EXTENSIONS ? on_extensions(c, body) : unexpected();
    case QN_TLS_WANT_CERTIFICATE:
        (void)qn_tls_profile_ext(c->profile, QN_TLS_X_COMPRESS, &compressed);
        if (type == QN_TLS_CERTIFICATE)
            return qn_tls_on_certificate(c, body);
        if (type == QN_TLS_COMPRESSED_CERTIFICATE && compressed)
            return qn_tls_on_compressed(c, body);
        return type == QN_TLS_CERTIFICATE_REQUEST ? on_request(c, body) : unexpected();
    case QN_TLS_WANT_VERIFY:
        return type == QN_TLS_CERTIFICATE_VERIFY ? qn_tls_on_verify(c, body) : unexpected();
    default:
        return type == QN_TLS_FINISHED ? on_finished(c, body) : unexpected();
    }
}

qn_tls_fault qn_tls_on_shake(qn_tls *c, qn_slice message)
{
    bool last = c->state == QN_TLS_WANT_FINISHED;
    qn_tls_fault fault;
    qn_err err;

    if (c->state == QN_TLS_WANT_HELLO)
        return message.p[0] == QN_TLS_SERVER_HELLO ? qn_tls_on_server_hello(c, message)
                                                   : unexpected();
    fault = dispatch(c, message.p[0], qn_slice_of(message.p + 4, message.n - 4));
    if (fault.err != QN_OK)
        return fault;
    if (last && c->message_n != message.n) /* 5.1: keys change here */
        return unexpected();
    err = qn_running_add(&c->transcript, message);
    if (err == QN_OK && last) {
        err = complete(c);
        if (err == QN_OK) {
            c->state = QN_TLS_UP;
            c->established_due = true;
            qn_tls_shake_free(c);
        }
    }
    return qn_tls_ours(err);
}
