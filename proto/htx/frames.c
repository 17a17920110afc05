#include "htx/frames.h"

#include "carrier/record.h"

enum {
    DATA_RECORD = 0x17,
    ROOM_MIN = 16
}; /* less is not worth a header; shaped records can be short */

qn_err qn_htx_note_get(qn_htx_note *out, qn_slice payload)
{
    const uint8_t *p = payload.p;
    qn_htx_note got = {0};

    if (payload.n == 0 || p[0] > QN_HTX_END)
        return QN_PROTO;
    got.kind = (qn_htx_note_kind)p[0];
    if (got.kind == QN_HTX_DATA) {
        if (payload.n == 1)
            return QN_PROTO;
        got.data = qn_slice_of(p + 1, payload.n - 1);
    } else if (got.kind == QN_HTX_LIMIT) {
        if (payload.n != QN_HTX_LIMIT_SIZE - QN_FRAME_HEADER)
            return QN_PROTO;
        got.limit = qn_get64(p + 1);
    } else {
        if (payload.n != QN_HTX_END_SIZE - QN_FRAME_HEADER || p[1] > 1)
            return QN_PROTO;
        got.reset = p[1] == 1;
        got.drain = qn_get16(p + 2);
    }
    *out = got;
    return QN_OK;
}

size_t qn_htx_note_put(const qn_htx_note *note, uint8_t *out)
{
    bool limit = note->kind == QN_HTX_LIMIT;
    size_t n = limit ? QN_HTX_LIMIT_SIZE : QN_HTX_END_SIZE;

    QN_ASSERT(note->kind != QN_HTX_DATA);
    (void)qn_frame_put_header(out, QN_FRAME_CARRIER, n - QN_FRAME_HEADER);
    out += QN_FRAME_HEADER;
    out[0] = (uint8_t)note->kind;
    if (limit) {
        qn_put64(out + 1, note->limit);
    } else {
        out[1] = note->reset;
        qn_put16(out + 2, note->drain);
    }
    return n;
}

/* ---- both directions ------------------------------------------------------------------------- */

void qn_htx_carry_init(qn_htx_carry *c)
{
    *c = (qn_htx_carry){.may = QN_HTX_CARRY_WINDOW, .granted = QN_HTX_CARRY_WINDOW};
}

void qn_htx_carry_clear(qn_htx_carry *c, qn_mem *mem)
{
    qn_queue_clear(&c->out, mem);
    c->ready = 0;
    c->started = 0;
    c->in = (qn_htx_boundary){0};
    c->claim.data = 0;
}

static bool sound(const qn_htx_boundary *b)
{
    return qn_htx_boundary_sound(b) && qn_htx_boundary_type(b) == DATA_RECORD &&
           qn_htx_boundary_size(b) >= QN_RECORD_BODY_MIN;
}

/* Where records end in what is queued next; *whole: bytes up to the end of the last one. */
static bool cut(qn_htx_boundary *b, qn_slice s, size_t *whole)
{
    qn_htx_part part;

    *whole = 0;
    for (size_t at = 0; at < s.n;) {
        at += qn_htx_boundary_step(b, s.p + at, s.n - at, &part);
        if (part.head && !sound(b))
            return false;
        if (part.end)
            *whole = at;
    }
    return true;
}

qn_err qn_htx_carry_send(qn_htx_carry *c, qn_env *env, qn_slice bytes)
{
    uint64_t before = c->out.bytes;
    size_t whole;
    qn_err err;

    if (c->end_due || c->end_sent)
        return QN_STATE;
    if (!cut(&c->in, bytes, &whole))
        return QN_PROTO;
    err = qn_queue_append(&c->out, env, bytes.p, bytes.n);
    if (err == QN_OK && whole > 0)
        c->ready = before + whole;
    return err;
}

/* The whole length of the record at the front, whose header has been seen. */
static size_t front(const qn_queue *q)
{
    uint8_t head[QN_RECORD_HEADER];
    qn_slice v[QN_RECORD_HEADER];
    unsigned k = qn_queue_peek(q, v, QN_LEN(v));
    size_t n = 0;

    for (unsigned i = 0; i < k && n < sizeof head; i++) {
        size_t part = QN_MIN(v[i].n, sizeof head - n);

        memcpy(head + n, v[i].p, part);
        n += part;
    }
    QN_ASSERT(n == sizeof head);
    return sizeof head + qn_get16(head + 3);
}

/* n bytes at the front, all of them ready, are done with. */
static void advance(qn_htx_carry *c, qn_mem *mem, size_t n)
{
    while (n > 0) {
        size_t part;

        if (c->started == 0)
            c->started = front(&c->out);
        part = QN_MIN(n, c->started);
        qn_queue_consume(&c->out, mem, part);
        c->started -= part;
        c->ready -= part;
        n -= part;
    }
}

void qn_htx_carry_drop(qn_htx_carry *c, qn_mem *mem)
{
    if (c->started == 0 && c->ready > 0)
        advance(c, mem, front(&c->out));
}

void qn_htx_carry_end(qn_htx_carry *c, bool reset, uint16_t drain)
{
    if (c->end_due || c->end_sent)
        return;
    c->end_due = true;
    c->reset = reset;
    c->drain = drain;
}

/* Half a window has passed on since the other side last heard of one. What is held may be more than
 * what came in DATA: O had not taken all of the visit's bytes when the sides switched. */
static size_t own_limit(qn_htx_carry *c, uint8_t *out, size_t room)
{
    uint64_t passed = c->got > c->held ? c->got - c->held : 0, limit = passed + QN_HTX_CARRY_WINDOW;

    if (c->ended || room < QN_HTX_LIMIT_SIZE || limit < c->granted + QN_HTX_CARRY_WINDOW / 2)
        return 0;
    c->claim.limit = limit;
    return qn_htx_note_put(&(qn_htx_note){.kind = QN_HTX_LIMIT, .limit = limit}, out);
}

/* At most n bytes, and what the queue's first pieces have. */
static size_t put_data(qn_htx_carry *c, uint8_t *out, size_t n)
{
    qn_slice v[8];
    unsigned k = qn_queue_peek(&c->out, v, QN_LEN(v));

    for (unsigned i = 0; i < k && c->claim.data < n; i++) {
        size_t part = QN_MIN(v[i].n, n - c->claim.data);

        memcpy(out + QN_HTX_DATA_HEADER + c->claim.data, v[i].p, part);
        c->claim.data += part;
    }
    (void)qn_frame_put_header(out, QN_FRAME_CARRIER, 1 + c->claim.data);
    out[QN_FRAME_HEADER] = QN_HTX_DATA;
    return QN_HTX_DATA_HEADER + c->claim.data;
}

static size_t own_data(qn_htx_carry *c, uint8_t *out, size_t room)
{
    uint64_t left = QN_MIN(c->may - c->sent, c->ready);

    if (room < ROOM_MIN || left == 0)
        return 0;
    return put_data(c, out, (size_t)QN_MIN(left, room - QN_HTX_DATA_HEADER));
}

static size_t own_end(qn_htx_carry *c, uint8_t *out, size_t room)
{
    qn_htx_note note = {.kind = QN_HTX_END, .reset = c->reset, .drain = c->drain};

    if (!c->end_due || room < QN_HTX_END_SIZE || c->claim.data != c->ready)
        return 0;
    c->claim.end = true;
    return qn_htx_note_put(&note, out);
}

static void unclaim(qn_htx_carry *c)
{
    c->claim.data = 0;
    c->claim.limit = 0;
    c->claim.end = false;
}

size_t qn_htx_carry_rest(qn_htx_carry *c, uint8_t *out, size_t room)
{
    unclaim(c);
    return put_data(c, out, QN_MIN(c->started, room - QN_HTX_DATA_HEADER));
}

size_t qn_htx_carry_own(qn_htx_carry *c, uint8_t *out, size_t room)
{
    size_t n;

    unclaim(c);
    n = own_limit(c, out, room);
    n += own_data(c, out + n, room - n);
    return n + own_end(c, out + n, room - n);
}

void qn_htx_carry_sealed(qn_htx_carry *c, qn_mem *mem)
{
    advance(c, mem, c->claim.data);
    c->sent += c->claim.data;
    if (c->claim.limit != 0)
        c->granted = c->claim.limit;
    if (c->claim.end) {
        c->end_due = false;
        c->end_sent = true;
    }
    unclaim(c);
}

qn_err qn_htx_carry_got(qn_htx_carry *c, qn_slice body, qn_htx_note *out)
{
    qn_htx_note got;
    qn_err err = qn_htx_note_get(&got, body);

    if (err != QN_OK)
        return err;
    switch (got.kind) {
    case QN_HTX_DATA:
        if (c->ended)
            return QN_PROTO;
        if (got.data.n > c->granted - c->got)
            return QN_CREDIT;
        c->got += got.data.n;
        break;
    case QN_HTX_LIMIT:
        if (got.limit < c->may)
            return QN_PROTO;
        c->may = got.limit;
        break;
    case QN_HTX_END:
        if (c->ended)
            return QN_PROTO;
        c->ended = true;
        break;
    }
    *out = got;
    return QN_OK;
}
