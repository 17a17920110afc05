/* Shared by the files of the client. */
#ifndef QN_TLS_INTERNAL_H
#define QN_TLS_INTERNAL_H

#include "base/engine.h"
#include "base/inbox.h"
#include "tls/client.h"
#include "tls/numbers.h"
#include "tls/protect.h"

typedef enum qn_tls_state {
    QN_TLS_CREATED,
    QN_TLS_WANT_HELLO,
    QN_TLS_WANT_EXTENSIONS,
    QN_TLS_WANT_CERTIFICATE, /* or a request for ours */
    QN_TLS_WANT_VERIFY,
    QN_TLS_WANT_FINISHED,
    QN_TLS_UP,
    QN_TLS_OVER
} qn_tls_state;

/* What only the handshake needs; freed with it. */
typedef struct qn_tls_shake {
    qn_tls_draw draw;
    qn_tls_shares shares;
    uint8_t hello[QN_TLS_HELLO_MAX]; /* the last one sent, until its hash is known */
    size_t hello_n, cut;
    qn_tls_ticket ticket;
    bool offered; /* the ticket is in the hello */
    uint16_t retry_suite, retry_group;
    qn_tls_schedule schedule;
    uint8_t client_secret[QN_MD_MAX], server_secret[QN_MD_MAX]; /* handshake traffic */
    qn_cert_key *leaf;
} qn_tls_shake;

struct qn_tls {
    qn_env *env;
    const qn_tls_profile *profile;
    qn_roots *roots;
    uint8_t name[QN_NAME_MAX];
    uint8_t name_n;
    qn_tls_state state;
    qn_tls_shake *shake;
    qn_running transcript; /* from the ServerHello on */
    const qn_tls_suite *suite;
    qn_tls_keys tx, rx;
    uint8_t resumption[QN_MD_MAX]; /* master secret */
    uint16_t group;
    bool resumed, retried, asked, alps, anchors, ech, ccs_sent;
    bool closed;  /* our close_notify is said */
    qn_hash leaf; /* of the certificate */
    uint8_t alpn[255], alpn_n;
    bool update_owed; /* the server asked for our KeyUpdate; it leaves with the
                         next data */
    unsigned ccs, empty, updates, warnings, tickets; /* floods */

    /* in */
    qn_inbox records;
    qn_piece data;    /* application data to be reported */
    uint8_t *message; /* handshake bytes not yet understood */
    size_t message_n, message_cap;

    qn_queue out;
    bool established_due, ended_due;
    qn_err err;
};

/* An event is to be reported, or the machine ended: stop reading. */
typedef struct qn_tls_fault {
    qn_err err; /* QN_OK: no fault */
    uint8_t alert;
} qn_tls_fault;

static inline qn_tls_fault qn_tls_fine(void)
{
    return (qn_tls_fault){0};
}

static inline qn_tls_fault qn_tls_fault_of(qn_err err, uint8_t alert)
{
    return (qn_tls_fault){.err = err, .alert = alert};
}

/* Our own trouble: the server did nothing wrong. */
static inline qn_tls_fault qn_tls_ours(qn_err err)
{
    return (qn_tls_fault){.err = err, .alert = err == QN_OK ? 0 : QN_TLS_INTERNAL_ERROR};
}

/* client.c */
void qn_tls_fail(qn_tls *c, qn_tls_fault fault); /* alert, then the end */
QN_MUST_CHECK qn_err qn_tls_emit(qn_tls *c, uint8_t type, qn_slice content);
QN_MUST_CHECK qn_err qn_tls_emit_ccs(qn_tls *c);
QN_MUST_CHECK qn_err qn_tls_emit_hello(qn_tls *c); /* with the binder it needs */
void qn_tls_shake_free(qn_tls *c);

/* shake_hello.c */
qn_tls_fault qn_tls_on_server_hello(qn_tls *c, qn_slice message);
/* shake.c: one message of the handshake, header included. */
qn_tls_fault qn_tls_on_shake(qn_tls *c, qn_slice message);
/* shake_cert.c */
qn_tls_fault qn_tls_on_certificate(qn_tls *c, qn_slice body);
qn_tls_fault qn_tls_on_compressed(qn_tls *c, qn_slice body);
qn_tls_fault qn_tls_on_verify(qn_tls *c, qn_slice body);
/* post.c: a message after the handshake; *ev is filled for a ticket. */
qn_tls_fault qn_tls_on_post(qn_tls *c, qn_slice message, qn_tls_event *ev, bool *event);

#endif
