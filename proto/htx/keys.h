/*
 * What both sides of a proof derive and lay out: the two records that carry Noise messages 2 and
 * 3, their keys and contents, and the keys that follow. docs/wire/htx.md, "The proof: what".
 *
 * Everything here takes a handshake x that qn_htx_tag_seal or qn_htx_tag_open has begun, and leaves
 * it as it was after any error, so that what fails may be somebody else's record.
 */
#ifndef QN_HTX_KEYS_H
#define QN_HTX_KEYS_H

#include "carrier/terms.h"
#include "crypto/mlkem.h"
#include "noise/noise.h"
#include "qnet/id.h"

/* ---- one sealed record ---------------------------------------------------------------------- */

/* For a single record: the nonce is the iv itself. */
typedef struct qn_htx_lock {
    qn_key key;
    uint8_t iv[12];
} qn_htx_lock;

/* PROOF's after message 1, message 3's after message 2. */
QN_MUST_CHECK qn_err qn_htx_lock_proof(qn_htx_lock *k, qn_env *env, const qn_noise *x);
QN_MUST_CHECK qn_err qn_htx_lock_final(qn_htx_lock *k, qn_env *env, const qn_noise *x);
/* Writes a whole record of n bytes, header included: the content, the inner type, zeros. QN_LIMIT:
 * the content does not fit, or n is no record's size. */
QN_MUST_CHECK qn_err qn_htx_lock_seal(const qn_htx_lock *k, qn_env *env, qn_slice content,
                                      uint8_t *record, size_t n);
/* Opens a whole record of n bytes, out of place; content has room for n and gets *got. QN_AUTH: it
 * does not open; QN_PROTO: its inner type is not 0x17. */
QN_MUST_CHECK qn_err qn_htx_lock_open(const qn_htx_lock *k, qn_env *env, const uint8_t *record,
                                      size_t n, uint8_t *content, size_t *got);

/* ---- PROOF: message 2 ------------------------------------------------------------------------ */

#define QN_HTX_PROOF_CONTENT_MAX (32 + QN_MLKEM_CT + 2 + QN_TERMS_SIZE + QN_TAG)

/* The hello's ML-KEM share, if it has one; then what was made of it. */
typedef struct qn_htx_kem {
    bool offered;
    union {
        qn_mlkem_ek ek;
        struct {
            uint8_t ct[QN_MLKEM_CT];
            qn_key shared;
        } made;
    } u;
} qn_htx_kem;

/* P, once, ahead of time: everything of PROOF that takes any. QN_AUTH: e or the ML-KEM key is bad;
 * then neither x nor kem has changed. */
QN_MUST_CHECK qn_err qn_htx_proof_prepare(qn_noise *x, qn_env *env, qn_htx_kem *kem);
/* P: the content of PROOF, after prepare. passed: SHA-256 of every byte P has sent to C before it.
 * out has QN_HTX_PROOF_CONTENT_MAX bytes and gets *n. */
QN_MUST_CHECK qn_err qn_htx_proof_write(qn_noise *x, qn_env *env, const qn_hash *passed,
                                        const qn_htx_kem *kem, const qn_terms *offer, uint8_t *out,
                                        size_t *n);
/* C: mlkem is the key behind that share, or NULL. QN_AUTH, QN_PROTO, QN_VERSION. */
QN_MUST_CHECK qn_err qn_htx_proof_read(qn_noise *x, qn_env *env, const qn_hash *passed,
                                       const qn_mlkem_dk *mlkem, qn_slice content, qn_terms *offer);

/* ---- message 3 ------------------------------------------------------------------------------- */

#define QN_HTX_FINAL_MIN 61 /* length of its record: longer than any control record */
/* its content with a PeerID and without frames */
#define QN_HTX_FINAL_CONTENT_MAX (32 + QN_TAG + 2 + QN_CHOICE_MAX + QN_TAG)

/* C: sent: SHA-256 of every byte C has sent to P before this record. out has room for
 * QN_HTX_FINAL_CONTENT_MAX + frames.n bytes, together at most QN_RECORD_CONTENT_MAX, and gets *n.
 */
QN_MUST_CHECK qn_err qn_htx_final_write(qn_noise *x, qn_env *env, const qn_hash *sent,
                                        const qn_choice *choice, uint8_t *out, size_t *n);
/* P: offered: the ciphers of its offer. plain has room for content.n bytes, and choice->frames lies
 * in it; x->rs is then C's proven key. QN_AUTH, QN_PROTO, QN_NOMEM. */
QN_MUST_CHECK qn_err qn_htx_final_read(qn_noise *x, qn_env *env, const qn_hash *sent,
                                       qn_slice content, uint8_t offered, uint8_t *plain,
                                       qn_choice *choice);

#endif
