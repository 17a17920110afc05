/*
 * Hashes, HMAC and HKDF where the algorithm is negotiated (TLS 1.3), and hashes that run along with
 * a stream. Where it is fixed, crypto.h's qn_sha256 and its kin are the short form.
 */
#ifndef QN_CRYPTO_DIGEST_H
#define QN_CRYPTO_DIGEST_H

#include "base/env.h"

#define QN_MD_MAX 48 /* bytes of the largest digest below */

typedef enum qn_md { QN_SHA256, QN_SHA384, QN_MDS } qn_md;

size_t qn_md_size(qn_md md);
/* out: qn_md_size bytes. QN_INTERNAL: OpenSSL failed. */
QN_MUST_CHECK qn_err qn_md_hash(qn_env *env, qn_md md, const qn_slice *parts, size_t n,
                                uint8_t *out);
/* RFC 2104; at most 8 parts. Also HKDF-Extract (RFC 5869): key = salt, one part = the material. */
QN_MUST_CHECK qn_err qn_md_hmac(qn_env *env, qn_md md, qn_slice key, const qn_slice *parts,
                                size_t n, uint8_t *out);
/* HKDF-Expand; prk has qn_md_size bytes, okm_n <= 255 times that. */
QN_MUST_CHECK qn_err qn_md_expand(qn_env *env, qn_md md, const uint8_t *prk, qn_slice info,
                                  uint8_t *okm, size_t okm_n);

/* A hash in progress. */
typedef struct qn_running {
    void *ctx; /* OpenSSL's; NULL before init and after clear */
    qn_md md;
} qn_running;

QN_MUST_CHECK qn_err qn_running_init(qn_running *r, qn_env *env, qn_md md); /* QN_NOMEM */
QN_MUST_CHECK qn_err qn_running_add(qn_running *r, qn_slice s);
/* The hash of everything so far and `more`; it goes on without `more`. */
QN_MUST_CHECK qn_err qn_running_peek(const qn_running *r, qn_env *env, qn_slice more, uint8_t *out);
void qn_running_clear(qn_running *r);

#endif
