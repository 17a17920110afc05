// SPDX-License-Identifier: GPL-2.0-only
// QNet and ns-3's own applications on the same hosts and routed links (tier P). A client fetches
// 1 MiB through a super peer; then again while the super peer's machine also receives a backup
// (BulkSend to PacketSink over TCP) and a stream of datagrams (OnOff over UDP).
//
//     two regions, 30 ms apart:   client, web server | super peer, backup source
#include "ns3/applications-module.h"
#include "ns3/command-line.h"
#include "ns3/data-rate.h"
#include "ns3/inet-socket-address.h"
#include "ns3/simulator.h"
#include "ns3/uinteger.h"

#include "fetch-printer.h"
#include "qnet-helper.h"
#include "routed-tcp.h"
#include "sim-time.h"

using namespace qnet;

namespace
{

constexpr uint16_t BACKUP_PORT = 9;
constexpr uint16_t STREAM_PORT = 10;
constexpr double QUIET_S = 8;
constexpr double BUSY_S = 12;
constexpr double END_S = 18;
const ns3::Ipv4Address SUPER("20.0.0.1");

/// From `node` to the super peer's machine, from then on to the end.
void
AddCrossTraffic(const ns3::Ptr<ns3::Node>& from, const ns3::Ptr<ns3::Node>& to)
{
    ns3::BulkSendHelper backup("ns3::TcpSocketFactory", ns3::InetSocketAddress(SUPER, BACKUP_PORT));
    ns3::OnOffHelper stream("ns3::UdpSocketFactory", ns3::InetSocketAddress(SUPER, STREAM_PORT));
    stream.SetConstantRate(ns3::DataRate("4Mbps"), 1200);
    backup.Install(from).Start(ns3::Seconds(BUSY_S - 1));
    stream.Install(from).Start(ns3::Seconds(BUSY_S - 1));
    ns3::InetSocketAddress any(ns3::Ipv4Address::GetAny(), BACKUP_PORT);
    ns3::PacketSinkHelper("ns3::TcpSocketFactory", any).Install(to);
    any.SetPort(STREAM_PORT);
    ns3::PacketSinkHelper("ns3::UdpSocketFactory", any).Install(to);
}

} // namespace

int
main(int argc, char** argv)
{
    bool cross = true;
    ns3::CommandLine line(__FILE__);
    line.AddValue("cross", "whether there is traffic beside QNet", cross);
    line.Parse(argc, argv);

    auto links = ns3::CreateObject<RoutedTcp>();
    links->SetLatency(2, {4 * NS_PER_MS, 30 * NS_PER_MS, 30 * NS_PER_MS, 4 * NS_PER_MS});
    QnetHelper qnet(links, 1);
    qnet.SetAttribute("UplinkRate", ns3::UintegerValue(20000000));
    qnet.SetAttribute("DownlinkRate", ns3::UintegerValue(20000000));
    auto superNode = ns3::CreateObject<ns3::Node>();
    qnet.Install(superNode, SUPER, QN_SUPER);
    qnet.SetAttribute("Region", ns3::UintegerValue(1));
    auto client = qnet.Install(ns3::CreateObject<ns3::Node>(), "20.1.0.1", QN_CLIENT);
    qnet.InstallWeb(ns3::CreateObject<ns3::Node>(), "198.41.0.4", "www.example");
    auto source = ns3::CreateObject<ns3::Node>(); // no QNet on it: a host is an ns-3 node
    links->AddHost({source, 0, 100000000, 100000000, TcpTransport::FromIpv4("20.2.0.1", 0)});
    if (cross)
    {
        AddCrossTraffic(source, superNode);
    }

    FetchPrinter printer;
    SocksFetch quiet(client, &printer, {"fast", "", "www.example", 80, 1048576, 0});
    SocksFetch busy(client, &printer, {"fast", "", "www.example", 80, 1048576, 0});
    ns3::Simulator::Schedule(ns3::Seconds(QUIET_S), &SocksFetch::Start, &quiet);
    ns3::Simulator::Schedule(ns3::Seconds(BUSY_S), &SocksFetch::Start, &busy);
    ns3::Simulator::Stop(ns3::Seconds(END_S));
    ns3::Simulator::Run();
    return printer.AllDone() ? 0 : 1;
}
