/*
 * Who sends next: deficit round robin in three lists, served in this order.
 *
 * - Woken: flows that were idle (as fq_codel, RFC 8290 section 4.1), for one quantum. A request
 *   never waits behind a download.
 * - Favoured: flows that have sent little of late: QN_SCHED_FAVOUR bytes, which come back while
 * the flow has nothing to send, all of them within QN_SCHED_REST. A page never waits behind fifty
 * downloads, nor the next one after it was read.
 * - Busy: the rest, and of every QN_SCHED_AHEAD + 1 bytes one at least, so that no crowd of fresh
 *   flows stops a download.
 *
 * Within a list flows share byte by byte. Integers only, O(1), nodes live inside their owners.
 */
#ifndef QN_FRAME_SCHED_H
#define QN_FRAME_SCHED_H

#include "base/env.h"
#include "base/limits.h"

typedef struct qn_flow {
    struct qn_flow *next, *prev;
    qn_time idle;    /* since when it has had nothing to send */
    uint32_t spent;  /* of QN_SCHED_FAVOUR */
    int32_t deficit; /* bytes it may still send in this turn */
    uint8_t list;    /* sched.c's */
    bool active;     /* has something to send */
    bool bulk;       /* it had spent all, and not half of it has come back */
} qn_flow;

typedef struct qn_sched {
    struct {
        qn_flow *head, *tail;
    } list[3];      /* woken, favoured, busy */
    uint32_t ahead; /* bytes sent by others while busy flows waited, and not made good */
} qn_sched;

/* A zeroed qn_sched and zeroed flows are ready for use. */

/* The flow has something to send; calling it again is harmless. */
void qn_sched_wake(qn_sched *s, qn_flow *f, qn_time now);
/* The flow to serve now; NULL when none is active. It stays where it is until charged. */
qn_flow *qn_sched_pick(qn_sched *s);
/* The picked flow sent n bytes, n <= QN_RECORD_CONTENT_MAX; `more`: it has more to send. */
void qn_sched_charge(qn_sched *s, qn_flow *f, uint32_t n, bool more, qn_time now);
/* Takes the flow out wherever it is; its owner may free it. */
void qn_sched_remove(qn_sched *s, qn_flow *f);

#endif
