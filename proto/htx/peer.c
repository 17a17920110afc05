/* The responder's verbs, by state. */
#include "htx/peer.h"

#include "base/engine.h"

#define MARGIN (10 * QN_SEC)

static qn_htx_peer *peer_of(qn_carrier *c)
{
    return (qn_htx_peer *)c;
}

static const qn_htx_peer *peer_of_const(const qn_carrier *c)
{
    return (const qn_htx_peer *)c;
}

/* Records of C are ours to look at. */
static bool listening(const qn_htx_peer *p)
{
    return p->bond != NULL;
}

/* ---- beginning and end ------------------------------------------------------------------------
 */

static qn_err peer_create(qn_carrier **out, qn_env *env, const qn_carrier_cfg *cfg)
{
    qn_htx_peer *p = qn_mem_get(&env->mem, sizeof *p);
    qn_htx_splice_cfg splice = {.origin = cfg->origin,
                                .client = cfg->client,
                                .local = cfg->local,
                                .proxy = cfg->site->own && cfg->client.family != 0 &&
                                         cfg->local.family != 0};

    QN_ASSERT(!cfg->initiator);
    if (p == NULL)
        return QN_NOMEM;
    p->base.kind = &qn_htx_peer_kind;
    p->env = env;
    p->tally = cfg->tally;
    p->site = cfg->site;
    p->max_record = cfg->max_record != 0 ? cfg->max_record : QN_RECORD_CONTENT_MAX;
    qn_htx_visit_init(&p->visit, env, cfg->tally, cfg->site, &splice);
    if (cfg->unheard)
        qn_htx_visit_leave(&p->visit);
    *out = &p->base;
    return QN_OK;
}

static void peer_destroy(qn_carrier *carrier)
{
    qn_htx_peer *p = peer_of(carrier);
    qn_env *env = p->env;

    qn_htx_peer_drop(p);
    qn_htx_visit_clear(&p->visit);
    qn_mem_put(&env->mem, p, sizeof *p);
}

/* ---- bytes ------------------------------------------------------------------------------------
 */

static qn_span limited(qn_span s, size_t max, size_t used)
{
    if (used >= max)
        return (qn_span){0};
    s.n = QN_MIN(s.n, max - used);
    return s;
}

static qn_span peer_space(qn_carrier *carrier, uint8_t leg)
{
    qn_htx_peer *p = peer_of(carrier);
    const qn_htx_bond *b = p->bond;
    qn_span all = {.p = p->env->engine->scratch, .n = sizeof p->env->engine->scratch};

    if (!listening(p))
        return qn_htx_visit_space(&p->visit, leg);
    if (leg == 1 && (p->state == QN_HTX_PEER_LEAVING || b->o_over))
        return (qn_span){0};
    if (leg == 1)
        return limited(all, QN_HTX_KEEP_MAX, b->traffic.carry.out.bytes);
    all = qn_inbox_space(&p->in, p->env);
    if (p->state != QN_HTX_PEER_HOLD)
        return all;
    return limited(all, QN_HTX_SPLICE_MAX, p->visit.splice.leg[1].out.bytes);
}

/* O may be about to end an idle link: then its last records are not carried, ours look like them.
 */
static bool pausing(const qn_htx_peer *p)
{
    const qn_htx_bond *b = p->bond;

    return p->state == QN_HTX_PEER_QNET && !b->busy && (b->o_over || p->env->now < b->pause);
}

/* n bytes of O in the scratch, from HOLD on. */
static void from_origin(qn_htx_peer *p, size_t n)
{
    qn_slice s = qn_slice_of(p->env->engine->scratch, n);
    qn_err err = qn_htx_carry_send(&p->bond->traffic.carry, p->env, s);

    if (p->state == QN_HTX_PEER_QNET)
        p->bond->pause = p->env->now + QN_HTX_PAUSE;
    if (err == QN_NOMEM) {
        qn_htx_peer_fail(p, err);
    } else if (err != QN_OK && p->state == QN_HTX_PEER_HOLD) {
        qn_htx_peer_raw(p, err); /* no record that a browser would take, so let it be seen */
        qn_htx_splice_write(&p->visit.splice, 0, s);
    } else if (err != QN_OK) {
        qn_htx_splice_shut(&p->visit.splice, true);
        qn_htx_peer_origin_over(p, true);
    }
}

qn_time qn_htx_peer_patience(const qn_htx_peer *p)
{
    qn_time idle = p->site->idle;

    if (idle == QN_NEVER)
        return QN_NEVER;
    return p->env->now + (idle > QN_HTX_STALE + MARGIN ? idle - MARGIN : QN_HTX_STALE);
}

static void peer_commit(qn_carrier *carrier, uint8_t leg, size_t n)
{
    qn_htx_peer *p = peer_of(carrier);

    if (!listening(p)) {
        qn_htx_visit_commit(&p->visit, leg, n);
        if (p->visit.state == QN_HTX_VISIT_PROVE)
            qn_htx_peer_prove(p);
    } else if (n > 0 && leg == 0) {
        qn_inbox_commit(&p->in, p->env, n);
        p->bond->stale = qn_htx_peer_patience(p);
    } else if (n > 0) {
        from_origin(p, n);
    }
}

static unsigned peer_peek(const qn_carrier *carrier, uint8_t leg, qn_slice *v, unsigned max)
{
    return qn_htx_visit_peek(&peer_of_const(carrier)->visit, leg, v, max);
}

/* What O has not taken yet is not C's to send again. */
static void note_held(qn_htx_peer *p)
{
    p->bond->traffic.carry.held = p->visit.splice.leg[1].out.bytes + p->bond->traffic.part.len;
}

static void peer_consume(qn_carrier *carrier, uint8_t leg, size_t n)
{
    qn_htx_peer *p = peer_of(carrier);

    qn_htx_visit_consume(&p->visit, leg, n);
    if (p->state != QN_HTX_PEER_QNET)
        return;
    note_held(p);
    if (leg == 0)
        qn_outflow_took(&p->bond->traffic.outflow, n, p->visit.splice.leg[0].out.bytes);
}

/* ---- what happened to the legs ----------------------------------------------------------------
 */

static void peer_opened(qn_carrier *carrier, uint8_t leg)
{
    qn_htx_visit_opened(&peer_of(carrier)->visit, leg);
}

/* In the hold whatever ends, ends it. */
static void ended_in_hold(qn_htx_peer *p, uint8_t leg, qn_ending how)
{
    qn_htx_peer_raw(p, QN_GONE);
    qn_htx_splice_ended(&p->visit.splice, leg, how);
}

static void client_ended(qn_htx_peer *p, qn_ending how)
{
    if (p->state == QN_HTX_PEER_LEAVING) {
        if (how != QN_END_WRITE_FAILED)
            qn_htx_peer_closed(p);
    } else if (how != QN_END_WRITE_FAILED) {
        qn_htx_peer_raw(p, QN_GONE);
    }
    qn_htx_splice_ended(&p->visit.splice, 0, how);
}

static void origin_ended(qn_htx_peer *p, qn_ending how)
{
    qn_htx_splice *s = &p->visit.splice;

    if (how == QN_END_WRITE_FAILED) {
        qn_htx_splice_ended(s, 1, how);
        return;
    }
    if (how == QN_END_RESET)
        qn_htx_splice_lost(s);
    if (p->state == QN_HTX_PEER_QNET)
        qn_htx_peer_origin_over(p, how == QN_END_RESET || s->leg[1].mute);
}

static void peer_ended(qn_carrier *carrier, uint8_t leg, qn_ending how)
{
    qn_htx_peer *p = peer_of(carrier);

    if (!listening(p))
        qn_htx_visit_ended(&p->visit, leg, how);
    else if (p->state == QN_HTX_PEER_HOLD)
        ended_in_hold(p, leg, how);
    else if (leg == 0)
        client_ended(p, how);
    else
        origin_ended(p, how);
}

/* ---- records of C -----------------------------------------------------------------------------
 */

/* n bytes of C that are O's go on, and are part of what message 3 vouches for. */
static qn_err pass_on(qn_htx_peer *p, size_t n)
{
    qn_slice s = qn_slice_of(p->in.p, n);
    qn_err err = qn_htx_transcript_add(&p->visit.tied->to_o, s);

    if (err != QN_OK)
        return err;
    qn_htx_splice_write(&p->visit.splice, 1, s);
    qn_inbox_take(&p->in, n);
    return QN_AGAIN;
}

/* A record had begun when PROOF left; its rest follows the way of its beginning. */
static qn_err pass_rest(qn_htx_peer *p)
{
    qn_htx_boundary *b = &p->visit.tied->watch.c;
    qn_htx_part part;
    size_t n = qn_htx_boundary_step(b, p->in.p, p->in.n, &part);

    if (part.head && !qn_htx_boundary_sound(b))
        return QN_PROTO;
    return pass_on(p, n);
}

static qn_err try_record(qn_htx_peer *p, size_t size)
{
    qn_err err;

    if (size <= QN_RECORD_HEADER + QN_HTX_CONTROL_MAX)
        return pass_on(p, size);
    err = qn_htx_peer_final(p, size);
    if (err != QN_OK)
        return err;
    qn_inbox_take(&p->in, size);
    return QN_AGAIN;
}

/* What shaping owes at once for what was opened. */
static qn_err answer(qn_htx_peer *p)
{
    if (qn_htx_peer_mute(p))
        return QN_OK;
    return qn_htx_traffic_answer(&p->bond->traffic, qn_htx_peer_out(p));
}

static qn_err open_record(qn_htx_peer *p, size_t size, qn_carrier_event *ev)
{
    uint8_t alert[2];
    qn_piece piece;
    qn_err err = qn_htx_traffic_open(&p->bond->traffic, p->in.p, size, &piece, alert);

    if (err == QN_GONE) {
        qn_htx_peer_alerted(p, alert);
        return QN_AGAIN;
    }
    if (err != QN_OK)
        return err;
    qn_inbox_take(&p->in, size);
    if (p->state == QN_HTX_PEER_LEAVING) {
        qn_block_drop(piece.block);
        return QN_AGAIN;
    }
    err = answer(p);
    if (err != QN_OK) {
        qn_block_drop(piece.block);
        return err;
    }
    *ev = (qn_carrier_event){.type = QN_CARRIER_RECORD, .piece = piece};
    return QN_OK;
}

/* The next whole record. QN_OK: *ev; QN_AGAIN: go on; QN_SHORT: none is left. */
static qn_err take_record(qn_htx_peer *p, qn_carrier_event *ev)
{
    size_t size;
    qn_err err;

    if (p->in.n == 0)
        return QN_SHORT;
    if (p->state == QN_HTX_PEER_HOLD && p->visit.tied->watch.c.head_n > 0)
        return pass_rest(p);
    err = qn_record_track(p->in.p, p->in.n, &size);
    if (err != QN_OK)
        return err;
    if (size > p->in.n)
        return QN_SHORT;
    return p->state == QN_HTX_PEER_HOLD ? try_record(p, size) : open_record(p, size, ev);
}

static void take_error(qn_htx_peer *p, qn_err err)
{
    if (p->state == QN_HTX_PEER_LEAVING)
        qn_htx_peer_closed(p);
    else if (qn_err_band(err) == QN_BAND_OURS && p->state == QN_HTX_PEER_QNET)
        qn_htx_peer_fail(p, err);
    else
        qn_htx_peer_raw(p, err);
}

/* ---- events -----------------------------------------------------------------------------------
 */

static bool next_due(qn_htx_peer *p, qn_carrier_event *ev)
{
    qn_htx_bond *b = p->bond;

    if (b != NULL && b->est_due) {
        *ev = (qn_carrier_event){.type = QN_CARRIER_ESTABLISHED, .est = b->est};
        b->est_due = false;
        qn_wipe(&b->est, sizeof b->est);
    } else if (b != NULL && b->first.block != NULL) {
        *ev = (qn_carrier_event){.type = QN_CARRIER_RECORD, .piece = b->first};
        b->first = (qn_piece){0};
    } else if (p->raw_due) {
        *ev = (qn_carrier_event){.type = QN_CARRIER_RAW, .err = p->err};
        p->raw_due = false;
    } else {
        return false;
    }
    return true;
}

static bool peer_next(qn_carrier *carrier, qn_carrier_event *ev)
{
    qn_htx_peer *p = peer_of(carrier);
    qn_err err;

    for (;;) {
        if (p->visit.splice.over && listening(p))
            qn_htx_peer_fail(p, QN_NOMEM); /* it could not keep what was written */
        if (next_due(p, ev))
            return true;
        if (!listening(p))
            break;
        err = take_record(p, ev);
        if (err == QN_OK)
            return true;
        if (err == QN_SHORT) {
            err = qn_inbox_stow(&p->in, p->env);
            if (err == QN_OK)
                break;
        }
        if (err != QN_AGAIN)
            take_error(p, err);
    }
    return qn_htx_visit_next(&p->visit, ev);
}

/* ---- time -------------------------------------------------------------------------------------
 */

static qn_time peer_due(const qn_carrier *carrier)
{
    const qn_htx_peer *p = peer_of_const(carrier);
    qn_time due = QN_NEVER;

    if (!listening(p))
        return qn_htx_visit_due(&p->visit);
    if (p->state != QN_HTX_PEER_LEAVING && p->in.left.len > 0)
        due = p->bond->stale;
    if (p->state != QN_HTX_PEER_HOLD)
        due = QN_MIN(due, qn_htx_peer_part_due(p));
    if (pausing(p) && !p->bond->o_over)
        due = QN_MIN(due, p->bond->pause); /* the link asks own() again after a tick */
    return due;
}

static void peer_tick(qn_carrier *carrier)
{
    qn_htx_peer *p = peer_of(carrier);

    if (!listening(p)) {
        qn_htx_visit_tick(&p->visit);
        return;
    }
    if (p->state != QN_HTX_PEER_HOLD)
        qn_htx_peer_part_tick(p);
    if (listening(p) && p->state != QN_HTX_PEER_LEAVING && p->in.left.len > 0 &&
        p->env->now >= p->bond->stale)
        qn_htx_peer_raw(p, QN_TIMEOUT);
}

/* ---- the link's side --------------------------------------------------------------------------
 */

static size_t peer_room(const qn_carrier *carrier)
{
    const qn_htx_peer *p = peer_of_const(carrier);

    if (p->state != QN_HTX_PEER_QNET || qn_htx_peer_mute(p))
        return 0;
    return qn_htx_traffic_room(&p->bond->traffic, &p->visit.splice.leg[0].out);
}

static qn_err peer_seal(qn_carrier *carrier, qn_slice a, qn_slice b)
{
    qn_htx_peer *p = peer_of(carrier);
    qn_err err = qn_htx_traffic_seal(&p->bond->traffic, a, b, qn_htx_peer_out(p));

    if (err != QN_OK && err != QN_NOMEM)
        qn_htx_peer_fail(p, err);
    return err;
}

static size_t peer_own(qn_carrier *carrier, uint8_t *out, size_t room)
{
    qn_htx_peer *p = peer_of(carrier);

    if (p->state != QN_HTX_PEER_QNET)
        return 0;
    p->bond->traffic.reticent = pausing(p);
    return qn_htx_traffic_own(&p->bond->traffic, out, room, room < peer_room(carrier));
}

/* C's side of the origin connection: whole records only, so that what follows an anomaly never
 * lands inside one. */
static qn_err hand_over(qn_htx_peer *p, qn_slice data)
{
    qn_err err = QN_OK;
    qn_piece whole;

    while (err == QN_OK && data.n > 0) {
        err = qn_htx_traffic_gather(&p->bond->traffic, &data, &whole);
        if (err != QN_OK)
            break;
        qn_htx_splice_write(&p->visit.splice, 1, qn_slice_of(qn_piece_data(&whole), whole.len));
        qn_block_drop(whole.block);
    }
    note_held(p);
    return err == QN_SHORT ? QN_OK : err;
}

static qn_err peer_frame(qn_carrier *carrier, const qn_frame *f, bool last_in_record)
{
    qn_htx_peer *p = peer_of(carrier);
    qn_htx_note note;
    bool noted;
    qn_err err;

    if (p->state != QN_HTX_PEER_QNET)
        return QN_OK;
    err = qn_htx_traffic_frame(&p->bond->traffic, f, last_in_record, &note, &noted);
    if (err != QN_OK || !noted)
        return err;
    if (note.kind == QN_HTX_END)
        qn_htx_splice_shut(&p->visit.splice, note.reset);
    if (note.kind == QN_HTX_END && note.reset) /* O will not end it, and can judge nothing more */
        qn_htx_peer_origin_over(p, true);
    return note.kind == QN_HTX_DATA ? hand_over(p, note.data) : QN_OK;
}

static void peer_close(qn_carrier *carrier, uint16_t code)
{
    qn_htx_peer *p = peer_of(carrier);

    if (p->state == QN_HTX_PEER_QNET)
        qn_htx_peer_close(p, code);
    else if (p->state != QN_HTX_PEER_LEAVING)
        qn_htx_peer_fail(p, QN_OK);
}

static bool peer_midway(const qn_carrier *carrier)
{
    return peer_of_const(carrier)->in.left.len > 0;
}

static qn_pace peer_pace(const qn_carrier *carrier)
{
    return qn_shape_pace(&peer_of_const(carrier)->bond->traffic.shape);
}

static void peer_busy(qn_carrier *carrier, bool open)
{
    qn_htx_peer *p = peer_of(carrier);

    if (listening(p))
        qn_htx_peer_busy(p, open);
}

qn_htx_peer_look qn_htx_peer_see(const qn_carrier *carrier)
{
    const qn_htx_peer *p = peer_of_const(carrier);
    bool carrying = p->state == QN_HTX_PEER_QNET;

    QN_ASSERT(carrier->kind == &qn_htx_peer_kind);
    return (qn_htx_peer_look){.carrying = carrying,
                              .draining = carrying && p->bond->o_over,
                              .parting =
                                  p->state == QN_HTX_PEER_LEAVING && p->bond->traffic.close_got,
                              .until = carrying ? p->bond->until : QN_NEVER};
}

const qn_carrier_kind qn_htx_peer_kind = {
    .name = "htx",
    .legs = 2,
    .create = peer_create,
    .destroy = peer_destroy,
    .space = peer_space,
    .commit = peer_commit,
    .peek = peer_peek,
    .consume = peer_consume,
    .opened = peer_opened,
    .ended = peer_ended,
    .next = peer_next,
    .due = peer_due,
    .tick = peer_tick,
    .room = peer_room,
    .seal = peer_seal,
    .own = peer_own,
    .frame = peer_frame,
    .close = peer_close,
    .midway = peer_midway,
    .busy = peer_busy,
    .pace = peer_pace,
};
