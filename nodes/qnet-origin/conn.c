#include "origin.h"

#include <event2/bufferevent_ssl.h>
#include <event2/util.h>

#include <stdlib.h>
#include <string.h>

void conn_free(conn *c)
{
    server *s = c->s;

    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    h2_free(c);
    if (c->start != NULL) {
        (void)evutil_closesocket(event_get_fd(c->start));
        event_free(c->start);
    }
    if (c->bev != NULL)
        bufferevent_free(c->bev);
    free(c);
    s->conn_n--;
    if (s->stopping && s->conns == NULL)
        (void)event_base_loopbreak(s->base);
}

bool conn_counts(conn *c)
{
    c->requests++;
    return c->s->stopping || (c->s->requests_max > 0 && c->requests >= c->s->requests_max);
}

static void on_drained(struct bufferevent *bev, void *arg)
{
    if (evbuffer_get_length(bufferevent_get_output(bev)) > 0)
        return; /* a call that was due before the watermark changed */
    /* close_notify; nobody waits for the other one */
    (void)SSL_shutdown(bufferevent_openssl_get_ssl(bev));
    conn_free(arg);
}

static void on_end(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    (void)what;
    conn_free(arg);
}

void conn_finish(conn *c)
{
    struct timeval patience = {START_SECONDS, 0};

    bufferevent_setcb(c->bev, NULL, on_drained, on_end, c);
    bufferevent_setwatermark(c->bev, EV_WRITE, 0, 0);
    (void)bufferevent_set_timeouts(c->bev, &patience, &patience);
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0)
        bufferevent_trigger(c->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
}

static bool busy(const conn *c)
{
    return c->session != NULL ? c->streams != NULL : c->body != NULL;
}

static void on_read(struct bufferevent *bev, void *arg)
{
    conn *c = arg;

    (void)bev;
    if (!(c->session != NULL ? h2_read(c) : h1_read(c)))
        conn_free(c);
}

static void on_write(struct bufferevent *bev, void *arg)
{
    conn *c = arg;

    (void)bev;
    if (c->session == NULL)
        h1_write(c);
    else if (!h2_write(c))
        conn_free(c);
}

static void on_ready(conn *c)
{
    struct timeval idle = {c->s->idle_seconds, 0};
    const unsigned char *alpn = NULL;
    unsigned n = 0;

    SSL_get0_alpn_selected(bufferevent_openssl_get_ssl(c->bev), &alpn, &n);
    (void)bufferevent_set_timeouts(c->bev, &idle, NULL);
    if (n == 2 && memcmp(alpn, "h2", 2) == 0 && !h2_start(c))
        conn_free(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    conn *c = arg;

    if ((what & BEV_EVENT_CONNECTED) != 0) {
        on_ready(c);
        return;
    }
    if ((what & BEV_EVENT_TIMEOUT) == 0 ||
        !SSL_is_init_finished(bufferevent_openssl_get_ssl(bev))) {
        conn_free(c);
        return;
    }
    (void)bufferevent_enable(bev, EV_READ); /* a timeout stops reading */
    if (!busy(c))
        conn_stop(c);
}

void conn_stop(conn *c)
{
    if (c->bev == NULL || !SSL_is_init_finished(bufferevent_openssl_get_ssl(c->bev)))
        conn_free(c);
    else if (c->session != NULL)
        h2_goaway(c);
    else if (c->body == NULL)
        conn_finish(c);
    else
        c->ending = true;
}

static void start_tls(conn *c, evutil_socket_t fd)
{
    struct timeval patience = {START_SECONDS, 0};
    SSL *ssl = SSL_new(c->s->ctx);

    if (ssl != NULL)
        c->bev = bufferevent_openssl_socket_new(c->s->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                                BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (c->bev == NULL) {
        SSL_free(ssl);
        (void)evutil_closesocket(fd);
        conn_free(c);
        return;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
    bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(c->bev, EV_WRITE, OUT_MAX / 2, 0);
    bufferevent_setwatermark(c->bev, EV_READ, 0, OUT_MAX);
    (void)bufferevent_set_timeouts(c->bev, &patience, NULL);
    (void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static void on_start(evutil_socket_t fd, short what, void *arg)
{
    conn *c = arg;
    int got = (what & EV_TIMEOUT) != 0 ? -1 : proxy_take(fd, &c->seen);

    if (got == 0)
        return;
    if (got < 0) {
        conn_free(c);
        return;
    }
    event_free(c->start);
    c->start = NULL;
    start_tls(c, fd);
}

void conn_accept(server *s, evutil_socket_t fd)
{
    struct timeval patience = {START_SECONDS, 0};
    conn *c = s->conn_n < CONNS_MAX ? calloc(1, sizeof *c) : NULL;

    if (c == NULL) {
        (void)evutil_closesocket(fd);
        return;
    }
    *c = (conn){.s = s, .next = s->conns, .link = &s->conns};
    if (s->conns != NULL)
        s->conns->link = &c->next;
    s->conns = c;
    s->conn_n++;
    if (!s->proxy) {
        start_tls(c, fd);
        return;
    }
    c->start = event_new(s->base, fd, EV_READ | EV_PERSIST, on_start, c);
    if (c->start == NULL || event_add(c->start, &patience) != 0) {
        if (c->start == NULL)
            (void)evutil_closesocket(fd);
        conn_free(c);
    }
}
