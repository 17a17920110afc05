/*
 * A TLS 1.3 client that a browser's profile drives (RFC 8446). No TLS 1.2, no
 * early data, no server.
 *
 * Sans-I/O: bytes in by space/commit, bytes out by peek/consume, what happened
 * by next. It has no timers: whoever owns the connection bounds its time. Two
 * steps begin a connection, so that a carrier can tag the hello in between:
 * create() draws and writes it, start() completes and sends it.
 *
 * The owner's law is the carrier's (carrier/carrier.h): after start, commit,
 * record or ended, drain next(); between commit and next() == false nobody else
 * uses the engine's scratch. ENDED is the last event; when what peek then
 * offers has left, the connection gets its FIN: after damage that is one
 * encrypted alert, a record of 19 bytes, as Chromium and Firefox answer.
 */
#ifndef QN_TLS_CLIENT_H
#define QN_TLS_CLIENT_H

#include "base/block.h"
#include "crypto/x509.h"
#include "tls/hello.h"

typedef struct qn_tls qn_tls;

typedef struct qn_tls_cfg {
    const qn_tls_profile *profile; /* outlives the client; its date is the caller's to check */
    qn_roots *roots;               /* outlives the client */
    qn_slice name;                 /* the server's DNS name, 1 to 255 bytes; copied */
    const qn_tls_ticket *ticket;   /* NULL, or one of this name's; copied. Offered if it fits */
} qn_tls_cfg;

typedef enum qn_tls_event_type {
    QN_TLS_ESTABLISHED, /* the server is authenticated; our Finished is in peek */
    QN_TLS_BYTES,       /* piece: one record's application data; the reference passes */
    QN_TLS_TICKET,      /* ticket: for a later connection */
    QN_TLS_ENDED        /* err: QN_OK after the server's close_notify */
} qn_tls_event_type;

typedef struct qn_tls_event {
    qn_tls_event_type type;
    qn_err err;
    qn_piece piece;
    qn_tls_ticket ticket;
    /* ESTABLISHED */
    uint16_t suite, group;
    bool resumed;
    bool retried;           /* the server sent a HelloRetryRequest */
    bool asked_certificate; /* the server wanted one from us, and got an empty one
                             */
    bool alps;              /* the server answered application settings */
    bool anchors;           /* it answered trust_anchors */
    bool ech;               /* it answered the GREASE ECH: it would take a real one */
    qn_hash leaf;           /* SHA-256 of its certificate; zeros when resumed */
    qn_slice alpn;          /* what the server chose; empty: nothing. Valid until the next
                               call */
} qn_tls_event;

/* QN_NOMEM, QN_INTERNAL, QN_LIMIT (no hello fits: the name is too long). */
QN_MUST_CHECK qn_err qn_tls_create(qn_tls **out, qn_env *env, const qn_tls_cfg *cfg);
void qn_tls_destroy(qn_tls *c); /* wipes and frees, in any state; NULL is fine */

/* ---- the hello, before start --------------------------------------------------------------- */

/* The handshake message up to the binders, its session id zeroed. Valid until
 * start. */
qn_slice qn_tls_prologue(const qn_tls *c);
/* The secrets of its shares: the standalone X25519 key, and the ML-KEM key if
 * its share is there. They go with the handshake: NULL when it is over. */
const qn_tls_shares *qn_tls_secrets(const qn_tls *c);
/* Sends the hello with this session id; NULL: random bytes, as a browser has.
 * Once. */
QN_MUST_CHECK qn_err qn_tls_start(qn_tls *c, const uint8_t session_id[32]);

/* ---- wire ---------------------------------------------------------------------------------- */

qn_span qn_tls_space(qn_tls *c); /* n == 0: ended */
void qn_tls_commit(qn_tls *c, size_t n);
/* One complete record, instead of space and commit. QN_AUTH: it does not open,
 * and nothing changed, so that it may be somebody else's; qn_tls_damaged() says
 * that it was not. Everything else is for next(). */
QN_MUST_CHECK qn_err qn_tls_record(qn_tls *c, const uint8_t *record, size_t n);
void qn_tls_damaged(qn_tls *c);
/* The same for the server's next record but `missed`: those never come. */
QN_MUST_CHECK qn_err qn_tls_record_behind(qn_tls *c, unsigned missed, const uint8_t *record,
                                          size_t n);
/* For owners who cut records themselves: the bytes are no record, as qn_tls_track
 * said by err. */
void qn_tls_misframed(qn_tls *c, qn_err err);
unsigned qn_tls_peek(const qn_tls *c, qn_slice *v, unsigned max);
void qn_tls_consume(qn_tls *c, size_t n);
void qn_tls_eof(qn_tls *c); /* the server's FIN or reset: ENDED{QN_GONE} unless
                               it already ended */
bool qn_tls_next(qn_tls *c, qn_tls_event *ev);

/* ---- application data, after ESTABLISHED --------------------------------------------------- */

/* One record of at most 16,384 bytes. QN_FULL: over QN_TLS_OUT_MAX waits;
 * QN_STATE: not established, or ended; QN_NOMEM, QN_EXHAUSTED, QN_INTERNAL.
 * Nothing was sent then. */
QN_MUST_CHECK qn_err qn_tls_send(qn_tls *c, qn_slice data);
/* Says close_notify; what the server says until its own is still given out. Nothing may be sent
 * afterwards. QN_STATE: not established, or ended; otherwise as send. */
QN_MUST_CHECK qn_err qn_tls_close(qn_tls *c);
/* The last words to a server whose close_notify ended the connection: data (nothing: none), then
 * close_notify. QN_STATE unless ENDED{QN_OK} and not said before; otherwise as send. */
QN_MUST_CHECK qn_err qn_tls_answer_close(qn_tls *c, qn_slice data);

#endif
