/*
 * One connection to an origin, as a QNet client makes it: the same TLS, the same HTTP/2, the same
 * profile; and every record's length kept. docs/origin-check.md.
 */
#ifndef ORIGIN_CHECK_VISIT_H
#define ORIGIN_CHECK_VISIT_H

#include "h2/h2.h"
#include "htx/watch.h"
#include "io-real/env.h"
#include "qnet/addr.h"
#include "tls/client.h"

#define SLOW (3 * QN_SEC) /* a client then tries another peer */
#define NOTICED_SIZE (QN_RECORD_BODY_MAX / 8 + 1)

/* What all visits share. */
typedef struct site {
    qn_real_env real;
    qn_roots *roots;
    qn_addr addr;
    const char *unix_path;          /* NULL: addr; otherwise addr is what a PROXY header says */
    bool proxy;                     /* a PROXY header first, as an own peer sends it */
    uint8_t ordinary[NOTICED_SIZE]; /* bit per length of a record that was no alert */
    size_t control_max;             /* longest of those that belong to no answer */
    size_t content_max;             /* most application data in one record */
    qn_time rtt;                    /* the quickest connect; QN_NEVER before the first */
    unsigned answers, slow;         /* all; those that began over SLOW after their request */
    bool early_data;                /* a ticket takes it */
} site;

typedef enum ending { OPEN, FIN, RST } ending;

typedef struct answer {
    uint32_t id;
    uint16_t status;
    bool done, elsewhere; /* elsewhere: Alt-Svc */
    qn_err err;           /* when done */
    int64_t date;
    uint64_t bytes;
    unsigned big;    /* records of at least QN_HTX_PROOF_MIN, from the request to the end */
    unsigned behind; /* shorter ones after the last of those */
    qn_time asked;
} answer;

typedef struct visit {
    site *site;
    const qn_h2_profile *h2_profile;
    const char *name;
    int fd;
    qn_tls *tls;
    qn_h2 *h2; /* NULL until TLS is up, or when the origin chose no h2 */
    uint8_t in[QN_BLOCK_LARGE];
    size_t in_n;
    bool damage; /* the next application record that leaves gets one bit turned */
    bool up;
    bool over; /* TLS has ended, with err */
    bool h2_over;
    qn_err err;
    qn_tls_event est;
    qn_tls_ticket ticket;
    unsigned tickets;
    size_t flight; /* lengths of the first flight's application records; of its last one: */
    size_t flight_last;
    size_t alert;       /* length of the encrypted alert; 0: none came */
    size_t goaway;      /* of the record with GOAWAY; 0: none came */
    unsigned late;      /* application records after our end of TLS was over */
    size_t late_length; /* of the first of them */
    bool talking;       /* now is an answer's */
    answer now;
    qn_htx_watch *watch; /* NULL: nobody looks on */
    bool proved;         /* it would have spoken */
    ending end;
} visit;

typedef struct visit_cfg {
    const qn_tls_profile *tls;
    const qn_h2_profile *h2;
    const char *name;
    const qn_tls_ticket *ticket; /* NULL: a full handshake */
    bool damage;                 /* of the client's Finished */
    /* NULL, or a peer's view of this visit: its cfg is filled in but for the session id. */
    qn_htx_watch *watch;
} visit_cfg;

/* Dials and shakes hands. False: the origin cannot be reached; otherwise v->up and v->err say how
 * it went. Close it in any case. */
bool visit_open(visit *v, site *s, const visit_cfg *cfg);
void visit_close(visit *v);
/* Asks, and reads until the answer is complete, the origin ended or `patience` is over. False: no
 * complete answer; v->now has what came. */
bool visit_ask(visit *v, qn_h2_kind kind, const char *path, uint64_t largest, qn_time patience);
/* Application data of the caller's making, one record. */
void visit_say(visit *v, const void *p, size_t n);
/* Bytes of the caller's making, past TLS. */
void visit_raw(visit *v, const void *p, size_t n);
/* Reads until the origin has ended, or patience is over: then v->end is OPEN. */
void visit_wait(visit *v, qn_time patience);
/* The same, or until it says GOAWAY. */
void visit_wait_goaway(visit *v, qn_time patience);
/* Sends what is ready. */
void visit_flush(visit *v);

#endif
