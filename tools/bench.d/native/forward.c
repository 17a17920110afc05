/*
 * forward: bytes from one TCP connection to another over loopback, as a relay without work would,
 * by epoll with readv and writev, and by io_uring. What the two cost beside each other bounds what
 * io_uring could bring a node.
 *
 *     forward epoll|uring BLOCK-KIB GIB
 *
 * A child writes, a child reads away; the parent forwards, blocks of BLOCK-KIB in slices of 16 KiB.
 * Prints the parent's wall seconds, CPU seconds and system calls per GiB. The ring has one reader
 * and one writer in flight, over two blocks, and one io_uring_enter() submits and waits; so it has
 * the fewest calls that a forwarder with bounded memory can do with.
 */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLICE = 16 << 10, SLICES_MAX = 64, ENTRIES = 8, CHUNK = 256 << 10 };

static uint8_t blocks[2][SLICE * SLICES_MAX];
static unsigned slices;
static uint64_t total, calls;

/* ---- the ends -------------------------------------------------------------------------------- */

static _Noreturn void write_all(int fd)
{
    static uint8_t chunk[CHUNK];

    for (uint64_t sent = 0; sent < total;) {
        uint64_t left = total - sent;
        ssize_t put = write(fd, chunk, left < CHUNK ? (size_t)left : CHUNK);

        if (put <= 0)
            die("write");
        sent += (uint64_t)put;
    }
    exit(0);
}

static _Noreturn void read_all(int fd)
{
    static uint8_t chunk[CHUNK];

    for (uint64_t got = 0; got < total;) {
        ssize_t n = recv(fd, chunk, CHUNK, MSG_TRUNC); /* thrown away in the kernel */

        if (n <= 0)
            die("recv");
        got += (uint64_t)n;
    }
    exit(0);
}

static void spawn(void (*child)(int), int fd)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid == 0)
        child(fd);
}

/* ---- epoll ----------------------------------------------------------------------------------- */

/* n bytes of a block from `at` on; returns how many iovecs. */
static int slice_up(struct iovec *v, uint8_t *block, size_t at, size_t n)
{
    int k = 0;

    while (n > 0) {
        size_t part = SLICE - at % SLICE;

        part = part < n ? part : n;
        v[k++] = (struct iovec){block + at, part};
        at += part;
        n -= part;
    }
    return k;
}

static void watch(int poller, int op, int fd, uint32_t what)
{
    struct epoll_event e = {.events = what, .data.fd = fd};

    calls++;
    if (epoll_ctl(poller, op, fd, &e) != 0)
        die("epoll_ctl");
}

static void wait_for(int poller)
{
    struct epoll_event e;

    calls++;
    if (epoll_wait(poller, &e, 1, -1) < 1)
        die("epoll_wait");
}

/* Writes at once, and waits for room only when there is none, as io-real does. */
static void put_out(int out, int out_poller, size_t n)
{
    struct iovec v[SLICES_MAX + 1];

    for (size_t at = 0; at < n;) {
        ssize_t put = writev(out, v, slice_up(v, blocks[0], at, n - at));

        calls++;
        if (put < 0 && errno != EAGAIN)
            die("writev");
        if (put < 0)
            wait_for(out_poller);
        else
            at += (size_t)put;
    }
}

static void by_epoll(int in, int out)
{
    int poller = epoll_create1(0), out_poller = epoll_create1(0);
    struct iovec v[SLICES_MAX + 1];

    if (fcntl(in, F_SETFL, O_NONBLOCK) != 0 || fcntl(out, F_SETFL, O_NONBLOCK) != 0)
        die("fcntl");
    watch(poller, EPOLL_CTL_ADD, in, EPOLLIN);
    watch(out_poller, EPOLL_CTL_ADD, out, EPOLLOUT);
    for (uint64_t done = 0; done < total;) {
        ssize_t got = readv(in, v, slice_up(v, blocks[0], 0, (size_t)slices * SLICE));

        calls++;
        if (got == 0 || (got < 0 && errno != EAGAIN))
            die("readv");
        if (got < 0) {
            wait_for(poller);
            continue;
        }
        put_out(out, out_poller, (size_t)got);
        done += (uint64_t)got;
    }
}

/* ---- io_uring -------------------------------------------------------------------------------- */

static struct {
    int fd;
    unsigned *sq_tail, *sq_mask, *cq_head, *cq_tail, *cq_mask;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
    unsigned pending; /* written, not yet submitted */
} ring;

static void *map(size_t n, uint64_t offset)
{
    void *p =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, (off_t)offset);

    if (p == MAP_FAILED)
        die("mmap of the ring");
    return p;
}

static void open_ring(void)
{
    struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    uint8_t *sq, *cq;
    unsigned *array;

    ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
    if (ring.fd < 0)
        die("io_uring_setup");
    sq = map(p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    cq = map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
    ring.sqes = map(p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
    ring.sq_tail = (unsigned *)(void *)(sq + p.sq_off.tail);
    ring.sq_mask = (unsigned *)(void *)(sq + p.sq_off.ring_mask);
    array = (unsigned *)(void *)(sq + p.sq_off.array);
    for (unsigned i = 0; i < p.sq_entries; i++)
        array[i] = i;
    ring.cq_head = (unsigned *)(void *)(cq + p.cq_off.head);
    ring.cq_tail = (unsigned *)(void *)(cq + p.cq_off.tail);
    ring.cq_mask = (unsigned *)(void *)(cq + p.cq_off.ring_mask);
    ring.cqes = (struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes);
}

/* One operation over a block's slices; its number comes back with the completion. */
static void order(uint8_t op, int fd, const struct iovec *v, int n, uint64_t number)
{
    struct io_uring_sqe *s = &ring.sqes[*ring.sq_tail & *ring.sq_mask];

    memset(s, 0, sizeof *s);
    s->opcode = op;
    s->fd = fd;
    s->addr = (uint64_t)(uintptr_t)v;
    s->len = (uint32_t)n;
    s->user_data = number;
    __atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
    ring.pending++;
}

/* What it returned; *number is the operation. */
static int next_done(uint64_t *number)
{
    const struct io_uring_cqe *c;
    int result;

    while (ring.pending > 0 || *ring.cq_head == __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE)) {
        unsigned wanted = *ring.cq_head == __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE);

        calls++;
        if (syscall(SYS_io_uring_enter, ring.fd, ring.pending, wanted, IORING_ENTER_GETEVENTS, NULL,
                    0) < 0)
            die("io_uring_enter");
        ring.pending = 0;
    }
    c = &ring.cqes[*ring.cq_head & *ring.cq_mask];
    result = c->res;
    *number = c->user_data;
    __atomic_store_n(ring.cq_head, *ring.cq_head + 1, __ATOMIC_RELEASE);
    return result;
}

static void by_uring(int in, int out)
{
    enum { READ, WRITE };
    static struct iovec rv[SLICES_MAX + 1], wv[SLICES_MAX + 1];
    size_t full[2] = {0, 0}, at = 0; /* bytes in a block; of the one being written, so many are */
    unsigned filling = 0, emptying = 0;
    bool reading = false, writing = false;
    uint64_t got = 0, put = 0;

    open_ring();
    while (put < total) {
        uint64_t which;
        int moved;

        if (!reading && full[filling] == 0 && got < total) {
            order(IORING_OP_READV, in, rv, slice_up(rv, blocks[filling], 0, (size_t)slices * SLICE),
                  READ);
            reading = true;
        }
        if (!writing && full[emptying] > 0) {
            order(IORING_OP_WRITEV, out, wv,
                  slice_up(wv, blocks[emptying], at, full[emptying] - at), WRITE);
            writing = true;
        }
        moved = next_done(&which);
        if (moved <= 0)
            die("a completion");
        if (which == READ) {
            reading = false;
            got += (uint64_t)moved;
            full[filling] = (size_t)moved;
            filling ^= 1;
        } else {
            writing = false;
            put += (uint64_t)moved;
            at += (size_t)moved;
            if (at == full[emptying]) {
                full[emptying] = at = 0;
                emptying ^= 1;
            }
        }
    }
}

/* ---------------------------------------------------------------------------------------------- */

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    int in[2], out[2];
    double gib, cpu, wall;
    struct timespec a, b;
    struct rusage u;

    if (argc != 4 || (strcmp(argv[1], "epoll") != 0 && strcmp(argv[1], "uring") != 0)) {
        fprintf(stderr, "usage: forward epoll|uring BLOCK-KIB GIB\n");
        return 2;
    }
    slices = (unsigned)atoi(argv[2]) / 16;
    gib = atof(argv[3]);
    if (slices < 1 || slices > SLICES_MAX || gib <= 0 || gib > 64) {
        fprintf(stderr, "forward: blocks of 16 to 1024 KiB, at most 64 GiB\n");
        return 2;
    }
    total = (uint64_t)(gib * (1 << 30));
    tcp_pair(&in[0], &in[1]);
    tcp_pair(&out[0], &out[1]);
    spawn(write_all, in[1]);
    spawn(read_all, out[1]);
    clock_gettime(CLOCK_MONOTONIC, &a);
    if (argv[1][0] == 'e')
        by_epoll(in[0], out[0]);
    else
        by_uring(in[0], out[0]);
    clock_gettime(CLOCK_MONOTONIC, &b);
    getrusage(RUSAGE_SELF, &u);
    cpu = seconds(&u.ru_utime) + seconds(&u.ru_stime);
    wall = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    printf("%s %u KiB: wall %.3f s/GiB, CPU %.3f s/GiB, %.0f calls/GiB\n", argv[1], slices * 16,
           wall / gib, cpu / gib, (double)calls / gib);
    while (wait(NULL) > 0)
        continue;
    return 0;
}
