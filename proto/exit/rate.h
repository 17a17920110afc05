/* Token buckets: so much a period, and what one period grants at once. */
#ifndef QN_EXIT_RATE_H
#define QN_EXIT_RATE_H

#include "base/env.h"

/* amount * period (in ns) fits 63 bits: 8 GiB a second do. 0: no limit. */
typedef struct qn_grant {
    uint64_t amount;
    qn_time period;
} qn_grant;

typedef struct qn_rate {
    qn_time at;    /* up to when it was filled */
    uint64_t used; /* of the amount; above it is debt */
} qn_rate;

/* 0: something is left; else when there will be. */
qn_time qn_rate_wait(qn_rate *r, const qn_grant *g, qn_time now);
/* May go into debt: what was read or asked already counts. */
void qn_rate_spend(qn_rate *r, const qn_grant *g, uint64_t n);

#endif
