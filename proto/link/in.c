/* From opened records to events. */
#include "link/internal.h"
#include "link/resume.h"
#include "link/stream.h"

static void fault(qn_link *l, qn_err err)
{
    qn_log_line(l->env, QN_LOG_WARN, "link", "closed: %s", qn_err_text(err));
    qn_link_end(l, err, qn_close_of(err));
}

/* ---- units ----------------------------------------------------------------------------------- */

/* How much news of received units goes out by itself. */
static uint64_t ack_every(const qn_link *l)
{
    if (l->pace.units > QN_LINK_ACK_UNITS)
        return l->pace.units;
    return QN_MIN(l->pace.units, l->rx.window / 4);
}

/* When it must go if nothing else does. A carrier may pace it more slowly than a sender without
 * budget can bear; then silence counts, since such a sender has stopped. */
static void plan_ack(qn_link *l, uint64_t news)
{
    if (l->pace.units > QN_LINK_ACK_UNITS && news >= QN_LINK_ACK_UNITS)
        l->ack_at = l->env->now + QN_LINK_ACK_DELAY;
    else if (l->ack_at == QN_NEVER)
        l->ack_at = l->env->now + l->pace.after;
}

/* Link credit comes back at once: the queues behind it are bounded by the streams' credit. */
static qn_err count_units(qn_link *l, const qn_frame *f)
{
    uint64_t units = qn_frame_units(f), news;
    qn_err err = qn_credit_take(&l->rx, units);

    if (err != QN_OK || units == 0)
        return err;
    news = l->rx.received - l->rx_acked;
    if (qn_credit_return(&l->rx, NULL, units) || news >= ack_every(l))
        l->ack_due = true;
    else if (l->carrier != NULL)
        plan_ack(l, news);
    return QN_OK;
}

/* ---- STREAM ---------------------------------------------------------------------------------- */

static bool is_ours(const qn_link *l, uint32_t id)
{
    return (id & 1) == (l->initiator ? 1u : 0u);
}

/* An id that was in use and is not any more: what still comes for it was on its way. */
static bool is_past(const qn_link *l, uint32_t id)
{
    return is_ours(l, id) ? id < l->next_id : id <= l->peer_id;
}

static void refuse(qn_link *l, uint32_t id, qn_err err)
{
    if (l->refused_n == QN_LINK_REFUSED) {
        fault(l, err);
        return;
    }
    l->refused[l->refused_n].id = id;
    l->refused[l->refused_n++].code = qn_close_of(err);
}

static bool known_kind(uint8_t kind)
{
    return kind >= QN_KIND_APP && kind <= QN_KIND_PASSAGE;
}

static bool on_first_frame(qn_link *l, const qn_frame *f, qn_link_event *ev)
{
    qn_stream *s;

    if (is_ours(l, f->stream) || f->body.n == 0) {
        fault(l, QN_PROTO);
        return false;
    }
    l->peer_id = f->stream;
    if (!known_kind(f->body.p[0])) {
        refuse(l, f->stream, QN_UNKNOWN);
        return false;
    }
    s = l->streams_n + l->closing_n < QN_STREAMS_MAX ? qn_stream_new(l, f->stream, f->body.p[0])
                                                     : NULL;
    if (s == NULL) {
        refuse(l, f->stream, QN_LIMIT);
        return false;
    }
    s->introduced = true;
    s->rx.received = s->rx.returned = 1; /* the kind byte came and is gone */
    l->held = *f;
    l->held.body.p++;
    l->held.body.n--;
    *ev = (qn_link_event){.type = QN_LINK_STREAM_NEW, .id = s->id, .kind = (qn_stream_kind)s->kind};
    return true;
}

static bool on_data(qn_link *l, qn_stream *s, const qn_frame *f, qn_link_event *ev)
{
    qn_err err = s->fin_got || !s->introduced ? QN_PROTO : qn_credit_take(&s->rx, f->body.n);

    if (err != QN_OK) {
        fault(l, err);
        return false;
    }
    if (f->body.n == 0 && !f->fin) /* a first frame may hold its kind alone */
        return false;
    *ev = (qn_link_event){.type = QN_LINK_STREAM_DATA,
                          .id = s->id,
                          .user = s->user,
                          .kind = (qn_stream_kind)s->kind,
                          .piece = {.block = l->input.block,
                                    .off = (uint32_t)(f->body.p - l->input.block->data),
                                    .len = (uint32_t)f->body.n},
                          .fin = f->fin,
                          .more = f->more};
    s->fin_got = f->fin;
    qn_stream_check(l, s);
    return true;
}

static bool on_stream(qn_link *l, const qn_frame *f, qn_link_event *ev)
{
    qn_stream *s = qn_stream_get(l, f->stream);

    if (s != NULL)
        return on_data(l, s, f, ev);
    return is_past(l, f->stream) ? false : on_first_frame(l, f, ev);
}

/* ---- the other frames ------------------------------------------------------------------------ */

static void on_link_window(qn_link *l, const qn_frame *f)
{
    qn_err err = qn_log_ack(&l->log, l->env, l->budget, f->received);

    if (err == QN_OK) {
        qn_stall_acked(l);
        err = qn_credit_raise(&l->log.tx, f->limit);
    }
    if (err != QN_OK)
        fault(l, err);
}

/* A stream the peer may speak of: introduced, or already over (then *s is NULL). */
static bool find_known(qn_link *l, uint32_t id, qn_stream **s)
{
    *s = qn_stream_get(l, id);
    if (*s != NULL ? (*s)->introduced : is_past(l, id))
        return true;
    fault(l, QN_PROTO);
    return false;
}

static void on_window(qn_link *l, const qn_frame *f)
{
    qn_stream *s;
    qn_err err;

    if (!find_known(l, f->stream, &s) || s == NULL)
        return;
    err = qn_credit_raise(&s->tx, f->limit);
    if (err == QN_OK)
        qn_stream_check(l, s);
    else
        fault(l, err);
}

static bool on_close(qn_link *l, const qn_frame *f, qn_link_event *ev)
{
    qn_stream *s;

    if (f->stream == 0 && f->code == QN_CLOSE_MOVED) {
        *ev = (qn_link_event){.type = QN_LINK_LEFT};
        return true;
    }
    if (f->stream == 0) {
        l->told = true;
        qn_link_end(l, qn_close_err(f->code), f->code);
        return false;
    }
    if (!find_known(l, f->stream, &s) || s == NULL)
        return false;
    *ev = (qn_link_event){
        .type = QN_LINK_STREAM_CLOSED, .id = s->id, .user = s->user, .code = f->code};
    qn_stream_free(l, s);
    return true;
}

static bool on_ping(qn_link *l, const qn_frame *f, qn_link_event *ev)
{
    if ((f->token & 1) ==
        0) { /* the newest is answered: a flood of them costs one reply a record */
        l->pong_token = f->token | 1;
        l->pong_due = true;
        return false;
    }
    if (f->token != (l->ping_token | 1) || l->ping_at == QN_NEVER)
        return false;
    *ev = (qn_link_event){.type = QN_LINK_PONG, .rtt = l->env->now - l->ping_at};
    l->ping_at = QN_NEVER;
    return true;
}

static void on_carrier_frame(qn_link *l, const qn_frame *f, bool last)
{
    qn_err err = l->carrier != NULL ? l->carrier->kind->frame(l->carrier, f, last) : QN_OK;

    if (err != QN_OK)
        fault(l, err);
}

static bool on_frame(qn_link *l, const qn_frame *f, bool last, qn_link_event *ev)
{
    qn_err err = count_units(l, f);

    if (err != QN_OK) {
        fault(l, err);
        return false;
    }
    l->spoken |= qn_resume_is_links(f->type);
    switch (f->type) {
    case QN_FRAME_STREAM:
        return on_stream(l, f, ev);
    case QN_FRAME_WINDOW:
        if (f->stream == 0)
            on_link_window(l, f);
        else
            on_window(l, f);
        return false;
    case QN_FRAME_CLOSE:
        return on_close(l, f, ev);
    case QN_FRAME_PING:
        return on_ping(l, f, ev);
    case QN_FRAME_PAD:
        return false;
    case QN_FRAME_KEY_UPDATE:
    case QN_FRAME_CARRIER:
    case QN_FRAME_SHAPE:
    case QN_FRAME_PATH_CONTROL:
        on_carrier_frame(l, f, last);
        return false;
    case QN_FRAME_RESUME: /* only a carrier's first word */
        fault(l, QN_PROTO);
        return false;
    }
    return false;
}

/* ---- events ---------------------------------------------------------------------------------- */

void qn_link_input(qn_link *l, qn_piece piece)
{
    QN_ASSERT(l->input.block == NULL);
    if (l->over) {
        qn_block_drop(piece.block);
        return;
    }
    l->input = piece;
    l->input_off = 0;
    l->in += piece.len;
}

/* The data of a first frame, after its NEW: the consumer may have closed the stream by now. */
static bool next_held(qn_link *l, qn_link_event *ev)
{
    qn_frame f = l->held;
    qn_stream *s;

    if (f.stream == 0)
        return false;
    l->held.stream = 0;
    s = qn_stream_get(l, f.stream);
    return s != NULL && on_data(l, s, &f, ev);
}

static bool next_frame(qn_link *l, qn_link_event *ev)
{
    while (l->input.block != NULL && !l->over) {
        uint32_t left = l->input.len - l->input_off;
        qn_frame f;
        size_t used;
        qn_err err;

        if (left == 0) {
            qn_block_drop(l->input.block);
            l->input = (qn_piece){0};
            return false;
        }
        err = qn_frame_get(&f, qn_piece_data(&l->input) + l->input_off, left, &used);
        if (err != QN_OK) {
            fault(l, err);
            return false;
        }
        l->input_off += (uint32_t)used;
        if (on_frame(l, &f, used == left, ev))
            return true;
    }
    return false;
}

static bool next_note(qn_link *l, qn_link_event *ev)
{
    qn_stream *s = l->list[QN_LIST_NOTIFY].first;

    if (s == NULL)
        return false;
    *ev = (qn_link_event){.id = s->id, .user = s->user, .kind = (qn_stream_kind)s->kind};
    if ((s->notes & QN_NOTE_DONE) != 0) {
        ev->type = QN_LINK_STREAM_CLOSED;
        ev->code = QN_CLOSE_DONE;
        qn_stream_free(l, s);
        return true;
    }
    ev->type = QN_LINK_STREAM_ROOM;
    s->notes = 0;
    qn_stream_list_remove(l, QN_LIST_NOTIFY, s);
    return true;
}

/* The link is over: every stream hears of it, then the owner, once. */
static bool next_end(qn_link *l, qn_link_event *ev)
{
    qn_stream *s = l->list[QN_LIST_ALL].first;

    if (s != NULL) {
        *ev = (qn_link_event){.type = QN_LINK_STREAM_CLOSED,
                              .id = s->id,
                              .user = s->user,
                              .kind = (qn_stream_kind)s->kind,
                              .code = QN_CLOSE_GONE};
        if ((s->notes & QN_NOTE_DONE) != 0)
            ev->code = QN_CLOSE_DONE;
        qn_stream_free(l, s);
        return true;
    }
    if (l->reported)
        return false;
    l->reported = true;
    *ev = (qn_link_event){.type = QN_LINK_CLOSED, .err = l->err, .code = l->code};
    return true;
}

bool qn_link_next(qn_link *l, qn_link_event *ev)
{
    if (!l->over && (next_held(l, ev) || next_frame(l, ev)))
        return true;
    return l->over ? next_end(l, ev) : next_note(l, ev);
}
