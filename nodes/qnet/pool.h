/*
 * A pool of invitations to unlisted nodes, which somebody hands out under a policy. In a directory
 * of its own:
 *
 *     pool.key   what decides who gets which
 *     pool       the policy and the invitations, JSON; a secret like each of them
 *     accounts   what is remembered of each account, JSON; its name only as a keyed hash
 */
#ifndef QNET_POOL_H
#define QNET_POOL_H

#include "io-real/store.h"
#include "qnet/handout.h"
#include "qnet/invitation.h"

#include <jansson.h>

enum { POOL_ENTRIES_MAX = 1024, POOL_ACCOUNTS_MAX = 50000, POOL_ACCOUNT_ID = 33 };

typedef struct pool {
    qn_secret32 key;
    qn_handout_policy policy;
    uint32_t n;
    qn_peerid id[POOL_ENTRIES_MAX]; /* arranged (qnet/handout.h) */
    char *text[POOL_ENTRIES_MAX];   /* invitation to the node of id[i]; owned */
    json_t *accounts;               /* by POOL_ACCOUNT_ID */
} pool;

/* Makes the key and an empty pool where there is none. Invitations that are over, or of another
 * network, are left out. Returns an exit status; on EXIT_FINE pool_close it. */
int pool_open(pool *p, const qn_store *s, qn_env *env, const qn_network *net, qn_why why);
void pool_close(pool *p); /* wipes */
/* Durably; both files, or that of the accounts. */
bool pool_write(const pool *p, const qn_store *s, qn_why why);
bool pool_write_accounts(const pool *p, const qn_store *s, qn_why why);

/* Every good invitation in the text; one to a node that has one replaces it. How many it took, and
 * how many it found damaged, over or of another network. false: the pool is full, or no memory. */
bool pool_add(pool *p, qn_env *env, const qn_network *net, qn_slice text, unsigned *taken,
              unsigned *bad, qn_why why);
/* Forgets the nodes to which the invitations in the text lead; returns how many it had. */
unsigned pool_drop(pool *p, qn_env *env, const qn_network *net, qn_slice text);

void pool_account_id(const pool *p, const char *name, char id[POOL_ACCOUNT_ID]);
/* All zero: it is new. */
qn_handout_account pool_account(const pool *p, const char *id);
/* false: there are POOL_ACCOUNTS_MAX others, or no memory. */
bool pool_remember(pool *p, const char *id, const qn_handout_account *a);

#endif
