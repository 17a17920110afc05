/*
 * What goes: nghttp2 decides which frame is next, the profile which frames share a write, and the
 * HEADERS frame is our own, because nghttp2's block is not every browser's.
 */
#include "h2/internal.h"

#define FRAME_HEADER 9
#define PRIORITY 5
#define GOAWAY (FRAME_HEADER + 8) /* its last four bytes say why */
#define HEADERS_FLAGS (NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_PRIORITY)

/* Behind the last write when `join` and it has room, else as a write of its own. */
static qn_err add_write(qn_h2 *h, const uint8_t *p, size_t n, bool join)
{
    qn_piece piece;
    qn_err err;

    if (join && h->out.n > 0) {
        qn_piece *tail = &h->out.v[h->out.head + h->out.n - 1];

        if (tail->block->cap - tail->off - tail->len >= n) {
            memcpy(qn_piece_data(tail) + tail->len, p, n);
            tail->len += (uint32_t)n;
            h->out.bytes += n;
            return QN_OK;
        }
    }
    if (h->out.n == QN_H2_WRITES_MAX)
        return QN_LIMIT;
    piece = (qn_piece){.block = qn_block_get(h->env, n), .len = (uint32_t)n};
    if (piece.block == NULL)
        return QN_NOMEM;
    memcpy(piece.block->data, p, n);
    err = qn_queue_push(&h->out, &h->env->mem, piece);
    if (err != QN_OK)
        qn_block_drop(piece.block);
    return err;
}

/* Chromium's tree: below the latest stream of the least urgent class that is no less urgent. */
static int32_t parent_of(const qn_h2 *h, const qn_h2_exchange *x)
{
    const qn_h2_exchange *best = NULL;
    uint16_t weight = h->profile->kind[x->kind].weight;

    for (unsigned i = 0; i < QN_LEN(h->exchange); i++) {
        const qn_h2_exchange *e = &h->exchange[i];
        uint16_t theirs = h->profile->kind[e->kind].weight;

        if (e == x || e->id == 0 || !e->sent || e->closed || theirs < weight)
            continue;
        if (best == NULL || theirs < h->profile->kind[best->kind].weight ||
            (theirs == h->profile->kind[best->kind].weight && e->stream > best->stream))
            best = e;
    }
    return best == NULL ? 0 : best->stream;
}

static qn_slice value_of(const qn_h2 *h, const qn_h2_exchange *x, const qn_h2_field *f)
{
    if (f->value.n > 0)
        return f->value;
    if (f->name.p[0] != ':')
        return qn_slice_of(h->referer, (size_t)h->authority_n + 9);
    if (f->name.p[1] == 'p')
        return qn_slice_of(x->path, x->path_n);
    return qn_slice_of(h->referer + 8, h->authority_n);
}

static qn_err headers(qn_h2 *h, qn_h2_exchange *x, uint8_t *out, size_t cap, size_t *n)
{
    const qn_h2_template *t = &h->profile->kind[x->kind];
    qn_h2_field field[QN_H2_FIELDS_MAX];
    uint32_t parent = h->profile->exclusive ? (uint32_t)parent_of(h, x) : 0;
    qn_err err;

    for (unsigned i = 0; i < t->n; i++)
        field[i] = (qn_h2_field){t->field[i].name, value_of(h, x, &t->field[i])};
    err = qn_h2_hpack_block(&h->hpack, field, t->n, out + FRAME_HEADER + PRIORITY,
                            cap - FRAME_HEADER - PRIORITY, n);
    if (err != QN_OK)
        return err;
    *n += PRIORITY;
    qn_put24(out, (uint32_t)*n);
    out[3] = NGHTTP2_HEADERS;
    out[4] = HEADERS_FLAGS;
    qn_put32(out + 5, (uint32_t)x->stream);
    qn_put32(out + FRAME_HEADER, (h->profile->exclusive ? UINT32_C(1) << 31 : 0) | parent);
    out[FRAME_HEADER + 4] = (uint8_t)(t->weight - 1);
    *n += FRAME_HEADER;
    return QN_OK;
}

static qn_err add_headers(qn_h2 *h, qn_h2_exchange *x, bool join)
{
    uint8_t frame[QN_H2_HEADERS_MAX];
    size_t n;
    qn_err err = headers(h, x, frame, sizeof frame, &n);

    if (err == QN_OK)
        err = add_write(h, frame, n, join);
    if (err != QN_OK)
        return err;
    x->sent = true;
    if (h->profile->stream_window == 0)
        return QN_OK;
    return qn_h2_err_of(nghttp2_submit_window_update(h->session, NGHTTP2_FLAG_NONE, x->stream,
                                                     (int32_t)h->profile->stream_window));
}

/* One frame as nghttp2 wrote it, or the 24 bytes of the preface. */
static qn_err add_frame(qn_h2 *h, const uint8_t *p, size_t n, bool join)
{
    bool preface = !h->begun && h->out.n == 0;

    if (!preface && n >= FRAME_HEADER && p[3] == NGHTTP2_HEADERS) {
        qn_h2_exchange *x = qn_h2_of_stream(h, (int32_t)qn_get32(p + 5));

        return x == NULL ? QN_INTERNAL : add_headers(h, x, join);
    }
    if (!preface && n >= GOAWAY && p[3] == NGHTTP2_GOAWAY && qn_get32(p + GOAWAY - 4) != 0)
        qn_h2_fail(h, QN_PROTO); /* nghttp2 says so when the server broke the protocol */
    return add_write(h, p, n, join);
}

void qn_h2_flush(qn_h2 *h)
{
    bool join = false;

    for (;;) {
        const uint8_t *p = NULL;
        ssize_t n = nghttp2_session_mem_send(h->session, &p);
        qn_err err;

        if (n == 0)
            break;
        err = n < 0 ? qn_h2_err_of((int)n) : add_frame(h, p, (size_t)n, join);
        if (err != QN_OK) {
            qn_h2_fail(h, err);
            return;
        }
        join = h->profile->joined || !h->begun;
    }
    h->begun = true;
}
