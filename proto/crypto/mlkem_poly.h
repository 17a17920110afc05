/*
 * The ring of ML-KEM (FIPS 203 sections 4 to 4.3): polynomials of degree 255 over the integers
 * modulo 3329, their number-theoretic transform, packing and sampling.
 *
 * Nothing here branches on, indexes by or divides a coefficient, except qn_poly_sample, whose input
 * is public. Coefficients are always fully reduced.
 */
#ifndef QN_CRYPTO_MLKEM_POLY_H
#define QN_CRYPTO_MLKEM_POLY_H

#include "base/bytes.h"

#define QN_MLKEM_N 256
#define QN_MLKEM_Q 3329

typedef struct qn_poly {
    uint16_t c[QN_MLKEM_N];
} qn_poly;

void qn_poly_ntt(qn_poly *f);         /* algorithm 9, in place */
void qn_poly_ntt_inverse(qn_poly *f); /* algorithm 10, in place */
void qn_poly_add(qn_poly *f, const qn_poly *g);
void qn_poly_sub(qn_poly *f, const qn_poly *g);
/* h += f * g, all three in the transform's domain (algorithms 11 and 12). */
void qn_poly_mul_add(qn_poly *h, const qn_poly *f, const qn_poly *g);

/* Algorithm 8 with eta = 2, from 128 pseudorandom bytes. */
void qn_poly_cbd(qn_poly *f, const uint8_t b[128]);
/* Algorithm 7 on n bytes of the extendable output (a multiple of 3). False: they do not suffice. */
bool qn_poly_sample(qn_poly *f, const uint8_t *xof, size_t n);

/* Algorithms 5 and 6 with d = 12: 384 bytes. unpack is false for a coefficient of 3329 or more; f
 * is then reduced all the same. */
void qn_poly_pack(uint8_t out[384], const qn_poly *f);
bool qn_poly_unpack(qn_poly *f, const uint8_t in[384]);
/* Compress_d and ByteEncode_d: 32 * d bytes. d is 1, 4 or 10. */
void qn_poly_compress(uint8_t *out, const qn_poly *f, unsigned d);
void qn_poly_decompress(qn_poly *f, const uint8_t *in, unsigned d);

#endif
