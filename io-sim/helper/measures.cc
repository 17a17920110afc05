// SPDX-License-Identifier: GPL-2.0-only
#include "measures.h"

#include <algorithm>
#include <map>

namespace qnet
{

Shares
SharesOf(const Simulation& simulation, const Recorder& recorder, uint32_t workload)
{
    std::map<uint32_t, uint64_t> got;
    uint32_t group = simulation.GetScenario().workloads[workload].clients;
    for (uint32_t i = 0; i < simulation.GetMembers().size(); i++)
    {
        if (simulation.GetMembers()[i].group == group)
        {
            got[i] = 0;
        }
    }
    uint64_t sum = 0;
    for (const StreamRow& row : recorder.GetStreams())
    {
        if (row.workload == workload && row.measured)
        {
            got[row.client] += row.bytes;
            sum += row.bytes;
        }
    }
    if (sum == 0)
    {
        return {0, 0};
    }
    auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
    auto [least, most] = std::minmax_element(got.begin(), got.end(), less);
    return {least->second * 1000 * got.size() / sum, most->second * 1000 * got.size() / sum};
}

namespace
{

/// What an uplink carried and could have carried.
struct Uplink
{
    uint64_t bytes = 0;
    uint64_t room = 0;

    uint64_t
    Permille() const
    {
        return room > 0 ? bytes * 1000 / room : 0;
    }
};

/// Calls for every row of a member of the group after the warm-up.
template <typename F>
void
ForSamplesOf(const Simulation& simulation, const Recorder& recorder, uint32_t group, F&& f)
{
    int64_t warmup = static_cast<int64_t>(simulation.GetScenario().warmup);
    for (const SampleRow& row : recorder.GetSamples())
    {
        if (row.node >= 0 && row.at > warmup &&
            simulation.GetMembers()[static_cast<uint32_t>(row.node)].group == group)
        {
            f(row);
        }
    }
}

/// By member.
std::map<uint32_t, Uplink>
UplinksOf(const Simulation& simulation, const Recorder& recorder, uint32_t group)
{
    std::map<uint32_t, Uplink> out;
    uint64_t us = simulation.GetScenario().interval / 1000;
    ForSamplesOf(simulation, recorder, group, [&](const SampleRow& row) {
        uint32_t node = static_cast<uint32_t>(row.node);
        out[node].bytes += row.sent;
        out[node].room += simulation.GetMembers()[node].up / 8000 * us / 1000;
    });
    return out;
}

} // namespace

uint64_t
LoadOf(const Simulation& simulation, const Recorder& recorder, uint32_t group)
{
    Uplink all;
    for (const auto& [node, uplink] : UplinksOf(simulation, recorder, group))
    {
        all.bytes += uplink.bytes;
        all.room += uplink.room;
    }
    return all.Permille();
}

uint64_t
BusiestOf(const Simulation& simulation, const Recorder& recorder, uint32_t group)
{
    uint64_t most = 0;
    for (const auto& [node, uplink] : UplinksOf(simulation, recorder, group))
    {
        most = std::max(most, uplink.Permille());
    }
    return most;
}

Distribution
QueuesOf(const Simulation& simulation, const Recorder& recorder, uint32_t group)
{
    std::vector<uint64_t> waiting;
    ForSamplesOf(simulation, recorder, group, [&waiting](const SampleRow& row) {
        waiting.push_back(row.unsent);
    });
    return Distribution(std::move(waiting));
}

uint64_t
GoodputOf(const Simulation& simulation, const Recorder& recorder)
{
    const Scenario& scenario = simulation.GetScenario();
    uint64_t bytes = 0;
    uint64_t us = 0;
    for (const SampleRow& row : recorder.GetSamples())
    {
        if (row.node < 0 && row.at > static_cast<int64_t>(scenario.warmup))
        {
            bytes += row.delivered;
            us += scenario.interval / 1000;
        }
    }
    return us > 0 ? bytes * 1000 / (us / 1000) * 8 : 0;
}

} // namespace qnet
