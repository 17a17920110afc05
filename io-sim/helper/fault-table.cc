// SPDX-License-Identifier: GPL-2.0-only
#include "fault-table.h"

#include <algorithm>

#include "quantity.h"

namespace qnet
{

namespace
{

std::string
TargetOf(const Simulation& s, const PlannedFault& fault)
{
    const Network& network = s.GetScenario().network;
    if (fault.node == PlannedFault::NOBODY)
    {
        return fault.kind == FaultKind::CutOff ? network.regions[fault.a]
                                               : FaultValueText(fault, network);
    }
    const Member& member = s.GetMembers()[fault.node];
    return s.GetScenario().groups[member.group].name + ", node " + std::to_string(fault.node) +
           ", " + network.regions[member.region];
}

std::string
DoesWhat(const PlannedFault& fault)
{
    switch (fault.kind)
    {
    case FaultKind::Slow:
        return "to " + FormatQuantity(static_cast<uint64_t>(fault.value), Unit::Permille);
    case FaultKind::Clock:
        return std::to_string(std::abs(fault.value)) + " s " +
               (fault.value < 0 ? "behind" : "ahead");
    case FaultKind::Lying:
        return LiesText(fault.value);
    default:
        return "";
    }
}

/// Fetches under way when it began: of everybody, or of one client.
std::string
FetchesAt(const Recorder& r, const PlannedFault& fault, bool ofNode)
{
    auto at = static_cast<int64_t>(fault.from);
    uint64_t alive = 0;
    uint64_t lost = 0;
    for (const StreamRow& row : r.GetStreams())
    {
        bool here = row.start < at && row.over >= at;
        bool meant = here && (!ofNode || row.client == fault.node);
        alive += meant;
        lost +=
            meant && row.outcome != FetchOutcome::Done && row.outcome != FetchOutcome::Unfinished;
    }
    return std::to_string(alive) + " fetches under way, " + std::to_string(lost) + " lost";
}

/// What a relay, exit or super peer had at the last look before it.
std::string
LoadAt(const Recorder& r, const PlannedFault& fault)
{
    const SampleRow* last = nullptr;
    for (const SampleRow& row : r.GetSamples())
    {
        if (row.at > static_cast<int64_t>(fault.from))
        {
            break;
        }
        last = row.node == static_cast<int32_t>(fault.node) ? &row : last;
    }
    return last == nullptr ? "not up yet"
                           : std::to_string(last->links) + " links, " +
                                 std::to_string(last->circuits) + " circuits";
}

std::string
MetWhat(const Simulation& s, const Recorder& r, const PlannedFault& fault)
{
    if (fault.node == PlannedFault::NOBODY)
    {
        return FetchesAt(r, fault, false);
    }
    bool client = s.GetMembers()[fault.node].app->GetMode() == QN_CLIENT;
    return client ? FetchesAt(r, fault, true) : LoadAt(r, fault);
}

} // namespace

std::vector<std::vector<std::string>>
FaultTable(const Simulation& s, const Recorder& r)
{
    std::vector<std::vector<std::string>> rows;
    uint64_t stop = s.GetScenario().stop;
    for (const PlannedFault& fault : s.GetFaults())
    {
        if (fault.from >= stop || rows.size() >= FAULT_TABLE_ROWS)
        {
            continue;
        }
        rows.push_back({FaultKindName(fault.kind),
                        TargetOf(s, fault),
                        FormatQuantity(fault.from, Unit::Time),
                        fault.until < stop ? FormatQuantity(fault.until, Unit::Time) : "-",
                        DoesWhat(fault),
                        MetWhat(s, r, fault)});
    }
    if (!rows.empty())
    {
        rows.insert(rows.begin(), {"kind", "of", "from", "until", "what", "what it met"});
    }
    return rows;
}

} // namespace qnet
