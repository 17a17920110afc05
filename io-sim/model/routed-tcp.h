// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Tier P: ns-3's TCP over stock point-to-point links. Each region has a router; hosts hang on it by
 * an access link, routers are joined pair by pair, and a middlebox may stand on a region's border.
 *
 * A pair's own latency offset (Spread) becomes an offset of each host's access link, half as large,
 * because a link cannot know who is at the other end of a conn.
 */
#ifndef QNET_SIM_ROUTED_TCP_H
#define QNET_SIM_ROUTED_TCP_H

#include "ns3/node-container.h"
#include "ns3/point-to-point-net-device.h"

#include "region-routing.h"
#include "tcp-transport.h"

namespace qnet
{

class RoutedTcp final : public TcpTransport, private RegionCuts
{
  public:
    static ns3::TypeId GetTypeId();
    RoutedTcp();
    ~RoutedTcp() override;

    struct Crossed
    {
        uint64_t packets;
        uint64_t bytes;
    };

    /// By region, the process of a parallel run whose nodes are there (ns-3's system id); before
    /// SetLatency. Without it: all in process 0.
    void SetRanks(std::vector<uint32_t> ranks);
    /// Outlives the run; nullptr takes it away.
    void SetMiddlebox(uint32_t region, Middlebox* middlebox);
    /// A packet a middlebox made itself: sent by the region's router.
    void Inject(uint32_t region, ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header);

    /// Where an address is. \return false: nowhere
    bool RegionAt(ns3::Ipv4Address address, uint32_t* region) const;

    void SetRates(uint32_t host, uint64_t up, uint64_t down) override;
    HostStats GetStats(uint32_t host) const override;
    /// What this process of a parallel run sent to others, headers included.
    const Crossed& GetCrossed() const;
    int64_t GetLatency(uint32_t a, uint32_t b) const override;

  private:
    using Device = ns3::Ptr<ns3::PointToPointNetDevice>;

    struct Access
    {
        Device near; ///< the host's end
        Device far;  ///< the router's
        HostStats stats{};
    };

    void DoDispose() override;
    void InstallRegions(uint32_t count) override;
    void InstallStack(ns3::InternetStackHelper& stack) override;
    void InstallDevice(uint32_t host) override;
    bool IsCut(uint32_t a, uint32_t b) const override;
    void Join(uint32_t a, uint32_t b);
    void CountTraffic(uint32_t host);
    int64_t AccessLatency(uint32_t host) const;
    int64_t CoreLatency(uint32_t a, uint32_t b) const;

    ns3::NodeContainer m_routers;  ///< by region
    std::vector<uint32_t> m_ranks; ///< by region
    std::shared_ptr<RegionTable> m_table;
    std::vector<std::unique_ptr<Access>> m_access; ///< by host
    std::vector<uint32_t> m_hostsOfRegion;
    Crossed m_crossed{};
};

} // namespace qnet

#endif
