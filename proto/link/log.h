/*
 * The retained log: every retained frame from the moment it gets its number until the peer has
 * acknowledged it, as whole frames in wire form, and a cursor at what was not yet sealed. Sending
 * is reading at the cursor; resuming on a fresh carrier is moving the cursor back. A large frame
 * stays in the block it lies in, small ones are copied together.
 */
#ifndef QN_LINK_LOG_H
#define QN_LINK_LOG_H

#include "base/block.h"
#include "frame/credit.h"
#include "frame/frame.h"

typedef struct qn_log_pos {
    uint32_t piece, off; /* the frame starts `off` bytes into that piece of the queue */
    uint32_t data;       /* data bytes of this frame that are behind us: it was split by MORE */
    uint64_t units;      /* number of the unit here */
} qn_log_pos;

typedef struct qn_link_log {
    qn_queue q; /* pieces of one or more whole frames */
    qn_log_pos pos;
    qn_credit_tx tx; /* used: number of the next unit; limit: the peer's */
    uint64_t acked;  /* number of the first unit kept: always a frame's first */
    uint64_t heard;  /* what the peer said last, maybe inside the first frame kept */
    uint64_t sent;   /* highest unit ever sealed, on any carrier */
    uint64_t over;   /* charged to the budget: units kept beyond QN_LINK_BASE */
} qn_link_log;

void qn_log_init(qn_link_log *g);
void qn_log_clear(qn_link_log *g, qn_env *env, qn_budget *budget);

/* Whether a frame of so many units may be logged now: the peer's credit, QN_LINK_WINDOW_MAX, and
 * beyond QN_LINK_BASE the node's budget. */
bool qn_log_fits(const qn_link_log *g, const qn_budget *budget, uint64_t units);
/* A whole retained frame in wire form, for which fits() holds. QN_OK takes the reference. */
QN_MUST_CHECK qn_err qn_log_push(qn_link_log *g, qn_env *env, qn_budget *budget, qn_piece frame);
/* The same, copied. */
QN_MUST_CHECK qn_err qn_log_put(qn_link_log *g, qn_env *env, qn_budget *budget, const uint8_t *p,
                                size_t n);

/* Reading moves a caller's copy of the cursor; qn_log_sealed() makes it the log's. */

/* The frame at pos, or what a split left of it, as it would stand in a record: its length, 0 when
 * nothing is left. */
size_t qn_log_ahead(const qn_link_log *g, qn_log_pos *pos);
/* The whole frame at pos where it lies; only when pos->data is 0. Moves past it. */
qn_slice qn_log_direct(const qn_link_log *g, qn_log_pos *pos);
/* Writes what qn_log_ahead announced and moves past it; when cap is smaller, as much of a STREAM
 * frame as fits, with MORE. Returns the bytes written: 0 when nothing useful fits. */
size_t qn_log_copy(const qn_link_log *g, qn_log_pos *pos, uint8_t *out, size_t cap);
void qn_log_sealed(qn_link_log *g, const qn_log_pos *pos);

/* The peer has everything before this unit. QN_PROTO: less than it said before, or more than was
 * sealed on this carrier. */
QN_MUST_CHECK qn_err qn_log_ack(qn_link_log *g, qn_env *env, qn_budget *budget, uint64_t received);
/* A fresh carrier: send again from this unit. QN_PROTO, nothing changed: not between what the peer
 * acknowledged and what was ever sealed, or where no split can have been. */
QN_MUST_CHECK qn_err qn_log_rewind(qn_link_log *g, qn_env *env, qn_budget *budget,
                                   uint64_t received);

#endif
