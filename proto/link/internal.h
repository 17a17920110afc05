/* What the files of the link layer share. */
#ifndef QN_LINK_INTERNAL_H
#define QN_LINK_INTERNAL_H

#include "link/link.h"

/* An acknowledgement goes out by itself after so long, so that an idle peer's log empties. */
#define QN_LINK_ACK_DELAY (100 * QN_MS)
/* And after so much, so that a sender without budget is never stopped by its own log. */
#define QN_LINK_ACK_UNITS (QN_LINK_BASE / 2)

/* stall.c */
void qn_stall_begin(qn_link *l); /* nothing was sealed on this carrier */
void qn_stall_sealed(qn_link *l);
void qn_stall_acked(qn_link *l);

/* The link is over, for `err`; the first cause stands. Events follow from next(). */
void qn_link_end(qn_link *l, qn_err err, uint16_t code);

#endif
