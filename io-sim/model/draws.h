// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Random choices of the model: from a keyed stream cipher, one stream per purpose and index, so
 * that adding a node or a draw shifts nobody else's. Integers only.
 */
#ifndef QNET_SIM_DRAWS_H
#define QNET_SIM_DRAWS_H

#include <cstdint>
#include <utility>
#include <vector>

#include "qnet/env.h"

namespace qnet
{

class Draws
{
  public:
    Draws(const char* purpose, uint64_t seed, uint64_t index);

    /// Uniform in [0, n), n >= 1, without bias.
    uint64_t Below(uint64_t n);
    /// Exponential with this mean, cut at 5.5 times it, from a table of quantiles.
    uint64_t Exponential(uint64_t mean);

    template <typename T>
    const T&
    Pick(const std::vector<std::pair<T, uint64_t>>& weights)
    {
        uint64_t sum = 0;
        for (const auto& [value, weight] : weights)
        {
            sum += weight;
        }
        uint64_t at = Below(sum > 0 ? sum : 1);
        for (const auto& [value, weight] : weights)
        {
            if (at < weight)
            {
                return value;
            }
            at -= weight;
        }
        return weights.back().first;
    }

  private:
    qn_drbg m_drbg;
};

} // namespace qnet

#endif
