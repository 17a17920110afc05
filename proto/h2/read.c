/* What comes: nghttp2 reads and judges it, these callbacks keep what the owner is told. */
#include "h2/internal.h"

#include "h2/date.h"

/* RFC 9111 1.2.2; 0 for what is none, and for more than anybody keeps. */
static uint32_t seconds(qn_slice s)
{
    uint32_t v = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || i == 9)
            return 0;
        v = 10 * v + (uint32_t)(s.p[i] - '0');
    }
    return v;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
    qn_h2_exchange *x = qn_h2_of_stream(user, frame->hd.stream_id);

    (void)session;
    (void)flags;
    if (frame->hd.type != NGHTTP2_HEADERS || x == NULL || x->answered)
        return 0;
    if (name_n == 7 && memcmp(name, ":status", 7) == 0) { /* three digits: nghttp2 has checked */
        x->status = (uint16_t)((value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0'));
        x->date = 0;
        x->age = 0;
    } else if (name_n == 4 && memcmp(name, "date", 4) == 0) {
        x->date = qn_h2_date(qn_slice_of(value, value_n));
    } else if (name_n == 3 && memcmp(name, "age", 3) == 0) {
        x->age = seconds(qn_slice_of(value, value_n));
    } else if (name_n == 7 && memcmp(name, "alt-svc", 7) == 0) {
        x->elsewhere = value_n != 5 || memcmp(value, "clear", 5) != 0;
    }
    return 0;
}

static int on_settings(qn_h2 *h, const nghttp2_settings *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
        return 0;
    h->held = false;
    for (size_t i = 0; i < frame->niv; i++)
        if (frame->iv[i].settings_id == NGHTTP2_SETTINGS_HEADER_TABLE_SIZE &&
            qn_h2_hpack_resize(&h->hpack, frame->iv[i].value) != QN_OK) {
            qn_h2_fail(h, QN_NOMEM);
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    return 0;
}

/* Credits what came since the last time, once that is the profile's step. */
static int credit(qn_h2 *h, int32_t stream, uint32_t *owed, size_t n)
{
    uint32_t due;

    *owed += (uint32_t)n;
    if (h->profile->credit == 0 || *owed < h->profile->credit)
        return 0;
    due = *owed;
    *owed = 0;
    if (nghttp2_submit_window_update(h->session, NGHTTP2_FLAG_NONE, stream, (int32_t)due) == 0)
        return 0;
    qn_h2_fail(h, QN_NOMEM);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Padding counts too (RFC 9113 6.9.1); a stream that has ended needs no more. */
static int on_data_frame(qn_h2 *h, qn_h2_exchange *x, const nghttp2_frame *frame)
{
    int rv = credit(h, 0, &h->owed, frame->hd.length);

    if (rv != 0 || x == NULL || x->ended)
        return rv;
    return credit(h, x->stream, &x->owed, frame->hd.length);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    qn_h2 *h = user;
    qn_h2_exchange *x = qn_h2_of_stream(h, frame->hd.stream_id);

    (void)session;
    if (frame->hd.type == NGHTTP2_SETTINGS)
        return on_settings(h, &frame->settings);
    if (frame->hd.type == NGHTTP2_GOAWAY)
        h->going = true;
    if (x == NULL && frame->hd.type == NGHTTP2_DATA)
        return on_data_frame(h, NULL, frame);
    if (x == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    x->answered = x->answered || x->status >= 200;
    x->ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    return frame->hd.type == NGHTTP2_DATA ? on_data_frame(h, x, frame) : 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *p,
                   size_t n, void *user)
{
    qn_h2 *h = user;
    qn_h2_exchange *x = qn_h2_of_stream(h, stream);

    (void)session;
    (void)flags;
    (void)p;
    if (x == NULL)
        return 0;
    x->came += n;
    x->untold += n;
    if (x->came <= x->largest)
        return 0;
    qn_h2_fail(h, QN_LIMIT);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void close_exchange(qn_h2_exchange *x, uint32_t code)
{
    if (x == NULL)
        return;
    x->closed = true;
    if (x->ended)
        x->err = QN_OK;
    else
        x->err = code == NGHTTP2_REFUSED_STREAM ? QN_REFUSED : QN_GONE;
}

static int on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
    (void)session;
    close_exchange(qn_h2_of_stream(user, stream), code);
    return 0;
}

/* A request that the server's GOAWAY overtook. */
static int on_unsent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
    (void)session;
    (void)error;
    if (frame->hd.type == NGHTTP2_HEADERS)
        close_exchange(qn_h2_of_stream(user, frame->hd.stream_id), NGHTTP2_REFUSED_STREAM);
    return 0;
}

qn_err qn_h2_session_open(qn_h2 *h)
{
    nghttp2_session_callbacks *calls;
    nghttp2_option *option;
    int rv;

    /* These two nghttp2 does not let us count; they are gone at the end of this call. */
    if (nghttp2_option_new(&option) != 0)
        return QN_NOMEM;
    if (nghttp2_session_callbacks_new(&calls) != 0) {
        nghttp2_option_del(option);
        return QN_NOMEM;
    }
    nghttp2_option_set_no_auto_window_update(option, h->profile->credit > 0);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(calls, on_unsent);
    rv = nghttp2_session_client_new3(&h->session, calls, h, option, &h->mem);
    nghttp2_session_callbacks_del(calls);
    nghttp2_option_del(option);
    return qn_h2_err_of(rv);
}
