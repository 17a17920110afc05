// SPDX-License-Identifier: GPL-2.0-only
#include "censor-report.h"

#include <algorithm>
#include <numeric>

#include "json-put.h"
#include "output-file.h"

namespace qnet
{

namespace
{

constexpr FlowSort SORTS[FLOW_SORTS] = {FlowSort::Link,
                                        FlowSort::Web,
                                        FlowSort::Browser,
                                        FlowSort::Shadowsocks,
                                        FlowSort::Tor,
                                        FlowSort::Bare};

uint64_t
Permille(uint64_t part, uint64_t whole)
{
    return whole > 0 ? part * 1000 / whole : 0;
}

json_t*
TallyJson(const CensorBorder::Tally& tally)
{
    json_t* out = Object();
    Put(out, "flows", tally.flows);
    Put(out, "blocked", tally.blocked);
    Put(out, "blocked_permille", Permille(tally.blocked, tally.flows));
    Put(out, "slowed", tally.slowed);
    Put(out, "probes", tally.probes);
    Put(out, "distinguishable", tally.told);
    return out;
}

json_t*
CensorJson(const Simulation& s, size_t i)
{
    const CensorBorder& censors = *s.GetCensors();
    const CensorSpec& spec = censors.GetSpec(i);
    const censor_stats& stats = censors.GetStats(i);
    json_t* out = Object();
    Put(out, "kind", std::string(censor_kind_name(spec.kind)));
    Put(out, "region", s.GetScenario().network.regions[spec.region]);
    for (FlowSort sort : SORTS)
    {
        Put(out, FlowSortName(sort), TallyJson(censors.GetTally(i, sort)));
    }
    Put(out, "caught", stats.caught);
    Put(out, "penalised", stats.penalised);
    Put(out, "slowed", stats.slowed);
    Put(out, "lost_packets", stats.lost);
    Put(out, "seen_bytes", stats.seen);
    Put(out, "inspections", stats.inspections);
    Put(out, "inspected_bytes", stats.inspected);
    Put(out, "state_entries_max", stats.states_max);
    Put(out, "state_bytes_max", stats.states_max * sizeof(censor_flow));
    Put(out, "probes", stats.probes);
    Put(out, "probe_bytes", stats.probe_bytes);
    Put(out, "found", stats.found);
    return out;
}

enum class VisitEnd
{
    Done,
    Failed,
    Unfinished
};

VisitEnd
EndOf(const ControlVisit& visit, uint64_t timeout, uint64_t stop)
{
    if (visit.took >= 0)
    {
        return VisitEnd::Done;
    }
    return static_cast<uint64_t>(visit.start) + timeout < stop ? VisitEnd::Failed
                                                               : VisitEnd::Unfinished;
}

json_t*
ControlJson(const Simulation& s, const ControlSpec& spec, const std::vector<ControlVisit>& visits)
{
    const Scenario& scenario = s.GetScenario();
    uint64_t count[3] = {};
    std::vector<uint64_t> took;
    for (const ControlVisit& visit : visits)
    {
        if (visit.start < static_cast<int64_t>(scenario.warmup))
        {
            continue;
        }
        VisitEnd end = EndOf(visit, spec.timeout, scenario.stop);
        count[static_cast<size_t>(end)]++;
        if (end == VisitEnd::Done)
        {
            took.push_back(static_cast<uint64_t>(visit.took));
        }
    }
    json_t* out = Object();
    Put(out, "kind", std::string(ControlKindName(spec.kind)));
    Put(out, "region", scenario.network.regions[spec.region]);
    Put(out, "done", count[0]);
    Put(out, "failed", count[1]);
    Put(out, "failed_permille", Permille(count[1], count[0] + count[1]));
    Put(out, "unfinished", count[2]);
    Put(out, "took_ns", DistributionJson(Distribution(std::move(took))));
    return out;
}

void
WriteTallies(const std::string& path, const Simulation& s)
{
    const CensorBorder& censors = *s.GetCensors();
    OutputFile out(path);
    out.Write("region,censor,kind,flows_of,flows,blocked,slowed,probes,distinguishable\n");
    for (const CensorRow& row : CensorRows(s))
    {
        const CensorSpec& spec = censors.GetSpec(row.censor);
        const CensorBorder::Tally& tally = censors.GetTally(row.censor, row.sort);
        out.Write(s.GetScenario().network.regions[spec.region] + "," + spec.name + "," +
                  censor_kind_name(spec.kind) + "," + FlowSortName(row.sort));
        for (uint64_t value : {tally.flows, tally.blocked, tally.slowed, tally.probes, tally.told})
        {
            out.Write("," + std::to_string(value));
        }
        out.Write("\n");
    }
    out.Close();
}

void
WriteCosts(const std::string& path, const Simulation& s)
{
    const CensorBorder& censors = *s.GetCensors();
    OutputFile out(path);
    out.Write("region,censor,kind,flows,state_entries_max,state_bytes_max,inspections,"
              "inspected_bytes,seen_bytes,lost_packets,probes,probe_bytes\n");
    for (size_t i = 0; i < censors.Count(); i++)
    {
        const CensorSpec& spec = censors.GetSpec(i);
        const censor_stats& stats = censors.GetStats(i);
        out.Write(s.GetScenario().network.regions[spec.region] + "," + spec.name + "," +
                  censor_kind_name(spec.kind));
        for (uint64_t value : {stats.flows,
                               stats.states_max,
                               stats.states_max * sizeof(censor_flow),
                               stats.inspections,
                               stats.inspected,
                               stats.seen,
                               stats.lost,
                               stats.probes,
                               stats.probe_bytes})
        {
            out.Write("," + std::to_string(value));
        }
        out.Write("\n");
    }
    out.Close();
}

void
WriteVisits(const std::string& path, const Simulation& s)
{
    static const char* const ends[] = {"done", "failed", "unfinished"};
    const Scenario& scenario = s.GetScenario();
    std::vector<std::vector<ControlVisit>> visits = s.GetVisits();
    OutputFile out(path);
    out.Write("control,kind,region,start_ns,took_ns,outcome\n");
    for (size_t i = 0; i < visits.size(); i++)
    {
        const ControlSpec& spec = scenario.controls[i];
        for (const ControlVisit& visit : visits[i])
        {
            VisitEnd end = EndOf(visit, spec.timeout, scenario.stop);
            out.Write(spec.name + "," + ControlKindName(spec.kind) + "," +
                      scenario.network.regions[spec.region] + "," + std::to_string(visit.start) +
                      "," + (visit.took >= 0 ? std::to_string(visit.took) : "") + "," +
                      ends[static_cast<size_t>(end)] + "\n");
        }
    }
    out.Close();
}

Reach
ReachOfLinks(const Simulation& s, const Recorder& r, uint32_t region)
{
    Reach reach{region, FlowSort::Link, {}};
    for (const StreamRow& row : r.GetStreams())
    {
        if (s.GetMembers()[row.client].region == region && row.outcome != FetchOutcome::Unfinished)
        {
            reach.tries.push_back({row.start, row.outcome == FetchOutcome::Done});
        }
    }
    return reach;
}

} // namespace

const char*
ReachLabel(FlowSort sort)
{
    return sort == FlowSort::Link ? "QNet" : FlowSortName(sort);
}

std::vector<Reach>
ReachOf(const Simulation& s, const Recorder& r)
{
    std::vector<Reach> all;
    const Scenario& scenario = s.GetScenario();
    std::vector<std::vector<ControlVisit>> visits = s.GetVisits();
    for (uint32_t region = 0; region < scenario.network.regions.size(); region++)
    {
        if (s.GetCensors() == nullptr || !s.GetCensors()->Guards(region))
        {
            continue;
        }
        all.push_back(ReachOfLinks(s, r, region));
        for (FlowSort sort : SORTS)
        {
            Reach reach{region, sort, {}};
            for (size_t i = 0; i < visits.size(); i++)
            {
                const ControlSpec& spec = scenario.controls[i];
                bool ours = spec.region == region && SortOfControl(spec.kind) == sort;
                for (size_t k = 0; ours && k < visits[i].size(); k++)
                {
                    VisitEnd end = EndOf(visits[i][k], spec.timeout, scenario.stop);
                    if (end != VisitEnd::Unfinished)
                    {
                        reach.tries.push_back({visits[i][k].start, end == VisitEnd::Done});
                    }
                }
            }
            if (!reach.tries.empty())
            {
                all.push_back(std::move(reach));
            }
        }
    }
    return all;
}

json_t*
ReachJson(const Simulation& s, const Recorder& r)
{
    json_t* out = Object();
    for (const Reach& reach : ReachOf(s, r))
    {
        uint64_t tries = 0;
        uint64_t done = 0;
        for (const Reach::Try& each : reach.tries)
        {
            bool measured = each.start >= static_cast<int64_t>(s.GetScenario().warmup);
            tries += measured;
            done += measured && each.done;
        }
        const std::string& region = s.GetScenario().network.regions[reach.region];
        json_t* regionJson = json_object_get(out, region.c_str());
        if (regionJson == nullptr)
        {
            regionJson = Object();
            Put(out, region, regionJson);
        }
        json_t* one = Object();
        Put(one, "tries", tries);
        Put(one, "done", done);
        Put(one, "done_permille", Permille(done, tries));
        Put(regionJson, reach.sort == FlowSort::Link ? "qnet" : FlowSortName(reach.sort), one);
    }
    return out;
}

json_t*
CensorsJson(const Simulation& s)
{
    json_t* out = Object();
    for (size_t i = 0; i < s.GetCensors()->Count(); i++)
    {
        Put(out, s.GetCensors()->GetSpec(i).name, CensorJson(s, i));
    }
    return out;
}

json_t*
ControlsJson(const Simulation& s)
{
    json_t* out = Object();
    std::vector<std::vector<ControlVisit>> visits = s.GetVisits();
    for (size_t i = 0; i < visits.size(); i++)
    {
        const ControlSpec& spec = s.GetScenario().controls[i];
        Put(out, spec.name, ControlJson(s, spec, visits[i]));
    }
    return out;
}

std::vector<CensorRow>
CensorRows(const Simulation& s)
{
    const CensorBorder& censors = *s.GetCensors();
    std::vector<size_t> order(censors.Count());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&censors](size_t a, size_t b) {
        return censors.GetSpec(a).region < censors.GetSpec(b).region;
    });
    std::vector<CensorRow> rows;
    for (size_t i : order)
    {
        for (FlowSort sort : SORTS)
        {
            if (censors.GetTally(i, sort).flows > 0)
            {
                rows.push_back({i, sort});
            }
        }
    }
    return rows;
}

void
WriteCensorFiles(const std::string& folder, const Simulation& s)
{
    if (s.GetCensors() != nullptr)
    {
        WriteTallies(folder + "/censor.csv", s);
        WriteCosts(folder + "/censor-cost.csv", s);
    }
    if (!s.GetScenario().controls.empty())
    {
        WriteVisits(folder + "/control.csv", s);
    }
}

} // namespace qnet
