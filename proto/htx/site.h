/*
 * What a peer knows of itself and of its origin, for all its connections. docs/wire/htx.md, "What
 * a peer knows of its origin".
 *
 * A carrier holds a pointer to it and copies nothing. Keys, PSKs and names are read while a hello
 * is judged, figures when they are needed; so between two verbs the owner may change anything in
 * it, arrays behind pointers included, when an epoch turns or a new measurement is there. Tags that
 * were opened stay what they are: a key may be erased while connections live that began under it.
 */
#ifndef QN_HTX_SITE_H
#define QN_HTX_SITE_H

#include "carrier/carrier.h"
#include "htx/replay.h"
#include "htx/shape_profile.h"
#include "htx/tag.h"

/* What the origin does after an alert: whether it says one too, and how it ends the connection. */
typedef struct qn_htx_parting {
    bool alert;
    bool reset; /* RST, else FIN */
} qn_htx_parting;

typedef struct qn_htx_site {
    qn_htx_tag_judge judge;  /* floor and tally are filled in by whoever judges */
    const qn_vouch *vouches; /* the node's for judge.keys, in their order; NULL: none */
    qn_htx_replay *replay;
    const qn_htx_answered *answered; /* NULL; or in place of replay: a set of several sites */
    const qn_shape_profile *shape;   /* of any browser's profile: which it is only tells uplink
                                        records apart. Needed with `proven` */
    bool own; /* the operator's own origin: told who comes, by PROXY protocol version 2 */

    /* The origin is measured, and all of the following is so. Without it nobody is ever answered
     * by PROOF, and nothing of it is read but for carriers that began with it. */
    bool proven;
    uint32_t flight, flight_r; /* F, full and resumed: see htx/watch.h */
    uint16_t alert;            /* length of its encrypted alerts: QN_HTX_ALERT_MIN or more */
    uint16_t goaway;           /* length of the record with its GOAWAY */
    qn_htx_parting after_fatal, after_notify; /* what follows C's alert of either kind */
    uint16_t max_record; /* content of its bulk records: QN_RECORD_CONTENT_MIN to _MAX */
    qn_time idle;        /* how long it keeps an idle connection; QN_NEVER */
    uint16_t drain;      /* seconds a link lives on whose origin ended, while streams are open */
} qn_htx_site;

#define QN_HTX_ALERT_MIN 19 /* level, description, inner type, tag */
#define QN_HTX_DRAIN_S 300  /* unless configured */

#endif
