// SPDX-License-Identifier: GPL-2.0-only
#include "host-tcp.h"

#include "ns3/abort.h"
#include "ns3/ipv4-l3-protocol.h"

namespace qnet
{

using ns3::Packet;
using ns3::Ptr;

NS_OBJECT_ENSURE_REGISTERED(HostTcp);

namespace
{

void
AddSize(uint64_t* sum, Ptr<const Packet> packet, Ptr<ns3::Ipv4>, uint32_t)
{
    *sum += packet->GetSize();
}

} // namespace

ns3::TypeId
HostTcp::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::HostTcp")
                                 .SetParent<TcpTransport>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<HostTcp>();
    return tid;
}

HostTcp::HostTcp()
{
    SetLatency(1, {0});
}

HostTcp::~HostTcp() = default;

void
HostTcp::DoDispose()
{
    TcpTransport::DoDispose();
    m_stats.clear();
}

void
HostTcp::InstallHost(uint32_t host)
{
    const HostConfig& config = m_config[host];
    auto ip = config.node->GetObject<ns3::Ipv4L3Protocol>();
    NS_ABORT_MSG_UNLESS(ip, "node " << config.node->GetId() << " has no IPv4 stack yet");
    ns3::Ipv4Address address = ToIpv4(config.addr);
    NS_ABORT_MSG_IF(ip->GetInterfaceForAddress(address) < 0,
                    "node " << config.node->GetId() << " does not have the address " << address);
    auto stats = std::make_unique<HostStats>();
    ip->TraceConnectWithoutContext("Tx", ns3::MakeBoundCallback(&AddSize, &stats->sent));
    ip->TraceConnectWithoutContext("Rx", ns3::MakeBoundCallback(&AddSize, &stats->received));
    m_stats.push_back(std::move(stats));
    CountFrom(host);
}

void
HostTcp::InstallDevice(uint32_t)
{
}

void
HostTcp::InstallStack(ns3::InternetStackHelper&)
{
}

void
HostTcp::SetRates(uint32_t, uint64_t, uint64_t)
{
}

Transport::HostStats
HostTcp::GetStats(uint32_t host) const
{
    HostStats stats = *m_stats[host];
    stats.unsent = GetHeldBack(host);
    return stats;
}

int64_t
HostTcp::GetLatency(uint32_t, uint32_t) const
{
    return 0;
}

} // namespace qnet
