#include "support/carrier/dummy_carrier.h"

#include "base/engine.h"

typedef struct dummy {
    qn_carrier base;
    qn_env *env;
    qn_carrier *inner; /* bare, on leg 0 after the switch */
    bool initiator, dialled, dial_due;
    bool switched[2]; /* leg: its plain line is over */
    bool leg1_close_due, inner_over;
    qn_err lost;
    qn_addr origin;
    qn_queue plain[2]; /* per leg: unsealed bytes to write */
    qn_queue carried;  /* to travel as CARRIER frames */
    size_t claimed;    /* of them, in the record being built */
} dummy;

static const char hello[] = "hello, origin\n";

static dummy *dummy_of(const qn_carrier *c)
{
    return (dummy *)c;
}

static void dummy_destroy(qn_carrier *c)
{
    dummy *d = dummy_of(c);
    qn_mem *mem = &d->env->mem;

    qn_carrier_destroy(d->inner);
    qn_queue_clear(&d->plain[0], mem);
    qn_queue_clear(&d->plain[1], mem);
    qn_queue_clear(&d->carried, mem);
    qn_mem_put(mem, d, sizeof *d);
}

static qn_err dummy_create(qn_carrier **out, qn_env *env, const qn_carrier_cfg *cfg)
{
    dummy *d = qn_mem_get(&env->mem, sizeof *d);
    qn_err err;

    if (d == NULL)
        return QN_NOMEM;
    *d = (dummy){.base.kind = &qt_carrier_dummy2,
                 .env = env,
                 .initiator = cfg->initiator,
                 .origin = cfg->origin};
    err = qn_carrier_bare.create(&d->inner, env, cfg);
    if (err != QN_OK) {
        dummy_destroy(&d->base);
        return err;
    }
    *out = &d->base;
    return QN_OK;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static qn_span dummy_space(qn_carrier *c, uint8_t leg)
{
    dummy *d = dummy_of(c);
    struct qn_engine *e = d->env->engine;

    if (leg == 0 && d->switched[0])
        return qn_carrier_space(d->inner, 0);
    return (qn_span){.p = e->scratch, .n = sizeof e->scratch};
}

static void give_up(dummy *d)
{
    d->inner->kind->ended(d->inner, 0, QN_END_RESET);
}

static void put(dummy *d, qn_queue *q, const void *p, size_t n)
{
    if (n > 0 && qn_queue_append(q, d->env, p, n) != QN_OK)
        give_up(d);
}

/* Leg 0 before the switch: the initiator waits for the origin's line, the responder relays. */
static void commit_plain(dummy *d, const uint8_t *p, size_t n)
{
    const uint8_t *end = memchr(p, '\n', n);
    size_t line = end != NULL ? (size_t)(end - p) + 1 : n;
    uint8_t *scratch = d->env->engine->scratch;

    if (!d->initiator) {
        d->dial_due = !d->dialled;
        d->dialled = true;
        put(d, &d->plain[1], p, line);
    }
    if (end == NULL)
        return;
    d->switched[0] = true;
    if (d->initiator)
        qn_carrier_opened(d->inner, 0);
    memmove(scratch, p + line, n - line);
    qn_carrier_commit(d->inner, 0, n - line);
}

/* The origin speaks: its first line goes back plainly, the rest is carried. */
static void commit_origin(dummy *d, const uint8_t *p, size_t n)
{
    const uint8_t *end = memchr(p, '\n', n);
    size_t line = 0;

    if (!d->switched[1]) {
        line = end != NULL ? (size_t)(end - p) + 1 : n;
        d->switched[1] = end != NULL;
        put(d, &d->plain[0], p, line);
    }
    put(d, &d->carried, p + line, n - line);
}

static void dummy_commit(qn_carrier *c, uint8_t leg, size_t n)
{
    dummy *d = dummy_of(c);

    if (leg == 1)
        commit_origin(d, d->env->engine->scratch, n);
    else if (d->switched[0])
        qn_carrier_commit(d->inner, 0, n);
    else
        commit_plain(d, d->env->engine->scratch, n);
}

static unsigned dummy_peek(const qn_carrier *c, uint8_t leg, qn_slice *v, unsigned max)
{
    const dummy *d = dummy_of(c);

    if (leg == 1 || d->plain[0].n > 0)
        return qn_queue_peek(&d->plain[leg], v, max);
    return qn_carrier_peek(d->inner, 0, v, max);
}

static void dummy_consume(qn_carrier *c, uint8_t leg, size_t n)
{
    dummy *d = dummy_of(c);

    if (leg == 1 || d->plain[0].n > 0)
        qn_queue_consume(&d->plain[leg], &d->env->mem, n);
    else
        qn_carrier_consume(d->inner, 0, n);
}

static void dummy_opened(qn_carrier *c, uint8_t leg)
{
    dummy *d = dummy_of(c);

    if (d->initiator && leg == 0)
        put(d, &d->plain[0], hello, sizeof hello - 1);
}

static void dummy_ended(qn_carrier *c, uint8_t leg, qn_ending how)
{
    dummy *d = dummy_of(c);

    if (leg == 0)
        qn_carrier_ended(d->inner, 0, how);
    else
        d->dialled = how != QN_END_RESET && d->dialled;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool dummy_next(qn_carrier *c, qn_carrier_event *ev)
{
    dummy *d = dummy_of(c);

    if (d->dial_due) {
        d->dial_due = false;
        *ev = (qn_carrier_event){.type = QN_CARRIER_DIAL, .leg = 1, .addr = d->origin};
        return true;
    }
    if (!d->inner_over && qn_carrier_next(d->inner, ev)) {
        if (ev->type != QN_CARRIER_LOST)
            return true;
        d->inner_over = true; /* the second leg ends first, LOST comes last */
        d->lost = ev->err;
        d->leg1_close_due = d->dialled;
        if (!d->leg1_close_due)
            return true;
    }
    if (!d->inner_over || !d->dialled)
        return false;
    if (d->leg1_close_due)
        *ev = (qn_carrier_event){.type = QN_CARRIER_CLOSE, .leg = 1};
    else
        *ev = (qn_carrier_event){.type = QN_CARRIER_LOST, .err = d->lost};
    d->dialled = d->leg1_close_due;
    d->leg1_close_due = false;
    return true;
}

static qn_time dummy_due(const qn_carrier *c)
{
    return qn_carrier_due(dummy_of(c)->inner);
}

static void dummy_tick(qn_carrier *c)
{
    qn_carrier_tick(dummy_of(c)->inner);
}

/* ---- the link's side ------------------------------------------------------------------------- */

static size_t dummy_room(const qn_carrier *c)
{
    const qn_carrier *inner = dummy_of(c)->inner;

    return inner->kind->room(inner);
}

static qn_err dummy_seal(qn_carrier *c, qn_slice a, qn_slice b)
{
    dummy *d = dummy_of(c);
    qn_err err = d->inner->kind->seal(d->inner, a, b);

    if (err == QN_OK) {
        qn_queue_consume(&d->carried, &d->env->mem, d->claimed);
        d->claimed = 0;
    }
    return err;
}

static size_t dummy_own(qn_carrier *c, uint8_t *out, size_t room)
{
    dummy *d = dummy_of(c);
    const qn_piece *head = qn_queue_head(&d->carried);
    size_t n = 0;

    d->claimed = 0;
    if (head != NULL && room > 2 * (size_t)QN_FRAME_HEADER) { /* a KEY_UPDATE may follow */
        d->claimed = QN_MIN(head->len, room - 2 * (size_t)QN_FRAME_HEADER);
        n = qn_frame_put_header(out, QN_FRAME_CARRIER, d->claimed);
        memcpy(out + n, qn_piece_data(head), d->claimed);
        n += d->claimed;
    }
    return n + d->inner->kind->own(d->inner, out + n, room - n);
}

static qn_err dummy_frame(qn_carrier *c, const qn_frame *f, bool last)
{
    dummy *d = dummy_of(c);

    if (f->type != QN_FRAME_CARRIER)
        return d->inner->kind->frame(d->inner, f, last);
    put(d, d->initiator ? &d->carried : &d->plain[1], f->body.p, f->body.n);
    return QN_OK;
}

static void dummy_close(qn_carrier *c, uint16_t code)
{
    qn_carrier *inner = dummy_of(c)->inner;

    inner->kind->close(inner, code);
}

const qn_carrier_kind qt_carrier_dummy2 = {
    .name = "dummy2",
    .legs = 2,
    .lab_only = true,
    .create = dummy_create,
    .destroy = dummy_destroy,
    .space = dummy_space,
    .commit = dummy_commit,
    .peek = dummy_peek,
    .consume = dummy_consume,
    .opened = dummy_opened,
    .ended = dummy_ended,
    .next = dummy_next,
    .due = dummy_due,
    .tick = dummy_tick,
    .room = dummy_room,
    .seal = dummy_seal,
    .own = dummy_own,
    .frame = dummy_frame,
    .close = dummy_close,
};
