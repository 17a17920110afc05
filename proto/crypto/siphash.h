/* SipHash-2-4 (Aumasson and Bernstein 2012), through libsodium: a keyed 64-bit name for what
 * strangers choose. */
#ifndef QN_CRYPTO_SIPHASH_H
#define QN_CRYPTO_SIPHASH_H

#include "qnet/env.h"

uint64_t qn_siphash(const uint8_t key[16], qn_slice s);

#endif
