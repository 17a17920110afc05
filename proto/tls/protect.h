/* TLS 1.3 records (RFC 8446 section 5): one direction's keys, sealing and
 * opening. */
#ifndef QN_TLS_PROTECT_H
#define QN_TLS_PROTECT_H

#include "base/block.h"
#include "tls/keys.h"

typedef struct qn_tls_keys {
    const qn_tls_suite *suite; /* NULL: plaintext */
    uint8_t secret[QN_MD_MAX], key[32], iv[12];
    uint64_t seq;
} qn_tls_keys;

/* From a traffic secret of the suite's hash's size (7.3). */
QN_MUST_CHECK qn_err qn_tls_keys_init(qn_tls_keys *k, qn_env *env, const qn_tls_suite *suite,
                                      const uint8_t *secret);
/* The next generation (7.2). */
QN_MUST_CHECK qn_err qn_tls_keys_update(qn_tls_keys *k, qn_env *env);

/* Appends one record of a content type, unpadded as browsers send them; content
 * is at most 16,384 bytes. Without keys it is a plaintext record of the given
 * version. QN_NOMEM; QN_EXHAUSTED after 2^24 records under one key (5.5);
 * nothing is appended then. */
QN_MUST_CHECK qn_err qn_tls_seal(qn_tls_keys *k, qn_env *env, uint8_t type, uint16_t version,
                                 qn_slice content, qn_queue *out);
/* Opens a protected record of n bytes, header included, into a new piece.
 * QN_AUTH: it does not verify, and nothing changed; QN_PROTO: it verifies but
 * has no content type; QN_LIMIT: too much content. */
QN_MUST_CHECK qn_err qn_tls_unseal(qn_tls_keys *k, qn_env *env, const uint8_t *record, size_t n,
                                   qn_piece *content, uint8_t *type);

/* How long the record at p will be, header included. QN_SHORT, QN_PROTO (no TLS
 * record), QN_LIMIT. */
QN_MUST_CHECK qn_err qn_tls_track(const uint8_t *p, size_t n, size_t *size);

#endif
