// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Order statistics over integers.
 */
#ifndef QNET_SIM_STATISTICS_H
#define QNET_SIM_STATISTICS_H

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "recorder.h"

namespace qnet
{

class Distribution
{
  public:
    explicit Distribution(std::vector<uint64_t> values)
        : m_values(std::move(values))
    {
        std::sort(m_values.begin(), m_values.end());
    }

    size_t
    Count() const
    {
        return m_values.size();
    }

    /// Nearest rank; 0 when there is nothing. \param permille 0 .. 1000
    uint64_t
    At(uint32_t permille) const
    {
        if (m_values.empty())
        {
            return 0;
        }
        uint64_t rank = (permille * m_values.size() + 999) / 1000;
        return m_values[static_cast<size_t>(rank > 0 ? rank - 1 : 0)];
    }

    /// How many of a thousand are at most that; 0 when there is nothing.
    uint64_t
    PermilleAtMost(uint64_t value) const
    {
        auto above = std::upper_bound(m_values.begin(), m_values.end(), value);
        auto below = static_cast<uint64_t>(above - m_values.begin());
        return m_values.empty() ? 0 : below * 1000 / m_values.size();
    }

  private:
    std::vector<uint64_t> m_values;
};

/// Measured streams that were done and pass the filter, as the value wanted of each.
inline Distribution
StreamTimes(const Recorder& recorder,
            const std::function<bool(const StreamRow&)>& filter,
            int64_t StreamRow::*value)
{
    std::vector<uint64_t> values;
    for (const StreamRow& row : recorder.GetStreams())
    {
        if (row.measured && row.outcome == FetchOutcome::Done && filter(row))
        {
            values.push_back(static_cast<uint64_t>(row.*value));
        }
    }
    return Distribution(std::move(values));
}

/// Build times of measured circuits with that many hops.
inline Distribution
BuildTimes(const Recorder& recorder, uint8_t hops)
{
    std::vector<uint64_t> values;
    for (const CircuitRow& row : recorder.GetCircuits())
    {
        if (row.measured && row.built >= 0 && row.hops == hops)
        {
            values.push_back(static_cast<uint64_t>(row.took));
        }
    }
    return Distribution(std::move(values));
}

/// All sizes asked for in the scenario, ascending.
std::vector<uint64_t> SizesAsked(const Scenario& scenario);

} // namespace qnet

#endif
