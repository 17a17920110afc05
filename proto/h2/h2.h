/*
 * A browser's HTTP/2 connection, client side (RFC 9113), over plaintext: TLS is somebody else's.
 *
 * It sends what the profile's browser sends, in the same frames and the same *writes*: each write
 * is one TLS record. Requests come from a list, answers are read, counted and thrown away; what
 * matters of them is the status, the Date and how much came.
 *
 * The owner's law: after new, push and request drain peek/consume and next. FAILED is the last
 * event; what peek still offers then (GOAWAY, say) may be sent.
 */
#ifndef QN_H2_H2_H
#define QN_H2_H2_H

#include "base/env.h"
#include "h2/profile.h"

typedef struct qn_h2 qn_h2;

typedef struct qn_h2_cfg {
    const qn_h2_profile *profile; /* must outlive the connection */
    qn_slice authority;           /* "name", or "name:port" beside 443; copied */
    bool resumed;                 /* the TLS handshake was */
} qn_h2_cfg;

typedef enum qn_h2_event_type {
    QN_H2_RESPONSE, /* id, status, date, elsewhere */
    QN_H2_BODY,     /* id, n: so many more bytes came */
    QN_H2_DONE,     /* id, err: QN_OK, QN_REFUSED (not processed), QN_GONE (cut short) */
    QN_H2_GOAWAY,   /* no more requests here; those under way may still be answered */
    QN_H2_FAILED    /* err: QN_PROTO, QN_LIMIT, QN_NOMEM; the connection is over */
} qn_h2_event_type;

typedef struct qn_h2_event {
    qn_h2_event_type type;
    uint32_t id;
    uint16_t status;
    int64_t date;   /* the server's clock, Unix seconds: Date and, of a cache, Age; 0: not said */
    bool elsewhere; /* RESPONSE: it names other places to find it (Alt-Svc, RFC 7838): HTTP/3 */
    uint64_t n;
    qn_err err;
} qn_h2_event;

/* The first write (preface, SETTINGS, WINDOW_UPDATE) is ready. QN_LIMIT for an authority longer
 * than QN_H2_NAME_MAX, QN_PROTO for one that is empty or not printable ASCII without spaces,
 * QN_NOMEM. The env must outlive it. */
QN_MUST_CHECK qn_err qn_h2_new(qn_h2 **out, qn_env *env, const qn_h2_cfg *cfg);
void qn_h2_free(qn_h2 *h); /* in any state */

/* Bytes of the server, in any pieces; all are taken. QN_GONE after FAILED. */
QN_MUST_CHECK qn_err qn_h2_push(qn_h2 *h, qn_slice in);
/* What is left of the next write; empty: nothing to send. */
qn_slice qn_h2_peek(const qn_h2 *h);
void qn_h2_consume(qn_h2 *h, size_t n); /* n <= what peek offers */

/* Asks for a path, 1 to QN_H2_PATH_MAX printable bytes beginning with '/'; a document refers to
 * nothing, everything else to the site's "/". An answer of more than `largest` bytes fails the
 * connection with QN_LIMIT. *id is never reused. QN_PROTO, QN_LIMIT for the path; QN_GONE after
 * GOAWAY or FAILED, QN_BUSY while QN_H2_REQUESTS_MAX are under way, QN_NOMEM; then nothing was
 * sent. */
QN_MUST_CHECK qn_err qn_h2_request(qn_h2 *h, qn_h2_kind kind, qn_slice path, uint64_t largest,
                                   uint32_t *id);
/* The browser's farewell, GOAWAY that blames nobody, is the last thing peek offers; requests get
 * QN_GONE from here on. */
void qn_h2_leave(qn_h2 *h);
bool qn_h2_next(qn_h2 *h, qn_h2_event *ev);

/* The answer a browser would go on from: neither a redirect nor an error. */
static inline bool qn_h2_healthy(uint16_t status)
{
    return status >= 200 && status <= 299;
}

#endif
