/*
 * HMAC-SHA256 (RFC 2104) and HKDF (RFC 5869) over the engine's one SHA-256 context. OpenSSL 3.0's
 * EVP_MAC costs a context and a parameter list per call; two digests cost a tenth of that.
 */
#include "crypto/crypto.h"

enum { HASH_BLOCK = 64, PARTS_MAX = 8 };

static qn_err keyed_digest(qn_env *env, const uint8_t key[HASH_BLOCK], uint8_t pad,
                           const qn_slice *parts, size_t n, qn_hash *out)
{
    uint8_t block[HASH_BLOCK] = {0};
    qn_slice all[PARTS_MAX + 1] = {qn_slice_of(block, sizeof block)};
    qn_err err;

    QN_ASSERT(n <= PARTS_MAX);
    for (unsigned i = 0; i < HASH_BLOCK; i++)
        block[i] = key[i] ^ pad;
    for (size_t i = 0; i < n; i++)
        all[i + 1] = parts[i];
    err = qn_sha256(env, all, n + 1, out);
    qn_wipe(block, sizeof block);
    return err;
}

qn_err qn_hmac(qn_env *env, qn_slice key, const qn_slice *parts, size_t n, qn_hash *out)
{
    uint8_t k[HASH_BLOCK] = {0};
    qn_hash inner = {{0}};
    qn_slice inner_slice = qn_slice_of(inner.b, sizeof inner.b);
    qn_err err = QN_OK;

    if (key.n > HASH_BLOCK) {
        err = qn_sha256(env, &key, 1, &inner);
        memcpy(k, inner.b, sizeof inner.b);
    } else if (key.n > 0) {
        memcpy(k, key.p, key.n);
    }
    if (err == QN_OK)
        err = keyed_digest(env, k, 0x36, parts, n, &inner);
    if (err == QN_OK)
        err = keyed_digest(env, k, 0x5c, &inner_slice, 1, out);
    qn_wipe(k, sizeof k);
    qn_wipe(&inner, sizeof inner);
    return err;
}

qn_err qn_hkdf_extract(qn_env *env, qn_slice salt, qn_slice ikm, qn_hash *prk)
{
    return qn_hmac(env, salt, &ikm, 1, prk);
}

qn_err qn_hkdf_expand(qn_env *env, const qn_hash *prk, qn_slice info, uint8_t *okm, size_t okm_len)
{
    qn_hash t = {{0}};
    uint8_t count = 0;
    qn_err err = QN_OK;

    QN_ASSERT(okm_len <= 255 * sizeof t.b);
    while (okm_len > 0 && err == QN_OK) {
        size_t part = QN_MIN(okm_len, sizeof t.b);
        qn_slice parts[3] = {qn_slice_of(t.b, count > 0 ? sizeof t.b : 0), info,
                             qn_slice_of(&count, 1)};

        count++;
        err = qn_hmac(env, qn_slice_of(prk->b, sizeof prk->b), parts, 3, &t);
        if (err == QN_OK)
            memcpy(okm, t.b, part);
        okm += part;
        okm_len -= part;
    }
    qn_wipe(&t, sizeof t);
    return err;
}
