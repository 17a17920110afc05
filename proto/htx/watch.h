/*
 * Whether, and when, a peer may speak on a tagged connection: the automaton of docs/wire/htx.md,
 * "The proof: when", fed with both directions' bytes behind the hello. It keeps none of them.
 *
 * A thief of a hello can make an origin accept nothing, so what counts is only what an origin does
 * for a client it has accepted, in the order a browser makes it do so. Everything else unties the
 * connection, for good: the owner forgets the keys and is a splice.
 */
#ifndef QN_HTX_WATCH_H
#define QN_HTX_WATCH_H

#include "base/env.h"
#include "htx/boundary.h"
#include "htx/server_hello.h"

#define QN_HTX_PROOF_MIN 1300 /* length of the record PROOF replaces; PROOF needs 1261 */

typedef enum qn_htx_state {
    QN_HTX_ANSWER,  /* O: ServerHello */
    QN_HTX_FLIGHT,  /* O: its whole first flight, sent to C */
    QN_HTX_REQUEST, /* C: its first flight, a request at the end */
    QN_HTX_PAGE,    /* O: the answer, sent to C */
    QN_HTX_SECOND,  /* C: the second request */
    QN_HTX_ARMED,   /* O: the record PROOF goes out instead of */
    QN_HTX_UNTIED
} qn_htx_state;

typedef struct qn_htx_watch_cfg {
    uint8_t session_id[32];
    uint8_t requests;  /* the tag's n1 */
    uint16_t second;   /* and L2 */
    uint32_t flight;   /* O's shortest first flight: the lengths of its application records */
    uint32_t flight_r; /* the same when it resumes */
    uint16_t alert;    /* length of O's encrypted alerts */
} qn_htx_watch_cfg;

typedef struct qn_htx_watch {
    qn_htx_watch_cfg cfg;
    qn_htx_state state;
    qn_htx_boundary c, o;
    qn_htx_state c_began, o_began; /* the state in which the record under way began */
    qn_htx_server_hello hello;
    bool c_ccs, o_ccs, o_data; /* O: an application record has begun */
    uint8_t done;              /* C's application records */
    uint32_t flown;            /* O's lengths, in FLIGHT */
    uint64_t heard, sent;      /* bytes of O, and of them taken by C's socket */
    uint64_t must_send;        /* the state goes on when so many are sent; 0: nothing to wait for */
    qn_time armed;
} qn_htx_watch;

typedef enum qn_htx_word {
    QN_HTX_PASS, /* used bytes go to C as they are: all of them */
    QN_HTX_HOLD, /* used bytes go to C; offer the rest again, with more behind it */
    QN_HTX_PROVE /* used bytes go to C; the next `record` bytes are R: PROOF's moment */
} qn_htx_word;

/* The hello's record was whole, nothing came behind it, and O had said nothing. */
void qn_htx_watch_init(qn_htx_watch *w, const qn_htx_watch_cfg *cfg);
/* Bytes of C, in order; they go to O whatever this makes of them. */
void qn_htx_watch_client(qn_htx_watch *w, qn_time now, const uint8_t *p, size_t n);
/* Bytes of O, in order. HOLD and PROVE only while ARMED; at most a record is ever held back. Once
 * untied the answer is PASS. */
qn_htx_word qn_htx_watch_origin(qn_htx_watch *w, qn_time now, const uint8_t *p, size_t n,
                                size_t *used, size_t *record);
/* C's socket took n more bytes of those that went to it. */
void qn_htx_watch_sent(qn_htx_watch *w, uint64_t n);
/* EOF, a reset or a failed write on either leg. */
void qn_htx_watch_ended(qn_htx_watch *w);

#endif
