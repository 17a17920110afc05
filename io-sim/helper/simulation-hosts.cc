// SPDX-License-Identifier: GPL-2.0-only
// Hosts of a simulation: which process has them, how people name them, captures of their packets.
#include "ns3/node.h"

#include "simulation.h"
#include "yaml-tree.h"

namespace qnet
{

using ns3::CreateObject;
using ns3::Ptr;

Ptr<ns3::Node>
Simulation::MakeNode(uint32_t region) const
{
    return CreateObject<ns3::Node>(m_ranks[region]);
}

bool
Simulation::IsHere(uint32_t region) const
{
    return m_ranks[region] == m_rank.number;
}

/// A program of another process's region is known here, so that indices agree, but never starts.
void
Simulation::Install(const Ptr<ns3::Node>& node, const Ptr<ns3::Application>& app) const
{
    if (node->GetSystemId() == m_rank.number)
    {
        node->AddApplication(app);
    }
    else
    {
        app->SetNode(node);
    }
}

/// By the name a person gives it: "people.0".
uint32_t
Simulation::HostOf(const std::string& name) const
{
    size_t dot = name.rfind('.');
    std::vector<uint32_t> hosts;
    for (uint32_t i = 0; i < m_scenario.groups.size() && dot != std::string::npos; i++)
    {
        if (m_scenario.groups[i].name != name.substr(0, dot))
        {
            continue;
        }
        for (const Member& member : m_members)
        {
            if (member.group == i)
            {
                hosts.push_back(member.app->GetHost());
            }
        }
        for (size_t k = 0; k < m_servers.size(); k++)
        {
            if (m_serverGroups[k] == i)
            {
                hosts.push_back(m_servers[k]->GetHost());
            }
        }
    }
    uint64_t number = 0;
    std::string why;
    if (hosts.empty() || !ParseQuantity(name.substr(dot + 1), Unit::Count, &number, &why) ||
        number >= hosts.size())
    {
        throw ScenarioError("no host is called \"" + name +
                            "\"; hosts are named by group and number, such as " +
                            m_scenario.groups[0].name + ".0");
    }
    return hosts[number];
}

void
Simulation::Capture(const std::string& name, Ptr<ns3::PcapFileWrapper> file)
{
    if (!m_shared.transport->Capture(HostOf(name), file))
    {
        throw ScenarioError("tier " + std::string(TierName(m_tier)) +
                            " has no packets to capture; take tier T or P");
    }
}

} // namespace qnet
