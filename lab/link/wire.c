#include "link/wire.h"

#include "qnet/env.h"

#include <stdlib.h>
#include <string.h>

enum { IPV4_HEADER = 20, IPV4_TO = 16 };

/* What happens to a packet at a time: it reaches the downlink's queue, or it has left it. */
typedef struct event {
    uint64_t at;
    uint64_t order; /* of two at one time, the earlier scheduled goes first */
    bool through;
    wire_packet *packet;
} event;

typedef struct line {
    wire_host host;
    uint64_t up_free, down_free; /* ns: when what was given so far has passed */
    qn_drbg losses;
} line;

struct wire {
    line *lines;
    unsigned n;
    uint64_t *latency;
    uint64_t queue_limit;
    uint64_t order;
    event *heap;
    size_t heap_n, heap_cap;
    wire_counts counts;
};

wire *wire_new(const wire_host *hosts, unsigned n, const uint64_t *latency, uint64_t queue_limit,
               uint64_t seed)
{
    wire *w = n <= WIRE_HOSTS_MAX ? calloc(1, sizeof *w) : NULL;

    if (w == NULL)
        return NULL;
    w->lines = calloc(n, sizeof *w->lines);
    w->latency = malloc(sizeof *latency * n * n);
    if (w->lines == NULL || w->latency == NULL) {
        wire_free(w);
        return NULL;
    }
    memcpy(w->latency, latency, sizeof *latency * n * n);
    w->n = n;
    w->queue_limit = queue_limit;
    for (unsigned i = 0; i < n; i++) {
        w->lines[i].host = hosts[i];
        qn_drbg_init(&w->lines[i].losses, "qnet-testbed-loss", seed, i);
    }
    return w;
}

void wire_free(wire *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->heap_n; i++)
        free(w->heap[i].packet);
    free(w->heap);
    free(w->lines);
    free(w->latency);
    free(w);
}

/* ---- events: a binary heap ------------------------------------------------------------------- */

static bool before(const event *a, const event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(event *a, event *b)
{
    event e = *a;

    *a = *b;
    *b = e;
}

/* false: no room for it */
static bool push(wire *w, uint64_t at, bool through, wire_packet *packet)
{
    size_t i = w->heap_n;

    if (i == w->heap_cap) {
        size_t cap = i == 0 ? 1024 : 2 * i;
        event *grown = i < WIRE_PACKETS_MAX ? realloc(w->heap, cap * sizeof *grown) : NULL;

        if (grown == NULL)
            return false;
        w->heap = grown;
        w->heap_cap = cap;
    }
    w->heap[i] = (event){at, w->order++, through, packet};
    w->heap_n++;
    for (; i > 0 && before(&w->heap[i], &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&w->heap[i], &w->heap[(i - 1) / 2]);
    return true;
}

static event pop(wire *w)
{
    event first = w->heap[0];
    size_t i = 0;

    w->heap[0] = w->heap[--w->heap_n];
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < w->heap_n && before(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (child >= w->heap_n || !before(&w->heap[child], &w->heap[i]))
            return first;
        swap(&w->heap[i], &w->heap[child]);
        i = child;
    }
}

/* ---- lines ----------------------------------------------------------------------------------- */

static uint64_t serialisation(uint64_t bytes, uint64_t rate)
{
    return bytes * 8 * 1000000000 / rate;
}

static bool loses(line *l)
{
    uint8_t b[4];

    if (l->host.loss == 0)
        return false;
    qn_drbg_fill(&l->losses, b, sizeof b);
    return (((uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3]) * 1000000 >>
            32) < l->host.loss;
}

/* By the destination address; n: there is none. */
static unsigned route(const wire *w, const uint8_t *bytes, size_t n)
{
    const uint8_t *to = bytes + IPV4_TO;
    uint32_t addr;
    unsigned i;

    if (n < IPV4_HEADER || bytes[0] >> 4 != 4)
        return w->n;
    addr = (uint32_t)to[0] << 24 | (uint32_t)to[1] << 16 | (uint32_t)to[2] << 8 | to[3];
    for (i = 0; i < w->n && w->lines[i].host.addr != addr; i++)
        ;
    return i;
}

uint64_t wire_takes_at(const wire *w, unsigned host)
{
    uint64_t busy = w->lines[host].up_free;

    return busy > WIRE_AHEAD ? busy - WIRE_AHEAD : 0;
}

/* The line's time from which a packet is serialised. */
static uint64_t start_of(const line *l, bool waited, uint64_t now)
{
    uint64_t earliest = now;

    if (waited)
        earliest = now > WIRE_CREDIT ? now - WIRE_CREDIT : 0;
    return l->up_free > earliest ? l->up_free : earliest;
}

void wire_take(wire *w, unsigned host, const uint8_t *bytes, size_t n, bool waited, uint64_t now)
{
    line *l = &w->lines[host];
    unsigned to = route(w, bytes, n);
    wire_packet *packet;

    w->counts.taken++;
    l->up_free = start_of(l, waited, now) + serialisation(n, l->host.up);
    if (to == w->n) {
        w->counts.unroutable++;
        return;
    }
    if (loses(l)) {
        w->counts.lost++;
        return;
    }
    packet = malloc(sizeof *packet + n);
    if (packet == NULL || !push(w, l->up_free + w->latency[host * w->n + to], false, packet)) {
        free(packet);
        w->counts.refused++;
        return;
    }
    packet->to = to;
    packet->n = n;
    memcpy(packet->bytes, bytes, n);
}

uint64_t wire_next(const wire *w)
{
    return w->heap_n > 0 ? w->heap[0].at : WIRE_NEVER;
}

/* At the far end of its way: into the downlink's queue, if that has room. */
static void arrive(wire *w, const event *e)
{
    wire_packet *p = e->packet;
    line *l = &w->lines[p->to];
    uint64_t queued = l->down_free > e->at ? l->down_free - e->at : 0;

    if (loses(l)) {
        w->counts.lost++;
        free(p);
        return;
    }
    if (queued > serialisation(w->queue_limit, l->host.down)) {
        w->counts.dropped++;
        free(p);
        return;
    }
    l->down_free = e->at + queued + serialisation(p->n, l->host.down);
    p->due = l->down_free;
    (void)push(w, p->due, true, p); /* into the place that the arrival left */
}

wire_packet *wire_due(wire *w, uint64_t now)
{
    while (w->heap_n > 0 && w->heap[0].at <= now) {
        event e = pop(w);

        if (e.through) {
            w->counts.delivered++;
            return e.packet;
        }
        arrive(w, &e);
    }
    return NULL;
}

const wire_counts *wire_counted(const wire *w)
{
    return &w->counts;
}
