/*
 * Destinations that streams of ours reached lately, by those who may share circuits: further SOCKS
 * requests for them are answered early (early.c).
 *
 * Only keyed names are kept, which nobody can choose and no memory dump turns back into hosts.
 */
#ifndef QN_NODE_KNOWN_H
#define QN_NODE_KNOWN_H

#include "base/addr.h"
#include "base/env.h"

typedef struct known_dest {
    uint64_t name; /* of isolation key and destination */
    qn_time at;    /* when it was last reached */
} known_dest;

typedef struct knowns {
    known_dest *v; /* in no order; at most QN_KNOWN_MAX */
    uint32_t n, cap;
    uint8_t key[16]; /* drawn with the first */
} knowns;

/* It was reached now; the oldest gives way. Without memory it is forgotten. */
void knowns_add(knowns *k, qn_env *env, const uint8_t isolation[16], const qn_dest *d);
/* Whether it was within QN_KNOWN_LIFE. */
bool knowns_have(const knowns *k, const qn_env *env, const uint8_t isolation[16], const qn_dest *d);
void knowns_forget(knowns *k, const uint8_t isolation[16], const qn_dest *d);
void knowns_clear(knowns *k, qn_mem *mem); /* wipes; may repeat */

#endif
