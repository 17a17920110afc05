/*
 * The envelope of every object one key signs: [body, signer's key, signature], deterministic CBOR,
 * three byte strings. The signature covers
 *
 *     domain tag || network id (32) || body, exactly as received
 *
 * never a re-encoding, so a body can only be read as what its signer meant, in the network he
 * meant. docs/wire/directory.md.
 */
#ifndef QN_DIR_ENVELOPE_H
#define QN_DIR_ENVELOPE_H

#include "base/cbor.h"
#include "crypto/crypto.h"
#include "qnet/addr.h"

/* Domain tags, one per kind of object; a signature for one never passes for another. */
#define QN_TAG_DESCRIPTOR "qnet-descriptor-v1"
#define QN_TAG_HEARTBEAT  "qnet-heartbeat-v1"
#define QN_TAG_SNAPSHOT   "qnet-snapshot-v1"
#define QN_TAG_NETWORK    "qnet-network-v1"

/* What an envelope adds to its body: array head, two short byte string heads, a body head. */
#define QN_ENVELOPE_OVERHEAD (1 + 3 + 2 + 32 + 2 + 64)

typedef struct qn_envelope {
    qn_slice body; /* points into the input */
    qn_sign_public key;
    qn_signature signature;
} qn_envelope;

/* QN_LIMIT when tag and body exceed QN_SIGNED_MAX. */
QN_MUST_CHECK qn_err qn_signed_sign(const char *tag, const uint8_t network[32], qn_slice body,
                                    const qn_sign_secret *secret, qn_signature *out);
/* QN_AUTH when the signature is not this key's over exactly these bytes; QN_LIMIT as above. */
QN_MUST_CHECK qn_err qn_signed_verify(const char *tag, const uint8_t network[32], qn_slice body,
                                      const qn_sign_public *key, const qn_signature *signature);

/* Signs and writes the envelope. QN_CONFIG: body over QN_SIGNED_MAX, or out too small. */
QN_MUST_CHECK qn_err qn_envelope_seal(const char *tag, const uint8_t network[32], qn_slice body,
                                      const qn_sign_secret *secret, uint8_t *out, size_t cap,
                                      size_t *n);
/* Structure only: QN_CANON, QN_TRUNCATED, QN_PROTO. */
QN_MUST_CHECK qn_err qn_envelope_read(qn_envelope *e, qn_slice in);
/* Structure and signature by the key inside. */
QN_MUST_CHECK qn_err qn_envelope_open(qn_envelope *e, const char *tag, const uint8_t network[32],
                                      qn_slice in);

/*
 * Bodies are maps of small unsigned keys. A key below 128 that a reader does not know is refused
 * with QN_VERSION; keys from 128 on may be ignored, which is how later versions add what old
 * nodes can do without. Call in the default: of the switch over keys.
 */
void qn_body_unknown_key(qn_cbor_r *r, uint64_t key);
/* 6 or 18 bytes: the IP address and the port, both in network order. */
void qn_body_put_addr(qn_cbor_w *w, const qn_addr *a);
/* QN_PROTO in r->err for another length or port 0. */
void qn_body_get_addr(qn_cbor_r *r, qn_addr *a);
/* An instant: Unix seconds from 0 up to 2^40; QN_PROTO in r->err otherwise. */
int64_t qn_body_get_time(qn_cbor_r *r);

#endif
