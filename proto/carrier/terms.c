#include "carrier/terms.h"

enum { FLAG_PEERID = 1 };

static void put_vouch(const qn_vouch *v, uint8_t out[QN_VOUCH_SIZE])
{
    memcpy(out, v->identity.b, sizeof v->identity.b);
    memcpy(out + sizeof v->identity.b, v->signature.b, sizeof v->signature.b);
}

static void get_vouch(qn_vouch *v, const uint8_t in[QN_VOUCH_SIZE])
{
    memcpy(v->identity.b, in, sizeof v->identity.b);
    memcpy(v->signature.b, in + sizeof v->identity.b, sizeof v->signature.b);
}

void qn_terms_put(const qn_terms *t, uint8_t out[QN_TERMS_SIZE])
{
    out[0] = QN_TERMS_VERSION;
    qn_put32(out + 1, t->time);
    qn_put16(out + 5, t->max_record);
    out[7] = t->ciphers;
    qn_put16(out + 8, t->features);
    put_vouch(&t->vouch, out + 10);
}

qn_err qn_terms_get(qn_terms *t, qn_slice in)
{
    const uint8_t *p = in.p;
    qn_terms got;

    if (in.n == 0)
        return QN_PROTO;
    if (p[0] != QN_TERMS_VERSION)
        return QN_VERSION;
    if (in.n != QN_TERMS_SIZE)
        return QN_PROTO;
    got = (qn_terms){.time = qn_get32(p + 1),
                     .max_record = qn_get16(p + 5),
                     .ciphers = p[7],
                     .features = qn_get16(p + 8)};
    get_vouch(&got.vouch, p + 10);
    if (got.max_record < QN_RECORD_CONTENT_MIN || got.max_record > QN_RECORD_CONTENT_MAX ||
        (got.ciphers & 1u << QN_TERMS_CHACHA20_POLY1305) == 0)
        return QN_PROTO;
    *t = got;
    return QN_OK;
}

size_t qn_choice_put(const qn_choice *c, uint8_t *out)
{
    size_t n = 0;

    out[n++] = c->claim ? FLAG_PEERID : 0;
    if (c->claim) {
        memcpy(out + n, c->id.b, sizeof c->id.b);
        n += sizeof c->id.b;
        put_vouch(&c->vouch, out + n);
        n += QN_VOUCH_SIZE;
    }
    out[n++] = c->cipher;
    if (c->frames.n > 0)
        memcpy(out + n, c->frames.p, c->frames.n);
    return n + c->frames.n;
}

qn_err qn_choice_get(qn_choice *c, qn_slice in, uint8_t offered)
{
    const uint8_t *p = in.p;
    qn_choice got = {0};
    size_t at = 1;

    if (in.n < 2 || (p[0] & ~FLAG_PEERID) != 0)
        return QN_PROTO;
    got.claim = (p[0] & FLAG_PEERID) != 0;
    if (got.claim) {
        if (in.n < at + sizeof got.id.b + QN_VOUCH_SIZE + 1)
            return QN_PROTO;
        memcpy(got.id.b, p + at, sizeof got.id.b);
        at += sizeof got.id.b;
        get_vouch(&got.vouch, p + at);
        at += QN_VOUCH_SIZE;
    }
    got.cipher = p[at++];
    if (got.cipher > QN_TERMS_AES_256_GCM || (offered & 1u << got.cipher) == 0)
        return QN_PROTO;
    got.frames = qn_slice_of(p + at, in.n - at);
    *c = got;
    return QN_OK;
}

qn_err qn_terms_split(const qn_noise *x, qn_env *env, qn_record_keys *tx, qn_record_keys *rx,
                      qn_key *resume)
{
    static const char label[] = "qnet htx v1 resume"; /* one label for every kind of carrier */
    qn_key first = {0}, second = {0};
    qn_err err = qn_noise_split(x, env, &first, &second);

    if (err == QN_OK)
        err = qn_record_keys_init(tx, env, x->initiator ? &first : &second);
    if (err == QN_OK)
        err = qn_record_keys_init(rx, env, x->initiator ? &second : &first);
    if (err == QN_OK)
        err = qn_hkdf_expand(env, &x->ck, qn_slice_of(label, sizeof label - 1), resume->b,
                             sizeof resume->b);
    qn_wipe(&first, sizeof first);
    qn_wipe(&second, sizeof second);
    return err;
}
