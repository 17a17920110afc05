/*
 * Changing who the operators are, without founding the network again.
 *
 * A root says who they are and how many of them sign a list. Number 1 is what the founder signed;
 * number n + 1 counts when the thresholds of both n and n + 1 have signed it. Whoever holds n takes
 * n + 1 and nothing else, and never goes back (promise P5). All of them stay, one behind the other,
 * so that somebody with an old network file follows them one by one: a chain.
 */
#ifndef QN_DIR_ROOT_H
#define QN_DIR_ROOT_H

#include "crypto/crypto.h"
#include "qnet/network.h"

enum { QN_ROOT_SIGNATURES_MAX = 2 * QN_OPERATORS_MAX };

typedef struct qn_root_signature {
    qn_sign_public key; /* an operator's snapshot key */
    qn_signature signature;
} qn_root_signature;

/* Takes the first root of a chain off it. One that net has had already is passed over; the next one
 * is verified and net's operators become its own. QN_UNKNOWN: there is one missing between;
 * QN_AUTH: too few of either side have signed, or somebody else has; QN_CANON, QN_TRUNCATED,
 * QN_PROTO, QN_VERSION, QN_LIMIT. Unchanged upon errors. */
QN_MUST_CHECK qn_err qn_root_apply(qn_network *net, qn_slice *chain);
/* The number of a chain's last root; 1 when it is empty or malformed. */
uint32_t qn_roots_last(qn_slice chain);
/* The part of a chain that comes behind root `number`. */
QN_MUST_CHECK qn_err qn_roots_after(qn_slice chain, uint32_t number, qn_slice *out);

#endif
