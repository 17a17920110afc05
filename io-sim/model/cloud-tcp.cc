// SPDX-License-Identifier: GPL-2.0-only
#include "cloud-tcp.h"

#include "ns3/ipv4-route.h"
#include "ns3/ipv4.h"

#include "region-routing.h"

namespace qnet
{

using ns3::CreateObject;
using ns3::Ptr;

NS_OBJECT_ENSURE_REGISTERED(CloudTcp);

ns3::TypeId
CloudTcp::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::CloudTcp")
                                 .SetParent<TcpTransport>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<CloudTcp>();
    return tid;
}

CloudTcp::CloudTcp() = default;
CloudTcp::~CloudTcp() = default;

void
CloudTcp::DoDispose()
{
    TcpTransport::DoDispose(); // sockets first: they watch the devices
    m_devices.clear();
}

void
CloudTcp::InstallStack(ns3::InternetStackHelper& stack)
{
    stack.SetRoutingHelper(RegionRoutingHelper());
}

void
CloudTcp::InstallDevice(uint32_t host)
{
    const HostConfig& config = m_config[host];
    auto device = CreateObject<CloudDevice>();
    auto mtu = static_cast<uint16_t>(m_segment + SEGMENT_HEADERS);
    device->Setup(this, host, config, m_queueLimit, mtu);
    config.node->AddDevice(device);
    ns3::Ipv4Address address = ToIpv4(config.addr);
    auto ip = config.node->GetObject<ns3::Ipv4>();
    uint32_t interface = ip->AddInterface(device);
    ip->AddAddress(interface, ns3::Ipv4InterfaceAddress(address, ns3::Ipv4Mask::GetOnes()));
    ip->SetUp(interface);
    auto route = ns3::Create<ns3::Ipv4Route>();
    route->SetOutputDevice(device);
    route->SetSource(address);
    route->SetGateway(ns3::Ipv4Address::GetZero());
    ns3::DynamicCast<RegionRouting>(ip->GetRoutingProtocol())->SetWayOut(route);
    m_hostOf[address.Get()] = host;
    m_devices.push_back(device);
}

CloudDevice*
CloudTcp::QueueOf(uint32_t host) const
{
    return ns3::PeekPointer(m_devices[host]);
}

CloudDevice*
CloudTcp::DeviceOf(ns3::Ipv4Address address) const
{
    auto found = m_hostOf.find(address.Get());
    return found == m_hostOf.end() ? nullptr : ns3::PeekPointer(m_devices[found->second]);
}

int64_t
CloudTcp::LatencyBetween(uint32_t a, uint32_t b) const
{
    return GetLatency(a, b);
}

bool
CloudTcp::LosesPacket(uint32_t host)
{
    return Loses(host, 1);
}

bool
CloudTcp::IsCut(uint32_t a, uint32_t b) const
{
    return WaitToPass(m_config[a].region, m_config[b].region) > 0;
}

void
CloudTcp::SetRates(uint32_t host, uint64_t up, uint64_t down)
{
    m_devices[host]->SetRates(up, down);
}

Transport::HostStats
CloudTcp::GetStats(uint32_t host) const
{
    HostStats stats = m_devices[host]->GetStats();
    stats.unsent += GetHeldBack(host);
    return stats;
}

} // namespace qnet
