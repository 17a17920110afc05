/* What hops.c and witness.c share. */
#ifndef LIAR_INTERNAL_H
#define LIAR_INTERNAL_H

#include "liar/liar.h"

#include "node/internal.h"

enum { LIAR_BUCKETS = 4096 };

typedef struct entry { /* by pointer */
    struct entry *next;
    const void *key;
    void *value;
} entry;

typedef struct table {
    entry *bucket[LIAR_BUCKETS];
} table;

typedef struct place { /* a node */
    qn_peerid id;
    uint32_t lies; /* bits */
    uint64_t open; /* lies about cells for it that nobody has caught yet */
} place;

typedef struct text_record {  /* what a client has said to one hop, and the hop not yet opened */
    struct text_record *next; /* of all */
    qn_key key;               /* the first of the client's direction: pairs the two */
    uint64_t *v;              /* hashes, a ring */
    uint32_t first, n, cap;
} text_record;

struct liars {
    qn_drbg rng;
    table places;  /* by env: place */
    table hops;    /* by qn_hop: lane of hops.c */
    table clients; /* by the client's qn_onion: text_record */
    table ends;    /* by the hop's qn_onion: text_record */
    text_record *records;
    uint64_t open_back; /* lies on the way to clients that nobody has caught yet */
    struct lane *swaps; /* those that wait for a second circuit */
    liar_counts counts;
};

extern _Thread_local liars *liars_now;

void *table_get(const table *t, const void *key);
void table_set(table *t, const void *key, void *value); /* NULL: forget */
void table_clear(table *t, void (*each)(void *value));
void *must_get(size_t n); /* zeroed */
place *place_named(const liars *l, const qn_peerid *id);

#endif
