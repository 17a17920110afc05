/*
 * RESUME: how the two ends of a link that has lost its carrier, or is to leave it, agree to go on
 * upon a fresh one. docs/wire/link.md, "Resuming".
 *
 * Every carrier's handshake leaves both ends a secret (qn_established.resume). It names the link on
 * the next carrier and proves the right to it: the proof covers that carrier's handshake hash, so
 * it is of no use on any other.
 */
#ifndef QN_LINK_RESUME_H
#define QN_LINK_RESUME_H

#include "crypto/crypto.h"
#include "frame/frame.h"

typedef struct qn_resume {
    qn_key secret;
    uint64_t token; /* names the link; 0: none */
} qn_resume;

typedef enum qn_resume_side { QN_RESUME_DIALLER = 0, QN_RESUME_DIALLED = 1 } qn_resume_side;

/* QN_INTERNAL: *r is then none. */
QN_MUST_CHECK qn_err qn_resume_init(qn_resume *r, qn_env *env, const qn_key *secret);
void qn_resume_wipe(qn_resume *r);
/* A whole RESUME frame: this side has `received` units and speaks on the carrier with this hash. */
QN_MUST_CHECK qn_err qn_resume_put(const qn_resume *r, qn_env *env, qn_resume_side side,
                                   const qn_hash *carrier, uint64_t received,
                                   uint8_t out[QN_FRAME_RESUME_SIZE]);
/* Whether a RESUME frame of this side's is one: QN_AUTH; QN_UNKNOWN: it is empty. */
QN_MUST_CHECK qn_err qn_resume_check(const qn_resume *r, qn_env *env, qn_resume_side side,
                                     const qn_hash *carrier, const qn_frame *f);
/* Whether frames of this type are a link's, not its carrier's. */
bool qn_resume_is_links(qn_frame_type type);
/* The RESUME among a record's frames, if no frame of a link's is before it; QN_SHORT: nothing of a
 * link's; QN_STATE: something else of it; QN_PROTO. */
QN_MUST_CHECK qn_err qn_resume_find(qn_slice content, qn_frame *f);

#endif
