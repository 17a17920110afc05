// SPDX-License-Identifier: GPL-2.0-only
// The smallest network by hand: a super peer that is also the exit, a web server, and a client that
// fetches one object over one hop. Shows attributes, trace sources and what a helper otherwise
// does.
#include <cstdio>
#include <cstring>

#include "ns3/enum.h"
#include "ns3/node.h"
#include "ns3/simulator.h"
#include "ns3/uinteger.h"

#include "msg-channel.h"
#include "node-app.h"
#include "sim-time.h"
#include "socks-fetch.h"
#include "web-server.h"

using namespace qnet;

namespace
{

class PrintingUser : public FetchUser
{
  public:
    void
    FetchEnded(SocksFetch& fetch) override
    {
        std::printf(
            "fetch: %s, %llu bytes over %u hop, first byte after %lld ms, last after %lld ms\n",
            FetchOutcomeName(fetch.GetOutcome()),
            static_cast<unsigned long long>(fetch.GetBytes()),
            fetch.GetHops(),
            static_cast<long long>(fetch.GetFirstByteNs() / NS_PER_MS),
            static_cast<long long>(fetch.GetLastByteNs() / NS_PER_MS));
    }
};

void
PrintSnapshot(uint32_t index, const qn_event& event)
{
    std::printf("%.3f s: node %u knows %llu nodes\n",
                ns3::Simulator::Now().GetSeconds(),
                index,
                static_cast<unsigned long long>(event.value));
}

qn_keys
Keys(const SharedCore& shared, uint32_t index)
{
    qn_drbg drbg;
    qn_drbg_init(&drbg, "two-nodes-keys", shared.GetSeed(), index);
    qn_env env = shared.MakeEnv(&drbg);
    qn_keys keys{};
    qn_keys_generate(&env, &keys);
    return keys;
}

/// A network of one operator, whose node is `keys` at `addr`.
bool
Found(SharedCore& shared, const qn_keys& keys, const qn_secret32& sign, const qn_addr& addr)
{
    qn_drbg drbg;
    qn_drbg_init(&drbg, "two-nodes-network", shared.GetSeed(), 0);
    qn_env env = shared.MakeEnv(&drbg);
    qn_network& network = shared.network;
    std::strcpy(network.name, "two-nodes");
    network.lab = true;
    network.created = env.wall;
    network.threshold = 1;
    network.operators_n = 1;
    uint8_t file[QN_NETWORK_FILE_MAX];
    size_t n = 0;
    return qn_operator_of(&env, &keys, &sign, &addr, &network.operators[0]) == QN_OK &&
           qn_network_encode(&network, &env, &sign, file, sizeof file, &n) == QN_OK;
}

ns3::Ptr<NodeApp>
AddNode(SharedCore& shared, uint32_t index, qn_mode mode, const qn_addr& addr, const qn_keys& keys)
{
    auto node = ns3::CreateObject<ns3::Node>();
    auto app = ns3::CreateObject<NodeApp>();
    app->SetAttribute("Mode", ns3::EnumValue(mode));
    app->SetAttribute("UplinkRate", ns3::UintegerValue(mode == QN_CLIENT ? 10000000 : 100000000));
    node->AddApplication(app);
    app->Setup(&shared, index, addr, keys);
    app->SetStartTime(Ns(0));
    app->TraceConnectWithoutContext("Snapshot", ns3::MakeCallback(&PrintSnapshot));
    return app;
}

} // namespace

int
main()
{
    SharedCore shared(1, 1790000000);
    shared.transport = ns3::CreateObject<MsgChannel>();
    shared.transport->SetLatency(1, {20 * NS_PER_MS});
    qn_addr superAddr{4, {20, 0, 0, 1}, 443};
    qn_addr clientAddr{4, {20, 1, 0, 1}, 443};
    qn_addr webAddr{4, {198, 41, 0, 4}, 80};
    qn_secret32 sign{{1}};
    qn_keys keys = Keys(shared, 0);
    if (!Found(shared, keys, sign, superAddr))
    {
        std::fputs("the network file could not be made\n", stderr);
        return 1;
    }
    auto super = AddNode(shared, 0, QN_SUPER, superAddr, keys);
    super->SetOperator(sign);
    auto client = AddNode(shared, 1, QN_CLIENT, clientAddr, Keys(shared, 1));
    auto webNode = ns3::CreateObject<ns3::Node>();
    auto web = ns3::CreateObject<WebServer>();
    webNode->AddApplication(web);
    web->Setup(shared.transport, webAddr);
    shared.names["www.example"] = {webAddr};

    FetchRequest request{"fast", "", "www.example", 80, 1048576, 0};
    PrintingUser user;
    {
        SocksFetch fetch(client, &user, request);
        ns3::Simulator::Schedule(ns3::Seconds(10), [&fetch]() { fetch.Start(); });
        ns3::Simulator::Stop(ns3::Seconds(20));
        ns3::Simulator::Run();
    }
    ns3::Simulator::Destroy();
    shared.transport->Dispose();
    return 0;
}
