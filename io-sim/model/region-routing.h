// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Routing at constant cost per packet: a host has one way out, a region's router looks the
 * destination up in a table that all routers share. ns-3's own static routing walks a router's
 * routes one by one, and its global routing takes minutes to set up thousands of hosts.
 */
#ifndef QNET_SIM_REGION_ROUTING_H
#define QNET_SIM_REGION_ROUTING_H

#include <memory>
#include <unordered_map>
#include <vector>

#include "ns3/ipv4-routing-helper.h"
#include "ns3/ipv4-routing-protocol.h"

namespace qnet
{

/// Which regions are cut off from each other.
class RegionCuts
{
  public:
    virtual bool IsCut(uint32_t a, uint32_t b) const = 0;

  protected:
    ~RegionCuts() = default;
};

/// What stands on the border of a region and sees every packet that crosses it.
class Middlebox
{
  public:
    /// \param packet with its TCP header, without its IP header
    /// \param outbound whether it leaves the region
    /// \return false to drop it
    virtual bool Forward(ns3::Ptr<const ns3::Packet> packet,
                         const ns3::Ipv4Header& header,
                         bool outbound) = 0;

  protected:
    ~Middlebox() = default;
};

/// Where every host is.
struct RegionTable
{
    struct Seat
    {
        uint32_t region;
        uint32_t link; ///< number among the region router's hosts
    };

    std::unordered_map<uint32_t, Seat> seats; ///< by address; looked up, never walked
};

class RegionRouting final : public ns3::Ipv4RoutingProtocol
{
  public:
    static ns3::TypeId GetTypeId();
    RegionRouting();
    ~RegionRouting() override;

    /// Of a host: everything goes this way.
    void SetWayOut(ns3::Ptr<ns3::Ipv4Route> route);
    /// Makes it a router's.
    /// \param cuts outlives it
    void SetRegion(uint32_t region,
                   std::shared_ptr<const RegionTable> table,
                   uint32_t regions,
                   const RegionCuts* cuts);
    void AddHostLink(ns3::Ptr<ns3::Ipv4Route> route); ///< in the order of their numbers
    void SetRegionLink(uint32_t region, ns3::Ptr<ns3::Ipv4Route> route);
    void SetMiddlebox(Middlebox* middlebox);

    ns3::Ptr<ns3::Ipv4Route> RouteOutput(ns3::Ptr<ns3::Packet> packet,
                                         const ns3::Ipv4Header& header,
                                         ns3::Ptr<ns3::NetDevice> out,
                                         ns3::Socket::SocketErrno& error) override;
    bool RouteInput(ns3::Ptr<const ns3::Packet> packet,
                    const ns3::Ipv4Header& header,
                    ns3::Ptr<const ns3::NetDevice> in,
                    UnicastForwardCallback forward,
                    MulticastForwardCallback multicast,
                    LocalDeliverCallback deliver,
                    ErrorCallback error) override;
    void NotifyInterfaceUp(uint32_t interface) override;
    void NotifyInterfaceDown(uint32_t interface) override;
    void NotifyAddAddress(uint32_t interface, ns3::Ipv4InterfaceAddress address) override;
    void NotifyRemoveAddress(uint32_t interface, ns3::Ipv4InterfaceAddress address) override;
    void SetIpv4(ns3::Ptr<ns3::Ipv4> ipv4) override;
    void PrintRoutingTable(ns3::Ptr<ns3::OutputStreamWrapper> stream,
                           ns3::Time::Unit unit) const override;

  private:
    void DoDispose() override;
    const RegionTable::Seat* SeatOf(ns3::Ipv4Address address) const;
    ns3::Ptr<ns3::Ipv4Route> WayTo(ns3::Ipv4Address address) const;
    bool Passes(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header) const;

    ns3::Ptr<ns3::Ipv4Route> m_wayOut; ///< null in a router
    uint32_t m_region = 0;
    std::shared_ptr<const RegionTable> m_table;
    std::vector<ns3::Ptr<ns3::Ipv4Route>> m_hosts;
    std::vector<ns3::Ptr<ns3::Ipv4Route>> m_regions;
    Middlebox* m_middlebox = nullptr;
    const RegionCuts* m_cuts = nullptr;
};

class RegionRoutingHelper final : public ns3::Ipv4RoutingHelper
{
  public:
    RegionRoutingHelper* Copy() const override;
    ns3::Ptr<ns3::Ipv4RoutingProtocol> Create(ns3::Ptr<ns3::Node> node) const override;
};

} // namespace qnet

#endif
