/*
 * Networks and keys as files hold them. A network file says which network a node joins: its name,
 * lab flag, the operators (key, descriptor) and the snapshot threshold; the founder's signature
 * covers all of it and the network id is the SHA-256 of the signed bytes. docs/wire/network.md.
 */
#ifndef QNET_NETWORK_H
#define QNET_NETWORK_H

#include <stdbool.h>

#include "qnet/addr.h"
#include "qnet/env.h"
#include "qnet/err.h"
#include "qnet/id.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QN_OPERATORS_MAX 16
#define QN_NETWORK_NAME 64
#define QN_ROOTS_MAX 65536 /* bytes of all roots after the first: 50 changes of 3 operators */
#define QN_ROOT_MAX 6144   /* of one: 16 operators, 32 signatures */
#define QN_NETWORK_FILE_MAX                                                                        \
    139264 /* of a file: the network, roots, a contact for each operator                           \
            */

typedef struct qn_secret32 {
    uint8_t b[32];
} qn_secret32;

/* A node's long-term secrets; files of mode 0600. Public halves are derived. */
typedef struct qn_keys {
    qn_secret32 identity; /* Ed25519 seed: signs descriptors and heartbeats */
    qn_secret32 link;     /* X25519: answers link handshakes (the bare carrier's own key) */
    qn_secret32 onion;    /* X25519: answers hop handshakes */
} qn_keys;

void qn_keys_generate(qn_env *env, qn_keys *out);
void qn_keys_wipe(qn_keys *keys);
QN_MUST_CHECK qn_err qn_keys_peerid(qn_env *env, const qn_keys *keys, qn_peerid *out);

/* An operator: who signs snapshots, and where its directory answers. */
typedef struct qn_operator {
    qn_peerid id;         /* of its node identity */
    uint8_t sign_key[32]; /* Ed25519: signs snapshots; not the node identity */
    uint8_t link_key[32]; /* X25519 of its node */
    qn_addr addr;
    qn_slice
        card; /* how HTX reaches its node, from its contact; none: empty. Points into the file */
} qn_operator;

/* The entry of a node that is an operator, made where its secrets are. Fails only when OpenSSL
 * does. */
QN_MUST_CHECK qn_err qn_operator_of(qn_env *env, const qn_keys *keys,
                                    const qn_secret32 *operator_seed, const qn_addr *addr,
                                    qn_operator *out);

#define QN_OPERATOR_ENTRY_MAX 320

/* The same as a file, from the operator to whoever founds the network: signed with its snapshot
 * key. QN_CONFIG: out (cap bytes) is too small. */
QN_MUST_CHECK qn_err qn_operator_entry_write(const qn_operator *o, const qn_secret32 *operator_seed,
                                             uint8_t *out, size_t cap, size_t *n);
/* QN_AUTH: not signed by the key in it; QN_CANON, QN_TRUNCATED, QN_PROTO, QN_VERSION: no entry. */
QN_MUST_CHECK qn_err qn_operator_entry_read(qn_operator *o, const uint8_t *p, size_t n);

typedef struct qn_network {
    uint8_t id[32];
    char name[QN_NETWORK_NAME];
    bool lab;
    int64_t created;   /* Unix seconds */
    uint32_t root;     /* how often operators were named: 1 as founded */
    qn_slice roots;    /* the later ones, as they stand in the file; point into it */
    uint8_t threshold; /* snapshot signatures needed: >= floor(N/2) + 1 */
    uint8_t operators_n;
    uint16_t distrusted; /* bit i: operator i is proven to have signed two lists of one version, so
                            its signature does not count. A node learns it; no file says it */
    qn_operator operators[QN_OPERATORS_MAX];
} qn_network;

/* The first part of a network file. Fills id and root; encodes and signs into out (cap bytes), *n =
 * length. The founder's seed signs. QN_CONFIG when a field is out of range. */
QN_MUST_CHECK qn_err qn_network_encode(qn_network *net, qn_env *env, const qn_secret32 *founder,
                                       uint8_t *out, size_t cap, size_t *n);
/* Which operator of net signs with this key. False: none. */
bool qn_network_place(const qn_network *net, const qn_secret32 *operator_seed, uint8_t *place);
/* An operator's contact, which follows the network in its file, in the operators' order: the card
 * that qn_htx_found or, later, a new series of mirror keys gave. Signed with the operator's key, so
 * that it can be renewed without founding the network again. QN_CONFIG: this key signs for no
 * operator of net, the card is not one, or out is too small. */
QN_MUST_CHECK qn_err qn_network_contact(const qn_network *net, const qn_secret32 *operator_seed,
                                        qn_slice card, uint8_t *out, size_t cap, size_t *n);
/* Naming other operators: a root whose number is next->root, without a signature yet. QN_CONFIG:
 * next's threshold or operators are not a network's. */
QN_MUST_CHECK qn_err qn_root_draft(const qn_network *next, int64_t made, uint8_t *out, size_t cap,
                                   size_t *n);
/* What a root says, whoever has signed it: number, threshold and operators. */
QN_MUST_CHECK qn_err qn_root_read(qn_network *next, qn_slice root);
/* The same root with one operator's signature more. QN_CONFIG: this key is neither an operator's of
 * net nor one's of the root; QN_STALE: it is not the root that follows net's. */
QN_MUST_CHECK qn_err qn_root_sign(const qn_network *net, qn_slice root,
                                  const qn_secret32 *operator_seed, uint8_t *out, size_t cap,
                                  size_t *n);
/* Two copies' signatures in one. QN_CONFIG: they are not of the same root. */
QN_MUST_CHECK qn_err qn_root_join(qn_slice a, qn_slice b, uint8_t *out, size_t cap, size_t *n);
/* All roots of a chain, one after the other: those net has had are passed over, and those before an
 * error stay in force. QN_UNKNOWN: one is missing between; QN_AUTH: too few have signed, or
 * somebody else has; QN_CANON, QN_TRUNCATED, QN_PROTO, QN_VERSION, QN_LIMIT. */
QN_MUST_CHECK qn_err qn_roots_apply(qn_network *net, qn_slice chain);
/* A contact alone, of the operator in that place. Errors as qn_network_decode's. */
QN_MUST_CHECK qn_err qn_network_contact_of(const qn_network *net, const uint8_t *p, size_t n,
                                           uint8_t *place);
/* How many of a file's bytes are the network itself and its roots; contacts follow. 0: it is none.
 */
size_t qn_network_own_length(const uint8_t *p, size_t n);
/* A whole file. Strict; verifies every signature and range; `why` gets one sentence on failure. The
 * operators' cards point into p. */
QN_MUST_CHECK qn_err qn_network_decode(qn_network *net, qn_env *env, const uint8_t *p, size_t n,
                                       char why[160]);

/* Verified snapshots, and what nodes read of profiles and roots, shared read-only by the nodes of
 * one process (DESIGN "Shared knowledge"). */
struct qn_intern;
struct qn_intern *qn_intern_new(qn_mem *mem);
void qn_intern_free(struct qn_intern *t);

#ifdef __cplusplus
}
#endif
#endif
