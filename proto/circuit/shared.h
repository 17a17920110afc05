/* What all circuits and hops of one node share; the node fills it once and outlives them. */
#ifndef QN_CIRCUIT_SHARED_H
#define QN_CIRCUIT_SHARED_H

#include "crypto/crypto.h"
#include "dir/descriptor.h"
#include "frame/credit.h"
#include "qnet/id.h"

#define QN_ONION_KEYS_MAX 2 /* this epoch's, and the last one's while snapshots still list it */

typedef struct qn_onion_key {
    qn_dh_secret secret;
    qn_dh_public pub;
    uint8_t id[QN_ONION_ID];
} qn_onion_key;

/* Fills pub and id from the secret. Fails only when OpenSSL does. */
QN_MUST_CHECK qn_err qn_onion_key_init(qn_env *env, const qn_dh_secret *secret, qn_onion_key *out);

/* Work done, for the node's counters; each object adds to it. */
typedef struct qn_circuit_counts {
    uint64_t cells_forward, cells_backward; /* handled here, whatever the role */
    uint64_t relayed;                       /* cell bytes passed on as pipe or joint */
    uint64_t aead_bytes;                    /* sealed or opened in cells */
    uint64_t dh;                            /* X25519 operations, key generation included */
    uint64_t handshakes;                    /* hop handshakes completed, either side */
    uint64_t padding;                       /* DROP cells sent as padding */
    uint64_t padding_refused;               /* by us as an end, or by an end of ours */
} qn_circuit_counts;

typedef struct qn_circuits {
    qn_env *env;
    uint8_t network[32];
    qn_peerid self;
    uint8_t keys_n; /* 0: a node that is no hop for others */
    qn_onion_key keys[QN_ONION_KEYS_MAX];
    qn_budget *budget; /* credit above the bases (frame/credit.h) */
    uint8_t padding;   /* machine that our own circuits ask for (circuit/pad.h) */
    qn_circuit_counts counts;
} qn_circuits;

#endif
