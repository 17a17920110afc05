// SPDX-License-Identifier: GPL-2.0-only
#include "summary.h"

#include <cstdlib>
#include <map>
#include <set>

#include "censor-report.h"
#include "counters.h"
#include "json-put.h"
#include "measures.h"
#include "quantity.h"
#include "statistics.h"

namespace qnet
{

namespace
{

constexpr qn_route ROUTES[] = {QN_ROUTE_FAST, QN_ROUTE_PRIVACY};

std::string
SizeKey(uint64_t bytes)
{
    std::string text = FormatQuantity(bytes, Unit::Size);
    size_t space = text.find(' ');
    return space == std::string::npos ? text : text.erase(space, 1);
}

json_t*
NodesJson(const Simulation& s)
{
    json_t* out = Object();
    for (const Group& group : s.GetScenario().groups)
    {
        Put(out, group.name, group.count);
    }
    return out;
}

json_t*
StreamsJson(const Recorder& r, const std::function<bool(const StreamRow&)>& filter)
{
    constexpr size_t OUTCOMES = static_cast<size_t>(FetchOutcome::Unfinished) + 1;
    uint64_t count[OUTCOMES] = {};
    uint64_t asked = 0;
    uint64_t bytesAsked = 0;
    uint64_t bytes = 0;
    for (const StreamRow& row : r.GetStreams())
    {
        if (filter(row))
        {
            asked++;
            count[static_cast<size_t>(row.outcome)]++;
            bytesAsked += row.size;
            bytes += row.bytes;
        }
    }
    auto of = [&count](FetchOutcome outcome) { return count[static_cast<size_t>(outcome)]; };
    uint64_t unfinished = of(FetchOutcome::Unfinished);
    uint64_t done = of(FetchOutcome::Done);
    json_t* out = Object();
    Put(out, "asked", asked);
    Put(out, "done", done);
    Put(out, "failed", asked - done - unfinished);
    Put(out, "failed_permille", asked > 0 ? (asked - done - unfinished) * 1000 / asked : 0);
    Put(out, "unfinished", unfinished);
    Put(out, "p1_violations", of(FetchOutcome::Truncated) + of(FetchOutcome::Corrupt));
    Put(out, "asked_bytes", bytesAsked);
    Put(out, "delivered_bytes", bytes);
    json_t* outcomes = Object();
    for (size_t i = 0; i < OUTCOMES; i++)
    {
        Put(outcomes, FetchOutcomeName(static_cast<FetchOutcome>(i)), count[i]);
    }
    Put(out, "outcomes", outcomes);
    return out;
}

json_t*
FirstByteJson(const Recorder& r)
{
    json_t* out = Object();
    for (qn_route route : ROUTES)
    {
        auto ours = [route](const StreamRow& row) { return row.route == route; };
        Put(out, RouteName(route), DistributionJson(StreamTimes(r, ours, &StreamRow::first)));
    }
    return out;
}

json_t*
AnswersJson(const Recorder& r)
{
    json_t* out = Object();
    for (qn_route route : ROUTES)
    {
        std::vector<uint64_t> took;
        for (const AnswerRow& row : r.GetAnswers())
        {
            if (row.measured && (row.hops > 1) == (route == QN_ROUTE_PRIVACY))
            {
                took.push_back(row.took);
            }
        }
        Put(out, RouteName(route), DistributionJson(Distribution(std::move(took))));
    }
    return out;
}

json_t*
LastByteJson(const Simulation& s, const Recorder& r)
{
    json_t* out = Object();
    for (qn_route route : ROUTES)
    {
        json_t* sizes = Object();
        auto any = [route](const StreamRow& row) { return row.route == route; };
        Put(sizes, "all", DistributionJson(StreamTimes(r, any, &StreamRow::last)));
        for (uint64_t size : SizesAsked(s.GetScenario()))
        {
            auto ours = [route, size](const StreamRow& row) {
                return row.route == route && row.size == size;
            };
            Put(sizes, SizeKey(size), DistributionJson(StreamTimes(r, ours, &StreamRow::last)));
        }
        Put(out, RouteName(route), sizes);
    }
    return out;
}

json_t*
CircuitsJson(const Recorder& r)
{
    uint64_t built = 0;
    uint64_t failed = 0;
    std::map<std::string, uint64_t> ends;
    for (const CircuitRow& row : r.GetCircuits())
    {
        built += row.measured && row.built >= 0;
        failed += row.measured && row.built < 0;
        ends[qn_err_name(row.error)] += row.ended >= 0;
    }
    json_t* out = Object();
    Put(out, "built", built);
    Put(out, "failed", failed);
    Put(out, "build_ns", DistributionJson(BuildTimes(r, 3)));
    json_t* ended = Object();
    for (const auto& [error, n] : ends)
    {
        Put(ended, error, n);
    }
    Put(out, "ended", ended);
    return out;
}

json_t*
CountersJson(const qn_counters& c)
{
    json_t* out = Object();
    Put(out, "cells_forward", c.cells_forward);
    Put(out, "cells_backward", c.cells_backward);
    Put(out, "aead_bytes", c.aead_bytes);
    Put(out, "dh", c.dh);
    Put(out, "handshakes", c.handshakes);
    Put(out, "app_up_bytes", c.app_up);
    Put(out, "app_down_bytes", c.app_down);
    Put(out, "relayed_bytes", c.relayed);
    Put(out, "links_opened", c.links_opened);
    Put(out, "circuits_built", c.circuits_built);
    Put(out, "circuits_failed", c.circuits_failed);
    Put(out, "circuits_refused", c.circuits_refused);
    Put(out, "padding_cells", c.padding_cells);
    Put(out, "padding_refused", c.padding_refused);
    Put(out, "streams_opened", c.streams_opened);
    Put(out, "streams_failed", c.streams_failed);
    Put(out, "exit_requests", c.exit_requests);
    Put(out, "exit_ok", c.exit_ok);
    Put(out, "exit_blocked", c.exit_blocked);
    Put(out, "exit_bytes", c.exit_bytes);
    return out;
}

/// What the real core did, by group and together.
json_t*
CoreJson(const Simulation& s)
{
    const std::vector<Group>& groups = s.GetScenario().groups;
    std::vector<qn_counters> sums(groups.size());
    qn_counters all{};
    for (const Member& member : s.GetMembers())
    {
        const qn_counters& c = s.ResultOf(member.app->GetHost()).counters;
        AddCounters(&sums[member.group], c);
        AddCounters(&all, c);
    }
    json_t* out = Object();
    Put(out, "all", CountersJson(all));
    for (size_t i = 0; i < groups.size(); i++)
    {
        if (groups[i].role != Role::Web)
        {
            Put(out, groups[i].name, CountersJson(sums[i]));
        }
    }
    return out;
}

json_t*
NetworkJson(const Simulation& s)
{
    Transport::HostStats sum{};
    auto add = [&sum, &s](uint32_t host) {
        const Transport::HostStats& stats = s.ResultOf(host).traffic;
        sum.sent += stats.sent;
        sum.received += stats.received;
        sum.congested += stats.congested;
    };
    for (const Member& member : s.GetMembers())
    {
        add(member.app->GetHost());
    }
    for (const auto& server : s.GetServers())
    {
        add(server->GetHost());
    }
    json_t* out = Object();
    Put(out, "sent_bytes", sum.sent);
    Put(out, "received_bytes", sum.received);
    Put(out, s.GetTier() == Tier::M ? "marked_chunks" : "dropped_packets", sum.congested);
    return out;
}

/// The fetches of one workload, and what its people felt beside them.
json_t*
WorkloadJson(const Simulation& s, const Recorder& r, uint32_t index)
{
    const Workload& workload = s.GetScenario().workloads[index];
    auto mine = [index](const StreamRow& row) { return row.workload == index; };
    json_t* out = Object();
    Put(out, "model", std::string(WorkloadKindName(workload.kind)));
    Put(out, "streams", StreamsJson(r, [index](const StreamRow& row) {
            return row.measured && row.workload == index;
        }));
    Put(out, "ttfb_ns", DistributionJson(StreamTimes(r, mine, &StreamRow::first)));
    Put(out, "ttlb_ns", DistributionJson(StreamTimes(r, mine, &StreamRow::last)));
    Shares shares = SharesOf(s, r, index);
    json_t* permille = Object();
    Put(permille, "least", shares.least);
    Put(permille, "most", shares.most);
    Put(out, "share_permille", permille);
    const Experience& all = s.ExperienceOf(index);
    if (workload.kind == WorkloadKind::Browse)
    {
        Put(out, "page_ns", DistributionJson(Distribution(all.pages)));
    }
    if (workload.kind == WorkloadKind::Stream)
    {
        uint64_t whole = all.playedNs + all.stalledNs;
        Put(out, "startup_ns", DistributionJson(Distribution(all.startups)));
        Put(out, "stalls", all.stalls);
        Put(out, "stalled_ns", all.stalledNs);
        Put(out, "played_ns", all.playedNs);
        Put(out, "stalled_permille", whole > 0 ? all.stalledNs / (whole / 1000 + 1) : 0);
    }
    return out;
}

json_t*
WorkloadsJson(const Simulation& s, const Recorder& r)
{
    json_t* out = Object();
    for (uint32_t i = 0; i < s.GetScenario().workloads.size(); i++)
    {
        Put(out, s.GetScenario().workloads[i].name, WorkloadJson(s, r, i));
    }
    return out;
}

/// The part of their uplinks that nodes used, by group, and what waited for them.
json_t*
LoadsJson(const Simulation& s, const Recorder& r)
{
    json_t* out = Object();
    for (uint32_t i = 0; i < s.GetScenario().groups.size(); i++)
    {
        const Group& group = s.GetScenario().groups[i];
        if (group.role != Role::Web && group.role != Role::Client)
        {
            json_t* load = Object();
            Put(load, "permille", LoadOf(s, r, i));
            Put(load, "busiest_permille", BusiestOf(s, r, i));
            Put(load, "queued_bytes", DistributionJson(QueuesOf(s, r, i)));
            Put(out, group.name, load);
        }
    }
    return out;
}

/// Clients' first lists: how long the answer took on a link that was up, and what it weighed.
json_t*
ListsJson(const Recorder& r)
{
    std::vector<uint64_t> took;
    std::vector<uint64_t> bytes;
    for (const ListRow& row : r.GetLists())
    {
        if (row.took != ListRow::LATER)
        {
            took.push_back(static_cast<uint64_t>(row.took));
            bytes.push_back(row.bytes);
        }
    }
    json_t* out = Object();
    Put(out, "query_ns", DistributionJson(Distribution(std::move(took))));
    Put(out, "bytes", DistributionJson(Distribution(std::move(bytes))));
    return out;
}

/// How long processors were busy: of each group together, and of its busiest member.
json_t*
CpuJson(const Simulation& s)
{
    json_t* out = Object();
    for (uint32_t i = 0; i < s.GetScenario().groups.size(); i++)
    {
        uint64_t sum = 0;
        uint64_t most = 0;
        for (const Member& member : s.GetMembers())
        {
            uint64_t ns = member.group == i ? s.ResultOf(member.app->GetHost()).cpuNs : 0;
            sum += ns;
            most = std::max(most, ns);
        }
        if (s.GetScenario().groups[i].role != Role::Web)
        {
            json_t* group = Object();
            Put(group, "busy_ns", sum);
            Put(group, "busiest_permille", most / (s.GetScenario().stop / 1000 + 1));
            Put(out, s.GetScenario().groups[i].name, group);
        }
    }
    return out;
}

/// What cores held at most: the member of each group that held most.
json_t*
MemoryJson(const Simulation& s)
{
    const std::vector<Group>& groups = s.GetScenario().groups;
    std::vector<uint64_t> most(groups.size());
    for (const Member& member : s.GetMembers())
    {
        most[member.group] =
            std::max(most[member.group], s.ResultOf(member.app->GetHost()).memoryPeak);
    }
    json_t* out = Object();
    for (size_t i = 0; i < groups.size(); i++)
    {
        if (groups[i].role != Role::Web)
        {
            json_t* group = Object();
            Put(group, "peak_bytes", most[i]);
            Put(out, groups[i].name, group);
        }
    }
    return out;
}

json_t*
EntriesJson(const Simulation& s)
{
    const EntryPool& entries = *s.GetEntries();
    const EntryPool::Counts& counts = entries.GetCounts();
    auto stop = static_cast<int64_t>(s.GetScenario().stop);
    json_t* out = Object();
    Put(out, "count", entries.Size());
    Put(out, "handed", counts.handed);
    Put(out, "lost", counts.lost);
    Put(out, "refused", counts.refused);
    Put(out, "learnt", counts.learnt);
    Put(out, "learnt_permille", counts.learnt * 1000 / entries.Size());
    Put(out, "blocked_permille", entries.BlockedAt(stop) * 1000 / entries.Size());
    int64_t half = entries.HalfBlocked(stop);
    if (half >= 0)
    {
        Put(out, "half_blocked_ns", static_cast<uint64_t>(half));
    }
    Put(out, "half_blocked_never", UINT64_C(0) + (half < 0));
    return out;
}

} // namespace

std::vector<uint64_t>
SizesAsked(const Scenario& scenario)
{
    std::set<uint64_t> sizes;
    for (const Workload& workload : scenario.workloads)
    {
        bool few = workload.kind != WorkloadKind::Browse && workload.kind != WorkloadKind::Chat;
        for (const auto& [size, weight] : workload.habits.sizes)
        {
            if (few)
            {
                sizes.insert(size);
            }
        }
    }
    return {sizes.begin(), sizes.end()};
}

JsonPtr
MakeSummary(const Simulation& s, const Recorder& r)
{
    const Scenario& scenario = s.GetScenario();
    JsonPtr out(Object());
    Put(out.get(), "scenario", scenario.name);
    Put(out.get(), "scenario_sha256", scenario.sha256);
    Put(out.get(), "seed", s.GetSeed());
    Put(out.get(), "tier", std::string(TierName(s.GetTier())));
    Put(out.get(), "carrier", std::string(CarrierName(scenario.network.carrier)));
    Put(out.get(), "stop_ns", scenario.stop);
    Put(out.get(), "warmup_ns", scenario.warmup);
    Put(out.get(), "nodes", NodesJson(s));
    Put(out.get(), "streams", StreamsJson(r, [](const StreamRow&) { return true; }));
    Put(out.get(), "measured", StreamsJson(r, [](const StreamRow& row) { return row.measured; }));
    Put(out.get(), "ttfb_ns", FirstByteJson(r));
    Put(out.get(), "answer_ns", AnswersJson(r));
    Put(out.get(), "ttlb_ns", LastByteJson(s, r));
    Put(out.get(), "workloads", WorkloadsJson(s, r));
    Put(out.get(), "circuits", CircuitsJson(r));
    json_t* clients = Object();
    Put(clients, "goodput_bit_per_s", GoodputOf(s, r));
    Put(out.get(), "clients", clients);
    Put(out.get(), "loads", LoadsJson(s, r));
    Put(out.get(), "lists", ListsJson(r));
    Put(out.get(), "core", CoreJson(s));
    Put(out.get(), "network", NetworkJson(s));
    if (scenario.network.cpu.Any())
    {
        Put(out.get(), "cpu", CpuJson(s));
    }
    Put(out.get(), "memory", MemoryJson(s));
    PutFaults(out.get(), s, r);
    PutJoining(out.get(), s, r);
    PutViews(out.get(), s, r);
    PutPromises(out.get(), s, r);
    if (!scenario.controls.empty())
    {
        Put(out.get(), "control", ControlsJson(s));
    }
    if (s.GetCensors() != nullptr)
    {
        Put(out.get(), "censor", CensorsJson(s));
        Put(out.get(), "reach", ReachJson(s, r));
    }
    if (s.GetEntries() != nullptr)
    {
        Put(out.get(), "entries", EntriesJson(s));
    }
    Put(out.get(), "events", r.GetEventCount());
    return out;
}

std::string
JsonText(const json_t* json)
{
    char* text = json_dumps(json, JSON_INDENT(2));
    if (text == nullptr)
    {
        throw std::bad_alloc();
    }
    std::string out = std::string(text) + "\n";
    std::free(text);
    return out;
}

bool
JsonLookUp(const json_t* json, const std::string& path, uint64_t* out)
{
    for (size_t from = 0; json != nullptr && from <= path.size();)
    {
        size_t dot = path.find('.', from);
        size_t n = (dot == std::string::npos ? path.size() : dot) - from;
        json = json_object_get(json, path.substr(from, n).c_str());
        from += n + 1;
    }
    if (!json_is_integer(json))
    {
        return false;
    }
    *out = static_cast<uint64_t>(json_integer_value(json));
    return true;
}

std::vector<Verdict>
Judge(const json_t* summary, const std::vector<Expectation>& expectations)
{
    std::vector<Verdict> verdicts;
    for (const Expectation& expectation : expectations)
    {
        Verdict verdict{expectation, false, 0, false};
        verdict.found = JsonLookUp(summary, expectation.what, &verdict.actual);
        verdict.met =
            verdict.found && verdict.actual >= expectation.min && verdict.actual <= expectation.max;
        verdicts.push_back(verdict);
    }
    return verdicts;
}

} // namespace qnet
