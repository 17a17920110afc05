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

/* Domain tags, one per kind of object; a signature for one never passes for another. */
#define QN_TAG_DESCRIPTOR "qnet-descriptor-v1"
#define QN_TAG_HEARTBEAT "qnet-heartbeat-v1"
#define QN_TAG_SNAPSHOT "qnet-snapshot-v1"
#define QN_TAG_NETWORK "qnet-network-v1"
#define QN_TAG_CONTACT "qnet-contact-v1"
#define QN_TAG_OPERATOR "qnet-operator-v1"
#define QN_TAG_ROOT "qnet-root-v1"
#define QN_TAG_LINK_KEY "qnet-link-key-v1" /* these two: over the key alone, dir/vouch.h */
#define QN_TAG_MIRROR_KEY "qnet-mirror-key-v1"

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

/* As it is, whether the signature is good or not. QN_CONFIG: out is too small. */
QN_MUST_CHECK qn_err qn_envelope_write(const qn_envelope *e, uint8_t *out, size_t cap, size_t *n);
/* Signs and writes the envelope. QN_CONFIG: body over QN_SIGNED_MAX, or out too small. */
QN_MUST_CHECK qn_err qn_envelope_seal(const char *tag, const uint8_t network[32], qn_slice body,
                                      const qn_sign_secret *secret, uint8_t *out, size_t cap,
                                      size_t *n);
/* Structure only: QN_CANON, QN_TRUNCATED, QN_PROTO. */
QN_MUST_CHECK qn_err qn_envelope_read(qn_envelope *e, qn_slice in);
/* The same for the first of several: the rest of *in is what follows it. */
QN_MUST_CHECK qn_err qn_envelope_take(qn_envelope *e, qn_slice *in);
/* Structure and signature by the key inside. */
QN_MUST_CHECK qn_err qn_envelope_open(qn_envelope *e, const char *tag, const uint8_t network[32],
                                      qn_slice in);

#endif
