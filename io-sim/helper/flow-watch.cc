// SPDX-License-Identifier: GPL-2.0-only
#include "flow-watch.h"

#include "ns3/flow-monitor-helper.h"
#include "ns3/flow-monitor.h"
#include "ns3/ipv4.h"
#include "ns3/node-list.h"

#include "output-file.h"
#include "yaml-tree.h"

namespace qnet
{

FlowWatch::FlowWatch(bool wanted, Tier tier)
{
    if (!wanted)
    {
        return;
    }
    if (tier == Tier::M)
    {
        throw ScenarioError("tier M has no packets for FlowMonitor to see; take tier T or P");
    }
    m_helper = std::make_unique<ns3::FlowMonitorHelper>();
    for (uint32_t i = 0; i < ns3::NodeList::GetNNodes(); i++)
    {
        ns3::Ptr<ns3::Node> node = ns3::NodeList::GetNode(i);
        if (node->GetObject<ns3::Ipv4>())
        {
            m_helper->Install(node);
        }
    }
}

FlowWatch::~FlowWatch() = default;

void
FlowWatch::Write(const std::string& path) const
{
    if (!m_helper)
    {
        return;
    }
    m_helper->GetMonitor()->CheckForLostPackets();
    OutputFile out(path);
    out.Write("<?xml version=\"1.0\" ?>\n" + m_helper->SerializeToXmlString(0, false, false));
    out.Close();
}

} // namespace qnet
