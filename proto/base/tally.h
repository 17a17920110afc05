/*
 * What a node's cryptography has done, for counters that a faked core could not show. One per
 * node; machines get a pointer, NULL when nobody counts.
 */
#ifndef QN_BASE_TALLY_H
#define QN_BASE_TALLY_H

#include <stdint.h>

typedef struct qn_tally {
    uint64_t aead_bytes; /* plaintext bytes sealed or opened under record and cell keys */
    uint64_t dh;         /* X25519 operations, key generation included */
    uint64_t handshakes; /* link and hop handshakes completed */
} qn_tally;

#endif
