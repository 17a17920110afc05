/*
 * The bare carrier's insides: one leg, Noise XKpsk0 and records straight on the conn, no disguise.
 * For tests and lab networks. docs/wire/link.md has its bytes.
 */
#ifndef QN_CARRIER_BARE_H
#define QN_CARRIER_BARE_H

#include "base/inbox.h"
#include "carrier/carrier.h"
#include "carrier/outflow.h"
#include "carrier/record.h"
#include "noise/noise.h"

#define QN_BARE_MESSAGE_MAX 208 /* the longest handshake message is 194 bytes: see bare_shake.c */
#define QN_BARE_READ_ON QN_SEC  /* after a write failed: what the peer said last may still come */

/* Lives from create to ESTABLISHED only. */
typedef struct qn_bare_shake {
    qn_noise noise;
    qn_peerid responder, own_id;
    qn_dh_public responder_key;
    qn_vouch vouch; /* ours */
    bool claim;
} qn_bare_shake;

typedef enum qn_bare_state { QN_BARE_SHAKING, QN_BARE_OPEN, QN_BARE_LOST } qn_bare_state;

typedef struct qn_bare {
    qn_carrier base;
    qn_env *env;
    qn_tally *tally;
    qn_bare_shake *shake; /* NULL once established */
    qn_record_keys tx, rx;
    qn_queue out;
    qn_outflow outflow;
    qn_inbox in;
    qn_time deadline;
    qn_err err; /* LOST's */
    uint16_t max_record;
    qn_bare_state state;
    bool initiator, mute; /* mute: nothing can be written any more */
    bool eof, rekeying;   /* rekeying: the record being built ends with KEY_UPDATE */
    bool leg_due, lost_due;
    qn_carrier_event_type leg; /* with leg_due: CLOSE or RESET */
} qn_bare;

QN_MUST_CHECK qn_err qn_bare_shake_init(qn_bare *c, const qn_carrier_cfg *cfg);
void qn_bare_shake_free(qn_bare *c); /* wipes; may repeat */
/* The initiator's first message goes out. */
QN_MUST_CHECK qn_err qn_bare_shake_start(qn_bare *c);
/* One handshake record's body arrived; QN_AGAIN: more messages follow; QN_OK: est is filled, the
 * record keys are ready and the handshake state is gone. */
QN_MUST_CHECK qn_err qn_bare_shake_read(qn_bare *c, qn_slice body, qn_established *est);

#endif
