/* HTTP/2 (RFC 9113): nghttp2 does the protocol, this finds the pages. */
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS_MAX 128

typedef struct stream {
    struct stream *next, **link;
    const page *p; /* what :path asks for; NULL: not there */
    bool get, head;
    uint64_t at;
} stream;

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    conn *c = user;
    stream *x;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    x = calloc(1, sizeof *x);
    if (x == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    x->next = c->streams;
    x->link = &c->streams;
    if (x->next != NULL)
        x->next->link = &x->next;
    c->streams = x;
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, x);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
    stream *x = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    (void)flags;
    (void)user;
    if (x == NULL)
        return 0;
    if (name_n == 5 && memcmp(name, ":path", 5) == 0)
        x->p = site_find((const char *)value, value_n);
    if (name_n == 7 && memcmp(name, ":method", 7) == 0) {
        x->head = value_n == 4 && memcmp(value, "HEAD", 4) == 0;
        x->get = x->head || (value_n == 3 && memcmp(value, "GET", 3) == 0);
    }
    return 0;
}

static ssize_t on_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t n,
                       uint32_t *flags, nghttp2_data_source *source, void *user)
{
    stream *x = nghttp2_session_get_stream_user_data(session, id);

    (void)source;
    (void)user;
    n = site_read(x->p, x->at, out, n);
    x->at += n;
    if (x->at == x->p->size)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static nghttp2_nv field(const char *name, const char *value) /* nghttp2 copies both */
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .namelen = strlen(name),
                        .value = (uint8_t *)(uintptr_t)value,
                        .valuelen = strlen(value)};
}

static int respond(conn *c, int32_t id, stream *x)
{
    const char *status = x->p == NULL ? "404" : "200";
    nghttp2_data_provider body = {.read_callback = on_body};
    char size[24];
    nghttp2_nv nv[4];

    if (!x->get || x->p == NULL) {
        status = x->get ? "404" : "405";
        x->p = &site_missing;
    }
    (void)snprintf(size, sizeof size, "%llu", (unsigned long long)x->p->size);
    nv[0] = field(":status", status);
    nv[1] = field("date", site_date());
    nv[2] = field("content-type", x->p->type);
    nv[3] = field("content-length", size);
    if (conn_counts(c))
        h2_goaway(c);
    return nghttp2_submit_response(c->session, id, nv, 4, x->head ? NULL : &body);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    stream *x = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    if (x == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    return respond(user, frame->hd.stream_id, x);
}

static void stream_free(stream *x)
{
    *x->link = x->next;
    if (x->next != NULL)
        x->next->link = x->link;
    free(x);
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    stream *x = nghttp2_session_get_stream_user_data(session, id);

    (void)code;
    (void)user;
    if (x == NULL)
        return 0;
    stream_free(x);
    return nghttp2_session_set_stream_user_data(session, id, NULL);
}

void h2_free(conn *c)
{
    nghttp2_session_del(c->session); /* closes no stream */
    while (c->streams != NULL)
        stream_free(c->streams);
}

bool h2_start(conn *c)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65536},
    };
    nghttp2_session_callbacks *calls;
    int rv;

    if (nghttp2_session_callbacks_new(&calls) != 0)
        return false;
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
    rv = nghttp2_session_server_new(&c->session, calls, c);
    nghttp2_session_callbacks_del(calls);
    if (rv != 0 || nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, 2) != 0)
        return false;
    return h2_write(c);
}

/* Everything ready, until enough waits for TLS. */
bool h2_write(conn *c)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);

    while (evbuffer_get_length(out) < OUT_MAX) {
        const uint8_t *p = NULL;
        ssize_t n = nghttp2_session_mem_send(c->session, &p);

        if (n < 0 || (n > 0 && evbuffer_add(out, p, (size_t)n) != 0))
            return false;
        if (n == 0)
            break;
    }
    /* nghttp2 has no more to read when it gave the connection up, whatever streams are open. */
    if (((c->streams == NULL && c->ending) || !nghttp2_session_want_read(c->session)) &&
        !nghttp2_session_want_write(c->session))
        conn_finish(c);
    return true;
}

bool h2_read(conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t n = evbuffer_get_length(in);
    ssize_t used = nghttp2_session_mem_recv(c->session, evbuffer_pullup(in, -1), n);

    if (used < 0)
        return false;
    (void)evbuffer_drain(in, n);
    return h2_write(c);
}

void h2_goaway(conn *c)
{
    if (c->ending)
        return;
    c->ending = true;
    (void)nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(c->session),
                                NGHTTP2_NO_ERROR, NULL, 0);
    bufferevent_trigger(c->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
}
