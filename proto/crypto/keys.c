/* X25519 and Ed25519 through libsodium: no heap, strict verification, secrets from the env. */
#include "crypto/crypto.h"

#include <sodium.h>

void qn_dh_generate(qn_env *env, qn_dh_secret *secret, qn_dh_public *pub)
{
    qn_rng_fill(env, secret->b, sizeof secret->b);
    qn_dh_derive(secret, pub);
}

void qn_dh_derive(const qn_dh_secret *secret, qn_dh_public *pub)
{
    (void)crypto_scalarmult_curve25519_base(pub->b, secret->b); /* never fails */
}

qn_err qn_dh(const qn_dh_secret *secret, const qn_dh_public *pub, qn_key *shared)
{
    return crypto_scalarmult_curve25519(shared->b, secret->b, pub->b) == 0 ? QN_OK : QN_AUTH;
}

void qn_sign_generate(qn_env *env, qn_sign_secret *secret, qn_sign_public *pub)
{
    qn_rng_fill(env, secret->seed, sizeof secret->seed);
    qn_sign_derive(secret, pub);
}

void qn_sign_derive(const qn_sign_secret *secret, qn_sign_public *pub)
{
    uint8_t both[crypto_sign_ed25519_SECRETKEYBYTES];

    (void)crypto_sign_ed25519_seed_keypair(pub->b, both, secret->seed);
    qn_wipe(both, sizeof both);
}

void qn_sign(const qn_sign_secret *secret, const void *msg, size_t n, qn_signature *sig)
{
    uint8_t both[crypto_sign_ed25519_SECRETKEYBYTES];
    uint8_t pub[32];

    (void)crypto_sign_ed25519_seed_keypair(pub, both, secret->seed);
    (void)crypto_sign_ed25519_detached(sig->b, NULL, msg, n, both);
    qn_wipe(both, sizeof both);
}

qn_err qn_verify(const qn_sign_public *pub, const void *msg, size_t n, const qn_signature *sig)
{
    return crypto_sign_ed25519_verify_detached(sig->b, msg, n, pub->b) == 0 ? QN_OK : QN_AUTH;
}

void qn_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

bool qn_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}
