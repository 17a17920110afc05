/* What a server may say once the handshake is done: tickets and new keys (RFC
 * 8446 4.6). */
#include "tls/internal.h"

enum { WEEK = 7 * 86400 }; /* 4.6.1: no ticket lives longer */

static qn_tls_fault undecodable(void)
{
    return qn_tls_fault_of(QN_PROTO, QN_TLS_DECODE_ERROR);
}

/* early_data is the only extension defined here; others are to be ignored. */
static bool read_extensions(qn_slice all, qn_tls_ticket *t)
{
    qn_tls_r r = qn_tls_reader(all);

    while (!r.bad && r.n > 0) {
        uint32_t type = qn_tls_uint(&r, 2);

        (void)qn_tls_vec(&r, 2);
        t->early_data = t->early_data || type == QN_TLS_X_EARLY_DATA;
    }
    return qn_tls_done(&r);
}

static qn_tls_fault on_ticket(qn_tls *c, qn_slice body, qn_tls_ticket *t, bool *kept)
{
    qn_tls_r r = qn_tls_reader(body);
    qn_slice nonce, id;
    uint32_t lifetime;
    qn_err err;

    *t = (qn_tls_ticket){.suite = c->suite->id, .received = c->env->now};
    lifetime = qn_tls_uint(&r, 4);
    t->age_add = qn_tls_uint(&r, 4);
    nonce = qn_tls_vec(&r, 1);
    id = qn_tls_vec(&r, 2);
    if (!read_extensions(qn_tls_vec(&r, 2), t) || !qn_tls_done(&r) || id.n == 0)
        return undecodable();
    *kept = lifetime > 0 && id.n <= sizeof t->id && ++c->tickets <= QN_TLS_TICKETS_MAX;
    if (!*kept)
        return qn_tls_fine();
    t->lifetime = QN_MIN(lifetime, (uint32_t)WEEK);
    t->id_n = (uint16_t)id.n;
    memcpy(t->id, id.p, id.n);
    err = qn_tls_expand(c->env, c->suite->md, c->resumption, "resumption", nonce, t->psk,
                        qn_md_size(c->suite->md));
    return qn_tls_ours(err);
}

static qn_tls_fault on_key_update(qn_tls *c, qn_slice message)
{
    if (message.n != 5)
        return undecodable();
    if (message.p[4] > 1)
        return qn_tls_fault_of(QN_PROTO, QN_TLS_ILLEGAL_PARAMETER);
    if (c->message_n != message.n || ++c->updates > QN_TLS_FLOOD_MAX)
        return qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
    c->update_owed = c->update_owed || message.p[4] == 1;
    return qn_tls_ours(qn_tls_keys_update(&c->rx, c->env));
}

qn_tls_fault qn_tls_on_post(qn_tls *c, qn_slice message, qn_tls_event *ev, bool *event)
{
    if (message.p[0] == QN_TLS_KEY_UPDATE)
        return on_key_update(c, message);
    if (message.p[0] != QN_TLS_NEW_SESSION_TICKET)
        return qn_tls_fault_of(QN_PROTO, QN_TLS_UNEXPECTED_MESSAGE);
    *ev = (qn_tls_event){.type = QN_TLS_TICKET};
    return on_ticket(c, qn_slice_of(message.p + 4, message.n - 4), &ev->ticket, event);
}
