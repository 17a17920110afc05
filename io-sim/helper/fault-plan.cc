// SPDX-License-Identifier: GPL-2.0-only
#include "fault-plan.h"

#include <algorithm>
#include <tuple>

#include "draws.h"

namespace qnet
{

namespace
{

constexpr uint64_t MS = 1000 * 1000;
constexpr uint64_t STORM_LONGEST_MS = 4000; ///< of one of a storm's faults
constexpr uint64_t STORM_CLOCK = 120;       ///< seconds ahead or behind
constexpr uint64_t STORM_SLOWEST = 50;      ///< permille
constexpr uint64_t STORM_SLOW = 500;        ///< permille

uint64_t
Later(uint64_t at, uint64_t by)
{
    return by == 0 ? PlannedFault::NEVER : at + by;
}

/// What the fault does while it lasts.
PlannedFault
Begin(const Fault& fault, uint32_t number)
{
    PlannedFault out;
    out.number = number;
    out.kind = fault.kind;
    out.from = fault.at;
    out.until = Later(fault.at, fault.down);
    out.value = fault.value;
    out.a = fault.a;
    out.b = fault.b;
    return out;
}

/// A share of a group at one moment.
void
PlanShare(const PlannedFault& each,
          uint64_t share,
          std::vector<uint32_t> nodes,
          Draws& draws,
          std::vector<PlannedFault>& out)
{
    size_t hit = (nodes.size() * share + 999) / 1000;
    for (size_t i = 0; i < hit; i++)
    {
        size_t other = i + draws.Below(nodes.size() - i);
        std::swap(nodes[i], nodes[other]);
        out.push_back(each);
        out.back().node = nodes[i];
    }
}

/// All of a group come and go, each by itself.
void
PlanChurn(const Fault& fault,
          uint32_t number,
          const std::vector<uint32_t>& nodes,
          uint64_t seed,
          uint64_t stop,
          std::vector<PlannedFault>& out)
{
    for (uint32_t node : nodes)
    {
        Draws draws("qnet-sim-churn", seed, static_cast<uint64_t>(number) << 32 | node);
        uint64_t at = fault.at + draws.Exponential(fault.up);
        while (at < stop)
        {
            uint64_t back = at + 1 + draws.Exponential(fault.down);
            out.push_back(Begin(fault, number));
            out.back().node = node;
            out.back().from = at;
            out.back().until = back;
            at = back + 1 + draws.Exponential(fault.up);
        }
    }
}

/// One of a storm's faults: of any kind that needs nothing from the scenario.
PlannedFault
DrawStorm(const Fault& fault, const std::vector<uint32_t>& nodes, size_t regions, Draws& draws)
{
    static constexpr FaultKind kinds[] = {FaultKind::Crash,
                                          FaultKind::DiskLoss,
                                          FaultKind::Slow,
                                          FaultKind::Clock,
                                          FaultKind::CutOff,
                                          FaultKind::Partition};
    PlannedFault out;
    out.kind = kinds[draws.Below(regions > 1 ? std::size(kinds) : std::size(kinds) - 2)];
    out.from = fault.at + draws.Below(fault.over / MS + 1) * MS;
    out.until = out.from + (1 + draws.Below(STORM_LONGEST_MS)) * MS;
    uint32_t node = nodes[draws.Below(nodes.size())];
    switch (out.kind)
    {
    case FaultKind::CutOff:
        out.a = out.b = static_cast<uint32_t>(draws.Below(regions));
        return out;
    case FaultKind::Partition:
        out.a = static_cast<uint32_t>(draws.Below(regions));
        out.b = static_cast<uint32_t>((out.a + 1 + draws.Below(regions - 1)) % regions);
        return out;
    case FaultKind::Slow:
        out.value = static_cast<int64_t>(STORM_SLOWEST + draws.Below(STORM_SLOW - STORM_SLOWEST));
        break;
    case FaultKind::Clock:
        out.value = static_cast<int64_t>(draws.Below(2 * STORM_CLOCK + 1)) -
                    static_cast<int64_t>(STORM_CLOCK);
        break;
    default:
        break;
    }
    out.node = node;
    return out;
}

bool
Before(const PlannedFault& x, const PlannedFault& y)
{
    return std::tie(x.from, x.node, x.number, x.kind) < std::tie(y.from, y.node, y.number, y.kind);
}

} // namespace

bool
IsOutage(FaultKind kind)
{
    return kind == FaultKind::Crash || kind == FaultKind::Churn || kind == FaultKind::DiskLoss;
}

std::vector<PlannedFault>
PlanFaults(const Scenario& scenario,
           const std::vector<std::vector<uint32_t>>& members,
           uint64_t seed)
{
    std::vector<PlannedFault> all;
    for (uint32_t i = 0; i < scenario.faults.size(); i++)
    {
        const Fault& fault = scenario.faults[i];
        Draws draws("qnet-sim-faults", seed, i);
        std::vector<uint32_t> nodes;
        for (uint32_t group : fault.groups)
        {
            nodes.insert(nodes.end(), members[group].begin(), members[group].end());
        }
        switch (fault.kind)
        {
        case FaultKind::Churn:
            PlanChurn(fault, i, nodes, seed, scenario.stop, all);
            break;
        case FaultKind::Partition:
        case FaultKind::CutOff:
            all.push_back(Begin(fault, i));
            break;
        case FaultKind::Storm:
            for (uint64_t k = 0; k < fault.count; k++)
            {
                all.push_back(DrawStorm(fault, nodes, scenario.network.regions.size(), draws));
                all.back().number = i;
            }
            break;
        default:
            PlanShare(Begin(fault, i), fault.share, nodes, draws, all);
        }
    }
    std::sort(all.begin(), all.end(), Before);
    return all;
}

Plight
PlightAt(const std::vector<PlannedFault>& faults, uint64_t at)
{
    Plight out;
    for (const PlannedFault& fault : faults)
    {
        if (at < fault.from || at >= fault.until)
        {
            continue;
        }
        switch (fault.kind)
        {
        case FaultKind::Slow:
            out.slow = std::min(out.slow, static_cast<uint32_t>(fault.value));
            break;
        case FaultKind::Clock:
            out.clock = fault.value;
            break;
        case FaultKind::Lying:
            out.lies |= static_cast<uint32_t>(fault.value);
            break;
        default:
            out.down = out.down || IsOutage(fault.kind);
        }
    }
    return out;
}

} // namespace qnet
