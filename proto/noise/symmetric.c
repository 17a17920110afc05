/* SymmetricState (Noise 5.2): the transcript hash, the chaining key, and the key of the moment. */
#include "noise/internal.h"

qn_err qn__noise_begin(qn_noise *x, qn_env *env, const char *name)
{
    qn_slice part = qn_slice_of(name, strlen(name));
    qn_hash h = {{0}};
    qn_err err = QN_OK;

    if (part.n <= sizeof h.b)
        memcpy(h.b, part.p, part.n); /* short names are padded with zeros, not hashed */
    else
        err = qn_sha256(env, &part, 1, &h);
    x->h = x->ck = h;
    x->has_key = false;
    return err;
}

/* HKDF(ck, ikm, n) of Noise 4.3 is RFC 5869's with ck as salt and no info. */
static qn_err chain(const qn_noise *x, qn_env *env, qn_slice ikm, uint8_t *out, size_t n)
{
    qn_hash prk;
    qn_err err = qn_hkdf_extract(env, qn_slice_of(x->ck.b, sizeof x->ck.b), ikm, &prk);

    if (err == QN_OK)
        err = qn_hkdf_expand(env, &prk, qn_slice_of(NULL, 0), out, n);
    qn_wipe(&prk, sizeof prk);
    return err;
}

static void set_key(qn_noise *x, const uint8_t k[32])
{
    memcpy(x->k.b, k, sizeof x->k.b);
    x->n = 0;
    x->has_key = true;
}

qn_err qn__noise_mix_key(qn_noise *x, qn_env *env, qn_slice ikm)
{
    uint8_t out[64];
    qn_err err = chain(x, env, ikm, out, sizeof out);

    if (err == QN_OK) {
        memcpy(x->ck.b, out, 32);
        set_key(x, out + 32);
    }
    qn_wipe(out, sizeof out);
    return err;
}

qn_err qn__noise_mix_key_and_hash(qn_noise *x, qn_env *env, qn_slice ikm)
{
    uint8_t out[96];
    qn_err err = chain(x, env, ikm, out, sizeof out);

    if (err == QN_OK)
        err = qn_noise_mix_hash(x, env, qn_slice_of(out + 32, 32));
    if (err == QN_OK) {
        memcpy(x->ck.b, out, 32);
        set_key(x, out + 64);
    }
    qn_wipe(out, sizeof out);
    return err;
}

qn_err qn_noise_mix_hash(qn_noise *x, qn_env *env, qn_slice p)
{
    qn_slice parts[2] = {qn_slice_of(x->h.b, sizeof x->h.b), p};
    qn_hash h;
    qn_err err = qn_sha256(env, parts, 2, &h);

    if (err == QN_OK)
        x->h = h;
    return err;
}

size_t qn__noise_tag(const qn_noise *x)
{
    return x->has_key ? QN_TAG : 0;
}

qn_err qn__noise_encrypt_and_hash(qn_noise *x, qn_env *env, qn_slice in, uint8_t *out)
{
    qn_err err = QN_OK;

    if (x->has_key)
        err = qn_aead_seal(env, &x->k, qn_nonce_le(x->n++), qn_slice_of(x->h.b, sizeof x->h.b), in,
                           qn_slice_of(NULL, 0), out, out + in.n);
    else if (in.n > 0)
        memcpy(out, in.p, in.n);
    if (err != QN_OK)
        return err;
    return qn_noise_mix_hash(x, env, qn_slice_of(out, in.n + qn__noise_tag(x)));
}

qn_err qn__noise_decrypt_and_hash(qn_noise *x, qn_env *env, qn_slice in, uint8_t *out)
{
    size_t n = in.n - qn__noise_tag(x);
    qn_err err = QN_OK;

    if (x->has_key)
        err = qn_aead_open(env, &x->k, qn_nonce_le(x->n++), qn_slice_of(x->h.b, sizeof x->h.b),
                           in.p, n, in.p + n, out);
    else if (n > 0)
        memcpy(out, in.p, n);
    if (err != QN_OK)
        return err;
    return qn_noise_mix_hash(x, env, in);
}

qn_err qn_noise_split(const qn_noise *x, qn_env *env, qn_key *first, qn_key *second)
{
    uint8_t out[64];
    qn_err err;

    if (!qn_noise_done(x))
        return QN_STATE;
    err = chain(x, env, qn_slice_of(NULL, 0), out, sizeof out);
    if (err == QN_OK) {
        memcpy(first->b, out, 32);
        memcpy(second->b, out + 32, 32);
    }
    qn_wipe(out, sizeof out);
    return err;
}
