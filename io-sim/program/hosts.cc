// SPDX-License-Identifier: GPL-2.0-only
#include "hosts.h"

#include <cstdio>
#include <map>

#include "ns3/string.h"

#include "simulation.h"
#include "summary.h"

namespace qnet
{

namespace
{

/// One host as the transport has it, with what its group says of it.
json_t*
HostJson(const Simulation& s, uint32_t host, uint32_t groupIndex, uint32_t number, int node)
{
    ns3::StringValue country;
    const Group& group = s.GetScenario().groups[groupIndex];
    const Transport::HostConfig& config = s.GetTransport().GetHost(host);
    uint64_t start = group.startFrom + group.startOver / group.count * number;
    auto integer = [](uint64_t value) { return static_cast<json_int_t>(value); };
    json_t* json = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}",
                             "name",
                             (group.name + "." + std::to_string(number)).c_str(),
                             "role",
                             RoleName(group.role),
                             "route",
                             RouteName(group.UsualRoute()),
                             "region",
                             s.GetScenario().network.regions[config.region].c_str(),
                             "up_bit_per_s",
                             integer(config.up),
                             "down_bit_per_s",
                             integer(config.down),
                             "loss_millionths",
                             integer(config.loss),
                             "start_ns",
                             integer(start),
                             "pool",
                             integer(group.pool));
    json_object_set_new(json, "node", node < 0 ? json_null() : json_integer(node));
    if (node >= 0)
    {
        s.GetMembers()[static_cast<size_t>(node)].app->GetAttribute("Country", country);
        json_object_set_new(json, "country", json_string(country.Get().c_str()));
    }
    return json;
}

/// Hosts in the transport's order: by the number that latencies are looked up with.
std::map<uint32_t, JsonPtr>
HostsOf(const Simulation& s)
{
    std::map<uint32_t, JsonPtr> hosts;
    std::map<uint32_t, uint32_t> seen; // members of each group so far
    const std::vector<Member>& members = s.GetMembers();
    for (size_t i = 0; i < members.size(); i++)
    {
        uint32_t host = members[i].app->GetHost();
        uint32_t group = members[i].group;
        hosts[host].reset(HostJson(s, host, group, seen[group]++, static_cast<int>(i)));
    }
    for (size_t i = 0; i < s.GetServers().size(); i++)
    {
        uint32_t host = s.GetServers()[i]->GetHost();
        uint32_t group = s.GetServerGroup(i);
        hosts[host].reset(HostJson(s, host, group, seen[group]++, -1));
    }
    return hosts;
}

json_t*
LatencyJson(const Simulation& s, uint32_t count)
{
    json_t* rows = json_array();
    for (uint32_t a = 0; a < count; a++)
    {
        json_t* row = json_array();
        for (uint32_t b = 0; b < count; b++)
        {
            int64_t ns = a == b ? 0 : s.GetTransport().GetLatency(a, b);
            json_array_append_new(row, json_integer(ns));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

json_t*
NetworkJson(const Network& n)
{
    auto integer = [](uint64_t value) { return static_cast<json_int_t>(value); };
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "carrier",
                     CarrierName(n.carrier),
                     "lab",
                     n.lab ? 1 : 0,
                     "max_window_bytes",
                     integer(n.maxWindow),
                     "queue_limit_bytes",
                     integer(n.queueLimit),
                     "dns_ns",
                     integer(n.dns),
                     "origin_requests",
                     integer(n.origin.requests),
                     "origin_age_s",
                     integer(static_cast<uint64_t>(n.origin.age) / 1000000000),
                     "origin_idle_s",
                     integer(static_cast<uint64_t>(n.origin.idle) / 1000000000));
}

} // namespace

int
Hosts(const RunOptions& options)
{
    Scenario scenario = ReadScenario(options.scenario, options.sets);
    uint64_t seed = options.hasSeed ? options.seed : scenario.seed;
    Simulation s(scenario, seed, Tier::M);
    std::map<uint32_t, JsonPtr> hosts = HostsOf(s);

    JsonPtr out(json_pack("{s:s, s:s, s:I, s:I, s:I}",
                          "scenario",
                          scenario.name.c_str(),
                          "sha256",
                          scenario.sha256.c_str(),
                          "seed",
                          static_cast<json_int_t>(seed),
                          "stop_ns",
                          static_cast<json_int_t>(scenario.stop),
                          "warmup_ns",
                          static_cast<json_int_t>(scenario.warmup)));
    json_object_set_new(out.get(), "network", NetworkJson(scenario.network));
    json_t* list = json_array();
    for (const auto& [number, host] : hosts)
    {
        json_array_append(list, host.get());
    }
    json_object_set_new(out.get(), "hosts", list);
    auto count = static_cast<uint32_t>(hosts.size());
    json_object_set_new(out.get(), "latency_ns", LatencyJson(s, count));
    std::fputs(JsonText(out.get()).c_str(), stdout);
    return STATUS_OK;
}

} // namespace qnet
