/*
 * The replay set: tags that were answered, so that none is answered twice (docs/wire/htx.md,
 * "Replay set"). A node has one of its own and gives STORE what it holds. Where several nodes with
 * the same keys run side by side (docs/decisions/0017) their world makes one for all of them, keeps
 * it, and lends it as a qn_htx_answered: it alone must be known to all at once.
 */
#ifndef QNET_REPLAY_H
#define QNET_REPLAY_H

#include "qnet/env.h"
#include "qnet/err.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_htx_replay qn_htx_replay;

/* How a node asks a set that is not its own. Called on the node's thread, so whoever lends it to
 * several locks inside. */
typedef struct qn_htx_answered {
    /* Unix seconds: tags of earlier times are not answered. */
    int64_t (*floor)(void *ctx);
    /* As qn_htx_replay_enter; with QN_OK the entry is kept before this returns. */
    qn_err (*enter)(void *ctx, int64_t tag_time, const uint8_t random[32],
                    const uint8_t session_id[32]);
    void *ctx;
} qn_htx_answered;

/* `mirror_keys` and `replay` as qn_htx_cfg's stored ones; the env must be stamped before each call
 * and outlive the set. QN_NOMEM. A stored set that is of no use is taken for none. */
QN_MUST_CHECK qn_err qn_htx_replay_new(qn_htx_replay **out, qn_env *env, qn_slice mirror_keys,
                                       qn_slice replay);
void qn_htx_replay_free(qn_htx_replay *r); /* NULL: nothing */

/* Unix seconds; moves when the wall clock has gone back. */
int64_t qn_htx_replay_floor(qn_htx_replay *r);
/* QN_OK: entered. QN_STALE: known, or before the floor. QN_NOMEM: not entered, so do not answer.
 * At QN_HTX_REPLAY_MAX the oldest gives way. */
QN_MUST_CHECK qn_err qn_htx_replay_enter(qn_htx_replay *r, int64_t tag_time,
                                         const uint8_t random[32], const uint8_t session_id[32]);

/* ---- as bytes: a key, then the entries, oldest first ------------------------------------------
 */

/* So many random bytes are an empty set. */
#define QN_HTX_REPLAY_EMPTY 16
#define QN_HTX_REPLAY_HEAD QN_HTX_REPLAY_EMPTY
#define QN_HTX_REPLAY_ENTRY 16

size_t qn_htx_replay_size(const qn_htx_replay *r);
void qn_htx_replay_save(const qn_htx_replay *r, uint8_t *out); /* qn_htx_replay_size() bytes */
/* Entries since the last call, at most max, as they are appended to what was saved. Returns how
 * many. */
uint32_t qn_htx_replay_news(qn_htx_replay *r, uint8_t *out, uint32_t max);

#ifdef __cplusplus
}
#endif
#endif
