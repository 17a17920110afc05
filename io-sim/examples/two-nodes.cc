// SPDX-License-Identifier: GPL-2.0-only
// The smallest network: a super peer that is also the exit, a web server, and a client that fetches
// one object over one hop, by messages (tier M). Shows attributes and trace sources.
#include <cstdio>

#include "ns3/simulator.h"
#include "ns3/uinteger.h"

#include "fetch-printer.h"
#include "msg-channel.h"
#include "qnet-helper.h"
#include "sim-time.h"

using namespace qnet;

namespace
{

void
PrintSnapshot(uint32_t index, const qn_event& event)
{
    std::printf("%.3f s: node %u knows %llu nodes\n",
                ns3::Simulator::Now().GetSeconds(),
                index,
                static_cast<unsigned long long>(event.value));
}

} // namespace

int
main()
{
    auto channel = ns3::CreateObject<MsgChannel>();
    channel->SetLatency(1, {20 * NS_PER_MS});
    QnetHelper qnet(channel, 1);
    auto node = []() { return ns3::CreateObject<ns3::Node>(); };
    qnet.SetAttribute("UplinkRate", ns3::UintegerValue(100000000));
    auto super = qnet.Install(node(), "20.0.0.1", QN_SUPER);
    qnet.InstallWeb(node(), "198.41.0.4", "www.example");
    qnet.SetAttribute("UplinkRate", ns3::UintegerValue(10000000));
    auto client = qnet.Install(node(), "20.1.0.1", QN_CLIENT);
    client->TraceConnectWithoutContext("Snapshot", ns3::MakeCallback(&PrintSnapshot));

    FetchPrinter printer;
    SocksFetch fetch(client, &printer, {"fast", "", "www.example", 80, 1048576, 0});
    ns3::Simulator::Schedule(ns3::Seconds(10), &SocksFetch::Start, &fetch);
    ns3::Simulator::Stop(ns3::Seconds(20));
    ns3::Simulator::Run();
    return printer.AllDone() ? 0 : 1;
}
