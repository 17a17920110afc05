#include "support/carrier/pair.h"

#include <stdio.h>
#include <string.h>

static void trace(qt_end *e, const char *what, unsigned n)
{
    int k = snprintf(e->trace + e->trace_n, sizeof e->trace - e->trace_n, "%s%u ", what, n);

    if (k > 0 && (size_t)k < sizeof e->trace - e->trace_n)
        e->trace_n += (size_t)k;
}

/* ---- life ------------------------------------------------------------------------------------ */

static qn_dh_secret fixed_key(uint8_t fill)
{
    qn_dh_secret s;

    memset(s.b, fill, sizeof s.b);
    return s;
}

void qt_pair_open(qt_pair *p, const qn_carrier_kind *kind, const qt_upper *upper)
{
    qn_carrier_cfg common = {.origin = {.family = 4, .ip = {10, 0, 0, 1}, .port = 443}};

    *p = (qt_pair){.kind = kind, .chunk = 1 << 20};
    qt_env_open(&p->a.t, 1);
    qt_env_open(&p->b.t, 2);
    memset(common.network, 0x4e, sizeof common.network);
    memset(common.responder.b, 0xbb, sizeof common.responder.b);
    p->a.cfg = p->b.cfg = common;
    p->a.cfg.initiator = true;
    p->a.cfg.own_key = fixed_key(0x11);
    p->b.cfg.own_key = fixed_key(0x22);
    qn_dh_derive(&p->b.cfg.own_key, &p->a.cfg.responder_key);
    p->a.cfg.claim = true;
    memset(p->a.cfg.own_id.b, 0xaa, 32);
    p->a.upper = p->b.upper = upper;
    p->a.cfg.tally = &p->a.tally;
    p->b.cfg.tally = &p->b.tally;
}

qn_err qt_pair_connect(qt_pair *p)
{
    qt_end *ends[2] = {&p->a, &p->b};
    qn_err err = QN_OK;

    p->origin_n = p->origin_echoed = 0;
    p->origin_answered = false;
    for (unsigned i = 0; i < 2 && err == QN_OK; i++) {
        qt_end *e = ends[i];

        e->established = e->lost = false;
        e->finish = e->close = e->reset = e->dials = 0;
        e->wrote = 0;
        err = p->kind->create(&e->carrier, &e->t.env, &e->cfg);
        if (err != QN_OK)
            e->carrier = NULL;
    }
    if (err == QN_OK) {
        qn_carrier_opened(p->a.carrier, 0);
        qt_end_drain(p, &p->a);
    }
    return err;
}

void qt_pair_cut(qt_pair *p)
{
    qn_carrier_destroy(p->a.carrier);
    qn_carrier_destroy(p->b.carrier);
    p->a.carrier = p->b.carrier = NULL;
}

void qt_pair_close(qt_pair *p)
{
    qt_pair_cut(p);
    qt_env_close(&p->a.t);
    qt_env_close(&p->b.t);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void take_event(qt_pair *p, qt_end *e, const qn_carrier_event *ev)
{
    switch (ev->type) {
    case QN_CARRIER_DIAL:
        trace(e, "dial", ev->leg);
        ck_assert(qn_addr_equal(&ev->addr, &e->cfg.origin));
        e->dials++;
        qn_carrier_opened(e->carrier, ev->leg);
        break;
    case QN_CARRIER_ESTABLISHED:
        trace(e, "up", ev->est.max_record);
        e->established = true;
        e->est = ev->est;
        if (e->upper != NULL)
            e->upper->established(e, &ev->est);
        break;
    case QN_CARRIER_RECORD:
        trace(e, "r", ev->piece.len);
        e->upper->record(e, ev->piece);
        break;
    case QN_CARRIER_FINISH:
        trace(e, "finish", ev->leg);
        e->finish++;
        break;
    case QN_CARRIER_CLOSE:
        trace(e, "close", ev->leg);
        e->close++;
        break;
    case QN_CARRIER_RESET:
        trace(e, "reset", ev->leg);
        e->reset++;
        break;
    case QN_CARRIER_RAW:
        trace(e, "raw", 0);
        break;
    case QN_CARRIER_LOST:
        ck_assert(!e->lost);
        trace(e, "lost", (unsigned)-ev->err);
        e->lost = true;
        e->err = ev->err;
        if (e->upper != NULL)
            e->upper->lost(e, ev->err);
        break;
    }
    (void)p;
}

void qt_end_drain(qt_pair *p, qt_end *e)
{
    qn_carrier_event ev;

    while (e->carrier != NULL && qn_carrier_next(e->carrier, &ev)) {
        ck_assert_msg(!e->lost, "an event after LOST");
        take_event(p, e, &ev);
    }
    if (e->carrier != NULL) {
        qn_time due = qn_carrier_due(e->carrier);

        ck_assert_msg(due == QN_NEVER || due > e->t.env.now, "due lies in the past");
    }
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Up to chunk bytes of a leg into buf; they have left. */
static size_t take_out(qt_pair *p, qt_end *e, uint8_t leg, uint8_t *buf, size_t cap)
{
    qn_slice v[8];
    unsigned n = qn_carrier_peek(e->carrier, leg, v, 8);
    size_t got = 0, max = QN_MIN(p->chunk, cap);

    for (unsigned i = 0; i < n && got < max; i++) {
        size_t part = QN_MIN(v[i].n, max - got);

        memcpy(buf + got, v[i].p, part);
        got += part;
    }
    if (got > 0)
        qn_carrier_consume(e->carrier, leg, got);
    return got;
}

static bool move(qt_pair *p, qt_end *from, qt_end *to)
{
    static uint8_t wire[1 << 18];
    size_t n;
    qn_span s;

    if (from->carrier == NULL || to->carrier == NULL)
        return false;
    if (from->upper != NULL && !from->lost)
        from->upper->fill(from);
    s = qn_carrier_space(to->carrier, 0);
    n = take_out(p, from, 0, wire, to->lost ? sizeof wire : QN_MIN(s.n, sizeof wire));
    if (from->flip != 0 && from->flip_at >= from->wrote && from->flip_at < from->wrote + n)
        wire[from->flip_at - from->wrote] ^= from->flip;
    from->wrote += n;
    if (n > 0 && !to->lost) {
        memcpy(s.p, wire, n);
        qn_carrier_commit(to->carrier, 0, n);
        qt_end_drain(p, to);
    }
    return n > 0;
}

static bool origin_speaks(qt_pair *p, const uint8_t *text, size_t n)
{
    qn_span s = qn_carrier_space(p->b.carrier, 1);

    ck_assert_uint_ge(s.n, n);
    memcpy(s.p, text, n);
    qn_carrier_commit(p->b.carrier, 1, n);
    qt_end_drain(p, &p->b);
    return true;
}

/* The origin hears a line, answers with one, and says something more later on. */
static bool move_origin(qt_pair *p)
{
    uint8_t buf[4096];
    size_t n;

    if (p->b.carrier == NULL || p->b.dials == 0 || p->b.lost)
        return false;
    n = take_out(p, &p->b, 1, buf, sizeof buf);
    if (p->origin_answered)
        p->origin_echoed += n;
    for (size_t i = 0; i < n && !p->origin_answered && p->origin_n < sizeof p->origin - 1; i++)
        p->origin[p->origin_n++] = (char)buf[i];
    if (!p->origin_answered && p->origin_n > 0 && p->origin[p->origin_n - 1] == '\n') {
        p->origin_answered = true;
        return origin_speaks(p, (const uint8_t *)"welcome\n", 8);
    }
    if (p->origin_answered && p->a.established && p->origin_extra > 0) {
        n = QN_MIN(p->origin_extra, sizeof buf);
        p->origin_extra -= n;
        memset(buf, 'o', n);
        return origin_speaks(p, buf, n);
    }
    return n > 0;
}

bool qt_pair_step(qt_pair *p)
{
    bool any = move(p, &p->a, &p->b);

    any = move(p, &p->b, &p->a) || any;
    return move_origin(p) || any;
}

void qt_pair_run(qt_pair *p)
{
    for (unsigned i = 0; i < 1000000; i++)
        if (!qt_pair_step(p))
            return;
    qt_die("the pair never came to rest");
}

static void tick(qt_pair *p, qt_end *e)
{
    if (e->carrier != NULL && qn_carrier_due(e->carrier) <= e->t.env.now) {
        qn_carrier_tick(e->carrier);
        qt_end_drain(p, e);
    }
}

void qt_pair_wait(qt_pair *p, qn_time by)
{
    qt_env_step(&p->a.t, by);
    qt_env_step(&p->b.t, by);
    tick(p, &p->a);
    tick(p, &p->b);
}
