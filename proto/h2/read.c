/*
 * Frames that come (RFC 9113 4 to 6), at a client that is never pushed to. nghttp2's session did
 * this first; it holds 31 KB for as long as a connection lives, most of it to send with
 * (docs/decisions/0031).
 */
#include "h2/internal.h"

#define FRAME_MAX 16384         /* we never raise it */
#define STREAM_MASK 0x7fffffffu /* the other bit is reserved */
#define WINDOW_MAX 0x7fffffffu  /* RFC 9113 6.9.1 */
#define SETTING_SIZE 6
#define PRIORITY_SIZE 5
#define PING_SIZE 8
#define GOAWAY_SIZE 8
#define U32_SIZE 4

static void broken(qn_h2 *h, nghttp2_error_code code)
{
    qn_h2_say_goaway(h, code);
    qn_h2_fail(h, QN_PROTO);
}

static bool flag(const qn_h2 *h, uint8_t bit)
{
    return (h->in.flags & bit) != 0;
}

static void want_unit(qn_h2 *h, uint8_t n)
{
    h->in.state = QN_H2_UNIT;
    h->in.have = 0;
    h->in.want = n;
}

static void want_head(qn_h2 *h)
{
    want_unit(h, QN_H2_FRAME_HEADER);
    h->in.state = QN_H2_HEAD;
}

/* ---- the head of a frame ------------------------------------------------------------------------
 */

/* What a frame of this type must be in length and stream; -1: as it is. */
static int judge_shape(const qn_h2 *h)
{
    static const struct {
        bool on_stream, anywhere;
        uint16_t min, max;
    } shapes[] = {
        [NGHTTP2_DATA] = {.on_stream = true, .max = FRAME_MAX},
        [NGHTTP2_HEADERS] = {.on_stream = true, .max = FRAME_MAX},
        [NGHTTP2_PRIORITY] = {.on_stream = true, .min = PRIORITY_SIZE, .max = PRIORITY_SIZE},
        [NGHTTP2_RST_STREAM] = {.on_stream = true, .min = U32_SIZE, .max = U32_SIZE},
        [NGHTTP2_SETTINGS] = {.max = FRAME_MAX},
        [NGHTTP2_PUSH_PROMISE] = {.on_stream = true, .max = FRAME_MAX},
        [NGHTTP2_PING] = {.min = PING_SIZE, .max = PING_SIZE},
        [NGHTTP2_GOAWAY] = {.min = GOAWAY_SIZE, .max = FRAME_MAX},
        [NGHTTP2_WINDOW_UPDATE] = {.anywhere = true, .min = U32_SIZE, .max = U32_SIZE},
        [NGHTTP2_CONTINUATION] = {.on_stream = true, .max = FRAME_MAX},
    };
    const qn_h2_reading *in = &h->in;

    if (in->length > FRAME_MAX)
        return NGHTTP2_FRAME_SIZE_ERROR;
    if (in->type >= QN_LEN(shapes))
        return -1;
    if (in->length < shapes[in->type].min || in->length > shapes[in->type].max)
        return NGHTTP2_FRAME_SIZE_ERROR;
    if (!shapes[in->type].anywhere && shapes[in->type].on_stream != (in->stream != 0))
        return NGHTTP2_PROTOCOL_ERROR;
    return -1;
}

/* Whether it may come here and now: SETTINGS first, a block in one piece, only streams we opened.
 */
static bool in_order(const qn_h2 *h)
{
    const qn_h2_reading *in = &h->in;

    if (!h->settled && (in->type != NGHTTP2_SETTINGS || flag(h, NGHTTP2_FLAG_ACK)))
        return false;
    if (h->block.open != (in->type == NGHTTP2_CONTINUATION))
        return false;
    switch (in->type) {
    case NGHTTP2_PUSH_PROMISE:
        return false;
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_WINDOW_UPDATE:
        return in->stream == 0 || (in->stream % 2 == 1 && in->stream < h->next_stream &&
                                   in->stream >= (uint32_t)h->profile->first_stream);
    default:
        return true;
    }
}

static void begin_settings(qn_h2 *h)
{
    uint32_t n = h->in.length;

    if (n % SETTING_SIZE != 0 || (n > 0 && flag(h, NGHTTP2_FLAG_ACK)))
        broken(h, NGHTTP2_FRAME_SIZE_ERROR);
    else if (n / SETTING_SIZE > QN_H2_THEIR_SETTINGS_MAX)
        broken(h, NGHTTP2_ENHANCE_YOUR_CALM);
    want_unit(h, SETTING_SIZE);
}

/* In front of DATA and HEADERS: how much padding there is, and a priority. */
static void begin_padded(qn_h2 *h)
{
    uint8_t n = flag(h, NGHTTP2_FLAG_PADDED) ? 1 : 0;

    if (h->in.type == NGHTTP2_HEADERS && flag(h, NGHTTP2_FLAG_PRIORITY))
        n = (uint8_t)(n + PRIORITY_SIZE);
    if (h->in.length < n)
        broken(h, NGHTTP2_FRAME_SIZE_ERROR);
    if (n > 0)
        want_unit(h, n);
    else
        h->in.state = QN_H2_BYTES;
}

static void begin_payload(qn_h2 *h)
{
    switch (h->in.type) {
    case NGHTTP2_DATA:
        if (!qn_h2_body_fits(h, qn_h2_of_stream(h, h->in.stream), h->in.length))
            broken(h, NGHTTP2_FLOW_CONTROL_ERROR);
        begin_padded(h);
        return;
    case NGHTTP2_HEADERS:
        h->block = (qn_h2_block){.open = true, .last = flag(h, NGHTTP2_FLAG_END_STREAM)};
        begin_padded(h);
        return;
    case NGHTTP2_CONTINUATION:
        h->in.state = QN_H2_BYTES;
        return;
    case NGHTTP2_SETTINGS:
        begin_settings(h);
        return;
    case NGHTTP2_PING:
    case NGHTTP2_GOAWAY:
        want_unit(h, PING_SIZE);
        return;
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_WINDOW_UPDATE:
        want_unit(h, U32_SIZE);
        return;
    default:
        h->in.state = QN_H2_SKIP;
    }
}

static void begin_frame(qn_h2 *h)
{
    qn_h2_reading *in = &h->in;
    uint32_t before = in->stream;
    int code;

    in->length = in->left = qn_get24(in->unit);
    in->type = in->unit[3];
    in->flags = in->unit[4];
    in->stream = qn_get32(in->unit + 5) & STREAM_MASK;
    in->padding = 0;
    code = judge_shape(h);
    if (code < 0 && (!in_order(h) || (h->block.open && in->stream != before)))
        code = NGHTTP2_PROTOCOL_ERROR;
    if (code >= 0)
        broken(h, (nghttp2_error_code)code);
    else
        begin_payload(h);
}

/* ---- payloads -----------------------------------------------------------------------------------
 */

static void take_setting(qn_h2 *h)
{
    uint32_t value = qn_get32(h->in.unit + 2);

    switch (qn_get16(h->in.unit)) {
    case NGHTTP2_SETTINGS_HEADER_TABLE_SIZE:
        qn_h2_hpack_resize(&h->hpack, value);
        return;
    case NGHTTP2_SETTINGS_ENABLE_PUSH: /* RFC 9113 6.5.2: a server must not */
        if (value != 0)
            broken(h, NGHTTP2_PROTOCOL_ERROR);
        return;
    case NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS:
        h->streams_max = value;
        return;
    case NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE:
        if (value > WINDOW_MAX)
            broken(h, NGHTTP2_FLOW_CONTROL_ERROR);
        return;
    case NGHTTP2_SETTINGS_MAX_FRAME_SIZE:
        if (value < FRAME_MAX || value >= UINT32_C(1) << 24)
            broken(h, NGHTTP2_PROTOCOL_ERROR);
        return;
    case NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL:
        if (value > 1)
            broken(h, NGHTTP2_PROTOCOL_ERROR);
        return;
    default:
        return;
    }
}

static void take_goaway(qn_h2 *h)
{
    uint32_t last = qn_get32(h->in.unit) & STREAM_MASK;

    if (last > h->last_stream) { /* RFC 9113 6.8: what was given up stays so */
        broken(h, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    h->going = true;
    h->last_stream = last;
    for (unsigned i = 0; i < QN_LEN(h->exchange); i++) {
        qn_h2_exchange *x = h->exchange[i];

        if (x != NULL && !x->closed && (x->stream == 0 || x->stream > last))
            qn_h2_close(x, QN_REFUSED);
    }
}

static void take_window_update(qn_h2 *h)
{
    uint32_t n = qn_get32(h->in.unit) & STREAM_MASK;
    qn_h2_exchange *x = qn_h2_of_stream(h, h->in.stream);

    if (h->in.stream != 0) {
        if (n == 0 && x != NULL)
            qn_h2_reset(h, x, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    if (n == 0)
        broken(h, NGHTTP2_PROTOCOL_ERROR);
    else if (n > WINDOW_MAX - h->credited)
        broken(h, NGHTTP2_FLOW_CONTROL_ERROR);
    else
        h->credited += n;
}

static void take_reset(qn_h2 *h)
{
    qn_h2_exchange *x = qn_h2_of_stream(h, h->in.stream);

    if (x != NULL)
        qn_h2_close(x, qn_get32(h->in.unit) == NGHTTP2_REFUSED_STREAM ? QN_REFUSED : QN_GONE);
}

/* In front of DATA and HEADERS. */
static void take_prefix(qn_h2 *h)
{
    h->in.state = QN_H2_BYTES;
    if (!flag(h, NGHTTP2_FLAG_PADDED))
        return;
    h->in.padding = h->in.unit[0];
    if (h->in.padding > h->in.left)
        broken(h, NGHTTP2_PROTOCOL_ERROR);
}

static void take_unit(qn_h2 *h)
{
    switch (h->in.type) {
    case NGHTTP2_SETTINGS:
        take_setting(h);
        want_unit(h, SETTING_SIZE);
        return;
    case NGHTTP2_PING:
        if (!flag(h, NGHTTP2_FLAG_ACK))
            qn_h2_say(h, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, h->in.unit, PING_SIZE);
        return;
    case NGHTTP2_GOAWAY:
        take_goaway(h);
        h->in.state = QN_H2_SKIP;
        return;
    case NGHTTP2_WINDOW_UPDATE:
        take_window_update(h);
        return;
    case NGHTTP2_RST_STREAM:
        take_reset(h);
        return;
    default:
        take_prefix(h);
    }
}

static void end_frame(qn_h2 *h)
{
    qn_h2_exchange *x = qn_h2_of_stream(h, h->in.stream);

    switch (h->in.type) {
    case NGHTTP2_DATA:
        qn_h2_body_end(h, x, h->in.length, flag(h, NGHTTP2_FLAG_END_STREAM));
        break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
        if (!flag(h, NGHTTP2_FLAG_END_HEADERS))
            break;
        qn_h2_block_bytes(h, qn_slice_of(h->in.unit, 0), true);
        if (h->err == QN_OK)
            qn_h2_block_end(h, x);
        break;
    case NGHTTP2_SETTINGS:
        if (flag(h, NGHTTP2_FLAG_ACK))
            break;
        h->settled = true;
        h->held = false;
        qn_h2_say(h, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
        break;
    default:
        break;
    }
    want_head(h);
}

/* ---- bytes --------------------------------------------------------------------------------------
 */

static size_t gather(qn_h2_reading *in, qn_slice s)
{
    size_t n = QN_MIN(s.n, (size_t)(in->want - in->have));

    memcpy(in->unit + in->have, s.p, n);
    in->have = (uint8_t)(in->have + n);
    return n;
}

/* What is neither gathered nor skipped: a block's bytes or a body's. */
static void take_bytes(qn_h2 *h, qn_slice s)
{
    if (h->in.type == NGHTTP2_DATA)
        qn_h2_body_bytes(h, qn_h2_of_stream(h, h->in.stream), s.n);
    else
        qn_h2_block_bytes(h, s, false);
}

static size_t take_payload(qn_h2 *h, qn_slice s)
{
    qn_h2_reading *in = &h->in;
    size_t n;

    s.n = QN_MIN(s.n, in->left);
    if (in->state == QN_H2_UNIT) {
        n = gather(in, s);
        in->left -= (uint32_t)n;
        if (in->have == in->want)
            take_unit(h);
        return n;
    }
    if (in->state == QN_H2_BYTES && in->left > in->padding) {
        n = QN_MIN(s.n, (size_t)in->left - in->padding);
        in->left -= (uint32_t)n;
        take_bytes(h, qn_slice_of(s.p, n));
        return n;
    }
    in->left -= (uint32_t)s.n;
    return s.n;
}

void qn_h2_read(qn_h2 *h, qn_slice in)
{
    while (in.n > 0 && h->err == QN_OK) {
        size_t n;

        if (h->in.state == QN_H2_HEAD) {
            h->in.want = QN_H2_FRAME_HEADER;
            n = gather(&h->in, in);
            if (h->in.have == QN_H2_FRAME_HEADER)
                begin_frame(h);
        } else {
            n = take_payload(h, in);
        }
        in = qn_slice_of(in.p + n, in.n - n);
        if (h->in.state != QN_H2_HEAD && h->in.left == 0 && h->err == QN_OK)
            end_frame(h);
    }
}
