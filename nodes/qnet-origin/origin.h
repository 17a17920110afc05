/*
 * qnet-origin: a small web site over TLS 1.3, HTTP/2 and HTTP/1.1, for labs. It is what a peer
 * forwards to in a mesh on one machine; a production origin is a real web server.
 */
#ifndef QNET_ORIGIN_H
#define QNET_ORIGIN_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include <stdbool.h>
#include <stdint.h>

#define CONNS_MAX 16384   /* a site behind a node in a load test; the descriptors bound it, too */
#define HEAD_MAX 8192     /* an HTTP/1.1 request's head */
#define OUT_MAX 65536     /* bytes that wait in front of TLS, of one connection */
#define START_SECONDS 10  /* for PROXY header and handshake */
#define FINISH_SECONDS 10 /* for streams under way when a stop was asked for */

/* Prints "qnet-origin: ..." to stderr; returns status. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- site.c: what is served ---------------------------------------------------------------------
 */

typedef struct page {
    const char *path, *type;
    uint64_t size;
    uint8_t *bytes; /* NULL: made while it is read */
} page;

/* Makes the pages; false: no memory. */
bool site_open(void);
void site_close(void);
const page *site_find(const char *path, size_t n); /* NULL: none; a query is passed over */
/* Up to n bytes from `at`; returns how many. */
size_t site_read(const page *p, uint64_t at, uint8_t *out, size_t n);
extern const page site_missing;
/* An IMF-fixdate of now. Static storage. */
const char *site_date(void);

/* ---- cert.c: its own authority ------------------------------------------------------------------
 */

/* Loads DIR/chain.pem and DIR/key.pem, after making them, DIR/ca.pem and the names' certificate
 * when none of them exists. The authority is then the one in the folder `ca`, made there when it
 * is empty; ca NULL: one of DIR's own. False: said why. */
bool cert_use(SSL_CTX *ctx, const char *dir, const char *ca, char *const *names, int n);

/* ---- conn.c: one connection
 * ---------------------------------------------------------------------- */

typedef struct server {
    struct event_base *base;
    SSL_CTX *ctx;
    struct conn *conns;
    unsigned conn_n;
    bool proxy, stopping;
    uint32_t requests_max; /* of a connection; 0: no limit */
    int idle_seconds;
} server;

typedef struct conn {
    server *s;
    struct conn *next, **link;
    struct bufferevent *bev;  /* NULL while the PROXY header is awaited */
    struct event *start;      /* that wait */
    size_t seen;              /* of the PROXY header */
    nghttp2_session *session; /* NULL: HTTP/1.1 */
    uint32_t requests;
    struct stream *streams; /* HTTP/2: open ones */
    bool ending;            /* GOAWAY or "Connection: close" was said */
    const page *body;       /* HTTP/1.1: under way */
    uint64_t at;
} conn;

void conn_accept(server *s, evutil_socket_t fd); /* takes fd over */
void conn_stop(conn *c);                         /* gracefully, as soon as nothing is under way */
void conn_free(conn *c);
/* Counts one request; true: no more are wanted on this connection. */
bool conn_counts(conn *c);
/* close_notify and FIN once everything is written. */
void conn_finish(conn *c);

/* proxy.c: takes a PROXY v2 header off a socket. 1: done, 0: not all there, -1: none. *seen: 0 at
 * first, for its own use. */
int proxy_take(evutil_socket_t fd, size_t *seen);

/* h1.c and h2.c: bytes came, room came, stop. False: the connection is broken. */
bool h1_read(conn *c);
void h1_write(conn *c);
bool h2_start(conn *c);
bool h2_read(conn *c);
bool h2_write(conn *c);
void h2_goaway(conn *c);
void h2_free(conn *c);

#endif
