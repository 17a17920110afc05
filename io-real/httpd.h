/*
 * evhttp, bounded. libevent's server has limits for headers and bodies, and none for how many
 * connections there are, nor for how long one may take (its timeout begins anew with every byte).
 * Both are added here, without reading HTTP ourselves:
 *
 * - evhttp asks us for the bufferevent of each connection, and we keep a reference to it, so we
 *   know them all, and a connection ends when evhttp and we have both let go.
 * - At most QN_HTTPD_CONNS. One more, and of the address that has most of them the one that has
 *   waited longest makes way.
 * - QN_HTTPD_REQUEST from one request to the end of the next, QN_HTTPD_ANSWER for reading an
 *   answer, whatever bytes come in between. Looked at twice a second.
 *
 * docs/decisions/0022.
 */
#ifndef QN_REAL_HTTPD_H
#define QN_REAL_HTTPD_H

#include "qnet/addr.h"
#include "qnet/env.h"

#include <event2/event.h>
#include <event2/http.h>

#define QN_HTTPD_CONNS 256
#define QN_HTTPD_FDS                                                                               \
    (QN_HTTPD_CONNS + 2u) /* the listener, and one accepted before one is closed                   \
                           */
#define QN_HTTPD_HEAD_MAX 4096
#define QN_HTTPD_BODY_MAX 8192
#define QN_HTTPD_INPUT_MAX                                                                         \
    16384 /* of one connection; evhttp itself waits for a chunk's length for ever */
#define QN_HTTPD_REQUEST (10 * QN_SEC)
#define QN_HTTPD_ANSWER (30 * QN_SEC)
#define QN_HTTPD_LOOK_MS 500

typedef struct qn_httpd_counts {
    uint32_t connections; /* now */
    uint64_t accepted, made_way, late, requests;
} qn_httpd_counts;

typedef struct qn_httpd qn_httpd;

/* Answers with evhttp_send_reply() before it returns. */
typedef void (*qn_httpd_answer)(void *ctx, struct evhttp_request *request, const qn_addr *from);

/* fd listens and is taken over, also when this fails (NULL: out of memory). `now` is read whenever
 * the time is needed. What evhttp cannot read it refuses itself, with 400, 413 or 417. */
qn_httpd *qn_httpd_new(struct event_base *base, int fd, qn_time (*now)(void *ctx),
                       qn_httpd_answer answer, void *ctx);
void qn_httpd_free(qn_httpd *h);
const qn_httpd_counts *qn_httpd_counted(const qn_httpd *h);

#endif
