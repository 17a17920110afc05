/*
 * Descriptors that other nodes told us of, beside the operators' list: what is newer than the list,
 * or in none. docs/wire/discovery.md says how they travel, docs/decisions/0015 what they are for.
 *
 * One entry for each PeerID, oldest news first. An entry is *reached* once a link of our own has
 * proved its link key at its address, for QN_HEARD_LIFE from then; only reached ones are passed on.
 * What strangers can make us keep is bounded by the table, by the prefix of the address and by
 * who told us; nodes that the list names are known by the operators' word and so bounded by it.
 */
#ifndef QN_DIR_HEARD_H
#define QN_DIR_HEARD_H

#include "dir/descriptor.h"

typedef struct qn_heard_entry {
    qn_descriptor d;
    qn_slice bytes;  /* the signed descriptor; owned by the table */
    qn_peerid from;  /* who told us: itself, when it introduced itself */
    qn_time reached; /* when a link of ours last proved it; 0: not yet */
    qn_time dial_at; /* the owner's: when to look again whether it answers ... */
    uint8_t tries;   /* ... and how often that failed */
    bool listed;     /* the list names its PeerID, with an older descriptor */
} qn_heard_entry;

typedef struct qn_heard {
    qn_env *env;
    qn_heard_entry **v;
    uint32_t n, cap;
} qn_heard;

void qn_heard_init(qn_heard *h, qn_env *env); /* env must outlive it */
void qn_heard_clear(qn_heard *h);             /* may repeat */

/* d as qn_descriptor_open gave it for these bytes, which are copied. The same bytes again are QN_OK
 * and change nothing. QN_STALE: a higher sequence is known; QN_REFUSED: this sequence with other
 * content; QN_QUOTA: too many of this prefix, or of this teller; QN_BUSY: full of better ones;
 * QN_EARLY, QN_EXPIRED; QN_NOMEM. A newer descriptor stays as reached as the old one if it
 * leads to the same place. */
QN_MUST_CHECK qn_err qn_heard_add(qn_heard *h, const qn_descriptor *d, qn_slice bytes,
                                  const qn_peerid *from, bool listed);
qn_heard_entry *qn_heard_find(const qn_heard *h, const qn_peerid *id); /* NULL: not there */
void qn_heard_remove(qn_heard *h, uint32_t i);
/* Within QN_HEARD_LIFE. */
bool qn_heard_reached(const qn_heard *h, const qn_heard_entry *e);

#endif
