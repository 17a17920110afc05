/*
 * Openings. The client's side walks
 *
 *     BEGUN -> HALF -> FLIGHT -> HEARD -> (JOIN) -> REQUEST -> REPLY -> over
 *
 * the peer's BEGUN (answering the hello) -> REQUEST (answering Finished and the request, together
 * or one after the other) -> over.
 * A stream that ends in between leaves its place at once.
 */
#include "htx/shape_opening.h"

#include "base/bytes.h"

#define HELLO_HEAD 6 /* 22, 3, x, length u16, 1: the record and message type (RFC 8446 5.1, 4) */
#define OPEN_HEAD 9  /* kind u8; command, flags, length u16, sid u32 (docs/wire/cell.md) */
#define OPEN_END 512 /* a stream's OPEN message ends before this offset */
#define JOIN_MIN 128 /* a Finished by itself is less: 58 to 126 bytes with its CCS */
#define HALF_MIN 16  /* a first half is at least that long, or there is none */

bool qn_shape_frame(qn_slice *content, qn_frame *f)
{
    size_t used;

    if (content->n == 0 || qn_frame_get(f, content->p, content->n, &used) != QN_OK)
        return false;
    content->p += used;
    content->n -= used;
    return true;
}

/* ---- places ---------------------------------------------------------------------------------- */

static qn_shape_opening *find(qn_shape *s, uint32_t stream)
{
    for (unsigned i = 0; i < QN_SHAPE_OPENINGS; i++)
        if (s->opening[i].stream == stream)
            return &s->opening[i];
    return NULL;
}

bool qn_shape_opening_any(const qn_shape *s)
{
    for (unsigned i = 0; i < QN_SHAPE_OPENINGS; i++)
        if (s->opening[i].stream != 0)
            return true;
    return false;
}

static void end(qn_shape_opening *x)
{
    *x = (qn_shape_opening){0};
}

static void enter(qn_shape *s, qn_shape_opening *x, qn_shape_stage stage, qn_time for_so_long)
{
    x->stage = (uint8_t)stage;
    x->until = s->env->now + for_so_long;
}

/* Its next step is ours and has a time: the place is not another's meanwhile. */
static bool is_held(const qn_shape_opening *x)
{
    return x->stage <= QN_SHAPE_HALF || x->stage == QN_SHAPE_JOIN;
}

/* Client: a free place, or one whose stream stands still. */
static qn_shape_opening *place(qn_shape *s)
{
    qn_shape_opening *x = find(s, 0);

    for (unsigned i = 0; i < QN_SHAPE_OPENINGS && x == NULL; i++)
        if (!is_held(&s->opening[i]) && s->env->now >= s->opening[i].until)
            x = &s->opening[i];
    s->waiting = x == NULL;
    return x;
}

/* Peer: a free place, or that which moved longest ago: the client has given it to another. */
static qn_shape_opening *oldest(qn_shape *s)
{
    qn_shape_opening *x = find(s, 0);

    if (x != NULL)
        return x;
    x = &s->opening[0];
    for (unsigned i = 1; i < QN_SHAPE_OPENINGS; i++)
        if (s->opening[i].until < x->until)
            x = &s->opening[i];
    return x;
}

/* ---- what a write is ------------------------------------------------------------------------- */

/* Length of the OPEN message that a stream begins with, its kind included; 0: not so. */
static size_t open_message(qn_slice data)
{
    size_t n;

    if (data.n < OPEN_HEAD || data.p[0] != QN_KIND_APP)
        return 0;
    n = OPEN_HEAD + (size_t)qn_get16(data.p + 3);
    return n < data.n ? n : 0;
}

/* A TLS ClientHello begins here (RFC 8446 4.1.2); *size: of its record. */
static bool is_hello(qn_slice data, size_t *size)
{
    if (data.n < HELLO_HEAD || data.p[0] != 22 || data.p[1] != 3 || data.p[5] != 1)
        return false;
    *size = 5 + (size_t)qn_get16(data.p + 3);
    return true;
}

/* ---- the client's writes --------------------------------------------------------------------- */

static size_t first_write(qn_shape *s, const qn_offer *o)
{
    size_t open = o->offset == 0 ? open_message(o->data) : 0;
    size_t whole;
    qn_slice data = qn_slice_of(o->data.p + open, o->data.n - open);
    qn_shape_opening *x;

    if (o->offset > OPEN_END || !is_hello(data, &whole) || data.n < 2 * HALF_MIN)
        return o->data.n;
    if (open > 0)
        return open; /* the hello is offered next */
    x = place(s);
    if (x == NULL)
        return 0;
    *x = (qn_shape_opening){.stream = o->stream};
    enter(s, x, QN_SHAPE_BEGUN, QN_SHAPE_HALF_MAX);
    return data.n / 2;
}

/* Finished comes alone, or already with the request behind it. */
static size_t third_burst(qn_shape *s, qn_shape_opening *x, const qn_offer *o)
{
    if (o->queued < JOIN_MIN && x->stage == QN_SHAPE_HEARD)
        enter(s, x, QN_SHAPE_JOIN, QN_SHAPE_JOIN_MAX);
    if (o->queued < JOIN_MIN && s->env->now < x->until)
        return 0;
    enter(s, x, QN_SHAPE_REQUEST, QN_SHAPE_STALL);
    return o->data.n;
}

size_t qn_shape_offer(qn_shape *s, const qn_offer *o)
{
    qn_shape_opening *x = s->client && !s->relays ? find(s, o->stream) : NULL;

    if (!s->client || s->relays)
        return o->data.n;
    s->upload_seen = s->upload_seen || o->queued > QN_SHAPE_UPLOAD;
    if (!o->app)
        return o->data.n;
    if (x == NULL)
        return first_write(s, o);
    switch ((qn_shape_stage)x->stage) {
    case QN_SHAPE_BEGUN:
    case QN_SHAPE_HALF:
        if (s->env->now < x->until)
            return 0;
        enter(s, x, QN_SHAPE_FLIGHT, QN_SHAPE_STALL);
        return o->data.n;
    case QN_SHAPE_HEARD:
    case QN_SHAPE_JOIN:
        return third_burst(s, x, o);
    case QN_SHAPE_REPLY:
        end(x);
        return o->data.n;
    case QN_SHAPE_FLIGHT:
    case QN_SHAPE_REQUEST:
        return o->data.n;
    }
    return o->data.n;
}

qn_time qn_shape_due(const qn_shape *s)
{
    qn_time due = QN_NEVER;

    if (!s->client)
        return due;
    /* A time that has come woke whoever waits; what is still here then needs no further call. */
    for (unsigned i = 0; i < QN_SHAPE_OPENINGS; i++) {
        const qn_shape_opening *x = &s->opening[i];

        if (x->stream != 0 && x->until > s->env->now && (is_held(x) || s->waiting))
            due = QN_MIN(due, x->until);
    }
    return due;
}

/* ---- both sides' frames ---------------------------------------------------------------------- */

void qn_shape_opening_sent(qn_shape *s, const qn_frame *f)
{
    qn_shape_opening *x = f->stream != 0 ? find(s, f->stream) : NULL;

    if (x == NULL)
        return;
    if (f->type == QN_FRAME_CLOSE || f->fin)
        end(x);
    else if (f->type == QN_FRAME_STREAM && !s->client)
        x->answered = true;
    else if (f->type == QN_FRAME_STREAM && x->stage == QN_SHAPE_BEGUN && !f->more)
        enter(s, x, QN_SHAPE_HALF, QN_SHAPE_HALF_MAX);
}

void qn_shape_opening_between(qn_shape *s)
{
    for (unsigned i = 0; i < QN_SHAPE_OPENINGS; i++)
        if (s->opening[i].stream != 0 && s->opening[i].stage == QN_SHAPE_HALF)
            enter(s, &s->opening[i], QN_SHAPE_FLIGHT, QN_SHAPE_STALL);
}

/* Peer: perhaps a hello, whole or its first half. */
static void new_opening(qn_shape *s, const qn_frame *f)
{
    size_t open = open_message(f->body), whole;
    qn_slice data = qn_slice_of(f->body.p + open, f->body.n - open);
    qn_shape_opening *x;

    if (!is_hello(data, &whole))
        return;
    x = oldest(s);
    *x = (qn_shape_opening){.stream = f->stream};
    enter(s, x, QN_SHAPE_BEGUN, 0);
    if (data.n < whole && s->answers < QN_SHAPE_OPENINGS)
        s->answers++;
}

/* What comes after the flight is Finished, and when that is all, its answer is tickets: the request
 * is still to come. */
static void came_to_peer(qn_shape *s, qn_shape_opening *x, size_t n)
{
    if (x->answered && x->asked >= JOIN_MIN) {
        end(x);
        return;
    }
    if (x->answered) {
        x->answered = false;
        x->burst = 0;
        enter(s, x, QN_SHAPE_REQUEST, 0);
    }
    if (x->stage == QN_SHAPE_REQUEST)
        x->asked = (uint16_t)QN_MIN(x->asked + n, (size_t)JOIN_MIN);
}

static void came_to_client(qn_shape *s, qn_shape_opening *x)
{
    if (x->stage == QN_SHAPE_FLIGHT)
        enter(s, x, QN_SHAPE_HEARD, QN_SHAPE_STALL);
    else if (x->stage == QN_SHAPE_REQUEST)
        enter(s, x, QN_SHAPE_REPLY, QN_SHAPE_STALL);
}

void qn_shape_opening_came(qn_shape *s, const qn_frame *f)
{
    qn_shape_opening *x = f->stream != 0 ? find(s, f->stream) : NULL;

    if (x != NULL && (f->type == QN_FRAME_CLOSE || f->fin))
        end(x);
    else if (f->type != QN_FRAME_STREAM)
        return;
    else if (x == NULL && !s->client)
        new_opening(s, f);
    else if (x != NULL && s->client)
        came_to_client(s, x);
    else if (x != NULL)
        came_to_peer(s, x, f->body.n);
}

int qn_shape_opening_of(const qn_shape *s, const qn_frame *f)
{
    if (f->type == QN_FRAME_STREAM)
        for (int i = 0; i < QN_SHAPE_OPENINGS; i++)
            if (s->opening[i].stream == f->stream)
                return i;
    return -1;
}
