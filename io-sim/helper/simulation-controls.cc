// SPDX-License-Identifier: GPL-2.0-only
// Who stands beside QNet in a simulation: its controls, and the censors on borders.
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "ns3/node.h"

#include "map-reader.h"
#include "msg-channel.h"
#include "shipped-file.h"
#include "sim-time.h"
#include "simulation.h"

namespace qnet
{

using ns3::CreateObject;

namespace
{

constexpr const char* PROFILE = "chromium-156";
constexpr uint64_t SITES = UINT64_C(1) << 40;           ///< origins' numbers beside those of nodes
constexpr uint64_t SALT = UINT64_C(0x636f6e74726f6c73); ///< another authority than the nodes'

qn_addr
ControlAddress(bool server, uint32_t control, uint32_t i, uint16_t port)
{
    return qn_addr{4,
                   {static_cast<uint8_t>(server ? 151 : 150),
                    static_cast<uint8_t>(control),
                    static_cast<uint8_t>(i / 250),
                    static_cast<uint8_t>(1 + i % 250)},
                   port};
}

std::string
ReadRecorded(ControlKind kind)
{
    std::string path = ShippedPath(std::string("flows/") + ControlKindName(kind) + ".txt");
    std::ifstream in(path, std::ios::binary);
    if (!in)
    {
        throw std::runtime_error("cannot read " + path + ", the recorded flows of a control");
    }
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

Transport::HostConfig
HostOfClass(const ns3::Ptr<ns3::Node>& node,
            uint32_t region,
            const AccessClass& access,
            const qn_addr& addr)
{
    return {node,
            region,
            access.up,
            access.down,
            addr,
            access.delay,
            static_cast<uint32_t>(access.loss)};
}

} // namespace

void
Simulation::GuiseFree::operator()(lab_guise* guise) const
{
    lab_guise_free(guise);
}

// ---- controls

void
Simulation::AddControls()
{
    for (uint32_t i = 0; i < m_scenario.controls.size(); i++)
    {
        AddControl(i);
    }
}

void
Simulation::AddControl(uint32_t index)
{
    const ControlSpec& spec = m_scenario.controls[index];
    bool browser = spec.kind == ControlKind::Browser;
    bool recorded = spec.kind == ControlKind::Shadowsocks || spec.kind == ControlKind::Tor;
    if (browser && !m_sites)
    {
        m_sites = std::make_unique<OriginAuthority>(m_seed ^ SALT, m_scenario.epoch);
        std::string profile = ReadShippedProfile(PROFILE);
        const std::string& roots = m_sites->GetRoots();
        qn_drbg drbg;
        qn_drbg_init(&drbg, "qnet-sim-guise", m_seed, 0);
        qn_env env = m_shared.MakeEnv(&drbg);
        auto slice = [](const std::string& s) {
            return qn_slice{reinterpret_cast<const uint8_t*>(s.data()), s.size()};
        };
        m_guise.reset(lab_guise_new(&env, slice(profile), slice(roots)));
        if (!m_guise)
        {
            throw std::runtime_error("the browsers of a control have no profile");
        }
    }
    m_controls.emplace_back();
    Control& control = m_controls.back();
    control.flows =
        std::make_unique<ControlFlows>(spec.kind, recorded ? ReadRecorded(spec.kind) : "");
    control.habits.size = spec.size;
    control.habits.think = spec.think;
    control.habits.timeout = spec.timeout;
    control.habits.guise = m_guise.get();
    for (uint32_t i = 0; i < spec.servers; i++)
    {
        control.habits.servers.push_back(AddControlServer(index, i));
    }
    for (uint32_t i = 0; i < spec.users; i++)
    {
        AddControlUser(index, i);
    }
}

ControlSite
Simulation::AddControlServer(uint32_t index, uint32_t i)
{
    const ControlSpec& spec = m_scenario.controls[index];
    ControlSite site{ControlAddress(true, index, i, ControlPort(spec.kind)),
                     spec.name + std::to_string(i) + ".example"};
    auto node = CreateObject<ns3::Node>();
    auto app = CreateObject<ControlServer>();
    std::unique_ptr<Origin> origin;
    if (spec.kind == ControlKind::Browser)
    {
        origin = std::make_unique<Origin>(m_sites.get(),
                                          site.name,
                                          m_seed,
                                          SITES + index * UINT64_C(256) + i,
                                          m_scenario.network.origin);
    }
    node->AddApplication(app);
    app->Setup(
        m_shared.transport,
        HostOfClass(
            node, spec.serverRegion, m_scenario.network.access[spec.serverAccess], site.addr),
        site.addr.port,
        m_controls.back().flows.get(),
        spec.size,
        std::move(origin),
        m_seed,
        index << 16 | i);
    m_nodes.Add(node);
    return site;
}

void
Simulation::AddControlUser(uint32_t index, uint32_t i)
{
    const ControlSpec& spec = m_scenario.controls[index];
    auto node = CreateObject<ns3::Node>();
    auto app = CreateObject<ControlClient>();
    node->AddApplication(app);
    app->Setup(&m_shared,
               HostOfClass(node,
                           spec.region,
                           m_scenario.network.access[spec.access],
                           ControlAddress(false, index, i, 0)),
               m_controls.back().flows.get(),
               &m_controls.back().habits,
               index << 16 | i);
    app->SetStartTime(Ns(static_cast<int64_t>(spec.start)));
    m_nodes.Add(node);
    m_controls.back().users.push_back(app);
}

std::vector<std::vector<ControlVisit>>
Simulation::GetVisits() const
{
    std::vector<std::vector<ControlVisit>> all;
    for (const Control& control : m_controls)
    {
        all.emplace_back();
        for (const auto& user : control.users)
        {
            const std::vector<ControlVisit>& visits = user->GetVisits();
            all.back().insert(all.back().end(), visits.begin(), visits.end());
        }
    }
    return all;
}

// ---- censors

/// Addresses, and when who has them appears.
CensorBorder::Listed
Simulation::ListedBy(const CensorSpec& spec) const
{
    CensorBorder::Listed listed;
    auto add = [&listed](const qn_addr& addr, const ns3::Ptr<ns3::Application>& app) {
        ns3::TimeValue start;
        app->GetAttribute("StartTime", start);
        listed.addresses.push_back(addr);
        listed.since.push_back(static_cast<qn_time>(start.Get().GetNanoSeconds()));
    };
    for (uint32_t group : spec.groups)
    {
        for (const Member& member : m_members)
        {
            if (member.group == group)
            {
                add(member.addr, member.app);
                if (m_scenario.entries.there && group == m_scenario.entries.group)
                {
                    listed.since.back() = CensorBorder::NOT_KNOWN;
                }
            }
        }
        for (size_t i = 0; i < m_servers.size(); i++)
        {
            if (m_serverGroups[i] == group)
            {
                add(m_serverAddresses[i], m_servers[i]);
            }
        }
    }
    for (uint32_t control : spec.controls)
    {
        for (const ControlSite& site : m_controls[control].habits.servers)
        {
            listed.addresses.push_back(site.addr);
            listed.since.push_back(m_scenario.controls[control].start);
        }
    }
    return listed;
}

void
Simulation::KnowServers()
{
    for (const qn_addr& web : m_serverAddresses)
    {
        m_censors->Know(web, FlowSort::Web);
    }
    for (size_t i = 0; i < m_controls.size(); i++)
    {
        for (const ControlSite& site : m_controls[i].habits.servers)
        {
            m_censors->Know(site.addr, SortOfControl(m_scenario.controls[i].kind));
        }
    }
}

void
Simulation::AddCensors()
{
    if (m_scenario.censors.empty())
    {
        return;
    }
    CheckTier(m_scenario, m_tier);
    m_censors = std::make_unique<CensorBorder>(m_shared);
    KnowServers();
    for (const CensorSpec& spec : m_scenario.censors)
    {
        m_censors->Add(spec, ListedBy(spec));
    }
    SetBorders();
}

void
Simulation::SetBorders()
{
    if (m_tier == Tier::M)
    {
        ns3::DynamicCast<MsgChannel>(m_shared.transport)->SetBorder(m_censors.get());
        return;
    }
    auto routed = ns3::DynamicCast<RoutedTcp>(m_shared.transport);
    for (uint32_t region = 0; region < m_scenario.network.regions.size(); region++)
    {
        if (m_censors->Guards(region))
        {
            m_boxes.push_back(
                std::make_unique<BorderBox>(ns3::PeekPointer(routed), m_censors.get(), region));
            routed->SetMiddlebox(region, m_boxes.back().get());
        }
    }
}

const CensorBorder*
Simulation::GetCensors() const
{
    return m_censors.get();
}

// ---- rationed entries

void
Simulation::AddEntries()
{
    const EntriesSpec& spec = m_scenario.entries;
    if (!spec.there)
    {
        return;
    }
    m_entries = std::make_unique<EntryPool>(
        spec, m_scenario.groups[spec.group].name, m_shared, [this](const qn_addr& address) {
            return m_censors ? m_censors->Learn(address) : INT64_MAX;
        });
    for (uint32_t i = 0; i < m_members.size(); i++)
    {
        const Member& member = m_members[i];
        if (member.group == spec.group)
        {
            m_entries->AddEntry(member.app, member.addr);
        }
        else if (member.group == spec.people)
        {
            m_entries->AddPerson(member.app, i, member.start);
        }
    }
    auto fetched = ns3::MakeCallback(&Simulation::OnFetched, this);
    for (const ns3::Ptr<FetchClient>& client : m_clients)
    {
        client->TraceConnectWithoutContext("Fetched", fetched);
    }
    m_entries->Begin(static_cast<int64_t>(m_scenario.stop));
}

void
Simulation::OnFetched(uint32_t index, uint32_t, const SocksFetch& fetch)
{
    m_entries->Fetched(index, fetch.GetOutcome() == FetchOutcome::Done);
}

const EntryPool*
Simulation::GetEntries() const
{
    return m_entries.get();
}

} // namespace qnet
