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

uint64_t
LoadOf(const Simulation& simulation, const Recorder& recorder, uint32_t group)
{
    const Scenario& scenario = simulation.GetScenario();
    uint64_t bytes = 0;
    uint64_t room = 0; // what the uplinks could have carried, in bytes
    for (const SampleRow& row : recorder.GetSamples())
    {
        bool counts = row.node >= 0 && row.at > static_cast<int64_t>(scenario.warmup);
        if (counts && simulation.GetMembers()[static_cast<uint32_t>(row.node)].group == group)
        {
            uint64_t up = simulation.GetMembers()[static_cast<uint32_t>(row.node)].up;
            bytes += row.sent;
            room += up / 8000 * (scenario.interval / 1000) / 1000;
        }
    }
    return room > 0 ? bytes * 1000 / room : 0;
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
