/*
 * The TLS client over a real socket, for tls_test.py:
 *
 *     tls_client PROFILE.cbor CA.pem NAME PORT [CONNECTIONS]
 *
 * Each connection says GET / by HTTP/1.0 (what the servers answer is not looked into), reads until
 * the server closes or two seconds are quiet, and prints one line; later ones use the first ticket
 * of the one before. Exit status: 0 the last connection was established, 1 it was not, 2 trouble of
 * our own.
 */
#include "tls/client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct outcome {
    bool up, over, resumed, retried, asked;
    uint16_t suite, group;
    char alpn[16];
    qn_err err;
    unsigned tickets;
    qn_tls_ticket ticket;
    size_t bytes;
} outcome;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void *get(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void put(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

static void fill(void *ctx, void *out, size_t n)
{
    (void)ctx;
    for (uint8_t *p = out; n > 0;) {
        size_t part = n < 256 ? n : 256;

        if (getrandom(p, part, 0) != (ssize_t)part)
            die("getrandom");
        p += part;
        n -= part;
    }
}

static qn_slice read_file(const char *path)
{
    static uint8_t bytes[2][1 << 16];
    static unsigned used;
    FILE *f = fopen(path, "rb");
    uint8_t *p = bytes[used++ % 2];
    size_t n;

    if (f == NULL)
        die(path);
    n = fread(p, 1, sizeof bytes[0], f);
    (void)fclose(f);
    return qn_slice_of(p, n);
}

static int dial(const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    return fd;
}

static void take_events(qn_tls *c, outcome *o)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    qn_tls_event ev;

    while (qn_tls_next(c, &ev)) {
        switch (ev.type) {
        case QN_TLS_ESTABLISHED:
            o->up = true;
            o->resumed = ev.resumed;
            o->retried = ev.retried;
            o->asked = ev.asked_certificate;
            o->suite = ev.suite;
            o->group = ev.group;
            (void)snprintf(o->alpn, sizeof o->alpn, "%.*s", (int)ev.alpn.n,
                           (const char *)ev.alpn.p);
            if (qn_tls_send(c, qn_slice_of(request, sizeof request - 1)) != QN_OK)
                exit(2);
            break;
        case QN_TLS_BYTES:
            o->bytes += ev.piece.len;
            qn_block_drop(ev.piece.block);
            break;
        case QN_TLS_TICKET:
            if (o->tickets++ == 0)
                o->ticket = ev.ticket;
            break;
        case QN_TLS_ENDED:
            o->over = true;
            o->err = ev.err;
            break;
        }
    }
}

static void flush(qn_tls *c, int fd)
{
    qn_slice v;

    while (qn_tls_peek(c, &v, 1) > 0) {
        ssize_t n = send(fd, v.p, v.n, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        qn_tls_consume(c, (size_t)n);
    }
}

static void converse(qn_tls *c, int fd, outcome *o)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    while (!o->over) {
        qn_span space;
        ssize_t n;

        flush(c, fd);
        if (poll(&wait, 1, 2000) <= 0)
            return;
        space = qn_tls_space(c);
        n = recv(fd, space.p, space.n, 0);
        if (n <= 0)
            qn_tls_eof(c);
        else
            qn_tls_commit(c, (size_t)n);
        take_events(c, o);
    }
    flush(c, fd);
}

static void print(const outcome *o)
{
    (void)printf("up=%d suite=%04x group=%u alpn=%s resumed=%d retried=%d asked=%d tickets=%u "
                 "bytes=%zu err=%s\n",
                 o->up, o->suite, o->group, o->alpn, o->resumed, o->retried, o->asked, o->tickets,
                 o->bytes, o->over ? qn_err_name(o->err) : "-");
}

int main(int argc, char **argv)
{
    qn_env env = {.now = QN_SEC,
                  .wall = (int64_t)time(NULL),
                  .rng = {.fill = fill},
                  .mem = {.get = get, .put = put, .limit = UINT64_MAX},
                  .engine = qn_engine_new()};
    outcome last = {.up = false};
    qn_tls_profile profile;
    qn_tls_cfg cfg = {.profile = &profile};
    qn_roots *roots;
    int connections;

    if (argc < 5 || env.engine == NULL)
        return 2;
    if (qn_tls_profile_read(&profile, &env, read_file(argv[1])) != QN_OK ||
        qn_roots_new(&roots, read_file(argv[2])) != QN_OK)
        return 2;
    cfg.roots = roots;
    cfg.name = qn_slice_of(argv[3], strlen(argv[3]));
    connections = argc > 5 ? atoi(argv[5]) : 1;
    for (int i = 0; i < connections; i++) {
        qn_tls_ticket ticket = last.ticket;
        int fd = dial(argv[4]);
        qn_tls *c;

        cfg.ticket = last.tickets > 0 ? &ticket : NULL;
        last = (outcome){.up = false};
        if (qn_tls_create(&c, &env, &cfg) != QN_OK || qn_tls_start(c, NULL) != QN_OK)
            return 2;
        converse(c, fd, &last);
        print(&last);
        qn_tls_destroy(c);
        (void)close(fd);
    }
    qn_roots_free(roots);
    qn_engine_free(env.engine);
    return last.up ? 0 : 1;
}
