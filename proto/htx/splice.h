/*
 * Two legs, joined: what HTX is for everybody who is not a client of ours, and for those too until
 * the switch. docs/wire/htx.md, "The splice".
 *
 * Leg 0 is the visitor, leg 1 the origin. Verbs and events are a carrier's wire side
 * (carrier/carrier.h); of its events this machine gives DIAL, FINISH, CLOSE, RESET and, last, LOST.
 * It has no timer: whoever is slow is the origin's to judge. A leg with a zero space is read again
 * after the other leg's bytes have left.
 */
#ifndef QN_HTX_SPLICE_H
#define QN_HTX_SPLICE_H

#include "carrier/carrier.h"

/* What the other leg's socket did not take: one large block. Then reading stops. */
#define QN_HTX_SPLICE_MAX QN_BLOCK_LARGE

typedef struct qn_htx_splice_cfg {
    qn_addr origin;
    bool proxy;            /* own origins: tell it who comes, by PROXY protocol version 2 */
    qn_addr client, local; /* with proxy: the visitor, and where it dialled */
} qn_htx_splice_cfg;

typedef struct qn_htx_splice {
    qn_env *env;
    qn_htx_splice_cfg cfg;
    struct qn_htx_leg {
        qn_queue out; /* to this leg's socket */
        bool eof;     /* its direction has ended */
        bool mute;    /* takes nothing any more */
        bool gone;    /* ended both ways, or we ended it */
        uint8_t due;  /* what its world must be told, as bits */
    } leg[2];
    bool dial_due, joined, lost_due, over;
    qn_err err; /* LOST's */
} qn_htx_splice;

/* DIAL is the first event. */
void qn_htx_splice_init(qn_htx_splice *s, qn_env *env, const qn_htx_splice_cfg *cfg);
void qn_htx_splice_clear(qn_htx_splice *s); /* in any state; frees */

/* In the engine's scratch; n == 0: do not read now. */
qn_span qn_htx_splice_space(const qn_htx_splice *s, uint8_t leg);
/* n <= the space just given. */
void qn_htx_splice_commit(qn_htx_splice *s, uint8_t leg, size_t n);
unsigned qn_htx_splice_peek(const qn_htx_splice *s, uint8_t leg, qn_slice *v, unsigned max);
void qn_htx_splice_consume(qn_htx_splice *s, uint8_t leg, size_t n);
void qn_htx_splice_opened(qn_htx_splice *s, uint8_t leg);
/* A dial that failed: (1, RESET) without opened. */
void qn_htx_splice_ended(qn_htx_splice *s, uint8_t leg, qn_ending how);
bool qn_htx_splice_next(qn_htx_splice *s, qn_carrier_event *ev);

/* ---- for an owner who speaks instead of a side ------------------------------------------------
 */

/* Bytes for this leg's socket; a leg that takes none any more is passed over. Without memory both
 * legs are reset. */
void qn_htx_splice_write(qn_htx_splice *s, uint8_t leg, qn_slice bytes);
/* Leg 1 gets a FIN, or a RST, after what is queued. The other direction goes on while there is one.
 */
void qn_htx_splice_shut(qn_htx_splice *s, bool reset);
/* Leg 1 is gone, and leg 0 is not to follow it. */
void qn_htx_splice_lost(qn_htx_splice *s);
/* Both legs end after what is queued for them: orderly, or (bit of `reset` by leg) with a RST. LOST
 * follows. */
void qn_htx_splice_leave(qn_htx_splice *s, unsigned reset, qn_err err);
/* Both legs are reset now; LOST follows. */
void qn_htx_splice_fail(qn_htx_splice *s, qn_err err);

#endif
