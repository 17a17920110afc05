// SPDX-License-Identifier: GPL-2.0-only
#include "simulation.h"

#include <algorithm>
#include <stdexcept>

#include "ns3/boolean.h"
#include "ns3/enum.h"
#include "ns3/node.h"
#include "ns3/object-factory.h"
#include "ns3/simulator.h"
#include "ns3/string.h"
#include "ns3/uinteger.h"

#include "cloud-tcp.h"
#include "map-reader.h"
#include "msg-channel.h"
#include "routed-tcp.h"
#include "shipped-file.h"
#include "sim-time.h"

namespace qnet
{

using ns3::CreateObject;
using ns3::EnumValue;
using ns3::Ptr;
using ns3::Simulator;
using ns3::StringValue;
using ns3::UintegerValue;

namespace
{

ns3::TypeId
TransportOf(Tier tier)
{
    switch (tier)
    {
    case Tier::M:
        break;
    case Tier::T:
        return CloudTcp::GetTypeId();
    case Tier::P:
        return RoutedTcp::GetTypeId();
    }
    return MsgChannel::GetTypeId();
}

constexpr uint16_t LINK_PORT = 443;
constexpr uint16_t WEB_PORT = 80;
constexpr const char* PROFILE = "chromium-156";
constexpr unsigned EPOCHS = 8;                 ///< weeks of mirror keys in the operator's contact
constexpr uint32_t OPERATOR_KEYS = UINT32_MAX; ///< key streams beside those of node indices
constexpr uint32_t FOUNDER_KEYS = UINT32_MAX - 1;

qn_mode
ModeOf(Role role)
{
    switch (role)
    {
    case Role::Relay:
        return QN_RELAY;
    case Role::Exit:
        return QN_EXIT;
    case Role::Super:
        return QN_SUPER;
    case Role::Client:
    case Role::Web:
        break;
    }
    return QN_CLIENT;
}

/// Global unicast addresses, so that the exit's policy runs unchanged; each QNet node has a /16 of
/// its own, because path choice keeps the hops of a circuit in different networks.
qn_addr
NodeAddress(uint32_t i)
{
    return qn_addr{4,
                   {static_cast<uint8_t>(20 + i / 256 % 64),
                    static_cast<uint8_t>(i),
                    static_cast<uint8_t>(i / 16384),
                    1},
                   LINK_PORT};
}

qn_addr
WebAddress(uint32_t i)
{
    return qn_addr{
        4, {198, 41, static_cast<uint8_t>(i / 250), static_cast<uint8_t>(1 + i % 250)}, WEB_PORT};
}

qn_keys
MakeKeys(const SharedCore& shared, uint32_t index)
{
    qn_drbg drbg;
    qn_drbg_init(&drbg, "qnet-sim-keys", shared.GetSeed(), index);
    qn_env env = shared.MakeEnv(&drbg);
    qn_keys keys{};
    qn_keys_generate(&env, &keys);
    return keys;
}

qn_secret32
MakeSecret(const SharedCore& shared, uint32_t index)
{
    qn_drbg drbg;
    qn_drbg_init(&drbg, "qnet-sim-keys", shared.GetSeed(), index);
    qn_secret32 secret{};
    qn_drbg_fill(&drbg, secret.b, sizeof secret.b);
    return secret;
}

/// Of a node or a web server: their attributes have the same names.
void
SetAccess(ns3::Application& app, const Place& place)
{
    app.SetAttribute("Region", UintegerValue(place.region));
    app.SetAttribute("UplinkRate", UintegerValue(place.up));
    app.SetAttribute("DownlinkRate", UintegerValue(place.down));
    app.SetAttribute("AccessDelay", UintegerValue(place.delay));
    app.SetAttribute("Loss", UintegerValue(place.loss));
}

void
Must(qn_err err, const char* what)
{
    if (err != QN_OK)
    {
        throw std::runtime_error(std::string(what) + ": " + qn_err_text(err));
    }
}

} // namespace

Simulation::Simulation(
    const Scenario& scenario, uint64_t seed, Tier tier, const std::string& plan, Rank rank)
    : m_scenario(scenario),
      m_tier(tier),
      m_seed(seed),
      m_rank(rank),
      m_ranks(PlanRanks(scenario, seed, tier, rank.of)),
      m_shared(seed, scenario.epoch)
{
    MakeTransport(tier);
    MakeWeb();
    m_operator = MakeSecret(m_shared, OPERATOR_KEYS);
    // The signer comes first: the network file must exist before any node reads it.
    AddGroup(scenario.signers);
    for (uint32_t i = 0; i < scenario.groups.size(); i++)
    {
        if (i != scenario.signers)
        {
            AddGroup(i);
        }
    }
    AddWorkloads();
    AddFaults(plan);
    AddControls();
    AddCensors();
    AddEntries();
}

Simulation::~Simulation()
{
    m_entries.reset();
    m_clients.clear();
    m_servers.clear();
    m_members.clear();
    Simulator::Destroy(); // disposes of nodes and applications, which free the core's nodes
    m_nodes = ns3::NodeContainer();
    m_shared.transport->Dispose();
    if (m_shared.liar != nullptr)
    {
        liars_free(m_shared.liar);
    }
}

void
Simulation::MakeTransport(Tier tier)
{
    const Network& network = m_scenario.network;
    ns3::ObjectFactory factory;
    factory.SetTypeId(TransportOf(tier));
    factory.Set("InitialWindow", UintegerValue(network.initialWindow));
    factory.Set("MaxWindow", UintegerValue(network.maxWindow));
    factory.Set("SendBuffer", UintegerValue(network.sendBuffer));
    factory.Set("QueueLimit", UintegerValue(network.queueLimit));
    factory.Set("Spread", UintegerValue(network.spread));
    factory.Set("Salt", UintegerValue(m_seed));
    if (tier != Tier::M)
    {
        factory.Set("Segment", UintegerValue(network.segment));
    }
    m_shared.transport = factory.Create<Transport>();
    if (tier == Tier::P)
    {
        ns3::DynamicCast<RoutedTcp>(m_shared.transport)->SetRanks(m_ranks);
    }
    m_shared.transport->SetLatency(static_cast<uint32_t>(network.regions.size()), network.latency);
    m_shared.resolveNs = static_cast<int64_t>(network.dns);
    m_shared.cpu = network.cpu;
}

/// Founds the network around its first super peer.
void
Simulation::MakeNetwork(const Group& group, const qn_addr& addr)
{
    qn_drbg drbg;
    qn_drbg_init(&drbg, "qnet-sim-network", m_seed, 0);
    qn_env env = m_shared.MakeEnv(&drbg);
    qn_network& network = m_shared.network;
    qn_keys keys = MakeKeys(m_shared, 0);
    m_scenario.name.copy(network.name, sizeof network.name - 1);
    network.lab = m_scenario.network.lab;
    network.created = m_scenario.epoch;
    network.threshold = 1;
    network.operators_n = 1;
    Must(qn_operator_of(&env, &keys, &m_operator, &addr, &network.operators[0]),
         group.name.c_str());
    qn_secret32 founder = MakeSecret(m_shared, FOUNDER_KEYS);
    m_networkFile.resize(QN_NETWORK_FILE_MAX);
    size_t n = 0;
    Must(
        qn_network_encode(&network, &env, &founder, m_networkFile.data(), m_networkFile.size(), &n),
        "network file");
    if (m_authority)
    {
        m_signerOrigin = MakeOrigin(0, addr);
        std::vector<uint8_t> contact = MakeContact(&env, *m_signerOrigin);
        std::copy(contact.begin(), contact.end(), m_networkFile.begin() + static_cast<long>(n));
        n += contact.size();
        char why[160] = "";
        Must(qn_network_decode(&network, &env, m_networkFile.data(), n, why), why);
    }
}

// ---- HTX: browsers, web sites, and how the operator's is reached

/// A certificate authority, and the browser that everybody has.
void
Simulation::MakeWeb()
{
    if (m_scenario.network.carrier != CarrierKind::Htx)
    {
        return;
    }
    m_authority = std::make_unique<OriginAuthority>(m_seed, m_scenario.epoch);
    m_profile = ReadShippedProfile(PROFILE);
}

/// How clients that know nobody yet reach the operator's node.
std::vector<uint8_t>
Simulation::MakeContact(qn_env* env, const Origin& origin)
{
    std::vector<uint8_t> card(QN_HTX_CONTACT_CARD_MAX);
    m_signerMirrorKeys.resize(QN_HTX_MIRROR_FILE_MAX);
    size_t keysN = 0;
    size_t cardN = 0;
    Must(qn_htx_found(env,
                      &m_shared.network.operators[0].id,
                      &origin.GetFacts(),
                      EPOCHS,
                      {m_signerMirrorKeys.data(), m_signerMirrorKeys.size()},
                      &keysN,
                      {card.data(), card.size()},
                      &cardN),
         "the operator's mirror keys");
    m_signerMirrorKeys.resize(keysN);
    m_signerReplay.resize(QN_HTX_REPLAY_EMPTY);
    env->rng.fill(env->rng.ctx, m_signerReplay.data(), m_signerReplay.size());
    std::vector<uint8_t> contact(QN_NETWORK_FILE_MAX / 2);
    size_t n = 0;
    Must(qn_network_contact(&m_shared.network,
                            &m_operator,
                            {card.data(), cardN},
                            contact.data(),
                            contact.size(),
                            &n),
         "the operator's contact");
    contact.resize(n);
    return contact;
}

/// Its name leads to the peer itself, as an own site's must.
std::unique_ptr<Origin>
Simulation::MakeOrigin(uint32_t number, const qn_addr& addr)
{
    std::string name = "site" + std::to_string(number) + ".example";
    m_shared.names[name] = {addr};
    return std::make_unique<Origin>(
        m_authority.get(), name, m_seed, number, m_scenario.network.origin);
}

void
Simulation::GiveCarrier(NodeApp& app, uint32_t number, const Group& group, const qn_addr& addr)
{
    if (!m_authority)
    {
        return;
    }
    app.SetHtx(&m_profile, &m_authority->GetRoots());
    if (number == 0)
    {
        app.SetMirrorKeys(std::move(m_signerMirrorKeys), std::move(m_signerReplay));
        app.SetOrigin(std::move(m_signerOrigin));
    }
    else if (group.role != Role::Client)
    {
        app.SetOrigin(MakeOrigin(number, addr));
    }
}

Simulation::Seat
Simulation::MakeSeat(uint32_t index, uint32_t i)
{
    const Group& group = m_scenario.groups[index];
    Seat seat{};
    seat.place = PlaceOf(m_scenario, m_seed, index, i);
    seat.start = static_cast<int64_t>(group.startFrom + group.startOver / group.count * i);
    uint32_t n = group.role == Role::Web ? static_cast<uint32_t>(m_servers.size()) : m_addresses++;
    seat.addr = group.role == Role::Web ? WebAddress(n) : NodeAddress(n);
    return seat;
}

void
Simulation::AddGroup(uint32_t index)
{
    const Group& group = m_scenario.groups[index];
    for (uint32_t i = 0; i < group.count; i++)
    {
        Seat seat = MakeSeat(index, i);
        if (m_members.empty() && group.role == Role::Super)
        {
            MakeNetwork(group, seat.addr);
        }
        if (group.role == Role::Web)
        {
            AddServer(index, seat);
        }
        else
        {
            AddMember(index, seat);
        }
    }
}

void
Simulation::AddMember(uint32_t index, const Seat& seat)
{
    const Group& group = m_scenario.groups[index];
    auto node = MakeNode(seat.place.region);
    auto app = CreateObject<NodeApp>();
    auto number = static_cast<uint32_t>(m_members.size());
    app->SetAttribute("Mode", EnumValue(ModeOf(group.role)));
    app->SetAttribute("Country", StringValue(seat.place.country));
    app->SetAttribute("Route", EnumValue(group.UsualRoute()));
    app->SetAttribute("CpuSpeed", UintegerValue(group.cpu));
    app->SetAttribute("MemoryLimit", UintegerValue(group.memory));
    app->SetAttribute("Pool", UintegerValue(group.pool));
    app->SetAttribute("Returning", ns3::BooleanValue(seat.place.returning));
    SetAccess(*app, seat.place);
    Install(node, app);
    app->Setup(&m_shared, number, seat.addr, MakeKeys(m_shared, number));
    GiveCarrier(*app, number, group, seat.addr);
    if (number == 0)
    {
        app->SetOperator(m_operator);
    }
    app->SetStartTime(Ns(seat.start));
    m_nodes.Add(node);
    m_members.push_back({index, seat.place.region, seat.place.up, seat.start, seat.addr, app});
}

void
Simulation::AddServer(uint32_t index, const Seat& seat)
{
    auto node = MakeNode(seat.place.region);
    auto app = CreateObject<WebServer>();
    SetAccess(*app, seat.place);
    Install(node, app);
    app->Setup(m_shared.transport, seat.addr);
    app->SetStartTime(Ns(seat.start));
    std::string name = "www" + std::to_string(m_servers.size()) + ".example";
    m_shared.names[name] = {seat.addr};
    m_nodes.Add(node);
    m_serverGroups.push_back(index);
    m_serverAddresses.push_back(seat.addr);
    m_serverNames.push_back(name);
    m_servers.push_back(app);
}

void
Simulation::Run()
{
    Simulator::Stop(Ns(static_cast<int64_t>(m_scenario.stop)));
    Simulator::Run();
    for (const Ptr<FetchClient>& client : m_clients)
    {
        client->Conclude();
    }
    Conclude();
}

const Scenario&
Simulation::GetScenario() const
{
    return m_scenario;
}

uint64_t
Simulation::GetSeed() const
{
    return m_seed;
}

const std::vector<Member>&
Simulation::GetMembers() const
{
    return m_members;
}

const std::vector<Ptr<FetchClient>>&
Simulation::GetClients() const
{
    return m_clients;
}

const std::vector<Ptr<WebServer>>&
Simulation::GetServers() const
{
    return m_servers;
}

uint32_t
Simulation::GetServerGroup(size_t server) const
{
    return m_serverGroups[server];
}

const Transport&
Simulation::GetTransport() const
{
    return *m_shared.transport;
}

Tier
Simulation::GetTier() const
{
    return m_tier;
}

} // namespace qnet
