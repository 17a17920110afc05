/*
 * A node's word for a key that it answers handshakes with: its identity's signature, shown inside
 * the handshake to whoever was let in (carrier/terms.h).
 *
 * A list names each node's keys without the node's signature, so a threshold of operators could
 * invent keys for an identity. Whoever is led by them to somebody else finds out here, before
 * anything is said on the link. docs/decisions/0025, docs/wire/link.md.
 */
#ifndef QN_DIR_VOUCH_H
#define QN_DIR_VOUCH_H

#include "carrier/terms.h"

/* What a key is for: none stands in for another. */
typedef enum qn_vouched {
    QN_VOUCHED_LINK,  /* answers bare handshakes; names the dialler in all of them */
    QN_VOUCHED_MIRROR /* answers HTX's */
} qn_vouched;

void qn_vouch_sign(qn_vouch *out, const uint8_t network[32], const qn_secret32 *identity,
                   qn_vouched what, const qn_dh_public *key);
/* QN_AUTH: it is not this node's word for this key. */
QN_MUST_CHECK qn_err qn_vouch_check(const qn_vouch *v, qn_env *env, const uint8_t network[32],
                                    const qn_peerid *node, qn_vouched what,
                                    const qn_dh_public *key);

#endif
