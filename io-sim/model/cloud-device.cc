// SPDX-License-Identifier: GPL-2.0-only
#include "cloud-device.h"

#include "ns3/channel.h"
#include "ns3/node.h"
#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::Packet;
using ns3::Ptr;
using ns3::Simulator;

NS_OBJECT_ENSURE_REGISTERED(CloudDevice);

namespace
{

constexpr uint16_t IPV4 = 0x0800;

/// What the device reads of a packet: IPv4 and TCP headers as they stand on the wire.
struct Envelope
{
    ns3::Ipv4Address to;
    uint64_t flow;
};

Envelope
Read(const Packet& packet)
{
    uint8_t b[64] = {}; // an IPv4 header with all its options, and two ports
    packet.CopyData(b, sizeof b);
    size_t ports = static_cast<size_t>(b[0] & 15) * 4;
    auto to = ns3::Ipv4Address::Deserialize(b + 16);
    auto port = [&b](size_t at) { return static_cast<uint16_t>(b[at] << 8 | b[at + 1]); };
    return {to, CloudDevice::FlowOf(to, port(ports), port(ports + 2))};
}

} // namespace

ns3::TypeId
CloudDevice::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::CloudDevice")
                                 .SetParent<NetDevice>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<CloudDevice>();
    return tid;
}

CloudDevice::CloudDevice() = default;
CloudDevice::~CloudDevice() = default;

void
CloudDevice::Setup(Cloud* cloud,
                   uint32_t host,
                   const Transport::HostConfig& config,
                   uint64_t queueLimit,
                   uint16_t mtu)
{
    m_cloud = cloud;
    m_host = host;
    m_context = config.node->GetId();
    m_up = config.up;
    m_down = config.down;
    m_queueLimit = queueLimit;
    m_mtu = mtu;
    m_address = ns3::Mac48Address("02:00:00:00:00:01"); // never looked at: there is no ARP
}

void
CloudDevice::SetRates(uint64_t up, uint64_t down)
{
    m_up = up;
    m_down = down;
    if (m_coming.empty())
    {
        return;
    }
    // What is being sent keeps its time; what waits behind it goes at the new rate.
    int64_t free = NowNs() + Simulator::GetDelayLeft(m_delivery).GetNanoSeconds();
    for (size_t i = 1; i < m_coming.size(); i++)
    {
        free += SerialisationNs(m_coming[i]->GetSize(), m_down);
    }
    m_downFree = free;
}

void
CloudDevice::DoDispose()
{
    m_delivery.Cancel();
    m_coming.clear();
    m_flows.clear();
    m_turns.clear();
    m_node = nullptr;
    m_receive.Nullify();
    NetDevice::DoDispose();
}

uint64_t
CloudDevice::FlowOf(ns3::Ipv4Address to, uint16_t fromPort, uint16_t toPort)
{
    return static_cast<uint64_t>(to.Get()) << 32 | static_cast<uint64_t>(fromPort) << 16 | toPort;
}

void
CloudDevice::SetFlowUser(uint64_t flow, FlowUser* user)
{
    if (user != nullptr)
    {
        m_flows[flow].user = user;
        return;
    }
    auto found = m_flows.find(flow);
    if (found != m_flows.end())
    {
        found->second.user = nullptr;
        if (found->second.bytes == 0)
        {
            m_flows.erase(found);
        }
    }
}

uint32_t
CloudDevice::GetQueued(uint64_t flow) const
{
    auto found = m_flows.find(flow);
    return found == m_flows.end() ? 0 : found->second.bytes;
}

const Transport::HostStats&
CloudDevice::GetStats() const
{
    return m_stats;
}

// ---- the way up

bool
CloudDevice::Send(Ptr<Packet> packet, const ns3::Address&, uint16_t)
{
    Envelope envelope = Read(*packet);
    Flow& flow = m_flows[envelope.flow];
    flow.name = envelope.flow;
    if (flow.packets.empty())
    {
        m_turns.push_back(&flow);
    }
    flow.packets.push_back({packet, envelope.to});
    flow.bytes += packet->GetSize();
    m_stats.unsent += packet->GetSize();
    SendNext();
    return true;
}

void
CloudDevice::SendNext()
{
    if (m_busy || m_turns.empty())
    {
        return;
    }
    Flow* flow = m_turns.front();
    m_turns.pop_front();
    Leaving next = std::move(flow->packets.front());
    flow->packets.pop_front();
    if (!flow->packets.empty())
    {
        m_turns.push_back(flow);
    }
    m_busy = true;
    int64_t took = SerialisationNs(next.packet->GetSize(), m_up);
    Simulator::Schedule(Ns(took), &CloudDevice::Sent, this, flow, next);
}

void
CloudDevice::Sent(Flow* flow, const Leaving& what)
{
    uint32_t size = what.packet->GetSize();
    m_stats.sent += size;
    m_stats.unsent -= size;
    CloudDevice* to = m_cloud->DeviceOf(what.to);
    if (to != nullptr && !m_cloud->IsCut(m_host, to->m_host) && !m_cloud->LosesPacket(m_host))
    {
        Simulator::ScheduleWithContext(to->m_context,
                                       Ns(m_cloud->LatencyBetween(m_host, to->m_host)),
                                       &CloudDevice::Arrive,
                                       to,
                                       what.packet);
    }
    m_busy = false;
    flow->bytes -= size;
    FlowUser* user = flow->user;
    if (user == nullptr && flow->packets.empty())
    {
        m_flows.erase(flow->name);
    }
    SendNext();
    if (user != nullptr)
    {
        user->FlowDrained();
    }
}

bool
CloudDevice::SendFrom(Ptr<Packet>, const ns3::Address&, const ns3::Address&, uint16_t)
{
    return false;
}

// ---- the way down

void
CloudDevice::Arrive(Ptr<Packet> packet)
{
    if (m_cloud->LosesPacket(m_host))
    {
        return;
    }
    int64_t now = NowNs();
    int64_t queued = m_downFree > now ? m_downFree - now : 0;
    if (queued > SerialisationNs(m_queueLimit, m_down))
    {
        m_stats.congested++;
        return;
    }
    int64_t took = SerialisationNs(packet->GetSize(), m_down);
    m_downFree = now + queued + took;
    m_coming.push_back(packet);
    if (m_coming.size() == 1)
    {
        DeliverIn(took);
    }
}

void
CloudDevice::DeliverIn(int64_t ns)
{
    m_delivery = Simulator::Schedule(Ns(ns), &CloudDevice::Deliver, this);
}

void
CloudDevice::Deliver()
{
    Ptr<Packet> packet = m_coming.front();
    m_coming.pop_front();
    if (!m_coming.empty())
    {
        DeliverIn(SerialisationNs(m_coming.front()->GetSize(), m_down));
    }
    m_stats.received += packet->GetSize();
    if (!m_receive.IsNull())
    {
        m_receive(this, packet, IPV4, m_address);
    }
}

// ---- what every NetDevice must answer

void
CloudDevice::SetIfIndex(const uint32_t index)
{
    m_index = index;
}

uint32_t
CloudDevice::GetIfIndex() const
{
    return m_index;
}

Ptr<ns3::Channel>
CloudDevice::GetChannel() const
{
    return nullptr;
}

void
CloudDevice::SetAddress(ns3::Address address)
{
    m_address = ns3::Mac48Address::ConvertFrom(address);
}

ns3::Address
CloudDevice::GetAddress() const
{
    return m_address;
}

bool
CloudDevice::SetMtu(const uint16_t mtu)
{
    m_mtu = mtu;
    return true;
}

uint16_t
CloudDevice::GetMtu() const
{
    return m_mtu;
}

bool
CloudDevice::IsLinkUp() const
{
    return true;
}

void
CloudDevice::AddLinkChangeCallback(ns3::Callback<void>)
{
}

bool
CloudDevice::IsBroadcast() const
{
    return false;
}

ns3::Address
CloudDevice::GetBroadcast() const
{
    return ns3::Mac48Address::GetBroadcast();
}

bool
CloudDevice::IsMulticast() const
{
    return false;
}

ns3::Address
CloudDevice::GetMulticast(ns3::Ipv4Address) const
{
    return GetBroadcast();
}

ns3::Address
CloudDevice::GetMulticast(ns3::Ipv6Address) const
{
    return GetBroadcast();
}

bool
CloudDevice::IsBridge() const
{
    return false;
}

bool
CloudDevice::IsPointToPoint() const
{
    return true;
}

Ptr<ns3::Node>
CloudDevice::GetNode() const
{
    return m_node;
}

void
CloudDevice::SetNode(Ptr<ns3::Node> node)
{
    m_node = node;
}

bool
CloudDevice::NeedsArp() const
{
    return false;
}

void
CloudDevice::SetReceiveCallback(ReceiveCallback callback)
{
    m_receive = callback;
}

void
CloudDevice::SetPromiscReceiveCallback(PromiscReceiveCallback)
{
}

bool
CloudDevice::SupportsSendFrom() const
{
    return false;
}

} // namespace qnet
