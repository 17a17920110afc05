/*
 * One conn: level-triggered reading into the node's windows, writing from its slices.
 *
 * Reading stops while the node has no room and starts again at the action READ. Writing is tried at
 * once; only a full socket buffer arms EV_WRITE. Both directions have a budget per wake-up.
 */
#include "io-real/internal.h"
#include "io-real/log.h"
#include "io-real/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);
static void on_refused(evutil_socket_t fd, short what, void *arg);

/* Takes over fd. NULL: out of memory, fd closed. */
static conn *conn_new(qn_world *w, qn_conn id, int fd)
{
    conn *c = calloc(1, sizeof *c);

    if (c == NULL ||
        event_assign(&c->read_ev, w->base, fd, w->reads | EV_PERSIST, on_readable, c) ||
        event_assign(&c->write_ev, w->base, fd, EV_WRITE, on_writable, c)) {
        free(c);
        (void)close(fd);
        return NULL;
    }
    c->world = w;
    c->id = id;
    c->fd = fd;
    qn__backlog_begin(c);
    if (!qn__table_add(&w->conns, c)) {
        free(c);
        (void)close(fd);
        return NULL;
    }
    return c;
}

/* The struct itself lives on for a while: callers, and the queue of those that send, may still look
 * at it. */
void qn__conn_destroy(conn *c)
{
    qn_world *w = c->world;

    if (c->fd < 0)
        return;
    qn__table_remove(&w->conns, c);
    (void)event_del(&c->read_ev);
    (void)event_del(&c->write_ev);
    if (c->leaving != STAYING)
        (void)event_del(&c->leave_ev);
    (void)close(c->fd);
    c->fd = -1;
    c->hash_next = w->graves;
    w->graves = c;
    qn__doors_reconsider(w);
}

/* ---- opening --------------------------------------------------------------------------------- */

bool qn__conn_adopt(qn_world *w, qn_conn id, int fd, bool application)
{
    conn *c = conn_new(w, id, fd);

    if (c == NULL)
        return false;
    qn__conn_want_read(c, true);
    c->application = application;
    if (application) /* its bytes are read without another wait */
        event_active(&c->read_ev, EV_READ, 0);
    return true;
}

static void dial_failed(qn_world *w, qn_conn id, qn_err why)
{
    qn_real_env_stamp(w->env);
    qn_node_open_failed(w->node, id, why);
}

static int dial(const qn_world *w, const qn_addr *to, bool *open)
{
    qn_addr on_path = QN_ORIGIN_ON_PATH;

    *open = false;
    if (w->cfg.origin_path != NULL && qn_addr_equal(to, &on_path))
        return qn_socket_dial_path(w->cfg.origin_path);
    return qn_socket_dial(to, open);
}

static void dialled(conn *c)
{
    c->dialling = false;
    qn__conn_want_read(c, true);
    qn_node_opened(c->world->node, c->id);
}

void qn__conn_dial(qn_world *w, qn_conn id, const qn_addr *to)
{
    static const struct timeval patience = {.tv_sec = QN_DIAL_SECONDS};
    conn *c = NULL;
    bool open = false;
    int fd;

    errno = EMFILE;
    fd = w->conns.used < w->conns_max ? dial(w, to, &open) : -1;
    if (fd >= 0)
        c = conn_new(w, id, fd);
    if (c == NULL) {
        dial_failed(w, id, qn_socket_err(errno));
        return;
    }
    c->dialling = true;
    if (open)
        dialled(c);
    else
        (void)event_add(&c->write_ev, &patience);
}

static void dial_ended(conn *c, short what)
{
    qn_world *w = c->world;
    int error = (what & EV_TIMEOUT) ? ETIMEDOUT : qn_socket_error(c->fd);

    if (error != 0) {
        qn_conn id = c->id;

        qn__conn_destroy(c);
        dial_failed(w, id, qn_socket_err(error));
        return;
    }
    dialled(c);
}

/* ---- reading --------------------------------------------------------------------------------- */

void qn__conn_want_read(conn *c, bool on)
{
    if (c->fd < 0 || c->reading == on || (on && (c->eof || c->dialling)))
        return;
    c->reading = on;
    if (on)
        (void)event_add(&c->read_ev, NULL);
    else
        (void)event_del(&c->read_ev);
}

/* A peer that has closed after its FIN answers what it is sent by RST. Whoever is joined to it by
 * the node must see that as soon as it happens: otherwise it tells a splice from the server itself.
 * Level-triggered reading would report the FIN for ever, and both kinds of event cannot wait for
 * one descriptor; an edge of EV_WRITE comes with each event_add, so nothing changes for writing. */
static void watch_refusal(conn *c)
{
    bool waiting = event_pending(&c->write_ev, EV_WRITE, NULL) != 0;

    if ((event_base_get_features(c->world->base) & EV_FEATURE_ET) == 0)
        return;
    (void)event_del(&c->write_ev);
    (void)event_assign(&c->write_ev, c->world->base, c->fd, EV_WRITE | EV_ET, on_writable, c);
    (void)event_assign(&c->read_ev, c->world->base, c->fd, EV_READ | EV_ET | EV_PERSIST, on_refused,
                       c);
    (void)event_add(&c->read_ev, NULL);
    if (waiting)
        (void)event_add(&c->write_ev, NULL);
}

/* The node may still have bytes for an EOF; nothing at all follows a reset. */
static void read_ended(conn *c, ssize_t got)
{
    qn_world *w = c->world;
    qn_conn id = c->id;

    if (got == 0 && !c->was_reset) {
        qn__conn_want_read(c, false);
        c->eof = true;
        watch_refusal(c);
        qn_node_ended(w->node, id, QN_END_EOF);
    } else {
        qn__conn_destroy(c);
        qn_node_ended(w->node, id, QN_END_RESET);
    }
}

typedef enum after_read {
    READ_ALL,  /* there is no point in another readv now */
    READ_PART, /* the node's windows were filled, so there may be more */
    READ_END   /* the peer's end lies behind what came */
} after_read;

/* One readv. `ended`: the kernel has the peer's FIN, which goes on with its last bytes. */
static after_read read_once(conn *c, size_t *budget, bool ended)
{
    qn_world *w = c->world;
    qn_span v[QN_READ_SPANS];
    struct iovec iov[QN_READ_SPANS];
    unsigned n = qn_node_space(w->node, c->id, v, QN_READ_SPANS);
    size_t room = 0;
    ssize_t got;

    for (unsigned i = 0; i < n; i++) {
        iov[i] = (struct iovec){.iov_base = v[i].p, .iov_len = v[i].n};
        room += v[i].n;
    }
    if (room == 0) {
        qn__conn_want_read(c, false);
        return READ_ALL;
    }
    got = readv(c->fd, iov, (int)n);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return READ_ALL;
    if (got <= 0) {
        read_ended(c, got);
        return READ_ALL;
    }
    w->view.bytes_in += (uint64_t)got;
    qn_node_commit(w->node, c->id, (size_t)got);
    *budget -= (size_t)got < *budget ? (size_t)got : *budget;
    if (*budget == 0)
        return READ_ALL;
    if ((size_t)got == room)
        return READ_PART;
    return ended ? READ_END : READ_ALL; /* a short read emptied the socket */
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    conn *c = arg;
    qn_world *w = c->world;
    size_t budget = QN_READ_BUDGET;
    after_read then = READ_PART;

    (void)fd;
    qn__enter(w);
    if (c->leaving == LINGERING) {
        qn__leave_readable(c);
        return;
    }
    while (then != READ_ALL && c->fd >= 0 && c->reading && c->leaving == STAYING) {
        then = read_once(c, &budget, (what & EV_CLOSED) != 0);
        if (then == READ_PART) /* in bulk: while it is still in the cache */
            qn__flush(w);
    }
    qn__settle(w);
}

/* ---- writing --------------------------------------------------------------------------------- */

void qn__conn_wait_writable(conn *c)
{
    c->blocked = true;
    c->blocked_at = c->world->env->env.now;
    (void)event_add(&c->write_ev, NULL);
}

static void write_failed(conn *c, int error)
{
    c->broken = true;
    /* EPIPE after the peer's FIN: what it sent is whole. Anything else: what is still to be read
     * may be, but the 0 that read() then returns is not an end (the kernel reports the RST only
     * once). */
    if (error != EPIPE)
        c->was_reset = true;
    if (c->leaving == STAYING)
        qn_node_ended(c->world->node, c->id, QN_END_WRITE_FAILED);
    else
        qn__leave_sent(c);
}

static void on_refused(evutil_socket_t fd, short what, void *arg)
{
    conn *c = arg;
    int error = 0;

    (void)what;
    qn__enter(c->world);
    if (!c->broken && c->leaving == STAYING)
        error = qn_socket_error(fd);
    if (error != 0)
        write_failed(c, error);
    qn__settle(c->world);
}

static void all_sent(conn *c)
{
    if (c->finish) {
        c->finish = false;
        (void)shutdown(c->fd, SHUT_WR);
    }
    if (c->leaving == CLOSING || c->leaving == RESETTING)
        qn__leave_sent(c);
}

/* Gathers one writev's worth; returns its bytes. */
static size_t gather(const conn *c, struct iovec iov[QN_WRITE_SLICES], unsigned *n)
{
    qn_slice v[QN_WRITE_SLICES];
    size_t bytes = 0;

    *n = qn_node_peek(c->world->node, c->id, v, QN_WRITE_SLICES);
    for (unsigned i = 0; i < *n; i++) {
        iov[i] = (struct iovec){.iov_base = (void *)(uintptr_t)v[i].p, .iov_len = v[i].n};
        bytes += v[i].n;
    }
    return bytes;
}

void qn__conn_send(conn *c)
{
    qn_world *w = c->world;
    size_t budget = QN_WRITE_BUDGET;

    while (c->fd >= 0 && !c->broken && !c->blocked && !c->dialling) {
        struct iovec iov[QN_WRITE_SLICES];
        unsigned n;
        size_t ready = gather(c, iov, &n);
        ssize_t put;

        if (ready == 0) {
            all_sent(c);
            return;
        }
        put = budget > 0 ? qn_socket_put(c->fd, iov, n, c->finish && c->application) : 0;
        if (put < 0 && errno != EAGAIN && errno != EINTR) {
            write_failed(c, errno);
            return;
        }
        if (put > 0) {
            w->view.bytes_out += (uint64_t)put;
            budget -= (size_t)put < budget ? (size_t)put : budget;
            qn_node_consume(w->node, c->id, (size_t)put);
        }
        if (put < (ssize_t)ready)
            qn__conn_wait_writable(c);
    }
}

void qn__conn_queue(conn *c)
{
    qn_world *w = c->world;

    if (c->queued)
        return;
    c->queued = true;
    c->queue_next = NULL;
    if (w->send_tail != NULL)
        w->send_tail->queue_next = c;
    else
        w->send_head = c;
    w->send_tail = c;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    conn *c = arg;
    qn_world *w = c->world;

    (void)fd;
    qn__enter(w);
    if (c->blocked)
        qn__backlog_review(c);
    c->blocked = false;
    if (c->dialling)
        dial_ended(c, what);
    else
        qn__conn_send(c);
    qn__settle(w);
}
