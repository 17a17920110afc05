/*
 * The lines between hosts: what the simulator's tier T does between TCP stacks (io-sim/model/
 * cloud-device.h), for real packets. Sans-I/O: it is told the time and hands packets out when they
 * are due.
 *
 * A packet is serialised on its sender's uplink, travels for the latency of the pair and is
 * serialised again on the receiver's downlink, a FIFO that drops what finds it full. The access
 * link of either host loses packets at random, a stream of draws for each host.
 *
 * The uplink is a token bucket that is never ahead: packets are taken only until its line is busy
 * for WIRE_AHEAD. What waits stays in the host's own queue, where its TCP sees it (small queues). A
 * caller who comes late to a queue that waited gets the line's time back, up to WIRE_CREDIT.
 */
#ifndef LAB_WIRE_H
#define LAB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_HOSTS_MAX = 64,      /* docs: 10 to 50 nodes, and web servers */
    WIRE_PACKET_MAX = 2048,   /* bytes: an MTU of 1500 and some */
    WIRE_PACKETS_MAX = 100000 /* on their way at once, 200 MB at most; more are dropped */
};
#define WIRE_AHEAD UINT64_C(1000000)   /* ns */
#define WIRE_CREDIT UINT64_C(20000000) /* ns */
#define WIRE_NEVER UINT64_MAX

typedef struct wire_host {
    uint32_t addr;     /* IPv4, host byte order */
    uint64_t up, down; /* bit/s, not 0 */
    uint32_t loss;     /* millionths of packets, either way */
} wire_host;

typedef struct wire_packet {
    unsigned to; /* host */
    uint64_t due;
    size_t n;
    uint8_t bytes[];
} wire_packet;

typedef struct wire_counts {
    uint64_t taken, delivered;
    uint64_t lost;       /* by draw */
    uint64_t dropped;    /* at full downlinks */
    uint64_t unroutable; /* no such host, or not IPv4 */
    uint64_t refused;    /* WIRE_PACKETS_MAX, or no memory */
} wire_counts;

typedef struct wire wire;

/* latency: n * n, ns one way, row by row. queue_limit: bytes before a downlink. NULL: no memory, or
 * more than WIRE_HOSTS_MAX hosts. */
wire *wire_new(const wire_host *hosts, unsigned n, const uint64_t *latency, uint64_t queue_limit,
               uint64_t seed);
void wire_free(wire *w);

/* When the host's uplink takes its next packet: not after now if at once. */
uint64_t wire_takes_at(const wire *w, unsigned host);
/* A packet of the host's, 1 to WIRE_PACKET_MAX bytes, copied. waited: it was there before the
 * uplink took it. */
void wire_take(wire *w, unsigned host, const uint8_t *bytes, size_t n, bool waited, uint64_t now);
/* When to call wire_due next; WIRE_NEVER: nothing is on its way. */
uint64_t wire_next(const wire *w);
/* The next packet that is due, the caller's to free(); NULL: none. */
wire_packet *wire_due(wire *w, uint64_t now);
const wire_counts *wire_counted(const wire *w);

#endif
