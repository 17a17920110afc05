// SPDX-License-Identifier: GPL-2.0-only
#include "region-routing.h"

#include "ns3/ipv4-route.h"
#include "ns3/output-stream-wrapper.h"

namespace qnet
{

using ns3::Ipv4Route;
using ns3::Ptr;

NS_OBJECT_ENSURE_REGISTERED(RegionRouting);

ns3::TypeId
RegionRouting::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::RegionRouting")
                                 .SetParent<ns3::Ipv4RoutingProtocol>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<RegionRouting>();
    return tid;
}

RegionRouting::RegionRouting() = default;
RegionRouting::~RegionRouting() = default;

void
RegionRouting::DoDispose()
{
    m_wayOut = nullptr;
    m_hosts.clear();
    m_regions.clear();
    Ipv4RoutingProtocol::DoDispose();
}

void
RegionRouting::SetWayOut(Ptr<Ipv4Route> route)
{
    m_wayOut = route;
}

void
RegionRouting::SetRegion(uint32_t region,
                         std::shared_ptr<const RegionTable> table,
                         uint32_t regions,
                         const RegionCuts* cuts)
{
    m_cuts = cuts;
    m_region = region;
    m_table = table;
    m_regions.resize(regions);
}

void
RegionRouting::AddHostLink(Ptr<Ipv4Route> route)
{
    m_hosts.push_back(route);
}

void
RegionRouting::SetRegionLink(uint32_t region, Ptr<Ipv4Route> route)
{
    m_regions[region] = route;
}

void
RegionRouting::SetMiddlebox(Middlebox* middlebox)
{
    m_middlebox = middlebox;
}

const RegionTable::Seat*
RegionRouting::SeatOf(ns3::Ipv4Address address) const
{
    auto found = m_table->seats.find(address.Get());
    return found == m_table->seats.end() ? nullptr : &found->second;
}

/// \return null where there is no host
Ptr<Ipv4Route>
RegionRouting::WayTo(ns3::Ipv4Address address) const
{
    if (m_wayOut)
    {
        return m_wayOut;
    }
    const RegionTable::Seat* seat = SeatOf(address);
    if (seat == nullptr)
    {
        return nullptr;
    }
    return seat->region == m_region ? m_hosts[seat->link] : m_regions[seat->region];
}

Ptr<Ipv4Route>
RegionRouting::RouteOutput(Ptr<ns3::Packet>,
                           const ns3::Ipv4Header& header,
                           Ptr<ns3::NetDevice>,
                           ns3::Socket::SocketErrno& error)
{
    Ptr<Ipv4Route> route = WayTo(header.GetDestination());
    error = route ? ns3::Socket::ERROR_NOTERROR : ns3::Socket::ERROR_NOROUTETOHOST;
    return route;
}

/// Whether it may cross the border, if that is what it does.
bool
RegionRouting::Passes(Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header) const
{
    const RegionTable::Seat* from = SeatOf(header.GetSource());
    const RegionTable::Seat* to = SeatOf(header.GetDestination());
    if (from == nullptr || from->region == to->region)
    {
        return true;
    }
    return !m_cuts->IsCut(from->region, to->region) &&
           (m_middlebox == nullptr || m_middlebox->Forward(packet, header, to->region != m_region));
}

bool
RegionRouting::RouteInput(Ptr<const ns3::Packet> packet,
                          const ns3::Ipv4Header& header,
                          Ptr<const ns3::NetDevice>,
                          UnicastForwardCallback forward,
                          MulticastForwardCallback,
                          LocalDeliverCallback deliver,
                          ErrorCallback)
{
    if (m_wayOut)
    {
        deliver(packet, header, 1); // a host's one interface beside loopback
        return true;
    }
    Ptr<Ipv4Route> route = WayTo(header.GetDestination());
    if (route && Passes(packet, header))
    {
        forward(route, packet, header);
    }
    return true;
}

void
RegionRouting::NotifyInterfaceUp(uint32_t)
{
}

void
RegionRouting::NotifyInterfaceDown(uint32_t)
{
}

void
RegionRouting::NotifyAddAddress(uint32_t, ns3::Ipv4InterfaceAddress)
{
}

void
RegionRouting::NotifyRemoveAddress(uint32_t, ns3::Ipv4InterfaceAddress)
{
}

void
RegionRouting::SetIpv4(Ptr<ns3::Ipv4>)
{
}

void
RegionRouting::PrintRoutingTable(Ptr<ns3::OutputStreamWrapper> stream, ns3::Time::Unit) const
{
    if (m_wayOut)
    {
        *stream->GetStream() << "everything by " << m_wayOut->GetGateway() << "\n";
        return;
    }
    *stream->GetStream() << "router of region " << m_region << ": " << m_hosts.size()
                         << " hosts of its own\n";
}

RegionRoutingHelper*
RegionRoutingHelper::Copy() const
{
    return new RegionRoutingHelper(*this);
}

Ptr<ns3::Ipv4RoutingProtocol>
RegionRoutingHelper::Create(Ptr<ns3::Node>) const
{
    return ns3::CreateObject<RegionRouting>();
}

} // namespace qnet
