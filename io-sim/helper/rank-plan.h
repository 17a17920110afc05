// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Which process of a parallel run simulates which region.
 */
#ifndef QNET_SIM_RANK_PLAN_H
#define QNET_SIM_RANK_PLAN_H

#include "scenario.h"

namespace qnet
{

/// One process of a parallel run; by default the only one.
struct Rank
{
    uint32_t number = 0;
    uint32_t of = 1;
};

/// By region, the number of its process: the same in every process, their work about equal. Throws
/// ScenarioError when this scenario cannot be divided so.
std::vector<uint32_t> PlanRanks(const Scenario& scenario, uint64_t seed, Tier tier, uint32_t ranks);

} // namespace qnet

#endif
