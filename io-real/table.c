/* Conns by the node's names for them: chained hashing, doubled when full. */
#include "io-real/internal.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 64 };

/* Names count up in their low bits, so these alone spread well. */
static conn **bucket_of(const table *t, qn_conn id)
{
    return &t->bucket[id & (t->buckets - 1)];
}

conn *qn__table_find(const table *t, qn_conn id)
{
    conn *c = t->buckets > 0 && id != 0 ? *bucket_of(t, id) : NULL;

    while (c != NULL && c->id != id)
        c = c->hash_next;
    return c;
}

static void put(table *t, conn *c)
{
    conn **at = bucket_of(t, c->id);

    c->hash_next = *at;
    *at = c;
}

static bool grow(table *t)
{
    table bigger = {.buckets = t->buckets ? t->buckets * 2 : FIRST_BUCKETS, .used = t->used};

    bigger.bucket = calloc(bigger.buckets, sizeof(conn *));
    if (bigger.bucket == NULL)
        return false;
    for (uint32_t i = 0; i < t->buckets; i++)
        for (conn *c = t->bucket[i], *next; c != NULL; c = next) {
            next = c->hash_next;
            put(&bigger, c);
        }
    free(t->bucket);
    *t = bigger;
    return true;
}

bool qn__table_add(table *t, conn *c)
{
    if (t->used >= t->buckets && !grow(t))
        return false;
    put(t, c);
    t->used++;
    return true;
}

void qn__table_remove(table *t, conn *c)
{
    conn **at = bucket_of(t, c->id);

    while (*at != c)
        at = &(*at)->hash_next;
    *at = c->hash_next;
    t->used--;
}
