#include "crypto/mlkem.h"

#include "crypto/internal.h"
#include "crypto/mlkem_poly.h"

#include <openssl/evp.h>

enum {
    K = 3,
    DU = 10,
    DV = 4,
    POLY = 384,          /* a packed polynomial */
    U_BYTES = 32 * DU,   /* one of K in a ciphertext */
    XOF_FEW = 3 * 168,   /* enough for all but one matrix entry in a hundred */
    XOF_MANY = 10 * 168, /* FIPS 203 asks for room for at least 280 draws; here 1120 */
};

typedef struct vec {
    qn_poly v[K];
} vec;

/* ---- hashing ------------------------------------------------------------------------------- */

static bool hash(qn_env *env, const EVP_MD *md, const qn_slice *parts, size_t n, uint8_t *out,
                 size_t out_n)
{
    EVP_MD_CTX *ctx = env->engine->crypto->md;
    bool fine = EVP_DigestInit_ex2(ctx, md, NULL) == 1;

    for (size_t i = 0; i < n && fine; i++)
        fine = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
    if (out_n == 0)
        return fine && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    return fine &&
           EVP_DigestFinalXOF(ctx, out, out_n) == 1; /* all at once: OpenSSL 3.0 has no more */
}

/* G: SHA3-512 into two halves. */
static bool hash_g(qn_env *env, qn_slice a, qn_slice b, uint8_t first[32], uint8_t second[32])
{
    qn_slice parts[2] = {a, b};
    uint8_t both[64];
    bool fine = hash(env, env->engine->crypto->sha3_512, parts, 2, both, 0);

    memcpy(first, both, 32);
    memcpy(second, both + 32, 32);
    qn_wipe(both, sizeof both);
    return fine;
}

static bool hash_h(qn_env *env, qn_slice a, uint8_t out[32])
{
    return hash(env, env->engine->crypto->sha3_256, &a, 1, out, 0);
}

/* J: SHAKE256, 32 bytes. */
static bool hash_j(qn_env *env, const uint8_t z[32], qn_slice ct, uint8_t out[32])
{
    qn_slice parts[2] = {qn_slice_of(z, 32), ct};

    return hash(env, env->engine->crypto->shake256, parts, 2, out, 32);
}

/* PRF: eta = 2, so 128 bytes of SHAKE256. */
static bool noise_poly(qn_env *env, qn_poly *f, const uint8_t seed[32], uint8_t index)
{
    qn_slice parts[2] = {qn_slice_of(seed, 32), qn_slice_of(&index, 1)};
    uint8_t b[128];
    bool fine = hash(env, env->engine->crypto->shake256, parts, 2, b, sizeof b);

    if (fine)
        qn_poly_cbd(f, b);
    qn_wipe(b, sizeof b);
    return fine;
}

static bool noise_vec(qn_env *env, vec *f, const uint8_t seed[32], uint8_t first)
{
    bool fine = true;

    for (uint8_t i = 0; i < K && fine; i++)
        fine = noise_poly(env, &f->v[i], seed, (uint8_t)(first + i));
    return fine;
}

/* Entry (row, column) of the public matrix. Its time may depend on rho: that is in the key for all
 * to see. */
static bool matrix_poly(qn_env *env, qn_poly *f, const uint8_t rho[32], uint8_t row, uint8_t column)
{
    uint8_t at[2] = {column, row}, xof[XOF_MANY];
    qn_slice parts[2] = {qn_slice_of(rho, 32), qn_slice_of(at, sizeof at)};
    const EVP_MD *md = env->engine->crypto->shake128;

    if (!hash(env, md, parts, 2, xof, XOF_FEW))
        return false;
    return qn_poly_sample(f, xof, XOF_FEW) ||
           (hash(env, md, parts, 2, xof, XOF_MANY) && qn_poly_sample(f, xof, XOF_MANY));
}

/* out += row `row` of A (or of its transpose) times f. */
static bool matrix_row(qn_env *env, qn_poly *out, const uint8_t rho[32], uint8_t row,
                       bool transpose, const vec *f)
{
    qn_poly a;

    for (uint8_t i = 0; i < K; i++) {
        if (!matrix_poly(env, &a, rho, transpose ? i : row, transpose ? row : i))
            return false;
        qn_poly_mul_add(out, &a, &f->v[i]);
    }
    return true;
}

static void vec_ntt(vec *f)
{
    for (unsigned i = 0; i < K; i++)
        qn_poly_ntt(&f->v[i]);
}

/* ---- keys ---------------------------------------------------------------------------------- */

/* Algorithm 13; `t` starts as NTT(e) and gains A s. */
static bool pke_keygen(qn_env *env, const uint8_t d[32], uint8_t *ek, uint8_t *dk)
{
    static const uint8_t k = K;
    uint8_t rho[32], sigma[32];
    vec s, t;
    bool fine = hash_g(env, qn_slice_of(d, 32), qn_slice_of(&k, 1), rho, sigma) &&
                noise_vec(env, &s, sigma, 0) && noise_vec(env, &t, sigma, K);

    if (fine) {
        vec_ntt(&s);
        vec_ntt(&t);
    }
    for (uint8_t i = 0; i < K && fine; i++) {
        fine = matrix_row(env, &t.v[i], rho, i, false, &s);
        qn_poly_pack(ek + i * POLY, &t.v[i]);
        qn_poly_pack(dk + i * POLY, &s.v[i]);
    }
    memcpy(ek + K * POLY, rho, sizeof rho);
    qn_wipe(&s, sizeof s);
    qn_wipe(&t, sizeof t);
    qn_wipe(sigma, sizeof sigma);
    return fine;
}

qn_err qn_mlkem_keygen(qn_env *env, const qn_mlkem_secret *secret, qn_mlkem_ek *ek, qn_mlkem_dk *dk)
{
    uint8_t *tail = dk->b + K * POLY;

    if (!pke_keygen(env, secret->d, ek->b, dk->b))
        return QN_INTERNAL;
    memcpy(tail, ek->b, sizeof ek->b);
    if (!hash_h(env, qn_slice_of(ek->b, sizeof ek->b), tail + sizeof ek->b))
        return QN_INTERNAL;
    memcpy(tail + sizeof ek->b + 32, secret->z, sizeof secret->z);
    return QN_OK;
}

qn_err qn_mlkem_check(const qn_mlkem_ek *ek)
{
    bool fine = true;
    qn_poly f;

    for (unsigned i = 0; i < K; i++)
        fine = qn_poly_unpack(&f, ek->b + i * POLY) && fine;
    return fine ? QN_OK : QN_AUTH;
}

/* ---- encryption ---------------------------------------------------------------------------- */

/* Algorithm 14, lines 19 to 23: u = A^T y + e1, compressed. */
static bool encrypt_u(qn_env *env, const uint8_t rho[32], const vec *y, const vec *e1, uint8_t *ct)
{
    for (uint8_t i = 0; i < K; i++) {
        qn_poly u = {{0}};

        if (!matrix_row(env, &u, rho, i, true, y))
            return false;
        qn_poly_ntt_inverse(&u);
        qn_poly_add(&u, &e1->v[i]);
        qn_poly_compress(ct + i * U_BYTES, &u, DU);
    }
    return true;
}

/* Algorithm 14, lines 20 to 24: v = t y + e2 + m, compressed. */
static void encrypt_v(const uint8_t *ek, const vec *y, const qn_poly *e2, const uint8_t m[32],
                      uint8_t *ct)
{
    qn_poly v = {{0}}, f;

    for (unsigned i = 0; i < K; i++) {
        (void)qn_poly_unpack(&f, ek + i * POLY); /* ours, or checked by the caller */
        qn_poly_mul_add(&v, &f, &y->v[i]);
    }
    qn_poly_ntt_inverse(&v);
    qn_poly_add(&v, e2);
    qn_poly_decompress(&f, m, 1);
    qn_poly_add(&v, &f);
    qn_poly_compress(ct + K * U_BYTES, &v, DV);
    qn_wipe(&f, sizeof f);
    qn_wipe(&v, sizeof v);
}

static bool pke_encrypt(qn_env *env, const uint8_t *ek, const uint8_t m[32], const uint8_t r[32],
                        uint8_t ct[QN_MLKEM_CT])
{
    vec y, e1;
    qn_poly e2;
    bool fine =
        noise_vec(env, &y, r, 0) && noise_vec(env, &e1, r, K) && noise_poly(env, &e2, r, 2 * K);

    if (fine) {
        vec_ntt(&y);
        fine = encrypt_u(env, ek + K * POLY, &y, &e1, ct);
        encrypt_v(ek, &y, &e2, m, ct);
    }
    qn_wipe(&y, sizeof y);
    qn_wipe(&e1, sizeof e1);
    qn_wipe(&e2, sizeof e2);
    return fine;
}

/* Algorithm 15. */
static void pke_decrypt(const uint8_t *dk, const uint8_t ct[QN_MLKEM_CT], uint8_t m[32])
{
    qn_poly sum = {{0}}, s, f;

    for (unsigned i = 0; i < K; i++) {
        (void)qn_poly_unpack(&s, dk + i * POLY);
        qn_poly_decompress(&f, ct + i * U_BYTES, DU);
        qn_poly_ntt(&f);
        qn_poly_mul_add(&sum, &s, &f);
    }
    qn_poly_ntt_inverse(&sum);
    qn_poly_decompress(&f, ct + K * U_BYTES, DV);
    qn_poly_sub(&f, &sum);
    qn_poly_compress(m, &f, 1);
    qn_wipe(&sum, sizeof sum);
    qn_wipe(&s, sizeof s);
    qn_wipe(&f, sizeof f);
}

qn_err qn_mlkem_encaps(qn_env *env, const qn_mlkem_ek *ek, const uint8_t m[32],
                       uint8_t ct[QN_MLKEM_CT], qn_key *shared)
{
    uint8_t h[32], r[32];
    bool fine;

    if (qn_mlkem_check(ek) != QN_OK)
        return QN_AUTH;
    fine = hash_h(env, qn_slice_of(ek->b, sizeof ek->b), h) &&
           hash_g(env, qn_slice_of(m, 32), qn_slice_of(h, 32), shared->b, r) &&
           pke_encrypt(env, ek->b, m, r, ct);
    qn_wipe(r, sizeof r);
    return fine ? QN_OK : QN_INTERNAL;
}

qn_err qn_mlkem_decaps(qn_env *env, const qn_mlkem_dk *dk, const uint8_t ct[QN_MLKEM_CT],
                       qn_key *shared)
{
    const uint8_t *ek = dk->b + K * POLY, *h = ek + QN_MLKEM_EK, *z = h + 32;
    uint8_t m[32], r[32], again[QN_MLKEM_CT], rejected[32], keep;
    bool fine;

    pke_decrypt(dk->b, ct, m);
    fine = hash_g(env, qn_slice_of(m, 32), qn_slice_of(h, 32), shared->b, r) &&
           hash_j(env, z, qn_slice_of(ct, QN_MLKEM_CT), rejected) &&
           pke_encrypt(env, ek, m, r, again);
    keep = (uint8_t)(0u - (unsigned)qn_equal(ct, again, QN_MLKEM_CT));
    for (unsigned i = 0; i < sizeof shared->b; i++)
        shared->b[i] = (uint8_t)((shared->b[i] & keep) | (rejected[i] & ~keep));
    qn_wipe(m, sizeof m);
    qn_wipe(r, sizeof r);
    qn_wipe(rejected, sizeof rejected);
    return fine ? QN_OK : QN_INTERNAL;
}
