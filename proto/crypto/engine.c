/* A thread's shared things, and the deterministic byte stream for worlds that want one. */
#include "crypto/crypto.h"

#include <sodium.h>
#include <stdlib.h>

struct qn_engine *qn_engine_new(void)
{
    struct qn_engine *e;

    if (sodium_init() < 0)
        return NULL;
    e = malloc(sizeof *e);
    if (e == NULL)
        return NULL;
    qn_pool_init(&e->pool, malloc, free);
    e->crypto = qn_crypto_new();
    if (e->crypto == NULL) {
        free(e);
        return NULL;
    }
    return e;
}

void qn_engine_free(struct qn_engine *e)
{
    if (e == NULL)
        return;
    qn_pool_clear(&e->pool);
    qn_crypto_free(e->crypto);
    free(e);
}

void qn_drbg_init(qn_drbg *d, const char *label, uint64_t seed, uint64_t index)
{
    crypto_hash_sha256_state h;
    uint8_t numbers[16];

    *d = (qn_drbg){0};
    qn_put64(numbers, seed);
    qn_put64(numbers + 8, index);
    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, (const uint8_t *)label, strlen(label));
    crypto_hash_sha256_update(&h, numbers, sizeof numbers);
    crypto_hash_sha256_final(&h, d->key);
}

void qn_drbg_fill(void *ctx, void *out, size_t n)
{
    static const uint8_t nonce[8];
    qn_drbg *d = ctx;
    uint8_t *p = out;

    while (n > 0) {
        size_t part;

        if (d->left == 0) {
            memset(d->buf, 0, sizeof d->buf);
            crypto_stream_chacha20_xor_ic(d->buf, d->buf, sizeof d->buf, nonce, d->block++, d->key);
            d->left = sizeof d->buf;
        }
        part = QN_MIN(n, (size_t)d->left);
        memcpy(p, d->buf + sizeof d->buf - d->left, part);
        d->left -= (uint32_t)part;
        p += part;
        n -= part;
    }
}
