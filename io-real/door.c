/*
 * Listeners. A door is shut, its socket closed, when the node says so: to the outside that is a
 * server that is not there, as it is when the origin behind it is down. It pauses, connects waiting
 * in the kernel's queue, when descriptors run short: some are held back for status clients, files
 * and DNS, so that a flooded node can still be asked how it is.
 */
#include "io-real/internal.h"
#include "io-real/log.h"
#include "io-real/loops.h"
#include "io-real/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void show(door *d)
{
    if (d->fd < 0)
        return;
    if (d->paused_by_fds)
        (void)event_del(&d->ev);
    else
        (void)event_add(&d->ev, NULL);
}

static void pause_for_fds(door *d, const char *reason)
{
    static const struct timeval soon = {.tv_usec = QN_RETRY_ACCEPT_MS * 1000};

    qn_log_say(qn__log(d->world), QN_LOG_WARN, "world", "not accepting for now: %s", reason);
    d->paused_by_fds = true;
    show(d);
    (void)evtimer_add(&d->world->retry_accept, &soon);
}

static void on_knock(evutil_socket_t fd, short what, void *arg);

/* Readable: somebody connected, and if it is an application, has said something. */
static void watch(door *d)
{
    if (d->purpose == QN_LISTEN_SOCKS)
        qn_socket_wait_for_bytes(d->fd);
    (void)event_assign(&d->ev, d->world->base, d->fd, EV_READ | EV_PERSIST, on_knock, d);
}

static void shut(door *d)
{
    if (d->fd < 0)
        return;
    (void)event_del(&d->ev);
    (void)close(d->fd);
    d->fd = -1;
}

/* The port may be somebody else's by now; then we ask again until it is free. */
static void reopen(door *d)
{
    static const struct timeval soon = {.tv_usec = QN_RETRY_ACCEPT_MS * 1000};
    qn_world *w = d->world;

    if (d->fd >= 0 || d->at.family == 0 || d->shut_by_node || w->stopping)
        return;
    d->fd = qn_socket_listen(&d->at);
    if (d->fd < 0) {
        if (!d->complained)
            qn_log_say(qn__log(w), QN_LOG_ERROR, "world", "cannot listen again: %s",
                       strerror(errno));
        d->complained = true;
        (void)evtimer_add(&w->retry_accept, &soon);
        return;
    }
    d->complained = false;
    watch(d);
    show(d);
}

void qn__doors_reconsider(qn_world *w)
{
    for (int i = 0; i < DOORS; i++)
        if (w->doors[i].paused_by_fds && !qn__loops_full(w)) {
            w->doors[i].paused_by_fds = false;
            show(&w->doors[i]);
        }
}

void qn__door_retry(evutil_socket_t fd, short what, void *world)
{
    qn_world *w = world;

    (void)fd;
    (void)what;
    qn__doors_reconsider(w);
    for (int i = 0; i < DOORS; i++)
        reopen(&w->doors[i]);
}

void qn__door_take(qn_world *w, qn_listener purpose, int fd, const qn_addr *from,
                   const qn_addr *local)
{
    qn_conn id;

    qn_real_env_stamp(w->env);
    id = qn_node_accepted(w->node, purpose, from, local);
    if (id == 0)
        (void)close(fd);
    else if (!qn__conn_adopt(w, id, fd, purpose == QN_LISTEN_SOCKS))
        qn_node_ended(w->node, id, QN_END_RESET);
    qn__settle(w);
}

/* Applications stay with the loop that has the circuits. */
static void give(door *d, int fd, const qn_addr *from, const qn_addr *local)
{
    qn_world *w = d->world, *to = d->purpose == QN_LISTEN_LINK ? qn__loops_pick(w, from) : w;

    if (d->purpose == QN_LISTEN_LINK && w->disguised)
        qn_socket_probe_seldom(fd);
    if (to == NULL)
        (void)close(fd);
    else if (to == w)
        qn__door_take(w, d->purpose, fd, from, local);
    else
        qn__loops_hand(to, fd, from, local);
}

static bool full(const door *d)
{
    return d->purpose == QN_LISTEN_LINK ? qn__loops_full(d->world)
                                        : d->world->conns.used >= d->world->conns_max;
}

/* false: enough for now. */
static bool accept_one(door *d)
{
    qn_addr from, local = d->at; /* which nobody asks of an application */
    int fd;

    if (full(d)) {
        pause_for_fds(d, "as many connections as the descriptor limit allows");
        return false;
    }
    fd = qn_socket_accept(d->fd, &from, d->purpose == QN_LISTEN_LINK ? &local : NULL);
    if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
        return true;
    if (fd < 0) {
        if (errno != EAGAIN)
            pause_for_fds(d, strerror(errno));
        return false;
    }
    give(d, fd, &from, &local);
    return d->fd >= 0;
}

static void on_knock(evutil_socket_t fd, short what, void *arg)
{
    door *d = arg;
    /* Applications come one at a time: asking whether there is another costs as much as being
     * woken for it. */
    int batch = d->purpose == QN_LISTEN_LINK ? QN_ACCEPT_BATCH : 1;

    (void)fd;
    (void)what;
    qn__enter(d->world);
    for (int i = 0; i < batch && accept_one(d); i++)
        ;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void explain(const qn_addr *at, int error, qn_why why)
{
    char text[QN_ADDR_TEXT];

    qn_addr_text(at, text);
    if (error == EADDRINUSE)
        (void)snprintf(
            why, QN_WHY_MAX,
            "%s is in use by another program ('ss -ltnp sport = :%u' names it); stop that "
            "one or choose another port",
            text, at->port);
    else
        (void)qn_why_say(why, "cannot listen on %s: %s", text, strerror(error));
}

int qn__listen(qn_addr *at, qn_why why)
{
    int fd = qn_socket_listen(at);

    if (fd < 0)
        explain(at, errno, why);
    return fd;
}

bool qn__door_open(door *d, qn_listener purpose, qn_addr at, qn_why why)
{
    d->fd = qn__listen(&at, why);
    if (d->fd < 0)
        return false;
    d->at = at;
    d->purpose = purpose;
    watch(d);
    return true;
}

void qn__doors_start(qn_world *w)
{
    for (int i = 0; i < DOORS; i++)
        show(&w->doors[i]);
}

static void pause_for_node(qn_world *w, qn_listener purpose, bool on)
{
    for (int i = 0; i < DOORS; i++) {
        door *d = &w->doors[i];

        if (d->at.family == 0 || d->purpose != purpose)
            continue;
        d->shut_by_node = on;
        if (on)
            shut(d);
        else
            reopen(d);
    }
}

void qn__door_shut(qn_world *w, unsigned place, bool on)
{
    pause_for_node(w, QN_LISTEN_LINK, qn__loops_shut(w, place, on));
}

void qn__door_pause(qn_world *w, qn_listener purpose, bool on)
{
    qn_mail m = {.kind = QN_MAIL_SHUT, .sender = w->place, .fd = -1, .on = on};

    if (purpose != QN_LISTEN_LINK)
        pause_for_node(w, purpose, on);
    else if (w->place == 0)
        qn__door_shut(w, 0, on);
    else
        (void)qn__loops_post(w->loops->v[0].world, &m);
}

void qn__doors_close(qn_world *w)
{
    for (int i = 0; i < DOORS; i++)
        shut(&w->doors[i]);
}
