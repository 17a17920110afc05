/*
 * Who sends next: deficit round robin with a list for flows that were idle (as fq_codel, RFC 8290
 * section 4.1). A flow that wakes is served before all busy ones for one quantum, so a request
 * never waits behind a download; busy flows share byte by byte, so no download waits for another.
 * Integers only, O(1), nodes live inside their owners.
 */
#ifndef QN_FRAME_SCHED_H
#define QN_FRAME_SCHED_H

#include "base/env.h"
#include "base/limits.h"

typedef struct qn_flow {
    struct qn_flow *next, *prev;
    int32_t deficit; /* bytes it may still send in this turn */
    uint8_t list;    /* sched.c's */
    bool active;     /* has something to send */
} qn_flow;

typedef struct qn_sched {
    struct {
        qn_flow *head, *tail;
    } list[2]; /* woken, busy */
} qn_sched;

/* A zeroed qn_sched and zeroed flows are ready for use. */

/* The flow has something to send; calling it again is harmless. */
void qn_sched_wake(qn_sched *s, qn_flow *f);
/* The flow to serve now; NULL when none is active. It stays where it is until charged. */
qn_flow *qn_sched_pick(qn_sched *s);
/* The picked flow sent n bytes, n <= QN_RECORD_CONTENT_MAX; `more`: it has more to send. */
void qn_sched_charge(qn_sched *s, qn_flow *f, uint32_t n, bool more);
/* Takes the flow out wherever it is; its owner may free it. */
void qn_sched_remove(qn_sched *s, qn_flow *f);

#endif
