/* The carrier's part: the leg, records after the switch, what they carry, endings. */
#include "htx/client.h"

#include "htx/target.h"
#include "tls/numbers.h"
#include "tls/protect.h"

enum {
    READ_ON_S = 1, /* after a write failed: what the peer said last may still come */
    GOAWAY_LENGTH = 17 + 1 + QN_TAG /* what a browser's last record is as long as: an h2 GOAWAY */
};

static qn_htx_client *client_of(qn_carrier *c)
{
    return (qn_htx_client *)c;
}

static const qn_htx_client *client_of_const(const qn_carrier *c)
{
    return (const qn_htx_client *)c;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void client_destroy(qn_carrier *carrier)
{
    qn_htx_client *c = client_of(carrier);
    qn_env *env = c->env;

    qn_inbox_drop(&c->in);
    qn_queue_clear(&c->out, &env->mem);
    qn_htx_traffic_clear(&c->traffic);
    qn_htx_browser_clear(c);
    qn_wipe(&c->est, sizeof c->est);
    qn_mem_put(&env->mem, c, sizeof *c);
}

static qn_err client_create(qn_carrier **out, qn_env *env, const qn_carrier_cfg *cfg)
{
    qn_htx_client *c;
    qn_err err;

    QN_ASSERT(cfg->initiator && cfg->htx != NULL);
    c = qn_mem_get(&env->mem, sizeof *c);
    if (c == NULL)
        return QN_NOMEM;
    c->base.kind = &qn_htx_client_kind;
    c->env = env;
    c->tally = cfg->tally;
    c->since = env->now;
    c->deadline = env->now + QN_HTX_VISIT_MAX;
    qn_htx_traffic_init(&c->traffic, env, cfg->tally);
    c->traffic.farewell = GOAWAY_LENGTH;
    err = qn_htx_browser_init(c, cfg);
    if (err != QN_OK) {
        client_destroy(&c->base);
        return err;
    }
    *out = &c->base;
    return QN_OK;
}

void qn_htx_client_phase(qn_htx_client *c, qn_htx_phase phase, qn_time deadline)
{
    c->phase = phase;
    c->since = c->env->now;
    c->deadline = deadline;
}

/* No records from here on. `leg`: what becomes of the conn, QN_CARRIER_LOST when it is gone. */
static void lose(qn_htx_client *c, qn_err err, qn_carrier_event_type leg)
{
    if (c->phase == QN_HTX_OVER)
        return;
    qn_htx_client_phase(c, QN_HTX_OVER, QN_NEVER);
    c->err = err;
    c->est_due = false;
    c->lost_due = true;
    c->leg = leg;
    c->leg_due = leg != QN_CARRIER_LOST;
    qn_inbox_drop(&c->in);
    if (leg != QN_CARRIER_CLOSE)
        qn_queue_clear(&c->out, &c->env->mem);
    qn_htx_traffic_clear(&c->traffic);
    qn_htx_browser_clear(c);
    qn_wipe(&c->est, sizeof c->est);
}

/* Seals an alert under the keys in use, unless nothing can be written. */
static bool alert(qn_htx_client *c, uint8_t level, uint8_t description)
{
    return !c->mute && qn_htx_traffic_alert(&c->traffic, level, description, 0, &c->out) == QN_OK;
}

/* What is wrong with a record, or with us. The browser answers damage with one alert and FIN. */
static void fail(qn_htx_client *c, qn_err err)
{
    bool ours = qn_err_band(err) == QN_BAND_OURS;

    if (c->phase != QN_HTX_CARRYING || err == QN_GONE)
        lose(c, err, ours ? QN_CARRIER_RESET : QN_CARRIER_CLOSE);
    else if (!ours && alert(c, 2, QN_TLS_BAD_RECORD_MAC))
        lose(c, err, QN_CARRIER_CLOSE);
    else
        lose(c, err, QN_CARRIER_RESET);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static qn_span client_space(qn_carrier *carrier, uint8_t leg)
{
    qn_htx_client *c = client_of(carrier);

    (void)leg;
    if (c->phase == QN_HTX_OVER || c->phase == QN_HTX_DIALLING || c->eof)
        return (qn_span){0};
    return qn_inbox_space(&c->in, c->env);
}

static void client_commit(qn_carrier *carrier, uint8_t leg, size_t n)
{
    qn_htx_client *c = client_of(carrier);

    (void)leg;
    if (n == 0 || c->phase == QN_HTX_OVER)
        return;
    qn_inbox_commit(&c->in, c->env, n);
    if (c->phase == QN_HTX_VISITOR)
        c->deadline = c->env->now + c->idle;
}

static unsigned client_peek(const qn_carrier *carrier, uint8_t leg, qn_slice *v, unsigned max)
{
    (void)leg;
    return qn_queue_peek(&client_of_const(carrier)->out, v, max);
}

static void client_consume(qn_carrier *carrier, uint8_t leg, size_t n)
{
    qn_htx_client *c = client_of(carrier);
    qn_err err;

    (void)leg;
    qn_queue_consume(&c->out, &c->env->mem, n);
    qn_outflow_took(&c->traffic.outflow, n, c->out.bytes);
    err = c->phase != QN_HTX_CARRYING ? qn_htx_browser_flush(c) : QN_OK;
    if (err != QN_OK)
        fail(c, err);
}

static void client_opened(qn_carrier *carrier, uint8_t leg)
{
    qn_htx_client *c = client_of(carrier);
    qn_err err;

    (void)leg;
    if (c->phase != QN_HTX_DIALLING)
        return;
    err = qn_htx_browser_start(c);
    if (err != QN_OK)
        fail(c, err);
}

static void client_ended(qn_carrier *carrier, uint8_t leg, qn_ending how)
{
    qn_htx_client *c = client_of(carrier);

    (void)leg;
    switch (how) {
    case QN_END_EOF:
        c->eof = true;
        break;
    case QN_END_RESET:
        lose(c, QN_GONE, QN_CARRIER_LOST);
        break;
    case QN_END_WRITE_FAILED:
        if (c->phase != QN_HTX_CARRYING)
            lose(c, QN_GONE, QN_CARRIER_RESET);
        if (c->phase == QN_HTX_OVER || c->mute)
            break;
        c->mute = true;
        c->deadline = c->env->now + READ_ON_S * QN_SEC;
        qn_queue_clear(&c->out, &c->env->mem);
        break;
    }
}

/* ---- records --------------------------------------------------------------------------------- */

static qn_err open_record(qn_htx_client *c, size_t size, qn_carrier_event *ev)
{
    uint8_t said[2];
    qn_piece piece;
    qn_err err = qn_htx_traffic_open(&c->traffic, c->in.p, size, &piece, said);

    if (err == QN_OK)
        *ev = (qn_carrier_event){.type = QN_CARRIER_RECORD, .piece = piece};
    return err;
}

static qn_err take_raw(qn_htx_client *c, size_t size)
{
    qn_err err = qn_htx_browser_raw(c, c->in.p, size);

    c->raw |= err == QN_OK;
    return err == QN_OK ? QN_AGAIN : err;
}

/* The next whole record of the input. QN_OK: *ev; QN_AGAIN: read on; QN_SHORT: none is left. */
static qn_err take_record(qn_htx_client *c, qn_carrier_event *ev)
{
    bool carrying = c->phase == QN_HTX_CARRYING;
    size_t size = 0;
    qn_err err = QN_SHORT;

    if (c->in.n > 0)
        err = carrying ? qn_record_track(c->in.p, c->in.n, &size)
                       : qn_tls_track(c->in.p, c->in.n, &size);
    if (err == QN_SHORT || (err == QN_OK && size > c->in.n))
        return QN_SHORT;
    if (err != QN_OK)
        return carrying ? err : qn_htx_browser_misframed(c, err);
    if (carrying) {
        err = c->raw ? QN_AUTH : open_record(c, size, ev);
        if (err == QN_AUTH)
            err = take_raw(c, size);
    } else {
        err = qn_htx_browser_record(c, c->in.p, size);
        err = err == QN_OK ? QN_AGAIN : err;
    }
    if (err == QN_OK || err == QN_AGAIN)
        qn_inbox_take(&c->in, size);
    return err;
}

static qn_err take_end(qn_htx_client *c)
{
    if (!c->eof)
        return qn_inbox_stow(&c->in, c->env);
    return c->phase == QN_HTX_CARRYING ? QN_GONE : qn_htx_browser_eof(c);
}

static bool next_due(qn_htx_client *c, qn_carrier_event *ev)
{
    bool due = true;

    if (c->est_due) {
        *ev = (qn_carrier_event){.type = QN_CARRIER_ESTABLISHED, .est = c->est};
        c->est_due = false;
        qn_wipe(&c->est, sizeof c->est);
    } else if (c->leg_due) {
        *ev = (qn_carrier_event){.type = c->leg};
        c->leg_due = false;
    } else if (c->lost_due) {
        *ev = (qn_carrier_event){.type = QN_CARRIER_LOST, .err = c->err};
        c->lost_due = false;
    } else {
        due = false;
    }
    return due;
}

static bool client_next(qn_carrier *carrier, qn_carrier_event *ev)
{
    qn_htx_client *c = client_of(carrier);
    qn_err err;

    for (;;) {
        if (next_due(c, ev))
            return true;
        if (c->phase == QN_HTX_OVER || c->phase == QN_HTX_DIALLING)
            return false;
        err = take_record(c, ev);
        if (err == QN_OK)
            return true;
        if (err == QN_SHORT) {
            err = take_end(c);
            if (err == QN_OK)
                return false;
        }
        if (err != QN_AGAIN)
            fail(c, err);
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static qn_time client_due(const qn_carrier *carrier)
{
    const qn_htx_client *c = client_of_const(carrier);
    qn_time due = c->deadline;

    if (c->phase != QN_HTX_CARRYING)
        return due;
    if (c->named && c->h2 != NULL)
        due = QN_MIN(due, qn_htx_warm_due(&c->warm));
    return QN_MIN(due, qn_shape_due(&c->traffic.shape));
}

/* Without memory the next occasion is in time. */
static void keep_warm(qn_htx_client *c)
{
    if (c->phase == QN_HTX_CARRYING && qn_htx_browser_warm(c) != QN_OK)
        qn_log_line(c->env, QN_LOG_DEBUG, "htx", "no memory for the origin's next request");
}

static void client_tick(qn_carrier *carrier)
{
    qn_htx_client *c = client_of(carrier);
    qn_err err;

    if (c->named)
        keep_warm(c);
    if (c->env->now < c->deadline)
        return;
    switch (c->phase) {
    case QN_HTX_DIALLING:
    case QN_HTX_LOADING:
        err = c->ask_at != 0 ? qn_htx_browser_ask(c) : QN_TIMEOUT;
        if (err == QN_TIMEOUT)
            lose(c, err, QN_CARRIER_CLOSE);
        else if (err != QN_OK)
            fail(c, err);
        break;
    case QN_HTX_WAITING:
        qn_htx_browser_give_up(c);
        break;
    case QN_HTX_VISITOR:
        if (qn_htx_browser_leave(c) != QN_OK)
            qn_log_line(c->env, QN_LOG_DEBUG, "htx", "no memory for a farewell");
        lose(c, QN_REFUSED, QN_CARRIER_CLOSE);
        break;
    case QN_HTX_CARRYING: /* mute */
        lose(c, QN_GONE, QN_CARRIER_RESET);
        break;
    case QN_HTX_OVER:
        break;
    }
}

/* ---- the link's side ------------------------------------------------------------------------- */

static size_t client_room(const qn_carrier *carrier)
{
    const qn_htx_client *c = client_of_const(carrier);

    if (c->phase != QN_HTX_CARRYING || c->mute || c->raw)
        return 0;
    return qn_htx_traffic_room(&c->traffic, &c->out);
}

static qn_err client_seal(qn_carrier *carrier, qn_slice a, qn_slice b)
{
    qn_htx_client *c = client_of(carrier);
    qn_err err = qn_htx_traffic_seal(&c->traffic, a, b, &c->out);

    if (err != QN_OK && err != QN_NOMEM)
        lose(c, err, QN_CARRIER_RESET);
    return err;
}

static size_t client_own(qn_carrier *carrier, uint8_t *out, size_t room)
{
    qn_htx_client *c = client_of(carrier);
    bool leaves = room < client_room(carrier);

    if (leaves && room >= QN_HTX_DATA_HEADER)
        keep_warm(c);
    /* The browser's next records, when earlier ones left; without memory the next call is in time.
     */
    if (c->phase == QN_HTX_CARRYING && qn_htx_browser_flush(c) != QN_OK)
        qn_log_line(c->env, QN_LOG_DEBUG, "htx", "no memory for the origin's records");
    return qn_htx_traffic_own(&c->traffic, out, room, leaves);
}

static qn_err hand_over(qn_htx_client *c, qn_slice data)
{
    qn_err err = QN_OK;
    qn_piece whole;

    while (err == QN_OK && c->tls != NULL && data.n > 0) {
        err = qn_htx_traffic_gather(&c->traffic, &data, &whole);
        if (err != QN_OK)
            break;
        err = qn_htx_browser_record(c, whole.block->data, whole.len);
        qn_block_drop(whole.block);
    }
    return err == QN_SHORT ? QN_OK : err;
}

static qn_err on_carried(qn_htx_client *c, const qn_htx_note *note)
{
    if (note->kind == QN_HTX_END) {
        c->draining = true;
        c->drain = note->drain;
        return c->tls != NULL ? qn_htx_browser_eof(c) : QN_OK;
    }
    if (note->kind == QN_HTX_DATA && c->traffic.carry.got - c->heard > c->largest + UINT64_C(65536))
        return QN_LIMIT;
    return hand_over(c, note->data);
}

static qn_err client_frame(qn_carrier *carrier, const qn_frame *f, bool last_in_record)
{
    qn_htx_client *c = client_of(carrier);
    qn_htx_note note;
    bool noted;
    qn_err err;

    if (c->phase != QN_HTX_CARRYING)
        return QN_OK;
    err = qn_htx_traffic_frame(&c->traffic, f, last_in_record, &note, &noted);
    return err == QN_OK && noted ? on_carried(c, &note) : err;
}

static size_t client_offer(qn_carrier *carrier, const qn_offer *offer)
{
    return qn_shape_offer(&client_of(carrier)->traffic.shape, offer);
}

static qn_pace client_pace(const qn_carrier *carrier)
{
    return qn_shape_pace(&client_of_const(carrier)->traffic.shape);
}

/* The link's CLOSE frame has said why; the alert is what a TLS client would say of it. */
static void client_close(qn_carrier *carrier, uint16_t code)
{
    qn_htx_client *c = client_of(carrier);
    bool said = true;

    if (c->phase == QN_HTX_CARRYING && !c->traffic.close_got) /* a browser only goes, then */
        said = code == QN_CLOSE_MALFORMED ? alert(c, 2, QN_TLS_UNEXPECTED_MESSAGE)
                                          : alert(c, 1, QN_TLS_CLOSE_NOTIFY);
    lose(c, QN_OK, said ? QN_CARRIER_CLOSE : QN_CARRIER_RESET);
}

static bool client_midway(const qn_carrier *carrier)
{
    return client_of_const(carrier)->in.left.len > 0;
}

qn_htx_look qn_htx_client_look(const qn_carrier *carrier)
{
    const qn_htx_client *c = client_of_const(carrier);

    QN_ASSERT(carrier->kind == &qn_htx_client_kind);
    return (qn_htx_look){.phase = c->phase,
                         .since = c->since,
                         .dated = c->dated,
                         .ahead = c->ahead,
                         .draining = c->draining,
                         .drain = c->drain,
                         .asked = c->warm.asked};
}

const qn_carrier_kind qn_htx_client_kind = {
    .name = "htx",
    .legs = 1,
    .create = client_create,
    .destroy = client_destroy,
    .space = client_space,
    .commit = client_commit,
    .peek = client_peek,
    .consume = client_consume,
    .opened = client_opened,
    .ended = client_ended,
    .next = client_next,
    .due = client_due,
    .tick = client_tick,
    .room = client_room,
    .seal = client_seal,
    .own = client_own,
    .frame = client_frame,
    .close = client_close,
    .midway = client_midway,
    .offer = client_offer,
    .pace = client_pace,
};
