// SPDX-License-Identifier: GPL-2.0-only
#include "routed-tcp.h"

#include <algorithm>
#include <string>

#include "ns3/error-model.h"
#include "ns3/data-rate.h"
#include "ns3/ipv4-l3-protocol.h"
#include "ns3/ipv4-route.h"
#include "ns3/point-to-point-channel.h"
#include "ns3/point-to-point-helper.h"
#include "ns3/queue.h"
#include "ns3/string.h"
#include "ns3/uinteger.h"

#include "sim-time.h"

namespace qnet
{

using ns3::CreateObject;
using ns3::DynamicCast;
using ns3::Packet;
using ns3::Ptr;
using ns3::UintegerValue;

NS_OBJECT_ENSURE_REGISTERED(RoutedTcp);

namespace
{

constexpr uint64_t CORE_RATE = UINT64_C(100000000000); ///< bit/s: between routers nobody queues
constexpr uint32_t PPP_BYTES = 2; ///< what a point-to-point link adds to a packet

using Device = Ptr<ns3::PointToPointNetDevice>;

Device
AsDevice(const Ptr<ns3::NetDevice>& device)
{
    return DynamicCast<ns3::PointToPointNetDevice>(device);
}

uint32_t
AddInterface(const Device& device)
{
    auto ip = device->GetNode()->GetObject<ns3::Ipv4>();
    uint32_t interface = ip->AddInterface(device);
    ip->SetUp(interface);
    return interface;
}

Ptr<ns3::Ipv4Route>
RouteBy(const Device& device, ns3::Ipv4Address source)
{
    auto route = ns3::Create<ns3::Ipv4Route>();
    route->SetOutputDevice(device);
    route->SetSource(source);
    route->SetGateway(ns3::Ipv4Address::GetZero());
    return route;
}

/// Loses packets as the transport draws it for this host.
class AccessLoss final : public ns3::ErrorModel
{
  public:
    AccessLoss(Transport* transport, uint32_t host)
        : m_transport(transport),
          m_host(host)
    {
    }

  private:
    bool
    DoCorrupt(Ptr<Packet>) override
    {
        return m_transport->Loses(m_host, 1);
    }

    void
    DoReset() override
    {
    }

    Transport* m_transport;
    uint32_t m_host;
};

RegionRouting*
RoutingOf(const Ptr<ns3::Node>& node)
{
    auto ip = node->GetObject<ns3::Ipv4>();
    return ns3::PeekPointer(DynamicCast<RegionRouting>(ip->GetRoutingProtocol()));
}

void
AddSize(uint64_t* sum, Ptr<const Packet> packet)
{
    *sum += packet->GetSize() - PPP_BYTES;
}

void
AddCrossing(RoutedTcp::Crossed* sum, Ptr<const Packet> packet)
{
    sum->packets++;
    AddSize(&sum->bytes, packet);
}

void
AddOne(uint64_t* sum, Ptr<const Packet>)
{
    (*sum)++;
}

} // namespace

ns3::TypeId
RoutedTcp::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::RoutedTcp")
                                 .SetParent<TcpTransport>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<RoutedTcp>();
    return tid;
}

RoutedTcp::RoutedTcp() = default;
RoutedTcp::~RoutedTcp() = default;

void
RoutedTcp::DoDispose()
{
    TcpTransport::DoDispose();
    m_access.clear();
    m_routers = ns3::NodeContainer();
}

void
RoutedTcp::InstallStack(ns3::InternetStackHelper& stack)
{
    stack.SetRoutingHelper(RegionRoutingHelper());
}

void
RoutedTcp::InstallRegions(uint32_t count)
{
    m_table = std::make_shared<RegionTable>();
    m_hostsOfRegion.assign(count, 0);
    m_ranks.resize(count);
    for (uint32_t rank : m_ranks)
    {
        m_routers.Add(CreateObject<ns3::Node>(rank));
    }
    ns3::InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    InstallStack(stack);
    stack.Install(m_routers);
    for (uint32_t i = 0; i < count; i++)
    {
        RoutingOf(m_routers.Get(i))->SetRegion(i, m_table, count, this);
        for (uint32_t j = 0; j < i; j++)
        {
            Join(i, j);
        }
    }
}

bool
RoutedTcp::IsCut(uint32_t a, uint32_t b) const
{
    return WaitToPass(a, b) > 0;
}

void
RoutedTcp::Join(uint32_t a, uint32_t b)
{
    ns3::PointToPointHelper link;
    link.DisableFlowControl();
    link.SetDeviceAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(CORE_RATE)));
    link.SetDeviceAttribute("Mtu", UintegerValue(m_segment + SEGMENT_HEADERS));
    link.SetChannelAttribute("Delay", ns3::TimeValue(Ns(CoreLatency(a, b))));
    ns3::NetDeviceContainer ends = link.Install(m_routers.Get(a), m_routers.Get(b));
    for (uint32_t i = 0; i < 2; i++)
    {
        Device device = AsDevice(ends.Get(i));
        AddInterface(device);
        RoutingOf(device->GetNode())
            ->SetRegionLink(i == 0 ? b : a, RouteBy(device, ns3::Ipv4Address::GetAny()));
        if (m_ranks[a] != m_ranks[b])
        {
            device->TraceConnectWithoutContext("PhyTxEnd",
                                               ns3::MakeBoundCallback(&AddCrossing, &m_crossed));
        }
    }
}

void
RoutedTcp::InstallDevice(uint32_t host)
{
    const HostConfig& config = m_config[host];
    ns3::PointToPointHelper link;
    link.DisableFlowControl();
    link.SetDeviceAttribute("Mtu", UintegerValue(m_segment + SEGMENT_HEADERS));
    link.SetQueue("ns3::DropTailQueue<Packet>",
                  "MaxSize",
                  ns3::StringValue(std::to_string(m_queueLimit) + "B"));
    link.SetChannelAttribute("Delay", ns3::TimeValue(Ns(AccessLatency(host))));
    Ptr<ns3::Node> router = m_routers.Get(config.region);
    ns3::NetDeviceContainer ends = link.Install(config.node, router);
    auto access = std::make_unique<Access>();
    access->near = AsDevice(ends.Get(0));
    access->far = AsDevice(ends.Get(1));
    access->near->SetDataRate(ns3::DataRate(config.up));
    access->far->SetDataRate(ns3::DataRate(config.down));
    if (config.loss > 0)
    {
        auto loss = ns3::Create<AccessLoss>(this, host);
        access->near->SetReceiveErrorModel(loss);
        access->far->SetReceiveErrorModel(loss);
    }

    ns3::Ipv4Address address = ToIpv4(config.addr);
    uint32_t interface = AddInterface(access->near);
    config.node->GetObject<ns3::Ipv4>()->AddAddress(
        interface, ns3::Ipv4InterfaceAddress(address, ns3::Ipv4Mask::GetOnes()));
    AddInterface(access->far);
    RoutingOf(config.node)->SetWayOut(RouteBy(access->near, address));
    RoutingOf(router)->AddHostLink(RouteBy(access->far, ns3::Ipv4Address::GetAny()));
    m_table->seats[address.Get()] = {config.region, m_hostsOfRegion[config.region]++};
    m_access.push_back(std::move(access));
    CountTraffic(host);
}

void
RoutedTcp::CountTraffic(uint32_t host)
{
    Access& access = *m_access[host];
    access.near->TraceConnectWithoutContext("PhyTxEnd",
                                            ns3::MakeBoundCallback(&AddSize, &access.stats.sent));
    access.near->TraceConnectWithoutContext(
        "PhyRxEnd", ns3::MakeBoundCallback(&AddSize, &access.stats.received));
    for (const Device& end : {access.near, access.far})
    {
        end->GetQueue()->TraceConnectWithoutContext(
            "Drop", ns3::MakeBoundCallback(&AddOne, &access.stats.congested));
    }
}

void
RoutedTcp::SetRates(uint32_t host, uint64_t up, uint64_t down)
{
    m_access[host]->near->SetDataRate(ns3::DataRate(up));
    m_access[host]->far->SetDataRate(ns3::DataRate(down));
}

Transport::HostStats
RoutedTcp::GetStats(uint32_t host) const
{
    const Access& access = *m_access[host];
    HostStats stats = access.stats;
    stats.unsent = access.near->GetQueue()->GetNBytes() + GetHeldBack(host);
    return stats;
}

const RoutedTcp::Crossed&
RoutedTcp::GetCrossed() const
{
    return m_crossed;
}

// ---- latencies: region to region = two access links and a core link

int64_t
RoutedTcp::AccessLatency(uint32_t host) const
{
    uint32_t region = m_config[host].region;
    uint64_t ns = RegionLatency(region, region) / 2 + m_config[host].delay;
    if (m_spread >= 2)
    {
        uint64_t x = m_salt + host;
        x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
        ns += (x ^ (x >> 31)) % m_spread / 2;
    }
    return static_cast<int64_t>(ns);
}

int64_t
RoutedTcp::CoreLatency(uint32_t a, uint32_t b) const
{
    uint64_t all = RegionLatency(a, b);
    uint64_t ends = RegionLatency(a, a) / 2 + RegionLatency(b, b) / 2;
    return all > ends ? static_cast<int64_t>(all - ends) : 0;
}

int64_t
RoutedTcp::GetLatency(uint32_t a, uint32_t b) const
{
    uint32_t from = m_config[a].region;
    uint32_t to = m_config[b].region;
    int64_t core = from == to ? 0 : CoreLatency(from, to);
    return AccessLatency(a) + core + AccessLatency(b);
}

void
RoutedTcp::SetRanks(std::vector<uint32_t> ranks)
{
    m_ranks = std::move(ranks);
}

// ---- on the border

void
RoutedTcp::SetMiddlebox(uint32_t region, Middlebox* middlebox)
{
    RoutingOf(m_routers.Get(region))->SetMiddlebox(middlebox);
}

bool
RoutedTcp::RegionAt(ns3::Ipv4Address address, uint32_t* region) const
{
    auto found = m_table->seats.find(address.Get());
    if (found == m_table->seats.end())
    {
        return false;
    }
    *region = found->second.region;
    return true;
}

void
RoutedTcp::Inject(uint32_t region, Ptr<Packet> packet, const ns3::Ipv4Header& header)
{
    Ptr<ns3::Node> router = m_routers.Get(region);
    ns3::Socket::SocketErrno error;
    Ptr<ns3::Ipv4Route> route = RoutingOf(router)->RouteOutput(packet, header, nullptr, error);
    if (route)
    {
        router->GetObject<ns3::Ipv4L3Protocol>()->SendWithHeader(packet, header, route);
    }
}

} // namespace qnet
