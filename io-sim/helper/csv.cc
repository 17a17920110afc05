// SPDX-License-Identifier: GPL-2.0-only
#include "csv.h"

#include <cinttypes>
#include <cstdio>

#include "output-file.h"

namespace qnet
{

namespace
{

/// Empty for "did not happen": plotting programs skip it.
std::string
Maybe(int64_t value)
{
    return value >= 0 ? std::to_string(value) : "";
}

/// As events.csv names peers: by the first four bytes.
std::string
PeerName(const qn_peerid& id)
{
    char text[9];
    std::snprintf(text, sizeof text, "%02x%02x%02x%02x", id.b[0], id.b[1], id.b[2], id.b[3]);
    return text;
}

/// Empty when it was not built.
std::string
PathName(const CircuitRow& row)
{
    std::string out;
    for (uint8_t i = 0; i < row.hops && row.built >= 0; i++)
    {
        out += (i == 0 ? "" : "-") + PeerName(row.path[i]);
    }
    return out;
}

const char*
RegionName(const Simulation& s, uint32_t node)
{
    return s.GetScenario().network.regions[s.GetMembers()[node].region].c_str();
}

} // namespace

std::string
WriteStreams(const std::string& path, const Simulation& s, const Recorder& r)
{
    OutputFile out(path);
    out.Write("client,workload,region,route,size_bytes,start_ns,ttfb_ns,ttlb_ns,bytes,hops,circuit,"
              "outcome,socks_reply,measured,ended_ns,answer_ns,host\n");
    for (const StreamRow& row : r.GetStreams())
    {
        out.Printf("%u,%s,%s,%s,%" PRIu64 ",%" PRId64 ",%s,%s,%" PRIu64 ",%u,%" PRIu64
                   ",%s,%u,%u,%s,%s,%s\n",
                   row.client,
                   s.GetScenario().workloads[row.workload].name.c_str(),
                   RegionName(s, row.client),
                   RouteName(row.route),
                   row.size,
                   row.start,
                   Maybe(row.first).c_str(),
                   Maybe(row.last).c_str(),
                   row.bytes,
                   row.hops,
                   row.circuit,
                   FetchOutcomeName(row.outcome),
                   row.reply,
                   row.measured ? 1 : 0,
                   Maybe(row.outcome != FetchOutcome::Unfinished ? row.over : -1).c_str(),
                   Maybe(row.answer).c_str(),
                   row.host);
    }
    return out.Close();
}

std::string
WriteCircuits(const std::string& path, const Recorder& r)
{
    OutputFile out(path);
    out.Write("client,circuit,hops,built_at_ns,build_ns,ended_at_ns,end,measured,path\n");
    for (const CircuitRow& row : r.GetCircuits())
    {
        out.Printf("%u,%" PRIu64 ",%u,%s,%s,%s,%s,%u,%s\n",
                   row.node,
                   row.id,
                   row.hops,
                   Maybe(row.built).c_str(),
                   Maybe(row.took).c_str(),
                   Maybe(row.ended).c_str(),
                   row.ended < 0 ? "" : qn_err_name(row.error),
                   row.measured ? 1 : 0,
                   PathName(row).c_str());
    }
    return out.Close();
}

std::string
WriteFaults(const std::string& path, const Simulation& s)
{
    OutputFile out(path);
    out.Write("number,kind,node,group,from_ns,until_ns,value\n");
    for (const PlannedFault& fault : s.GetFaults())
    {
        bool node = fault.node != PlannedFault::NOBODY;
        uint32_t group = node ? s.GetMembers()[fault.node].group : 0;
        bool ends = fault.until < s.GetScenario().stop;
        out.Printf("%u,%s,%s,%s,%" PRIu64 ",%s,%s\n",
                   fault.number,
                   FaultKindName(fault.kind),
                   node ? std::to_string(fault.node).c_str() : "",
                   node ? s.GetScenario().groups[group].name.c_str() : "",
                   fault.from,
                   ends ? std::to_string(fault.until).c_str() : "",
                   FaultValueText(fault, s.GetScenario().network).c_str());
    }
    return out.Close();
}

std::string
WriteNodes(const std::string& path, const Simulation& s, const Recorder& r)
{
    OutputFile out(path);
    out.Write(
        "time_ns,node,group,region,relayed_bytes,sent_bytes,received_bytes,unsent_bytes,cells,"
        "delivered_bytes,links,circuits,streams,peer\n");
    for (const SampleRow& row : r.GetSamples())
    {
        bool all = row.node < 0;
        auto node = static_cast<uint32_t>(all ? 0 : row.node);
        const std::string& group = s.GetScenario().groups[s.GetMembers()[node].group].name;
        out.Printf("%" PRId64 ",%s,%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                   ",%" PRIu64 ",%u,%u,%u,%s\n",
                   row.at,
                   all ? "clients" : std::to_string(node).c_str(),
                   all ? "clients" : group.c_str(),
                   all ? "" : RegionName(s, node),
                   row.relayed,
                   row.sent,
                   row.received,
                   row.unsent,
                   row.cells,
                   row.delivered,
                   row.links,
                   row.circuits,
                   row.streams,
                   all ? "" : PeerName(row.id).c_str());
    }
    return out.Close();
}

} // namespace qnet
