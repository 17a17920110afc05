/*
 * What both sides of a proof can swear to of one direction so far: its application records, header
 * included, in order, as one SHA-256.
 *
 * Not of every byte: TLS does not protect the version in a plaintext record's header, how
 * plaintext is cut into records, or change_cipher_spec (RFC 8446 5, 5.1). Who changes one of these
 * on the way disturbs no browser, so he must not disturb us. docs/decisions/0008.
 */
#ifndef QN_HTX_TRANSCRIPT_H
#define QN_HTX_TRANSCRIPT_H

#include "crypto/crypto.h"
#include "crypto/digest.h"
#include "htx/boundary.h"

typedef struct qn_htx_transcript {
    qn_running sum;
    qn_htx_boundary at;
} qn_htx_transcript;

QN_MUST_CHECK qn_err qn_htx_transcript_init(qn_htx_transcript *t, qn_env *env);
void qn_htx_transcript_clear(qn_htx_transcript *t); /* may repeat */
/* The next bytes, cut anyhow. QN_PROTO: a record without a body, which TLS does not have. */
QN_MUST_CHECK qn_err qn_htx_transcript_add(qn_htx_transcript *t, qn_slice bytes);
QN_MUST_CHECK qn_err qn_htx_transcript_hash(const qn_htx_transcript *t, qn_env *env, qn_hash *out);

#endif
