// SPDX-License-Identifier: GPL-2.0-only
// What summary.json says of faults and promises.
#include <map>

#include "json-put.h"
#include "summary.h"

namespace qnet
{

namespace
{

json_t*
FaultsJson(const Simulation& s)
{
    std::map<std::string, uint64_t> kinds;
    for (const PlannedFault& fault : s.GetFaults())
    {
        kinds[FaultKindName(fault.kind)]++;
    }
    json_t* out = Object();
    Put(out, "planned", s.GetFaults().size());
    for (const auto& [kind, n] : kinds)
    {
        Put(out, kind, n);
    }
    return out;
}

uint64_t
Outages(const Simulation& s)
{
    uint64_t n = 0;
    for (const PlannedFault& fault : s.GetFaults())
    {
        n += IsOutage(fault.kind);
    }
    return n;
}

/// What lying hops did, and who noticed.
json_t*
LyingJson(const liar_counts& counts)
{
    json_t* out = Object();
    json_t* told = Object();
    uint64_t all = 0;
    for (unsigned i = 0; i < LIES; i++)
    {
        Put(told, lie_name(static_cast<lie>(i)), counts.told[i]);
        all += counts.told[i];
    }
    Put(out, "lies", all);
    Put(out, "told", told);
    Put(out, "to_be_caught", all - counts.told[LIE_DELAY]);
    Put(out, "caught_next_hop", counts.caught);
    Put(out, "caught_elsewhere", counts.elsewhere);
    Put(out, "texts_at_ends", counts.texts);
    Put(out, "marked_texts_at_ends", counts.marked);
    return out;
}

/// How often promises were seen broken, by any node or fetch: docs/simulator.md.
json_t*
PromisesJson(const Simulation& s, const Recorder& r)
{
    uint64_t p1 = 0;
    for (const StreamRow& row : r.GetStreams())
    {
        p1 += row.outcome == FetchOutcome::Truncated || row.outcome == FetchOutcome::Corrupt;
    }
    PromiseCounts sum;
    for (const Member& member : s.GetMembers())
    {
        const PromiseCounts& one = s.ResultOf(member.app->GetHost()).broken;
        sum.memory += one.memory;
        sum.lists += one.lists;
        sum.exits += one.exits;
        sum.outside += one.outside;
    }
    json_t* out = Object();
    Put(out, "p1_streams", p1);
    Put(out, "p4_memory", sum.memory);
    Put(out, "p5_lists", sum.lists);
    Put(out, "p6_exits", sum.exits);
    Put(out, "p9_clients", sum.outside);
    Put(out, "broken", p1 + sum.memory + sum.lists + sum.exits + sum.outside);
    return out;
}

} // namespace

void
PutFaults(json_t* out, const Simulation& s)
{
    Put(out, "outages", Outages(s));
    Put(out, "faults", FaultsJson(s));
    if (s.GetLies() != nullptr)
    {
        Put(out, "lying", LyingJson(*s.GetLies()));
    }
}

void
PutPromises(json_t* out, const Simulation& s, const Recorder& r)
{
    Put(out, "promises", PromisesJson(s, r));
}

} // namespace qnet
