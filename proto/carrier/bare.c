/* The bare carrier's machine: legs, records and endings. The handshake is in bare_shake.c. */
#include "carrier/bare.h"

_Static_assert(sizeof(qn_bare) <= 512, "an idle carrier grew");

static qn_bare *bare_of(qn_carrier *c)
{
    return (qn_bare *)c;
}

static const qn_bare *bare_of_const(const qn_carrier *c)
{
    return (const qn_bare *)c;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void bare_destroy(qn_carrier *carrier)
{
    qn_bare *c = bare_of(carrier);
    qn_env *env = c->env;

    qn_inbox_drop(&c->in);
    qn_queue_clear(&c->out, &env->mem);
    qn_bare_shake_free(c);
    qn_record_keys_wipe(&c->tx);
    qn_record_keys_wipe(&c->rx);
    qn_mem_put(&env->mem, c, sizeof *c);
}

static qn_err bare_create(qn_carrier **out, qn_env *env, const qn_carrier_cfg *cfg)
{
    uint16_t max = cfg->max_record != 0 ? cfg->max_record : QN_RECORD_CONTENT_MAX;
    qn_bare *c;
    qn_err err;

    QN_ASSERT(max >= QN_RECORD_CONTENT_MIN && max <= QN_RECORD_CONTENT_MAX);
    c = qn_mem_get(&env->mem, sizeof *c);
    if (c == NULL)
        return QN_NOMEM;
    c->base.kind = &qn_carrier_bare;
    c->env = env;
    c->tally = cfg->tally;
    c->initiator = cfg->initiator;
    c->max_record = max;
    c->deadline = env->now + QN_HANDSHAKE_TIMEOUT;
    err = qn_bare_shake_init(c, cfg);
    if (err != QN_OK) {
        bare_destroy(&c->base);
        return err;
    }
    *out = &c->base;
    return QN_OK;
}

/* No records from here on. `leg`: what becomes of the conn, QN_CARRIER_LOST when it is gone. */
static void lose(qn_bare *c, qn_err err, qn_carrier_event_type leg)
{
    if (c->state == QN_BARE_LOST)
        return;
    c->state = QN_BARE_LOST;
    c->err = err;
    c->lost_due = true;
    c->leg = leg;
    c->leg_due = leg != QN_CARRIER_LOST;
    c->deadline = QN_NEVER;
    qn_inbox_drop(&c->in);
    if (leg != QN_CARRIER_CLOSE)
        qn_queue_clear(&c->out, &c->env->mem);
    qn_bare_shake_free(c);
    qn_record_keys_wipe(&c->tx);
    qn_record_keys_wipe(&c->rx);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static qn_span bare_space(qn_carrier *carrier, uint8_t leg)
{
    qn_bare *c = bare_of(carrier);

    (void)leg;
    if (c->state == QN_BARE_LOST || c->eof)
        return (qn_span){0};
    return qn_inbox_space(&c->in, c->env);
}

static void bare_commit(qn_carrier *carrier, uint8_t leg, size_t n)
{
    qn_bare *c = bare_of(carrier);

    (void)leg;
    if (n > 0 && c->state != QN_BARE_LOST)
        qn_inbox_commit(&c->in, c->env, n);
}

static unsigned bare_peek(const qn_carrier *carrier, uint8_t leg, qn_slice *v, unsigned max)
{
    (void)leg;
    return qn_queue_peek(&bare_of_const(carrier)->out, v, max);
}

static void bare_consume(qn_carrier *carrier, uint8_t leg, size_t n)
{
    qn_bare *c = bare_of(carrier);

    (void)leg;
    qn_queue_consume(&c->out, &c->env->mem, n);
    qn_outflow_took(&c->outflow, n, c->out.bytes);
}

static void bare_opened(qn_carrier *carrier, uint8_t leg)
{
    qn_bare *c = bare_of(carrier);
    qn_err err;

    (void)leg;
    if (!c->initiator || c->state != QN_BARE_SHAKING)
        return;
    err = qn_bare_shake_start(c);
    if (err != QN_OK)
        lose(c, err, QN_CARRIER_RESET);
}

static void bare_ended(qn_carrier *carrier, uint8_t leg, qn_ending how)
{
    qn_bare *c = bare_of(carrier);

    (void)leg;
    switch (how) {
    case QN_END_EOF:
        c->eof = true;
        break;
    case QN_END_RESET:
        lose(c, QN_GONE, QN_CARRIER_LOST);
        break;
    case QN_END_WRITE_FAILED:
        if (c->state == QN_BARE_SHAKING)
            lose(c, QN_GONE, QN_CARRIER_RESET);
        if (c->state == QN_BARE_LOST || c->mute)
            break;
        c->mute = true;
        c->deadline = c->env->now + QN_BARE_READ_ON;
        qn_queue_clear(&c->out, &c->env->mem);
        break;
    }
}

/* ---- records --------------------------------------------------------------------------------- */

static qn_err shake(qn_bare *c, size_t size, qn_carrier_event *ev)
{
    qn_slice body = qn_slice_of(c->in.p + QN_RECORD_HEADER, size - QN_RECORD_HEADER);
    qn_err err;

    *ev = (qn_carrier_event){.type = QN_CARRIER_ESTABLISHED};
    err = qn_bare_shake_read(c, body, &ev->est);
    if (err == QN_OK) {
        c->state = QN_BARE_OPEN;
        c->deadline = QN_NEVER;
    }
    return err;
}

static qn_err open_record(qn_bare *c, size_t size, qn_carrier_event *ev)
{
    qn_inner inner;
    qn_piece piece;
    qn_err err = qn_record_open(&c->rx, c->env, c->tally, c->in.p, size, &piece, &inner);

    if (err != QN_OK)
        return err;
    if (inner == QN_INNER_FRAMES && piece.len <= c->max_record) {
        *ev = (qn_carrier_event){.type = QN_CARRIER_RECORD, .piece = piece};
        return QN_OK;
    }
    qn_block_drop(piece.block);
    return inner == QN_INNER_ALERT ? QN_GONE : QN_PROTO;
}

/* The next whole record of the input. QN_OK: *ev; QN_AGAIN: read on; QN_SHORT: none is left. */
static qn_err take_record(qn_bare *c, qn_carrier_event *ev)
{
    size_t size;
    qn_err err = c->in.n > 0 ? qn_record_track(c->in.p, c->in.n, &size) : QN_SHORT;

    if (err != QN_OK)
        return err;
    /* Before a peer has proven anything it makes us hold no more than a handshake message. */
    if (c->state == QN_BARE_SHAKING && size > QN_RECORD_HEADER + QN_BARE_MESSAGE_MAX)
        return QN_PROTO;
    if (size > c->in.n)
        return QN_SHORT;
    err = c->state == QN_BARE_SHAKING ? shake(c, size, ev) : open_record(c, size, ev);
    if (err == QN_OK || err == QN_AGAIN)
        qn_inbox_take(&c->in, size);
    return err;
}

static bool next_ending(qn_bare *c, qn_carrier_event *ev)
{
    if (c->leg_due) {
        c->leg_due = false;
        *ev = (qn_carrier_event){.type = c->leg};
        return true;
    }
    if (c->lost_due) {
        c->lost_due = false;
        *ev = (qn_carrier_event){.type = QN_CARRIER_LOST, .err = c->err};
        return true;
    }
    return false;
}

static bool bare_next(qn_carrier *carrier, qn_carrier_event *ev)
{
    qn_bare *c = bare_of(carrier);
    qn_err err = QN_AGAIN;

    while (c->state != QN_BARE_LOST && err == QN_AGAIN)
        err = take_record(c, ev);
    if (c->state == QN_BARE_LOST)
        return next_ending(c, ev);
    if (err == QN_OK)
        return true;
    if (err == QN_SHORT)
        err = c->eof ? QN_GONE : qn_inbox_stow(&c->in, c->env);
    if (err == QN_OK)
        return false;
    /* An alert or EOF is how bare conns end; everything else is damage. */
    lose(c, err, err == QN_GONE ? QN_CARRIER_CLOSE : QN_CARRIER_RESET);
    return next_ending(c, ev);
}

/* ---- time ------------------------------------------------------------------------------------ */

static qn_time bare_due(const qn_carrier *carrier)
{
    return bare_of_const(carrier)->deadline;
}

static void bare_tick(qn_carrier *carrier)
{
    qn_bare *c = bare_of(carrier);

    if (c->env->now >= c->deadline)
        lose(c, c->state == QN_BARE_SHAKING ? QN_TIMEOUT : QN_GONE, QN_CARRIER_RESET);
}

/* ---- the link's side ------------------------------------------------------------------------- */

static size_t bare_room(const qn_carrier *carrier)
{
    const qn_bare *c = bare_of_const(carrier);

    if (c->state != QN_BARE_OPEN || c->mute || !qn_outflow_open(&c->outflow, c->out.bytes))
        return 0;
    return c->max_record;
}

static qn_err bare_seal(qn_carrier *carrier, qn_slice a, qn_slice b)
{
    qn_bare *c = bare_of(carrier);
    qn_err err = qn_record_seal(&c->tx, c->env, c->tally, a, b, QN_INNER_FRAMES, &c->out);

    if (err == QN_OK && c->rekeying)
        err = qn_record_ratchet(&c->tx, c->env);
    if (err == QN_OK)
        c->rekeying = false;
    else if (err != QN_NOMEM)
        lose(c, err, QN_CARRIER_RESET);
    return err;
}

/* An idle direction keeps its key until it next speaks: there is nothing new under it to lose. */
static size_t bare_own(qn_carrier *carrier, uint8_t *out, size_t room)
{
    qn_bare *c = bare_of(carrier);

    c->rekeying = room >= QN_FRAME_HEADER && qn_record_rekey_due(&c->tx, c->env->now);
    return c->rekeying ? qn_frame_put_header(out, QN_FRAME_KEY_UPDATE, 0) : 0;
}

static qn_err bare_frame(qn_carrier *carrier, const qn_frame *f, bool last_in_record)
{
    qn_bare *c = bare_of(carrier);

    if (f->type != QN_FRAME_KEY_UPDATE || !last_in_record)
        return QN_PROTO;
    return c->state == QN_BARE_OPEN ? qn_record_ratchet(&c->rx, c->env) : QN_OK;
}

static void bare_close(qn_carrier *carrier, uint16_t code)
{
    static const uint8_t close_notify[2] = {1, 0}; /* RFC 8446 6.1 */
    qn_bare *c = bare_of(carrier);
    qn_err err = QN_STATE;

    (void)code; /* the link's CLOSE frame has said it */
    if (c->state == QN_BARE_OPEN && !c->mute)
        err = qn_record_seal(&c->tx, c->env, c->tally, qn_slice_of(close_notify, 2),
                             qn_slice_of(NULL, 0), QN_INNER_ALERT, &c->out);
    lose(c, QN_OK, err == QN_OK ? QN_CARRIER_CLOSE : QN_CARRIER_RESET);
}

static bool bare_midway(const qn_carrier *carrier)
{
    return bare_of_const(carrier)->in.left.len > 0;
}

const qn_carrier_kind qn_carrier_bare = {
    .name = "bare",
    .legs = 1,
    .lab_only = true,
    .create = bare_create,
    .destroy = bare_destroy,
    .space = bare_space,
    .commit = bare_commit,
    .peek = bare_peek,
    .consume = bare_consume,
    .opened = bare_opened,
    .ended = bare_ended,
    .next = bare_next,
    .due = bare_due,
    .tick = bare_tick,
    .room = bare_room,
    .seal = bare_seal,
    .own = bare_own,
    .frame = bare_frame,
    .close = bare_close,
    .midway = bare_midway,
};
