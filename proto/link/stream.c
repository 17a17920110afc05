#include "link/stream.h"

/* ---- lists ----------------------------------------------------------------------------------- */

void qn_stream_list_add(qn_link *l, qn_stream_list which, qn_stream *s)
{
    if ((s->lists & 1u << which) != 0)
        return;
    s->lists |= (uint8_t)(1u << which);
    s->on[which].next = NULL;
    s->on[which].prev = l->list[which].last;
    if (s->on[which].prev != NULL)
        s->on[which].prev->on[which].next = s;
    else
        l->list[which].first = s;
    l->list[which].last = s;
}

void qn_stream_list_remove(qn_link *l, qn_stream_list which, qn_stream *s)
{
    qn_stream *next = s->on[which].next, *prev = s->on[which].prev;

    if ((s->lists & 1u << which) == 0)
        return;
    s->lists &= (uint8_t) ~(1u << which);
    if (prev != NULL)
        prev->on[which].next = next;
    else
        l->list[which].first = next;
    if (next != NULL)
        next->on[which].prev = prev;
    else
        l->list[which].last = prev;
}

/* ---- life ------------------------------------------------------------------------------------ */

qn_stream *qn_stream_get(const qn_link *l, uint32_t id)
{
    return qn_map_get(&l->streams, id);
}

qn_stream *qn_stream_new(qn_link *l, uint32_t id, uint8_t kind)
{
    qn_mem *mem = &l->env->mem;
    qn_stream *s = qn_mem_get(mem, sizeof *s);

    if (s == NULL)
        return NULL;
    if (qn_map_set(&l->streams, mem, id, s) != QN_OK) {
        qn_mem_put(mem, s, sizeof *s);
        return NULL;
    }
    s->id = id;
    s->kind = kind;
    s->tx.limit = QN_STREAM_BASE;
    qn_credit_rx_init(&s->rx, QN_STREAM_BASE, QN_STREAM_WINDOW_MAX, l->env->now);
    qn_stream_list_add(l, QN_LIST_ALL, s);
    if (l->streams_n++ == 0 && l->carrier != NULL)
        qn_carrier_busy(l->carrier, true);
    return s;
}

void qn_stream_retire(qn_link *l, qn_stream *s)
{
    if ((s->lists & 1u << QN_LIST_ALL) != 0) {
        qn_map_del(&l->streams, &l->env->mem, s->id);
        if (--l->streams_n == 0 && l->carrier != NULL)
            qn_carrier_busy(l->carrier, false);
    }
    for (unsigned i = 0; i < QN_STREAM_LISTS; i++)
        qn_stream_list_remove(l, (qn_stream_list)i, s);
    qn_sched_remove(&l->sched, &s->flow);
    qn_delay_forget(&l->delay, s->id);
    qn_queue_clear(&s->q, &l->env->mem);
    qn_credit_release(&s->rx, l->budget);
}

void qn_stream_free(qn_link *l, qn_stream *s)
{
    qn_stream_retire(l, s);
    qn_mem_put(&l->env->mem, s, sizeof *s);
}

void qn_stream_note(qn_link *l, qn_stream *s, uint8_t note)
{
    s->notes |= note;
    qn_stream_list_add(l, QN_LIST_NOTIFY, s);
}

void qn_stream_check(qn_link *l, qn_stream *s)
{
    if (s->fin_logged && s->fin_got)
        qn_stream_note(l, s, QN_NOTE_DONE);
    if (s->starved && !s->fin_queued && s->q.bytes <= QN_STREAM_QUEUE_MAX / 2 &&
        qn_stream_writable(s) >= QN_FRAME_DATA_MAX) {
        s->starved = false;
        qn_stream_note(l, s, QN_NOTE_ROOM);
    }
}

/* ---- the egress queue ------------------------------------------------------------------------ */

/* Headers count as well, so that many tiny frames are no way around the bound. */
size_t qn_stream_writable(const qn_stream *s)
{
    uint64_t credit = qn_credit_left(&s->tx);
    uint64_t full = s->q.bytes + QN_STREAM_HEADER;

    if (s->fin_queued || full >= QN_STREAM_QUEUE_MAX)
        return 0;
    return (size_t)QN_MIN(credit, QN_STREAM_QUEUE_MAX - full);
}

static bool is_bytes(const qn_stream *s)
{
    return s->kind != QN_KIND_CIRCUIT;
}

/* The first frame, while it holds the kind byte alone: what comes first still fits behind it. */
static bool is_kind_alone(const qn_stream *s, const qn_piece *tail)
{
    return !s->introduced && s->q.n == 1 && tail->len == QN_STREAM_HEADER + 1;
}

/* The queue's last frame, when it may take n more data bytes: nobody cares where the frames of a
 * byte stream end. */
static qn_piece *growing(const qn_stream *s, size_t n)
{
    qn_piece *tail;

    if (s->q.n == 0)
        return NULL;
    tail = &s->q.v[(s->q.head + s->q.n - 1) & (s->q.cap - 1)];
    if (!is_bytes(s) && !is_kind_alone(s, tail))
        return NULL;
    if (n > 0 && (tail->block->refs != 1 || tail->block->cap - tail->off - tail->len < n ||
                  tail->len - QN_STREAM_HEADER + n > QN_FRAME_DATA_MAX))
        return NULL;
    return tail;
}

static void queued(qn_link *l, qn_stream *s, size_t n, bool fin)
{
    s->tx.used += n;
    s->fin_queued = fin;
    s->starved = s->starved || qn_stream_writable(s) < QN_FRAME_DATA_MAX;
    qn_delay_queued(&l->delay, s->id, s->tx.used, l->env->now);
    qn_sched_wake(&l->sched, &s->flow, l->env->now);
}

qn_err qn_stream_queue_bytes(qn_link *l, qn_stream *s, const uint8_t *p, size_t n, bool fin)
{
    qn_piece *tail = growing(s, n);
    bool first = !s->introduced && s->q.n == 0; /* the kind byte comes first */
    size_t data = n + (first ? 1 : 0);
    qn_piece piece = {.len = (uint32_t)(QN_STREAM_HEADER + data)};
    uint8_t flags = fin ? QN_FRAME_FIN : 0;
    uint8_t *at;

    if (tail != NULL) {
        if (n > 0)
            memcpy(qn_piece_data(tail) + tail->len, p, n);
        tail->len += (uint32_t)n;
        s->q.bytes += n;
        qn_frame_put_stream(qn_piece_data(tail), s->id, tail->len - QN_STREAM_HEADER, flags);
        queued(l, s, n, fin);
        return QN_OK;
    }
    piece.block = qn_block_get(l->env, piece.len);
    if (piece.block == NULL)
        return QN_NOMEM;
    at = piece.block->data + qn_frame_put_stream(piece.block->data, s->id, data, flags);
    if (first)
        *at++ = s->kind;
    if (n > 0)
        memcpy(at, p, n);
    if (qn_queue_push(&s->q, &l->env->mem, piece) != QN_OK) {
        qn_block_drop(piece.block);
        return QN_NOMEM;
    }
    queued(l, s, n, fin);
    return QN_OK;
}

qn_err qn_stream_queue(qn_link *l, qn_stream *s, qn_piece piece, bool fin)
{
    bool first = !s->introduced && s->q.n == 1;
    size_t n = piece.len;
    qn_err err;

    /* A small piece would pin a block many times its size, and a first one goes with its kind. */
    if (piece.block == NULL || piece.len < piece.block->cap / 4 ||
        (first && growing(s, n) != NULL)) {
        err = qn_stream_queue_bytes(l, s, n > 0 ? qn_piece_data(&piece) : NULL, n, fin);
        if (err == QN_OK)
            qn_block_drop(piece.block);
        return err;
    }
    QN_ASSERT(piece.off >= QN_STREAM_HEADER);
    piece.off -= QN_STREAM_HEADER;
    piece.len += QN_STREAM_HEADER;
    err = qn_queue_push(&s->q, &l->env->mem, piece);
    if (err != QN_OK)
        return err;
    qn_frame_put_stream(qn_piece_data(&piece), s->id, n, fin ? QN_FRAME_FIN : 0);
    queued(l, s, n, fin);
    return QN_OK;
}
