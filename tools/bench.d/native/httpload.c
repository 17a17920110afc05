/*
 * httpload: many requests to one HTTP server on 127.0.0.1, so many at a time, each on a connection
 * of its own and from one of 200 loopback addresses in turn.
 *
 * usage: httpload PORT AT_ONCE COUNT FILE
 * FILE holds requests, each behind a line with its length; they are sent in turn. Prints for each
 * answer its code, the microseconds from connect() to the server's FIN, and its bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUESTS_MAX = 10000, AT_ONCE_MAX = 1000, ADDRESSES = 200, HEAD = 12 };

typedef struct request {
    char *p;
    size_t n;
} request;

typedef struct visit {
    int fd;
    double begun;
    size_t got;
    char head[HEAD + 1]; /* "HTTP/1.1 200" */
} visit;

static request requests[REQUESTS_MAX];
static unsigned requests_n, started;
static visit visits[AT_ONCE_MAX];
static int epoll, port;

static _Noreturn void stop(const char *what)
{
    (void)fprintf(stderr, "httpload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void read_requests(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t n;

    if (f == NULL)
        stop(path);
    while (requests_n < REQUESTS_MAX && fscanf(f, "%zu", &n) == 1 && fgetc(f) == '\n') {
        request *r = &requests[requests_n++];

        r->p = malloc(n);
        if (r->p == NULL || fread(r->p, 1, n, f) != n)
            stop("a request is shorter than it says");
        r->n = n;
    }
    (void)fclose(f);
    if (requests_n == 0)
        stop("no requests");
}

/* A request fits a socket's buffer, so one send takes it once the connection is there; on loopback
 * connect() waits for no more than the listener's queue. */
static void start(visit *v)
{
    const request *r = &requests[started % requests_n];
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = v};

    from.sin_addr.s_addr = htonl(0x7f000301u + started % ADDRESSES);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)port);
    started++;
    *v = (visit){.fd = socket(AF_INET, SOCK_STREAM, 0), .begun = now()};
    if (v->fd < 0 || bind(v->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        connect(v->fd, (struct sockaddr *)&to, sizeof to) != 0)
        stop("cannot connect");
    if (send(v->fd, r->p, r->n, MSG_NOSIGNAL) != (ssize_t)r->n)
        stop("cannot send");
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, v->fd, &e) != 0)
        stop("epoll_ctl");
}

/* true: the answer is over. */
static int receive(visit *v)
{
    static char bytes[1 << 16];
    ssize_t n = recv(v->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        return 1;
    for (ssize_t i = 0; i < n && v->got + (size_t)i < HEAD; i++)
        v->head[v->got + (size_t)i] = bytes[i];
    v->got += (size_t)n;
    return 0;
}

int main(int argc, char **argv)
{
    unsigned at_once, count, done = 0;

    if (argc != 5) {
        (void)fputs("usage: httpload PORT AT_ONCE COUNT FILE\n", stderr);
        return 2;
    }
    port = atoi(argv[1]);
    at_once = (unsigned)atoi(argv[2]);
    count = (unsigned)atoi(argv[3]);
    if (at_once < 1 || at_once > AT_ONCE_MAX)
        return 2;
    read_requests(argv[4]);
    epoll = epoll_create1(0);
    for (unsigned i = 0; i < at_once && started < count; i++)
        start(&visits[i]);
    while (done < count) {
        struct epoll_event e[64];
        int n = epoll_wait(epoll, e, 64, 30000);

        if (n <= 0)
            stop("no answer for 30 s");
        for (int i = 0; i < n; i++) {
            visit *v = e[i].data.ptr;

            if (!receive(v))
                continue;
            (void)printf("%d %.0f %zu\n", atoi(v->head + (v->got < HEAD ? 0 : 9)), now() - v->begun,
                         v->got);
            (void)close(v->fd);
            done++;
            if (started < count)
                start(v);
        }
    }
    return 0;
}
