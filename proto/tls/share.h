/* The key shares of one hello: drawing them, writing them, and the secret a server's answer gives.
 */
#ifndef QN_TLS_SHARE_H
#define QN_TLS_SHARE_H

#include "crypto/curve.h"
#include "crypto/mlkem.h"
#include "tls/wire.h"

#define QN_TLS_SHARED_MAX 66 /* P-521's x coordinate; the hybrid's two secrets are 64 bytes */

/* Secrets; wiped by the owner. */
typedef struct qn_tls_shares {
    qn_dh_secret x25519;        /* of the standalone share */
    qn_dh_public x25519_pub;    /* which is this */
    qn_dh_secret hybrid_x25519; /* of the hybrid's second half */
    qn_mlkem_secret mlkem;      /* of its first */
    qn_mlkem_dk dk;             /* made from it when the share is put */
    qn_curve_secret curve;      /* of the one NIST share */
} qn_tls_shares;

/* Draws all secrets. one_x25519: both X25519 secrets are one (Firefox). */
void qn_tls_shares_draw(qn_tls_shares *s, qn_env *env, bool one_x25519);
/* Appends the public half of a group's share, without its length. A NIST curve is drawn now: a
 * hello holds at most one. QN_INTERNAL: OpenSSL failed. */
QN_MUST_CHECK qn_err qn_tls_shares_put(qn_tls_shares *s, qn_env *env, uint16_t group, qn_tls_w *w);
/* The shared secret for the server's share of a group that was put. QN_AUTH: not a valid share. */
QN_MUST_CHECK qn_err qn_tls_shares_agree(const qn_tls_shares *s, qn_env *env, uint16_t group,
                                         qn_slice server, uint8_t out[QN_TLS_SHARED_MAX],
                                         size_t *n);
/* This client can make and use shares of the group. */
bool qn_tls_group_known(uint16_t group);

#endif
