/*
 * ML-KEM-768 (FIPS 203) over OpenSSL's SHA3 and SHAKE. Every random byte is the caller's.
 *
 * Constant time in the decapsulation key, in m and in whether a ciphertext is rejected.
 */
#ifndef QN_CRYPTO_MLKEM_H
#define QN_CRYPTO_MLKEM_H

#include "crypto/crypto.h"

#define QN_MLKEM_EK 1184 /* encapsulation key */
#define QN_MLKEM_CT 1088 /* ciphertext */

typedef struct qn_mlkem_ek {
    uint8_t b[QN_MLKEM_EK];
} qn_mlkem_ek;

/* What a decapsulation key is made from: d || z. The 2400-byte form is derived when it is needed.
 */
typedef struct qn_mlkem_secret {
    uint8_t d[32], z[32];
} qn_mlkem_secret;

typedef struct qn_mlkem_dk {
    uint8_t b[2400]; /* packed s, then ek, H(ek), z (FIPS 203 algorithm 16) */
} qn_mlkem_dk;

/* Algorithm 16. QN_INTERNAL: OpenSSL failed. */
QN_MUST_CHECK qn_err qn_mlkem_keygen(qn_env *env, const qn_mlkem_secret *secret, qn_mlkem_ek *ek,
                                     qn_mlkem_dk *dk);
/* Section 7.2's check of a key from outside: every coefficient is below 3329. QN_AUTH otherwise. */
QN_MUST_CHECK qn_err qn_mlkem_check(const qn_mlkem_ek *ek);
/* Algorithm 17. ek comes from outside: checked first, QN_AUTH. */
QN_MUST_CHECK qn_err qn_mlkem_encaps(qn_env *env, const qn_mlkem_ek *ek, const uint8_t m[32],
                                     uint8_t ct[QN_MLKEM_CT], qn_key *shared);
/* Algorithm 18, with implicit rejection: a ciphertext that was not made for the key gives a secret
 * that nobody else has, and QN_OK. */
QN_MUST_CHECK qn_err qn_mlkem_decaps(qn_env *env, const qn_mlkem_dk *dk,
                                     const uint8_t ct[QN_MLKEM_CT], qn_key *shared);

#endif
