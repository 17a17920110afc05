/*
 * floor - a synthetic relay that does only the unavoidable work: read, N AEAD passes over every
 * byte, write. No framing, no handshake, no flow control of its own, one thread, one upstream
 * connection per stream. A chain of these is the measured limit that a real overlay of the same
 * shape can approach.
 *
 * usage: floor -l IP:PORT -t IP:PORT [-s] [-a N] [-c N]
 *   -l     listen here                 -t     connect there
 *   -s     speak SOCKS5 to the client first (the destination asked for is ignored: -t is used)
 *   -a N   AES-128-GCM passes per 16 KiB     -c N   ChaCha20-Poly1305 passes per 16 KiB
 *
 * Not secure, not a product: for benchmarks on loopback only.
 */
#include "net.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <openssl/evp.h>

enum { READ_SIZE = 65536, RECORD = 16384, BATCH = 128 };

enum socks_step { SOCKS_DONE, SOCKS_GREETING, SOCKS_REQUEST };

/* One side of a relayed stream. Ends come in pairs; what one reads, the other writes. */
struct end {
    int fd;
    struct end *peer;
    enum socks_step socks;
    bool finished; /* its sender has said end of stream */
    bool dead;     /* closed; freed after the event batch, so that stale events stay harmless */
    char *pending; /* read from the peer, not yet taken by this socket; NULL: none */
    size_t sent, length;
};

static int poller;
static bool speak_socks;
static int aes_passes, chacha_passes;
static EVP_CIPHER_CTX *aes, *chacha;
static struct sockaddr_in upstream;
static struct end *graveyard;
static char buffer[READ_SIZE];

static void seal(EVP_CIPHER_CTX *cipher, const char *data, size_t n)
{
    static unsigned char sink[RECORD + 32];
    static uint64_t sequence;
    unsigned char nonce[12] = {0};
    int written;

    memcpy(nonce, &sequence, sizeof sequence);
    sequence++;
    EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, nonce);
    EVP_EncryptUpdate(cipher, sink, &written, (const unsigned char *)data, (int)n);
    EVP_EncryptFinal_ex(cipher, sink + written, &written);
}

static void do_passes(const char *data, size_t n)
{
    for (size_t at = 0; at < n; at += RECORD) {
        size_t part = n - at < RECORD ? n - at : RECORD;

        for (int i = 0; i < aes_passes; i++)
            seal(aes, data + at, part);
        for (int i = 0; i < chacha_passes; i++)
            seal(chacha, data + at, part);
    }
}

/* An end is read only while its peer has taken everything: back-pressure by not reading. */
static void watch(struct end *end, int operation)
{
    struct epoll_event event = {.data.ptr = end};

    if (!end->peer->pending && !end->finished)
        event.events |= EPOLLIN;
    if (end->pending)
        event.events |= EPOLLOUT;
    epoll_ctl(poller, operation, end->fd, &event);
}

static void bury(struct end *end)
{
    close(end->fd);
    free(end->pending);
    end->pending = NULL;
    end->dead = true;
    end->peer = graveyard;
    graveyard = end;
}

static void drop(struct end *end)
{
    struct end *peer = end->peer;

    bury(end);
    bury(peer);
}

static void on_writable(struct end *end)
{
    ssize_t n = send(end->fd, end->pending + end->sent, end->length - end->sent, MSG_NOSIGNAL);

    if (n < 0) {
        if (errno != EAGAIN)
            drop(end);
        return;
    }
    end->sent += (size_t)n;
    if (end->sent < end->length)
        return;
    free(end->pending);
    end->pending = NULL;
    if (end->peer->finished)
        shutdown(end->fd, SHUT_WR);
    watch(end, EPOLL_CTL_MOD);
    watch(end->peer, EPOLL_CTL_MOD);
}

static void on_finished(struct end *end)
{
    end->finished = true;
    if (end->peer->finished) {
        drop(end);
        return;
    }
    if (!end->peer->pending)
        shutdown(end->peer->fd, SHUT_WR);
    watch(end, EPOLL_CTL_MOD);
}

/* The load generators send greeting and request as one segment each, and wait for each answer. */
static void answer_socks(struct end *end)
{
    static const char greeting[] = {5, 0};
    static const char success[] = {5, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    bool first = end->socks == SOCKS_GREETING;
    const char *reply = first ? greeting : success;
    size_t n = first ? sizeof greeting : sizeof success;

    end->socks = first ? SOCKS_REQUEST : SOCKS_DONE;
    if (send(end->fd, reply, n, MSG_NOSIGNAL) != (ssize_t)n)
        drop(end);
}

static void forward(struct end *end, size_t n)
{
    struct end *peer = end->peer;
    ssize_t taken;

    do_passes(buffer, n);
    taken = send(peer->fd, buffer, n, MSG_NOSIGNAL);
    if (taken < 0) {
        if (errno != EAGAIN && errno != ENOTCONN) {
            drop(end);
            return;
        }
        taken = 0;
    }
    if ((size_t)taken == n)
        return;
    peer->length = n - (size_t)taken;
    peer->sent = 0;
    peer->pending = must(malloc(peer->length));
    memcpy(peer->pending, buffer + taken, peer->length);
    watch(end, EPOLL_CTL_MOD);
    watch(peer, EPOLL_CTL_MOD);
}

static void on_readable(struct end *end)
{
    ssize_t n = recv(end->fd, buffer, sizeof buffer, 0);

    if (n < 0) {
        if (errno != EAGAIN)
            drop(end);
    } else if (n == 0) {
        on_finished(end);
    } else if (end->socks != SOCKS_DONE) {
        answer_socks(end);
    } else {
        forward(end, (size_t)n);
    }
}

static void on_event(struct end *end, uint32_t events)
{
    if (end->dead)
        return;
    if (events & EPOLLOUT && end->pending)
        on_writable(end);
    else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(end);
}

static struct end *new_end(int fd)
{
    struct end *end = must(calloc(1, sizeof *end));

    end->fd = fd;
    no_delay(fd);
    return end;
}

static void join(int client, int server)
{
    struct end *a = new_end(client), *b = new_end(server);

    a->peer = b;
    b->peer = a;
    a->socks = speak_socks ? SOCKS_GREETING : SOCKS_DONE;
    watch(a, EPOLL_CTL_ADD);
    watch(b, EPOLL_CTL_ADD);
}

static void accept_all(int listener)
{
    int client;

    while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        if (connect(server, (const struct sockaddr *)&upstream, sizeof upstream) != 0 &&
            errno != EINPROGRESS) {
            close(client);
            close(server);
            continue;
        }
        join(client, server);
    }
}

static void empty_graveyard(void)
{
    while (graveyard) {
        struct end *end = graveyard;

        graveyard = end->peer;
        free(end);
    }
}

static _Noreturn void run(int listener)
{
    struct epoll_event event = {.events = EPOLLIN}, events[BATCH];

    poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poller, events, BATCH, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                on_event(events[i].data.ptr, events[i].events);
            else
                accept_all(listener);
        }
        empty_graveyard();
    }
}

static EVP_CIPHER_CTX *cipher(const EVP_CIPHER *kind)
{
    static const unsigned char key[32] = {1}, nonce[12];
    EVP_CIPHER_CTX *context = must(EVP_CIPHER_CTX_new());

    EVP_EncryptInit_ex(context, kind, NULL, key, nonce);
    return context;
}

int main(int argc, char **argv)
{
    struct sockaddr_in here = {0};
    int option;

    while ((option = getopt(argc, argv, "l:t:sa:c:")) != -1) {
        switch (option) {
        case 'l':
            here = parse_address(optarg);
            break;
        case 't':
            upstream = parse_address(optarg);
            break;
        case 's':
            speak_socks = true;
            break;
        case 'a':
            aes_passes = atoi(optarg);
            break;
        case 'c':
            chacha_passes = atoi(optarg);
            break;
        default:
            return 2;
        }
    }
    many_descriptors();
    aes = cipher(EVP_aes_128_gcm());
    chacha = cipher(EVP_chacha20_poly1305());
    run(listen_on(&here));
}
