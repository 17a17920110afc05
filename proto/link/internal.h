/* What the files of the link layer share. */
#ifndef QN_LINK_INTERNAL_H
#define QN_LINK_INTERNAL_H

#include "link/link.h"

/* The link is over, for `err`; the first cause stands. Events follow from next(). */
void qn_link_end(qn_link *l, qn_err err, uint16_t code);

#endif
