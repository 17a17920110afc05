#include "link/log.h"

#include "base/engine.h"

enum { PART_MIN = 16 }; /* a split part with fewer data bytes than this is not worth its header */

void qn_log_init(qn_link_log *g)
{
    *g = (qn_link_log){.tx = {.limit = QN_LINK_BASE}};
}

/* Charges the budget for what is kept beyond the base; only ever less when units were dropped. */
static void settle(qn_link_log *g, qn_budget *budget)
{
    uint64_t kept = g->tx.used - g->acked;
    uint64_t over = kept > QN_LINK_BASE ? kept - QN_LINK_BASE : 0;

    if (over > g->over)
        g->over += qn_budget_take(budget, over - g->over);
    if (over < g->over) {
        qn_budget_give(budget, g->over - over);
        g->over = over;
    }
}

void qn_log_clear(qn_link_log *g, qn_env *env, qn_budget *budget)
{
    qn_queue_clear(&g->q, &env->mem);
    qn_budget_give(budget, g->over);
    qn_log_init(g);
}

bool qn_log_fits(const qn_link_log *g, const qn_budget *budget, uint64_t units)
{
    uint64_t kept = g->tx.used - g->acked + units;
    uint64_t spare = budget->limit > budget->used ? budget->limit - budget->used : 0;

    if (units > qn_credit_left(&g->tx) || kept > QN_LINK_WINDOW_MAX)
        return false;
    return kept <= QN_LINK_BASE + g->over || kept - QN_LINK_BASE - g->over <= spare;
}

/* ---- frames in the log: our own bytes, so a malformed one is a programming error ------------- */

static size_t frame_size(const uint8_t *p)
{
    return QN_FRAME_HEADER + qn_get24(p);
}

static uint64_t frame_units(const uint8_t *p)
{
    if ((p[3] & ~QN_FRAME_FLAGS) != QN_FRAME_STREAM)
        return 1;
    return frame_size(p) - QN_STREAM_HEADER + ((p[3] & QN_FRAME_MORE) != 0 ? 0 : 1);
}

static const qn_piece *piece_at(const qn_link_log *g, uint32_t i)
{
    return &g->q.v[(g->q.head + i) & (g->q.cap - 1)];
}

static void count_in(qn_link_log *g, qn_budget *budget, uint64_t units)
{
    g->tx.used += units;
    settle(g, budget);
}

qn_err qn_log_push(qn_link_log *g, qn_env *env, qn_budget *budget, qn_piece frame)
{
    uint64_t units = frame_units(qn_piece_data(&frame));
    qn_err err;

    if (frame.len >= frame.block->cap / 4) {
        err = qn_queue_push(&g->q, &env->mem, frame);
        if (err == QN_OK)
            count_in(g, budget, units);
        return err;
    }
    err = qn_log_put(g, env, budget, qn_piece_data(&frame), frame.len);
    if (err == QN_OK)
        qn_block_drop(frame.block);
    return err;
}

qn_err qn_log_put(qn_link_log *g, qn_env *env, qn_budget *budget, const uint8_t *p, size_t n)
{
    qn_piece *tail = g->q.n > 0 ? &g->q.v[(g->q.head + g->q.n - 1) & (g->q.cap - 1)] : NULL;
    qn_piece fresh = {.len = (uint32_t)n};

    if (tail != NULL && tail->block->refs == 1 && tail->block->cap - tail->off - tail->len >= n) {
        memcpy(qn_piece_data(tail) + tail->len, p, n);
        tail->len += (uint32_t)n;
        g->q.bytes += n;
    } else {
        fresh.block = qn_block_get(env, n);
        if (fresh.block == NULL)
            return QN_NOMEM;
        memcpy(fresh.block->data, p, n);
        if (qn_queue_push(&g->q, &env->mem, fresh) != QN_OK) {
            qn_block_drop(fresh.block);
            return QN_NOMEM;
        }
    }
    count_in(g, budget, frame_units(p));
    return QN_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The frame at pos; NULL at the end. A piece may grow behind pos, so its end is left only when
 * another piece follows. */
static const uint8_t *frame_at(const qn_link_log *g, qn_log_pos *pos)
{
    if (pos->piece < g->q.n && pos->off == piece_at(g, pos->piece)->len &&
        pos->piece + 1 < g->q.n) {
        pos->piece++;
        pos->off = 0;
    }
    if (pos->piece >= g->q.n || pos->off == piece_at(g, pos->piece)->len)
        return NULL;
    return qn_piece_data(piece_at(g, pos->piece)) + pos->off;
}

size_t qn_log_ahead(const qn_link_log *g, qn_log_pos *pos)
{
    const uint8_t *p = frame_at(g, pos);

    return p != NULL ? frame_size(p) - pos->data : 0;
}

static void pass(qn_log_pos *pos, const uint8_t *p)
{
    pos->units += frame_units(p) - pos->data;
    pos->off += (uint32_t)frame_size(p);
    pos->data = 0;
}

qn_slice qn_log_direct(const qn_link_log *g, qn_log_pos *pos)
{
    const uint8_t *p = frame_at(g, pos);

    QN_ASSERT(p != NULL && pos->data == 0);
    pass(pos, p);
    return qn_slice_of(p, frame_size(p));
}

/* A part of a STREAM frame under a header of its own. */
static size_t copy_part(const uint8_t *p, uint32_t from, size_t n, uint8_t flags, uint8_t *out)
{
    qn_frame_put_stream(out, qn_get32(p + QN_FRAME_HEADER), n, flags);
    memcpy(out + QN_STREAM_HEADER, p + QN_STREAM_HEADER + from, n);
    return QN_STREAM_HEADER + n;
}

size_t qn_log_copy(const qn_link_log *g, qn_log_pos *pos, uint8_t *out, size_t cap)
{
    const uint8_t *p = frame_at(g, pos);
    size_t left, n;

    if (p == NULL)
        return 0;
    left = frame_size(p) - pos->data;
    if (left <= cap) {
        if (pos->data == 0)
            memcpy(out, p, left);
        else
            copy_part(p, pos->data, left - QN_STREAM_HEADER, p[3] & QN_FRAME_FLAGS, out);
        pass(pos, p);
        return left;
    }
    if ((p[3] & ~QN_FRAME_FLAGS) != QN_FRAME_STREAM || cap < QN_STREAM_HEADER + PART_MIN)
        return 0;
    n = cap - QN_STREAM_HEADER;
    copy_part(p, pos->data, n, QN_FRAME_MORE, out);
    pos->data += (uint32_t)n;
    pos->units += n;
    return cap;
}

void qn_log_sealed(qn_link_log *g, const qn_log_pos *pos)
{
    g->pos = *pos;
    g->sent = QN_MAX(g->sent, pos->units);
}

/* ---- acknowledgements ------------------------------------------------------------------------ */

/* Takes n bytes, one whole frame, off the front and keeps the cursor where it is. */
static void drop_front(qn_link_log *g, qn_env *env, uint32_t n)
{
    bool whole_piece = qn_queue_head(&g->q)->len == n;

    if (g->pos.piece == 0)
        g->pos.off -= n;
    else if (whole_piece)
        g->pos.piece--;
    qn_queue_consume(&g->q, &env->mem, n);
}

/* Drops every frame that ends at or before `received`, which lies within what is kept. */
static void drop_until(qn_link_log *g, qn_env *env, qn_budget *budget, uint64_t received)
{
    while (g->q.n > 0) {
        const uint8_t *p = qn_piece_data(qn_queue_head(&g->q));
        uint64_t units = frame_units(p);

        if (received - g->acked < units)
            break;
        g->acked += units;
        drop_front(g, env, (uint32_t)frame_size(p));
    }
    g->heard = received;
    settle(g, budget);
}

qn_err qn_log_ack(qn_link_log *g, qn_env *env, qn_budget *budget, uint64_t received)
{
    if (received < g->heard || received > g->pos.units)
        return QN_PROTO;
    drop_until(g, env, budget, received);
    return QN_OK;
}

/* Whether a split may have ended at `received`: at a frame's start or inside its data. The unit
 * that stands for the end of a frame never travels alone. */
static bool is_boundary(const qn_link_log *g, uint64_t received)
{
    uint64_t at = g->acked;
    qn_log_pos pos = {0};
    const uint8_t *p;

    while ((p = frame_at(g, &pos)) != NULL) {
        uint64_t units = frame_units(p);

        if (received - at < units)
            return received == at || received - at < frame_size(p) - QN_STREAM_HEADER;
        at += units;
        pass(&pos, p);
    }
    return received == at;
}

qn_err qn_log_rewind(qn_link_log *g, qn_env *env, qn_budget *budget, uint64_t received)
{
    if (received < g->heard || received > g->sent || !is_boundary(g, received))
        return QN_PROTO;
    g->pos = (qn_log_pos){.piece = g->q.n}; /* out of the way of what is dropped */
    drop_until(g, env, budget, received);
    g->pos = (qn_log_pos){.data = (uint32_t)(received - g->acked), .units = received};
    return QN_OK;
}
