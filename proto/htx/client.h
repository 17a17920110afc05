/*
 * HTX's initiator: a browser's visit to an ordinary site that may go on as a carrier. No verb of
 * it shows outside which of the two it is. docs/wire/htx.md.
 *
 * browser.c is the browser: TLS, HTTP/2, two requests, and PROOF instead of the second answer.
 * client.c is the carrier: the leg, records after the switch, CARRIER, endings.
 */
#ifndef QN_HTX_CLIENT_H
#define QN_HTX_CLIENT_H

#include "base/inbox.h"
#include "carrier/carrier.h"
#include "h2/h2.h"
#include "htx/keys.h"
#include "htx/plan.h"
#include "htx/traffic.h"
#include "htx/transcript.h"
#include "htx/warm.h"
#include "tls/client.h"

/* cfg->initiator and cfg->htx must be set. create: also QN_CONFIG. */
extern const qn_carrier_kind qn_htx_client_kind;

typedef enum qn_htx_phase {
    QN_HTX_DIALLING, /* leg 0 is not open */
    QN_HTX_LOADING,  /* handshake, page */
    QN_HTX_WAITING,  /* for the second answer, instead of which PROOF may come */
    QN_HTX_VISITOR,  /* nothing will come of this; it ends as a browser's idle connection does */
    QN_HTX_CARRYING, /* ESTABLISHED */
    QN_HTX_OVER
} qn_htx_phase;

/* What a dialler decides by: whether to try another peer (3 s into WAITING), whose clock is wrong,
 * whether streams may still be opened. */
typedef struct qn_htx_look {
    qn_htx_phase phase;
    qn_time since; /* when the phase began */
    bool dated;    /* O said its time: */
    int64_t ahead; /* it is so many seconds ahead of env->wall */
    bool draining; /* O ended: no new streams, and the link ends in so many seconds */
    uint16_t drain;
    uint32_t asked; /* requests to O, all in all */
} qn_htx_look;

qn_htx_look qn_htx_client_look(const qn_carrier *c);

/* ---- for the two files ---------------------------------------------------------------------- */

/* Everything that can prove something. Wiped at the switch and as soon as there will be none. */
typedef struct qn_htx_hope {
    qn_noise noise;
    uint8_t session_id[32];
    qn_htx_lock proof;
    qn_mlkem_dk mlkem;
    bool hybrid; /* the hello offers 0x11ec: mlkem is its key */
    qn_htx_transcript heard, sent;
    bool spoilt; /* an earlier record was as long as the second request's */
    qn_peerid responder, own_id;
    qn_vouch vouch; /* ours, with claim */
    bool claim;
    uint16_t max_record; /* the descriptor's */
} qn_htx_hope;

typedef struct qn_htx_client {
    qn_carrier base;
    qn_env *env;
    qn_tally *tally;
    const qn_h2_profile *h2_profile;
    const qn_shape_profile *shape_profile;
    const qn_tls_profile *tls_profile;
    qn_tls_tickets *tickets; /* NULL, or the caller's; ours are under place */
    qn_hash place;
    uint8_t name[QN_NAME_MAX], name_n;
    qn_htx_plan plan;
    qn_tls *tls;       /* both until the origin connection is over */
    qn_h2 *h2;         /* NULL before ESTABLISHED */
    qn_htx_hope *hope; /* NULL: a visitor, or carrying */
    uint32_t page_id, second_id;
    bool healthy; /* the page's answer is one a browser goes on from */
    bool dated;
    int64_t ahead;

    qn_htx_warm warm;
    qn_htx_traffic traffic; /* after the switch */
    uint64_t heard;         /* CARRIER's DATA when the last request left ... */
    uint32_t largest;       /* ... and what its answer may be */
    bool named;             /* both ends are: no cover is needed on the way */
    bool draining;
    uint16_t drain;
    qn_established est;

    qn_queue out;
    qn_inbox in;
    qn_htx_phase phase;
    qn_time since, deadline, idle;
    qn_time ask_at; /* while LOADING: when the second request leaves; 0: the page is not here yet */
    qn_err err;     /* LOST's */
    bool eof, mute;
    bool raw; /* P gave the connection back to O, which will end it */
    bool est_due, leg_due, lost_due;
    qn_carrier_event_type leg; /* with leg_due */
} qn_htx_client;

/* browser.c */
QN_MUST_CHECK qn_err qn_htx_browser_init(qn_htx_client *c, const qn_carrier_cfg *cfg);
void qn_htx_browser_clear(qn_htx_client *c); /* the origin connection and all hope; may repeat */
/* The hello leaves. */
QN_MUST_CHECK qn_err qn_htx_browser_start(qn_htx_client *c);
/* One whole TLS record of leg 0, or the origin's out of CARRIER. An error ends the connection:
 * QN_GONE and what TLS or h2 said, ours; what is to be sent before is in c->out, or carried. After
 * QN_OK the phase may have become CARRYING. */
QN_MUST_CHECK qn_err qn_htx_browser_record(qn_htx_client *c, const uint8_t *record, size_t n);
/* A record while carrying that no QNet key opens. QN_OK: O said it, so P has given the connection
 * back to O, and nothing is to be answered; QN_GONE: O ends it; QN_AUTH: it is damage. */
QN_MUST_CHECK qn_err qn_htx_browser_raw(qn_htx_client *c, const uint8_t *record, size_t n);
QN_MUST_CHECK qn_err qn_htx_browser_misframed(qn_htx_client *c, qn_err err);
QN_MUST_CHECK qn_err qn_htx_browser_eof(qn_htx_client *c);
/* What the browser has ready moves on; call when there is room again. */
QN_MUST_CHECK qn_err qn_htx_browser_flush(qn_htx_client *c);
/* The page was read for long enough: the second request leaves. As record. */
QN_MUST_CHECK qn_err qn_htx_browser_ask(qn_htx_client *c);
/* Another request to the origin, if one is due: what it sends waits for a flush. As flush. */
QN_MUST_CHECK qn_err qn_htx_browser_warm(qn_htx_client *c);
/* What this browser says to an origin it leaves is sent. As flush. */
QN_MUST_CHECK qn_err qn_htx_browser_leave(qn_htx_client *c);
void qn_htx_browser_give_up(qn_htx_client *c); /* a visitor from here on */
void qn_htx_client_phase(qn_htx_client *c, qn_htx_phase phase, qn_time deadline);

#endif
