#include "htx/splice.h"

#include "base/engine.h"
#include "htx/proxy.h"

/* What a world is told of a leg, in the order in which it must hear it. */
enum { FINISH = 1, DRAIN_RESET = 2, RESET = 4, CLOSE = 8 };

void qn_htx_splice_init(qn_htx_splice *s, qn_env *env, const qn_htx_splice_cfg *cfg)
{
    *s = (qn_htx_splice){.env = env, .cfg = *cfg, .dial_due = true};
}

void qn_htx_splice_clear(qn_htx_splice *s)
{
    qn_queue_clear(&s->leg[0].out, &s->env->mem);
    qn_queue_clear(&s->leg[1].out, &s->env->mem);
}

/* ---- endings ----------------------------------------------------------------------------------
 */

static void finish(qn_htx_splice *s, qn_err err)
{
    s->over = s->lost_due = true;
    s->err = err;
}

static void end_leg(qn_htx_splice *s, uint8_t leg, uint8_t how)
{
    struct qn_htx_leg *l = &s->leg[leg];

    if (l->gone)
        return;
    l->gone = true;
    l->due |= how;
    if (how == RESET)
        qn_queue_clear(&l->out, &s->env->mem);
}

/* We cannot go on as we should; a machine out of memory resets its connections. */
void qn_htx_splice_fail(qn_htx_splice *s, qn_err err)
{
    if (s->over)
        return;
    end_leg(s, 0, RESET);
    end_leg(s, 1, RESET);
    finish(s, err);
}

/* A leg is gone both ways. The other one gets what is queued for it, then a reset. */
static void gone(qn_htx_splice *s, uint8_t leg)
{
    struct qn_htx_leg *l = &s->leg[leg];

    l->gone = true;
    l->due = 0;
    qn_queue_clear(&l->out, &s->env->mem);
    if (leg == 0 && !s->joined)
        end_leg(s, 1, RESET);
    else if (leg == 1 && !s->joined)
        end_leg(s, 0, RESET);
    else
        end_leg(s, !leg, DRAIN_RESET);
    finish(s, QN_GONE);
}

/* Both directions have ended and nothing waits any more. */
static void settle(qn_htx_splice *s)
{
    if (s->over || !s->leg[0].eof || !s->leg[1].eof || s->leg[0].out.bytes > 0 ||
        s->leg[1].out.bytes > 0)
        return;
    end_leg(s, 0, CLOSE);
    end_leg(s, 1, CLOSE);
    finish(s, QN_OK);
}

/* ---- bytes ------------------------------------------------------------------------------------
 */

/* In front of the visitor's first bytes, or of its end: earlier, an origin would treat a silent
 * connection otherwise than without us. */
static qn_err introduce(qn_htx_splice *s)
{
    uint8_t header[QN_HTX_PROXY_MAX];
    qn_err err;

    if (!s->cfg.proxy)
        return QN_OK;
    err = qn_queue_append(&s->leg[1].out, s->env, header,
                          qn_htx_proxy_put(&s->cfg.client, &s->cfg.local, header));
    if (err == QN_OK)
        s->cfg.proxy = false;
    return err;
}

qn_span qn_htx_splice_space(const qn_htx_splice *s, uint8_t leg)
{
    struct qn_engine *e = s->env->engine;
    size_t used = s->leg[!leg].out.bytes + (leg == 0 && s->cfg.proxy ? QN_HTX_PROXY_MAX : 0);

    if (s->over || s->leg[leg].eof || used >= QN_HTX_SPLICE_MAX)
        return (qn_span){0};
    return (qn_span){.p = e->scratch, .n = QN_HTX_SPLICE_MAX - used};
}

void qn_htx_splice_commit(qn_htx_splice *s, uint8_t leg, size_t n)
{
    struct qn_htx_leg *to = &s->leg[!leg];
    qn_err err = QN_OK;

    if (n == 0 || s->over || to->mute) /* a mute leg's bytes are read to learn how it ends */
        return;
    if (leg == 0)
        err = introduce(s);
    if (err == QN_OK)
        err = qn_queue_append(&to->out, s->env, s->env->engine->scratch, n);
    if (err != QN_OK)
        qn_htx_splice_fail(s, err);
}

unsigned qn_htx_splice_peek(const qn_htx_splice *s, uint8_t leg, qn_slice *v, unsigned max)
{
    return leg == 1 && !s->joined ? 0 : qn_queue_peek(&s->leg[leg].out, v, max);
}

void qn_htx_splice_consume(qn_htx_splice *s, uint8_t leg, size_t n)
{
    qn_queue_consume(&s->leg[leg].out, &s->env->mem, n);
    settle(s);
}

/* ---- what happened ----------------------------------------------------------------------------
 */

void qn_htx_splice_opened(qn_htx_splice *s, uint8_t leg)
{
    if (leg == 1)
        s->joined = true;
}

static void ended_eof(qn_htx_splice *s, uint8_t leg)
{
    qn_err err;

    s->leg[leg].eof = true;
    /* The failed write took the error that the kernel had for us: this was a reset. */
    if (s->leg[leg].mute) {
        gone(s, leg);
        return;
    }
    err = leg == 0 ? introduce(s) : QN_OK;
    if (err != QN_OK) {
        qn_htx_splice_fail(s, err);
        return;
    }
    if (!s->leg[!leg].mute)
        s->leg[!leg].due |= FINISH;
    settle(s);
}

static void ended_write(qn_htx_splice *s, uint8_t leg)
{
    s->leg[leg].mute = true;
    s->leg[leg].due &= (uint8_t)~FINISH;
    qn_queue_clear(&s->leg[leg].out, &s->env->mem);
    if (s->leg[leg].eof)
        gone(s, leg);
}

void qn_htx_splice_ended(qn_htx_splice *s, uint8_t leg, qn_ending how)
{
    if (s->over)
        return;
    switch (how) {
    case QN_END_EOF:
        ended_eof(s, leg);
        break;
    case QN_END_RESET:
        gone(s, leg);
        break;
    case QN_END_WRITE_FAILED:
        ended_write(s, leg);
        break;
    }
}

static bool next_of_leg(qn_htx_splice *s, uint8_t leg, qn_carrier_event *ev)
{
    uint8_t bit = s->leg[leg].due & (uint8_t)-s->leg[leg].due;

    if (bit == 0 || (bit == FINISH && leg == 1 && !s->joined))
        return false;
    s->leg[leg].due ^= bit;
    *ev = (qn_carrier_event){.leg = leg, .drain = bit == DRAIN_RESET};
    ev->type = bit == FINISH  ? QN_CARRIER_FINISH
               : bit == CLOSE ? QN_CARRIER_CLOSE
                              : QN_CARRIER_RESET;
    return true;
}

bool qn_htx_splice_next(qn_htx_splice *s, qn_carrier_event *ev)
{
    if (s->dial_due) {
        s->dial_due = false;
        *ev = (qn_carrier_event){.type = QN_CARRIER_DIAL, .leg = 1, .addr = s->cfg.origin};
        return true;
    }
    if (next_of_leg(s, 0, ev) || next_of_leg(s, 1, ev))
        return true;
    if (!s->lost_due)
        return false;
    s->lost_due = false;
    *ev = (qn_carrier_event){.type = QN_CARRIER_LOST, .err = s->err};
    return true;
}

/* ---- for an owner who speaks instead of a side ------------------------------------------------
 */

void qn_htx_splice_write(qn_htx_splice *s, uint8_t leg, qn_slice bytes)
{
    struct qn_htx_leg *to = &s->leg[leg];

    if (s->over || to->mute || to->gone || bytes.n == 0)
        return;
    if (qn_queue_append(&to->out, s->env, bytes.p, bytes.n) != QN_OK)
        qn_htx_splice_fail(s, QN_NOMEM);
}

void qn_htx_splice_shut(qn_htx_splice *s, bool reset)
{
    if (s->over || s->leg[1].mute)
        return;
    if (reset)
        end_leg(s, 1, DRAIN_RESET);
    else
        s->leg[1].due |= FINISH;
}

void qn_htx_splice_lost(qn_htx_splice *s)
{
    struct qn_htx_leg *l = &s->leg[1];

    l->gone = l->mute = true;
    l->due = 0;
    qn_queue_clear(&l->out, &s->env->mem);
}

void qn_htx_splice_leave(qn_htx_splice *s, unsigned reset, qn_err err)
{
    if (s->over)
        return;
    for (uint8_t leg = 0; leg < 2; leg++)
        end_leg(s, leg, (reset & 1u << leg) != 0 ? DRAIN_RESET : CLOSE);
    finish(s, err);
}
