/*
 * The server side of SOCKS5 (RFC 1928) with user name and password (RFC 1929), CONNECT only; and of
 * HTTP CONNECT (RFC 9110) on the same port, told apart by the first byte.
 *
 * In: qn_socks_push until it says QN_OK (a request is complete) or an error. Out: peek and consume.
 * Then qn_socks_reply; behind a success, bytes both ways belong to the stream. Bytes a client sent
 * behind its request without waiting are not taken: they are the stream's first.
 *
 * Credentials are not secrets here. They choose the route (user "fast" or "privacy", alone or
 * followed by '+' and anything) and keep streams apart (HTTP has them in Proxy-Authorization):
 * equal user and password share an isolation key, others never share a circuit. Any value is
 * accepted.
 */
#ifndef QN_SOCKS_SOCKS_H
#define QN_SOCKS_SOCKS_H

#include "base/addr.h"
#include "qnet/node.h"

#define QN_SOCKS_AUTH_MAX 513 /* RFC 1929: version, two lengths, two strings of up to 255 */

/* A line of an HTTP head: Basic credentials of two times 255 bytes fit. */
#define QN_SOCKS_LINE_MAX 768

/* RFC 1928 section 6. */
enum {
    QN_SOCKS_OK = 0,
    QN_SOCKS_FAILURE = 1,
    QN_SOCKS_NOT_ALLOWED = 2,
    QN_SOCKS_NET_UNREACHABLE = 3,
    QN_SOCKS_HOST_UNREACHABLE = 4,
    QN_SOCKS_REFUSED = 5,
    QN_SOCKS_TTL = 6,
    QN_SOCKS_COMMAND = 7,
    QN_SOCKS_ATYP = 8
};

typedef enum qn_socks_state {
    QN_SOCKS_GREETING,
    QN_SOCKS_AUTH,
    QN_SOCKS_REQUEST,
    QN_SOCKS_HTTP,    /* the head of an HTTP request */
    QN_SOCKS_ASKED,   /* dest is set; a reply is owed */
    QN_SOCKS_REPLIED, /* with success: the conn is the stream's */
    QN_SOCKS_ENDED    /* send what peek offers, then close */
} qn_socks_state;

typedef struct qn_socks {
    qn_socks_state state;
    uint16_t in_n;
    uint8_t out_n; /* bytes in out */
    uint8_t in[QN_SOCKS_LINE_MAX];
    uint8_t out[16]; /* method (2), status (2), reply (10) */
    qn_slice say;    /* or a fixed text: HTTP's answers */
    bool http;       /* and of its head: */
    bool cut;        /* this line is longer than `in` */
    bool has_credentials;
    uint8_t lines;   /* read */
    uint16_t head_n; /* bytes read */
    const char *why; /* one sentence once ENDED by the client's fault; static storage */
    /* valid from ASKED on */
    qn_dest dest;
    bool has_route; /* false: the node's default */
    qn_route route;
    uint8_t isolation[16]; /* all zero for clients without credentials */
} qn_socks;

void qn_socks_init(qn_socks *s);
/* Takes *used bytes of `in`. QN_OK: ASKED; QN_SHORT: all taken, more needed. QN_PROTO, QN_VERSION
 * (SOCKS4, HTTP other than CONNECT): ENDED; `why` says it. QN_STATE: a request is already complete.
 */
QN_MUST_CHECK qn_err qn_socks_push(qn_socks *s, qn_env *env, qn_slice in, size_t *used);
/* Answers the request with one of the codes above, or in HTTP with `status`; anything but success
 * ends the conn. SOCKS's bound address is always 0.0.0.0:0: the exit's own is nobody's business. */
void qn_socks_reply(qn_socks *s, uint8_t reply, uint16_t status);
qn_slice qn_socks_peek(const qn_socks *s);
void qn_socks_consume(qn_socks *s, size_t n);
void qn_socks_clear(qn_socks *s); /* wipes */

#endif
