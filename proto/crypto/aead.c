/* The AEADs through OpenSSL's EVP, and the contexts and algorithms a thread keeps. */
#include "crypto/crypto.h"

#include "crypto/internal.h"

#include <openssl/evp.h>

static const struct {
    const char *name;
    size_t key;
} ciphers[QN_CIPHERS] = {
    [QN_CHACHA20_POLY1305] = {"ChaCha20-Poly1305", 32},
    [QN_AES_128_GCM] = {"AES-128-GCM", 16},
    [QN_AES_256_GCM] = {"AES-256-GCM", 32},
};

static bool ciphers_new(struct qn_crypto *c)
{
    for (unsigned i = 0; i < QN_CIPHERS; i++) {
        c->seal[i] = EVP_CIPHER_CTX_new();
        c->open[i] = EVP_CIPHER_CTX_new();
        c->cipher[i] = EVP_CIPHER_fetch(NULL, ciphers[i].name, NULL);
        if (c->seal[i] == NULL || c->open[i] == NULL || c->cipher[i] == NULL ||
            EVP_EncryptInit_ex2(c->seal[i], c->cipher[i], NULL, NULL, NULL) != 1 ||
            EVP_DecryptInit_ex2(c->open[i], c->cipher[i], NULL, NULL, NULL) != 1)
            return false;
    }
    return true;
}

static bool digests_new(struct qn_crypto *c)
{
    c->md = EVP_MD_CTX_new();
    c->md_of[QN_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    c->md_of[QN_SHA384] = EVP_MD_fetch(NULL, "SHA384", NULL);
    c->sha3_256 = EVP_MD_fetch(NULL, "SHA3-256", NULL);
    c->sha3_512 = EVP_MD_fetch(NULL, "SHA3-512", NULL);
    c->shake128 = EVP_MD_fetch(NULL, "SHAKE128", NULL);
    c->shake256 = EVP_MD_fetch(NULL, "SHAKE256", NULL);
    return c->md != NULL && c->md_of[QN_SHA256] != NULL && c->md_of[QN_SHA384] != NULL &&
           c->sha3_256 != NULL && c->sha3_512 != NULL && c->shake128 != NULL && c->shake256 != NULL;
}

struct qn_crypto *qn_crypto_new(void)
{
    struct qn_crypto *c = OPENSSL_zalloc(sizeof *c);

    if (c == NULL)
        return NULL;
    if (!ciphers_new(c) || !digests_new(c)) {
        qn_crypto_free(c);
        return NULL;
    }
    return c;
}

void qn_crypto_free(struct qn_crypto *c)
{
    if (c == NULL)
        return;
    for (unsigned i = 0; i < QN_CIPHERS; i++) {
        EVP_CIPHER_CTX_free(c->seal[i]);
        EVP_CIPHER_CTX_free(c->open[i]);
        EVP_CIPHER_free(c->cipher[i]);
    }
    for (unsigned i = 0; i < QN_MDS; i++)
        EVP_MD_free(c->md_of[i]);
    EVP_MD_free(c->sha3_256);
    EVP_MD_free(c->sha3_512);
    EVP_MD_free(c->shake128);
    EVP_MD_free(c->shake256);
    EVP_MD_CTX_free(c->md);
    OPENSSL_free(c);
}

size_t qn_cipher_key_size(qn_cipher cipher)
{
    return ciphers[cipher].key;
}

qn_nonce qn_nonce_le(uint64_t n)
{
    qn_nonce nonce = {{0}};

    for (unsigned i = 0; i < 8; i++)
        nonce.b[4 + i] = (uint8_t)(n >> (8 * i));
    return nonce;
}

qn_nonce qn_nonce_xor(const uint8_t iv[12], uint64_t seq)
{
    qn_nonce nonce;
    uint8_t be[8];

    memcpy(nonce.b, iv, 12);
    qn_put64(be, seq);
    for (unsigned i = 0; i < 8; i++)
        nonce.b[4 + i] ^= be[i];
    return nonce;
}

static bool update(EVP_CIPHER_CTX *ctx, bool sealing, uint8_t *out, const uint8_t *in, size_t n)
{
    int done = 0;

    if (n == 0)
        return true;
    QN_ASSERT(n <= INT32_MAX);
    return (sealing ? EVP_EncryptUpdate(ctx, out, &done, in, (int)n)
                    : EVP_DecryptUpdate(ctx, out, &done, in, (int)n)) == 1;
}

qn_err qn_cipher_seal(qn_env *env, qn_cipher cipher, const uint8_t *key, qn_nonce nonce,
                      qn_slice ad, qn_slice a, qn_slice b, uint8_t *out, uint8_t tag[QN_TAG])
{
    EVP_CIPHER_CTX *ctx = env->engine->crypto->seal[cipher];
    uint8_t none[16];
    int left = 0;

    if (EVP_EncryptInit_ex2(ctx, NULL, key, nonce.b, NULL) != 1 ||
        !update(ctx, true, NULL, ad.p, ad.n) || !update(ctx, true, out, a.p, a.n) ||
        !update(ctx, true, out + a.n, b.p, b.n) || EVP_EncryptFinal_ex(ctx, none, &left) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, QN_TAG, tag) != 1)
        return QN_INTERNAL;
    return QN_OK;
}

qn_err qn_cipher_open(qn_env *env, qn_cipher cipher, const uint8_t *key, qn_nonce nonce,
                      qn_slice ad, const uint8_t *in, size_t n, const uint8_t tag[QN_TAG],
                      uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = env->engine->crypto->open[cipher];
    uint8_t expected[QN_TAG], none[16];
    size_t head = n - n % 128; /* keeps Poly1305 on its eight-way path (docs/wire/cell.md) */
    int left = 0;

    memcpy(expected, tag, QN_TAG); /* OpenSSL wants it writable; it may also lie where out goes */
    if (EVP_DecryptInit_ex2(ctx, NULL, key, nonce.b, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, QN_TAG, expected) != 1)
        return QN_INTERNAL;
    if (!update(ctx, false, NULL, ad.p, ad.n) || !update(ctx, false, out, in, head) ||
        !update(ctx, false, out + head, in + head, n - head) ||
        EVP_DecryptFinal_ex(ctx, none, &left) != 1)
        return QN_AUTH;
    return QN_OK;
}

qn_err qn_aead_seal(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad, qn_slice a,
                    qn_slice b, uint8_t *out, uint8_t tag[QN_TAG])
{
    return qn_cipher_seal(env, QN_CHACHA20_POLY1305, key->b, nonce, ad, a, b, out, tag);
}

qn_err qn_aead_open(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad, const uint8_t *in,
                    size_t n, const uint8_t tag[QN_TAG], uint8_t *out)
{
    return qn_cipher_open(env, QN_CHACHA20_POLY1305, key->b, nonce, ad, in, n, tag, out);
}

void qn_aead_forget(qn_env *env)
{
    static const uint8_t zeros[32];
    const struct qn_crypto *c = env->engine->crypto;

    /* A context that cannot be given another key cannot be used either. */
    (void)EVP_EncryptInit_ex2(c->seal[QN_CHACHA20_POLY1305], NULL, zeros, zeros, NULL);
    (void)EVP_DecryptInit_ex2(c->open[QN_CHACHA20_POLY1305], NULL, zeros, zeros, NULL);
}

qn_err qn_aead_rekey(qn_env *env, qn_key *key)
{
    static const uint8_t zeros[32];
    uint8_t tag[QN_TAG];
    qn_key next;
    qn_err err = qn_aead_seal(env, key, qn_nonce_le(UINT64_MAX), qn_slice_of(NULL, 0),
                              qn_slice_of(zeros, 32), qn_slice_of(NULL, 0), next.b, tag);

    if (err == QN_OK)
        *key = next;
    qn_wipe(&next, sizeof next);
    qn_aead_forget(env);
    return err;
}
