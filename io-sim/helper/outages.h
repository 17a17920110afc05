// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Which node is down when: a scenario's faults, drawn from the seed before the run.
 */
#ifndef QNET_SIM_OUTAGES_H
#define QNET_SIM_OUTAGES_H

#include <vector>

#include "scenario.h"

namespace qnet
{

struct Outage
{
    uint32_t node;  ///< index
    uint64_t from;  ///< ns
    uint64_t until; ///< ns; UINT64_MAX for good
};

/// \param members node indices by group
/// \return sorted by node and time; those of one node do not touch each other
std::vector<Outage> PlanOutages(const Scenario& scenario,
                                const std::vector<std::vector<uint32_t>>& members,
                                uint64_t seed);

} // namespace qnet

#endif
