/*
 * How many requests each address gets: a bucket of tokens for each IPv4 address or IPv6 /64, which
 * fills at a rate. A fixed table; when many more addresses come than it holds, those that have been
 * away longest begin anew with a full bucket.
 */
#ifndef QN_REAL_RATION_H
#define QN_REAL_RATION_H

#include "qnet/addr.h"
#include "qnet/env.h"

#define QN_RATION_SETS 512
#define QN_RATION_WAYS 4 /* addresses whose hash is the same, side by side */

typedef struct qn_ration_bucket {
    uint8_t key[9];  /* family, then 4 or 8 bytes */
    qn_time full_at; /* when it will be full again; 0: never used */
} qn_ration_bucket;

typedef struct qn_ration {
    uint32_t rate;  /* tokens a second; 0: everybody gets what he asks for */
    uint32_t burst; /* tokens in a full bucket */
    uint64_t seed;  /* so that nobody outside can tell which addresses share a set */
    qn_ration_bucket v[QN_RATION_SETS][QN_RATION_WAYS];
} qn_ration;

void qn_ration_init(qn_ration *r, uint32_t rate, uint32_t burst, const qn_rng *rng);
/* Takes a token of this address; false: it has none. */
bool qn_ration_take(qn_ration *r, const qn_addr *a, qn_time now);

#endif
