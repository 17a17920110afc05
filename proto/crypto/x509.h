/*
 * Certificate chains as a TLS client judges them, by libcrypto, at a time the
 * caller names.
 *
 * What libcrypto allocates for it is freed before a call returns, but for the
 * two handles below.
 */
#ifndef QN_CRYPTO_X509_H
#define QN_CRYPTO_X509_H

#include "base/env.h"

typedef struct qn_roots qn_roots; /* trusted certificates; outlives every client that uses it */
typedef struct qn_cert_key qn_cert_key; /* a leaf's public key */

/* All certificates of a PEM bundle, or one DER certificate. QN_CONFIG: none, or
 * one is malformed. */
QN_MUST_CHECK qn_err qn_roots_new(qn_roots **out, qn_slice bytes);
void qn_roots_free(qn_roots *roots); /* NULL is fine */

/*
 * Verifies der[0] (the leaf) by way of the n - 1 others up to a root, for a TLS
 * server of this DNS name (subjectAltName only, as browsers do), at env->wall.
 * *key is the leaf's, freed by the caller. Good verdicts are kept with the roots,
 * QN_CHAINS_KEPT at most: a client meets the same few sites again and again, and
 * this is an eighth of a link's set-up. n <= QN_TLS_CHAIN_MAX. QN_PROTO: not DER; QN_EXPIRED,
 * QN_EARLY: some validity; QN_UNKNOWN: another name; QN_AUTH: everything else
 * (no path to a root, a bad signature, a purpose, a key under 112 bits of
 * security).
 */
QN_MUST_CHECK qn_err qn_chain_verify(qn_roots *roots, qn_env *env, const qn_slice *der, size_t n,
                                     qn_slice name, qn_cert_key **key);
void qn_cert_key_free(qn_cert_key *key); /* NULL is fine */

/* A TLS 1.3 signature over `message` by a SignatureScheme (RFC 8446 4.2.3):
 * ECDSA on P-256, P-384 and P-521 with its hash, RSA-PSS with rsaEncryption
 * keys. QN_AUTH: wrong, or the key is of another kind; QN_VERSION: a scheme
 * that this client does not verify. */
QN_MUST_CHECK qn_err qn_cert_verify(const qn_cert_key *key, uint16_t scheme, qn_slice message,
                                    qn_slice signature);

#endif
