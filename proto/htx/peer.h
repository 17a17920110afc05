/*
 * HTX's responder: a port forwarder to the origin that may begin to speak. docs/wire/htx.md.
 *
 *     VISIT    everybody, from the first byte: htx/visit.h, until PROOF went out
 *     HOLD     C's records are tried with message 3's key, O's are kept
 *     QNET     ESTABLISHED was given: records both ways, O's inside CARRIER
 *     LEAVING  C's CLOSE has come; its alert is on the way
 *     RAW      the origin's again, for ever; or all is over
 *
 * peer.c has the carrier's verbs, prove.c the way in, raw.c the way out that nobody must see, and
 * part.c the orderly ends.
 */
#ifndef QN_HTX_PEER_H
#define QN_HTX_PEER_H

#include "base/inbox.h"
#include "carrier/carrier.h"
#include "htx/site.h"
#include "htx/traffic.h"
#include "htx/visit.h"

/* cfg->initiator is not set; cfg->site and cfg->origin are. */
extern const qn_carrier_kind qn_htx_peer_kind;

/* What a node decides by that accepted this carrier. */
typedef struct qn_htx_peer_look {
    bool carrying; /* there is a link */
    bool draining; /* O has ended: no new streams; the link ends with the last one, or at `until` */
    bool parting;  /* C has said CLOSE, and its end is waited for as O would wait */
    qn_time until;
} qn_htx_peer_look;

qn_htx_peer_look qn_htx_peer_see(const qn_carrier *c);

/* ---- for the four files -----------------------------------------------------------------------
 */

/* From PROOF on. */
typedef struct qn_htx_bond {
    qn_htx_traffic traffic; /* its carry holds O's bytes from R on, in the hold too */
    qn_htx_lock final;      /* message 3's */
    uint8_t ciphers;        /* of our offer */
    qn_established est;
    bool est_due;
    qn_piece first; /* frames that came in message 3 */
    bool busy;      /* the link has open streams */
    bool o_over;    /* nothing goes to O any more, or nothing comes from it: */
    qn_time until;  /* the link ends */
    qn_time pause;  /* O's bytes wait until then, if the link is idle */
    qn_time stale;  /* C's incomplete record is given up */
    qn_time leave;  /* C's end is not waited for any longer */
} qn_htx_bond;

typedef enum qn_htx_peer_state {
    QN_HTX_PEER_VISIT,
    QN_HTX_PEER_HOLD,
    QN_HTX_PEER_QNET,
    QN_HTX_PEER_LEAVING,
    QN_HTX_PEER_RAW
} qn_htx_peer_state;

typedef struct qn_htx_peer {
    qn_carrier base;
    qn_env *env;
    qn_tally *tally;
    const qn_htx_site *site;
    qn_htx_peer_state state;
    uint16_t max_record; /* cfg's; the site may want less */
    qn_htx_visit visit;  /* with both legs' queues, in every state */
    qn_inbox in;         /* of C, from HOLD on */
    qn_htx_bond *bond;   /* HOLD to LEAVING */
    bool raw_due;
    qn_err err; /* RAW's */
} qn_htx_peer;

/* prove.c */
void qn_htx_peer_prove(qn_htx_peer *p); /* the visit is in PROVE */
/* HOLD: the whole record at the front of p->in, over QN_HTX_CONTROL_MAX. QN_OK: message 3, and
 * ESTABLISHED is due. Otherwise nothing changed. */
QN_MUST_CHECK qn_err qn_htx_peer_final(qn_htx_peer *p, size_t size);

#define QN_HTX_CONTROL_MAX 60 /* length of a record that the hold lets pass untried */

/* raw.c */
void qn_htx_peer_raw(qn_htx_peer *p, qn_err err);  /* an anomaly; HOLD and QNET */
void qn_htx_peer_drop(qn_htx_peer *p);             /* the bond and what was read; may repeat */
void qn_htx_peer_fail(qn_htx_peer *p, qn_err err); /* our own trouble: both legs are reset */

/* part.c; QNET and LEAVING */
void qn_htx_peer_alerted(qn_htx_peer *p, const uint8_t alert[2]);
void qn_htx_peer_closed(qn_htx_peer *p);               /* C said CLOSE, and nothing behind it */
void qn_htx_peer_close(qn_htx_peer *p, uint16_t code); /* the link's close() */
void qn_htx_peer_origin_over(qn_htx_peer *p, bool reset);
void qn_htx_peer_busy(qn_htx_peer *p, bool open);
qn_time qn_htx_peer_part_due(const qn_htx_peer *p);
void qn_htx_peer_part_tick(qn_htx_peer *p);

static inline qn_queue *qn_htx_peer_out(qn_htx_peer *p)
{
    return &p->visit.splice.leg[0].out;
}

/* When O would no longer wait for C, less the time to tell it; at least QN_HTX_STALE. */
qn_time qn_htx_peer_patience(const qn_htx_peer *p);

/* C's socket takes nothing any more. */
static inline bool qn_htx_peer_mute(const qn_htx_peer *p)
{
    return p->visit.splice.leg[0].mute;
}

#endif
