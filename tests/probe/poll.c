/* Sockets for ends.c, and its PINGs. */
#include "ends.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SLICES = 16, AT_ONCE = 2 /* PINGs under way: seldom is a record the last */ };

qn_addr loopback(uint16_t port)
{
    return (qn_addr){.family = 4, .ip = {127, 0, 0, 1}, .port = port};
}

static struct sockaddr_in at(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

qn_time world_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (qn_time)t.tv_sec * QN_SEC + (qn_time)t.tv_nsec;
}

static void say(const world *w, const char *what, const char *more)
{
    if (w->aloud)
        (void)printf("%s%s\n", what, more);
}

/* ---- in place of a link ----------------------------------------------------------------------
 */

/* Of PINGs that came together the peer answers the last. */
static void take_pong(world *w, joint *j, unsigned pongs)
{
    unsigned goal = QN_MIN(w->pings, pongs + AT_ONCE);

    say(w, "pong", "");
    if (pongs <= j->pongs || pongs > j->asked)
        return;
    j->pongs = pongs;
    if (goal > j->asked + j->ask)
        j->ask = goal - j->asked;
    if (pongs == w->pings)
        j->c->kind->close(j->c, QN_CLOSE_DONE);
}

static qn_err take_frame(world *w, joint *j, const qn_frame *f, bool last)
{
    if (f->type == QN_FRAME_PING && (f->token & 1) == 0) {
        if (j->answers < QN_LEN(j->token))
            j->token[j->answers++] = f->token | 1;
    } else if (f->type == QN_FRAME_PING) {
        take_pong(w, j, (unsigned)(f->token / 2) + 1);
    } else if (f->type >= QN_FRAME_KEY_UPDATE && f->type != QN_FRAME_CLOSE) {
        return j->c->kind->frame(j->c, f, last);
    }
    return QN_OK;
}

static void take_record(world *w, joint *j, qn_piece piece)
{
    qn_slice s = qn_slice_of(qn_piece_data(&piece), piece.len);
    qn_frame f;
    size_t used;

    for (; s.n > 0; s.p += used, s.n -= used) {
        qn_err err = qn_frame_get(&f, s.p, s.n, &used);

        if (err == QN_OK)
            err = take_frame(w, j, &f, used == s.n);
        if (err != QN_OK) {
            j->c->kind->close(j->c, qn_close_of(err));
            break;
        }
    }
    qn_block_drop(piece.block);
}

static size_t next_ping(joint *j, uint8_t *out)
{
    if (j->answers > 0)
        return qn_frame_put_ping(out, j->token[--j->answers]);
    if (j->ask == 0)
        return 0;
    j->ask--;
    return qn_frame_put_ping(out, UINT64_C(2) * j->asked++);
}

/* A record for each PING, for each answer, for what the carrier has of its own. */
static void speak(joint *j)
{
    static uint8_t out[QN_RECORD_CONTENT_MAX];
    size_t room, n;

    while (j->established && !j->lost && (room = j->c->kind->room(j->c)) >= QN_FRAME_PING_SIZE) {
        n = next_ping(j, out);
        n += j->c->kind->own(j->c, out + n, room - n);
        if (n == 0 || j->c->kind->seal(j->c, qn_slice_of(out, n), (qn_slice){0}) != QN_OK)
            return;
    }
}

/* ---- legs ------------------------------------------------------------------------------------
 */

static void close_leg(struct joint_leg *l, bool reset)
{
    struct linger rst = {.l_onoff = 1};

    if (l->fd < 0)
        return;
    if (reset)
        (void)setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &rst, sizeof rst);
    (void)close(l->fd);
    l->fd = -1;
}

static void take_event(world *w, joint *j, const qn_carrier_event *ev)
{
    struct joint_leg *l = &j->leg[ev->leg];

    switch (ev->type) {
    case QN_CARRIER_DIAL:
        joint_connect(w, j, ev->leg, ev->addr.port);
        break;
    case QN_CARRIER_ESTABLISHED:
        j->established = true;
        j->ask = QN_MIN(w->pings, (unsigned)AT_ONCE);
        w->links++;
        (void)printf("link\n");
        break;
    case QN_CARRIER_RECORD:
        take_record(w, j, ev->piece);
        break;
    case QN_CARRIER_FINISH:
        l->finish = true;
        break;
    case QN_CARRIER_CLOSE:
        l->close = true;
        break;
    case QN_CARRIER_RESET:
        if (ev->drain)
            l->reset = true;
        else
            close_leg(l, true);
        break;
    case QN_CARRIER_RAW: /* the origin's for ever: nothing changes for its sockets */
        break;
    case QN_CARRIER_LOST:
        j->lost = true;
        say(w, "lost ", qn_err_name(ev->err));
        break;
    }
}

static void drain(world *w, joint *j)
{
    qn_carrier_event ev;

    do {
        while (qn_carrier_next(j->c, &ev))
            take_event(w, j, &ev);
        speak(j);
    } while (qn_carrier_next(j->c, &ev) && (take_event(w, j, &ev), true));
}

/* All that waits, in one write; what the kernel takes of it. */
static ssize_t write_once(const joint *j, uint8_t leg)
{
    qn_slice v[SLICES];
    struct iovec part[SLICES];
    struct msghdr m = {.msg_iov = part};

    m.msg_iovlen = qn_carrier_peek(j->c, leg, v, SLICES);
    for (size_t i = 0; i < m.msg_iovlen; i++)
        part[i] = (struct iovec){.iov_base = (void *)(uintptr_t)v[i].p, .iov_len = v[i].n};
    return m.msg_iovlen == 0 ? 0 : sendmsg(j->leg[leg].fd, &m, MSG_NOSIGNAL);
}

static void write_leg(world *w, joint *j, uint8_t leg)
{
    struct joint_leg *l = &j->leg[leg];
    ssize_t n;

    while (l->fd >= 0 && !l->mute && !l->connecting && (n = write_once(j, leg)) != 0) {
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            l->mute = true;
            qn_carrier_ended(j->c, leg, QN_END_WRITE_FAILED);
        } else {
            qn_carrier_consume(j->c, leg, (size_t)n);
        }
        drain(w, j);
    }
    if (l->fd < 0 || l->connecting)
        return;
    if (l->reset || l->close)
        close_leg(l, l->reset);
    else if (l->finish)
        (void)shutdown(l->fd, SHUT_WR);
    l->finish = false;
}

static void read_leg(world *w, joint *j, uint8_t leg)
{
    struct joint_leg *l = &j->leg[leg];
    qn_span s = qn_carrier_space(j->c, leg);
    ssize_t n;

    if (s.n == 0 || l->eof)
        return;
    n = recv(l->fd, s.p, s.n, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        qn_carrier_commit(j->c, leg, (size_t)n);
    } else {
        l->eof = true;
        if (n < 0)
            close_leg(l, false);
        if (j->leg[0].fd >= 0 || leg == 0 || n < 0)
            qn_carrier_ended(j->c, leg, n == 0 ? QN_END_EOF : QN_END_RESET);
        if (leg == 0 && w->aloud)
            say(w, "heard ", n == 0 ? "FIN" : "RST");
    }
    drain(w, j);
}

static void connected(world *w, joint *j, uint8_t leg)
{
    struct joint_leg *l = &j->leg[leg];
    int err = 0;
    socklen_t n = sizeof err;

    l->connecting = false;
    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &n) != 0 || err != 0) {
        close_leg(l, false);
        qn_carrier_ended(j->c, leg, QN_END_RESET);
    } else {
        qn_carrier_opened(j->c, leg);
    }
    drain(w, j);
}

static void adopt(struct joint_leg *l, int fd)
{
    int on = 1;

    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        die("fcntl");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    l->fd = fd;
}

void joint_connect(world *w, joint *j, uint8_t leg, uint16_t port)
{
    struct sockaddr_in to = at(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)w;
    if (fd < 0)
        die("socket");
    adopt(&j->leg[leg], fd);
    j->leg[leg].connecting = true;
    (void)connect(fd, (struct sockaddr *)&to, sizeof to);
}

joint *joint_new(world *w, const qn_carrier_kind *kind, const qn_carrier_cfg *cfg)
{
    for (unsigned i = 0; i < JOINTS_MAX; i++) {
        joint *j = &w->joint[i];

        if (j->used)
            continue;
        *j = (joint){.used = true, .leg = {{.fd = -1}, {.fd = -1}}};
        if (kind->create(&j->c, &w->env, cfg) != QN_OK)
            die("create");
        w->joints++;
        return j;
    }
    return NULL;
}

static void joint_end(world *w, joint *j)
{
    close_leg(&j->leg[0], false);
    close_leg(&j->leg[1], false);
    qn_carrier_destroy(j->c);
    j->used = false;
    w->joints--;
}

/* ---- the loop --------------------------------------------------------------------------------
 */

void world_listen(world *w, const qn_carrier_kind *kind, const qn_carrier_cfg *cfg)
{
    struct sockaddr_in here = at(0);
    socklen_t n = sizeof here;

    (void)cfg;
    w->kind = kind;
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->listener < 0 || bind(w->listener, (struct sockaddr *)&here, sizeof here) != 0 ||
        listen(w->listener, JOINTS_MAX) != 0 ||
        getsockname(w->listener, (struct sockaddr *)&here, &n) != 0)
        die("listen");
    (void)printf("ready %u\n", ntohs(here.sin_port));
}

static void accept_one(world *w, const qn_carrier_cfg *cfg)
{
    struct sockaddr_in from;
    socklen_t n = sizeof from;
    int fd = accept(w->listener, (struct sockaddr *)&from, &n);
    qn_carrier_cfg mine = *cfg;
    joint *j;

    if (fd < 0)
        return;
    mine.client = loopback(ntohs(from.sin_port));
    mine.local = loopback(1);
    j = joint_new(w, w->kind, &mine);
    if (j == NULL) {
        (void)close(fd);
        return;
    }
    adopt(&j->leg[0], fd);
    drain(w, j);
}

static short wanted(const joint *j, uint8_t leg)
{
    const struct joint_leg *l = &j->leg[leg];
    qn_slice v;
    short events = 0;

    if (!l->eof && !l->connecting && qn_carrier_space(j->c, leg).n > 0)
        events |= POLLIN;
    if (l->connecting || (!l->mute && qn_carrier_peek(j->c, leg, &v, 1) > 0))
        events |= POLLOUT;
    return events;
}

static void serve_leg(world *w, joint *j, uint8_t leg, short events)
{
    struct joint_leg *l = &j->leg[leg];

    if (l->fd < 0 || events == 0)
        return;
    if (l->connecting)
        connected(w, j, leg);
    else if ((events & POLLERR) != 0 && l->eof) { /* after its FIN it refuses what it is sent */
        close_leg(l, false);
        qn_carrier_ended(j->c, leg, QN_END_RESET);
        drain(w, j);
    } else if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
        read_leg(w, j, leg);
    }
}

static void serve_joint(world *w, joint *j)
{
    if (qn_carrier_due(j->c) <= w->env.now) {
        qn_carrier_tick(j->c);
        drain(w, j);
    }
    for (uint8_t leg = 0; leg < 2; leg++)
        write_leg(w, j, leg);
    if (j->lost && j->leg[0].fd < 0 && j->leg[1].fd < 0)
        joint_end(w, j);
}

static int milliseconds(const world *w)
{
    qn_time due = QN_NEVER;

    for (unsigned i = 0; i < JOINTS_MAX; i++)
        if (w->joint[i].used)
            due = QN_MIN(due, qn_carrier_due(w->joint[i].c));
    if (due == QN_NEVER)
        return 1000;
    return due <= w->env.now ? 0 : (int)QN_MIN((due - w->env.now) / QN_MS + 1, (qn_time)1000);
}

bool world_turn(world *w, const qn_carrier_cfg *cfg)
{
    struct pollfd p[2 + 2 * JOINTS_MAX];

    memset(p, 0, sizeof p);
    p[0] = (struct pollfd){.fd = cfg != NULL ? 0 : -1, .events = POLLIN};
    p[1] = (struct pollfd){.fd = cfg != NULL ? w->listener : -1, .events = POLLIN};
    for (unsigned i = 0; i < 2 * JOINTS_MAX; i++) {
        const joint *j = &w->joint[i / 2];

        p[2 + i].fd = j->used ? j->leg[i % 2].fd : -1;
        p[2 + i].events = p[2 + i].fd >= 0 ? wanted(j, i % 2) : 0;
    }
    (void)poll(p, QN_LEN(p), milliseconds(w));
    w->env.now = world_now();
    w->env.wall = (int64_t)time(NULL);
    for (unsigned i = 0; i < 2 * JOINTS_MAX; i++)
        if (w->joint[i / 2].used)
            serve_leg(w, &w->joint[i / 2], i % 2, p[2 + i].revents);
    for (unsigned i = 0; i < JOINTS_MAX; i++)
        if (w->joint[i].used)
            serve_joint(w, &w->joint[i]);
    if (p[1].revents != 0)
        accept_one(w, cfg);
    return p[0].revents == 0;
}

void world_clear(world *w)
{
    for (unsigned i = 0; i < JOINTS_MAX; i++)
        if (w->joint[i].used)
            joint_end(w, &w->joint[i]);
    (void)close(w->listener);
}
