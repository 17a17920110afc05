// SPDX-License-Identifier: GPL-2.0-only
// What summary.json says of faults and what they cost, of joining, of lists, and of promises.
#include <map>

#include "joining.h"
#include "json-put.h"
#include "recovery.h"
#include "sim-time.h"
#include "summary.h"
#include "views.h"

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

uint64_t
Permille(uint64_t part, uint64_t whole)
{
    return whole > 0 ? part * 1000 / whole : 0;
}

json_t*
SurvivalJson(const Survival& survival)
{
    json_t* out = Object();
    Put(out, "alive", survival.alive);
    Put(out, "survived", survival.survived);
    Put(out, "lost", survival.lost);
    Put(out, "unfinished", survival.unfinished);
    Put(out, "survived_permille", Permille(survival.survived, survival.survived + survival.lost));
    return out;
}

json_t*
ReturnsJson(Returns returns)
{
    json_t* out = Object();
    Put(out, "first_byte_ns", DistributionJson(Distribution(std::move(returns.until))));
    Put(out, "waited_ns", DistributionJson(Distribution(std::move(returns.waited))));
    Put(out, "never", returns.never);
    return out;
}

json_t*
WasteJson(const Waste& waste, const Recorder& r)
{
    uint64_t delivered = 0;
    for (const StreamRow& row : r.GetStreams())
    {
        delivered += row.bytes;
    }
    json_t* out = Object();
    Put(out, "client_bytes", waste.client);
    Put(out, "client_permille", Permille(waste.client, delivered));
    Put(out, "exit_bytes", waste.exit);
    return out;
}

json_t*
RecoveryJson(const Simulation& s, const Recorder& r)
{
    std::vector<int64_t> moments = FaultMoments(s);
    json_t* out = Object();
    Put(out, "moments", moments.size());
    Put(out, "streams", SurvivalJson(SurvivalAt(r, moments)));
    Put(out, "clients", ReturnsJson(ReturnsAfter(r, moments, true)));
    Put(out, "wasted", WasteJson(WasteOf(s, r), r));
    return out;
}

json_t*
JoiningJson(const Joining& joining)
{
    json_t* out = Object();
    Put(out, "clients", joining.clients);
    Put(out, "never", joining.never);
    for (uint64_t limit : JOIN_LIMITS_S)
    {
        Put(out,
            "within_" + std::to_string(limit) + "_s_permille",
            joining.WithinPermille(limit * NS_PER_SECOND));
    }
    Put(out, "first_circuit_ns", DistributionJson(Distribution(joining.Took())));
    return out;
}

json_t*
DirectoryJson(DirectoryLoad load)
{
    json_t* out = Object();
    Put(out, "client_bytes", DistributionJson(Distribution(std::move(load.clients))));
    Put(out, "server_bytes", DistributionJson(Distribution(std::move(load.servers))));
    Put(out, "peak_bytes_per_s", load.peak);
    Put(out, "busiest_server_peak_bytes_per_s", load.busiestPeak);
    return out;
}

json_t*
HealedJson(const Simulation& s, const Recorder& r, const Views& views)
{
    std::vector<int64_t> heals = HealMoments(s);
    Convergence convergence = ConvergenceOf(views, heals);
    json_t* out = Object();
    Put(out, "heals", convergence.heals);
    Put(out, "lists_ns", DistributionJson(Distribution(convergence.all)));
    Put(out, "lists_never", convergence.never);
    Put(out, "server_lists_ns", DistributionJson(Distribution(convergence.others)));
    Put(out, "server_lists_never", convergence.neverOthers);
    Put(out, "clients", ReturnsJson(ReturnsAfter(r, heals, false)));
    return out;
}

json_t*
ViewsJson(const Simulation& s, const Recorder& r, const Views& views)
{
    json_t* out = Object();
    Put(out, "versions", views.versions);
    Put(out, "stale_node_ns", views.staleNs);
    Put(out, "stale_longest_ns", views.worstNs);
    Put(out, "clients_by_superseded", views.supersededUsers);
    Put(out, "clients_by_expired", views.expiredUsers);
    Split split = SplitOf(s, r);
    Put(out, "versions_with_two_lists", split.twoLists);
    Put(out, "halves_differ_ns", split.differNs);
    return out;
}

} // namespace

void
PutFaults(json_t* out, const Simulation& s, const Recorder& r)
{
    Put(out, "outages", Outages(s));
    Put(out, "faults", FaultsJson(s));
    if (!s.GetFaults().empty())
    {
        Put(out, "recovery", RecoveryJson(s, r));
    }
    if (s.GetLies() != nullptr)
    {
        Put(out, "lying", LyingJson(*s.GetLies()));
    }
}

void
PutJoining(json_t* out, const Simulation& s, const Recorder& r)
{
    json_t* groups = Object();
    for (uint32_t i = 0; i < s.GetScenario().groups.size(); i++)
    {
        const Group& group = s.GetScenario().groups[i];
        if (group.role == Role::Client)
        {
            Put(groups, group.name, JoiningJson(JoiningOf(s, r, i)));
        }
    }
    Put(out, "join", groups);
    Put(out, "directory", DirectoryJson(DirectoryLoadOf(s, r)));
}

void
PutViews(json_t* out, const Simulation& s, const Recorder& r)
{
    Views views = ViewsOf(s, r);
    Put(out, "views", ViewsJson(s, r, views));
    if (!HealMoments(s).empty())
    {
        Put(out, "convergence", HealedJson(s, r, views));
    }
}

void
PutPromises(json_t* out, const Simulation& s, const Recorder& r)
{
    Put(out, "promises", PromisesJson(s, r));
}

} // namespace qnet
