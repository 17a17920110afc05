/*
 * sink - where uploads go: takes an HTTP request with a Content-Length, throws its body away and
 * answers 200 when it has all of it; one request a connection. One thread, epoll; SIGTERM ends it.
 *
 * usage: sink IP:PORT
 */
#include "net.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { HEAD_MAX = 4096, BATCH = 64, CHUNK = 1 << 18 };

struct conn {
    int fd;
    bool listens, in_body;
    size_t held;    /* bytes of the head so far */
    long long left; /* bytes of the body still to come */
    char head[HEAD_MAX];
};

static char chunk[CHUNK];
static int poller;

static void watch(struct conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

    if (epoll_ctl(poller, EPOLL_CTL_ADD, conn->fd, &event) != 0)
        die("epoll");
}

static void open_door(const char *at)
{
    struct sockaddr_in where = parse_address(at);
    struct conn *door = must(calloc(1, sizeof *door));

    door->fd = listen_on(&where);
    door->listens = true;
    watch(door);
}

static void take(const struct conn *door)
{
    struct conn *conn;
    int fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK);

    if (fd < 0)
        return;
    no_delay(fd);
    conn = must(calloc(1, sizeof *conn));
    conn->fd = fd;
    watch(conn);
}

static void end(struct conn *conn)
{
    close(conn->fd);
    free(conn);
}

/* False: the connection is over. */
static bool answer(struct conn *conn)
{
    static const char done[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    (void)!write(conn->fd, done, sizeof done - 1);
    shutdown(conn->fd, SHUT_WR);
    return false;
}

static bool read_head(struct conn *conn, size_t n)
{
    const char *stop, *length;

    if (conn->held + n >= sizeof conn->head)
        return false;
    memcpy(conn->head + conn->held, chunk, n);
    conn->held += n;
    conn->head[conn->held] = '\0';
    stop = strstr(conn->head, "\r\n\r\n");
    if (stop == NULL)
        return true;
    length = strcasestr(conn->head, "content-length:");
    conn->in_body = true;
    conn->left = length ? atoll(length + 15) : 0;
    conn->left -= conn->head + conn->held - (stop + 4);
    return conn->left > 0 || answer(conn);
}

static bool heard(struct conn *conn)
{
    ssize_t n = read(conn->fd, chunk, conn->in_body ? sizeof chunk : HEAD_MAX / 2);

    if (n < 0)
        return errno == EAGAIN;
    if (n == 0)
        return false;
    if (!conn->in_body)
        return read_head(conn, (size_t)n);
    conn->left -= n;
    return conn->left > 0 || answer(conn);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: sink IP:PORT\n", stderr);
        return 2;
    }
    many_descriptors();
    poller = epoll_create1(0);
    open_door(argv[1]);
    for (;;) {
        struct epoll_event events[BATCH];
        int n = epoll_wait(poller, events, BATCH, -1);

        for (int i = 0; i < n; i++) {
            struct conn *conn = events[i].data.ptr;

            if (conn->listens)
                take(conn);
            else if (!heard(conn))
                end(conn);
        }
    }
}
