/*
 * Which nodes a circuit goes through: a pure choice, made by draws from env->rng.
 *
 * The last hop is drawn first (exits are scarce), then the entry, then what lies between. Each is
 * drawn by weight among the candidates that fit and have been used least, so that every relay of a
 * small network gets its turn. No node twice, never ourselves.
 */
#ifndef QN_CIRCUIT_PATH_H
#define QN_CIRCUIT_PATH_H

#include "base/env.h"
#include "base/limits.h"
#include "qnet/id.h"

enum {
    QN_CANDIDATE_RELAY = 1, /* may be any hop but the last */
    QN_CANDIDATE_EXIT = 2   /* may be the last hop */
};

typedef struct qn_candidate {
    qn_peerid id;
    uint8_t flags;
    uint16_t weight; /* 0: not now */
    uint32_t used;   /* how often recent paths went through it */
} qn_candidate;

/*
 * Indices into v of `hops` (1 to QN_HOPS_MAX) different nodes, entry first. n <= 65536.
 * QN_NOPATH: *lacks (static storage) says what is missing, for people; out is then undefined.
 */
QN_MUST_CHECK qn_err qn_path_choose(qn_env *env, const qn_candidate *v, size_t n,
                                    const qn_peerid *self, unsigned hops, uint32_t out[QN_HOPS_MAX],
                                    const char **lacks);

#endif
