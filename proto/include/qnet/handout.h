/*
 * Which of a pool's entries an account is given, for whoever rations entries that no list names
 * (docs/decisions/0023). Plain functions of a secret key, a policy and what is remembered of the
 * account: no state, no randomness, so what k accounts can learn can be computed and simulated.
 *
 * - The entries stand in two shelves, by a keyed hash: a small one for *young* accounts, the rest
 *   for the others. However many new accounts somebody makes, all of them see the small shelf only.
 * - An account gets one entry, and the same one whenever it asks again. When it grows old it gets
 *   one of the large shelf in its place.
 * - An account that says its entry is lost gets another, at most one every so many days, and is
 *   young again from then: so an account learns one entry of the large shelf in each time that it
 *   takes to grow old.
 * - Which entry: the one whose keyed hash with account and turn is highest, but for the last
 * turn's. An entry that comes or goes concerns hardly anybody but those who get it, or had it.
 */
#ifndef QNET_HANDOUT_H
#define QNET_HANDOUT_H

#include "qnet/env.h"
#include "qnet/err.h"
#include "qnet/id.h"
#include "qnet/network.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_handout_policy {
    uint32_t every_days;    /* a lost entry is replaced no more often */
    uint32_t young_days;    /* how long an account is young */
    uint32_t young_percent; /* of the entries are in the small shelf: 1..100, one at least */
} qn_handout_policy;

/* What is remembered of an account; all zero: it is new. */
typedef struct qn_handout_account {
    int64_t since; /* Unix seconds: first seen, or last lost its entry */
    int64_t given; /* when it was last given another entry than before */
    uint32_t turn; /* how many it has lost */
    bool old;      /* what it has is of the large shelf */
} qn_handout_account;

/* Puts the entries (distinct) in the order of their shelves: the first qn_handout_young() of them
 * are the small one. Once for each change of the pool. */
void qn_handout_arrange(const qn_secret32 *key, qn_peerid *entries, uint32_t n);
uint32_t qn_handout_young(const qn_handout_policy *p, uint32_t n);

/*
 * The entry (its place among the arranged ones) of the account of this name at `wall`; `lost`: it
 * says that what it has does not work. *a is brought up to date on QN_OK, for the caller to keep
 * before he hands anything out. QN_QUOTA: it lost one less than every_days ago; QN_GONE: the pool
 * is empty.
 */
QN_MUST_CHECK qn_err qn_handout_pick(const qn_secret32 *key, const qn_handout_policy *p,
                                     qn_handout_account *a, qn_slice name, bool lost, int64_t wall,
                                     const qn_peerid *entries, uint32_t n, uint32_t *place);

#ifdef __cplusplus
}
#endif
#endif
