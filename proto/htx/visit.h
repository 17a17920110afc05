/*
 * P's side of a connection until P speaks, or for ever: the splice, with the eyes open.
 *
 *     GREETING   the first bytes are copied until they are a hello, or are none
 *     JUDGING    the hello is whole and on its way to the origin; tick() looks for a tag
 *     TIED       tagged; the automaton (htx/watch.h) follows both sides
 *     PROVE      the moment, with R at the start of `held`: qn_htx_visit_answer() or refuse()
 *     ANSWERED   PROOF went out instead of R; what follows is the carrier's. The splice's queues
 * are still what peek offers SPLICE     not ours, or no longer: two legs joined, nothing kept,
 * nothing known
 *
 * Verbs and events are those of htx/splice.h. docs/wire/htx.md.
 */
#ifndef QN_HTX_VISIT_H
#define QN_HTX_VISIT_H

#include "crypto/digest.h"
#include "htx/greeting.h"
#include "htx/keys.h"
#include "htx/site.h"
#include "htx/splice.h"
#include "htx/transcript.h"
#include "htx/watch.h"

typedef enum qn_htx_visit_state {
    QN_HTX_VISIT_GREETING,
    QN_HTX_VISIT_JUDGING,
    QN_HTX_VISIT_TIED,
    QN_HTX_VISIT_PROVE,
    QN_HTX_VISIT_ANSWERED,
    QN_HTX_VISIT_SPLICE
} qn_htx_visit_state;

/* Of a tagged connection only. */
typedef struct qn_htx_tied {
    qn_noise x;     /* past message 1 */
    qn_vouch vouch; /* for the key it names: that may be erased meanwhile */
    qn_htx_tag tag;
    qn_htx_watch watch;
    uint8_t random[32];
    qn_htx_kem kem;
    bool prepared; /* for PROOF */
    qn_htx_transcript to_c, to_o;
} qn_htx_tied;

typedef struct qn_htx_visit {
    qn_env *env;
    qn_tally *tally; /* may be NULL */
    const qn_htx_site *site;
    qn_htx_visit_state state; /* read */
    qn_htx_splice splice;
    qn_htx_greeting greeting;
    uint8_t *hello; /* JUDGING: its record */
    size_t hello_n;
    qn_htx_tied *tied; /* read: TIED to ANSWERED */
    qn_piece held;     /* read: bytes of O that may not pass; PROVE, ANSWERED: R first */
    size_t record;     /* read, PROVE and ANSWERED: R's length with its header */
} qn_htx_visit;

void qn_htx_visit_init(qn_htx_visit *v, qn_env *env, qn_tally *tally, const qn_htx_site *site,
                       const qn_htx_splice_cfg *cfg);
/* Nobody looks at what is said: the connection is the origin's from its first byte. */
void qn_htx_visit_leave(qn_htx_visit *v);
void qn_htx_visit_clear(qn_htx_visit *v); /* in any state; wipes and frees */

/* None in PROVE and ANSWERED. */
qn_span qn_htx_visit_space(const qn_htx_visit *v, uint8_t leg);
void qn_htx_visit_commit(qn_htx_visit *v, uint8_t leg, size_t n);
unsigned qn_htx_visit_peek(const qn_htx_visit *v, uint8_t leg, qn_slice *s, unsigned max);
void qn_htx_visit_consume(qn_htx_visit *v, uint8_t leg, size_t n);
void qn_htx_visit_opened(qn_htx_visit *v, uint8_t leg);
void qn_htx_visit_ended(qn_htx_visit *v, uint8_t leg, qn_ending how); /* not in ANSWERED */
bool qn_htx_visit_next(qn_htx_visit *v, qn_carrier_event *ev);
/* Only ever now: the hello has been offered to the origin, and its tag is to be looked for; or all
 * but the second answer has come, and PROOF is to be prepared. */
qn_time qn_htx_visit_due(const qn_htx_visit *v);
void qn_htx_visit_tick(qn_htx_visit *v);

/* In PROVE, one of these. `proof` goes to C, v->record bytes; what was held is dropped, and now the
 * caller's business. */
void qn_htx_visit_answer(qn_htx_visit *v, const uint8_t *proof);
/* Or it does not: the connection is the origin's. */
void qn_htx_visit_refuse(qn_htx_visit *v);
/* In ANSWERED: nothing of the proof is needed any more. The connection is a splice from here on, as
 * far as this machine is concerned. */
void qn_htx_visit_release(qn_htx_visit *v);

#endif
