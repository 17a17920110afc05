// SPDX-License-Identifier: GPL-2.0-only
#include "draws.h"

namespace qnet
{

namespace
{

/// Thousandths of the mean at quantiles 0/64, 1/64, ... 63/64 and 255/256: round(-1000 ln(1 - q)).
constexpr uint64_t EXPONENTIAL[] = {
    0,    16,   32,   48,   65,   81,   98,   116,  134,  152,  170,  189,  208,
    227,  247,  267,  288,  309,  330,  352,  375,  398,  421,  445,  470,  495,
    521,  548,  575,  604,  633,  662,  693,  725,  758,  792,  827,  863,  901,
    940,  981,  1023, 1068, 1114, 1163, 1214, 1269, 1326, 1386, 1451, 1520, 1594,
    1674, 1761, 1856, 1962, 2079, 2213, 2367, 2549, 2773, 3060, 3466, 4159, 5545};
constexpr uint64_t STEPS = sizeof EXPONENTIAL / sizeof EXPONENTIAL[0] - 1;

} // namespace

Draws::Draws(const char* purpose, uint64_t seed, uint64_t index)
{
    qn_drbg_init(&m_drbg, purpose, seed, index);
}

uint64_t
Draws::Below(uint64_t n)
{
    uint64_t reject = (0 - n) % n; // 2^64 mod n: the draws that would favour small results
    uint64_t v = 0;
    do
    {
        uint8_t bytes[8];
        qn_drbg_fill(&m_drbg, bytes, sizeof bytes);
        for (uint8_t byte : bytes)
        {
            v = v << 8 | byte;
        }
    } while (v < reject);
    return v % n;
}

uint64_t
Draws::Exponential(uint64_t mean)
{
    uint64_t step = Below(STEPS);
    uint64_t within = Below(1000);
    uint64_t gap = EXPONENTIAL[step + 1] - EXPONENTIAL[step];
    uint64_t millionths = EXPONENTIAL[step] * 1000 + gap * within;
    return mean / 1000000 * millionths + mean % 1000000 * millionths / 1000000;
}

} // namespace qnet
