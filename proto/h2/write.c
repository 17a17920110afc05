/*
 * What goes: the profile says which frames share a write, and what stands in HEADERS.
 */
#include "h2/internal.h"

#define PRIORITY 5
#define HEADERS_FLAGS (NGHTTP2_FLAG_END_STREAM | NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_PRIORITY)
#define SETTING_SIZE 6
#define UPDATE (QN_H2_FRAME_HEADER + 4)

void qn_h2_burst(qn_h2 *h)
{
    h->joining = false;
}

/* Into the last write, if there is room. */
static bool join(qn_h2 *h, const uint8_t *p, size_t n)
{
    qn_piece *tail;

    if (!h->joining || h->out.n == 0)
        return false;
    tail = &h->out.v[h->out.head + h->out.n - 1];
    if (tail->block->cap - tail->off - tail->len < n)
        return false;
    memcpy(qn_piece_data(tail) + tail->len, p, n);
    tail->len += (uint32_t)n;
    h->out.bytes += n;
    return true;
}

static qn_err push_write(qn_h2 *h, const uint8_t *p, size_t n)
{
    qn_piece piece;
    qn_err err;

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

static void add_write(qn_h2 *h, const uint8_t *p, size_t n)
{
    qn_err err = join(h, p, n) ? QN_OK : push_write(h, p, n);

    if (err != QN_OK)
        qn_h2_fail(h, err);
    h->joining = h->profile->joined;
}

static void put_head(uint8_t *out, size_t n, nghttp2_frame_type type, uint8_t flags,
                     uint32_t stream)
{
    qn_put24(out, (uint32_t)n);
    out[3] = (uint8_t)type;
    out[4] = flags;
    qn_put32(out + 5, stream);
}

void qn_h2_say(qn_h2 *h, nghttp2_frame_type type, uint8_t flags, uint32_t stream,
               const uint8_t *payload, size_t n)
{
    uint8_t frame[QN_H2_FRAME_HEADER + 8];

    QN_ASSERT(n <= sizeof frame - QN_H2_FRAME_HEADER);
    put_head(frame, n, type, flags, stream);
    if (n > 0)
        memcpy(frame + QN_H2_FRAME_HEADER, payload, n);
    add_write(h, frame, QN_H2_FRAME_HEADER + n);
}

void qn_h2_say_u32(qn_h2 *h, nghttp2_frame_type type, uint32_t stream, uint32_t v)
{
    uint8_t payload[4];

    qn_put32(payload, v);
    qn_h2_say(h, type, NGHTTP2_FLAG_NONE, stream, payload, sizeof payload);
}

/* Without a last stream: nobody pushes to us, so we have processed none. */
void qn_h2_say_goaway(qn_h2 *h, nghttp2_error_code code)
{
    uint8_t payload[8] = {0};

    qn_put32(payload + 4, code);
    qn_h2_say(h, NGHTTP2_GOAWAY, NGHTTP2_FLAG_NONE, 0, payload, sizeof payload);
}

void qn_h2_reset(qn_h2 *h, qn_h2_exchange *x, nghttp2_error_code code)
{
    qn_h2_say_u32(h, NGHTTP2_RST_STREAM, x->stream, code);
    qn_h2_close(x, QN_GONE);
}

/* One write, whatever the profile joins. */
void qn_h2_say_first(qn_h2 *h)
{
    const qn_h2_profile *p = h->profile;
    uint8_t out[NGHTTP2_CLIENT_MAGIC_LEN + QN_H2_FRAME_HEADER + SETTING_SIZE * QN_H2_SETTINGS_MAX +
                UPDATE];
    size_t n = NGHTTP2_CLIENT_MAGIC_LEN;

    memcpy(out, NGHTTP2_CLIENT_MAGIC, n);
    put_head(out + n, (size_t)SETTING_SIZE * p->setting_n, NGHTTP2_SETTINGS, NGHTTP2_FLAG_NONE, 0);
    n += QN_H2_FRAME_HEADER;
    for (unsigned i = 0; i < p->setting_n; i++, n += SETTING_SIZE) {
        qn_put16(out + n, p->setting[i].id);
        qn_put32(out + n + 2, p->setting[i].value);
    }
    put_head(out + n, 4, NGHTTP2_WINDOW_UPDATE, NGHTTP2_FLAG_NONE, 0);
    qn_put32(out + n + QN_H2_FRAME_HEADER, p->window);
    add_write(h, out, n + UPDATE);
}

/* ---- requests -----------------------------------------------------------------------------------
 */

/* Chromium's tree: below the latest stream of the least urgent class that is no less urgent. */
static uint32_t parent_of(const qn_h2 *h, const qn_h2_exchange *x)
{
    const qn_h2_exchange *best = NULL;
    uint16_t weight = h->profile->kind[x->kind].weight;

    for (unsigned i = 0; i < QN_LEN(h->exchange); i++) {
        const qn_h2_exchange *e = h->exchange[i];
        uint16_t theirs;

        if (e == NULL || e == x || e->stream == 0 || e->closed)
            continue;
        theirs = h->profile->kind[e->kind].weight;
        if (theirs < weight)
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
    uint32_t parent = h->profile->exclusive ? parent_of(h, x) : 0;
    qn_err err;

    for (unsigned i = 0; i < t->n; i++)
        field[i] = (qn_h2_field){t->field[i].name, value_of(h, x, &t->field[i])};
    err = qn_h2_hpack_block(&h->hpack, field, t->n, out + QN_H2_FRAME_HEADER + PRIORITY,
                            cap - QN_H2_FRAME_HEADER - PRIORITY, n);
    if (err != QN_OK)
        return err;
    *n += PRIORITY;
    put_head(out, *n, NGHTTP2_HEADERS, HEADERS_FLAGS, x->stream);
    qn_put32(out + QN_H2_FRAME_HEADER, (h->profile->exclusive ? UINT32_C(1) << 31 : 0) | parent);
    out[QN_H2_FRAME_HEADER + 4] = (uint8_t)(t->weight - 1);
    *n += QN_H2_FRAME_HEADER;
    return QN_OK;
}

static void send_headers(qn_h2 *h, qn_h2_exchange *x)
{
    uint8_t frame[QN_H2_HEADERS_MAX];
    size_t n;
    qn_err err;

    x->stream = h->next_stream;
    err = headers(h, x, frame, sizeof frame, &n);
    if (err != QN_OK) {
        qn_h2_fail(h, err);
        return;
    }
    h->next_stream += 2;
    add_write(h, frame, n);
    if (h->profile->stream_window > 0)
        qn_h2_say_u32(h, NGHTTP2_WINDOW_UPDATE, x->stream, h->profile->stream_window);
}

/* The oldest that has not been sent; NULL: none, or the server wants no more at once. */
static qn_h2_exchange *next_to_ask(const qn_h2 *h)
{
    qn_h2_exchange *next = NULL;
    uint32_t open = 0;

    for (unsigned i = 0; i < QN_LEN(h->exchange); i++) {
        qn_h2_exchange *x = h->exchange[i];

        if (x == NULL || x->closed)
            continue;
        open += x->stream != 0;
        if (x->stream == 0 && (next == NULL || x->id < next->id))
            next = x;
    }
    return open < h->streams_max ? next : NULL;
}

void qn_h2_ask(qn_h2 *h)
{
    qn_h2_exchange *x;

    while (h->err == QN_OK && !h->held && !h->going && (x = next_to_ask(h)) != NULL)
        send_headers(h, x);
}
