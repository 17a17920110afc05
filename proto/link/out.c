/*
 * From queues to records. Late: a frame gets its number, and its place in a record, only when the
 * carrier has room now, so what becomes ready last moment may still go first.
 */
#include "base/engine.h"
#include "link/internal.h"
#include "link/stream.h"

/* Data leaves this much of a record free, so that WINDOW frames never wait behind a download. */
#define QN_CTRL_RESERVE (QN_RECORD_CONTENT_MAX - QN_STREAM_HEADER - QN_FRAME_DATA_MAX)
#define QN_DIRECT_MIN 4096          /* from here on a frame is sealed where it lies */
#define QN_RETRY_AFTER (20 * QN_MS) /* without memory to seal or number */

/* A record being put together; nothing of the link but the log's tail changes until it is sealed.
 */
typedef struct record {
    qn_slice direct; /* one large frame */
    uint8_t *out;    /* the rest: the engine's gather buffer */
    size_t n, cap;
    size_t reserve; /* QN_CTRL_RESERVE; a record kept small is filled, they find the next */
    qn_log_pos pos;
    uint64_t acked; /* with `ack` */
    bool ack, ping, pong;
} record;

/* ---- numbering: frames enter the log --------------------------------------------------------- */

static void leave_ctrl(qn_link *l, qn_stream *s)
{
    qn_stream_list_remove(l, QN_LIST_CTRL, s);
    s->window_due = false;
    if (s->close_due) {
        l->closing_n--;
        qn_stream_free(l, s);
    }
}

static qn_err log_refusal(qn_link *l)
{
    uint8_t frame[QN_FRAME_CLOSE_SIZE];
    size_t n = qn_frame_put_close(frame, l->refused[0].id, l->refused[0].code);
    qn_err err = qn_log_put(&l->log, l->env, l->budget, frame, n);

    if (err != QN_OK)
        return err;
    l->refused_n--;
    memmove(&l->refused[0], &l->refused[1], l->refused_n * sizeof l->refused[0]);
    return QN_OK;
}

static qn_err log_ctrl(qn_link *l, qn_stream *s)
{
    uint8_t frame[QN_FRAME_WINDOW_SIZE];
    uint64_t limit;
    size_t n;
    qn_err err;

    if (s->close_due) {
        n = qn_frame_put_close(frame, s->id, s->close_code);
    } else {
        limit = qn_credit_grant(&s->rx, l->budget, l->env->now);
        n = qn_frame_put_window(frame, s->id, limit);
    }
    err = qn_log_put(&l->log, l->env, l->budget, frame, n);
    if (err == QN_OK)
        leave_ctrl(l, s);
    return err;
}

/* One WINDOW or CLOSE. QN_AGAIN: none, or no room for one. */
static qn_err number_ctrl(qn_link *l, size_t room)
{
    qn_stream *s = l->list[QN_LIST_CTRL].first;

    if (room < QN_FRAME_WINDOW_SIZE || !qn_log_fits(&l->log, l->budget, 1))
        return QN_AGAIN;
    if (l->refused_n > 0)
        return log_refusal(l);
    return s != NULL ? log_ctrl(l, s) : QN_AGAIN;
}

static uint64_t units_of(const qn_piece *frame)
{
    return frame->len - QN_STREAM_HEADER + 1; /* queued frames never carry MORE */
}

static size_t data_queued(const qn_stream *s)
{
    return s->q.bytes - (size_t)s->q.n * QN_STREAM_HEADER;
}

/* How many data bytes of the stream's first frame may go: all, unless the carrier minds. */
static uint32_t may_go(qn_link *l, const qn_stream *s, const qn_piece *head)
{
    size_t queued = data_queued(s);
    uint32_t n = head->len - QN_STREAM_HEADER;
    qn_offer offer = {.stream = s->id,
                      .app = s->kind == QN_KIND_APP,
                      .offset = s->tx.used - queued,
                      .data = qn_slice_of(qn_piece_data(head) + QN_STREAM_HEADER, n),
                      .queued = queued};
    size_t go;

    if (l->carrier->kind->offer == NULL || n == 0)
        return n;
    go = l->carrier->kind->offer(l->carrier, &offer); /* once: it counts as asked */
    return (uint32_t)QN_MIN(go, (size_t)n);
}

/* The whole first frame enters the log. */
static qn_err log_head(qn_link *l, qn_stream *s)
{
    qn_err err = qn_log_push(&l->log, l->env, l->budget, *qn_queue_head(&s->q));

    if (err == QN_OK)
        (void)qn_queue_pop(&s->q, &l->env->mem); /* the log has its reference now */
    return err;
}

/* Only its first n data bytes do, copied; the rest becomes a frame in the place it has. */
static qn_err log_part(qn_link *l, qn_stream *s, uint32_t n)
{
    qn_piece *head = &s->q.v[s->q.head];
    qn_piece part = {.block = qn_block_get(l->env, QN_STREAM_HEADER + n),
                     .len = QN_STREAM_HEADER + n};
    uint8_t *p = qn_piece_data(head);
    uint8_t flags = p[3] & QN_FRAME_FLAGS;
    qn_err err;

    if (part.block == NULL)
        return QN_NOMEM;
    qn_frame_put_stream(part.block->data, s->id, n, 0);
    memcpy(part.block->data + QN_STREAM_HEADER, p + QN_STREAM_HEADER, n);
    err = qn_log_push(&l->log, l->env, l->budget, part);
    if (err != QN_OK) {
        qn_block_drop(part.block);
        return err;
    }
    head->off += n;
    head->len -= n;
    s->q.bytes -= n;
    qn_frame_put_stream(p + n, s->id, head->len - QN_STREAM_HEADER, flags);
    return QN_OK;
}

/* The stream whose turn it is, and how much of its first frame may go. NULL: none, no room in this
 * record, or no credit. `largest`: what an empty record could take; a larger frame is split, so it
 * may begin in an empty record only. */
static qn_stream *pick(qn_link *l, size_t room, size_t largest, uint32_t *n)
{
    for (;;) {
        qn_stream *s = (qn_stream *)qn_sched_pick(&l->sched);
        const qn_piece *head;

        if (s == NULL)
            return NULL;
        head = qn_queue_head(&s->q);
        if ((head->len > room && room < largest) ||
            !qn_log_fits(&l->log, l->budget, units_of(head)))
            return NULL;
        *n = may_go(l, s, head);
        if (*n > 0 || head->len == QN_STREAM_HEADER)
            return s;
        qn_sched_remove(&l->sched, &s->flow);
        qn_stream_list_add(l, QN_LIST_HELD, s);
    }
}

/* QN_AGAIN: nothing that may go now. */
static qn_err number_data(qn_link *l, size_t room, size_t largest)
{
    uint32_t n;
    qn_stream *s = pick(l, room, largest, &n);
    uint32_t whole;
    bool last;
    qn_err err;

    if (s == NULL)
        return QN_AGAIN;
    whole = qn_queue_head(&s->q)->len - QN_STREAM_HEADER;
    err = n < whole ? log_part(l, s, n) : log_head(l, s);
    if (err != QN_OK)
        return err;
    last = s->q.n == 0;
    s->introduced = true;
    s->fin_logged = last && s->fin_queued;
    qn_delay_sent(&l->delay, s->id, s->tx.used - data_queued(s), l->env->now);
    qn_sched_charge(&l->sched, &s->flow, QN_STREAM_HEADER + n, !last, l->env->now);
    qn_stream_check(l, s);
    return QN_OK;
}

/* Streams the carrier held are offered again, in the order in which they came to wait. */
static void offer_again(qn_link *l)
{
    qn_stream *s;

    while ((s = l->list[QN_LIST_HELD].first) != NULL) {
        qn_stream_list_remove(l, QN_LIST_HELD, s);
        qn_sched_wake(&l->sched, &s->flow, l->env->now);
    }
}

/* ---- one record ------------------------------------------------------------------------------ */

static size_t room_for_data(const record *r)
{
    return r->cap - r->n > r->reserve ? r->cap - r->n - r->reserve : 0;
}

static bool is_empty(const record *r)
{
    return r->direct.n == 0 && r->n == 0;
}

/* What the log has at the cursor goes into the record. False: the record is full. */
static bool take_logged(const qn_link *l, record *r)
{
    size_t size = qn_log_ahead(&l->log, &r->pos);
    size_t cap = r->cap - r->n;
    size_t n;

    if (is_empty(r) && size >= QN_DIRECT_MIN && size <= cap && r->pos.data == 0) {
        r->direct = qn_log_direct(&l->log, &r->pos);
        r->cap = QN_MIN(r->cap - size, (size_t)QN_SEAL_TAIL_MAX);
        return true;
    }
    if (size > cap && !is_empty(r))
        return false;
    n = qn_log_copy(&l->log, &r->pos, r->out + r->n, size > cap ? cap - r->reserve : cap);
    r->n += n;
    return n > 0;
}

static qn_err take_retained(qn_link *l, record *r)
{
    size_t largest = room_for_data(r);
    qn_err err = QN_OK;

    while (err == QN_OK) {
        if (qn_log_ahead(&l->log, &r->pos) > 0) {
            if (!take_logged(l, r))
                break;
            continue;
        }
        err = number_data(l, room_for_data(r), is_empty(r) ? largest : SIZE_MAX);
        if (err == QN_AGAIN)
            err = number_ctrl(l, r->cap - r->n);
    }
    return err == QN_AGAIN ? QN_OK : err;
}

static void add_ack(qn_link *l, record *r)
{
    /* It rides along with anything; alone it goes only when it is due. */
    bool news = l->rx.received != l->rx_acked;

    if (!(l->ack_due || (news && !is_empty(r))) || r->cap - r->n < QN_FRAME_LINK_WINDOW_SIZE)
        return;
    if (qn_credit_due(&l->rx))
        (void)qn_credit_grant(&l->rx, NULL, l->env->now);
    r->ack = true;
    r->acked = l->rx.received;
    r->n += qn_frame_put_link_window(r->out + r->n, l->rx.received, l->rx.limit);
}

static void add_pings(qn_link *l, record *r)
{
    if (l->pong_due && r->cap - r->n >= QN_FRAME_PING_SIZE) {
        r->pong = true;
        r->n += qn_frame_put_ping(r->out + r->n, l->pong_token);
    }
    if (l->ping_due && r->cap - r->n >= QN_FRAME_PING_SIZE) {
        r->ping = true;
        r->n += qn_frame_put_ping(r->out + r->n, l->ping_token + 2);
    }
}

/* The record left: what was put into it is said. */
static void sealed(qn_link *l, const record *r)
{
    qn_log_sealed(&l->log, &r->pos);
    qn_stall_sealed(l);
    l->out += r->direct.n + r->n;
    l->gentle -= (uint32_t)QN_MIN(l->gentle, r->direct.n + r->n);
    if (r->ack) {
        l->rx_acked = r->acked;
        l->ack_due = false;
        l->ack_at = QN_NEVER;
    }
    if (r->pong)
        l->pong_due = false;
    if (r->ping) {
        l->ping_due = false;
        l->ping_token += 2;
        l->ping_at = l->env->now;
    }
}

static qn_err seal(qn_link *l, const record *r)
{
    qn_slice gathered = qn_slice_of(r->out, r->n);
    const qn_carrier_kind *kind = l->carrier->kind;

    if (r->direct.n > 0)
        return kind->seal(l->carrier, r->direct, gathered);
    return kind->seal(l->carrier, gathered, qn_slice_of(NULL, 0));
}

/* One record, if there is room and anything to say. QN_AGAIN: not now. */
static qn_err fill_one(qn_link *l)
{
    record r = {.out = l->env->engine->gather, .pos = l->log.pos};
    qn_err err;

    r.cap = l->carrier->kind->room(l->carrier);
    if (r.cap == 0)
        return QN_AGAIN;
    if (l->gentle > 0)
        r.cap = QN_MIN(r.cap, (size_t)QN_RESUMED_RECORD);
    r.reserve = r.cap < QN_RECORD_CONTENT_MIN ? 0 : QN_CTRL_RESERVE;
    err = take_retained(l, &r);
    if (err != QN_OK && is_empty(&r))
        return err;
    add_ack(l, &r);
    add_pings(l, &r);
    r.n += l->carrier->kind->own(l->carrier, r.out + r.n, r.cap - r.n);
    if (is_empty(&r))
        return QN_AGAIN;
    err = seal(l, &r);
    if (err == QN_OK)
        sealed(l, &r);
    return err;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Says why, once, and gives the carrier its farewell. */
static bool fill_end(qn_link *l)
{
    uint8_t frame[QN_FRAME_CLOSE_SIZE];
    const qn_carrier_kind *kind = l->carrier->kind;
    size_t n = qn_frame_put_close(frame, 0, l->code);

    if (!l->told) {
        (void)kind->own(l->carrier, frame + n, 0); /* nothing of its own in this record */
        if (kind->room(l->carrier) < n)
            return false;
        if (kind->seal(l->carrier, qn_slice_of(frame, n), qn_slice_of(NULL, 0)) == QN_NOMEM)
            return false;
        l->told = true;
    }
    kind->close(l->carrier, l->code);
    l->carrier = NULL;
    return true;
}

bool qn_link_fill(qn_link *l)
{
    bool any = false;
    qn_err err = QN_OK;

    if (l->carrier == NULL)
        return false;
    if (l->over)
        return fill_end(l);
    offer_again(l);
    while ((err = fill_one(l)) == QN_OK)
        any = true;
    if (err == QN_NOMEM && l->retry_at == QN_NEVER)
        l->retry_at = l->env->now + QN_RETRY_AFTER;
    return any;
}
