#include "tls/protect.h"

#include "base/limits.h"
#include "tls/numbers.h"

qn_err qn_tls_keys_init(qn_tls_keys *k, qn_env *env, const qn_tls_suite *suite,
                        const uint8_t *secret)
{
    qn_tls_keys fresh = {.suite = suite};
    qn_err err;

    memcpy(fresh.secret, secret, qn_md_size(suite->md));
    err = qn_tls_expand(env, suite->md, secret, "key", (qn_slice){0}, fresh.key,
                        qn_cipher_key_size(suite->cipher));
    if (err == QN_OK)
        err = qn_tls_expand(env, suite->md, secret, "iv", (qn_slice){0}, fresh.iv, sizeof fresh.iv);
    if (err == QN_OK)
        *k = fresh;
    qn_wipe(&fresh, sizeof fresh);
    return err;
}

qn_err qn_tls_keys_update(qn_tls_keys *k, qn_env *env)
{
    uint8_t next[QN_MD_MAX];
    qn_err err = qn_tls_expand(env, k->suite->md, k->secret, "traffic upd", (qn_slice){0}, next,
                               qn_md_size(k->suite->md));

    if (err == QN_OK)
        err = qn_tls_keys_init(k, env, k->suite, next);
    qn_wipe(next, sizeof next);
    return err;
}

static qn_err fill(const qn_tls_keys *k, qn_env *env, uint8_t type, qn_slice content,
                   uint8_t *record)
{
    uint8_t *body = record + QN_RECORD_HEADER;

    if (k->suite == NULL) {
        memcpy(body, content.p, content.n);
        return QN_OK;
    }
    return qn_cipher_seal(env, k->suite->cipher, k->key, qn_nonce_xor(k->iv, k->seq),
                          qn_slice_of(record, QN_RECORD_HEADER), content, qn_slice_of(&type, 1),
                          body, body + content.n + 1);
}

qn_err qn_tls_seal(qn_tls_keys *k, qn_env *env, uint8_t type, uint16_t version, qn_slice content,
                   qn_queue *out)
{
    size_t more = k->suite != NULL ? 1 + QN_TAG : 0, n = content.n + more;
    qn_piece piece = {.len = (uint32_t)(QN_RECORD_HEADER + n)};
    uint8_t *record;
    qn_err err;

    QN_ASSERT(content.n <= QN_RECORD_CONTENT_MAX);
    if (k->seq >= QN_REKEY_RECORDS)
        return QN_EXHAUSTED;
    piece.block = qn_block_get(env, piece.len);
    if (piece.block == NULL)
        return QN_NOMEM;
    record = piece.block->data;
    record[0] = k->suite != NULL ? QN_TLS_DATA : type;
    qn_put16(record + 1, k->suite != NULL ? 0x0303 : version);
    qn_put16(record + 3, (uint16_t)n);
    err = fill(k, env, type, content, record);
    if (err == QN_OK) {
        k->seq++; /* spent even when the queue has no room for the record */
        err = qn_queue_push(out, &env->mem, piece);
    }
    if (err != QN_OK)
        qn_block_drop(piece.block);
    return err;
}

/* Cuts padding and content type off n opened bytes. */
static qn_err strip(const uint8_t *p, size_t *n, uint8_t *type)
{
    while (*n > 0 && p[*n - 1] == 0)
        (*n)--;
    if (*n == 0)
        return QN_PROTO;
    *type = p[--*n];
    return *n <= QN_RECORD_CONTENT_MAX ? QN_OK : QN_LIMIT;
}

qn_err qn_tls_unseal(qn_tls_keys *k, qn_env *env, const uint8_t *record, size_t n,
                     qn_piece *content, uint8_t *type)
{
    const uint8_t *body = record + QN_RECORD_HEADER;
    size_t len;
    qn_block *b;
    qn_err err;

    if (n < QN_RECORD_HEADER + 1 + QN_TAG)
        return QN_AUTH;
    len = n - QN_RECORD_HEADER - QN_TAG;
    b = qn_block_get(env, len);
    if (b == NULL)
        return QN_NOMEM;
    err = qn_cipher_open(env, k->suite->cipher, k->key, qn_nonce_xor(k->iv, k->seq),
                         qn_slice_of(record, QN_RECORD_HEADER), body, len, body + len, b->data);
    if (err == QN_OK) {
        k->seq++;
        err = strip(b->data, &len, type);
    }
    if (err != QN_OK) {
        qn_block_drop(b);
        return err;
    }
    *content = (qn_piece){.block = b, .len = (uint32_t)len};
    return QN_OK;
}

qn_err qn_tls_track(const uint8_t *p, size_t n, size_t *size)
{
    size_t body;

    if ((n >= 1 && (p[0] < QN_TLS_CCS || p[0] > QN_TLS_DATA)) || (n >= 2 && p[1] != 3))
        return QN_PROTO;
    if (n < QN_RECORD_HEADER)
        return QN_SHORT;
    body = qn_get16(p + 3);
    if (body > QN_RECORD_BODY_MAX)
        return QN_LIMIT;
    *size = QN_RECORD_HEADER + body;
    return n < *size ? QN_SHORT : QN_OK;
}
