#include "io-real/surface.h"

#include "io-real/request.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct guest {
    struct qn_surface *surface;
    struct guest *next; /* newest first */
    struct bufferevent *bev;
    struct event deadline;
    uint16_t port;
    bool answered;
    bool head;
    uint64_t ticket; /* of what it waits for; 0: nothing */
} guest;

typedef struct gate {
    struct qn_surface *surface;
    struct event ev, pause;
    int fd;
    uint16_t port; /* 0: the Unix socket */
} gate;

struct qn_surface {
    struct event_base *base;
    const qn_view *view;
    qn_whole whole;
    uint64_t tickets;
    gate gates[2];
    guest *guests;
    unsigned guests_n;
};

static void guest_free(guest *g)
{
    qn_surface *s = g->surface;
    guest **at = &s->guests;

    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    s->guests_n--;
    (void)event_del(&g->deadline);
    bufferevent_free(g->bev);
    free(g);
}

/* ---- answering ------------------------------------------------------------------------------- */

typedef struct sentence {
    unsigned status;
    const char *phrase, *text;
} sentence;

static const sentence sentences[] = {
    {200, "OK", ""},
    {400, "Bad Request", "this is not an HTTP/1.1 request with one Host"},
    {403, "Forbidden", "the status surface answers 127.0.0.1 and localhost, and no web page"},
    {404, "Not Found",
     "there are /status, /circuits, /peers and /ping; a bootstrap or super node may offer the "
     "directory at directory.listen"},
    {405, "Method Not Allowed", "the status surface is read-only: GET and HEAD"},
    {413, "Content Too Large", "a request here has no body"},
    {414, "URI Too Long", "no path here is that long"},
    {431, "Request Header Fields Too Large", "a request here fits 4096 bytes"},
    {500, "Internal Server Error", "out of memory"},
    {505, "HTTP Version Not Supported", "HTTP/1.0 and HTTP/1.1 are spoken here"},
};

static const sentence *sentence_of(unsigned status)
{
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (sentences[i].status == status)
            return &sentences[i];
    return sentence_of(500);
}

/* No CORS headers: a page of another origin may send requests, but never reads an answer. */
static void answer(guest *g, unsigned status, const char *body, bool head)
{
    const sentence *s = sentence_of(status);
    struct evbuffer *out = bufferevent_get_output(g->bev);

    g->answered = true;
    (void)evbuffer_add_printf(out,
                              "HTTP/1.1 %u %s\r\n"
                              "Content-Type: application/json\r\n"
                              "Content-Length: %zu\r\n"
                              "Cache-Control: no-store\r\n"
                              "X-Content-Type-Options: nosniff\r\n"
                              "%s"
                              "Connection: close\r\n\r\n%s%s",
                              status, s->phrase, strlen(body) + 1,
                              status == 405 ? "Allow: GET, HEAD\r\n" : "", head ? "" : body,
                              head ? "" : "\n");
}

static void answer_error(guest *g, unsigned status, bool head)
{
    char body[200];

    (void)snprintf(body, sizeof body, "{\"error\": \"%s\"}", sentence_of(status)->text);
    answer(g, status, body, head);
}

static void show(guest *g, const json_t *document, bool head)
{
    char *body = json_dumps(document, JSON_INDENT(2));

    if (body == NULL) {
        answer_error(g, 500, head);
        return;
    }
    answer(g, 200, body, head);
    free(body);
}

void qn_surface_answer(qn_surface *s, uint64_t ticket, const json_t *document)
{
    guest *g = s->guests;

    while (g != NULL && g->ticket != ticket)
        g = g->next;
    if (g == NULL)
        return;
    g->ticket = 0;
    show(g, document, g->head);
}

static bool asked_elsewhere(guest *g, const qn_request *request)
{
    qn_surface *s = g->surface;

    if (s->whole.ask == NULL)
        return false;
    g->ticket = ++s->tickets;
    g->head = request->head;
    if (s->whole.ask(s->whole.ctx, g->ticket, request->path))
        return true;
    g->ticket = 0;
    return false;
}

static void answer_document(guest *g, const qn_request *request)
{
    const qn_view *view = g->surface->view;
    json_t *document;

    qn_real_env_stamp(view->env);
    if (asked_elsewhere(g, request))
        return;
    document = qn_document(view, request->path);
    if (document == NULL) {
        answer_error(g, 404, request->head);
        return;
    }
    show(g, document, request->head);
    json_decref(document);
}

/* ---- one connection -------------------------------------------------------------------------- */

static void on_bytes(struct bufferevent *bev, void *arg)
{
    guest *g = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    size_t n = end.pos >= 0 ? (size_t)end.pos + 4 : evbuffer_get_length(in);
    qn_request request;
    unsigned status;

    if (g->answered || g->ticket != 0) {
        (void)evbuffer_drain(in, evbuffer_get_length(in));
        return;
    }
    if (n > QN_REQUEST_MAX || (end.pos < 0 && n == QN_REQUEST_MAX)) {
        answer_error(g, 431, false);
        return;
    }
    if (end.pos < 0)
        return;
    status = qn_request_parse((qn_slice){.p = evbuffer_pullup(in, (ev_ssize_t)n), .n = n}, g->port,
                              &request);
    if (status == 200)
        answer_document(g, &request);
    else
        answer_error(g, status, request.head);
}

/* FIN, then wait for the guest's: closing over unread bytes would turn the answer into a RST. */
static void on_sent(struct bufferevent *bev, void *arg)
{
    guest *g = arg;

    if (g->answered)
        (void)shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_gone(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    (void)what;
    guest_free(arg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    guest_free(arg);
}

static void guest_new(qn_surface *s, int fd, uint16_t port)
{
    static const struct timeval patience = {.tv_sec = QN_GUEST_SECONDS};
    guest *g = calloc(1, sizeof *g);

    if (g == NULL ||
        (g->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE)) == NULL) {
        free(g);
        (void)close(fd);
        return;
    }
    g->surface = s;
    g->port = port;
    g->next = s->guests;
    s->guests = g;
    s->guests_n++;
    (void)evtimer_assign(&g->deadline, s->base, on_deadline, g);
    (void)evtimer_add(&g->deadline, &patience);
    bufferevent_setwatermark(g->bev, EV_READ, 0, QN_REQUEST_MAX);
    bufferevent_setcb(g->bev, on_bytes, on_sent, on_gone, g);
    (void)bufferevent_enable(g->bev, EV_READ | EV_WRITE);
}

/* ---- the gates ------------------------------------------------------------------------------- */

static void make_room(qn_surface *s)
{
    guest *oldest = s->guests;

    if (s->guests_n < QN_GUESTS_MAX)
        return;
    while (oldest->next != NULL)
        oldest = oldest->next;
    guest_free(oldest);
}

/* Without descriptors the guest stays at the gate, which would be reported without end. */
static void rest(gate *at)
{
    static const struct timeval soon = {.tv_usec = 100000};

    (void)event_del(&at->ev);
    (void)evtimer_add(&at->pause, &soon);
}

static void on_knock(evutil_socket_t fd, short what, void *arg)
{
    gate *at = arg;
    int got;

    (void)what;
    make_room(at->surface);
    got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (got >= 0)
        guest_new(at->surface, got, at->port);
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        rest(at);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)event_add(&((gate *)arg)->ev, NULL);
}

static void gate_open(qn_surface *s, gate *g, int fd, uint16_t port)
{
    *g = (gate){.surface = s, .fd = fd, .port = port};
    if (fd < 0)
        return;
    (void)event_assign(&g->ev, s->base, fd, EV_READ | EV_PERSIST, on_knock, g);
    (void)evtimer_assign(&g->pause, s->base, on_rested, g);
    (void)event_add(&g->ev, NULL);
}

static void gate_close(gate *g)
{
    if (g->fd < 0)
        return;
    (void)event_del(&g->ev);
    (void)event_del(&g->pause);
    (void)close(g->fd);
}

qn_surface *qn_surface_new(struct event_base *base, const qn_view *view, const qn_whole *whole,
                           int tcp, uint16_t port, int unix_socket)
{
    qn_surface *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->base = base;
    s->view = view;
    s->whole = *whole;
    gate_open(s, &s->gates[0], tcp, port);
    gate_open(s, &s->gates[1], unix_socket, 0);
    return s;
}

void qn_surface_free(qn_surface *s)
{
    if (s == NULL)
        return;
    while (s->guests != NULL)
        guest_free(s->guests);
    gate_close(&s->gates[0]);
    gate_close(&s->gates[1]);
    free(s);
}
