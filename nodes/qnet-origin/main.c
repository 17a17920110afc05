/* qnet-origin(1): options, the listener, the end. */
#include "origin.h"

#include <event2/listener.h>
#include <event2/util.h>

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 4

enum { OK, FAILED, USAGE };

typedef struct settings {
    bool lab, proxy, certify;
    uint16_t port;
    uint32_t requests, idle;
    const char *dir, *ca;
    char *name[NAMES_MAX];
    int name_n;
} settings;

int complain(int status, const char *format, ...)
{
    va_list args;

    (void)fputs("qnet-origin: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return status;
}

static int usage(void)
{
    (void)fputs(
        "usage: qnet-origin --lab --dir DIR --name NAME... [--ca DIR] [--certify] [--port N]\n"
        "                   [--proxy] [--requests N] [--idle SECONDS]\n",
        stderr);
    return USAGE;
}

static bool number(const char *text, uint32_t max, uint32_t *out)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || v > max)
        return complain(false, "'%s' is not a number up to %u", text, max);
    *out = (uint32_t)v;
    return true;
}

static bool take(settings *s, int option, char *value)
{
    uint32_t port;

    switch (option) {
    case 'l':
        s->lab = true;
        return true;
    case 'p':
        s->proxy = true;
        return true;
    case 'd':
        s->dir = value;
        return true;
    case 'a':
        s->ca = value;
        return true;
    case 'c':
        s->certify = true;
        return true;
    case 'n':
        if (s->name_n == NAMES_MAX)
            return complain(false, "at most %d names", NAMES_MAX);
        s->name[s->name_n++] = value;
        return true;
    case 'P':
        if (!number(value, UINT16_MAX, &port))
            return false;
        s->port = (uint16_t)port;
        return true;
    case 'r':
        return number(value, 1000000, &s->requests);
    case 'i':
        return number(value, 86400, &s->idle);
    default:
        return false;
    }
}

static bool read_options(settings *s, int argc, char **argv)
{
    static const struct option options[] = {
        {"lab", no_argument, NULL, 'l'},        {"proxy", no_argument, NULL, 'p'},
        {"dir", required_argument, NULL, 'd'},  {"name", required_argument, NULL, 'n'},
        {"port", required_argument, NULL, 'P'}, {"requests", required_argument, NULL, 'r'},
        {"idle", required_argument, NULL, 'i'}, {"ca", required_argument, NULL, 'a'},
        {"certify", no_argument, NULL, 'c'},    {NULL, 0, NULL, 0},
    };
    int got;

    while ((got = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!take(s, got, optarg))
            return false;
    return optind == argc && s->dir != NULL && s->name_n > 0 && s->idle > 0;
}

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                  const unsigned char *in, unsigned n, void *arg)
{
    static const unsigned char spoken[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_n, spoken, sizeof spoken - 1, in, n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *tls(const settings *s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        !cert_use(ctx, s->dir, s->ca, s->name, s->name_n)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    /* Visits rest behind links for hours: their records' buffers, 32 KiB, need not. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ctx, choose, NULL);
    return ctx;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int from_n, void *arg)
{
    int on = 1;

    (void)listener;
    (void)from;
    (void)from_n;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    conn_accept(arg, fd);
}

typedef struct running {
    server s;
    struct evconnlistener *listener;
} running;

static void on_stop(evutil_socket_t number_, short what, void *arg)
{
    struct timeval patience = {FINISH_SECONDS, 0};
    running *r = arg;

    (void)number_;
    (void)what;
    r->s.stopping = true;
    (void)evconnlistener_disable(r->listener);
    (void)event_base_loopexit(r->s.base, &patience);
    for (conn *c = r->s.conns, *next; c != NULL; c = next) {
        next = c->next;
        conn_stop(c);
    }
    if (r->s.conns == NULL)
        (void)event_base_loopbreak(r->s.base);
}

static bool listen_on(running *r, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    ev_socklen_t n = sizeof at;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    r->listener =
        evconnlistener_new_bind(r->s.base, on_accept, &r->s,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                -1, (struct sockaddr *)&at, sizeof at);
    if (r->listener == NULL ||
        getsockname(evconnlistener_get_fd(r->listener), (struct sockaddr *)&at, &n) != 0)
        return complain(false, "cannot listen on 127.0.0.1:%u", port);
    (void)printf("qnet-origin: ready on 127.0.0.1:%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    return true;
}

static int serve(running *r, uint16_t port)
{
    struct event *term = evsignal_new(r->s.base, SIGTERM, on_stop, r);
    struct event *interrupt = evsignal_new(r->s.base, SIGINT, on_stop, r);
    int status = FAILED;

    if (term != NULL && interrupt != NULL && event_add(term, NULL) == 0 &&
        event_add(interrupt, NULL) == 0 && listen_on(r, port) &&
        event_base_dispatch(r->s.base) >= 0)
        status = OK;
    r->s.stopping = false;
    while (r->s.conns != NULL)
        conn_free(r->s.conns);
    if (r->listener != NULL)
        evconnlistener_free(r->listener);
    if (term != NULL)
        event_free(term);
    if (interrupt != NULL)
        event_free(interrupt);
    return status;
}

int main(int argc, char **argv)
{
    settings s = {.requests = 1000, .idle = 75}; /* nginx's own */
    running r = {0};
    int status = FAILED;

    if (!read_options(&s, argc, argv))
        return usage();
    if (!s.lab)
        return complain(USAGE, "this is a toy for labs; say --lab, or use a real web server");
    (void)signal(SIGPIPE, SIG_IGN);
    r.s.proxy = s.proxy;
    r.s.requests_max = s.requests;
    r.s.idle_seconds = (int)s.idle;
    r.s.base = event_base_new();
    r.s.ctx = tls(&s);
    if (r.s.ctx != NULL && s.certify)
        status = OK;
    else if (r.s.base != NULL && r.s.ctx != NULL)
        status = site_open() ? serve(&r, s.port) : complain(FAILED, "out of memory");
    site_close();
    SSL_CTX_free(r.s.ctx);
    if (r.s.base != NULL)
        event_base_free(r.s.base);
    return status;
}
