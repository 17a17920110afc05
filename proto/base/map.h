/*
 * u64 -> pointer, open addressing, insertion-independent results: nothing iterates a map for its
 * order. Keys may be chosen by a peer, so the hash is keyed by a draw from the env.
 */
#ifndef QN_BASE_MAP_H
#define QN_BASE_MAP_H

#include "base/env.h"

typedef struct qn_map_slot {
    uint64_t key;
    void *value; /* NULL: empty */
} qn_map_slot;

typedef struct qn_map {
    qn_map_slot *v;
    uint32_t cap, n; /* cap is 0 or a power of two; at most 3/4 full */
    uint64_t seed;
} qn_map;

void qn_map_init(qn_map *m, uint64_t seed);
void *qn_map_get(const qn_map *m, uint64_t key);
/* value != NULL; replaces, which needs no memory. QN_NOMEM: the map is as it was. */
QN_MUST_CHECK qn_err qn_map_set(qn_map *m, qn_mem *mem, uint64_t key, void *value);
void qn_map_del(qn_map *m, qn_mem *mem, uint64_t key); /* frees the table when it becomes empty */
void qn_map_clear(qn_map *m, qn_mem *mem);

#endif
