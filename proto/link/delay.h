/*
 * How long what is queued on a link waits before it is sealed: one frame at a time is followed, the
 * first that is queued after the last one went, so it costs a comparison a frame.
 */
#ifndef QN_LINK_DELAY_H
#define QN_LINK_DELAY_H

#include "base/env.h"

typedef struct qn_delay {
    uint32_t stream; /* the followed frame's; 0: none is followed */
    uint64_t mark;   /* gone when the stream has sent so many bytes */
    qn_time since;
    qn_time mean; /* of the last eight or so */
    qn_time high; /* about one in a hundred waits longer */
} qn_delay;

/* Queued: the stream's bytes up to mark. */
void qn_delay_queued(qn_delay *d, uint32_t stream, uint64_t mark, qn_time now);
/* The stream has sent so many bytes. */
void qn_delay_sent(qn_delay *d, uint32_t stream, uint64_t sent, qn_time now);
/* The stream is over. */
void qn_delay_forget(qn_delay *d, uint32_t stream);

#endif
