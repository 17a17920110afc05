/*
 * Founding a network in steps, so that no process holds the keys of two operators: what goes from
 * one to the next are public files.
 *
 *     operator: keygen --operator, network entry --> founder: network init
 *     operator: network contact                  --> founder: network complete
 *
 * And changing operators later: everybody's network entry --> anybody: network rotate -->
 * operators, old and new: network sign --> anybody: network complete.
 */
#ifndef QNET_FOUNDING_H
#define QNET_FOUNDING_H

#include "io-real/env.h"
#include "io-real/store.h"

typedef struct founding {
    const char *out, *name, *founder_key;
    const char *state[QN_OPERATORS_MAX]; /* at most one: the founder's own */
    const char *addr[QN_OPERATORS_MAX];
    const char *origin[QN_OPERATORS_MAX];
    const char *entry[QN_OPERATORS_MAX];
    unsigned states, addrs, origins, entries;
    uint64_t operators; /* so many are made here; 0: none */
    uint64_t threshold; /* 0: the smallest majority */
    bool lab, help;
} founding;

/* Each returns an exit status; why when it is not EXIT_FINE. */
int found_network(const founding *f, qn_env *env, qn_why why);
/* f->out is a directory; each operator's steps are done by processes of their own. */
int found_with_operators(const founding *f, qn_env *env, qn_why why);
/* What the smaller steps are told. */
typedef struct step {
    const char *state, *addr, *network, *origin, *out;
    const char *contact[QN_OPERATORS_MAX], *entry[QN_OPERATORS_MAX], *root[2 * QN_OPERATORS_MAX];
    unsigned contacts, entries, roots;
    uint64_t threshold; /* 0: the smallest majority */
    bool help;
} step;

int network_rotate(const step *s, qn_env *env, qn_why why);
int network_sign(const step *s, qn_env *env, qn_why why);
/* s's copies of a root in one, and net under it; *n is 0 when there are none. */
int network_join_roots(const step *s, qn_network *net, uint8_t root[QN_ROOT_MAX], size_t *n,
                       qn_why why);
/* One operator more, from his entry's file. */
int entry_add(qn_network *net, const char *path, qn_why why);
/* The entry of the operator whose keys are in `state`; seed may be NULL, and is the caller's to
 * wipe. */
int entry_of_state(const char *state, const char *addr, qn_env *env, qn_operator *out,
                   qn_secret32 *seed, qn_why why);

#endif
