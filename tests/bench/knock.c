/*
 * knock: the first half of a handshake over the bare carrier, again and again, for the bench.
 *
 *     knock NETWORK STATE IP:PORT SECONDS AT_ONCE
 *
 * Connects, sends the first message a client would send to the node whose keys are in STATE, waits
 * for the first byte of the answer, resets, and begins anew; AT_ONCE of them at a time. The message
 * is made once, so what costs is the answering side's: three X25519. Prints how many were answered
 * in a second, and the CPU seconds spent here. Never installed.
 */
#include "io-real/sockets.h"
#include "io-real/store.h"

#include "carrier/carrier.h"
#include "io-real/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { AT_ONCE_MAX = 1000, BATCH = 64 };

static qn_real_env real;
static uint8_t message[256];
static size_t message_n;

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "knock: %s\n", what);
    exit(1);
}

static void make_message(const char *network, const char *state)
{
    qn_carrier_cfg cfg = {.initiator = true};
    qn_env *env = &real.env;
    qn_carrier *c;
    qn_store store;
    qn_network net;
    qn_keys keys;
    qn_dh_secret link;
    qn_span file;
    qn_slice v[4];
    unsigned n;
    qn_why why;
    char reason[160];

    need(qn_store_open_shared(&store, state, why) &&
             qn_store_read_keys(&store, &keys, why) == QN_FOUND &&
             qn_file_read(network, &file, why) == QN_FOUND,
         why);
    need(qn_network_decode(&net, env, file.p, file.n, reason) == QN_OK, reason);
    memcpy(cfg.network, net.id, sizeof cfg.network);
    memcpy(link.b, keys.link.b, sizeof link.b);
    qn_dh_derive(&link, &cfg.responder_key);
    need(qn_keys_peerid(env, &keys, &cfg.responder) == QN_OK, "no PeerID");
    qn_rng_fill(env, cfg.own_key.b, sizeof cfg.own_key.b);
    need(qn_carrier_bare.create(&c, env, &cfg) == QN_OK, "no carrier");
    c->kind->opened(c, 0);
    n = c->kind->peek(c, 0, v, 4);
    for (unsigned i = 0; i < n; i++) {
        need(message_n + v[i].n <= sizeof message, "the message is longer than any");
        memcpy(message + message_n, v[i].p, v[i].n);
        message_n += v[i].n;
    }
    need(message_n > 0, "no message");
    c->kind->destroy(c);
    free(file.p);
    qn_store_close(&store);
}

static void knock(int poller, const qn_addr *at)
{
    struct epoll_event e = {.events = EPOLLOUT | EPOLLONESHOT};
    bool open;
    int fd = qn_socket_dial(at, &open);

    need(fd >= 0, "cannot connect");
    e.data.fd = fd;
    need(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) == 0, "epoll");
}

/* True: answered, and over. */
static bool go_on(int poller, const struct epoll_event *e)
{
    struct epoll_event wait = {.events = EPOLLIN, .data.fd = e->data.fd};
    uint8_t byte;
    int fd = e->data.fd;

    if ((e->events & EPOLLIN) != 0) {
        need(read(fd, &byte, 1) == 1, "the node hung up");
        qn_socket_linger_reset(fd, true);
        (void)close(fd);
        return true;
    }
    need((e->events & (EPOLLERR | EPOLLHUP)) == 0, "refused");
    need(write(fd, message, message_n) == (ssize_t)message_n, "cannot send");
    need(epoll_ctl(poller, EPOLL_CTL_MOD, fd, &wait) == 0, "epoll");
    return false;
}

static uint64_t run(int poller, const qn_addr *at, qn_time end)
{
    struct epoll_event e[BATCH];
    uint64_t answered = 0;

    while (real.env.now < end) {
        int n = epoll_wait(poller, e, BATCH, 1000);

        need(n > 0, "no answer for a second");
        for (int i = 0; i < n; i++)
            if (go_on(poller, &e[i])) {
                answered++;
                knock(poller, at);
            }
        qn_real_env_stamp(&real);
    }
    return answered;
}

static double cpu_seconds(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    int poller = epoll_create1(EPOLL_CLOEXEC), at_once, port;
    double seconds, cpu;
    qn_addr at;
    qn_time began;
    uint64_t answered;

    if (argc != 6 || sscanf(argv[3], "127.0.0.1:%d", &port) != 1) {
        (void)fprintf(stderr, "usage: knock NETWORK STATE 127.0.0.1:PORT SECONDS AT_ONCE\n");
        return 2;
    }
    seconds = atof(argv[4]);
    at_once = atoi(argv[5]);
    need(seconds > 0 && seconds <= 60 && at_once > 0 && at_once <= AT_ONCE_MAX,
         "at most 60 seconds, 1000 at once");
    sa.sin_port = htons((uint16_t)port);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at = qn_addr_of((const struct sockaddr *)&sa);
    need(qn_real_env_open(&real, QN_LOG_ERROR, UINT64_C(1) << 24), "out of memory");
    make_message(argv[1], argv[2]);
    cpu = cpu_seconds();
    began = real.env.now;
    for (int i = 0; i < at_once; i++)
        knock(poller, &at);
    answered = run(poller, &at, began + (qn_time)(seconds * 1e9));
    seconds = (double)(real.env.now - began) / 1e9;
    (void)printf("%.0f %.6f\n", (double)answered / seconds, cpu_seconds() - cpu);
    return 0;
}
