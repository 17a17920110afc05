#include "frame/frame.h"

/* ---- close codes ----------------------------------------------------------------------------- */

static const struct {
    qn_err err;
    uint16_t code;
} close_table[] = {
    {QN_OK, QN_CLOSE_DONE},         {QN_VERSION, QN_CLOSE_VERSION},
    {QN_AUTH, QN_CLOSE_AUTH},       {QN_NOPATH, QN_CLOSE_PATH},
    {QN_STALE, QN_CLOSE_REPLAY},    {QN_CREDIT, QN_CLOSE_CREDIT},
    {QN_PROTO, QN_CLOSE_MALFORMED}, {QN_INTERNAL, QN_CLOSE_INTERNAL},
    {QN_POLICY, QN_CLOSE_POLICY},   {QN_UNKNOWN, QN_CLOSE_UNSUPPORTED},
    {QN_REFUSED, QN_CLOSE_REFUSED}, {QN_GONE, QN_CLOSE_GONE},
    {QN_LIMIT, QN_CLOSE_LIMIT},     {QN_TIMEOUT, QN_CLOSE_TIMEOUT},
};

uint16_t qn_close_of(qn_err err)
{
    for (size_t i = 0; i < QN_LEN(close_table); i++)
        if (close_table[i].err == err)
            return close_table[i].code;
    if (err == QN_NOMEM || err == QN_BUSY)
        return QN_CLOSE_LIMIT;
    return qn_err_band(err) == QN_BAND_PEER ? QN_CLOSE_MALFORMED : QN_CLOSE_INTERNAL;
}

qn_err qn_close_err(uint16_t code)
{
    for (size_t i = 0; i < QN_LEN(close_table); i++)
        if (close_table[i].code == code)
            return close_table[i].err;
    return QN_REFUSED;
}

/* ---- reading --------------------------------------------------------------------------------- */

static qn_err get_stream(qn_frame *f, const uint8_t *p, size_t n, uint8_t flags)
{
    if (n < 4 || flags == QN_FRAME_FLAGS)
        return QN_PROTO;
    f->fin = (flags & QN_FRAME_FIN) != 0;
    f->more = (flags & QN_FRAME_MORE) != 0;
    f->stream = qn_get32(p);
    f->body = qn_slice_of(p + 4, n - 4);
    return f->stream != 0 && (n > 4 || f->fin) ? QN_OK : QN_PROTO;
}

static qn_err get_window(qn_frame *f, const uint8_t *p, size_t n)
{
    if (n < 4)
        return QN_PROTO;
    f->stream = qn_get32(p);
    if (n != (f->stream == 0 ? 20u : 12u))
        return QN_PROTO;
    if (f->stream == 0)
        f->received = qn_get64(p + 4);
    f->limit = qn_get64(p + n - 8);
    return QN_OK;
}

static qn_err get_close(qn_frame *f, const uint8_t *p, size_t n)
{
    if (n != 6)
        return QN_PROTO;
    f->stream = qn_get32(p);
    f->code = qn_get16(p + 4);
    return QN_OK;
}

static qn_err get_resume(qn_frame *f, const uint8_t *p, size_t n)
{
    if (n == 0)
        return QN_OK;
    if (n != QN_FRAME_RESUME_SIZE - QN_FRAME_HEADER)
        return QN_PROTO;
    f->token = qn_get64(p);
    f->received = qn_get64(p + 8);
    f->body = qn_slice_of(p + 16, n - 16);
    return QN_OK;
}

static qn_err get_payload(qn_frame *f, const uint8_t *p, size_t n)
{
    switch (f->type) {
    case QN_FRAME_PAD:
        return QN_OK;
    case QN_FRAME_WINDOW:
        return get_window(f, p, n);
    case QN_FRAME_PING:
        if (n != 8)
            return QN_PROTO;
        f->token = qn_get64(p);
        return QN_OK;
    case QN_FRAME_KEY_UPDATE:
        return n == 0 ? QN_OK : QN_PROTO;
    case QN_FRAME_CLOSE:
        return get_close(f, p, n);
    case QN_FRAME_CARRIER:
    case QN_FRAME_SHAPE:
    case QN_FRAME_PATH_CONTROL:
        f->body = qn_slice_of(p, n);
        return QN_OK;
    case QN_FRAME_RESUME:
        return get_resume(f, p, n);
    case QN_FRAME_STREAM: /* has flags: read by the caller */
        break;
    }
    return QN_PROTO;
}

qn_err qn_frame_get(qn_frame *f, const uint8_t *p, size_t n, size_t *used)
{
    uint8_t flags;
    qn_frame got;
    qn_err err;
    size_t len;

    if (n < QN_FRAME_HEADER)
        return QN_PROTO;
    len = qn_get24(p);
    if (len > n - QN_FRAME_HEADER)
        return QN_PROTO;
    flags = p[3] & QN_FRAME_FLAGS;
    got = (qn_frame){.type = (qn_frame_type)(p[3] & ~QN_FRAME_FLAGS)};
    if (got.type == QN_FRAME_STREAM)
        err = get_stream(&got, p + QN_FRAME_HEADER, len, flags);
    else
        err = flags == 0 ? get_payload(&got, p + QN_FRAME_HEADER, len) : QN_PROTO;
    if (err != QN_OK)
        return err;
    *f = got;
    *used = QN_FRAME_HEADER + len;
    return QN_OK;
}

uint64_t qn_frame_units(const qn_frame *f)
{
    switch (f->type) {
    case QN_FRAME_STREAM:
        return f->body.n + (f->more ? 0 : 1);
    case QN_FRAME_CLOSE:
    case QN_FRAME_WINDOW:
        return f->stream != 0 ? 1 : 0;
    default:
        return 0;
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

size_t qn_frame_put_header(uint8_t *out, uint8_t type_and_flags, size_t payload)
{
    qn_put24(out, (uint32_t)payload);
    out[3] = type_and_flags;
    return QN_FRAME_HEADER;
}

size_t qn_frame_put_stream(uint8_t *out, uint32_t stream, size_t n, uint8_t flags)
{
    qn_frame_put_header(out, (uint8_t)(QN_FRAME_STREAM | flags), 4 + n);
    qn_put32(out + 4, stream);
    return QN_STREAM_HEADER;
}

size_t qn_frame_put_window(uint8_t *out, uint32_t stream, uint64_t limit)
{
    qn_frame_put_header(out, QN_FRAME_WINDOW, 12);
    qn_put32(out + 4, stream);
    qn_put64(out + 8, limit);
    return QN_FRAME_WINDOW_SIZE;
}

size_t qn_frame_put_link_window(uint8_t *out, uint64_t received, uint64_t limit)
{
    qn_frame_put_header(out, QN_FRAME_WINDOW, 20);
    qn_put32(out + 4, 0);
    qn_put64(out + 8, received);
    qn_put64(out + 16, limit);
    return QN_FRAME_LINK_WINDOW_SIZE;
}

size_t qn_frame_put_ping(uint8_t *out, uint64_t token)
{
    qn_frame_put_header(out, QN_FRAME_PING, 8);
    qn_put64(out + 4, token);
    return QN_FRAME_PING_SIZE;
}

size_t qn_frame_put_close(uint8_t *out, uint32_t stream, uint16_t code)
{
    qn_frame_put_header(out, QN_FRAME_CLOSE, 6);
    qn_put32(out + 4, stream);
    qn_put16(out + 8, code);
    return QN_FRAME_CLOSE_SIZE;
}

size_t qn_frame_put_resume(uint8_t *out, uint64_t token, uint64_t received,
                           const uint8_t proof[QN_RESUME_PROOF])
{
    qn_frame_put_header(out, QN_FRAME_RESUME, QN_FRAME_RESUME_SIZE - QN_FRAME_HEADER);
    qn_put64(out + 4, token);
    qn_put64(out + 12, received);
    memcpy(out + 20, proof, QN_RESUME_PROOF);
    return QN_FRAME_RESUME_SIZE;
}
