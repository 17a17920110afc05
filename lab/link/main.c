/*
 * qnet-testbed-link: the network between hosts of tools/testbed. Each host is a network namespace
 * whose one device is a TUN; this program holds their other ends, which it inherits open, and
 * passes packets as wire.h says. Exit status: 0 ended by a signal, 1 the system refused, 2 a wrong
 * plan.
 */
#include "link/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { LATE_BINS = 5000, LATE_BIN_NS = 10000 }; /* up to 50 ms */

static const char usage[] =
    "usage: qnet-testbed-link PLAN\n"
    "Passes packets between TUN devices that it inherits open, with rates, latencies, queues and "
    "loss\n"
    "as PLAN says, until SIGINT or SIGTERM; then it prints what it did as JSON. Lines of PLAN:\n"
    "  seed N                          of the losses; first\n"
    "  queue BYTES                     before each downlink; more is dropped\n"
    "  host FD ADDRESS UP DOWN LOSS    bit/s and millionths of packets; numbered from 0\n"
    "  latency A B NS                  one way, between two hosts\n"
    "tools/testbed starts it.\n";

typedef struct plan {
    uint64_t seed, queue;
    wire_host hosts[WIRE_HOSTS_MAX];
    struct pollfd fds[WIRE_HOSTS_MAX];
    unsigned n;
    uint64_t latency[WIRE_HOSTS_MAX][WIRE_HOSTS_MAX];
} plan;

/* How long after its time a packet was handed over: what this machine adds to the plan. */
typedef struct lateness {
    uint64_t bins[LATE_BINS], n, worst;
} lateness;

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void refuse(unsigned line)
{
    (void)fprintf(stderr, "qnet-testbed-link: line %u of the plan is wrong; see --help\n", line);
    exit(2);
}

static bool read_host(plan *p, const char *text)
{
    unsigned a, b, c, d;
    wire_host *h = &p->hosts[p->n];
    int fd;

    if (p->n == WIRE_HOSTS_MAX ||
        sscanf(text, "host %d %u.%u.%u.%u %" SCNu64 " %" SCNu64 " %" SCNu32, &fd, &a, &b, &c, &d,
               &h->up, &h->down, &h->loss) != 8 ||
        (a | b | c | d) > 255 || h->up == 0 || h->down == 0 || fcntl(fd, F_GETFD) < 0)
        return false;
    h->addr = a << 24 | b << 16 | c << 8 | d;
    p->fds[p->n++].fd = fd;
    return true;
}

static bool read_latency(plan *p, const char *text)
{
    unsigned a, b;
    uint64_t ns;

    if (sscanf(text, "latency %u %u %" SCNu64, &a, &b, &ns) != 3 || a >= p->n || b >= p->n)
        return false;
    p->latency[a][b] = p->latency[b][a] = ns;
    return true;
}

static bool read_line(plan *p, const char *text)
{
    return sscanf(text, "seed %" SCNu64, &p->seed) == 1 ||
           sscanf(text, "queue %" SCNu64, &p->queue) == 1 || read_host(p, text) ||
           read_latency(p, text);
}

static bool read_plan(plan *p, const char *path)
{
    FILE *f = fopen(path, "r");
    char text[200];

    if (f == NULL) {
        (void)fprintf(stderr, "qnet-testbed-link: %s: %s\n", path, strerror(errno));
        return false;
    }
    for (unsigned line = 1; fgets(text, sizeof text, f) != NULL; line++)
        if (!read_line(p, text))
            refuse(line);
    (void)fclose(f);
    return p->n > 0;
}

static wire *wire_of(const plan *p)
{
    uint64_t *table = malloc(sizeof *table * p->n * p->n);
    wire *w;

    if (table == NULL)
        return NULL;
    for (unsigned a = 0; a < p->n; a++)
        memcpy(table + (size_t)a * p->n, p->latency[a], sizeof *table * p->n);
    w = wire_new(p->hosts, p->n, table, p->queue, p->seed);
    free(table);
    return w;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void note(lateness *l, uint64_t ns)
{
    uint64_t bin = ns / LATE_BIN_NS;

    l->bins[bin < LATE_BINS ? bin : LATE_BINS - 1]++;
    l->n++;
    l->worst = ns > l->worst ? ns : l->worst;
}

/* us that so many permille of packets were not later than */
static uint64_t quantile(const lateness *l, uint64_t permille)
{
    uint64_t seen = 0;
    unsigned bin = 0;

    while (bin < LATE_BINS - 1 && (seen += l->bins[bin]) * 1000 < l->n * permille)
        bin++;
    return (uint64_t)(bin + 1) * LATE_BIN_NS / 1000;
}

static void deliver(plan *p, wire *w, lateness *late)
{
    uint64_t now = now_ns();
    wire_packet *packet;

    while ((packet = wire_due(w, now)) != NULL) {
        note(late, now - packet->due);
        /* A full device drops it, as a host's own card would. */
        if (write(p->fds[packet->to].fd, packet->bytes, packet->n) < 0 && errno == EBADFD)
            stop = 1;
        free(packet);
    }
}

/* All that the host's uplink takes now. waited: it was refused before. */
static void take(plan *p, wire *w, unsigned host, bool *waited)
{
    uint8_t bytes[WIRE_PACKET_MAX];
    uint64_t now = now_ns();

    while (wire_takes_at(w, host) <= now) {
        ssize_t n = read(p->fds[host].fd, bytes, sizeof bytes);

        if (n <= 0) {
            *waited = false;
            return;
        }
        wire_take(w, host, bytes, (size_t)n, *waited, now);
    }
    *waited = true;
}

/* Sleeps until a packet is due, an uplink is free, or one that is has a packet. */
static void rest(plan *p, const wire *w, const bool *waited)
{
    uint64_t now = now_ns(), next = wire_next(w);
    struct timespec t = {.tv_sec = 1};

    for (unsigned i = 0; i < p->n; i++) {
        uint64_t at = wire_takes_at(w, i);

        p->fds[i].events = at <= now ? POLLIN : 0;
        if (at > now && waited[i] && at < next)
            next = at;
    }
    if (next < now + 1000000000)
        t = (struct timespec){.tv_nsec = next > now ? (long)(next - now) : 0};
    if (ppoll(p->fds, p->n, &t, NULL) < 0 && errno != EINTR)
        stop = 1;
}

static void run(plan *p, wire *w, lateness *late)
{
    bool waited[WIRE_HOSTS_MAX] = {false};

    while (!stop) {
        deliver(p, w, late);
        rest(p, w, waited);
        for (unsigned i = 0; i < p->n; i++)
            if ((p->fds[i].revents & POLLIN) != 0 || waited[i])
                take(p, w, i, &waited[i]);
    }
}

static void report(const wire *w, const lateness *l)
{
    const wire_counts *c = wire_counted(w);

    (void)printf("{\"taken\": %" PRIu64 ", \"delivered\": %" PRIu64 ", \"lost\": %" PRIu64
                 ", \"dropped\": %" PRIu64 ", \"unroutable\": %" PRIu64 ", \"refused\": %" PRIu64
                 ", \"late_us\": {\"p50\": %" PRIu64 ", \"p95\": %" PRIu64 ", \"p99\": %" PRIu64
                 ", \"worst\": %" PRIu64 "}}\n",
                 c->taken, c->delivered, c->lost, c->dropped, c->unroutable, c->refused,
                 quantile(l, 500), quantile(l, 950), quantile(l, 990), l->worst / 1000);
}

int main(int argc, char **argv)
{
    static plan p;
    static lateness late;
    struct sigaction act = {.sa_handler = on_signal};
    wire *w;

    if (argc != 2 || strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, argc == 2 ? stdout : stderr);
        return argc == 2 ? 0 : 2;
    }
    if (!read_plan(&p, argv[1]))
        return 2;
    w = wire_of(&p);
    if (w == NULL)
        return 1;
    (void)sigaction(SIGTERM, &act, NULL);
    (void)sigaction(SIGINT, &act, NULL);
    (void)prctl(PR_SET_TIMERSLACK, 1UL); /* else every packet is 50 us late */
    run(&p, w, &late);
    report(w, &late);
    wire_free(w);
    return 0;
}
