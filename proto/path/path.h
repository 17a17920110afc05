/*
 * Which nodes a circuit goes through: a pure choice, made by draws from env->rng, with its reasons.
 *
 * The entry comes first: it is the guard's place (path/guard.h), and an exit that is at odds with
 * our guard must not move us to another. (Only when no exit is left that way does the exit come
 * first.) Each hop is drawn by weight among the candidates that fit: none is ourselves, none is
 * there twice, and no two share what the wish keeps apart. When a list is too small for that, rules
 * are given up one by one (country, then AS, then prefix; never family), and the path says so.
 */
#ifndef QN_PATH_PATH_H
#define QN_PATH_PATH_H

#include "base/limits.h"
#include "path/guard.h"

typedef struct qn_path_wish {
    qn_peerid self;
    uint8_t hops;      /* 1 to QN_HOPS_MAX */
    uint8_t entry;     /* bits of QN_CANDIDATE that the first hop must have beside; 0: none */
    uint8_t apart;     /* bits of QN_APART; a lab on one machine has none to keep */
    uint16_t port;     /* the last hop must exit to it; 0: any */
    char country[3];   /* of the last hop; "": any */
    qn_guards *guards; /* for the first hop (one hop: the only one); NULL: drawn like the others */
    bool turns; /* of those that fit only the least used are drawn: small labs, where every node
                   is to be seen at work */
} qn_path_wish;

typedef enum qn_hop_reason {
    QN_HOP_DRAWN,     /* by weight among those that fit */
    QN_HOP_GUARD,     /* our guard */
    QN_HOP_NEW_GUARD, /* drawn by weight, and kept as a guard from now on */
    QN_HOP_INVITED    /* the first of those who invited us that can be used */
} qn_hop_reason;

typedef struct qn_path {
    uint8_t n;
    uint8_t apart; /* what was kept apart in the end */
    bool tired;    /* candidates that should rest had to be taken */
    struct qn_path_hop {
        uint32_t at; /* index of the candidate */
        qn_hop_reason reason;
        uint32_t fitting; /* candidates that could have stood here */
        uint32_t share;   /* its part of their weight, in millionths */
        /* As hard to guess as a draw among so many of one weight, in tenths: the square of the sum
         * of weights over the sum of their squares. */
        uint32_t effective;
    } hop[QN_HOPS_MAX]; /* entry first */
} qn_path;

/* n <= 65536. QN_NOPATH: *lacks (static storage) says what is missing, for people. */
QN_MUST_CHECK qn_err qn_path_choose(qn_path *out, qn_env *env, const qn_candidate *v, size_t n,
                                    const qn_path_wish *wish, const char **lacks);

const char *qn_hop_reason_text(qn_hop_reason reason); /* static storage */
/* One sentence for people about hop i of a path, cut at cap - 1 bytes. */
void qn_path_explain(const qn_path *p, const qn_candidate *v, unsigned i, char *out, size_t cap);

#endif
