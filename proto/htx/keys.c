#include "htx/keys.h"

enum { E = 32, S = 32 + QN_TAG, LENGTH = 2 };

/* ---- one sealed record ---------------------------------------------------------------------- */

static qn_err expand(const qn_noise *x, qn_env *env, const char *label, uint8_t *out, size_t n)
{
    return qn_hkdf_expand(env, &x->ck, qn_slice_of(label, strlen(label)), out, n);
}

static qn_err derive(qn_htx_lock *k, qn_env *env, const qn_noise *x, const char *label)
{
    uint8_t both[sizeof k->key.b + sizeof k->iv];
    qn_err err = expand(x, env, label, both, sizeof both);

    if (err == QN_OK) {
        memcpy(k->key.b, both, sizeof k->key.b);
        memcpy(k->iv, both + sizeof k->key.b, sizeof k->iv);
    }
    qn_wipe(both, sizeof both);
    return err;
}

qn_err qn_htx_lock_proof(qn_htx_lock *k, qn_env *env, const qn_noise *x)
{
    return derive(k, env, x, "qnet htx v1 proof");
}

qn_err qn_htx_lock_final(qn_htx_lock *k, qn_env *env, const qn_noise *x)
{
    return derive(k, env, x, "qnet htx v1 msg3");
}

static bool record_size(size_t n)
{
    return n >= QN_RECORD_OVERHEAD && n <= QN_RECORD_HEADER + QN_RECORD_BODY_MAX;
}

qn_err qn_htx_lock_seal(const qn_htx_lock *k, qn_env *env, qn_slice content, uint8_t *record,
                        size_t n)
{
    uint8_t *body = record + QN_RECORD_HEADER;
    size_t plain;

    if (!record_size(n) || content.n > n - QN_RECORD_OVERHEAD)
        return QN_LIMIT;
    plain = n - QN_RECORD_HEADER - QN_TAG;
    record[0] = 0x17;
    qn_put16(record + 1, 0x0303);
    qn_put16(record + 3, (uint16_t)(n - QN_RECORD_HEADER));
    memcpy(body, content.p, content.n);
    memset(body + content.n, 0, plain - content.n);
    body[content.n] = QN_INNER_FRAMES;
    return qn_aead_seal(env, &k->key, qn_nonce_xor(k->iv, 0), qn_slice_of(record, QN_RECORD_HEADER),
                        qn_slice_of(body, plain), qn_slice_of(NULL, 0), body, body + plain);
}

qn_err qn_htx_lock_open(const qn_htx_lock *k, qn_env *env, const uint8_t *record, size_t n,
                        uint8_t *content, size_t *got)
{
    const uint8_t *body = record + QN_RECORD_HEADER;
    size_t plain;
    qn_err err;

    if (!record_size(n))
        return QN_AUTH;
    plain = n - QN_RECORD_HEADER - QN_TAG;
    err = qn_aead_open(env, &k->key, qn_nonce_xor(k->iv, 0), qn_slice_of(record, QN_RECORD_HEADER),
                       body, plain, body + plain, content);
    if (err != QN_OK)
        return err;
    while (plain > 0 && content[plain - 1] == 0)
        plain--;
    if (plain == 0 || content[plain - 1] != QN_INNER_FRAMES)
        return QN_PROTO;
    *got = plain - 1;
    return QN_OK;
}

/* ---- PROOF ----------------------------------------------------------------------------------- */

static qn_err mix_transcript(qn_noise *x, qn_env *env, const qn_hash *so_far)
{
    return qn_noise_mix_hash(x, env, qn_slice_of(so_far->b, sizeof so_far->b));
}

/* The ciphertext takes the key's place, so it is made elsewhere first. */
static qn_err encapsulate(qn_htx_kem *kem, qn_env *env)
{
    uint8_t m[32], ct[QN_MLKEM_CT];
    qn_key shared = {0};
    qn_err err;

    qn_rng_fill(env, m, sizeof m);
    err = qn_mlkem_encaps(env, &kem->u.ek, m, ct, &shared);
    if (err == QN_OK) {
        memcpy(kem->u.made.ct, ct, sizeof ct);
        kem->u.made.shared = shared;
    }
    qn_wipe(m, sizeof m);
    qn_wipe(&shared, sizeof shared);
    return err;
}

qn_err qn_htx_proof_prepare(qn_noise *x, qn_env *env, qn_htx_kem *kem)
{
    qn_noise next = *x;
    qn_err err = qn_noise_prepare(&next, env);

    if (err == QN_OK && kem->offered)
        err = encapsulate(kem, env);
    if (err == QN_OK)
        *x = next;
    qn_noise_clear(&next);
    return err;
}

qn_err qn_htx_proof_write(qn_noise *x, qn_env *env, const qn_hash *passed, const qn_htx_kem *kem,
                          const qn_terms *offer, uint8_t *out, size_t *n)
{
    uint8_t payload[QN_TERMS_SIZE], message[E + QN_TERMS_SIZE + QN_TAG];
    size_t ct = kem->offered ? QN_MLKEM_CT : 0, sealed = sizeof message - E;
    qn_noise next = *x;
    qn_err err = mix_transcript(&next, env, passed);

    qn_terms_put(offer, payload);
    if (kem->offered)
        qn_noise_mix_late(&next, qn_slice_of(kem->u.made.ct, ct), &kem->u.made.shared);
    if (err == QN_OK)
        err = qn_noise_write(&next, env, qn_slice_of(payload, sizeof payload), message);
    if (err == QN_OK) {
        memcpy(out, message, E);
        if (kem->offered)
            memcpy(out + E, kem->u.made.ct, ct);
        qn_put16(out + E + ct, (uint16_t)sealed);
        memcpy(out + E + ct + LENGTH, message + E, sealed);
        *n = E + ct + LENGTH + sealed;
        *x = next;
    }
    qn_noise_clear(&next);
    return err;
}

static qn_err decapsulate(qn_noise *x, qn_env *env, const qn_mlkem_dk *mlkem, const uint8_t *ct)
{
    qn_key shared = {0};
    qn_err err = qn_mlkem_decaps(env, mlkem, ct, &shared);

    if (err == QN_OK)
        qn_noise_mix_late(x, qn_slice_of(ct, QN_MLKEM_CT), &shared);
    qn_wipe(&shared, sizeof shared);
    return err;
}

static qn_err read_proof(qn_noise *x, qn_env *env, const qn_mlkem_dk *mlkem, qn_slice content,
                         qn_terms *offer)
{
    uint8_t message[E + QN_TERMS_SIZE + QN_TAG], payload[QN_TERMS_SIZE];
    size_t ct = mlkem != NULL ? QN_MLKEM_CT : 0, sealed = sizeof message - E, n;
    qn_err err;

    if (content.n != E + ct + LENGTH + sealed || qn_get16(content.p + E + ct) != sealed)
        return QN_PROTO;
    memcpy(message, content.p, E);
    memcpy(message + E, content.p + E + ct + LENGTH, sealed);
    err = mlkem != NULL ? decapsulate(x, env, mlkem, content.p + E) : QN_OK;
    if (err == QN_OK)
        err = qn_noise_read(x, env, qn_slice_of(message, sizeof message), payload, &n);
    return err == QN_OK ? qn_terms_get(offer, qn_slice_of(payload, n)) : err;
}

qn_err qn_htx_proof_read(qn_noise *x, qn_env *env, const qn_hash *passed, const qn_mlkem_dk *mlkem,
                         qn_slice content, qn_terms *offer)
{
    qn_noise next = *x;
    qn_err err = mix_transcript(&next, env, passed);

    if (err == QN_OK)
        err = read_proof(&next, env, mlkem, content, offer);
    if (err == QN_OK)
        *x = next;
    qn_noise_clear(&next);
    return err;
}

/* ---- message 3 ------------------------------------------------------------------------------- */

/* The Noise message is s' | c3; on the wire c3's length stands between them. */
qn_err qn_htx_final_write(qn_noise *x, qn_env *env, const qn_hash *sent, const qn_choice *choice,
                          uint8_t *out, size_t *n)
{
    qn_block *b = qn_block_get(env, QN_CHOICE_MAX + choice->frames.n);
    qn_noise next = *x;
    size_t payload_n, size;
    qn_err err;

    if (b == NULL)
        return QN_NOMEM;
    payload_n = qn_choice_put(choice, b->data);
    size = qn_noise_size(&next, payload_n);
    err = mix_transcript(&next, env, sent);
    if (err == QN_OK)
        err = qn_noise_write(&next, env, qn_slice_of(b->data, payload_n), out);
    if (err == QN_OK) {
        memmove(out + S + LENGTH, out + S, size - S);
        qn_put16(out + S, (uint16_t)(size - S));
        *n = size + LENGTH;
        *x = next;
    }
    qn_noise_clear(&next);
    qn_block_drop(b);
    return err;
}

static qn_err read_final(qn_noise *x, qn_env *env, qn_slice message, uint8_t offered,
                         uint8_t *plain, qn_choice *choice)
{
    size_t n;
    qn_err err = qn_noise_read(x, env, message, plain, &n);

    return err == QN_OK ? qn_choice_get(choice, qn_slice_of(plain, n), offered) : err;
}

qn_err qn_htx_final_read(qn_noise *x, qn_env *env, const qn_hash *sent, qn_slice content,
                         uint8_t offered, uint8_t *plain, qn_choice *choice)
{
    qn_noise next = *x;
    qn_block *b;
    qn_err err;

    if (content.n < S + LENGTH + QN_TAG || content.n > QN_BLOCK_LARGE ||
        qn_get16(content.p + S) != content.n - S - LENGTH)
        return QN_PROTO;
    b = qn_block_get(env, content.n - LENGTH);
    if (b == NULL)
        return QN_NOMEM;
    memcpy(b->data, content.p, S);
    memcpy(b->data + S, content.p + S + LENGTH, content.n - S - LENGTH);
    err = mix_transcript(&next, env, sent);
    if (err == QN_OK)
        err = read_final(&next, env, qn_slice_of(b->data, content.n - LENGTH), offered, plain,
                         choice);
    if (err == QN_OK)
        *x = next;
    qn_noise_clear(&next);
    qn_block_drop(b);
    return err;
}
