#include "proxy/prober.h"
#include "proxy/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* One way of a flow: what was read and not written yet. */
typedef struct way {
    size_t at, n;
    qn_time ready; /* the censor holds it back until then */
    bool over;     /* the end of the stream was read, and passed on */
    uint8_t bytes[PROXY_BUFFER];
} way;

typedef struct flow {
    bool there;
    bool cut;  /* caught without a word: both ends talk to nobody */
    int fd[2]; /* of the client, of the server */
    way way[2];
    censor_flow state;
} flow;

typedef struct proxy {
    censor *c;
    int listener;
    qn_addr server;
    prober prober;
    flow flow[PROXY_FLOWS_MAX];
} proxy;

qn_time proxy_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (qn_time)t.tv_sec * QN_SEC + (qn_time)t.tv_nsec;
}

struct sockaddr_in proxy_to_system(const qn_addr *a)
{
    struct sockaddr_in s = {.sin_family = AF_INET, .sin_port = htons(a->port)};

    memcpy(&s.sin_addr, a->ip, 4);
    return s;
}

static qn_addr from_system(const struct sockaddr_in *s)
{
    qn_addr a = {.family = 4, .port = ntohs(s->sin_port)};

    memcpy(a.ip, &s->sin_addr, 4);
    return a;
}

int proxy_listen(qn_addr *at)
{
    struct sockaddr_in s = proxy_to_system(at);
    socklen_t n = sizeof s;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&s, sizeof s) != 0 || listen(fd, PROXY_FLOWS_MAX) != 0 ||
        getsockname(fd, (struct sockaddr *)&s, &n) != 0) {
        int why = errno;

        (void)close(fd);
        errno = why;
        return -1;
    }
    *at = from_system(&s);
    return fd;
}

/* ---- flows ----------------------------------------------------------------------------------- */

static void end(proxy *p, flow *f, bool reset)
{
    const struct linger now = {.l_onoff = 1};

    for (unsigned i = 0; i < 2; i++) {
        if (reset)
            (void)setsockopt(f->fd[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
        (void)close(f->fd[i]);
    }
    censor_close(p->c, &f->state);
    f->there = false;
}

/* A SYN that a censor would drop has been answered by our kernel: the flow is opened and cut. */
static void take(proxy *p, flow *f, int fd, const qn_addr *client)
{
    struct sockaddr_in s = proxy_to_system(&p->server);
    int to = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (to < 0 || (connect(to, (struct sockaddr *)&s, sizeof s) != 0 && errno != EINPROGRESS)) {
        if (to >= 0)
            (void)close(to);
        (void)close(fd);
        return;
    }
    *f = (flow){.there = true, .fd = {fd, to}};
    f->cut = censor_open(p->c, &f->state, client, &p->server, proxy_now()).act != CENSOR_PASS;
}

static void welcome(proxy *p)
{
    struct sockaddr_in s;
    socklen_t n = sizeof s;
    qn_addr client;
    flow *f = NULL;
    int fd;

    for (size_t i = 0; i < PROXY_FLOWS_MAX && f == NULL; i++)
        if (!p->flow[i].there)
            f = &p->flow[i];
    fd = accept4(p->listener, (struct sockaddr *)&s, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    client = from_system(&s);
    if (f == NULL)
        (void)close(fd);
    else
        take(p, f, fd, &client);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* False: the flow is over. */
static bool judge(proxy *p, flow *f, unsigned i, qn_time now)
{
    way *w = &f->way[i];
    censor_verdict v = censor_see(p->c, &f->state, i == 0 ? CENSOR_UP : CENSOR_DOWN, now,
                                  (qn_slice){w->bytes, w->n});
    qn_time wait = 0;

    if (v.act == CENSOR_RESET) {
        end(p, f, true);
        return false;
    }
    if (v.act == CENSOR_DROP) {
        f->cut = true;
        w->n = 0;
    }
    /* no packets to lose here: the bytes wait as long as TCP would have to try */
    for (unsigned tries = 0; v.act == CENSOR_LOSE && tries < 3; tries++) {
        wait += v.wait;
        v = censor_again(p->c, &f->state, i == 0 ? CENSOR_UP : CENSOR_DOWN, now + wait, w->n);
    }
    w->ready = now + wait;
    return true;
}

/* False: the flow is over. */
static bool listen_to(proxy *p, flow *f, unsigned i, qn_time now)
{
    way *w = &f->way[i];
    ssize_t n = read(f->fd[i], w->bytes, sizeof w->bytes);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n < 0 || (n == 0 && f->cut)) {
        end(p, f, n < 0);
        return false;
    }
    w->at = w->n = 0;
    if (n == 0) {
        w->over = true;
        (void)shutdown(f->fd[1 - i], SHUT_WR);
    } else if (!f->cut) {
        w->n = (size_t)n;
        return judge(p, f, i, now);
    }
    return true;
}

/* False: the flow is over. */
static bool pass_on(proxy *p, flow *f, unsigned i)
{
    way *w = &f->way[i];
    ssize_t n = send(f->fd[1 - i], w->bytes + w->at, w->n - w->at, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        end(p, f, true);
        return false;
    }
    w->at += n > 0 ? (size_t)n : 0;
    return true;
}

static bool holds(const way *w)
{
    return w->at < w->n;
}

/* What is to be asked of the system for this flow, and when to look again at the latest. */
static void want(const flow *f, struct pollfd v[2], qn_time now, qn_time *due)
{
    for (unsigned i = 0; i < 2; i++) {
        const way *w = &f->way[i];

        v[i].fd = f->fd[i];
        if (holds(w) && w->ready <= now)
            v[1 - i].events |= POLLOUT;
        else if (holds(w))
            *due = w->ready < *due ? w->ready : *due;
        else if (!w->over)
            v[i].events |= POLLIN;
    }
}

static void serve(proxy *p, flow *f, const struct pollfd v[2], qn_time now)
{
    const short news = POLLIN | POLLERR | POLLHUP;

    for (unsigned i = 0; i < 2; i++) {
        if ((v[1 - i].revents & (POLLOUT | POLLERR)) != 0 && holds(&f->way[i]) &&
            f->way[i].ready <= now && !pass_on(p, f, i))
            return;
        if ((v[i].revents & news) != 0 && !holds(&f->way[i]) && !f->way[i].over &&
            !listen_to(p, f, i, now))
            return;
    }
    if (f->way[0].over && f->way[1].over)
        end(p, f, false);
}

static bool turn(proxy *p)
{
    struct pollfd v[1 + 2 * PROXY_FLOWS_MAX + PROBES_MAX];
    struct pollfd *probes = &v[1 + 2 * PROXY_FLOWS_MAX];
    qn_time now = proxy_now(), due = now + QN_SEC / 4;

    memset(v, 0, sizeof v);
    v[0] = (struct pollfd){.fd = p->listener, .events = POLLIN};
    for (size_t i = 0; i < PROXY_FLOWS_MAX; i++) {
        v[1 + 2 * i].fd = v[2 + 2 * i].fd = -1;
        if (p->flow[i].there)
            want(&p->flow[i], &v[1 + 2 * i], now, &due);
    }
    prober_want(&p->prober, p->c, probes, now, &due);
    if (poll(v, sizeof v / sizeof v[0], (int)((due - now + QN_MS - 1) / QN_MS)) < 0)
        return errno == EINTR;
    now = proxy_now();
    for (size_t i = 0; i < PROXY_FLOWS_MAX; i++)
        if (p->flow[i].there && v[1 + 2 * i].fd >= 0)
            serve(p, &p->flow[i], &v[1 + 2 * i], now);
    if (v[0].revents != 0)
        welcome(p);
    prober_serve(&p->prober, p->c, probes, now);
    return true;
}

bool proxy_run(censor *c, int listener, const qn_addr *server, const volatile int *stop)
{
    proxy *p = calloc(1, sizeof *p);
    bool fine = p != NULL;

    if (!fine)
        return false;
    p->c = c;
    p->listener = listener;
    p->server = *server;
    prober_begin(&p->prober);
    while (fine && !*stop)
        fine = turn(p);
    for (size_t i = 0; i < PROXY_FLOWS_MAX; i++)
        if (p->flow[i].there)
            end(p, &p->flow[i], false);
    prober_end(&p->prober);
    free(p);
    return fine;
}
