/*
 * HandshakeState (Noise 5.3), both roles.
 *
 * Each message works on a copy of the handshake and is committed last, so a message that fails,
 * at whatever token, leaves the handshake exactly as it was. Every path wipes the copy.
 */
#include "noise/internal.h"

/* Pre-messages "-> s" and "<- s": the initiator's key first (Noise 5.3). */
static qn_err mix_known(qn_noise *x, qn_env *env, bool initiators)
{
    bool mine = initiators == x->initiator;
    const qn_dh_public *pub = mine ? &x->s_pub : &x->rs;

    if (!(mine ? x->has_s : x->has_rs))
        return QN_STATE;
    return qn_noise_mix_hash(x, env, qn_slice_of(pub->b, sizeof pub->b));
}

static void take_pair(const qn_dh_secret *secret, const qn_dh_public *pub, qn_dh_secret *s,
                      qn_dh_public *s_pub)
{
    *s = *secret;
    if (pub != NULL)
        *s_pub = *pub;
    else
        qn_dh_derive(s, s_pub);
}

static void take_keys(qn_noise *x, const qn_noise_cfg *cfg)
{
    if (cfg->s != NULL) {
        take_pair(cfg->s, cfg->s_pub, &x->s, &x->s_pub);
        x->has_s = true;
    }
    if (cfg->e != NULL) {
        take_pair(cfg->e, cfg->e_pub, &x->e, &x->e_pub);
        x->has_e = true;
    }
    if (cfg->rs != NULL) {
        x->rs = *cfg->rs;
        x->has_rs = true;
    }
    if (cfg->psk != NULL)
        x->psk = *cfg->psk;
}

qn_err qn_noise_init(qn_noise *x, qn_env *env, const qn_noise_cfg *cfg)
{
    qn_err err;

    *x = (qn_noise){.pattern = cfg->pattern, .initiator = cfg->initiator};
    take_keys(x, cfg);
    err = qn__noise_begin(x, env, cfg->pattern->name);
    if (err == QN_OK)
        err = qn_noise_mix_hash(x, env, cfg->prologue);
    if (err == QN_OK && cfg->pattern->initiator_known)
        err = mix_known(x, env, true);
    if (err == QN_OK && cfg->pattern->responder_known)
        err = mix_known(x, env, false);
    if (err != QN_OK)
        qn_noise_clear(x);
    return err;
}

void qn_noise_try(qn_noise *x, const qn_key *psk, const qn_key *es)
{
    QN_ASSERT(!x->initiator && x->step == 0);
    x->psk = *psk;
    x->es = *es;
    x->has_es = true;
}

qn_err qn_noise_prepare(qn_noise *x, qn_env *env)
{
    qn_noise next = *x;
    qn_err err;

    if (!x->has_re)
        return QN_STATE;
    if (!next.has_e)
        qn_dh_generate(env, &next.e, &next.e_pub);
    err = qn_dh(&next.e, &next.re, &next.ee);
    if (err == QN_OK) {
        next.has_e = next.has_ee = true;
        *x = next;
    }
    qn_wipe(&next, sizeof next);
    return err;
}

void qn_noise_mix_late(qn_noise *x, qn_slice p, const qn_key *key)
{
    QN_ASSERT(p.n > 0);
    x->late = p;
    x->late_key = *key;
}

void qn_noise_clear(qn_noise *x)
{
    qn_wipe(x, sizeof *x);
}

bool qn_noise_done(const qn_noise *x)
{
    return x->pattern != NULL && x->step == x->pattern->messages;
}

bool qn_noise_my_turn(const qn_noise *x)
{
    return x->pattern != NULL && !qn_noise_done(x) && (x->step % 2 == 0) == x->initiator;
}

const qn_hash *qn_noise_hash(const qn_noise *x)
{
    return &x->h;
}

size_t qn_noise_size(const qn_noise *x, size_t payload_n)
{
    size_t n = payload_n, tag = qn__noise_tag(x);

    QN_ASSERT(x->pattern != NULL && !qn_noise_done(x));
    for (const uint8_t *token = x->pattern->message[x->step]; *token != QN_NOISE_END; token++) {
        if (*token == QN_NOISE_S) {
            n += sizeof x->s_pub.b + tag;
        } else if (*token == QN_NOISE_E) {
            n += sizeof x->e_pub.b;
            tag = x->pattern->has_psk ? QN_TAG : tag; /* see mix_e */
        } else {
            tag = QN_TAG;
        }
    }
    return n + tag;
}

/* "e": public, so hashed as it is; with a psk it also enters the key, which keeps the first
 * message's key from depending on the psk alone (Noise 9.2). */
static qn_err mix_e(qn_noise *x, qn_env *env, const qn_dh_public *pub)
{
    qn_slice e = qn_slice_of(pub->b, sizeof pub->b);
    qn_err err = qn_noise_mix_hash(x, env, e);

    if (err == QN_OK && x->pattern->has_psk)
        err = qn__noise_mix_key(x, env, e);
    return err;
}

/* "ee", "es", "se", "ss": the first letter is the initiator's key, the second the responder's. */
static qn_err mix_dh(qn_noise *x, qn_env *env, uint8_t token)
{
    bool my_s = token == QN_NOISE_SS || token == (x->initiator ? QN_NOISE_SE : QN_NOISE_ES);
    bool their_s = token == QN_NOISE_SS || token == (x->initiator ? QN_NOISE_ES : QN_NOISE_SE);
    qn_key shared;
    qn_err err;

    if (!(my_s ? x->has_s : x->has_e) || !(their_s ? x->has_rs : x->has_re))
        return QN_STATE;
    if (token == QN_NOISE_ES && x->has_es)
        return qn__noise_mix_key(x, env, qn_slice_of(x->es.b, sizeof x->es.b));
    if (token == QN_NOISE_EE && x->has_ee)
        return qn__noise_mix_key(x, env, qn_slice_of(x->ee.b, sizeof x->ee.b));
    err = qn_dh(my_s ? &x->s : &x->e, their_s ? &x->rs : &x->re, &shared);
    if (err == QN_OK)
        err = qn__noise_mix_key(x, env, qn_slice_of(shared.b, sizeof shared.b));
    qn_wipe(&shared, sizeof shared);
    return err;
}

/* Tokens that put nothing on the wire, alike for writer and reader. */
static qn_err mix_silent(qn_noise *x, qn_env *env, uint8_t token)
{
    if (token == QN_NOISE_PSK)
        return qn__noise_mix_key_and_hash(x, env, qn_slice_of(x->psk.b, sizeof x->psk.b));
    return mix_dh(x, env, token);
}

static qn_err mix_late(qn_noise *x, qn_env *env)
{
    qn_err err;

    if (x->late.n == 0)
        return QN_OK;
    err = qn_noise_mix_hash(x, env, x->late);
    if (err == QN_OK)
        err = qn__noise_mix_key_and_hash(x, env, qn_slice_of(x->late_key.b, sizeof x->late_key.b));
    x->late = (qn_slice){0};
    qn_wipe(&x->late_key, sizeof x->late_key);
    return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

static qn_err write_e(qn_noise *x, qn_env *env, uint8_t **p)
{
    if (!x->has_e) {
        qn_dh_generate(env, &x->e, &x->e_pub);
        x->has_e = true;
    }
    memcpy(*p, x->e_pub.b, sizeof x->e_pub.b);
    *p += sizeof x->e_pub.b;
    return mix_e(x, env, &x->e_pub);
}

static qn_err write_s(qn_noise *x, qn_env *env, uint8_t **p)
{
    uint8_t *at = *p;

    if (!x->has_s)
        return QN_STATE;
    *p += sizeof x->s_pub.b + qn__noise_tag(x);
    return qn__noise_encrypt_and_hash(x, env, qn_slice_of(x->s_pub.b, sizeof x->s_pub.b), at);
}

static qn_err write_tokens(qn_noise *x, qn_env *env, uint8_t **p)
{
    qn_err err = QN_OK;

    for (const uint8_t *token = x->pattern->message[x->step];
         *token != QN_NOISE_END && err == QN_OK; token++) {
        if (*token == QN_NOISE_E)
            err = write_e(x, env, p);
        else if (*token == QN_NOISE_S)
            err = write_s(x, env, p);
        else
            err = mix_silent(x, env, *token);
    }
    return err;
}

qn_err qn_noise_write(qn_noise *x, qn_env *env, qn_slice payload, uint8_t *out)
{
    qn_noise next = *x;
    qn_err err = QN_STATE;

    if (qn_noise_my_turn(x)) {
        QN_ASSERT(qn_noise_size(x, payload.n) <= QN_NOISE_MESSAGE_MAX);
        err = write_tokens(&next, env, &out);
        if (err == QN_OK)
            err = mix_late(&next, env);
        if (err == QN_OK)
            err = qn__noise_encrypt_and_hash(&next, env, payload, out);
    }
    if (err == QN_OK) {
        next.step++;
        *x = next;
    }
    qn_wipe(&next, sizeof next);
    return err;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The next n bytes. qn_noise_read has compared the message with qn_noise_size, so they are there.
 */
static qn_slice take(qn_slice *msg, size_t n)
{
    qn_slice part = qn_slice_of(msg->p, n);

    QN_ASSERT(n <= msg->n);
    msg->p += n;
    msg->n -= n;
    return part;
}

static qn_err read_e(qn_noise *x, qn_env *env, qn_slice *msg)
{
    memcpy(x->re.b, take(msg, sizeof x->re.b).p, sizeof x->re.b);
    x->has_re = true;
    return mix_e(x, env, &x->re);
}

static qn_err read_s(qn_noise *x, qn_env *env, qn_slice *msg)
{
    qn_slice sealed = take(msg, sizeof x->rs.b + qn__noise_tag(x));

    x->has_rs = true;
    return qn__noise_decrypt_and_hash(x, env, sealed, x->rs.b);
}

static qn_err read_tokens(qn_noise *x, qn_env *env, qn_slice *msg)
{
    qn_err err = QN_OK;

    for (const uint8_t *token = x->pattern->message[x->step];
         *token != QN_NOISE_END && err == QN_OK; token++) {
        if (*token == QN_NOISE_E)
            err = read_e(x, env, msg);
        else if (*token == QN_NOISE_S)
            err = read_s(x, env, msg);
        else
            err = mix_silent(x, env, *token);
    }
    return err;
}

static qn_err may_read(const qn_noise *x, size_t n)
{
    if (x->pattern == NULL || qn_noise_done(x) || qn_noise_my_turn(x))
        return QN_STATE;
    if (n > QN_NOISE_MESSAGE_MAX)
        return QN_LIMIT;
    return n < qn_noise_size(x, 0) ? QN_TRUNCATED : QN_OK;
}

qn_err qn_noise_read(qn_noise *x, qn_env *env, qn_slice msg, uint8_t *payload, size_t *n)
{
    qn_noise next = *x;
    qn_err err = may_read(x, msg.n);

    if (err == QN_OK)
        err = read_tokens(&next, env, &msg);
    if (err == QN_OK)
        err = mix_late(&next, env);
    if (err == QN_OK)
        err = qn__noise_decrypt_and_hash(&next, env, msg, payload);
    if (err == QN_OK) {
        *n = msg.n - qn__noise_tag(&next);
        next.step++;
        *x = next;
    }
    qn_wipe(&next, sizeof next);
    return err;
}
