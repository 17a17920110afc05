/*
 * What lies between two lists: who holds the one is told the other in a few KiB.
 *
 *     [SHA-256 of the body that is held, skip, copy, bytes, skip, copy, bytes, ...]
 *
 * Beginning at the start of the held body: pass over `skip` bytes of it, take `copy`, then `bytes`.
 * The result is a whole snapshot, to be opened like any other, so a delta proves nothing and can
 * spoil nothing. Of its own lists a server keeps outlines, which are a twelfth as long.
 * docs/wire/directory.md.
 */
#ifndef QN_DIR_DELTA_H
#define QN_DIR_DELTA_H

#include "dir/snapshot.h"

/* One entry of a list: enough to know it again and to name where it stood. */
typedef struct qn_outline_entry {
    uint8_t id[8];       /* of the PeerID, by which they ascend */
    uint8_t digest[16];  /* of SHA-256 of the descriptor */
    uint32_t at;         /* where in the body it begins */
    uint16_t descriptor; /* bytes from there to the descriptor's end */
    uint8_t rest_n;      /* bytes behind that: the weight */
    uint8_t rest[3];
} qn_outline_entry;

typedef struct qn_outline {
    uint32_t refs, n;
    qn_hash body; /* SHA-256 of the body it is of */
    qn_mem *mem;  /* what it is charged to */
    qn_outline_entry v[];
} qn_outline;

/* The outline of s, shared by all who ask for it; one reference more, to be dropped. NULL: no
 * memory. */
qn_outline *qn_snapshot_outline(qn_snapshot *s, qn_env *env);
void qn_outline_drop(qn_outline *o); /* NULL is fine */
size_t qn_outline_size(const qn_outline *o);

/* From `base` to s, whose outline `target` is. QN_NOMEM. */
QN_MUST_CHECK qn_err qn_delta_write(qn_blob *out, qn_env *env, const qn_outline *base,
                                    const qn_snapshot *s, const qn_outline *target);
/* The snapshot that a delta makes of `held`, unverified. QN_STALE: it is for another body;
 * QN_LIMIT: more than QN_SNAPSHOT_MAX bytes; QN_PROTO: it takes more than there is; else as the
 * CBOR reader.
 */
QN_MUST_CHECK qn_err qn_delta_apply(qn_blob *out, qn_env *env, const qn_snapshot *held,
                                    qn_slice delta);

#endif
