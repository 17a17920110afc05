/*
 * How many sealed bytes may wait for the socket. What is sealed can no longer be overtaken, so on a
 * conn that is slow there should be little of it, and what comes last moment still goes first (as
 * Tor's KIST: Jansen et al., Never Been KIST, 2014); on one that is fast, enough for one large
 * write. What the socket takes tells which it is, so nobody measures a rate.
 */
#ifndef QN_CARRIER_OUTFLOW_H
#define QN_CARRIER_OUTFLOW_H

#include "base/bytes.h"
#include "base/limits.h"

typedef struct qn_outflow {
    uint32_t ahead; /* beyond QN_LINK_OUT_MIN */
} qn_outflow;       /* zeroed: ready for use */

/* Whether another record may be sealed while so many bytes wait. */
static inline bool qn_outflow_open(const qn_outflow *f, size_t waiting)
{
    return waiting < QN_LINK_OUT_MIN + f->ahead;
}

/* The socket took n bytes, and left so many. */
static inline void qn_outflow_took(qn_outflow *f, size_t n, size_t left)
{
    uint32_t now = QN_LINK_OUT_MIN + f->ahead;
    size_t next = left > 0 ? n : n >= now ? 2 * now : now;

    f->ahead = (uint32_t)QN_MIN(QN_MAX(next, QN_LINK_OUT_MIN), QN_LINK_OUT_MAX) - QN_LINK_OUT_MIN;
}

#endif
