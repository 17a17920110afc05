/*
 * Guards: the few nodes that we enter the network by, kept for months.
 *
 * Whoever draws a new entry for every circuit meets a hostile one soon; whoever keeps his entry
 * meets one with the odds of a single draw, or never. (Oeverlier and Syverson 2006; Tor's proposal
 * 271 is where the order of trying and the patience with lists come from.)
 *
 * A guard is kept until its drawn date, or until no list has named it for GUARD_UNLISTED_S. The
 * first that answers is used: those that have carried a path of ours before all others, oldest
 * first. New ones are drawn only when none of the kept can be used now, QN_GUARDS_MAX at most.
 */
#ifndef QN_PATH_GUARD_H
#define QN_PATH_GUARD_H

#include "base/limits.h"
#include "path/candidate.h"

typedef struct qn_guard {
    qn_peerid id;
    int64_t since, until; /* Unix seconds; since is blurred by up to ten days */
    int64_t unlisted;     /* when lists began to leave it out; 0: it is listed */
    bool confirmed;       /* a path through it has worked */
    /* of this run only */
    uint8_t failures; /* in a row */
    qn_time retry;    /* not before */
} qn_guard;

typedef struct qn_guards {
    uint8_t flag; /* QN_CANDIDATE_RELAY: entries of circuits; _EXIT: exits of one-hop routes */
    uint8_t n;
    bool changed;              /* since the owner last kept it; he clears it */
    qn_guard v[QN_GUARDS_MAX]; /* in the order they are tried */
} qn_guards;

void qn_guards_init(qn_guards *g, uint8_t flag);

/* A list has come, or a day has passed: who is not in it, whose time is over. */
void qn_guards_review(qn_guards *g, const qn_env *env, const qn_candidate *v, size_t n);
/* A path through it worked, or failed at it. Unknown ids are passed over. */
void qn_guards_worked(qn_guards *g, const qn_peerid *id);
void qn_guards_failed(qn_guards *g, const qn_env *env, const qn_peerid *id);

/* Whether candidate i may be used for what is wanted: the caller's rules. */
typedef bool qn_guard_fits(const void *ctx, size_t i);
/* The guard to use: an index into v; n: none of those kept can be used, and the caller should draw
 * a new one, unless g is full. */
size_t qn_guards_pick(const qn_guards *g, const qn_env *env, const qn_candidate *v, size_t n,
                      qn_guard_fits *fits, const void *ctx);
bool qn_guards_full(const qn_guards *g);
bool qn_guards_has(const qn_guards *g, const qn_peerid *id);
/* Keeps a newly drawn one, at the end of the order. Not when full, and none twice. */
void qn_guards_keep(qn_guards *g, qn_env *env, const qn_peerid *id);

/* ---- across restarts --------------------------------------------------------------------------
 */

#define QN_GUARDS_BYTES (16 + QN_GUARDS_MAX * 80)

/* Deterministic CBOR: [version 1, flag, [[id, since, until, unlisted, confirmed], ...]]. Returns
 * the length. */
size_t qn_guards_write(const qn_guards *g, uint8_t out[QN_GUARDS_BYTES]);
/* QN_CANON, QN_PROTO, QN_TRUNCATED, QN_VERSION, QN_LIMIT; *g is then untouched. */
QN_MUST_CHECK qn_err qn_guards_read(qn_guards *g, uint8_t flag, qn_slice in);

#endif
