#include "proxy/prober.h"

#include "proxy/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void prober_begin(prober *p)
{
    for (size_t i = 0; i < PROBES_MAX; i++)
        p->conn[i].fd = -1;
}

void prober_end(prober *p)
{
    for (size_t i = 0; i < PROBES_MAX; i++)
        if (p->conn[i].fd >= 0)
            (void)close(p->conn[i].fd);
}

static void conclude(probe_conn *o, censor *c)
{
    bool told = censor_probe_done(c, &o->probe, &o->reaction);

    (void)close(o->fd);
    o->fd = -1;
    (void)printf("probe: %s %s\n", o->probe.random ? "random" : "replay",
                 told ? "DISTINGUISHABLE" : "as before");
    (void)fflush(stdout);
}

static void start(probe_conn *o, censor *c, qn_time now)
{
    struct sockaddr_in s;

    if (!censor_probe_next(c, now, &o->probe))
        return;
    o->reaction = (censor_reaction){0};
    o->sent = 0;
    o->patience = now + CENSOR_PROBE_PATIENCE;
    s = proxy_to_system(&o->probe.server);
    o->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (o->fd >= 0 && connect(o->fd, (struct sockaddr *)&s, sizeof s) != 0 && errno != EINPROGRESS)
        conclude(o, c);
}

void prober_want(prober *p, censor *c, struct pollfd v[PROBES_MAX], qn_time now, qn_time *due)
{
    qn_time next;

    for (size_t i = 0; i < PROBES_MAX; i++) {
        probe_conn *o = &p->conn[i];

        if (o->fd < 0)
            start(o, c, now);
        v[i] = (struct pollfd){.fd = o->fd, .events = POLLIN};
        if (o->fd >= 0 && o->sent < o->probe.n)
            v[i].events |= POLLOUT;
        if (o->fd >= 0)
            *due = o->patience < *due ? o->patience : *due;
    }
    next = censor_probe_due(c);
    if (next > now) /* what is due already waits for one of these to end */
        *due = next < *due ? next : *due;
}

static void send_rest(probe_conn *o)
{
    ssize_t n = send(o->fd, o->probe.bytes + o->sent, o->probe.n - o->sent, MSG_NOSIGNAL);

    if (n > 0) {
        o->reaction.opened = true;
        o->sent += (size_t)n;
    }
}

static void hear(probe_conn *o, censor *c)
{
    uint8_t bytes[PROXY_BUFFER];
    ssize_t n = recv(o->fd, bytes, sizeof bytes, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        censor_shape_add(&o->reaction.answer, (qn_slice){bytes, (size_t)n});
        return;
    }
    o->reaction.ended = true;
    conclude(o, c);
}

void prober_serve(prober *p, censor *c, const struct pollfd v[PROBES_MAX], qn_time now)
{
    for (size_t i = 0; i < PROBES_MAX; i++) {
        probe_conn *o = &p->conn[i];

        if (o->fd < 0 || v[i].fd != o->fd)
            continue;
        if ((v[i].revents & POLLOUT) != 0 && o->sent < o->probe.n)
            send_rest(o);
        if ((v[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0)
            hear(o, c);
        if (o->fd >= 0 && now >= o->patience)
            conclude(o, c);
    }
}
