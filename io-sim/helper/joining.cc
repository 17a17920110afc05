// SPDX-License-Identifier: GPL-2.0-only
#include "joining.h"

#include <map>

#include "sim-time.h"

namespace qnet
{

std::vector<uint64_t>
Joining::Took() const
{
    std::vector<uint64_t> took;
    for (uint64_t ns : first)
    {
        if (ns != UINT64_MAX)
        {
            took.push_back(ns);
        }
    }
    return took;
}

uint64_t
Joining::WithinPermille(uint64_t ns) const
{
    auto could = std::count_if(left.begin(), left.end(), [ns](uint64_t n) { return n >= ns; });
    uint64_t did = 0;
    for (size_t i = 0; i < left.size(); i++)
    {
        did += left[i] >= ns && first[i] <= ns;
    }
    return could > 0 ? did * 1000 / static_cast<uint64_t>(could) : 0;
}

Joining
JoiningOf(const Simulation& simulation, const Recorder& recorder, uint32_t group)
{
    std::map<uint32_t, int64_t> built;
    for (const CircuitRow& row : recorder.GetCircuits())
    {
        if (row.built >= 0)
        {
            built.emplace(row.node, row.built); // rows come in the order of time: the first stays
        }
    }
    Joining out;
    auto stop = static_cast<int64_t>(simulation.GetScenario().stop);
    const std::vector<Member>& members = simulation.GetMembers();
    for (uint32_t i = 0; i < members.size(); i++)
    {
        int64_t start = members[i].start;
        if (members[i].group != group || start >= stop)
        {
            continue;
        }
        auto found = built.find(i);
        out.clients++;
        out.never += found == built.end();
        out.first.push_back(found != built.end() ? static_cast<uint64_t>(found->second - start)
                                                 : UINT64_MAX);
        out.left.push_back(static_cast<uint64_t>(stop - start));
    }
    return out;
}

DirectoryLoad
DirectoryLoadOf(const Simulation& simulation, const Recorder& recorder)
{
    std::map<uint32_t, uint64_t> to;
    std::map<uint64_t, uint64_t> from;
    std::map<int64_t, uint64_t> seconds;
    std::map<std::pair<uint64_t, int64_t>, uint64_t> fromSeconds;
    for (uint32_t i = 0; i < simulation.GetMembers().size(); i++)
    {
        if (simulation.GetMembers()[i].app->GetMode() == QN_CLIENT)
        {
            to[i] = 0;
        }
    }
    DirectoryLoad out;
    for (const ListRow& row : recorder.GetLists())
    {
        int64_t second = row.at / (1000 * NS_PER_MS);
        auto client = to.find(row.node);
        if (client != to.end())
        {
            client->second += row.bytes;
        }
        out.peak = std::max(out.peak, seconds[second] += row.bytes);
        if (row.from != ListRow::NOBODY)
        {
            from[row.from] += row.bytes;
            out.busiestPeak =
                std::max(out.busiestPeak, fromSeconds[{row.from, second}] += row.bytes);
        }
    }
    for (const auto& [node, bytes] : to)
    {
        out.clients.push_back(bytes);
    }
    for (const auto& [node, bytes] : from)
    {
        out.servers.push_back(bytes);
    }
    return out;
}

} // namespace qnet
