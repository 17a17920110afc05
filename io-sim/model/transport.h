// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What carries conns between simulated hosts, whatever its fidelity: MsgChannel (tier M), CloudTcp
 * (tier T) and RoutedTcp (tier P) are Transports. Nodes and web servers see only this header.
 */
#ifndef QNET_SIM_TRANSPORT_H
#define QNET_SIM_TRANSPORT_H

#include <map>
#include <utility>
#include <vector>

#include "ns3/node.h"
#include "ns3/object.h"
#include "ns3/pcap-file-wrapper.h"
#include "ns3/ptr.h"

#include "byte-conn.h"
#include "draws.h"

namespace qnet
{

/// One end of a conn between hosts.
class TransportConn : public ByteConn
{
  public:
    /// Whoever accepts a conn says here who uses it, before anything else.
    virtual void SetUser(ConnUser* user, uint32_t key) = 0;

  protected:
    ~TransportConn() = default;
};

/// Who listens on an address.
class ConnListener
{
  public:
    /// \return false to refuse; true once the conn has a user
    virtual bool Accept(TransportConn* conn, const qn_addr& from) = 0;

  protected:
    ~ConnListener() = default;
};

class Transport : public ns3::Object
{
  public:
    static ns3::TypeId GetTypeId();
    Transport();
    ~Transport() override;

    struct HostConfig
    {
        ns3::Ptr<ns3::Node> node; ///< events at this host run in its context
        uint32_t region;
        uint64_t up;        ///< bit/s
        uint64_t down;      ///< bit/s
        qn_addr addr;       ///< where its conns come from (port unused)
        uint64_t delay = 0; ///< ns: one way, between the host and its region
        uint32_t loss = 0;  ///< millionths of its packets, either way
    };

    struct HostStats
    {
        uint64_t sent;      ///< bytes put on the uplink, headers included
        uint64_t received;  ///< bytes taken off the downlink, headers included
        uint64_t unsent;    ///< bytes waiting for the uplink now
        uint64_t congested; ///< chunks marked (M) or packets dropped (T, P) at full queues
    };

    /// One-way latency in ns between regions, row by row; `count` squared entries, symmetric.
    /// Before the first host.
    void SetLatency(uint32_t count, std::vector<uint64_t> table);
    uint32_t AddHost(const HostConfig& config);
    const HostConfig& GetHost(uint32_t host) const;
    /// Nothing passes between two regions for a while. Known before the run.
    void Cut(uint32_t a, uint32_t b, int64_t from, int64_t until);
    /// One listener per address and port; the last one wins and nullptr ends it. The address must
    /// be a host's.
    virtual void Listen(const qn_addr& addr, ConnListener* listener) = 0;
    /// Answers by ConnOpened or ConnFailed later: REFUSED by a host where nobody listens,
    /// UNREACHABLE where there is no host, TIMEOUT when nobody answered.
    virtual TransportConn* Connect(uint32_t host,
                                   const qn_addr& to,
                                   ConnUser* user,
                                   uint32_t key) = 0;

    /// From now on; bit/s.
    virtual void SetRates(uint32_t host, uint64_t up, uint64_t down) = 0;
    virtual HostStats GetStats(uint32_t host) const = 0;
    /// Writes the host's packets to a file of link type raw IP. \return false: no packets here
    virtual bool Capture(uint32_t host, ns3::Ptr<ns3::PcapFileWrapper> file);
    /// One way, the pair's own offset included.
    virtual int64_t GetLatency(uint32_t a, uint32_t b) const;
    /// Whether one of so many packets is lost on this host's access link: a draw of the host's own.
    bool Loses(uint32_t host, uint64_t packets);

    using Address = std::pair<uint64_t, uint64_t>; ///< an address as a key

    /// node.h: RESET and CLOSE wait for their last bytes no longer than this.
    static constexpr int64_t DRAIN_NS = 200000000;

  protected:
    static constexpr uint64_t SEGMENT = 1448;       ///< data bytes in an Ethernet frame's segment
    static constexpr uint64_t SEGMENT_HEADERS = 52; ///< IPv4, TCP, timestamps
    static constexpr int64_t UNREACHABLE_NS = 1000000000; ///< a router's answer, its ARP given up
    static constexpr unsigned SYN_RETRIES = 3;
    /// RFC 6298: a SYN is sent again after 1 s, then doubling; so long until the last one is lost.
    static constexpr int64_t SYN_PATIENCE_NS = 15000000000;

    static Address Key(const qn_addr& addr, bool withPort);

    void DoDispose() override;
    virtual void InstallRegions(uint32_t count);
    virtual void InstallHost(uint32_t host) = 0;
    /// \return its number, or NO_HOST
    uint32_t HostAt(const qn_addr& addr) const;
    uint64_t RegionLatency(uint32_t a, uint32_t b) const;
    /// ns until something can pass between the regions; 0: it can now.
    int64_t WaitToPass(uint32_t a, uint32_t b) const;
    static constexpr uint32_t NO_HOST = UINT32_MAX;

    uint64_t m_initialWindow = 0;
    uint64_t m_maxWindow = 0;
    uint64_t m_sendBuffer = 0;
    uint64_t m_queueLimit = 0;
    uint64_t m_spread = 0;
    uint64_t m_salt = 0;
    std::vector<HostConfig> m_config; ///< by host number

  private:
    struct Partition
    {
        uint32_t a;
        uint32_t b;
        int64_t from;
        int64_t until;
    };

    std::vector<Partition> m_partitions;
    uint32_t m_regions = 0;
    std::vector<uint64_t> m_latency;
    std::map<Address, uint32_t> m_addresses; ///< hosts by address
    std::map<uint32_t, Draws> m_losses;      ///< by host, of those that lose packets
};

} // namespace qnet

#endif
