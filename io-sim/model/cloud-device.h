// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A host's access to the cloud: everything between two hosts is one IP hop (tier T).
 *
 * The uplink is fair-queued by conn, a packet each in turn, as Linux's default fq_codel does for a
 * host's own conns. The downlink is a FIFO that drops what finds it full. In between a packet
 * travels for the latency of the pair.
 */
#ifndef QNET_SIM_CLOUD_DEVICE_H
#define QNET_SIM_CLOUD_DEVICE_H

#include <deque>
#include <unordered_map>

#include "ns3/event-id.h"
#include "ns3/ipv4-address.h"
#include "ns3/mac48-address.h"
#include "ns3/net-device.h"
#include "ns3/packet.h"

#include "transport.h"

namespace qnet
{

class CloudDevice;

/// Where packets go between devices.
class Cloud
{
  public:
    /// \return null where there is no host
    virtual CloudDevice* DeviceOf(ns3::Ipv4Address address) const = 0;
    virtual int64_t LatencyBetween(uint32_t a, uint32_t b) const = 0;
    /// Whether packets between the hosts are lost.
    virtual bool IsCut(uint32_t a, uint32_t b) const = 0;
    /// Whether the access link of a host loses this packet.
    virtual bool LosesPacket(uint32_t host) = 0;

  protected:
    ~Cloud() = default;
};

class CloudDevice final : public ns3::NetDevice
{
  public:
    static ns3::TypeId GetTypeId();
    CloudDevice();
    ~CloudDevice() override;

    /// Hears when packets of its conn left the uplink's queue.
    class FlowUser
    {
      public:
        virtual void FlowDrained() = 0;

      protected:
        ~FlowUser() = default;
    };

    void Setup(Cloud* cloud,
               uint32_t host,
               const Transport::HostConfig& config,
               uint64_t queueLimit,
               uint16_t mtu);
    void SetRates(uint64_t up, uint64_t down); ///< bit/s
    static uint64_t FlowOf(ns3::Ipv4Address to, uint16_t fromPort, uint16_t toPort);
    /// nullptr ends it.
    void SetFlowUser(uint64_t flow, FlowUser* user);
    uint32_t GetQueued(uint64_t flow) const; ///< bytes of its packets on the uplink's queue
    const Transport::HostStats& GetStats() const;

    bool Send(ns3::Ptr<ns3::Packet> packet, const ns3::Address& dest, uint16_t protocol) override;
    bool SendFrom(ns3::Ptr<ns3::Packet> packet,
                  const ns3::Address& source,
                  const ns3::Address& dest,
                  uint16_t protocol) override;

    // What every NetDevice must answer
    void SetIfIndex(const uint32_t index) override;
    uint32_t GetIfIndex() const override;
    ns3::Ptr<ns3::Channel> GetChannel() const override;
    void SetAddress(ns3::Address address) override;
    ns3::Address GetAddress() const override;
    bool SetMtu(const uint16_t mtu) override;
    uint16_t GetMtu() const override;
    bool IsLinkUp() const override;
    void AddLinkChangeCallback(ns3::Callback<void> callback) override;
    bool IsBroadcast() const override;
    ns3::Address GetBroadcast() const override;
    bool IsMulticast() const override;
    ns3::Address GetMulticast(ns3::Ipv4Address group) const override;
    ns3::Address GetMulticast(ns3::Ipv6Address group) const override;
    bool IsBridge() const override;
    bool IsPointToPoint() const override;
    ns3::Ptr<ns3::Node> GetNode() const override;
    void SetNode(ns3::Ptr<ns3::Node> node) override;
    bool NeedsArp() const override;
    void SetReceiveCallback(ReceiveCallback callback) override;
    void SetPromiscReceiveCallback(PromiscReceiveCallback callback) override;
    bool SupportsSendFrom() const override;

  protected:
    void DoDispose() override;

  private:
    struct Leaving
    {
        ns3::Ptr<ns3::Packet> packet;
        ns3::Ipv4Address to;
    };

    /// Stays where it is for as long as it has packets or a user.
    struct Flow
    {
        uint64_t name = 0;
        std::deque<Leaving> packets;
        uint32_t bytes = 0; ///< theirs, and of the one on the line
        FlowUser* user = nullptr;
    };

    void SendNext();
    void Sent(Flow* flow, const Leaving& what);
    void Arrive(ns3::Ptr<ns3::Packet> packet);
    void DeliverIn(int64_t ns);
    void Deliver();

    Cloud* m_cloud = nullptr;
    uint32_t m_host = 0;
    uint32_t m_context = 0;
    uint64_t m_up = 0;
    uint64_t m_down = 0;
    uint64_t m_queueLimit = 0;
    uint16_t m_mtu = 1500;

    std::unordered_map<uint64_t, Flow> m_flows; ///< looked up by name, never walked
    std::deque<Flow*> m_turns;                  ///< flows with packets, in order
    bool m_busy = false;
    std::deque<ns3::Ptr<ns3::Packet>> m_coming; ///< on the downlink, the first being sent
    ns3::EventId m_delivery;                    ///< of that one
    int64_t m_downFree = 0; ///< when the downlink has finished what arrived so far
    Transport::HostStats m_stats{};

    ns3::Ptr<ns3::Node> m_node;
    uint32_t m_index = 0;
    ns3::Mac48Address m_address;
    ReceiveCallback m_receive;
};

} // namespace qnet

#endif
