/* TLS 1.3's key schedule (RFC 8446 section 7). */
#ifndef QN_TLS_KEYS_H
#define QN_TLS_KEYS_H

#include "crypto/crypto.h"
#include "crypto/digest.h"

typedef struct qn_tls_suite {
    uint16_t id;
    qn_cipher cipher;
    qn_md md;
} qn_tls_suite;

/* NULL: not one of the three this client speaks. */
const qn_tls_suite *qn_tls_suite_of(uint16_t id);

/* HKDF-Expand-Label; secret has the hash's size. label without "tls13 ". */
QN_MUST_CHECK qn_err qn_tls_expand(qn_env *env, qn_md md, const uint8_t *secret, const char *label,
                                   qn_slice context, uint8_t *out, size_t n);

/* One of the Early, Handshake and Master Secrets, in this order. */
typedef struct qn_tls_schedule {
    qn_md md;
    uint8_t secret[QN_MD_MAX];
} qn_tls_schedule;

/* The Early Secret; psk empty: none. */
QN_MUST_CHECK qn_err qn_tls_schedule_start(qn_tls_schedule *s, qn_env *env, qn_md md, qn_slice psk);
/* The next secret: from the shared secret, then (empty) from nothing. */
QN_MUST_CHECK qn_err qn_tls_schedule_next(qn_tls_schedule *s, qn_env *env, qn_slice shared);
/* Derive-Secret with a transcript hash of the schedule's size. */
QN_MUST_CHECK qn_err qn_tls_derive(const qn_tls_schedule *s, qn_env *env, const char *label,
                                   const uint8_t *transcript, uint8_t *out);
/* A Finished's verify_data under a traffic secret (4.4.4). */
QN_MUST_CHECK qn_err qn_tls_finished(qn_env *env, qn_md md, const uint8_t *secret,
                                     const uint8_t *transcript, uint8_t *out);
/* The binder of a ticket's key over the hash of everything up to the binders
 * (4.2.11.2). */
QN_MUST_CHECK qn_err qn_tls_binder(qn_env *env, qn_md md, qn_slice psk, const uint8_t *transcript,
                                   uint8_t *out);

#endif
