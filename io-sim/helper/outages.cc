// SPDX-License-Identifier: GPL-2.0-only
#include "outages.h"

#include <algorithm>

#include "draws.h"

namespace qnet
{

namespace
{

uint64_t
Later(uint64_t at, uint64_t by)
{
    return by == 0 ? UINT64_MAX : at + by;
}

/// Some of a group go down at one moment.
void
PlanCrash(const Fault& fault, std::vector<uint32_t> nodes, Draws& draws, std::vector<Outage>& out)
{
    size_t hit = (nodes.size() * fault.share + 999) / 1000;
    for (size_t i = 0; i < hit; i++)
    {
        size_t other = i + draws.Below(nodes.size() - i);
        std::swap(nodes[i], nodes[other]);
        out.push_back({nodes[i], fault.at, Later(fault.at, fault.down)});
    }
}

/// All of a group come and go, each by itself.
void
PlanChurn(const Fault& fault,
          const std::vector<uint32_t>& nodes,
          uint64_t seed,
          uint64_t number,
          uint64_t stop,
          std::vector<Outage>& out)
{
    for (uint32_t node : nodes)
    {
        Draws draws("qnet-sim-churn", seed, number << 32 | node);
        uint64_t at = fault.at + draws.Exponential(fault.up);
        while (at < stop)
        {
            uint64_t back = at + 1 + draws.Exponential(fault.down);
            out.push_back({node, at, back});
            at = back + 1 + draws.Exponential(fault.up);
        }
    }
}

/// Outages of one node that overlap become one.
std::vector<Outage>
Merged(std::vector<Outage> all)
{
    std::sort(all.begin(), all.end(), [](const Outage& a, const Outage& b) {
        return a.node != b.node ? a.node < b.node : a.from < b.from;
    });
    std::vector<Outage> out;
    for (const Outage& each : all)
    {
        if (!out.empty() && out.back().node == each.node && each.from <= out.back().until)
        {
            out.back().until = std::max(out.back().until, each.until);
        }
        else
        {
            out.push_back(each);
        }
    }
    return out;
}

} // namespace

std::vector<Outage>
PlanOutages(const Scenario& scenario,
            const std::vector<std::vector<uint32_t>>& members,
            uint64_t seed)
{
    std::vector<Outage> all;
    for (size_t i = 0; i < scenario.faults.size(); i++)
    {
        const Fault& fault = scenario.faults[i];
        Draws draws("qnet-sim-faults", seed, i);
        if (fault.kind == FaultKind::Crash)
        {
            PlanCrash(fault, members[fault.group], draws, all);
        }
        else if (fault.kind == FaultKind::Churn)
        {
            PlanChurn(fault, members[fault.group], seed, i, scenario.stop, all);
        }
    }
    return Merged(std::move(all));
}

} // namespace qnet
