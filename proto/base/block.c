#include "base/block.h"

#include "base/engine.h"

void qn_pool_init(qn_pool *pool, void *(*get)(size_t), void (*put)(void *))
{
    *pool = (qn_pool){.keep = QN_POOL_KEEP, .get = get, .put = put};
}

static void free_list_clear(qn_pool *pool, qn_block *b)
{
    while (b != NULL) {
        qn_block *next = b->next;

        pool->put(b);
        b = next;
    }
}

void qn_pool_clear(qn_pool *pool)
{
    free_list_clear(pool, pool->free_small);
    free_list_clear(pool, pool->free_large);
    pool->free_small = pool->free_large = NULL;
    pool->n_small = pool->n_large = 0;
}

static qn_block *pool_take(qn_pool *pool, uint32_t cap)
{
    qn_block **list = cap == QN_BLOCK_SMALL ? &pool->free_small : &pool->free_large;
    uint32_t *count = cap == QN_BLOCK_SMALL ? &pool->n_small : &pool->n_large;
    qn_block *b = *list;

    if (b != NULL) {
        *list = b->next;
        (*count)--;
        return b;
    }
    b = pool->get(sizeof *b + cap);
    if (b != NULL)
        *b = (qn_block){.cap = cap, .pool = pool};
    return b;
}

qn_block *qn_block_get(qn_env *env, size_t need)
{
    uint32_t cap = need <= QN_BLOCK_SMALL ? QN_BLOCK_SMALL : QN_BLOCK_LARGE;
    qn_block *b;

    QN_ASSERT(need <= QN_BLOCK_LARGE);
    if (!qn_mem_charge(&env->mem, sizeof *b + cap))
        return NULL;
    b = pool_take(&env->engine->pool, cap);
    if (b == NULL) {
        qn_mem_release(&env->mem, sizeof *b + cap);
        return NULL;
    }
    b->mem = &env->mem;
    b->refs = 1;
    b->next = NULL;
    return b;
}

void qn_block_drop(qn_block *b)
{
    qn_pool *pool;
    bool small;

    if (b == NULL)
        return;
    QN_ASSERT(b->refs > 0);
    if (--b->refs > 0)
        return;
    pool = b->pool;
    small = b->cap == QN_BLOCK_SMALL;
    qn_mem_release(b->mem, sizeof *b + b->cap);
    if ((small ? pool->n_small : pool->n_large) >= pool->keep) {
        pool->put(b);
        return;
    }
    b->next = small ? pool->free_small : pool->free_large;
    if (small) {
        pool->free_small = b;
        pool->n_small++;
    } else {
        pool->free_large = b;
        pool->n_large++;
    }
}

/* ---- queues ---------------------------------------------------------------------------------- */

enum { QUEUE_FIRST = 4 };

static qn_piece *at(const qn_queue *q, uint32_t i)
{
    return &q->v[(q->head + i) & (q->cap - 1)];
}

static qn_err queue_grow(qn_queue *q, qn_mem *mem, uint32_t want)
{
    uint32_t cap = q->cap ? q->cap : QUEUE_FIRST;
    qn_piece *v;

    while (cap < want)
        cap *= 2;
    if (cap == q->cap)
        return QN_OK;
    v = qn_mem_get(mem, cap * sizeof *v);
    if (v == NULL)
        return QN_NOMEM;
    for (uint32_t i = 0; i < q->n; i++)
        v[i] = *at(q, i);
    qn_mem_put(mem, q->v, q->cap * sizeof *v);
    q->v = v;
    q->cap = cap;
    q->head = 0;
    return QN_OK;
}

static void queue_shrink(qn_queue *q, qn_mem *mem)
{
    if (q->n > 0)
        return;
    qn_mem_put(mem, q->v, q->cap * sizeof *q->v);
    *q = (qn_queue){0};
}

qn_err qn_queue_push(qn_queue *q, qn_mem *mem, qn_piece piece)
{
    qn_err err = queue_grow(q, mem, q->n + 1);

    if (err != QN_OK)
        return err;
    *at(q, q->n++) = piece;
    q->bytes += piece.len;
    return QN_OK;
}

qn_err qn_queue_push_front(qn_queue *q, qn_mem *mem, qn_piece piece)
{
    qn_err err = queue_grow(q, mem, q->n + 1);

    if (err != QN_OK)
        return err;
    q->head = (q->head + q->cap - 1) & (q->cap - 1);
    q->n++;
    *at(q, 0) = piece;
    q->bytes += piece.len;
    return QN_OK;
}

/* The tail's free room, when the tail block is ours alone and its piece ends the used part. */
static size_t tail_room(const qn_queue *q)
{
    const qn_piece *t;

    if (q->n == 0)
        return 0;
    t = at(q, q->n - 1);
    return t->block->refs == 1 ? t->block->cap - t->off - t->len : 0;
}

static size_t append_part(size_t left)
{
    return QN_MIN(left, (size_t)(left >= QN_BLOCK_LARGE / 4 ? QN_BLOCK_LARGE : QN_BLOCK_SMALL));
}

qn_err qn_queue_append(qn_queue *q, qn_env *env, const void *p, size_t n)
{
    const uint8_t *from = p;
    size_t room = QN_MIN(tail_room(q), n);
    qn_queue fresh = {0};
    qn_err err;

    for (size_t done = room; done < n;) {
        size_t part = append_part(n - done);
        qn_piece piece = {.block = qn_block_get(env, part), .len = (uint32_t)part};

        if (piece.block == NULL || qn_queue_push(&fresh, &env->mem, piece) != QN_OK) {
            qn_block_drop(piece.block);
            qn_queue_clear(&fresh, &env->mem);
            return QN_NOMEM;
        }
        memcpy(piece.block->data, from + done, part);
        done += part;
    }
    if (fresh.n > 0) {
        err = queue_grow(q, &env->mem, q->n + fresh.n);
        if (err != QN_OK) {
            qn_queue_clear(&fresh, &env->mem);
            return err;
        }
    }
    if (room > 0) {
        qn_piece *t = at(q, q->n - 1);

        memcpy(qn_piece_data(t) + t->len, from, room);
        t->len += (uint32_t)room;
        q->bytes += room;
    }
    return qn_queue_move(q, &fresh, &env->mem);
}

qn_err qn_queue_push_compact(qn_queue *q, qn_env *env, qn_piece piece)
{
    qn_err err;

    if (piece.len >= piece.block->cap / 4 && piece.len > tail_room(q))
        return qn_queue_push(q, &env->mem, piece);
    err = qn_queue_append(q, env, qn_piece_data(&piece), piece.len);
    if (err == QN_OK)
        qn_block_drop(piece.block);
    return err;
}

qn_piece qn_queue_pop(qn_queue *q, qn_mem *mem)
{
    qn_piece p;

    QN_ASSERT(q->n > 0);
    p = q->v[q->head];
    q->head = (q->head + 1) & (q->cap - 1);
    q->n--;
    q->bytes -= p.len;
    queue_shrink(q, mem);
    return p;
}

void qn_queue_consume(qn_queue *q, qn_mem *mem, uint64_t n)
{
    QN_ASSERT(n <= q->bytes);
    while (n > 0) {
        qn_piece *h = &q->v[q->head];

        if (n < h->len) {
            h->off += (uint32_t)n;
            h->len -= (uint32_t)n;
            q->bytes -= n;
            return;
        }
        n -= h->len;
        qn_block_drop(qn_queue_pop(q, mem).block);
    }
}

unsigned qn_queue_peek(const qn_queue *q, qn_slice *v, unsigned max)
{
    unsigned n = QN_MIN(q->n, max);

    for (unsigned i = 0; i < n; i++)
        v[i] = qn_slice_of(qn_piece_data(at(q, i)), at(q, i)->len);
    return n;
}

qn_err qn_queue_move(qn_queue *dst, qn_queue *src, qn_mem *mem)
{
    qn_err err;

    if (src->n == 0)
        return QN_OK;
    err = queue_grow(dst, mem, dst->n + src->n);
    if (err != QN_OK)
        return err;
    while (src->n > 0) {
        qn_piece p = qn_queue_pop(src, mem);

        *at(dst, dst->n++) = p;
        dst->bytes += p.len;
    }
    return QN_OK;
}

void qn_queue_clear(qn_queue *q, qn_mem *mem)
{
    while (q->n > 0)
        qn_block_drop(qn_queue_pop(q, mem).block);
}
