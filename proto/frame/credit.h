/*
 * Credit: how much a sender may send before its receiver says otherwise. Used alike for link
 * streams (in data bytes), for a link (in retained units) and by the circuit layer (app streams).
 *
 * Limits are absolute counts since the start, so a repeated or lost update is harmless. Both ends
 * begin with the same base. A receiver's window doubles while the data is consumed as it comes and
 * half a window goes by in less than QN_CREDIT_SPAN, so it comes to cover a span of the stream's
 * rate and no round-trip time is measured; it halves when half a window takes four spans. What a
 * receiver may have to hold beyond its base (the *exposure*: limit - returned - base) is charged to
 * one node-wide budget, exactly: credit shrinks only by not being renewed.
 */
#ifndef QN_FRAME_CREDIT_H
#define QN_FRAME_CREDIT_H

#include "base/env.h"
#include "base/limits.h"

typedef struct qn_budget {
    uint64_t limit, used;
} qn_budget;

/* Takes up to `want`, returns how much was left to take. */
uint64_t qn_budget_take(qn_budget *b, uint64_t want);
void qn_budget_give(qn_budget *b, uint64_t n);

typedef struct qn_credit_rx {
    uint64_t limit;    /* what the sender was told */
    uint64_t received; /* what it has sent us */
    uint64_t returned; /* what has left our memory again */
    qn_time granted;   /* when limit last rose */
    uint32_t window, base, max;
    uint32_t over; /* charged to the budget: max(limit - returned - base, 0) */
} qn_credit_rx;

void qn_credit_rx_init(qn_credit_rx *rx, uint32_t base, uint32_t max, qn_time now);
/* n arrived. QN_CREDIT: beyond the limit; nothing is counted. */
QN_MUST_CHECK qn_err qn_credit_take(qn_credit_rx *rx, uint64_t n);
/* n (of what was taken) left our memory; true when half a window waits to be granted. The budget
 * is the same in all calls, or NULL in all when the data costs no memory here. */
bool qn_credit_return(qn_credit_rx *rx, qn_budget *budget, uint64_t n);
bool qn_credit_due(const qn_credit_rx *rx);
/* The limit to tell the sender from now on; never lower than before. */
uint64_t qn_credit_grant(qn_credit_rx *rx, qn_budget *budget, qn_time now);
/* Gives everything back to the budget; the stream is over. May repeat. */
void qn_credit_release(qn_credit_rx *rx, qn_budget *budget);

typedef struct qn_credit_tx {
    uint64_t limit, used; /* used <= limit */
} qn_credit_tx;

static inline uint64_t qn_credit_left(const qn_credit_tx *tx)
{
    return tx->limit - tx->used;
}
/* The receiver's new limit. The same again is fine (acknowledgements repeat it). QN_PROTO, and
 * nothing changes: lower than before, or over 4 GiB ahead of what was used. */
QN_MUST_CHECK qn_err qn_credit_raise(qn_credit_tx *tx, uint64_t limit);

#endif
