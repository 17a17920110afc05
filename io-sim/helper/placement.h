// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Where a member of a group is and how it is connected: draws from the seed, a stream for each
 * member and purpose, so that one more member, group or purpose moves nobody else.
 */
#ifndef QNET_SIM_PLACEMENT_H
#define QNET_SIM_PLACEMENT_H

#include <string>

#include "scenario.h"

namespace qnet
{

struct Place
{
    uint32_t region;     ///< index into Network::regions
    std::string country; ///< "" unknown
    uint64_t up;         ///< bit/s
    uint64_t down;       ///< bit/s
    uint64_t delay;      ///< ns, between the host and its region
    uint32_t loss;       ///< millionths
    bool returning;      ///< it has a list from an earlier run
};

Place PlaceOf(const Scenario& scenario, uint64_t seed, uint32_t group, uint32_t member);

} // namespace qnet

#endif
