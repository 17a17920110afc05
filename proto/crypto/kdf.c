/*
 * HMAC (RFC 2104) and HKDF (RFC 5869) over the engine's one digest context. OpenSSL 3.0's EVP_MAC
 * costs a context and a parameter list per call; two digests cost a tenth of that.
 */
#include "crypto/crypto.h"
#include "crypto/digest.h"

enum { BLOCK_MAX = 128, PARTS_MAX = 8 };

static size_t block_of(qn_md md)
{
    return md == QN_SHA384 ? 128 : 64;
}

static qn_err keyed_digest(qn_env *env, qn_md md, const uint8_t key[BLOCK_MAX], uint8_t pad,
                           const qn_slice *parts, size_t n, uint8_t *out)
{
    uint8_t block[BLOCK_MAX] = {0};
    qn_slice all[PARTS_MAX + 1] = {qn_slice_of(block, block_of(md))};
    qn_err err;

    QN_ASSERT(n <= PARTS_MAX);
    for (unsigned i = 0; i < BLOCK_MAX; i++)
        block[i] = key[i] ^ pad;
    for (size_t i = 0; i < n; i++)
        all[i + 1] = parts[i];
    err = qn_md_hash(env, md, all, n + 1, out);
    qn_wipe(block, sizeof block);
    return err;
}

qn_err qn_md_hmac(qn_env *env, qn_md md, qn_slice key, const qn_slice *parts, size_t n,
                  uint8_t *out)
{
    uint8_t k[BLOCK_MAX] = {0}, inner[QN_MD_MAX];
    qn_slice inner_slice = qn_slice_of(inner, qn_md_size(md));
    qn_err err = QN_OK;

    if (key.n > block_of(md))
        err = qn_md_hash(env, md, &key, 1, k);
    else if (key.n > 0)
        memcpy(k, key.p, key.n);
    if (err == QN_OK)
        err = keyed_digest(env, md, k, 0x36, parts, n, inner);
    if (err == QN_OK)
        err = keyed_digest(env, md, k, 0x5c, &inner_slice, 1, out);
    qn_wipe(k, sizeof k);
    qn_wipe(inner, sizeof inner);
    return err;
}

qn_err qn_md_expand(qn_env *env, qn_md md, const uint8_t *prk, qn_slice info, uint8_t *okm,
                    size_t okm_n)
{
    uint8_t t[QN_MD_MAX], count = 0;
    size_t size = qn_md_size(md);
    qn_err err = QN_OK;

    QN_ASSERT(okm_n <= 255 * size);
    while (okm_n > 0 && err == QN_OK) {
        size_t part = QN_MIN(okm_n, size);
        qn_slice parts[3] = {qn_slice_of(t, count > 0 ? size : 0), info, qn_slice_of(&count, 1)};

        count++;
        err = qn_md_hmac(env, md, qn_slice_of(prk, size), parts, 3, t);
        if (err == QN_OK)
            memcpy(okm, t, part);
        okm += part;
        okm_n -= part;
    }
    qn_wipe(t, sizeof t);
    return err;
}

qn_err qn_hmac(qn_env *env, qn_slice key, const qn_slice *parts, size_t n, qn_hash *out)
{
    return qn_md_hmac(env, QN_SHA256, key, parts, n, out->b);
}

qn_err qn_hkdf_extract(qn_env *env, qn_slice salt, qn_slice ikm, qn_hash *prk)
{
    return qn_hmac(env, salt, &ikm, 1, prk);
}

qn_err qn_hkdf_expand(qn_env *env, const qn_hash *prk, qn_slice info, uint8_t *okm, size_t okm_len)
{
    return qn_md_expand(env, QN_SHA256, prk->b, info, okm, okm_len);
}
