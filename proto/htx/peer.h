/*
 * HTX's responder: a port forwarder to the origin that may begin to speak. docs/wire/htx.md.
 *
 *     VISIT   everybody, from the first byte: htx/visit.h, until PROOF went out
 *     HOLD    C's records are tried with message 3's key, O's are kept
 *     QNET    ESTABLISHED was given: records both ways, O's inside CARRIER
 *     LEAVING the link is over and has said so; C's own farewell is awaited
 *     RAW     the origin's again, for ever
 */
#ifndef QN_HTX_PEER_H
#define QN_HTX_PEER_H

#include "carrier/carrier.h"
#include "htx/site.h"

/* cfg->initiator is not set; cfg->site and cfg->origin are. */
extern const qn_carrier_kind qn_htx_peer_kind;

/* What a node decides by that accepted this carrier. */
typedef struct qn_htx_peer_look {
    bool carrying; /* there is a link */
    bool draining; /* O has ended: no new streams; the link ends with the last one, or at `until` */
    qn_time until;
} qn_htx_peer_look;

qn_htx_peer_look qn_htx_peer_see(const qn_carrier *c);

#endif
