// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Users connected over time. Who fetched something to its end in a slot of time was connected in
 * it; who asked and got nothing was not. Who did not ask is as when he last did.
 */
#ifndef QNET_SIM_CONNECTED_H
#define QNET_SIM_CONNECTED_H

#include "recorder.h"

namespace qnet
{

constexpr size_t CONNECTED_SLOTS = 24; ///< a run's

/// The users of one region: clients that ever asked.
struct Connected
{
    uint32_t region;
    uint64_t users = 0;
    uint64_t asked[CONNECTED_SLOTS] = {};     ///< users that had asked by the slot's end
    uint64_t connected[CONNECTED_SLOTS] = {}; ///< of them
};

/// Regions with users, in the scenario's order.
std::vector<Connected> ConnectedOf(const Simulation& simulation, const Recorder& recorder);

/// \return ns: the end of a slot
uint64_t SlotEnd(const Scenario& scenario, size_t slot);

} // namespace qnet

#endif
