/* ServerHello and HelloRetryRequest (RFC 8446 4.1.3, 4.1.4). */
#include "tls/internal.h"

/* What either may say. */
typedef struct answer {
    qn_slice random, session_id, cookie, share;
    const qn_tls_suite *suite;
    uint32_t group; /* 0: no key_share */
    bool psk, retry, version;
} answer;

static qn_tls_fault illegal(void)
{
    return qn_tls_fault_of(QN_PROTO, QN_TLS_ILLEGAL_PARAMETER);
}

static qn_tls_fault undecodable(void)
{
    return qn_tls_fault_of(QN_PROTO, QN_TLS_DECODE_ERROR);
}

/* ---- reading ------------------------------------------------------------------------------- */

static qn_tls_fault read_extension(const qn_tls *c, uint32_t type, qn_slice body, answer *a)
{
    qn_tls_r r = qn_tls_reader(body);

    if (type == QN_TLS_X_VERSIONS && !a->version) {
        if (qn_tls_uint(&r, 2) != 0x0304)
            return illegal();
        a->version = true;
    } else if (type == QN_TLS_X_SHARES && a->group == 0) {
        a->group = qn_tls_uint(&r, 2);
        if (!a->retry)
            a->share = qn_tls_vec(&r, 2);
        if (a->group == 0)
            return illegal();
    } else if (type == QN_TLS_X_COOKIE && a->retry && a->cookie.n == 0) {
        a->cookie = qn_tls_vec(&r, 2);
        if (a->cookie.n == 0 || a->cookie.n > QN_TLS_COOKIE_MAX)
            return illegal();
    } else if (type == QN_TLS_X_PSK && !a->retry && !a->psk && c->shake->offered) {
        if (qn_tls_uint(&r, 2) != 0) /* we offer one */
            return illegal();
        a->psk = true;
    } else {
        return qn_tls_fault_of(QN_PROTO, QN_TLS_UNSUPPORTED_EXTENSION);
    }
    return qn_tls_done(&r) ? qn_tls_fine() : undecodable();
}

static qn_tls_fault read_answer(const qn_tls *c, qn_slice message, answer *a)
{
    /* SHA-256 of "HelloRetryRequest" */
    static const uint8_t retry[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                      0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                      0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                      0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    qn_tls_r r = qn_tls_reader(message), list;
    uint16_t version, suite;
    uint32_t compression;
    qn_tls_fault fault = qn_tls_fine();

    (void)qn_tls_take(&r, 4);
    version = (uint16_t)qn_tls_uint(&r, 2);
    a->random = qn_tls_take(&r, 32);
    a->session_id = qn_tls_vec(&r, 1);
    suite = (uint16_t)qn_tls_uint(&r, 2);
    compression = qn_tls_uint(&r, 1);
    if (r.bad)
        return undecodable();
    a->retry = memcmp(a->random.p, retry, sizeof retry) == 0;
    if (r.n == 0) /* TLS 1.2 and before may have no extensions */
        return qn_tls_fault_of(QN_VERSION, QN_TLS_PROTOCOL_VERSION);
    list = qn_tls_reader(qn_tls_vec(&r, 2));
    a->suite = qn_tls_suite_of(suite);
    while (!list.bad && list.n > 0 && fault.err == QN_OK) {
        uint32_t type = qn_tls_uint(&list, 2);
        qn_slice body = qn_tls_vec(&list, 2);

        /* What a TLS 1.2 server answers is no fault of its own. */
        if (!list.bad && (a->suite != NULL || type == QN_TLS_X_VERSIONS))
            fault = read_extension(c, type, body, a);
    }
    if (fault.err != QN_OK)
        return fault;
    if (!qn_tls_done(&r) || !qn_tls_done(&list))
        return undecodable();
    if (!a->version)
        return qn_tls_fault_of(QN_VERSION, QN_TLS_PROTOCOL_VERSION);
    if (version != 0x0303 || compression != 0 || a->suite == NULL ||
        !qn_tls_lists(c->profile->ciphers, suite))
        return illegal();
    return fault;
}

/* ---- HelloRetryRequest --------------------------------------------------------------------- */

static bool shared(const qn_tls *c, uint32_t group)
{
    for (unsigned i = 0; i < c->profile->share_n; i++)
        if (c->profile->share[i] == group)
            return true;
    return false;
}

/* The first hello becomes its hash (4.4.1). */
static qn_err restart_transcript(qn_tls *c, const qn_tls_suite *suite, qn_slice message)
{
    qn_tls_shake *s = c->shake;
    qn_slice hello = qn_slice_of(s->hello, s->hello_n);
    uint8_t stand_in[4 + QN_MD_MAX] = {QN_TLS_MESSAGE_HASH, 0, 0, (uint8_t)qn_md_size(suite->md)};
    qn_err err = qn_md_hash(c->env, suite->md, &hello, 1, stand_in + 4);

    if (err == QN_OK)
        err = qn_running_init(&c->transcript, c->env, suite->md);
    if (err == QN_OK)
        err = qn_running_add(&c->transcript, qn_slice_of(stand_in, 4 + qn_md_size(suite->md)));
    return err == QN_OK ? qn_running_add(&c->transcript, message) : err;
}

static qn_err second_hello(qn_tls *c, const answer *a)
{
    qn_tls_shake *s = c->shake;
    qn_tls_hello_spec spec = {.profile = c->profile,
                              .name = qn_slice_of(c->name, c->name_n),
                              .retry_group = (uint16_t)a->group,
                              .cookie = a->cookie};
    qn_err err;

    /* A ticket of another hash cannot be bound to this transcript any more. */
    s->offered = s->offered && qn_tls_suite_of(s->ticket.suite)->md == a->suite->md;
    if (s->offered) {
        spec.ticket = &s->ticket;
        spec.binder = qn_md_size(a->suite->md);
    }
    err = qn_tls_hello_write(&spec, &s->draw, &s->shares, c->env, s->hello, &s->hello_n, &s->cut);
    if (err == QN_OK)
        err = qn_tls_emit_ccs(c);
    return err == QN_OK ? qn_tls_emit_hello(c) : err;
}

/* A group must be named: none of the browsers' groups could be answered by a
 * cookie alone, and servers that send one do so over datagrams. */
static qn_tls_fault on_retry(qn_tls *c, const answer *a, qn_slice message)
{
    qn_tls_r r = qn_tls_reader(qn_tls_profile_ext(c->profile, QN_TLS_X_GROUPS, NULL));
    qn_slice groups = qn_tls_vec(&r, 2);
    qn_err err;

    if (c->retried)
        return qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
    if (!qn_tls_lists(groups, (uint16_t)a->group) || shared(c, a->group))
        return illegal();
    if (!qn_tls_group_known((uint16_t)a->group))
        return qn_tls_fault_of(QN_VERSION, QN_TLS_HANDSHAKE_FAILURE);
    c->retried = true;
    c->shake->retry_suite = a->suite->id;
    c->shake->retry_group = (uint16_t)a->group;
    err = restart_transcript(c, a->suite, message);
    if (err == QN_OK)
        err = second_hello(c, a);
    return qn_tls_ours(err);
}

/* ---- ServerHello --------------------------------------------------------------------------- */

static qn_err hash_hellos(qn_tls *c, qn_slice message)
{
    qn_tls_shake *s = c->shake;
    qn_err err = c->retried ? QN_OK : qn_running_init(&c->transcript, c->env, c->suite->md);

    if (err == QN_OK)
        err = qn_running_add(&c->transcript, qn_slice_of(s->hello, s->hello_n));
    return err == QN_OK ? qn_running_add(&c->transcript, message) : err;
}

/* The Handshake Secret and both directions' keys. */
static qn_err handshake_keys(qn_tls *c, qn_slice secret)
{
    qn_tls_shake *s = c->shake;
    qn_slice psk = qn_slice_of(s->ticket.psk, c->resumed ? qn_md_size(c->suite->md) : 0);
    uint8_t hash[QN_MD_MAX];
    qn_err err = qn_tls_schedule_start(&s->schedule, c->env, c->suite->md, psk);

    if (err == QN_OK)
        err = qn_tls_schedule_next(&s->schedule, c->env, secret);
    if (err == QN_OK)
        err = qn_running_peek(&c->transcript, c->env, (qn_slice){0}, hash);
    if (err == QN_OK)
        err = qn_tls_derive(&s->schedule, c->env, "c hs traffic", hash, s->client_secret);
    if (err == QN_OK)
        err = qn_tls_derive(&s->schedule, c->env, "s hs traffic", hash, s->server_secret);
    if (err == QN_OK)
        err = qn_tls_keys_init(&c->tx, c->env, c->suite, s->client_secret);
    if (err == QN_OK)
        err = qn_tls_keys_init(&c->rx, c->env, c->suite, s->server_secret);
    return err;
}

qn_tls_fault qn_tls_on_server_hello(qn_tls *c, qn_slice message)
{
    qn_tls_shake *s = c->shake;
    answer a = {.group = 0};
    qn_tls_fault fault = read_answer(c, message, &a);
    uint8_t secret[QN_TLS_SHARED_MAX];
    size_t n;
    qn_err err;

    if (fault.err != QN_OK)
        return fault;
    if (a.session_id.n != 32 || memcmp(a.session_id.p, s->draw.session_id, 32) != 0)
        return illegal();
    if (c->message_n != message.n) /* 5.1: keys change here */
        return qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
    if (a.retry)
        return on_retry(c, &a, message);
    if (a.group == 0)
        return qn_tls_fault_of(QN_PROTO, QN_TLS_HANDSHAKE_FAILURE);
    if (c->retried ? a.group != s->retry_group || a.suite->id != s->retry_suite
                   : a.group == QN_TLS_GREASE || !shared(c, a.group))
        return illegal();
    if (a.psk && qn_tls_suite_of(s->ticket.suite)->md != a.suite->md)
        return illegal();
    err = qn_tls_shares_agree(&s->shares, c->env, (uint16_t)a.group, a.share, secret, &n);
    if (err != QN_OK)
        return err == QN_AUTH ? illegal() : qn_tls_ours(err);
    c->suite = a.suite;
    c->group = (uint16_t)a.group;
    c->resumed = a.psk;
    c->state = QN_TLS_WANT_EXTENSIONS;
    err = hash_hellos(c, message);
    if (err == QN_OK)
        err = handshake_keys(c, qn_slice_of(secret, n));
    qn_wipe(secret, sizeof secret);
    return qn_tls_ours(err);
}
