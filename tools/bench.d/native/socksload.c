/*
 * socksload - a small load generator for SOCKS5 proxies: one thread, epoll.
 *
 * usage: socksload -o IP:PORT [-s IP:PORT] [-d PATH] -m MODE [-c CONC] [-n MAX] [-t SECS]
 *   -o  origin HTTP server                       -s  SOCKS5 proxy (absent: go direct)
 *   -d  the document fetched, /small unless said
 *   -m  rate  CONC connections at a time; each: connect, SOCKS, GET, whole body, close; until MAX
 *             fetches or SECS seconds. Latency: from connect() to the first byte of the answer.
 *       ka    CONC connections kept alive, GET after GET on each. Latency: from send() to first
 * byte. idle  open MAX connections (CONC pending at once) up to the proxy's "succeeded", print
 * READY, hold them until standard input ends or SECS pass.
 *
 * Everything is bounded by MAX and by SECS. Output: one line of JSON (idle: the READY line).
 */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 4096, BATCH = 256, LATENCIES_MAX = 4000000 };

enum mode { RATE, KEEP_ALIVE, IDLE };

enum step { UNUSED, CONNECTING, SOCKS_GREETING, SOCKS_REQUEST, ANSWER, HELD };

struct conn {
    int fd;
    enum step step;
    double started;   /* seconds: when the latency being measured began */
    bool answered;    /* first byte of this answer seen */
    size_t got, want; /* bytes of the HTTP answer so far, and in all (0: head not complete) */
    size_t held;      /* bytes in text */
    char text[ANSWER_MAX];
};

static struct sockaddr_in origin, proxy;
static bool use_proxy;
static enum mode mode = RATE;
static long conns_at_once = 1, fetches_max = 100;
static double seconds_max = 10;

static int poller;
static const char *document = "/small";
static char request[256];
static size_t request_length;
static long started, succeeded, failed, held, settled; /* settled: finished or held */
static double *latencies;
static long latencies_length;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void watch(struct conn *conn, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};

    epoll_ctl(poller, operation, conn->fd, &event);
}

static void settle(struct conn *conn, bool good)
{
    if (good)
        succeeded++;
    else
        failed++;
    settled++;
    close(conn->fd);
    conn->step = UNUSED;
}

/* Requests are tiny: a socket that does not take one whole is broken, and its answer will not come.
 */
static void say(struct conn *conn, const void *bytes, size_t n)
{
    if (send(conn->fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
        shutdown(conn->fd, SHUT_RDWR);
}

static void begin(struct conn *conn)
{
    const struct sockaddr_in *to = use_proxy ? &proxy : &origin;

    *conn = (struct conn){.step = CONNECTING, .started = now()};
    started++;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (conn->fd < 0 ||
        (connect(conn->fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno != EINPROGRESS)) {
        settle(conn, false);
        return;
    }
    no_delay(conn->fd);
    watch(conn, EPOLLOUT, EPOLL_CTL_ADD);
}

static void ask(struct conn *conn)
{
    conn->step = ANSWER;
    conn->got = conn->want = conn->held = 0;
    conn->answered = false;
    if (mode == KEEP_ALIVE)
        conn->started = now();
    say(conn, request, request_length);
}

static void on_path_open(struct conn *conn)
{
    if (mode != IDLE) {
        ask(conn);
        return;
    }
    conn->step = HELD;
    held++;
    settled++;
}

static void on_connected(struct conn *conn, uint32_t events)
{
    int error = 0;
    socklen_t n = sizeof error;

    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &n);
    if (error != 0 || events & EPOLLERR) {
        settle(conn, false);
        return;
    }
    watch(conn, EPOLLIN, EPOLL_CTL_MOD);
    if (!use_proxy) {
        on_path_open(conn);
        return;
    }
    conn->step = SOCKS_GREETING;
    say(conn, "\5\1\0", 3);
}

static void on_socks_greeting(struct conn *conn)
{
    unsigned char connect_to[10] = {5, 1, 0, 1};

    if (conn->held < 2)
        return;
    if (conn->text[1] != 0) {
        settle(conn, false);
        return;
    }
    memcpy(connect_to + 4, &origin.sin_addr, 4);
    memcpy(connect_to + 8, &origin.sin_port, 2);
    conn->held = 0;
    conn->step = SOCKS_REQUEST;
    say(conn, connect_to, sizeof connect_to);
}

static void on_socks_reply(struct conn *conn)
{
    const unsigned char *reply = (const unsigned char *)conn->text;
    size_t need;

    if (conn->held < 5)
        return;
    if (reply[1] != 0) {
        settle(conn, false);
        return;
    }
    need = reply[3] == 1 ? 10 : reply[3] == 4 ? 22 : 7u + reply[4];
    if (conn->held >= need)
        on_path_open(conn);
}

static void read_head(struct conn *conn)
{
    const char *end, *length;

    conn->text[conn->held] = '\0';
    end = strstr(conn->text, "\r\n\r\n");
    length = strcasestr(conn->text, "content-length:");
    if (end && length) {
        conn->want = (size_t)(end + 4 - conn->text) + strtoul(length + 15, NULL, 10);
        conn->held = 0;
    }
}

static void on_answer(struct conn *conn, size_t n)
{
    if (!conn->answered) {
        conn->answered = true;
        if (latencies_length < LATENCIES_MAX)
            latencies[latencies_length++] = now() - conn->started;
    }
    conn->got += n;
    if (conn->want == 0)
        read_head(conn);
    else
        conn->held = 0;
    if (conn->want == 0) {
        if (conn->held == sizeof conn->text - 1)
            settle(conn, false);
    } else if (conn->got >= conn->want) {
        if (mode == KEEP_ALIVE && succeeded + 1 < fetches_max) {
            succeeded++;
            ask(conn);
        } else {
            settle(conn, true);
        }
    }
}

static void on_bytes(struct conn *conn, size_t n)
{
    conn->held += n;
    switch (conn->step) {
    case SOCKS_GREETING:
        on_socks_greeting(conn);
        break;
    case SOCKS_REQUEST:
        on_socks_reply(conn);
        break;
    case ANSWER:
        on_answer(conn, n);
        break;
    default:
        conn->held = 0;
    }
}

static void on_readable(struct conn *conn)
{
    ssize_t n = recv(conn->fd, conn->text + conn->held, sizeof conn->text - 1 - conn->held, 0);

    if (n > 0) {
        on_bytes(conn, (size_t)n);
    } else if (n == 0 || errno != EAGAIN) {
        if (conn->step == HELD) {
            held--;
            settled--;
        }
        settle(conn, false);
    }
}

static void poll_once(void)
{
    struct epoll_event events[BATCH];
    int n = epoll_wait(poller, events, BATCH, 50);

    for (int i = 0; i < n; i++) {
        struct conn *conn = events[i].data.ptr;

        if (conn->step == CONNECTING)
            on_connected(conn, events[i].events);
        else if (conn->step != UNUSED)
            on_readable(conn);
    }
}

static bool refill(struct conn *conns, long slots)
{
    bool live = false;

    for (long i = 0; i < slots; i++) {
        if (conns[i].step == UNUSED && mode == RATE && started < fetches_max)
            begin(&conns[i]);
        live = live || conns[i].step != UNUSED;
    }
    return live;
}

static void fetch_until(struct conn *conns, long slots, double end)
{
    for (long i = 0; i < slots; i++)
        begin(&conns[i]);
    while (now() < end && refill(conns, slots))
        poll_once();
}

static bool input_ended(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&in, 1, 0) > 0;
}

static void hold_until(struct conn *conns, double end)
{
    double begun = now();
    long next = 0;

    while (now() < end && settled < fetches_max) {
        while (next < fetches_max && started - settled < conns_at_once)
            begin(&conns[next++]);
        poll_once();
    }
    printf("READY %ld held %ld failed %.3f s\n", held, failed, now() - begun);
    fflush(stdout);
    while (now() < end && !input_ended())
        poll_once();
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Milliseconds; -1 when nothing was measured. */
static double quantile(double q)
{
    if (latencies_length == 0)
        return -1;
    return latencies[(long)((double)(latencies_length - 1) * q)] * 1e3;
}

static void report(double seconds)
{
    qsort(latencies, (size_t)latencies_length, sizeof *latencies, ascending);
    printf("{\"ok\":%ld,\"err\":%ld,\"secs\":%.4f,\"rate\":%.1f,\"n\":%ld,\"ms_min\":%.4f,"
           "\"ms_p50\":%.4f,\"ms_p90\":%.4f,\"ms_p99\":%.4f,\"ms_max\":%.4f}\n",
           succeeded, failed, seconds, (double)succeeded / seconds, latencies_length, quantile(0),
           quantile(.5), quantile(.9), quantile(.99), quantile(1));
}

static bool parse_mode(const char *name)
{
    static const char *const names[] = {[RATE] = "rate", [KEEP_ALIVE] = "ka", [IDLE] = "idle"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            mode = (enum mode)i;
            return true;
        }
    }
    return false;
}

static bool parse_options(int argc, char **argv)
{
    const char *host = NULL;
    int option;

    while ((option = getopt(argc, argv, "o:s:d:m:c:n:t:")) != -1) {
        switch (option) {
        case 'o':
            origin = parse_address(host = optarg);
            break;
        case 's':
            proxy = parse_address(optarg);
            use_proxy = true;
            break;
        case 'd':
            document = optarg;
            break;
        case 'm':
            if (!parse_mode(optarg))
                return false;
            break;
        case 'c':
            conns_at_once = atol(optarg);
            break;
        case 'n':
            fetches_max = atol(optarg);
            break;
        case 't':
            seconds_max = atof(optarg);
            break;
        default:
            return false;
        }
    }
    if (!host || conns_at_once < 1 || fetches_max < 1)
        return false;
    request_length = (size_t)snprintf(request, sizeof request,
                                      "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: %s\r\n\r\n",
                                      document, host, mode == KEEP_ALIVE ? "keep-alive" : "close");
    return request_length < sizeof request;
}

int main(int argc, char **argv)
{
    long slots;
    struct conn *conns;
    double begun;

    if (!parse_options(argc, argv)) {
        fprintf(
            stderr,
            "usage: socksload -o IP:PORT [-s IP:PORT] [-d PATH] -m rate|ka|idle [-c CONC] [-n MAX] "
            "[-t SECS]\n");
        return 2;
    }
    many_descriptors();
    slots = mode == IDLE || conns_at_once > fetches_max ? fetches_max : conns_at_once;
    conns = must(calloc((size_t)slots, sizeof *conns));
    latencies = must(calloc(LATENCIES_MAX, sizeof *latencies));
    poller = epoll_create1(0);
    begun = now();
    if (mode == IDLE) {
        hold_until(conns, begun + seconds_max);
    } else {
        fetch_until(conns, slots, begun + seconds_max);
        report(now() - begun);
    }
    free(latencies);
    free(conns);
    return 0;
}
