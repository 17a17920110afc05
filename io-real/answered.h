/*
 * The tags that the nodes of one process have answered, when there are several: the only thing all
 * loops share that can change, because a hello that one of them has answered must be known to all
 * at once. Its lock is taken for each tagged hello and for each proof. What is entered is in the
 * state directory's file "replay" before the proof goes out.
 */
#ifndef QN_REAL_ANSWERED_H
#define QN_REAL_ANSWERED_H

#include "io-real/env.h"
#include "io-real/store.h"
#include "qnet/replay.h"

typedef struct qn_answered_set qn_answered_set;

/* What was stored is needed during new only; the store outlives the set. NULL: out of memory, or
 * the file cannot be written, why says. */
qn_answered_set *qn_answered_new(const qn_store *store, qn_level log, qn_slice mirror_keys,
                                 qn_slice replay, qn_why why);
void qn_answered_free(qn_answered_set *s); /* NULL: nothing */
/* For any number of nodes on any threads. */
const qn_htx_answered *qn_answered_verbs(const qn_answered_set *s);

#endif
