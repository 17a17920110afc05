/*
 * The linker sends every sealing of both ends by here (--wrap): no key and nonce may come twice.
 */
#include "world.h"

typedef struct use {
    uint8_t key[32], nonce[12];
} use;

static use nonces[1 << 16];
static size_t nonces_n;

static void note_nonce(const uint8_t *key, size_t key_n, qn_nonce nonce)
{
    use now = {0};

    memcpy(now.key, key, key_n);
    memcpy(now.nonce, nonce.b, sizeof now.nonce);
    for (size_t i = 0; i < nonces_n; i++)
        ck_assert_msg(memcmp(&nonces[i], &now, sizeof now) != 0, "a nonce was used twice");
    if (nonces_n < QN_LEN(nonces))
        nonces[nonces_n++] = now;
}

qn_err __real_qn_aead_seal(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad, qn_slice a,
                           qn_slice b, uint8_t *out, uint8_t tag[QN_TAG]);
qn_err __wrap_qn_aead_seal(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad, qn_slice a,
                           qn_slice b, uint8_t *out, uint8_t tag[QN_TAG]);
qn_err __real_qn_cipher_seal(qn_env *env, qn_cipher cipher, const uint8_t *key, qn_nonce nonce,
                             qn_slice ad, qn_slice a, qn_slice b, uint8_t *out,
                             uint8_t tag[QN_TAG]);
qn_err __wrap_qn_cipher_seal(qn_env *env, qn_cipher cipher, const uint8_t *key, qn_nonce nonce,
                             qn_slice ad, qn_slice a, qn_slice b, uint8_t *out,
                             uint8_t tag[QN_TAG]);

qn_err __wrap_qn_aead_seal(qn_env *env, const qn_key *key, qn_nonce nonce, qn_slice ad, qn_slice a,
                           qn_slice b, uint8_t *out, uint8_t tag[QN_TAG])
{
    note_nonce(key->b, sizeof key->b, nonce);
    return __real_qn_aead_seal(env, key, nonce, ad, a, b, out, tag);
}

qn_err __wrap_qn_cipher_seal(qn_env *env, qn_cipher cipher, const uint8_t *key, qn_nonce nonce,
                             qn_slice ad, qn_slice a, qn_slice b, uint8_t *out, uint8_t tag[QN_TAG])
{
    note_nonce(key, qn_cipher_key_size(cipher), nonce);
    return __real_qn_cipher_seal(env, cipher, key, nonce, ad, a, b, out, tag);
}

size_t htx_world_sealings(void)
{
    return nonces_n;
}

void htx_nonces_forget(void)
{
    nonces_n = 0;
}
