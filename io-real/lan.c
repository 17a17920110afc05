/* The node's side of looking around in the local network; lan_avahi.c does the looking. */
#include "io-real/lan.h"

#include "io-real/lan_search.h"
#include "io-real/log.h"
#include "io-real/sockets.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_SECONDS = 10, END_SECONDS = 2, NOTES_AT_ONCE = 16, NAME_BYTES = 8 };

struct qn_lan {
    qn_lan_cfg cfg;
    char tag[QN_LAN_TAG + 1];
    qn_lan_prefix near;
    int link; /* 0: the node listens in no network that has others */
    int fd;
    pthread_t thread;
    bool running;
    struct event *read, *look;
    qn_lan_counts counts;
    qn_time paid; /* qn_lan_may */
    qn_lan_note note;
    bool too_long; /* and said so */
    uint16_t said_n;
    uint8_t said[QN_LAN_DESCRIPTOR_MAX]; /* what the thread was last told to announce */
};

bool qn_lan_available(void)
{
    return qn_lan_can_search();
}

static const qn_log *log_of(const qn_lan *l)
{
    return &l->cfg.env->env.log;
}

/* ---- notes ----------------------------------------------------------------------------------- */

bool qn_lan_send(int fd, const qn_lan_note *note)
{
    size_t n = offsetof(qn_lan_note, bytes) + note->n;

    return send(fd, note, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}

int qn_lan_receive(int fd, qn_lan_note *note)
{
    ssize_t n = recv(fd, note, sizeof *note, MSG_DONTWAIT);

    if (n < 0)
        return 0;
    return n >= (ssize_t)offsetof(qn_lan_note, bytes) &&
                   n == (ssize_t)(offsetof(qn_lan_note, bytes) + note->n)
               ? 1
               : -1;
}

/* ---- what others announce -------------------------------------------------------------------- */

static void heard(qn_lan *l, const qn_lan_note *note)
{
    qn_err err = QN_POLICY;

    l->counts.heard++;
    if (!qn_lan_may(&l->paid, l->cfg.env->env.now))
        err = QN_QUOTA;
    else if (qn_lan_near(&l->near, &note->at))
        err = qn_node_hint(l->cfg.node, (qn_slice){note->bytes, note->n}, &note->at);
    if (err == QN_OK)
        l->counts.taken++;
    else if (err != QN_STALE)
        l->counts.refused++;
    qn_log_say(log_of(l), QN_LOG_DEBUG, "lan", "a node announces itself: %s",
               err == QN_OK ? "looking there" : qn_err_text(err));
}

static void on_note(evutil_socket_t fd, short what, void *lan)
{
    qn_lan *l = lan;
    int got = 1;

    (void)what;
    l->cfg.enter(l->cfg.world);
    for (unsigned i = 0; i < NOTES_AT_ONCE && got == 1; i++) {
        got = qn_lan_receive(fd, &l->note);
        if (got != 1)
            break;
        l->counts.announced = l->note.announced;
        if (l->note.at.family != 0)
            heard(l, &l->note);
    }
    if (got < 0) {
        l->counts.announced = false;
        (void)event_del(l->read);
        qn_log_say(log_of(l), QN_LOG_WARN, "lan",
                   "nobody looks around in the local network any more");
    }
    l->cfg.settle(l->cfg.world);
}

/* ---- what we announce ------------------------------------------------------------------------ */

/* Descriptors change every few days, and when the node learns how it is reached: rarely enough to
 * look. What was not told is told the next time. */
static void on_look(evutil_socket_t fd, short what, void *lan)
{
    qn_lan *l = lan;
    qn_slice d = qn_node_descriptor(l->cfg.node);

    (void)fd;
    (void)what;
    if (d.n > sizeof l->said) {
        if (!l->too_long)
            qn_log_say(
                log_of(l), QN_LOG_WARN, "lan",
                "the node's descriptor of %zu bytes is too long to be announced in the local "
                "network: fewer ports or a shorter contact make it shorter",
                d.n);
        l->too_long = true;
        d.n = 0;
    }
    if (d.n == l->said_n && (d.n == 0 || memcmp(d.p, l->said, d.n) == 0))
        return;
    l->note = (qn_lan_note){.n = (uint16_t)d.n};
    if (d.n > 0)
        memcpy(l->note.bytes, d.p, d.n);
    if (!qn_lan_send(l->fd, &l->note))
        return;
    l->said_n = (uint16_t)d.n;
    memcpy(l->said, l->note.bytes, d.n);
}

/* ---- where ----------------------------------------------------------------------------------- */

static void bytes_of(const struct sockaddr *from, uint8_t out[16])
{
    if (from->sa_family == AF_INET)
        memcpy(out, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    else
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
}

/* The network that has the listener's address, if there can be others in it. */
static void find_link(qn_lan *l)
{
    const qn_addr *self = &l->cfg.listen;
    int family = self->family == 4 ? AF_INET : AF_INET6;
    struct ifaddrs *all = NULL;

    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *i = all; i != NULL && l->link == 0; i = i->ifa_next) {
        uint8_t ip[16];

        if (i->ifa_addr == NULL || i->ifa_netmask == NULL || i->ifa_addr->sa_family != family ||
            (i->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        bytes_of(i->ifa_addr, ip);
        if (memcmp(ip, self->ip, family == AF_INET ? 4 : 16) != 0)
            continue;
        l->link = (int)if_nametoindex(i->ifa_name);
        l->near.of = *self;
        bytes_of(i->ifa_netmask, l->near.mask);
    }
    freeifaddrs(all);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

/* Not the machine's name, and the same for as long as the node has its keys. */
static void name_of(const qn_lan *l, char out[32])
{
    qn_status s;
    int at = snprintf(out, 32, "qnet-");

    qn_node_status(l->cfg.node, &s);
    for (unsigned i = 0; i < NAME_BYTES; i++)
        at += snprintf(out + at, (size_t)(32 - at), "%02x", s.id.b[i]);
}

static bool start_thread(qn_lan *l, int fd)
{
    qn_lan_search *s = calloc(1, sizeof *s);
    sigset_t all, before;

    if (s == NULL) {
        (void)close(fd);
        return false;
    }
    s->fd = fd;
    s->link = l->link;
    s->self = l->cfg.listen;
    memcpy(s->tag, l->tag, sizeof s->tag);
    name_of(l, s->name);
    (void)sigfillset(&all); /* signals are the loop's */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    l->running = pthread_create(&l->thread, NULL, qn_lan_search_run, s) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (l->running) {
        (void)pthread_setname_np(l->thread, "qnet-lan");
        return true;
    }
    (void)close(fd);
    free(s);
    return false;
}

static bool start(qn_lan *l)
{
    static const struct timeval often = {.tv_sec = LOOK_SECONDS};
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return false;
    l->fd = pair[0];
    l->read = event_new(l->cfg.base, l->fd, EV_READ | EV_PERSIST, on_note, l);
    l->look = event_new(l->cfg.base, -1, EV_PERSIST, on_look, l);
    if (!start_thread(l, pair[1]) || l->read == NULL || l->look == NULL ||
        event_add(l->read, NULL) != 0 || event_add(l->look, &often) != 0)
        return false;
    on_look(-1, 0, l);
    return true;
}

qn_lan *qn_lan_new(const qn_lan_cfg *cfg)
{
    qn_lan *l = calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    l->cfg = *cfg;
    l->fd = -1;
    qn_lan_tag(qn_node_network(cfg->node)->id, l->tag);
    find_link(l);
    if (l->link == 0) {
        qn_log_say(log_of(l), QN_LOG_WARN, "lan",
                   "discovery.lan: the node listens in no local network, so nobody is looked for");
        return l;
    }
    if (start(l))
        return l;
    qn_lan_free(l);
    return NULL;
}

void qn_lan_count(const qn_lan *l, qn_lan_counts *out)
{
    *out = l->counts;
}

void qn_lan_free(qn_lan *l)
{
    struct timespec until;

    if (l == NULL)
        return;
    if (l->read != NULL)
        event_free(l->read);
    if (l->look != NULL)
        event_free(l->look);
    if (l->fd >= 0)
        (void)close(l->fd);
    /* It may wait for a daemon that hangs; then it holds nothing of ours. */
    if (l->running && clock_gettime(CLOCK_REALTIME, &until) == 0) {
        until.tv_sec += END_SECONDS;
        if (pthread_timedjoin_np(l->thread, NULL, &until) != 0)
            (void)pthread_detach(l->thread);
    }
    free(l);
}
