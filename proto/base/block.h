/*
 * Pooled, reference-counted blocks: the only place payload bytes live.
 *
 * A block is charged to one node's qn_mem while anybody holds it. Two classes (limits.h) so that
 * a lone small record does not pin 16 KiB. Pieces are views into blocks; queues of pieces are what
 * streams, logs and sockets wait in. The pool belongs to a thread's engine and keeps a few blocks
 * warm; all others go straight back to the allocator.
 */
#ifndef QN_BASE_BLOCK_H
#define QN_BASE_BLOCK_H

#include "base/env.h"

struct qn_pool;

typedef struct qn_block {
    uint32_t refs;
    uint32_t cap; /* bytes in data */
    qn_mem *mem;  /* charged sizeof(qn_block) + cap */
    struct qn_pool *pool;
    struct qn_block *next; /* in the pool's free list */
    uint8_t data[];
} qn_block;

typedef struct qn_pool {
    qn_block *free_small, *free_large;
    uint32_t n_small, n_large;
    uint32_t keep; /* of each class at most; QN_POOL_KEEP, or 0 to give every block back at once */
    void *(*get)(size_t n);
    void (*put)(void *p);
} qn_pool;

void qn_pool_init(qn_pool *pool, void *(*get)(size_t), void (*put)(void *));
void qn_pool_clear(qn_pool *pool);

/* A block with cap >= need and refs == 1; need <= QN_BLOCK_LARGE. NULL: at the cap or no memory.
 * Contents are undefined. */
qn_block *qn_block_get(qn_env *env, size_t need);
static inline qn_block *qn_block_ref(qn_block *b)
{
    b->refs++;
    return b;
}
void qn_block_drop(qn_block *b); /* NULL is fine */

/* A view into a block; whoever stores one holds one reference. */
typedef struct qn_piece {
    qn_block *block;
    uint32_t off, len;
} qn_piece;

static inline uint8_t *qn_piece_data(const qn_piece *p)
{
    return p->block->data + p->off;
}

/* A FIFO of pieces; empty costs nothing but the struct. */
typedef struct qn_queue {
    qn_piece *v;
    uint32_t cap, head, n;
    uint64_t bytes;
} qn_queue;

/* Takes over the piece's reference on QN_OK; on QN_NOMEM the caller still owns it. */
QN_MUST_CHECK qn_err qn_queue_push(qn_queue *q, qn_mem *mem, qn_piece piece);
/* As push, but a piece that fills less than a quarter of its block, or fits behind the tail piece
 * in a block that is ours alone, is copied. So, while nobody else holds its blocks, a queue pins at
 * most 5x its bytes, one small block at its tail, and what a partly consumed head leaves over. */
QN_MUST_CHECK qn_err qn_queue_push_compact(qn_queue *q, qn_env *env, qn_piece piece);
/* As push, in front of all others. */
QN_MUST_CHECK qn_err qn_queue_push_front(qn_queue *q, qn_mem *mem, qn_piece piece);
/* Copies n bytes into blocks of the queue's own: behind the tail piece first, then into large
 * blocks while they would be a quarter full, then small ones. All or nothing. */
QN_MUST_CHECK qn_err qn_queue_append(qn_queue *q, qn_env *env, const void *p, size_t n);
static inline qn_piece *qn_queue_head(const qn_queue *q)
{
    return q->n ? &q->v[q->head] : NULL;
}
/* Removes the head; the caller owns its reference. The queue must not be empty. */
qn_piece qn_queue_pop(qn_queue *q, qn_mem *mem);
/* Drops the first n bytes; n <= bytes. */
void qn_queue_consume(qn_queue *q, qn_mem *mem, uint64_t n);
/* The first pieces as slices, at most max; returns how many. */
unsigned qn_queue_peek(const qn_queue *q, qn_slice *v, unsigned max);
/* Moves everything from src behind dst. QN_NOMEM: nothing moved. */
QN_MUST_CHECK qn_err qn_queue_move(qn_queue *dst, qn_queue *src, qn_mem *mem);
void qn_queue_clear(qn_queue *q, qn_mem *mem);

#endif
