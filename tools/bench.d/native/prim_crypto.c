/* What one core does: AEAD over 16 KiB, copies of 16 KiB, curve operations. */
#include "net.h"
#include "prim.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

enum { TAG = 16 };

static unsigned char plain[RECORD], sealed[RECORD + TAG], key[32], nonce[12];
static const unsigned char ad[8];

/* Repeats one operation for some seconds; returns how often per CPU second. */
static double per_second(void (*operation)(void *), void *context, double seconds)
{
    double begun = wall_now(), cpu = cpu_now();
    long n = 0;

    while (wall_now() - begun < seconds) {
        for (int i = 0; i < 50; i++)
            operation(context);
        n += 50;
    }
    return (double)n / (cpu_now() - cpu);
}

static void say_record(const char *name, double rate)
{
    char line[96];

    say(name, rate * RECORD / 1e6, "MB/s");
    snprintf(line, sizeof line, "%s_time", name);
    say(line, 1e6 / rate, "us");
}

static void sodium_seal(void *unused)
{
    (void)unused;
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain, RECORD, ad, sizeof ad, NULL,
                                              nonce, key);
}

static void sodium_open(void *unused)
{
    (void)unused;
    if (crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed, sizeof sealed, ad,
                                                  sizeof ad, nonce, key) != 0)
        die("libsodium did not open what it sealed");
}

static void next_nonce(EVP_CIPHER_CTX *cipher, int sealing)
{
    uint64_t sequence;

    memcpy(&sequence, nonce, sizeof sequence);
    sequence++;
    memcpy(nonce, &sequence, sizeof sequence);
    EVP_CipherInit_ex(cipher, NULL, NULL, NULL, nonce, sealing);
}

static void evp_seal(void *cipher)
{
    int n;

    next_nonce(cipher, 1);
    EVP_CipherUpdate(cipher, NULL, &n, ad, sizeof ad);
    EVP_CipherUpdate(cipher, sealed, &n, plain, RECORD);
    EVP_CipherFinal_ex(cipher, sealed + RECORD, &n);
    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG, sealed + RECORD);
}

/* The nonce moves on, so no tag fits; checking one costs the same whether it fits or not. */
static void evp_open(void *cipher)
{
    int n;

    next_nonce(cipher, 0);
    EVP_CipherUpdate(cipher, NULL, &n, ad, sizeof ad);
    EVP_CipherUpdate(cipher, plain, &n, sealed, RECORD);
    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG, sealed + RECORD);
    EVP_CipherFinal_ex(cipher, plain + RECORD - TAG, &n);
}

static void measure_evp(const char *name, const EVP_CIPHER *kind, double seconds)
{
    for (int sealing = 1; sealing >= 0; sealing--) {
        EVP_CIPHER_CTX *cipher = must(EVP_CIPHER_CTX_new());
        char line[64];

        EVP_CipherInit_ex(cipher, kind, NULL, key, nonce, sealing);
        snprintf(line, sizeof line, "openssl_%s_%s_16k", name, sealing ? "seal" : "open");
        say_record(line, per_second(sealing ? evp_seal : evp_open, cipher, seconds));
        EVP_CIPHER_CTX_free(cipher);
    }
}

static void copy(void *to)
{
    memcpy(to, plain, RECORD);
    __asm__ volatile("" ::"r"(to) : "memory"); /* the copy must happen */
}

void measure_aead(double seconds)
{
    randombytes_buf(plain, sizeof plain);
    randombytes_buf(key, sizeof key);
    say_record("libsodium_chacha20poly1305_seal_16k", per_second(sodium_seal, NULL, seconds));
    say_record("libsodium_chacha20poly1305_open_16k", per_second(sodium_open, NULL, seconds));
    measure_evp("chacha20poly1305", EVP_chacha20_poly1305(), seconds);
    measure_evp("aes128gcm", EVP_aes_128_gcm(), seconds);
    say("memcpy_16k", per_second(copy, sealed, seconds) * RECORD / 1e6, "MB/s");
}

struct curve_work {
    unsigned char scalar[32], point[32], message[128], signature[64];
    unsigned char sign_public[32], sign_secret[64];
    EVP_PKEY_CTX *derive;
};

static void sodium_x25519(void *context)
{
    struct curve_work *w = context;
    unsigned char shared[32];

    if (crypto_scalarmult(shared, w->scalar, w->point) != 0)
        die("x25519");
}

static void openssl_x25519(void *context)
{
    struct curve_work *w = context;
    unsigned char shared[32];
    size_t n = sizeof shared;

    if (EVP_PKEY_derive(w->derive, shared, &n) != 1)
        tls_die("x25519");
}

static void sodium_sign(void *context)
{
    struct curve_work *w = context;

    crypto_sign_detached(w->signature, NULL, w->message, sizeof w->message, w->sign_secret);
}

static void sodium_verify(void *context)
{
    struct curve_work *w = context;

    if (crypto_sign_verify_detached(w->signature, w->message, sizeof w->message, w->sign_public) !=
        0)
        die("ed25519");
}

void measure_curves(double seconds)
{
    struct curve_work w = {0};
    EVP_PKEY *ours = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    EVP_PKEY *theirs = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

    randombytes_buf(w.scalar, sizeof w.scalar);
    crypto_scalarmult_base(w.point, w.scalar);
    crypto_sign_keypair(w.sign_public, w.sign_secret);
    w.derive = must(EVP_PKEY_CTX_new(ours, NULL));
    if (EVP_PKEY_derive_init(w.derive) != 1 || EVP_PKEY_derive_set_peer(w.derive, theirs) != 1)
        tls_die("x25519");
    say("libsodium_x25519", per_second(sodium_x25519, &w, seconds), "op/s");
    say("openssl_x25519", per_second(openssl_x25519, &w, seconds), "op/s");
    say("libsodium_ed25519_sign", per_second(sodium_sign, &w, seconds), "op/s");
    say("libsodium_ed25519_verify", per_second(sodium_verify, &w, seconds), "op/s");
    EVP_PKEY_CTX_free(w.derive);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(ours);
}
