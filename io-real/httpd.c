#include "io-real/httpd.h"

#include "io-real/sockets.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct slot {
    struct bufferevent *bev; /* NULL: nobody is here; otherwise one reference is ours */
    qn_time since;           /* it came, or asked last */
    uint16_t crowd;          /* which address it is of, roughly; 0: not looked up yet */
    bool left;               /* evhttp had let go of it when we last looked */
} slot;

enum { CROWDS = 1024 };

struct qn_httpd {
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct event *look;
    qn_time (*now)(void *ctx);
    qn_httpd_answer answer;
    void *ctx;
    uint64_t seed; /* so that nobody can tell which addresses are taken for one */
    slot v[QN_HTTPD_CONNS];
    qn_httpd_counts counts;
};

/* ---- one connection -------------------------------------------------------------------------- */

/* evhttp_connection_free() takes the callbacks away, and nothing else does. */
static bool is_left(const slot *s)
{
    bufferevent_event_cb on_event = NULL;

    bufferevent_getcb(s->bev, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

static bool is_answering(const slot *s)
{
    return evbuffer_get_length(bufferevent_get_output(s->bev)) > 0;
}

/* The last reference. The socket is closed here and now, for libevent would do it at the end of its
 * turn, in which it may accept hundreds. What has come unread is taken, or the kernel would send a
 * reset, which can overtake the answer. */
static void release(qn_httpd *h, slot *s)
{
    enum { READS = 16 };
    char away[4096];
    int fd = bufferevent_getfd(s->bev);

    for (int i = 0; i < READS && fd >= 0 && recv(fd, away, sizeof away, MSG_DONTWAIT) > 0; i++)
        ;
    (void)bufferevent_disable(s->bev, EV_READ | EV_WRITE);
    (void)bufferevent_setfd(s->bev, -1);
    if (fd >= 0)
        (void)close(fd);
    (void)bufferevent_decref(s->bev);
    *s = (slot){0};
    h->counts.connections--;
}

/* In words of our own, since evhttp has none to say unasked; then as if evhttp's timeout had come.
 * While an answer is on its way there is nothing to say. */
static void dismiss(qn_httpd *h, slot *s, const char *words)
{
    int fd = bufferevent_getfd(s->bev);

    if (!is_left(s)) {
        if (fd >= 0 && !is_answering(s))
            (void)send(fd, words, strlen(words), MSG_DONTWAIT | MSG_NOSIGNAL);
        bufferevent_trigger_event(s->bev, BEV_EVENT_TIMEOUT | BEV_EVENT_READING, 0);
    }
    release(h, s);
}

#define CANNED(line, body)                                                                         \
    "HTTP/1.1 " line "\r\nContent-Type: application/json\r\nConnection: close\r\n"                 \
    "Retry-After: 1\r\n\r\n" body "\n"
static const char too_late[] = CANNED("408 Request Timeout", "{\"error\": \"too slow\"}");
static const char too_many[] =
    CANNED("503 Service Unavailable", "{\"error\": \"too many connections\"}");

/* ---- all of them ----------------------------------------------------------------------------- */

static void look(evutil_socket_t fd, short what, void *arg)
{
    qn_httpd *h = arg;
    qn_time now = h->now(h->ctx);

    (void)fd;
    (void)what;
    evconnlistener_enable(h->listener);
    for (int i = 0; i < QN_HTTPD_CONNS; i++) {
        slot *s = &h->v[i];

        if (s->bev == NULL)
            continue;
        if (s->left) { /* its answer has had half a second to arrive */
            release(h, s);
            continue;
        }
        s->left = is_left(s);
        if (!s->left && now - s->since > (is_answering(s) ? QN_HTTPD_ANSWER : QN_HTTPD_REQUEST)) {
            h->counts.late++;
            dismiss(h, s, too_late);
        }
    }
}

static qn_addr peer_of(int fd)
{
    qn_sockaddr from = {.len = sizeof from.u};

    if (getpeername(fd, &from.u.any, &from.len) != 0)
        return (qn_addr){0};
    return qn_addr_of(&from.u.any);
}

/* A small number for the IPv4 address or IPv6 /64 of who is here: FNV-1a. evhttp sets the socket
 * only after it has asked for the bufferevent, so it is looked up late. */
static uint16_t crowd_of(const qn_httpd *h, slot *s)
{
    qn_addr from;
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ h->seed;

    if (s->crowd != 0)
        return s->crowd;
    from = peer_of(bufferevent_getfd(s->bev));
    for (unsigned i = 0; i < (from.family == 4 ? 4u : 8u); i++)
        hash = (hash ^ from.ip[i]) * UINT64_C(0x100000001b3);
    s->crowd = (uint16_t)(1 + (hash >> 32) % CROWDS);
    return s->crowd;
}

/* Who makes way: whom evhttp has left, else who has read longest at an answer if nobody waits, else
 * of the address that has most connections waiting the one that has waited longest: so that one
 * address drives out itself. */
static slot *worst(qn_httpd *h)
{
    uint16_t crowd[CROWDS + 1] = {0};
    slot *waiting = NULL, *answering = NULL;

    for (int i = 0; i < QN_HTTPD_CONNS; i++) {
        slot *s = &h->v[i];

        if (is_left(s))
            return s;
        if (!is_answering(s))
            crowd[crowd_of(h, s)]++;
        else if (answering == NULL || s->since < answering->since)
            answering = s;
    }
    for (int i = 0; i < QN_HTTPD_CONNS; i++) {
        slot *s = &h->v[i];
        int more;

        if (is_answering(s))
            continue;
        more = waiting == NULL ? 1 : (int)crowd[s->crowd] - (int)crowd[waiting->crowd];
        if (more > 0 || (more == 0 && s->since < waiting->since))
            waiting = s;
    }
    return waiting != NULL ? waiting : answering;
}

static slot *free_slot(qn_httpd *h)
{
    slot *s;

    for (int i = 0; i < QN_HTTPD_CONNS; i++)
        if (h->v[i].bev == NULL)
            return &h->v[i];
    s = worst(h);
    h->counts.made_way += !is_left(s);
    dismiss(h, s, too_many);
    return s;
}

/* evhttp has accepted somebody. Given NULL it would make a bufferevent of its own, which we did not
 * know; it does so only when there is no memory, and then fails too. */
static struct bufferevent *on_accepted(struct event_base *base, void *arg)
{
    qn_httpd *h = arg;
    slot *s = free_slot(h);
    struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

    if (bev == NULL)
        return NULL;
    bufferevent_incref(bev);
    bufferevent_setwatermark(bev, EV_READ, 0, QN_HTTPD_INPUT_MAX);
    *s = (slot){.bev = bev, .since = h->now(h->ctx)};
    h->counts.connections++;
    h->counts.accepted++;
    return bev;
}

/* No descriptors: level-triggered, so it would be told again at once, for ever. */
static void on_accept_failed(struct evconnlistener *listener, void *arg)
{
    (void)arg;
    evconnlistener_disable(listener); /* until the next look */
}

/* ---- requests -------------------------------------------------------------------------------- */

static void on_request(struct evhttp_request *request, void *arg)
{
    qn_httpd *h = arg;
    struct bufferevent *bev =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
    qn_addr from = peer_of(bufferevent_getfd(bev));

    for (int i = 0; i < QN_HTTPD_CONNS; i++)
        if (h->v[i].bev == bev)
            h->v[i].since = h->now(h->ctx);
    h->counts.requests++;
    h->answer(h->ctx, request, &from);
}

const qn_httpd_counts *qn_httpd_counted(const qn_httpd *h)
{
    return &h->counts;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static bool bind_listener(qn_httpd *h, int fd)
{
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(h->http, fd);

    if (bound == NULL)
        return false;
    h->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(h->listener, on_accept_failed);
    return true;
}

qn_httpd *qn_httpd_new(struct event_base *base, int fd, qn_time (*now)(void *ctx),
                       qn_httpd_answer answer, void *ctx)
{
    static const struct timeval often = {.tv_usec = QN_HTTPD_LOOK_MS * 1000};
    qn_httpd *h = calloc(1, sizeof *h);

    if (h != NULL) {
        h->base = base;
        h->now = now;
        h->answer = answer;
        h->ctx = ctx;
        evutil_secure_rng_get_bytes(&h->seed, sizeof h->seed);
        h->http = evhttp_new(base);
        h->look = event_new(base, -1, EV_PERSIST, look, h);
    }
    if (h == NULL || h->http == NULL || h->look == NULL || !bind_listener(h, fd)) {
        (void)close(fd);
        qn_httpd_free(h);
        return NULL;
    }
    evhttp_set_max_headers_size(h->http, QN_HTTPD_HEAD_MAX);
    evhttp_set_max_body_size(h->http, QN_HTTPD_BODY_MAX);
    evhttp_set_allowed_methods(h->http, UINT16_MAX); /* 405 is the answer's to say */
    evhttp_set_bevcb(h->http, on_accepted, h);
    evhttp_set_gencb(h->http, on_request, h);
    (void)event_add(h->look, &often);
    return h;
}

void qn_httpd_free(qn_httpd *h)
{
    if (h == NULL)
        return;
    if (h->look != NULL)
        event_free(h->look);
    if (h->http != NULL)
        evhttp_free(h->http);
    for (int i = 0; i < QN_HTTPD_CONNS; i++)
        if (h->v[i].bev != NULL)
            release(h, &h->v[i]);
    free(h);
}
