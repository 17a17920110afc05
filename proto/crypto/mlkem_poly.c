#include "crypto/mlkem_poly.h"

enum { N = QN_MLKEM_N, Q = QN_MLKEM_Q };

/* 17^BitRev7(i) and 17^(2 BitRev7(i) + 1) modulo 3329 (FIPS 203 appendix A). */
static const uint16_t zetas[128] = {
    1,    1729, 2580, 3289, 2642, 630,  1897, 848,  1062, 1919, 193,  797,  2786, 3260, 569,  1746,
    296,  2447, 1339, 1476, 3046, 56,   2240, 1333, 1426, 2094, 535,  2882, 2393, 2879, 1974, 821,
    289,  331,  3253, 1756, 1197, 2304, 2277, 2055, 650,  1977, 2513, 632,  2865, 33,   1320, 1915,
    2319, 1435, 807,  452,  1438, 2868, 1534, 2402, 2647, 2617, 1481, 648,  2474, 3110, 1227, 910,
    17,   2761, 583,  2649, 1637, 723,  2288, 1100, 1409, 2662, 3281, 233,  756,  2156, 3015, 3050,
    1703, 1651, 2789, 1789, 1847, 952,  1461, 2687, 939,  2308, 2437, 2388, 733,  2337, 268,  641,
    1584, 2298, 2037, 3220, 375,  2549, 2090, 1645, 1063, 319,  2773, 757,  2099, 561,  2466, 2594,
    2804, 1092, 403,  1026, 1143, 2150, 2775, 886,  1722, 1212, 1874, 1029, 2110, 2935, 885,  2154,
};

static const uint16_t gammas[128] = {
    17,   3312, 2761, 568,  583,  2746, 2649, 680,  1637, 1692, 723,  2606, 2288, 1041, 1100, 2229,
    1409, 1920, 2662, 667,  3281, 48,   233,  3096, 756,  2573, 2156, 1173, 3015, 314,  3050, 279,
    1703, 1626, 1651, 1678, 2789, 540,  1789, 1540, 1847, 1482, 952,  2377, 1461, 1868, 2687, 642,
    939,  2390, 2308, 1021, 2437, 892,  2388, 941,  733,  2596, 2337, 992,  268,  3061, 641,  2688,
    1584, 1745, 2298, 1031, 2037, 1292, 3220, 109,  375,  2954, 2549, 780,  2090, 1239, 1645, 1684,
    1063, 2266, 319,  3010, 2773, 556,  757,  2572, 2099, 1230, 561,  2768, 2466, 863,  2594, 735,
    2804, 525,  1092, 2237, 403,  2926, 1026, 2303, 1143, 2186, 2150, 1179, 2775, 554,  886,  2443,
    1722, 1607, 1212, 2117, 1874, 1455, 1029, 2300, 2110, 1219, 2935, 394,  885,  2444, 2154, 1175,
};

/* ---- coefficients -------------------------------------------------------------------------- */

/* a < 2q to a mod q, without a branch: the borrow of a - q becomes a mask. */
static uint16_t once(uint32_t a)
{
    uint32_t r = a - Q;

    return (uint16_t)(r + (Q & (0u - (r >> 31))));
}

/* Barrett: 5039 = floor(2^24 / q), and a / q - a * 5039 / 2^24 < 1 for a < 24 million, so the
 * estimate of a / q is at most one too small for two products and a coefficient, 2 (q - 1)^2 + q
 * - 1. */
static uint16_t reduce(uint32_t a)
{
    uint32_t estimate = (uint32_t)((uint64_t)a * 5039 >> 24);

    return once(a - estimate * Q);
}

static uint16_t add(uint16_t a, uint16_t b)
{
    return once((uint32_t)a + b);
}

static uint16_t sub(uint16_t a, uint16_t b)
{
    return once((uint32_t)a + Q - b);
}

static uint16_t mul(uint16_t a, uint16_t b)
{
    return reduce((uint32_t)a * b);
}

/* ---- transform ----------------------------------------------------------------------------- */

void qn_poly_ntt(qn_poly *f)
{
    unsigned i = 1;

    for (unsigned len = 128; len >= 2; len /= 2)
        for (unsigned start = 0; start < N; start += 2 * len, i++)
            for (unsigned j = start; j < start + len; j++) {
                uint16_t t = mul(zetas[i], f->c[j + len]);

                f->c[j + len] = sub(f->c[j], t);
                f->c[j] = add(f->c[j], t);
            }
}

void qn_poly_ntt_inverse(qn_poly *f)
{
    unsigned i = 127;

    for (unsigned len = 2; len <= 128; len *= 2)
        for (unsigned start = 0; start < N; start += 2 * len, i--)
            for (unsigned j = start; j < start + len; j++) {
                uint16_t t = f->c[j];

                f->c[j] = add(t, f->c[j + len]);
                f->c[j + len] = mul(zetas[i], sub(f->c[j + len], t));
            }
    for (unsigned j = 0; j < N; j++)
        f->c[j] = mul(f->c[j], 3303); /* 128^-1 */
}

void qn_poly_add(qn_poly *f, const qn_poly *g)
{
    for (unsigned i = 0; i < N; i++)
        f->c[i] = add(f->c[i], g->c[i]);
}

void qn_poly_sub(qn_poly *f, const qn_poly *g)
{
    for (unsigned i = 0; i < N; i++)
        f->c[i] = sub(f->c[i], g->c[i]);
}

void qn_poly_mul_add(qn_poly *h, const qn_poly *f, const qn_poly *g)
{
    for (unsigned i = 0; i < N / 2; i++) {
        uint16_t a0 = f->c[2 * i], a1 = f->c[2 * i + 1];
        uint16_t b0 = g->c[2 * i], b1 = g->c[2 * i + 1];
        uint32_t low = (uint32_t)a0 * b0 + (uint32_t)mul(a1, b1) * gammas[i];
        uint32_t high = (uint32_t)a0 * b1 + (uint32_t)a1 * b0;

        h->c[2 * i] = reduce(low + h->c[2 * i]);
        h->c[2 * i + 1] = reduce(high + h->c[2 * i + 1]);
    }
}

/* ---- sampling ------------------------------------------------------------------------------ */

void qn_poly_cbd(qn_poly *f, const uint8_t b[128])
{
    for (unsigned i = 0; i < N; i++) {
        unsigned bits = (unsigned)b[i / 2] >> (4 * (i % 2));
        unsigned x = (bits & 1) + (bits >> 1 & 1), y = (bits >> 2 & 1) + (bits >> 3 & 1);

        f->c[i] = sub((uint16_t)x, (uint16_t)y);
    }
}

bool qn_poly_sample(qn_poly *f, const uint8_t *xof, size_t n)
{
    unsigned have = 0;

    for (size_t i = 0; i + 3 <= n && have < N; i += 3) {
        uint16_t d1 = (uint16_t)(xof[i] | (xof[i + 1] & 15) << 8);
        uint16_t d2 = (uint16_t)(xof[i + 1] >> 4 | xof[i + 2] << 4);

        if (d1 < Q)
            f->c[have++] = d1;
        if (d2 < Q && have < N)
            f->c[have++] = d2;
    }
    return have == N;
}

/* ---- packing ------------------------------------------------------------------------------- */

void qn_poly_pack(uint8_t out[384], const qn_poly *f)
{
    for (unsigned i = 0; i < N / 2; i++) {
        uint16_t a = f->c[2 * i], b = f->c[2 * i + 1];

        out[3 * i] = (uint8_t)a;
        out[3 * i + 1] = (uint8_t)(a >> 8 | b << 4);
        out[3 * i + 2] = (uint8_t)(b >> 4);
    }
}

bool qn_poly_unpack(qn_poly *f, const uint8_t in[384])
{
    uint32_t over = 0;

    for (unsigned i = 0; i < N; i++) {
        const uint8_t *p = in + i / 2 * 3;
        uint32_t low = p[0], middle = p[1], high = p[2];
        uint32_t v = i % 2 == 0 ? low | (middle & 15) << 8 : middle >> 4 | high << 4;

        over |= (Q - 1 - v) >> 31;
        f->c[i] = reduce(v);
    }
    return over == 0;
}

/* Round(2^d a / q) mod 2^d. Division by multiplication: the compiler may turn a division by a
 * constant into an instruction whose time depends on the coefficient. 20642679 = floor(2^36 / q) +
 * 1 is exact for every a < q and d <= 10 (crypto_mlkem_test goes through all of them). */
static uint16_t compress(uint16_t a, unsigned d)
{
    uint64_t scaled = ((uint64_t)a << d) + Q / 2;

    return (uint16_t)((scaled * 20642679 >> 36) & ((1u << d) - 1));
}

void qn_poly_compress(uint8_t *out, const qn_poly *f, unsigned d)
{
    uint32_t bits = 0;
    unsigned have = 0;

    for (unsigned i = 0; i < N; i++) {
        bits |= (uint32_t)compress(f->c[i], d) << have;
        for (have += d; have >= 8; have -= 8, bits >>= 8)
            *out++ = (uint8_t)bits;
    }
}

void qn_poly_decompress(qn_poly *f, const uint8_t *in, unsigned d)
{
    uint32_t bits = 0;
    unsigned have = 0;

    for (unsigned i = 0; i < N; i++) {
        for (; have < d; have += 8)
            bits |= (uint32_t)*in++ << have;
        f->c[i] = (uint16_t)(((bits & ((1u << d) - 1)) * Q + (1u << (d - 1))) >> d);
        bits >>= d;
        have -= d;
    }
}
