/*
 * A binary heap of deadlines. Timers are embedded in their owners; the heap holds pointers. Equal
 * deadlines leave in the order they were armed, so runs are alike on every machine.
 */
#ifndef QN_BASE_TIMER_H
#define QN_BASE_TIMER_H

#include "base/env.h"

typedef struct qn_timer {
    qn_time due;
    uint64_t order;
    uint32_t pos;  /* 1-based place in the heap; 0 = not armed */
    uint32_t kind; /* the owner's own word for what this timer is */
} qn_timer;

typedef struct qn_timers {
    qn_timer **v;
    uint32_t n, cap;
    uint64_t order;
} qn_timers;

/* Arms or moves. QN_NEVER disarms. QN_NOMEM leaves the timer as it was. */
QN_MUST_CHECK qn_err qn_timers_set(qn_timers *t, qn_mem *mem, qn_timer *timer, qn_time due);
void qn_timers_cancel(qn_timers *t, qn_timer *timer);
qn_time qn_timers_due(const qn_timers *t); /* QN_NEVER when empty */
/* The earliest timer with due <= now, disarmed; NULL when there is none. */
qn_timer *qn_timers_pop(qn_timers *t, qn_time now);
void qn_timers_clear(qn_timers *t, qn_mem *mem);

#endif
