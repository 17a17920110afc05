/* Two links over a pair of carriers; what each side hears is counted, checked and traced. */
#ifndef LINK_FIXTURE_H
#define LINK_FIXTURE_H

#include "support/qt.h"

#include "link/link.h"
#include "support/carrier/dummy_carrier.h"
#include "support/carrier/pair.h"

#include <stdio.h>

enum { IDS = 512 };

typedef struct heard { /* of one stream */
    uint64_t bytes;
    uint64_t finished_at; /* total bytes heard by this side when FIN came */
    unsigned news, fins, closes, rooms;
    uint16_t code;
    qn_stream_kind kind;
} heard;

typedef struct side {
    qt_end *end;
    struct side *peer;
    qn_link link;
    qn_budget budget;
    bool up, hold, no_fill; /* hold: data is not returned by itself */
    uint64_t total;
    unsigned pongs, lefts, closed;
    qn_time rtt;
    qn_link_event last; /* CLOSED */
    heard s[IDS];
    char trace[16384];
    size_t trace_n;
} side;

static qt_pair pair;
static side a, b;

/* The byte at an offset of a stream. */
static inline uint8_t pattern(uint32_t id, uint64_t at)
{
    return (uint8_t)(id * 7 + at * 31 + (at >> 8) + (at >> 16));
}

static void note(side *x, const char *what, uint32_t id, uint64_t n)
{
    int k = snprintf(x->trace + x->trace_n, sizeof x->trace - x->trace_n, "%s%u:%llu ", what, id,
                     (unsigned long long)n);

    if (k > 0 && (size_t)k < sizeof x->trace - x->trace_n)
        x->trace_n += (size_t)k;
}

static void hear_data(side *x, const qn_link_event *ev)
{
    heard *h = &x->s[ev->id];
    const uint8_t *p = qn_piece_data(&ev->piece);

    note(x, ev->fin ? "fin" : ev->more ? "more" : "data", ev->id, ev->piece.len);
    ck_assert_uint_eq(h->fins, 0);
    for (uint32_t i = 0; i < ev->piece.len; i++)
        if (p[i] != pattern(ev->id, h->bytes + i))
            ck_abort_msg("stream %u differs at %llu", ev->id, (unsigned long long)h->bytes + i);
    h->bytes += ev->piece.len;
    x->total += ev->piece.len;
    h->fins += ev->fin;
    h->finished_at = x->total;
    if (!x->hold)
        qn_link_returned(&x->link, ev->id, ev->piece.len);
}

static void hear(side *x, const qn_link_event *ev)
{
    ck_assert_uint_lt(ev->id, IDS);
    ck_assert_msg(x->closed == 0, "an event after CLOSED");
    switch (ev->type) {
    case QN_LINK_STREAM_NEW:
        note(x, "new", ev->id, ev->kind);
        x->s[ev->id].news++;
        x->s[ev->id].kind = ev->kind;
        qn_link_set_user(&x->link, ev->id, &x->s[ev->id]);
        break;
    case QN_LINK_STREAM_DATA:
        ck_assert_ptr_eq(ev->user, &x->s[ev->id]);
        hear_data(x, ev);
        break;
    case QN_LINK_STREAM_ROOM:
        x->s[ev->id].rooms++;
        break;
    case QN_LINK_STREAM_CLOSED:
        note(x, "closed", ev->id, ev->code);
        ck_assert_ptr_eq(ev->user, &x->s[ev->id]);
        x->s[ev->id].closes++;
        x->s[ev->id].code = ev->code;
        break;
    case QN_LINK_PONG:
        x->pongs++;
        x->rtt = ev->rtt;
        break;
    case QN_LINK_LEFT:
        x->lefts++;
        break;
    case QN_LINK_CLOSED:
        note(x, "over", 0, ev->code);
        x->closed++;
        x->last = *ev;
        break;
    }
}

static void drain(side *x)
{
    qn_link_event ev;

    while (qn_link_next(&x->link, &ev))
        hear(x, &ev);
    ck_assert_msg(qn_link_due(&x->link) > x->end->t.env.now, "due lies in the past");
}

/* ---- the upper side of the carriers ---------------------------------------------------------- */

static side *side_of(const qt_end *e)
{
    return e == a.end ? &a : &b;
}

static void on_established(qt_end *e, const qn_established *est)
{
    side *x = side_of(e);

    (void)est;
    if (!x->up)
        qn_link_init(&x->link, &e->t.env,
                     &(qn_link_cfg){.initiator = x == &a, .budget = &x->budget});
    qt_assert_err(
        qn_link_attach(&x->link, e->carrier, x->peer->up ? qn_link_received(&x->peer->link) : 0),
        QN_OK);
    x->up = true;
}

static void on_record(qt_end *e, qn_piece piece)
{
    side *x = side_of(e);

    qn_link_input(&x->link, piece);
    drain(x);
}

static void on_lost(qt_end *e, qn_err err)
{
    (void)err;
    qn_link_detach(&side_of(e)->link);
}

static void on_fill(qt_end *e)
{
    side *x = side_of(e);

    if (!x->up || x->no_fill)
        return;
    drain(x);
    if (qn_link_fill(&x->link))
        drain(x);
    if (x->link.carrier == NULL && e->carrier != NULL)
        qt_end_drain(&pair, e);
}

static const qt_upper links = {on_established, on_record, on_lost, on_fill};

/* ---- life ------------------------------------------------------------------------------------ */

static void open_sides(const qn_carrier_kind *kind)
{
    qt_pair_open(&pair, kind, &links);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    a.end = &pair.a;
    b.end = &pair.b;
    a.peer = &b;
    b.peer = &a;
    a.budget.limit = b.budget.limit = QN_CREDIT_BUDGET;
}

static void clear_link(side *x)
{
    if (x->up)
        qn_link_clear(&x->link);
    x->up = false;
    ck_assert_uint_eq(x->budget.used, 0);
}

static void close_sides(void)
{
    clear_link(&a);
    clear_link(&b);
    qt_pair_close(&pair);
}

static void connect_sides(void)
{
    qt_assert_err(qt_pair_connect(&pair), QN_OK);
    qt_pair_run(&pair);
    ck_assert(a.up && b.up);
}

/* Time passes; links and carriers tick; everything moves. */
static void pass(qn_time by)
{
    side *sides[2] = {&a, &b};

    qt_pair_wait(&pair, by);
    for (unsigned i = 0; i < 2; i++)
        if (sides[i]->up && qn_link_due(&sides[i]->link) <= sides[i]->end->t.env.now)
            qn_link_tick(&sides[i]->link);
    qt_pair_run(&pair);
}

/* ---- doing ----------------------------------------------------------------------------------- */

static uint32_t open_stream(side *x, qn_stream_kind kind)
{
    uint32_t id = 0;

    qt_assert_err(qn_link_open(&x->link, kind, NULL, &id), QN_OK);
    ck_assert_uint_lt(id, IDS);
    qn_link_set_user(&x->link, id, &x->s[id]);
    return id;
}

/* A piece of the stream's pattern with headroom, as an edge would make it. */
static inline qn_piece make_piece(side *x, uint32_t id, uint64_t at, size_t n)
{
    qn_piece p = {.off = QN_STREAM_HEADER, .len = (uint32_t)n};

    p.block = qn_block_get(&x->end->t.env, QN_STREAM_HEADER + n);
    ck_assert_ptr_nonnull(p.block);
    for (size_t i = 0; i < n; i++)
        p.block->data[p.off + i] = pattern(id, at + i);
    return p;
}

/* Sends [from, to) of the pattern in frames of at most `frame`, fin behind it when asked, as far as
 * there is room; returns where it stopped. */
static uint64_t send_some(side *x, uint32_t id, uint64_t from, uint64_t to, size_t frame, bool fin)
{
    while (from < to) {
        size_t n = (size_t)QN_MIN(to - from, frame);
        qn_piece p;

        if (qn_link_writable(&x->link, id) < n)
            return from;
        p = make_piece(x, id, from, n);
        from += n;
        qt_assert_err(qn_link_send(&x->link, id, p, fin && from == to), QN_OK);
    }
    return from;
}

/* All of it, running the pair as often as it takes. */
static void send_all(side *x, uint32_t id, uint64_t from, uint64_t to, size_t frame, bool fin)
{
    for (unsigned i = 0; i < 100000 && from < to; i++) {
        from = send_some(x, id, from, to, frame, fin);
        if (!qt_pair_step(&pair) && from < to)
            qt_env_step(&x->end->t, QN_MS);
    }
    ck_assert_uint_eq(from, to);
    qt_pair_run(&pair);
}

/* Raw record content from one side's carrier, past its link. */
static inline void inject(side *from, const char *hex)
{
    qn_carrier *c = from->end->carrier;
    uint8_t own[8];
    qn_slice raw = qt_hex(hex);

    c->kind->own(c, own, 0);
    qt_assert_err(c->kind->seal(c, raw, (qn_slice){0}), QN_OK);
    from->no_fill = true;
    qt_pair_run(&pair);
    from->no_fill = false;
}

#endif
