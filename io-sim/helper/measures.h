// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What groups used and what people got, from a recorder's rows.
 */
#ifndef QNET_SIM_MEASURES_H
#define QNET_SIM_MEASURES_H

#include "recorder.h"
#include "statistics.h"

namespace qnet
{

struct Shares
{
    uint64_t least; ///< permille of the mean
    uint64_t most;  ///< likewise
};

/// Bytes of fetches begun after the warm-up, whether they were done or not, of the client of this
/// workload who got least and of the one who got most. Both 0 when nobody got anything.
Shares SharesOf(const Simulation& simulation, const Recorder& recorder, uint32_t workload);

/// How much of their uplinks the members of a group used after the warm-up, in permille.
uint64_t LoadOf(const Simulation& simulation, const Recorder& recorder, uint32_t group);

/// The same of the member who used most.
uint64_t BusiestOf(const Simulation& simulation, const Recorder& recorder, uint32_t group);

/// Bytes that waited for uplinks of the group's members: one value for each member and interval
/// after the warm-up.
Distribution QueuesOf(const Simulation& simulation, const Recorder& recorder, uint32_t group);

/// What programs of all clients together received after the warm-up, in bit/s.
uint64_t GoodputOf(const Simulation& simulation, const Recorder& recorder);

} // namespace qnet

#endif
