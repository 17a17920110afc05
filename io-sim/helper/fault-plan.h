// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What fails when: a scenario's faults, drawn from the seed before the run, or read from a file
 * that an earlier run wrote, so that a failure can be tried again with fewer of them.
 */
#ifndef QNET_SIM_FAULT_PLAN_H
#define QNET_SIM_FAULT_PLAN_H

#include <string>
#include <vector>

#include "scenario.h"

namespace qnet
{

/// One fault that happens. It says all there is to know: the scenario's list is not needed again.
struct PlannedFault
{
    static constexpr uint32_t NOBODY = UINT32_MAX;
    static constexpr uint64_t NEVER = UINT64_MAX;

    uint32_t number = 0; ///< in the scenario's list
    FaultKind kind = FaultKind::Crash;
    uint32_t node = NOBODY; ///< index; of partitions and regions that are cut off: NOBODY
    uint64_t from = 0;      ///< ns
    uint64_t until = NEVER; ///< ns; NEVER: to the end
    int64_t value = 0;      ///< slow: permille; clock: seconds ahead; lying: bits by Lie
    uint32_t a = 0;         ///< partition: a region's index
    uint32_t b = 0;         ///< the other's; of a region that is cut off the same again
};

/// The kind's name in scenarios, faults.csv and summary.json.
const char* FaultKindName(FaultKind kind);
bool IsOutage(FaultKind kind); ///< the node is down meanwhile

/// \param members node indices by group
/// \return by time and node
std::vector<PlannedFault> PlanFaults(const Scenario& scenario,
                                     const std::vector<std::vector<uint32_t>>& members,
                                     uint64_t seed);

/// What a node suffers at a moment.
struct Plight
{
    bool down = false;
    uint32_t slow = 1000; ///< permille of its speed
    int64_t clock = 0;    ///< seconds ahead
    uint32_t lies = 0;    ///< bits by Lie
};

/// Faults that overlap each have their own end: a node is up again when the last of its outages is
/// over, as slow as the slowest says, tells all lies, and goes by the clock that jumped last.
/// \param faults of one node, as PlanFaults orders them
Plight PlightAt(const std::vector<PlannedFault>& faults, uint64_t at);

std::string LiesText(int64_t lies); ///< "flip+drop"
bool ParseLies(const std::string& text, int64_t* out);
/// What stands in faults.csv under "value".
std::string FaultValueText(const PlannedFault& fault, const Network& network);
/// A plan as faults.csv has it. Throws ScenarioError: one sentence with file and line.
std::vector<PlannedFault> ReadFaultPlan(const std::string& path,
                                        const Scenario& scenario,
                                        uint32_t nodes);

} // namespace qnet

#endif
