#include "htx/frames.h"

enum { ROOM_MIN = 64 }; /* a frame of DATA for less is not worth its header */

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
    c->claim.data = 0;
}

qn_err qn_htx_carry_send(qn_htx_carry *c, qn_env *env, qn_slice records)
{
    if (c->end_due || c->end_sent)
        return QN_STATE;
    return qn_queue_append(&c->out, env, records.p, records.n);
}

void qn_htx_carry_end(qn_htx_carry *c, bool reset, uint16_t drain)
{
    if (c->end_due || c->end_sent)
        return;
    c->end_due = true;
    c->reset = reset;
    c->drain = drain;
}

/* Half a window has arrived since the other side last heard of one. */
static size_t own_limit(qn_htx_carry *c, uint8_t *out, size_t room)
{
    uint64_t limit = c->got + QN_HTX_CARRY_WINDOW;

    if (c->ended || room < QN_HTX_LIMIT_SIZE || limit - c->granted < QN_HTX_CARRY_WINDOW / 2)
        return 0;
    c->claim.limit = limit;
    return qn_htx_note_put(&(qn_htx_note){.kind = QN_HTX_LIMIT, .limit = limit}, out);
}

static size_t own_data(qn_htx_carry *c, uint8_t *out, size_t room)
{
    uint64_t left = c->may - c->sent;
    size_t n;
    qn_slice v[8];
    unsigned k;

    if (room < ROOM_MIN || c->out.bytes == 0 || left == 0)
        return 0;
    left = QN_MIN(left, c->out.bytes);
    n = (size_t)QN_MIN(left, room - QN_HTX_DATA_HEADER);
    k = qn_queue_peek(&c->out, v, QN_LEN(v));
    for (unsigned i = 0; i < k && c->claim.data < n; i++) {
        size_t part = QN_MIN(v[i].n, n - c->claim.data);

        memcpy(out + QN_HTX_DATA_HEADER + c->claim.data, v[i].p, part);
        c->claim.data += part;
    }
    (void)qn_frame_put_header(out, QN_FRAME_CARRIER, 1 + c->claim.data);
    out[QN_FRAME_HEADER] = QN_HTX_DATA;
    return QN_HTX_DATA_HEADER + c->claim.data;
}

static size_t own_end(qn_htx_carry *c, uint8_t *out, size_t room)
{
    qn_htx_note note = {.kind = QN_HTX_END, .reset = c->reset, .drain = c->drain};

    if (!c->end_due || room < QN_HTX_END_SIZE || c->claim.data != c->out.bytes)
        return 0;
    c->claim.end = true;
    return qn_htx_note_put(&note, out);
}

size_t qn_htx_carry_own(qn_htx_carry *c, uint8_t *out, size_t room)
{
    size_t n;

    c->claim.data = 0;
    c->claim.limit = 0;
    c->claim.end = false;
    n = own_limit(c, out, room);
    n += own_data(c, out + n, room - n);
    return n + own_end(c, out + n, room - n);
}

void qn_htx_carry_sealed(qn_htx_carry *c, qn_mem *mem)
{
    qn_queue_consume(&c->out, mem, c->claim.data);
    c->sent += c->claim.data;
    if (c->claim.limit != 0)
        c->granted = c->claim.limit;
    if (c->claim.end) {
        c->end_due = false;
        c->end_sent = true;
    }
    c->claim.data = 0;
    c->claim.limit = 0;
    c->claim.end = false;
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
