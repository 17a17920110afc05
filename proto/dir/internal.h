/* Shared by this folder's files only. */
#ifndef QN_DIR_INTERNAL_H
#define QN_DIR_INTERNAL_H

#include "base/cbor.h"
#include "dir/snapshot.h"

/* What an entry of a snapshot adds to its signed descriptor at most (the weight; it lacks more than
 * that), and what stands around all entries: fields and signatures. */
enum { QN_SNAPSHOT_ENTRY_EXTRA = 3, QN_SNAPSHOT_EXTRA = 2048 };

/* [PeerID, snapshot key, link key, address] */
void qn_operator_put(qn_cbor_w *w, const qn_operator *o);
void qn_operator_get(qn_cbor_r *r, qn_operator *o);
void qn_operators_get(qn_cbor_r *r, qn_network *net); /* an array of them */
/* NULL when all is well with a network's fields, else one sentence. */
const char *qn_network_fault(const qn_network *net);

struct qn_intern {
    qn_mem *mem;
    qn_snapshot *first; /* newest first */
    qn_shared *shared;
    qn_intern_stats stats;
};

/* Keys of a snapshot's body, and of what stands around it. */
enum {
    SNAP_VERSION = 1,
    SNAP_AFTER,
    SNAP_UNTIL,
    SNAP_NETWORK,
    SNAP_ENTRIES,
    SNAP_KEYS = SNAP_ENTRIES,
    SNAP_PROOFS = 128
};

/* What an operator signs behind domain tag and network id: version u64, valid-until u64,
 * SHA-256(body). */
#define QN_SNAPSHOT_SIGNED 48
void qn_snapshot_message(uint8_t out[QN_SNAPSHOT_SIGNED], int64_t after, int64_t until,
                         const qn_hash *body);

/* A body taken apart as far as its list: entries_n of [identity, body, weight] are next in
 * `entries`. The structure of the whole body has been checked. */
typedef struct qn_snapshot_body {
    int64_t valid_after, valid_until;
    uint8_t network[32];
    uint64_t entries_n;
    qn_cbor_r entries;
    qn_slice proofs; /* an array of equivocations; empty: none */
} qn_snapshot_body;
QN_MUST_CHECK qn_err qn_snapshot_body_read(qn_snapshot_body *b, qn_slice in);

/* One entry, its descriptor's body not read yet. */
typedef struct qn_snapshot_entry {
    qn_sign_public identity;
    qn_slice body;
    uint16_t weight;
} qn_snapshot_entry;
QN_MUST_CHECK qn_err qn_snapshot_entry_read(qn_cbor_r *r, qn_snapshot_entry *e);

void qn_snapshot_free(qn_snapshot *s); /* that nobody holds and no table has */

/* Verified under this root of the network. NULL: not in the table. Does not take a reference. */
qn_snapshot *qn_intern_find(struct qn_intern *t, const qn_network *net, const qn_hash *hash);
/* Zeroed memory from the intern's own; evicts unreferenced snapshots, oldest first, when there is
 * none left. */
void *qn_intern_get(struct qn_intern *t, size_t n);
/* Takes the snapshot into the table when there is room for it (or an unreferenced one to evict);
 * without room it stays the caller's alone. */
void qn_intern_add(struct qn_intern *t, qn_snapshot *s);

#endif
