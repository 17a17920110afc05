/*
 * "I am still here": a small object a listed node signs every QN_HEARTBEAT_EVERY.
 *
 * It names the descriptor sequence it stands for and carries the sender's wall clock as its own
 * sequence: an operator takes it only if newer than the last one and within QN_CLOCK_SKEW_S of
 * its own clock, so a recorded one revives nobody. How long a node then counts as live is measured
 * on the operator's monotonic clock alone (registry.h).
 */
#ifndef QN_DIR_HEARTBEAT_H
#define QN_DIR_HEARTBEAT_H

#include "crypto/crypto.h"
#include "qnet/id.h"
#include "qnet/network.h"

#define QN_HEARTBEAT_MAX 160 /* bytes; with every field at its longest it is under 140 */
#define QN_LOAD_MAX 1000

typedef struct qn_heartbeat {
    qn_peerid id;        /* set by open and sign from the key */
    uint64_t descriptor; /* sequence of the descriptor it stands for */
    int64_t time;        /* Unix seconds; strictly grows: the sender uses max(last + 1, wall) */
    uint16_t load;       /* 0 idle .. QN_LOAD_MAX full: a hint for path choice */
} qn_heartbeat;

/* *n <= QN_HEARTBEAT_MAX. QN_CONFIG: time or load out of range. */
QN_MUST_CHECK qn_err qn_heartbeat_sign(qn_heartbeat *h, qn_env *env, const qn_network *net,
                                       const qn_secret32 *identity, uint8_t out[QN_HEARTBEAT_MAX],
                                       size_t *n);
/* Everything but time; errors as qn_descriptor_open's. *h is unchanged after any error. */
QN_MUST_CHECK qn_err qn_heartbeat_open(qn_heartbeat *h, qn_env *env, const qn_network *net,
                                       qn_slice in);
/* QN_EARLY or QN_EXPIRED when further than QN_HEARTBEAT_SKEW_S from `wall`. */
QN_MUST_CHECK qn_err qn_heartbeat_fresh(const qn_heartbeat *h, int64_t wall);

#endif
