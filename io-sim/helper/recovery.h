// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What faults cost people, from a recorder's rows: what was under way and survived, how long until
 * the next page came, and what was carried for nothing.
 */
#ifndef QNET_SIM_RECOVERY_H
#define QNET_SIM_RECOVERY_H

#include "recorder.h"
#include "statistics.h"

namespace qnet
{

/// Fetches under way when a fault began. Each counts once, however many faults it met.
struct Survival
{
    uint64_t alive = 0;
    uint64_t survived = 0; ///< delivered everything
    uint64_t lost = 0;
    uint64_t unfinished = 0; ///< at the end of the run: neither
};

/// From a moment to what follows, one value for each client concerned.
struct Returns
{
    std::vector<uint64_t> until;  ///< ns to the next first byte of a fetch that was then done
    std::vector<uint64_t> waited; ///< ns of that with a fetch under way and no first byte of it
    uint64_t never = 0;           ///< had none to the end of the run
};

/// Bytes that cost lines and came to nothing.
struct Waste
{
    uint64_t client = 0; ///< delivered to programs, of fetches that failed
    uint64_t exit = 0;   ///< carried by exits, and at no client's program when the run ended
};

/// When faults of the plan begin within the run, ns, ascending, each time once.
std::vector<int64_t> FaultMoments(const Simulation& simulation);
/// When partitions heal and borders open within the run, likewise.
std::vector<int64_t> HealMoments(const Simulation& simulation);

Survival SurvivalAt(const Recorder& recorder, const std::vector<int64_t>& moments);
/// \param concerned clients with a fetch under way at the moment; false: all who ever fetched
Returns ReturnsAfter(const Recorder& recorder, const std::vector<int64_t>& moments, bool concerned);
Waste WasteOf(const Simulation& simulation, const Recorder& recorder);

} // namespace qnet

#endif
