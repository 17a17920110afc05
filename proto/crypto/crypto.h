/*
 * Primitives, and the only layer that names a crypto library.
 *
 * OpenSSL: AEADs, hashes (digest.h), ML-KEM's SHA-3 (mlkem.h), NIST curves (curve.h), certificates
 * (x509.h). libsodium: X25519, Ed25519 (no heap, strict verify).
 * Contexts live in the thread's engine; keys at rest are plain bytes in types of their own.
 */
#ifndef QN_CRYPTO_CRYPTO_H
#define QN_CRYPTO_CRYPTO_H

#include "base/engine.h"
#include "base/env.h"

typedef struct qn_key {
    uint8_t b[32];
} qn_key; /* AEAD or chaining secret */

typedef struct qn_hash {
    uint8_t b[32];
} qn_hash; /* SHA-256 */

typedef struct qn_dh_secret {
    uint8_t b[32];
} qn_dh_secret;

typedef struct qn_dh_public {
    uint8_t b[32];
} qn_dh_public;

typedef struct qn_sign_secret {
    uint8_t seed[32];
} qn_sign_secret;

typedef struct qn_sign_public {
    uint8_t b[32];
} qn_sign_public;

typedef struct qn_signature {
    uint8_t b[64];
} qn_signature;

struct qn_crypto *qn_crypto_new(void); /* NULL when OpenSSL has no memory */
void qn_crypto_free(struct qn_crypto *c);

/* ---- AEAD: ChaCha20-Poly1305 (RFC 8439), 96-bit nonce, 16-byte tag --------------------------- */

typedef struct qn_nonce {
    uint8_t b[12];
} qn_nonce;
qn_nonce qn_nonce_le(uint64_t n);                          /* Noise: 4 zero bytes, LE64 */
qn_nonce qn_nonce_xor(const uint8_t iv[12], uint64_t seq); /* TLS 1.3: iv xor BE64 (RFC 8446 5.3) */

/*
 * Seals the two inputs as one message into out (a.n + b.n bytes) and writes the tag. out may be
 * a.p exactly (in place, then b must directly follow or be empty) or must not overlap. Lengths of
 * `a` that are multiples of 128 keep OpenSSL's Poly1305 on its fast path (docs/wire/cell.md).
 * QN_INTERNAL: OpenSSL failed; out is undefined.
 */
QN_MUST_CHECK qn_err qn_aead_seal(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad,
                                  qn_slice a, qn_slice b, uint8_t *out, uint8_t tag[QN_TAG]);
/*
 * Opens n bytes from in to out. Out of place leaves `in` as received whatever happens; in place
 * (out == in) a failure destroys it (OpenSSL wipes), which is right where failure kills the
 * circuit. QN_AUTH: the tag does not verify and out holds nothing usable.
 */
QN_MUST_CHECK qn_err qn_aead_open(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad,
                                  const uint8_t *in, size_t n, const uint8_t tag[QN_TAG],
                                  uint8_t *out);
/* Noise REKEY(k): the first 32 bytes of sealing 32 zeros under nonce 2^64-1 (Noise 4.2). The old
 * key is in no memory afterwards, OpenSSL's contexts included. */
QN_MUST_CHECK qn_err qn_aead_rekey(qn_env *env, qn_key *key);
/* The thread's contexts forget the keys they were last used with, which else stay there until the
 * next record or cell of whomever. For keys that are wiped for good. */
void qn_aead_forget(qn_env *env);

/* ---- The three AEADs of TLS 1.3 (RFC 8446 B.4), all with 12-byte nonces and 16-byte tags ----- */

typedef enum qn_cipher {
    QN_CHACHA20_POLY1305,
    QN_AES_128_GCM,
    QN_AES_256_GCM,
    QN_CIPHERS
} qn_cipher;

size_t qn_cipher_key_size(qn_cipher cipher); /* 16 or 32 bytes */
/* As qn_aead_seal and qn_aead_open; key has the cipher's size. */
QN_MUST_CHECK qn_err qn_cipher_seal(qn_env *env, qn_cipher cipher, const uint8_t *key,
                                    qn_nonce nonce, qn_slice ad, qn_slice a, qn_slice b,
                                    uint8_t *out, uint8_t tag[QN_TAG]);
QN_MUST_CHECK qn_err qn_cipher_open(qn_env *env, qn_cipher cipher, const uint8_t *key,
                                    qn_nonce nonce, qn_slice ad, const uint8_t *in, size_t n,
                                    const uint8_t tag[QN_TAG], uint8_t *out);

/* ---- Hashing --------------------------------------------------------------------------------- */

QN_MUST_CHECK qn_err qn_sha256(qn_env *env, const qn_slice *parts, size_t n, qn_hash *out);
QN_MUST_CHECK qn_err qn_hmac(qn_env *env, qn_slice key, const qn_slice *parts, size_t n,
                             qn_hash *out);
/* RFC 5869. okm_len <= 255 * 32. */
QN_MUST_CHECK qn_err qn_hkdf_extract(qn_env *env, qn_slice salt, qn_slice ikm, qn_hash *prk);
QN_MUST_CHECK qn_err qn_hkdf_expand(qn_env *env, const qn_hash *prk, qn_slice info, uint8_t *okm,
                                    size_t okm_len);

/* ---- X25519 (RFC 7748) ----------------------------------------------------------------------- */

void qn_dh_generate(qn_env *env, qn_dh_secret *secret, qn_dh_public *pub); /* from env->rng */
void qn_dh_derive(const qn_dh_secret *secret, qn_dh_public *pub);
/* QN_AUTH when the result is all zero (small-order input). */
QN_MUST_CHECK qn_err qn_dh(const qn_dh_secret *secret, const qn_dh_public *pub, qn_key *shared);

/* ---- Ed25519 (RFC 8032), one strict verifier: canonical S, no small-order A or R ------------- */

void qn_sign_generate(qn_env *env, qn_sign_secret *secret, qn_sign_public *pub);
void qn_sign_derive(const qn_sign_secret *secret, qn_sign_public *pub);
void qn_sign(const qn_sign_secret *secret, const void *msg, size_t n, qn_signature *sig);
QN_MUST_CHECK qn_err qn_verify(const qn_sign_public *pub, const void *msg, size_t n,
                               const qn_signature *sig);

/* ---- Hygiene --------------------------------------------------------------------------------- */

void qn_wipe(void *p, size_t n);
bool qn_equal(const void *a, const void *b, size_t n); /* constant time */

#endif
