// SPDX-License-Identifier: GPL-2.0-only
// What the people of a simulation do: its workloads' programs.
#include "ns3/node.h"

#include "browse-client.h"
#include "simulation.h"
#include "stream-client.h"
#include "web-client.h"

namespace qnet
{

using ns3::CreateObject;
using ns3::Ptr;

namespace
{

Ptr<FetchClient>
MakeClient(WorkloadKind kind)
{
    switch (kind)
    {
    case WorkloadKind::Browse:
        return CreateObject<BrowseClient>();
    case WorkloadKind::Stream:
        return CreateObject<StreamClient>();
    case WorkloadKind::Chat:
    case WorkloadKind::Reference:
        return CreateObject<KeptClient>();
    case WorkloadKind::Trace:
        return CreateObject<TraceClient>();
    case WorkloadKind::Web:
    case WorkloadKind::Bulk:
        break;
    }
    return CreateObject<WebClient>();
}

} // namespace

void
Simulation::AddWorkloads()
{
    for (const Workload& workload : m_scenario.workloads)
    {
        Habits habits = workload.habits;
        habits.routes = m_scenario.groups[workload.clients].routes;
        for (size_t i = 0; i < m_servers.size(); i++)
        {
            if (m_serverGroups[i] == workload.servers)
            {
                habits.servers.push_back(m_serverNames[i]);
            }
        }
        m_habits.push_back(std::move(habits));
        uint32_t number = 0;
        for (const Member& member : m_members)
        {
            if (member.group == workload.clients)
            {
                AddClient(workload, member, number++);
            }
        }
    }
}

void
Simulation::AddClient(const Workload& workload, const Member& member, uint32_t number)
{
    if (!IsHere(member.region))
    {
        return;
    }
    Ptr<FetchClient> client = MakeClient(workload.kind);
    client->Setup(member.app, static_cast<uint32_t>(m_habits.size()), &m_habits.back(), m_seed);
    client->SetNumber(number);
    member.app->GetNode()->AddApplication(client);
    ns3::TimeValue start;
    member.app->GetAttribute("StartTime", start);
    client->SetStartTime(start.Get() + ns3::NanoSeconds(workload.after));
    m_clients.push_back(client);
    m_clientWorkloads.push_back(static_cast<uint32_t>(m_habits.size() - 1));
}

} // namespace qnet
