/* The carrier's part: the leg, records after the switch, what they carry, endings. */
#include "htx/client.h"

#include "base/engine.h"
#include "htx/target.h"
#include "tls/numbers.h"
#include "tls/protect.h"

enum { READ_ON_S = 1 }; /* after a write failed: what the peer said last may still come */

static qn_htx_client *client_of(qn_carrier *c)
{
    return (qn_htx_client *)c;
}

static const qn_htx_client *client_of_const(const qn_carrier *c)
{
    return (const qn_htx_client *)c;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void drop_input(qn_htx_client *c)
{
    qn_block_drop(c->left.block);
    c->left = (qn_piece){0};
    c->in = NULL;
    c->in_n = 0;
}

static void wipe_keys(qn_htx_client *c)
{
    qn_record_keys_wipe(&c->tx);
    qn_record_keys_wipe(&c->rx);
    qn_wipe(&c->est, sizeof c->est);
}

static void client_destroy(qn_carrier *carrier)
{
    qn_htx_client *c = client_of(carrier);
    qn_env *env = c->env;

    drop_input(c);
    qn_queue_clear(&c->out, &env->mem);
    qn_htx_carry_clear(&c->carry, &env->mem);
    qn_htx_browser_clear(c);
    wipe_keys(c);
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
    qn_htx_carry_init(&c->carry);
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
    drop_input(c);
    if (leg != QN_CARRIER_CLOSE)
        qn_queue_clear(&c->out, &c->env->mem);
    qn_htx_carry_clear(&c->carry, &c->env->mem);
    qn_htx_browser_clear(c);
    wipe_keys(c);
}

/* Seals an alert under the keys in use, unless nothing can be written. */
static bool alert(qn_htx_client *c, uint8_t level, uint8_t description)
{
    uint8_t said[2] = {level, description};

    return !c->mute && qn_record_seal(&c->tx, c->env, c->tally, qn_slice_of(said, sizeof said),
                                      qn_slice_of(NULL, 0), QN_INNER_ALERT, &c->out) == QN_OK;
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
    struct qn_engine *e = c->env->engine;

    (void)leg;
    if (c->phase == QN_HTX_OVER || c->phase == QN_HTX_DIALLING || c->eof)
        return (qn_span){0};
    return (qn_span){.p = e->scratch + c->left.len, .n = sizeof e->scratch - c->left.len};
}

static void client_commit(qn_carrier *carrier, uint8_t leg, size_t n)
{
    qn_htx_client *c = client_of(carrier);
    uint8_t *scratch = c->env->engine->scratch;

    (void)leg;
    if (n == 0 || c->phase == QN_HTX_OVER)
        return;
    QN_ASSERT(c->in == NULL); /* the last readiness event was drained */
    if (c->left.len > 0)
        memcpy(scratch, qn_piece_data(&c->left), c->left.len);
    c->in = scratch;
    c->in_n = c->left.len + n;
    qn_block_drop(c->left.block);
    c->left = (qn_piece){0};
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

/* The readiness event is used up; the next carrier may want the scratch. */
static qn_err stow(qn_htx_client *c)
{
    if (c->in_n > 0) {
        qn_block *b = qn_block_get(c->env, c->in_n);

        if (b == NULL)
            return QN_NOMEM;
        memcpy(b->data, c->in, c->in_n);
        c->left = (qn_piece){.block = b, .len = (uint32_t)c->in_n};
    }
    c->in = NULL;
    c->in_n = 0;
    return QN_OK;
}

static qn_err open_record(qn_htx_client *c, size_t size, qn_carrier_event *ev)
{
    qn_inner inner;
    qn_piece piece;
    qn_err err = qn_record_open(&c->rx, c->env, c->tally, c->in, size, &piece, &inner);

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
static qn_err take_record(qn_htx_client *c, qn_carrier_event *ev)
{
    bool carrying = c->phase == QN_HTX_CARRYING;
    size_t size = 0;
    qn_err err = QN_SHORT;

    if (c->in_n > 0)
        err =
            carrying ? qn_record_track(c->in, c->in_n, &size) : qn_tls_track(c->in, c->in_n, &size);
    if (err == QN_SHORT || (err == QN_OK && size > c->in_n))
        return QN_SHORT;
    if (err != QN_OK)
        return carrying ? err : qn_htx_browser_misframed(c, err);
    if (carrying) {
        err = open_record(c, size, ev);
    } else {
        err = qn_htx_browser_record(c, c->in, size);
        err = err == QN_OK ? QN_AGAIN : err;
    }
    if (err == QN_OK || err == QN_AGAIN) {
        c->in += size;
        c->in_n -= size;
    }
    return err;
}

static qn_err take_end(qn_htx_client *c)
{
    if (!c->eof)
        return stow(c);
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
    return client_of_const(carrier)->deadline;
}

static void client_tick(qn_carrier *carrier)
{
    qn_htx_client *c = client_of(carrier);

    if (c->env->now < c->deadline)
        return;
    switch (c->phase) {
    case QN_HTX_DIALLING:
    case QN_HTX_LOADING:
        lose(c, QN_TIMEOUT, QN_CARRIER_CLOSE);
        break;
    case QN_HTX_WAITING:
        qn_htx_browser_give_up(c);
        break;
    case QN_HTX_VISITOR:
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

    if (c->phase != QN_HTX_CARRYING || c->mute || c->out.bytes >= QN_LINK_OUT_MAX)
        return 0;
    return c->max_record;
}

static qn_err client_seal(qn_carrier *carrier, qn_slice a, qn_slice b)
{
    qn_htx_client *c = client_of(carrier);
    qn_err err = qn_record_seal(&c->tx, c->env, c->tally, a, b, QN_INNER_FRAMES, &c->out);

    if (err == QN_NOMEM)
        return err;
    if (err == QN_OK && c->rekeying)
        err = qn_record_ratchet(&c->tx, c->env);
    c->rekeying = false;
    if (err != QN_OK) {
        lose(c, err, QN_CARRIER_RESET);
        return err;
    }
    qn_htx_carry_sealed(&c->carry, &c->env->mem);
    return QN_OK;
}

static size_t client_own(qn_carrier *carrier, uint8_t *out, size_t room)
{
    qn_htx_client *c = client_of(carrier);
    bool space = room >= QN_FRAME_HEADER;
    size_t n;

    /* The browser's next records, when earlier ones left; without memory the next call is in time.
     */
    if (c->phase == QN_HTX_CARRYING && qn_htx_browser_flush(c) != QN_OK)
        qn_log_line(c->env, QN_LOG_DEBUG, "htx", "no memory for the origin's records");
    c->rekeying = space && qn_record_rekey_due(&c->tx, c->env->now);
    n = qn_htx_carry_own(&c->carry, out, space ? room - QN_FRAME_HEADER : 0);
    return n + (c->rekeying ? qn_frame_put_header(out + n, QN_FRAME_KEY_UPDATE, 0) : 0);
}

/* Moves bytes up to the end of the origin's record, or of its header while that is incomplete. */
static qn_err gather(qn_piece *part, qn_slice *data, size_t *want)
{
    uint8_t *p = part->block->data;
    qn_err err = qn_record_track(p, part->len, want);
    size_t n = (err == QN_OK ? *want : QN_RECORD_HEADER) - part->len;

    n = QN_MIN(n, data->n);
    memcpy(p + part->len, data->p, n);
    part->len += (uint32_t)n;
    data->p += n;
    data->n -= n;
    return qn_record_track(p, part->len, want);
}

/* Takes bytes of the origin's direction, at most one record, and hands that on when it is whole. */
static qn_err take_carried(qn_htx_client *c, qn_slice *data)
{
    qn_piece whole;
    size_t want;
    qn_err err;

    if (c->part.block == NULL)
        c->part = (qn_piece){.block = qn_block_get(c->env, QN_RECORD_HEADER + QN_RECORD_BODY_MAX)};
    if (c->part.block == NULL)
        return QN_NOMEM;
    err = gather(&c->part, data, &want);
    if (err == QN_SHORT || (err == QN_OK && c->part.len < want))
        return QN_OK;
    if (err != QN_OK)
        return err;
    whole = c->part;
    c->part = (qn_piece){0};
    err = qn_htx_browser_record(c, whole.block->data, whole.len);
    qn_block_drop(whole.block);
    return err;
}

static qn_err on_carried(qn_htx_client *c, qn_slice body)
{
    qn_htx_note note;
    qn_err err = qn_htx_carry_got(&c->carry, body, &note);

    if (err != QN_OK)
        return err == QN_CREDIT ? QN_PROTO : err; /* alert 10, not the link's own code */
    if (note.kind == QN_HTX_END) {
        c->draining = true;
        c->drain = note.drain;
        if (c->tls != NULL)
            err = qn_htx_browser_eof(c);
    }
    if (note.kind == QN_HTX_DATA && c->carry.got > c->plan.largest[1] + UINT64_C(65536))
        return QN_LIMIT;
    while (err == QN_OK && c->tls != NULL && note.data.n > 0)
        err = take_carried(c, &note.data);
    return err;
}

static qn_err client_frame(qn_carrier *carrier, const qn_frame *f, bool last_in_record)
{
    qn_htx_client *c = client_of(carrier);

    if (f->type == QN_FRAME_CARRIER)
        return c->phase == QN_HTX_CARRYING ? on_carried(c, f->body) : QN_OK;
    if (f->type != QN_FRAME_KEY_UPDATE || !last_in_record)
        return QN_PROTO;
    return c->phase == QN_HTX_CARRYING ? qn_record_ratchet(&c->rx, c->env) : QN_OK;
}

/* The link's CLOSE frame has said why; the alert is what a TLS client would say of it. */
static void client_close(qn_carrier *carrier, uint16_t code)
{
    qn_htx_client *c = client_of(carrier);
    bool said = true;

    if (c->phase == QN_HTX_CARRYING)
        said = code == QN_CLOSE_MALFORMED ? alert(c, 2, QN_TLS_UNEXPECTED_MESSAGE)
                                          : alert(c, 1, QN_TLS_CLOSE_NOTIFY);
    lose(c, QN_OK, said ? QN_CARRIER_CLOSE : QN_CARRIER_RESET);
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
                         .drain = c->drain};
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
};
