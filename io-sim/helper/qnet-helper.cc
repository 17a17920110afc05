// SPDX-License-Identifier: GPL-2.0-only
#include "qnet-helper.h"

#include <cstring>
#include <stdexcept>

#include "ns3/enum.h"
#include "ns3/node.h"
#include "ns3/simulator.h"

#include "sim-time.h"
#include "tcp-transport.h"

namespace qnet
{

using ns3::CreateObject;
using ns3::Ptr;

namespace
{

constexpr uint16_t LINK_PORT = 443;
constexpr uint16_t WEB_PORT = 80;
constexpr int64_t EPOCH = 1796000000; ///< Unix seconds at simulated time zero: December 2026
constexpr uint32_t OPERATOR_KEYS = UINT32_MAX; ///< a key stream beside those of node indices

} // namespace

QnetHelper::QnetHelper(Ptr<Transport> transport, uint64_t seed)
    : m_shared(seed, EPOCH)
{
    m_shared.transport = transport;
}

QnetHelper::~QnetHelper()
{
    ns3::Simulator::Destroy();
    m_shared.transport->Dispose();
}

void
QnetHelper::SetAttribute(const std::string& name, const ns3::AttributeValue& value)
{
    m_attributes[name] = value.Copy();
}

/// A network of one operator, whose node is `keys` at `addr`.
void
QnetHelper::Found(const qn_keys& keys, const qn_secret32& sign, const qn_addr& addr)
{
    qn_drbg drbg;
    qn_drbg_init(&drbg, "qnet-helper-network", m_shared.GetSeed(), 0);
    qn_env env = m_shared.MakeEnv(&drbg);
    qn_network& network = m_shared.network;
    std::strcpy(network.name, "lab");
    network.lab = true;
    network.created = env.wall;
    network.threshold = 1;
    network.operators_n = 1;
    uint8_t file[QN_NETWORK_FILE_MAX];
    size_t n = 0;
    if (qn_operator_of(&env, &keys, &sign, &addr, &network.operators[0]) != QN_OK ||
        qn_network_encode(&network, &env, &sign, file, sizeof file, &n) != QN_OK)
    {
        throw std::runtime_error("the network file could not be made");
    }
}

Ptr<NodeApp>
QnetHelper::Install(const Ptr<ns3::Node>& node, ns3::Ipv4Address at, qn_mode mode)
{
    uint32_t index = m_installed++;
    if (index == 0 && mode != QN_SUPER)
    {
        throw std::runtime_error("the first node is the operator's, a super peer");
    }
    qn_drbg drbg;
    qn_drbg_init(&drbg, "qnet-helper-keys", m_shared.GetSeed(), index);
    qn_env env = m_shared.MakeEnv(&drbg);
    qn_keys keys{};
    qn_keys_generate(&env, &keys);

    auto app = CreateObject<NodeApp>();
    for (const auto& [name, value] : m_attributes)
    {
        app->SetAttribute(name, *value);
    }
    app->SetAttribute("Mode", ns3::EnumValue(mode));
    qn_addr addr = TcpTransport::FromIpv4(at, LINK_PORT);
    node->AddApplication(app);
    app->Setup(&m_shared, index, addr, keys);
    if (index == 0)
    {
        qn_secret32 sign{};
        qn_drbg_init(&drbg, "qnet-helper-keys", m_shared.GetSeed(), OPERATOR_KEYS);
        qn_drbg_fill(&drbg, sign.b, sizeof sign.b);
        Found(keys, sign, addr);
        app->SetOperator(sign);
    }
    qn_keys_wipe(&keys);
    app->SetStartTime(Ns(0));
    return app;
}

Ptr<WebServer>
QnetHelper::InstallWeb(const Ptr<ns3::Node>& node, ns3::Ipv4Address at, const std::string& name)
{
    auto server = CreateObject<WebServer>();
    for (const auto& [attribute, value] : m_attributes)
    {
        server->SetAttributeFailSafe(attribute, *value);
    }
    qn_addr addr = TcpTransport::FromIpv4(at, WEB_PORT);
    node->AddApplication(server);
    server->Setup(m_shared.transport, addr);
    m_shared.names[name] = {addr};
    return server;
}

SharedCore&
QnetHelper::GetShared()
{
    return m_shared;
}

} // namespace qnet
