#include "crypto/digest.h"

#include "crypto/internal.h"

#include <openssl/evp.h>

size_t qn_md_size(qn_md md)
{
    return md == QN_SHA384 ? 48 : 32;
}

qn_err qn_md_hash(qn_env *env, qn_md md, const qn_slice *parts, size_t n, uint8_t *out)
{
    struct qn_crypto *c = env->engine->crypto;

    if (EVP_DigestInit_ex2(c->md, c->md_of[md], NULL) != 1)
        return QN_INTERNAL;
    for (size_t i = 0; i < n; i++)
        if (parts[i].n > 0 && EVP_DigestUpdate(c->md, parts[i].p, parts[i].n) != 1)
            return QN_INTERNAL;
    return EVP_DigestFinal_ex(c->md, out, NULL) == 1 ? QN_OK : QN_INTERNAL;
}

qn_err qn_sha256(qn_env *env, const qn_slice *parts, size_t n, qn_hash *out)
{
    return qn_md_hash(env, QN_SHA256, parts, n, out->b);
}

qn_err qn_running_init(qn_running *r, qn_env *env, qn_md md)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex2(ctx, env->engine->crypto->md_of[md], NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return QN_NOMEM;
    }
    *r = (qn_running){.ctx = ctx, .md = md};
    return QN_OK;
}

qn_err qn_running_add(qn_running *r, qn_slice s)
{
    return s.n == 0 || EVP_DigestUpdate(r->ctx, s.p, s.n) == 1 ? QN_OK : QN_INTERNAL;
}

qn_err qn_running_peek(const qn_running *r, qn_env *env, qn_slice more, uint8_t *out)
{
    EVP_MD_CTX *copy = env->engine->crypto->md;

    return EVP_MD_CTX_copy_ex(copy, r->ctx) == 1 &&
                   (more.n == 0 || EVP_DigestUpdate(copy, more.p, more.n) == 1) &&
                   EVP_DigestFinal_ex(copy, out, NULL) == 1
               ? QN_OK
               : QN_INTERNAL;
}

void qn_running_clear(qn_running *r)
{
    EVP_MD_CTX_free(r->ctx);
    *r = (qn_running){0};
}
