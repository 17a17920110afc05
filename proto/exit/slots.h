/*
 * How many sockets an exit has open, in all and per source. A source is whatever the node calls
 * one (a circuit, or a link whose streams are one-hop circuits): any u64 id. So one client cannot
 * take every slot. Memory: one table entry per source with an open socket.
 */
#ifndef QN_EXIT_SLOTS_H
#define QN_EXIT_SLOTS_H

#include "base/map.h"

typedef struct qn_source {
    uint64_t id;
    uint32_t n; /* sockets open, at least 1 */
    struct qn_source *next, *prev;
} qn_source;

typedef struct qn_slots {
    uint32_t max, max_per_source;
    uint32_t n;
    qn_map by_id;
    qn_source *first; /* all of them, for clear */
} qn_slots;

void qn_slots_init(qn_slots *s, uint32_t max, uint32_t max_per_source, uint64_t seed);
/* QN_BUSY: at one of the bounds; QN_NOMEM. */
QN_MUST_CHECK qn_err qn_slots_take(qn_slots *s, qn_mem *mem, uint64_t id);
void qn_slots_give(qn_slots *s, qn_mem *mem, uint64_t id); /* of a slot taken */
void qn_slots_clear(qn_slots *s, qn_mem *mem);             /* gives back all; may repeat */

#endif
