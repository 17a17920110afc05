/*
 * The retained log: every retained frame from the moment it is given its number until the peer
 * acknowledges it, as whole frames in wire form, with a cursor at the first one that was not yet
 * sealed. Sending is reading at the cursor; resuming on a fresh carrier is moving the cursor back.
 * A large frame is kept where it lies, small ones are copied together.
 */
#ifndef QN_LINK_LOG_H
#define QN_LINK_LOG_H

#include "base/block.h"
#include "frame/credit.h"
#include "frame/frame.h"

typedef struct qn_link_log {
    qn_queue q;       /* pieces of one or more whole frames */
    uint32_t at;      /* cursor: pieces before it are sealed, */
    uint32_t at_off;  /* whole frames' bytes of piece `at`, */
    uint32_t at_data; /* and data bytes of the frame there (it was split by MORE) */
    uint64_t acked;   /* number of the first unit kept */
    uint64_t sent;    /* units sealed at least once on some carrier */
    uint64_t cursor;  /* units sealed on this carrier */
    qn_credit_tx tx;  /* used: number of the next unit; limit: the peer's */
    uint64_t over;    /* charged to the budget: units kept beyond QN_LINK_BASE */
} qn_link_log;

#endif
