// SPDX-License-Identifier: GPL-2.0-only
// QNet nodes on a topology of one's own, made and routed by ns-3's helpers: a dumbbell whose narrow
// link a BulkSend shares with QNet. FlowMonitor watches all of it.
//
//     client ---.                       .--- super peer
//     source ---+--- r0 ===5 Mbps=== r1 ---+--- web server
//                                       '--- sink
#include <cstdio>
#include <map>

#include "ns3/applications-module.h"
#include "ns3/command-line.h"
#include "ns3/flow-monitor-module.h"
#include "ns3/inet-socket-address.h"
#include "ns3/internet-stack-helper.h"
#include "ns3/ipv4-address-helper.h"
#include "ns3/ipv4-global-routing-helper.h"
#include "ns3/point-to-point-helper.h"
#include "ns3/simulator.h"
#include "ns3/string.h"

#include "fetch-printer.h"
#include "host-tcp.h"
#include "qnet-helper.h"

using namespace qnet;

namespace
{

constexpr uint16_t SINK_PORT = 9;
enum Place : uint32_t
{
    CLIENT,
    SOURCE,
    SUPER,
    WEB,
    SINK,
    LEFT,
    RIGHT,
    PLACES
};

struct Dumbbell
{
    ns3::NodeContainer nodes;
    std::map<uint32_t, ns3::Ipv4Address> address;
};

/// Global unicast addresses, because an exit connects to no others.
Dumbbell
MakeDumbbell(bool pcap)
{
    Dumbbell bell;
    bell.nodes.Create(PLACES);
    ns3::InternetStackHelper().Install(bell.nodes);
    ns3::PointToPointHelper wide;
    wide.SetDeviceAttribute("DataRate", ns3::StringValue("100Mbps"));
    wide.SetChannelAttribute("Delay", ns3::StringValue("2ms"));
    ns3::PointToPointHelper narrow;
    narrow.SetDeviceAttribute("DataRate", ns3::StringValue("5Mbps"));
    narrow.SetChannelAttribute("Delay", ns3::StringValue("20ms"));
    ns3::Ipv4AddressHelper addresses("20.0.0.0", "255.255.0.0");
    for (uint32_t leaf : {CLIENT, SOURCE, SUPER, WEB, SINK})
    {
        uint32_t router = leaf == CLIENT || leaf == SOURCE ? LEFT : RIGHT;
        auto ends = wide.Install(bell.nodes.Get(leaf), bell.nodes.Get(router));
        bell.address[leaf] = addresses.Assign(ends).GetAddress(0);
        addresses.NewNetwork();
    }
    addresses.Assign(narrow.Install(bell.nodes.Get(LEFT), bell.nodes.Get(RIGHT)));
    if (pcap)
    {
        narrow.EnablePcap("own-topology", bell.nodes.Get(LEFT)->GetId(), 3);
    }
    ns3::Ipv4GlobalRoutingHelper::PopulateRoutingTables();
    return bell;
}

void
PrintFlows(ns3::FlowMonitorHelper& helper)
{
    auto flows = ns3::DynamicCast<ns3::Ipv4FlowClassifier>(helper.GetClassifier());
    for (const auto& [id, stats] : helper.GetMonitor()->GetFlowStats())
    {
        auto tuple = flows->FindFlow(id);
        if (stats.rxBytes > 100000)
        {
            std::printf("flow to port %u: %llu bytes, %u packets lost, mean delay %.1f ms\n",
                        tuple.destinationPort,
                        static_cast<unsigned long long>(stats.rxBytes),
                        stats.lostPackets,
                        stats.delaySum.GetSeconds() * 1000 / stats.rxPackets);
        }
    }
}

} // namespace

int
main(int argc, char** argv)
{
    bool cross = true;
    bool pcap = false;
    ns3::CommandLine line(__FILE__);
    line.AddValue("cross", "whether a BulkSend shares the narrow link", cross);
    line.AddValue("pcap", "whether to capture the narrow link", pcap);
    line.Parse(argc, argv);

    Dumbbell bell = MakeDumbbell(pcap);
    QnetHelper qnet(ns3::CreateObject<HostTcp>(), 1);
    qnet.Install(bell.nodes.Get(SUPER), bell.address[SUPER], QN_SUPER);
    auto client = qnet.Install(bell.nodes.Get(CLIENT), bell.address[CLIENT], QN_CLIENT);
    qnet.InstallWeb(bell.nodes.Get(WEB), bell.address[WEB], "www.example");
    if (cross)
    {
        ns3::InetSocketAddress to(bell.address[SINK], SINK_PORT);
        ns3::BulkSendHelper("ns3::TcpSocketFactory", to)
            .Install(bell.nodes.Get(SOURCE))
            .Start(ns3::Seconds(9));
        ns3::PacketSinkHelper("ns3::TcpSocketFactory", to).Install(bell.nodes.Get(SINK));
        ns3::InetSocketAddress back(bell.address[SOURCE], SINK_PORT);
        ns3::BulkSendHelper("ns3::TcpSocketFactory", back)
            .Install(bell.nodes.Get(SINK))
            .Start(ns3::Seconds(9));
        ns3::PacketSinkHelper("ns3::TcpSocketFactory", back).Install(bell.nodes.Get(SOURCE));
    }
    ns3::FlowMonitorHelper monitor;
    monitor.InstallAll();

    FetchPrinter printer;
    SocksFetch fetch(client, &printer, {"fast", "", "www.example", 80, 1048576, 0});
    ns3::Simulator::Schedule(ns3::Seconds(10), &SocksFetch::Start, &fetch);
    ns3::Simulator::Stop(ns3::Seconds(18));
    ns3::Simulator::Run();
    PrintFlows(monitor);
    return printer.AllDone() ? 0 : 1;
}
