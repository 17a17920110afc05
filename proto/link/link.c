/* A link's life and the verbs of its upper side. What comes in: in.c; what goes out: out.c. */
#include "link/link.h"

#include "link/internal.h"
#include "link/stream.h"

/* An idle link is this and its carrier: DESIGN allows 4 KiB, thousands of them want less. */
_Static_assert(sizeof(qn_link) <= 1024, "an idle link grew");

void qn_link_init(qn_link *l, qn_env *env, const qn_link_cfg *cfg)
{
    uint64_t seed = (uint64_t)qn_rng_u32(env) << 32;

    seed |= qn_rng_u32(env);
    *l = (qn_link){.env = env,
                   .budget = cfg->budget,
                   .initiator = cfg->initiator,
                   .next_id = cfg->initiator ? 1 : 2,
                   .ack_at = QN_NEVER,
                   .retry_at = QN_NEVER,
                   .ping_at = QN_NEVER};
    qn_map_init(&l->streams, seed);
    qn_log_init(&l->log);
    qn_credit_rx_init(&l->rx, QN_LINK_BASE, QN_LINK_WINDOW_MAX, env->now);
}

static void drop_input(qn_link *l)
{
    qn_block_drop(l->input.block);
    l->input = (qn_piece){0};
    l->input_off = 0;
    l->held.stream = 0;
}

void qn_link_clear(qn_link *l)
{
    if (l->env == NULL)
        return;
    drop_input(l);
    while (l->list[QN_LIST_ALL].first != NULL)
        qn_stream_free(l, l->list[QN_LIST_ALL].first);
    while (l->list[QN_LIST_CTRL].first != NULL)
        qn_stream_free(l, l->list[QN_LIST_CTRL].first);
    qn_map_clear(&l->streams, &l->env->mem);
    qn_log_clear(&l->log, l->env, l->budget);
    l->env = NULL;
}

void qn_link_end(qn_link *l, qn_err err, uint16_t code)
{
    if (l->over)
        return;
    drop_input(l);
    l->over = true;
    l->err = err;
    l->code = code;
    l->ack_at = l->retry_at = QN_NEVER;
}

/* ---- the carrier beneath --------------------------------------------------------------------- */

qn_err qn_link_attach(qn_link *l, qn_carrier *carrier, uint64_t peer_received)
{
    qn_err err = qn_log_rewind(&l->log, l->env, l->budget, peer_received);

    if (err != QN_OK)
        return err;
    l->carrier = carrier;
    l->spoken = false;
    l->gentle = carrier->kind->pace == NULL && (peer_received > 0 || l->rx.received > 0)
                    ? QN_RESUMED_GENTLY
                    : 0;
    qn_stall_begin(l);
    qn_carrier_busy(carrier, l->streams_n > 0);
    if (carrier->kind->pace != NULL)
        l->pace = carrier->kind->pace(carrier);
    else
        l->pace = (qn_pace){.units = QN_LINK_ACK_UNITS, .after = QN_LINK_ACK_DELAY};
    /* What the last carrier said of acknowledgements may be lost with it. */
    l->ack_due = l->rx.received > 0;
    return QN_OK;
}

void qn_link_detach(qn_link *l)
{
    l->carrier = NULL;
    l->ping_due = l->pong_due = false;
    l->ping_at = QN_NEVER; /* it died with the carrier */
    l->ack_at = l->retry_at = QN_NEVER;
}

bool qn_link_unfinished(const qn_link *l)
{
    return l->streams_n > 0 || l->closing_n > 0 || l->log.tx.used != l->log.heard;
}

uint64_t qn_link_received(const qn_link *l)
{
    return l->rx.received;
}

/* ---- streams --------------------------------------------------------------------------------- */

qn_err qn_link_open(qn_link *l, qn_stream_kind kind, void *user, uint32_t *id)
{
    qn_stream *s;

    if (l->over)
        return QN_STATE;
    if (l->streams_n >= QN_STREAMS_MAX || l->next_id > UINT32_MAX - 2)
        return QN_BUSY;
    s = qn_stream_new(l, l->next_id, (uint8_t)kind);
    if (s == NULL)
        return QN_NOMEM;
    s->user = user;
    s->tx.used = 1; /* the kind byte is the stream's first data byte */
    /* It waits in its turn from now on: introduced after a later id, the peer would take this one
     * for a stream of the past. */
    if (qn_stream_queue_bytes(l, s, NULL, 0, false) != QN_OK) {
        qn_stream_free(l, s);
        return QN_NOMEM;
    }
    l->next_id += 2;
    *id = s->id;
    return QN_OK;
}

void qn_link_set_user(qn_link *l, uint32_t id, void *user)
{
    qn_stream *s = qn_stream_get(l, id);

    if (s != NULL)
        s->user = user;
}

size_t qn_link_writable(const qn_link *l, uint32_t id)
{
    const qn_stream *s = qn_stream_get(l, id);

    return s != NULL && !l->over ? qn_stream_writable(s) : 0;
}

/* Whether n more bytes may be queued. A refusal owes ROOM too. */
static qn_err may_send(const qn_link *l, qn_stream *s, size_t n)
{
    if (s == NULL)
        return QN_UNKNOWN;
    if (l->over || s->fin_queued)
        return QN_STATE;
    if (n <= qn_stream_writable(s))
        return QN_OK;
    s->starved = true;
    return QN_FULL;
}

qn_err qn_link_send(qn_link *l, uint32_t id, qn_piece piece, bool fin)
{
    qn_stream *s = qn_stream_get(l, id);
    qn_err err = may_send(l, s, piece.len);

    QN_ASSERT(piece.len <= QN_FRAME_DATA_MAX);
    if (err != QN_OK)
        return err;
    if (piece.len > 0 || fin)
        return qn_stream_queue(l, s, piece, fin);
    qn_block_drop(piece.block);
    return QN_OK;
}

qn_err qn_link_send_bytes(qn_link *l, uint32_t id, const void *p, size_t n, bool fin)
{
    qn_stream *s = qn_stream_get(l, id);
    qn_err err = may_send(l, s, n);

    QN_ASSERT(n <= QN_FRAME_DATA_MAX);
    if (err != QN_OK || (n == 0 && !fin))
        return err;
    return qn_stream_queue_bytes(l, s, p, n, fin);
}

void qn_link_returned(qn_link *l, uint32_t id, size_t n)
{
    qn_stream *s = qn_stream_get(l, id);

    if (s == NULL || l->over)
        return;
    if (qn_credit_return(&s->rx, l->budget, n) && !s->fin_got) {
        s->window_due = true;
        qn_stream_list_add(l, QN_LIST_CTRL, s);
    }
}

void qn_link_close(qn_link *l, uint32_t id, uint16_t code)
{
    qn_stream *s = qn_stream_get(l, id);

    if (s == NULL)
        return;
    if (!s->introduced || l->over) { /* the peer never heard of it, or everything is over */
        qn_stream_free(l, s);
        return;
    }
    qn_stream_retire(l, s);
    s->close_due = true;
    l->closing_n++;
    s->window_due = false;
    s->close_code = code;
    qn_stream_list_add(l, QN_LIST_CTRL, s);
}

void qn_link_shut(qn_link *l, uint16_t code)
{
    qn_link_end(l, qn_close_err(code), code);
}

void qn_link_ping(qn_link *l)
{
    l->ping_due = true;
}

/* ---- time ------------------------------------------------------------------------------------ */

qn_time qn_link_due(const qn_link *l)
{
    return l->carrier != NULL ? QN_MIN(l->ack_at, l->retry_at) : QN_NEVER;
}

void qn_link_tick(qn_link *l)
{
    if (l->env->now >= l->ack_at) {
        l->ack_at = QN_NEVER;
        l->ack_due = true;
    }
    if (l->env->now >= l->retry_at)
        l->retry_at = QN_NEVER;
}
