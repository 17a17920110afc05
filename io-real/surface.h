/*
 * The status surface: a small read-only HTTP server on 127.0.0.1 and on DIR/status.sock.
 *
 * Built on bufferevents with our own request reader, not on evhttp: evhttp offers no bound on how
 * many connections are open and none on how long a request may dribble in
 * (docs/decisions/0006). At most QN_GUESTS_MAX connections, the oldest making way;
 * five seconds each; one answer each.
 */
#ifndef QN_REAL_SURFACE_H
#define QN_REAL_SURFACE_H

#include "io-real/documents.h"

#include <event2/event.h>

#define QN_GUESTS_MAX 16
#define QN_GUEST_SECONDS 5

typedef struct qn_surface qn_surface;

/* Where a document is not all in one view: ask begins to collect it, and qn_surface_answer()
 * follows with the same ticket, at once or later; false: this one is all in the view. */
typedef struct qn_whole {
    bool (*ask)(void *ctx, uint64_t ticket, const char *path); /* NULL: no document is */
    void *ctx;
} qn_whole;

/* view outlives the surface; every answer is made from it. Listeners are descriptors that listen,
 * or -1, and are taken over; port is the TCP one's, for the Host check. NULL: out of memory. */
qn_surface *qn_surface_new(struct event_base *base, const qn_view *view, const qn_whole *whole,
                           int tcp, uint16_t port, int unix_socket);
/* Nothing if whoever asked has left. NULL: it could not be made. */
void qn_surface_answer(qn_surface *s, uint64_t ticket, const json_t *document);
void qn_surface_free(qn_surface *s);

#endif
