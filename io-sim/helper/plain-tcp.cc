// SPDX-License-Identifier: GPL-2.0-only
#include "plain-tcp.h"

#include <chrono>

#include "ns3/bulk-send-application.h"
#include "ns3/config.h"
#include "ns3/inet-socket-address.h"
#include "ns3/packet-sink.h"
#include "ns3/simulator.h"
#include "ns3/tcp-socket-factory.h"
#include "ns3/uinteger.h"

#include "routed-tcp.h"
#include "sim-time.h"

namespace qnet
{

using ns3::CreateObject;
using ns3::Ptr;
using ns3::Simulator;
using ns3::UintegerValue;

namespace
{

constexpr uint16_t PORT = 9;
constexpr uint32_t SEGMENT = 1448;
constexpr int64_t LOOK_NS = 100 * NS_PER_MS;

using Clock = std::chrono::steady_clock;

uint64_t
MsSince(Clock::time_point start)
{
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
    return static_cast<uint64_t>(ms);
}

qn_addr
AddressOf(uint8_t net, uint32_t i)
{
    return qn_addr{
        4,
        {net, static_cast<uint8_t>(i >> 16), static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)},
        PORT};
}

/// The second simulation: hosts, ns-3's sources and sinks.
class Plain
{
  public:
    explicit Plain(const Network& network)
        : m_links(CreateObject<RoutedTcp>())
    {
        ns3::Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(SEGMENT));
        ns3::Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(network.maxWindow));
        ns3::Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(network.maxWindow));
        m_links->SetAttribute("QueueLimit", UintegerValue(network.queueLimit));
        m_links->SetLatency(static_cast<uint32_t>(network.regions.size()), network.latency);
    }

    ~Plain()
    {
        Simulator::Destroy();
        m_links->Dispose();
    }

    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;

    void
    AddServer(const Place& place)
    {
        m_servers.push_back(
            AddHost(place, AddressOf(198, static_cast<uint32_t>(m_servers.size()))));
    }

    void
    AddClient(const Place& place)
    {
        auto node = AddHost(place, AddressOf(20, static_cast<uint32_t>(m_sinks.size())));
        auto sink = CreateObject<ns3::PacketSink>();
        sink->SetAttribute("Protocol", ns3::TypeIdValue(ns3::TcpSocketFactory::GetTypeId()));
        sink->SetAttribute("Local", AnyAddress(ns3::Ipv4Address::GetAny()));
        node->AddApplication(sink);
        m_sinks.push_back(sink);
    }

    void
    AddFlow(const PlainFlow& flow)
    {
        auto source = CreateObject<ns3::BulkSendApplication>();
        source->SetAttribute("Protocol", ns3::TypeIdValue(ns3::TcpSocketFactory::GetTypeId()));
        source->SetAttribute("Remote",
                             AnyAddress(TcpTransport::ToIpv4(AddressOf(20, flow.client))));
        source->SetAttribute("MaxBytes", UintegerValue(flow.bytes));
        source->SetAttribute("SendSize", UintegerValue(16384));
        m_servers[flow.server]->AddApplication(source);
        source->SetStartTime(Ns(flow.start));
    }

    uint64_t
    DeliveredBytes() const
    {
        uint64_t sum = 0;
        for (const auto& sink : m_sinks)
        {
            sum += sink->GetTotalRx();
        }
        return sum;
    }

  private:
    static ns3::AddressValue
    AnyAddress(ns3::Ipv4Address address)
    {
        return ns3::AddressValue(ns3::InetSocketAddress(address, PORT));
    }

    Ptr<ns3::Node>
    AddHost(const Place& place, const qn_addr& addr)
    {
        auto node = CreateObject<ns3::Node>();
        m_links->AddHost({node, place.region, place.up, place.down, addr, place.delay, place.loss});
        return node;
    }

    Ptr<RoutedTcp> m_links;
    std::vector<Ptr<ns3::Node>> m_servers;
    std::vector<Ptr<ns3::PacketSink>> m_sinks;
};

/// Ends the simulation when it has had its time.
void
Look(Clock::time_point start, uint64_t wallMs)
{
    if (MsSince(start) >= wallMs)
    {
        Simulator::Stop();
        return;
    }
    Simulator::Schedule(Ns(LOOK_NS), &Look, start, wallMs);
}

} // namespace

PlainLoad
PlainLoadOf(const Simulation& simulation, const Recorder& recorder)
{
    const Scenario& scenario = simulation.GetScenario();
    PlainLoad load;
    std::vector<std::vector<uint32_t>> serversOf(scenario.groups.size());
    std::vector<uint32_t> clientOf(simulation.GetMembers().size());
    uint32_t member = 0;
    // As the simulation numbers its nodes: the signers' group first.
    std::vector<uint32_t> order = {scenario.signers};
    for (uint32_t i = 0; i < scenario.groups.size(); i++)
    {
        if (i != scenario.signers)
        {
            order.push_back(i);
        }
    }
    for (uint32_t group : order)
    {
        Role role = scenario.groups[group].role;
        for (uint32_t i = 0; i < scenario.groups[group].count; i++)
        {
            Place place = PlaceOf(scenario, simulation.GetSeed(), group, i);
            if (role == Role::Web)
            {
                serversOf[group].push_back(static_cast<uint32_t>(load.servers.size()));
                load.servers.push_back(place);
                continue;
            }
            clientOf[member++] = static_cast<uint32_t>(load.clients.size());
            if (role == Role::Client)
            {
                load.clients.push_back(place);
            }
        }
    }
    for (const StreamRow& row : recorder.GetStreams())
    {
        const std::vector<uint32_t>& servers = serversOf[scenario.workloads[row.workload].servers];
        if (row.bytes > 0)
        {
            uint32_t server = servers[load.flows.size() % servers.size()];
            load.flows.push_back({server, clientOf[row.client], row.start, row.bytes});
        }
    }
    return load;
}

PlainSpeed
RunPlainTcp(const Scenario& scenario, const PlainLoad& load, uint64_t wallMs)
{
    PlainSpeed speed;
    auto start = Clock::now();
    Plain plain(scenario.network);
    for (const Place& place : load.servers)
    {
        plain.AddServer(place);
    }
    for (const Place& place : load.clients)
    {
        plain.AddClient(place);
    }
    for (const PlainFlow& flow : load.flows)
    {
        speed.wantedBytes += flow.bytes;
        plain.AddFlow(flow);
    }
    Simulator::Schedule(Ns(0), &Look, start, wallMs);
    Simulator::Stop(Ns(static_cast<int64_t>(scenario.stop)));
    Simulator::Run();
    speed.deliveredBytes = plain.DeliveredBytes();
    speed.simulatedMs = static_cast<uint64_t>(NowNs() / NS_PER_MS);
    speed.wallMs = std::max<uint64_t>(MsSince(start), 1);
    speed.simulatorEvents = Simulator::GetEventCount();
    return speed;
}

} // namespace qnet
