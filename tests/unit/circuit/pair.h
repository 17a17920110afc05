/*
 * Two ends of a circuit without the circuit: what one side's qn_apps puts out, the other takes in.
 * Both check every byte they are shown against what the stream's sender must have sent.
 */
#ifndef QT_CIRCUIT_PAIR_H
#define QT_CIRCUIT_PAIR_H

#include "support/qt.h"

#include "circuit/apps.h"

enum { PAIR_STREAMS = 300 };

typedef struct seen { /* of one stream, at one end */
    unsigned opens, openeds, ends, rooms;
    qn_app_code opened, end;
    uint64_t sent, got, held; /* held: shown and not consumed */
} seen;

typedef struct side {
    qn_apps *apps;
    bool client;
    bool hold;                /* do not consume what is shown */
    bool mute;                /* do not answer OPEN */
    bool echo;                /* send back what is shown, END for END */
    size_t refill;            /* read so much more of a stream that hears of room */
    unsigned pongs, cells[2]; /* cells put out: S, L */
    uint64_t pong;
    qn_dest dest; /* of the last OPEN */
    seen s[PAIR_STREAMS];
} side;

static inline uint8_t pair_byte(const side *from, uint32_t sid, uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) * 7 + sid * 17 + (from->client ? 3 : 128));
}

/* Takes at most n bytes from the side's application, as far as there is room; returns how many. */
static inline size_t side_send(side *x, uint32_t sid, size_t n)
{
    size_t done = 0;

    while (done < n) {
        qn_span v[8];
        unsigned k = qn_apps_space(x->apps, sid, v, QN_LEN(v));
        size_t now = 0;

        for (unsigned i = 0; i < k; i++)
            for (size_t j = 0; j < v[i].n && done + now < n; j++, now++)
                v[i].p[j] = pair_byte(x, sid, x->s[sid].sent + now);
        if (now == 0)
            break;
        qn_apps_commit(x->apps, sid, now);
        x->s[sid].sent += now;
        done += now;
    }
    return done;
}

static inline void side_data(side *x, const side *other, const qn_app_event *ev)
{
    seen *s = &x->s[ev->sid];
    const uint8_t *p = qn_piece_data(&ev->piece);
    uint32_t same = 0;

    while (same < ev->piece.len && p[same] == pair_byte(other, ev->sid, s->got + same))
        same++;
    ck_assert_uint_eq(same, ev->piece.len);
    s->got += ev->piece.len;
    if (x->echo)
        ck_assert_uint_eq(side_send(x, ev->sid, ev->piece.len), ev->piece.len);
    if (x->hold)
        s->held += ev->piece.len;
    else
        qn_apps_consumed(x->apps, ev->sid, ev->piece.len);
}

static inline void side_event(side *x, const side *other, const qn_app_event *ev)
{
    seen *s = &x->s[ev->sid];

    ck_assert_uint_lt(ev->sid, PAIR_STREAMS);
    switch (ev->type) {
    case QN_APP_EV_OPEN:
        s->opens++;
        x->dest = ev->dest;
        qn_apps_set_user(x->apps, ev->sid, s);
        if (!x->mute)
            qn_apps_opened(x->apps, ev->sid, QN_APP_DONE);
        break;
    case QN_APP_EV_OPENED:
        s->openeds++;
        s->opened = ev->code;
        break;
    case QN_APP_EV_DATA:
        side_data(x, other, ev);
        break;
    case QN_APP_EV_END:
        s->ends++;
        s->end = ev->code;
        if (x->echo && ev->code == QN_APP_DONE)
            qn_apps_end(x->apps, ev->sid, QN_APP_DONE);
        break;
    case QN_APP_EV_ROOM:
        s->rooms++;
        (void)side_send(x, ev->sid, x->refill);
        break;
    case QN_APP_EV_PONG:
        x->pongs++;
        x->pong = ev->value;
        break;
    }
    ck_assert(ev->type == QN_APP_EV_PONG || ev->user == (ev->type == QN_APP_EV_OPEN ? NULL : s));
}

static inline void side_drain(side *x, const side *other)
{
    qn_app_event ev;

    while (qn_apps_next(x->apps, &ev))
        side_event(x, other, &ev);
}

static inline void side_release(side *x, uint32_t sid)
{
    size_t n = (size_t)x->s[sid].held;

    x->s[sid].held = 0;
    qn_apps_consumed(x->apps, sid, n);
}

static inline uint32_t side_open(side *x)
{
    qn_dest dest = {.type = 3, .name_len = 11, .port = 443, .name = "example.com"};
    uint32_t sid = 0;

    qt_assert_err(qn_apps_open(x->apps, &dest, &x->s[x->apps->last + 1], &sid), QN_OK);
    return sid;
}

#endif
