#include "tls/hello.h"

#include "tls/numbers.h"

/* ---- draws --------------------------------------------------------------------------------- */

static void draw_grease(qn_tls_draw *d, qn_env *env)
{
    uint8_t seed[QN_TLS_GREASES];

    qn_rng_fill(env, seed, sizeof seed);
    for (unsigned i = 0; i < QN_TLS_GREASES; i++) {
        uint16_t v = (seed[i] & 0xf0) | 0x0a;

        d->grease[i] = (uint16_t)(v << 8 | v);
    }
    /* As BoringSSL keeps them apart. */
    if (d->grease[QN_TLS_GREASE_EXT1] == d->grease[QN_TLS_GREASE_EXT2])
        d->grease[QN_TLS_GREASE_EXT2] ^= 0x1010;
}

/* GREASE stays where the template has it; the others are shuffled uniformly (Fisher and Yates). */
static void draw_order(qn_tls_draw *d, qn_env *env, const qn_tls_profile *p)
{
    uint8_t place[QN_TLS_EXTENSIONS_MAX];
    uint32_t n = 0;

    for (uint8_t i = 0; i < p->ext_n; i++) {
        d->order[i] = i;
        if (p->permuted && p->ext[i].type != QN_TLS_GREASE)
            place[n++] = i;
    }
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = qn_rng_below(env, i);
        uint8_t moved = d->order[place[i - 1]];

        d->order[place[i - 1]] = d->order[place[j]];
        d->order[place[j]] = moved;
    }
    d->cookie_at = p->ext_n;
    if (n > 0) {
        d->cookie_at = place[qn_rng_below(env, n)];
        return;
    }
    for (uint8_t i = 0; i < p->ext_n; i++) /* NSS has it behind signature_algorithms */
        if (p->ext[i].type == QN_TLS_X_SIGALGS)
            d->cookie_at = (uint8_t)(i + 1);
}

/* `psk`: bytes of pre_shared_key's body. */
static size_t growth(const qn_tls_profile *p, size_t psk)
{
    return p->ech_step == 0 ? 0 : (psk + p->ech_step - 1) / p->ech_step * p->ech_step;
}

static void draw_ech(qn_tls_draw *d, qn_env *env, const qn_tls_profile *p, size_t psk)
{
    bool resumed = psk > 0;
    qn_dh_secret secret;
    qn_dh_public enc;

    if (p->ech_aead_n == 0)
        return;
    d->ech_aead = p->ech_aead[qn_rng_below(env, p->ech_aead_n)];
    d->ech_n = p->ech_size[resumed][qn_rng_below(env, p->ech_size_n[resumed])];
    if (resumed)
        d->ech_n = (uint16_t)(d->ech_n + growth(p, psk));
    QN_ASSERT(d->ech_n <= sizeof d->ech_payload); /* qn_tls_ticket_fits() has said so */
    qn_rng_fill(env, &d->ech_config, 1);
    qn_dh_generate(env, &secret, &enc);
    memcpy(d->ech_enc, enc.b, sizeof d->ech_enc);
    qn_wipe(&secret, sizeof secret);
    qn_rng_fill(env, d->ech_payload, d->ech_n);
}

void qn_tls_draw_make(qn_tls_draw *d, qn_env *env, const qn_tls_profile *profile, size_t psk)
{
    *d = (qn_tls_draw){0};
    qn_rng_fill(env, d->random, sizeof d->random);
    qn_rng_fill(env, d->session_id, sizeof d->session_id);
    draw_grease(d, env);
    draw_order(d, env, profile);
    draw_ech(d, env, profile, psk);
}

/* ---- extensions ---------------------------------------------------------------------------- */

enum { PSK_REST = 11 }; /* pre_shared_key without identity and binder: five lengths and the age */

size_t qn_tls_psk_size(const qn_tls_ticket *ticket, size_t binder)
{
    return ticket->id_n + binder + PSK_REST;
}

static bool size_known(const qn_tls_profile *p, size_t psk)
{
    size_t rest = p->ech_step == 0 ? 0 : psk % p->ech_step;

    for (unsigned i = 0; i < p->ech_size_n[1]; i++)
        if (p->ech_size[1][i] + growth(p, psk) > QN_TLS_ECH_PAYLOAD_MAX)
            return false;
    return rest >= p->ech_rest[0] && rest <= p->ech_rest[1];
}

bool qn_tls_ticket_fits(const qn_tls_profile *profile, const qn_tls_ticket *ticket, size_t binder,
                        qn_time now)
{
    return size_known(profile, qn_tls_psk_size(ticket, binder)) &&
           now - ticket->received < ticket->lifetime * QN_SEC;
}

static uint16_t greased(uint16_t v, uint16_t grease)
{
    return v == QN_TLS_GREASE ? grease : v;
}

/* A list of u16 behind `lead` bytes of length, its GREASE entries replaced. */
static void put_list(qn_tls_w *w, qn_slice body, size_t lead, uint16_t grease)
{
    qn_tls_put(w, body.p, lead);
    for (size_t i = lead; i + 1 < body.n; i += 2)
        qn_tls_put_uint(w, greased(qn_get16(body.p + i), grease), 2);
}

static void put_name(qn_tls_w *w, qn_slice name)
{
    size_t list = qn_tls_open(w, 2);

    qn_tls_put_uint(w, 0, 1); /* host_name */
    qn_tls_put_uint(w, (uint32_t)name.n, 2);
    qn_tls_put(w, name.p, name.n);
    qn_tls_shut(w, list, 2);
}

static qn_err put_share(qn_tls_w *w, qn_tls_shares *shares, qn_env *env, uint16_t group,
                        uint16_t grease)
{
    qn_err err = QN_OK;
    size_t start;

    qn_tls_put_uint(w, greased(group, grease), 2);
    start = qn_tls_open(w, 2);
    if (group == QN_TLS_GREASE)
        qn_tls_put_uint(w, 0, 1); /* its share is one zero byte */
    else
        err = qn_tls_shares_put(shares, env, group, w);
    qn_tls_shut(w, start, 2);
    return err;
}

/* After a HelloRetryRequest only the wanted share is left, GREASE included in what goes. */
static qn_err put_shares(qn_tls_w *w, const qn_tls_hello_spec *spec, const qn_tls_draw *d,
                         qn_tls_shares *shares, qn_env *env)
{
    const qn_tls_profile *p = spec->profile;
    size_t list = qn_tls_open(w, 2);
    qn_err err = QN_OK;

    if (spec->retry_group != 0)
        err = put_share(w, shares, env, spec->retry_group, 0);
    for (unsigned i = 0; spec->retry_group == 0 && i < p->share_n && err == QN_OK; i++)
        err = put_share(w, shares, env, p->share[i], d->grease[QN_TLS_GREASE_GROUP]);
    qn_tls_shut(w, list, 2);
    return err;
}

/* draft-ietf-tls-esni 6.2: an outer extension nobody can open. */
static void put_ech(qn_tls_w *w, const qn_tls_draw *d)
{
    qn_tls_put_uint(w, 0, 1);
    qn_tls_put_uint(w, 1, 2); /* HKDF-SHA256 */
    qn_tls_put_uint(w, d->ech_aead, 2);
    qn_tls_put_uint(w, d->ech_config, 1);
    qn_tls_put_uint(w, sizeof d->ech_enc, 2);
    qn_tls_put(w, d->ech_enc, sizeof d->ech_enc);
    qn_tls_put_uint(w, d->ech_n, 2);
    qn_tls_put(w, d->ech_payload, d->ech_n);
}

static qn_err put_body(qn_tls_w *w, const qn_tls_hello_spec *spec, const qn_tls_draw *d,
                       qn_tls_shares *shares, qn_env *env, const qn_tls_template *t)
{
    switch (t->type) {
    case QN_TLS_X_NAME:
        put_name(w, spec->name);
        return QN_OK;
    case QN_TLS_X_SHARES:
        return put_shares(w, spec, d, shares, env);
    case QN_TLS_X_ECH:
        put_ech(w, d);
        return QN_OK;
    case QN_TLS_X_GROUPS:
        put_list(w, t->body, 2, d->grease[QN_TLS_GREASE_GROUP]);
        return QN_OK;
    case QN_TLS_X_SIGALGS:
        put_list(w, t->body, 2, d->grease[QN_TLS_GREASE_SIGALG]);
        return QN_OK;
    case QN_TLS_X_VERSIONS:
        put_list(w, t->body, 1, d->grease[QN_TLS_GREASE_VERSION]);
        return QN_OK;
    default:
        qn_tls_put(w, t->body.p, t->body.n);
        return QN_OK;
    }
}

static void put_cookie(qn_tls_w *w, qn_slice cookie)
{
    if (cookie.n == 0)
        return;
    qn_tls_put_uint(w, QN_TLS_X_COOKIE, 2);
    qn_tls_put_uint(w, (uint32_t)cookie.n + 2, 2);
    qn_tls_put_uint(w, (uint32_t)cookie.n, 2);
    qn_tls_put(w, cookie.p, cookie.n);
}

static void put_psk(qn_tls_w *w, const qn_tls_hello_spec *spec, qn_time now, size_t *cut)
{
    const qn_tls_ticket *t = spec->ticket;
    uint32_t age = (uint32_t)((now - t->received) / QN_MS) + t->age_add; /* modulo 2^32 */
    uint8_t *binder;

    qn_tls_put_uint(w, QN_TLS_X_PSK, 2);
    qn_tls_put_uint(w, (uint32_t)qn_tls_psk_size(t, spec->binder), 2);
    qn_tls_put_uint(w, t->id_n + 6u, 2);
    qn_tls_put_uint(w, t->id_n, 2);
    qn_tls_put(w, t->id, t->id_n);
    qn_tls_put_uint(w, age, 4);
    *cut = w->n;
    qn_tls_put_uint(w, (uint32_t)spec->binder + 1, 2);
    qn_tls_put_uint(w, (uint32_t)spec->binder, 1);
    binder = qn_tls_room_for(w, spec->binder);
    if (binder != NULL)
        memset(binder, 0, spec->binder);
}

static bool dropped(const qn_tls_hello_spec *spec, uint16_t type)
{
    const qn_tls_profile *p = spec->profile;

    for (unsigned i = 0; spec->ticket != NULL && i < p->resumed_drops_n; i++)
        if (p->resumed_drops[i] == type)
            return true;
    return false;
}

static qn_err put_extensions(qn_tls_w *w, const qn_tls_hello_spec *spec, const qn_tls_draw *d,
                             qn_tls_shares *shares, qn_env *env)
{
    const qn_tls_profile *p = spec->profile;
    unsigned grease = QN_TLS_GREASE_EXT1;
    qn_err err = QN_OK;

    for (unsigned i = 0; i < p->ext_n && err == QN_OK; i++) {
        const qn_tls_template *t = &p->ext[d->order[i]];
        size_t start;

        if (i == d->cookie_at)
            put_cookie(w, spec->cookie);
        if (dropped(spec, t->type))
            continue;
        qn_tls_put_uint(w, t->type == QN_TLS_GREASE ? d->grease[grease++] : t->type, 2);
        start = qn_tls_open(w, 2);
        err = put_body(w, spec, d, shares, env, t);
        qn_tls_shut(w, start, 2);
    }
    if (d->cookie_at == p->ext_n)
        put_cookie(w, spec->cookie);
    return err;
}

qn_err qn_tls_hello_write(const qn_tls_hello_spec *spec, const qn_tls_draw *d,
                          qn_tls_shares *shares, qn_env *env, uint8_t out[QN_TLS_HELLO_MAX],
                          size_t *n, size_t *cut)
{
    const qn_tls_profile *p = spec->profile;
    qn_tls_w w = {.p = out, .cap = QN_TLS_HELLO_MAX};
    size_t message, extensions, before_binders = 0;
    qn_err err;

    qn_tls_put_uint(&w, QN_TLS_CLIENT_HELLO, 1);
    message = qn_tls_open(&w, 3);
    qn_tls_put_uint(&w, 0x0303, 2);
    qn_tls_put(&w, d->random, sizeof d->random);
    qn_tls_put_uint(&w, sizeof d->session_id, 1);
    qn_tls_put(&w, d->session_id, sizeof d->session_id);
    qn_tls_put_uint(&w, (uint32_t)p->ciphers.n, 2);
    put_list(&w, p->ciphers, 0, d->grease[QN_TLS_GREASE_CIPHER]);
    qn_tls_put_uint(&w, 0x0100, 2); /* one compression method: none */
    extensions = qn_tls_open(&w, 2);
    err = put_extensions(&w, spec, d, shares, env);
    if (err == QN_OK && spec->ticket != NULL)
        put_psk(&w, spec, env->now, &before_binders);
    qn_tls_shut(&w, extensions, 2);
    qn_tls_shut(&w, message, 3);
    if (err == QN_OK && w.bad)
        err = QN_LIMIT;
    *n = w.n;
    *cut = spec->ticket != NULL ? before_binders : w.n;
    return err;
}
