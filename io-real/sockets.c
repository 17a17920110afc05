#include "io-real/sockets.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

qn_sockaddr qn_sockaddr_of(const qn_addr *a)
{
    qn_sockaddr s = {.len = 0};

    if (a->family == 4) {
        s.u.v4.sin_family = AF_INET;
        s.u.v4.sin_port = htons(a->port);
        memcpy(&s.u.v4.sin_addr, a->ip, 4);
        s.len = sizeof s.u.v4;
    } else {
        s.u.v6.sin6_family = AF_INET6;
        s.u.v6.sin6_port = htons(a->port);
        memcpy(&s.u.v6.sin6_addr, a->ip, 16);
        s.len = sizeof s.u.v6;
    }
    return s;
}

qn_addr qn_addr_of(const struct sockaddr *sa)
{
    qn_addr a = {0};

    if (sa->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, sa, sizeof v4);
        a.family = 4;
        a.port = ntohs(v4.sin_port);
        memcpy(a.ip, &v4.sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, sa, sizeof v6);
        a.port = ntohs(v6.sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            a.family = 4;
            memcpy(a.ip, v6.sin6_addr.s6_addr + 12, 4);
        } else {
            a.family = 6;
            memcpy(a.ip, &v6.sin6_addr, 16);
        }
    }
    return a;
}

static int stream_socket(const qn_addr *a)
{
    return socket(a->family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  0);
}

static void set(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

/* A peer that vanished without a FIN, a laptop's lid or a NAT's table, is noticed after three
 * minutes; no timer of the core can tell it from one that is merely quiet. The times are
 * Chromium's, as `ss -to` shows them, since a dialler looks like a browser. */
static void common_options(int fd)
{
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 45);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 45);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static int close_keeping_errno(int fd)
{
    int saved = errno;

    (void)close(fd);
    errno = saved;
    return -1;
}

int qn_socket_listen(qn_addr *at)
{
    qn_sockaddr sa = qn_sockaddr_of(at);
    int fd = stream_socket(at);

    if (fd < 0)
        return -1;
    /* After a restart the port's old connections may still be in TIME_WAIT. */
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (at->family == 6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    common_options(fd); /* what is accepted inherits them */
    if (bind(fd, &sa.u.any, sa.len) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, &sa.u.any, &sa.len) != 0)
        return close_keeping_errno(fd);
    *at = qn_addr_of(&sa.u.any);
    return fd;
}

int qn_socket_dial(const qn_addr *to, bool *open)
{
    qn_sockaddr sa = qn_sockaddr_of(to);
    int fd = stream_socket(to);

    *open = false;
    if (fd < 0)
        return -1;
    common_options(fd);
    if (connect(fd, &sa.u.any, sa.len) != 0 && errno != EINPROGRESS)
        return close_keeping_errno(fd);
    /* On this machine the handshake is over by now; connect(2) says EALREADY where it is not. */
    *open = connect(fd, &sa.u.any, sa.len) == 0 || errno == EISCONN;
    if (*open || errno == EALREADY)
        return fd;
    return close_keeping_errno(fd);
}

int qn_socket_dial_path(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd;

    errno = ENAMETOOLONG;
    if (strlen(path) >= sizeof at.sun_path)
        return -1;
    memcpy(at.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    if (errno == EAGAIN) /* a full backlog: nothing will tell when there is room */
        errno = ECONNREFUSED;
    return close_keeping_errno(fd);
}

int qn_socket_accept(int listener, qn_addr *from, qn_addr *local)
{
    qn_sockaddr sa = {.len = sizeof sa.u};
    int fd = accept4(listener, &sa.u.any, &sa.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return -1;
    *from = qn_addr_of(&sa.u.any);
    if (local == NULL)
        return fd;
    sa.len = sizeof sa.u;
    if (getsockname(fd, &sa.u.any, &sa.len) != 0)
        return close_keeping_errno(fd);
    *local = qn_addr_of(&sa.u.any);
    return fd;
}

ssize_t qn_socket_put(int fd, const struct iovec *v, unsigned n, bool with_end)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = n};

    return sendmsg(fd, &m, MSG_NOSIGNAL | (with_end ? MSG_MORE : 0));
}

void qn_socket_wait_for_bytes(int listener)
{
    set(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
}

void qn_socket_probe_seldom(int fd)
{
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 7200);
}

int qn_socket_error(int fd)
{
    int error = 0;
    socklen_t n = sizeof error;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error : errno;
}

void qn_socket_linger_reset(int fd, bool on)
{
    struct linger l = {.l_onoff = on};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

size_t qn_socket_unsent(int fd)
{
    int n = 0;

    return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

size_t qn_socket_backlog(int fd)
{
    int n = 0;

    return ioctl(fd, SIOCOUTQNSD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

void qn_socket_bound_backlog(int fd, size_t bytes)
{
    set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)bytes);
}

qn_err qn_socket_err(int saved_errno)
{
    switch (saved_errno) {
    case ECONNREFUSED:
        return QN_REFUSED;
    case ETIMEDOUT:
        return QN_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN: /* no local port left, or a Unix socket's queue is full */
    case EADDRNOTAVAIL:
        return QN_BUSY;
    default:
        return QN_UNREACHABLE;
    }
}
