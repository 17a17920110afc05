/*
 * The operators' signed list of descriptors: [body, [[operator index, signature], ...]].
 *
 * Each operator signs "qnet-snapshot-v1" || network id || version || valid-until || SHA-256(body);
 * a snapshot counts when at least the network file's threshold of distinct operators signed it.
 * Its version is its valid-after in Unix seconds and never goes back (promise P5).
 *
 * Opened snapshots are immutable and reference-counted; a process's nodes share them through the
 * intern table (qnet/network.h), so a thousand simulated nodes verify one list once. Time is not
 * part of opening's result: each node asks validity of its own clock.
 */
#ifndef QN_DIR_SNAPSHOT_H
#define QN_DIR_SNAPSHOT_H

#include "dir/descriptor.h"
#include "dir/pack.h"
#include "dir/registry.h"

#define QN_WEIGHT_MAX 1000

/* One listed node. Everything lives as long as its snapshot. */
typedef struct qn_relay {
    qn_descriptor d;
    qn_slice body;   /* what d.identity signed; the signature is not listed (decision 25) */
    uint16_t weight; /* 1..QN_WEIGHT_MAX: how often to choose it, relative to others */
} qn_relay;

typedef struct qn_snapshot {
    uint32_t refs;
    uint64_t version; /* == valid_after */
    int64_t valid_after, valid_until;
    qn_hash hash; /* SHA-256 of bytes */
    qn_slice bytes;
    qn_slice body; /* what the operators signed; inside bytes */
    uint32_t relays_n;
    const qn_relay *relays;   /* ascending by d.id */
    uint16_t signers;         /* bit i: operator i signed it */
    uint16_t proven;          /* bit i: the body proves that operator i signed two lists at once */
    qn_slice proofs;          /* of that: an array for qn_equivocations_read; or empty */
    qn_hash body_hash;        /* what they signed, beside the times */
    uint64_t verifications;   /* Ed25519 verifications it took: the operators' */
    qn_mem *mem;              /* what it is charged to: the intern's or the node's */
    size_t size;              /* bytes charged */
    struct qn_intern *intern; /* NULL: shared with nobody */
    uint8_t network[32];      /* part of the intern's key */
    uint32_t root;            /* likewise: whose operators signed */
    struct qn_outline *outline; /* of it, once somebody asked (dir/delta.h); NULL: nobody has */
    qn_blob packed;             /* likewise: all of bytes, packed */
    struct qn_snapshot *next;   /* in the intern's list, newest first */
} qn_snapshot;

/*
 * Verifies everything, or finds the same bytes in the intern table (may be NULL), and returns one
 * reference in *out. `known` is the version the node already holds, 0 for none.
 * QN_STALE: not newer than known; QN_EXPIRED, QN_EARLY (valid-after more than QN_CLOCK_SKEW_S
 * ahead) by env->wall; QN_NETWORK: of another network; QN_AUTH: fewer good operator signatures
 * than the threshold, or any bad one; QN_LIMIT: too big, lives over
 * QN_SNAPSHOT_LIFE_S; QN_CANON, QN_TRUNCATED, QN_PROTO, QN_VERSION, QN_POLICY; QN_NOMEM.
 */
QN_MUST_CHECK qn_err qn_snapshot_open(qn_snapshot **out, qn_env *env, const qn_network *net,
                                      struct qn_intern *intern, qn_slice bytes, uint64_t known);
/* The same for one that may be too old to go by, for who needs somebody to ask: whatever its times.
 */
QN_MUST_CHECK qn_err qn_snapshot_recall(qn_snapshot **out, qn_env *env, const qn_network *net,
                                        struct qn_intern *intern, qn_slice bytes);
qn_snapshot *qn_snapshot_ref(qn_snapshot *s);
void qn_snapshot_drop(qn_snapshot *s); /* NULL is fine; interned ones stay in the table */
QN_MUST_CHECK qn_err qn_snapshot_valid(const qn_snapshot *s, int64_t wall);
/* All of it as one packed document, made once for all who hold it. Lives as long as s. QN_NOMEM. */
QN_MUST_CHECK qn_err qn_snapshot_packed(qn_snapshot *s, qn_slice *out);
/* NULL: not listed. */
const qn_relay *qn_snapshot_find(const qn_snapshot *s, const qn_peerid *id);
/* Whether a circuit may use it at `wall`: descriptor, link key and current onion key are valid. */
bool qn_relay_usable(const qn_relay *r, int64_t wall);

/* ---- the intern table ------------------------------------------------------------------------
 * Not locked: it belongs to one thread, like the nodes that share it. */

typedef struct qn_intern_stats {
    uint64_t opened;   /* snapshots verified in full */
    uint64_t hits;     /* opens answered from the table */
    uint64_t verified; /* Ed25519 verifications done */
    uint64_t saved;    /* and not done, thanks to hits: what a simulation charges to its nodes */
    uint32_t held;     /* snapshots in the table now, at most QN_INTERN_MAX */
    uint32_t shared;   /* other things in it now, at most QN_INTERN_SHARED_MAX */
} qn_intern_stats;
void qn_intern_stats_get(const struct qn_intern *t, qn_intern_stats *out);
/* What the table was made with: whatever is shared by way of it is taken from here. */
qn_mem *qn_intern_mem(const struct qn_intern *t);

/* Anything else that is the same for all who were given the same bytes: the head of the owner's own
 * struct. It stays while somebody holds it, and is never changed. */
typedef struct qn_shared {
    struct qn_shared *next;
    struct qn_intern *intern; /* NULL: one holder, no table */
    qn_hash key;              /* SHA-256 of those bytes */
    uint32_t refs;
} qn_shared;
/* Takes a reference. NULL: not there, or no table. */
qn_shared *qn_shared_find(struct qn_intern *t, const qn_hash *key);
/* A new one, with its first reference. With QN_INTERN_SHARED_MAX there, or no table, it stays the
 * caller's alone. */
void qn_shared_add(struct qn_intern *t, qn_shared *s);
/* Gives a reference back. True: it was the last; the table has forgotten it and the caller frees
 * it. */
bool qn_shared_drop(qn_shared *s);

/* ---- operators ------------------------------------------------------------------------------- */

/*
 * A list as operators hand it to each other: taken apart, its signatures verified, its entries not
 * yet looked at. One signature makes it a proposal, the threshold's number a snapshot.
 */
typedef struct qn_snapshot_signature {
    uint8_t operator_index; /* place in the network file's list */
    qn_signature signature;
} qn_snapshot_signature;

typedef struct qn_signed_list {
    qn_slice body; /* points into the input */
    int64_t valid_after, valid_until;
    qn_hash hash;     /* SHA-256 of body */
    uint16_t signers; /* bit i: operator i; all of v are good */
    uint8_t n;
    qn_snapshot_signature v[QN_OPERATORS_MAX];
} qn_signed_list;

/* Errors as qn_snapshot_open's for structure, network and signatures; how many there are is the
 * caller's to judge: qn_snapshot_enough. */
QN_MUST_CHECK qn_err qn_signed_list_open(qn_signed_list *out, qn_env *env, const qn_network *net,
                                         qn_slice bytes);
/* Whether these operators, without those proven to have signed two lists at once, are a threshold.
 */
bool qn_snapshot_enough(const qn_network *net, uint16_t signers);

/* The body listing every live registration whose descriptor is valid now, and `proofs` (an encoded
 * array of equivocations; empty: none). valid_after becomes the version: the caller keeps it above
 * every earlier one. The same registry, times and proofs give the same bytes. QN_CONFIG: times out
 * of order or further apart than QN_SNAPSHOT_LIFE_S. Charged to r->env. */
QN_MUST_CHECK qn_err qn_snapshot_build(qn_blob *body, const qn_registry *r, int64_t valid_after,
                                       int64_t valid_until, qn_slice proofs);
/* False: this key signs for no operator of net. */
bool qn_operator_find(const qn_network *net, const qn_sign_public *key, uint8_t *index);
/* One operator's signature over a body. QN_CONFIG: this key signs for no operator of net. */
QN_MUST_CHECK qn_err qn_snapshot_sign(qn_snapshot_signature *out, qn_env *env,
                                      const qn_network *net, qn_slice body,
                                      const qn_secret32 *operator_seed);
/* Body and signatures (distinct operators, any order) as one snapshot. */
QN_MUST_CHECK qn_err qn_snapshot_join(qn_blob *out, qn_env *env, qn_slice body,
                                      const qn_snapshot_signature *v, unsigned n);

#endif
