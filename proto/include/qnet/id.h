/*
 * PeerID: multihash (0x12 0x20) of SHA-256 of the node's Ed25519 public key. Text form: lowercase
 * base32 of multihash || first 4 bytes of SHA-256("qnet-peerid" || multihash), 61 characters, so it
 * fits a DNS label (63) and a typing error is caught. docs/wire/identity.md.
 */
#ifndef QNET_ID_H
#define QNET_ID_H

#include <stdbool.h>

#include "qnet/env.h"
#include "qnet/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QN_PEERID_TEXT 61

typedef struct qn_peerid {
    uint8_t b[32]; /* the digest; the multihash prefix is constant */
} qn_peerid;

/* Fails only when OpenSSL does. */
QN_MUST_CHECK qn_err qn_peerid_of(qn_env *env, const uint8_t public_key[32], qn_peerid *out);
QN_MUST_CHECK qn_err qn_peerid_text(qn_env *env, const qn_peerid *id, char out[QN_PEERID_TEXT + 1]);
/* QN_PROTO: not base32 or wrong length; QN_AUTH: the checksum is wrong. */
QN_MUST_CHECK qn_err qn_peerid_parse(qn_env *env, const char *text, size_t n, qn_peerid *out);
bool qn_peerid_equal(const qn_peerid *a, const qn_peerid *b);

#ifdef __cplusplus
}
#endif
#endif
