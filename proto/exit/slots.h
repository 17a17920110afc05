/*
 * What an exit grants: sockets, requests and bytes, in all and to each client, so that none takes
 * everything. Ids are u64 and the node's: a source is a client as far as the exit can tell them
 * apart (a circuit, or a link whose streams are one-hop circuits); an entry is the link a source
 * came in by, which many circuits may share. Memory: an entry of a table for each source that asked
 * for something and lives, and for each entry and destination with an open socket.
 */
#ifndef QN_EXIT_SLOTS_H
#define QN_EXIT_SLOTS_H

#include "base/map.h"
#include "exit/rate.h"
#include "qnet/addr.h"

typedef struct qn_slots_limits { /* 0: none */
    uint32_t all;                /* sockets; not 0 */
    uint32_t per_source, per_entry;
    uint32_t per_dest;              /* sockets of one source to one destination */
    qn_grant requests;              /* of a source */
    qn_grant bytes, bytes_together; /* of a source, of all; both directions count */
} qn_slots_limits;

typedef struct qn_count { /* private: one id of a table */
    uint64_t id;
    uint32_t n;
    bool kept; /* stays while its n is 0 */
    struct qn_count *next, *prev;
    qn_rate requests, bytes;
} qn_count;

typedef struct qn_counts { /* private */
    qn_map by_id;
    qn_count *first;
} qn_counts;

typedef struct qn_slots {
    qn_slots_limits limits;
    uint32_t n;
    uint64_t seed;
    qn_counts sources, entries, dests;
    qn_rate together;
} qn_slots;

/* One socket's place; the node sets source and entry. */
typedef struct qn_slot {
    uint64_t source, entry;
    uint64_t dest; /* set by take */
    bool held;
} qn_slot;

void qn_slots_init(qn_slots *s, const qn_slots_limits *limits, uint64_t seed);
/* A request for `dest`, which counts even when it is refused. QN_BUSY: the exit is full, or the
 * entry has its share; QN_LIMIT: the source has; QN_NOMEM. */
QN_MUST_CHECK qn_err qn_slots_take(qn_slots *s, qn_mem *mem, qn_time now, qn_slot *slot,
                                   const qn_dest *dest);
void qn_slots_give(qn_slots *s, qn_mem *mem, qn_slot *slot); /* harmless when not held */
/* 0: bytes may move; else when they may again. */
qn_time qn_slots_wait(qn_slots *s, const qn_slot *slot, qn_time now);
void qn_slots_moved(qn_slots *s, const qn_slot *slot, uint64_t bytes);
/* The source is gone. */
void qn_slots_forget(qn_slots *s, qn_mem *mem, uint64_t source);
void qn_slots_clear(qn_slots *s, qn_mem *mem); /* gives back all; may repeat */

#endif
