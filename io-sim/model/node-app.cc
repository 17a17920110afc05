// SPDX-License-Identifier: GPL-2.0-only
#include "node-app.h"

#include <algorithm>
#include <cstdio>

#include "ns3/boolean.h"
#include "ns3/enum.h"
#include "ns3/fatal-error.h"
#include "ns3/log.h"
#include "ns3/node.h"
#include "ns3/string.h"
#include "ns3/uinteger.h"

#include "counters.h"

NS_LOG_COMPONENT_DEFINE("QnetNodeApp");

namespace qnet
{

using ns3::MakeEnumAccessor;
using ns3::MakeEnumChecker;
using ns3::MakeTraceSourceAccessor;
using ns3::MakeUintegerAccessor;
using ns3::MakeUintegerChecker;
using ns3::TypeId;
using ns3::UintegerValue;

NS_OBJECT_ENSURE_REGISTERED(NodeApp);

namespace
{

constexpr const char* SIGNATURE = "qnet::NodeApp::EventTracedCallback";

void
LogLine(void*, qn_level level, const char* area, const char* text)
{
    if (level <= QN_LOG_WARN)
    {
        NS_LOG_WARN(area << ": " << text);
    }
    else
    {
        NS_LOG_INFO(area << ": " << text);
    }
}

} // namespace

TypeId
NodeApp::GetTypeId()
{
    static TypeId tid =
        TypeId("qnet::NodeApp")
            .SetParent<ns3::Application>()
            .SetGroupName("Qnet")
            .AddConstructor<NodeApp>()
            .AddAttribute("Mode",
                          "What the node does for the network",
                          ns3::EnumValue(QN_CLIENT),
                          MakeEnumAccessor(&NodeApp::m_mode),
                          MakeEnumChecker(QN_CLIENT,
                                          "client",
                                          QN_RELAY,
                                          "relay",
                                          QN_BOOTSTRAP,
                                          "bootstrap",
                                          QN_EXIT,
                                          "exit",
                                          QN_SUPER,
                                          "super"))
            .AddAttribute("Route",
                          "Route of SOCKS users who do not name one",
                          ns3::EnumValue(QN_ROUTE_FAST),
                          MakeEnumAccessor(&NodeApp::m_route),
                          MakeEnumChecker(QN_ROUTE_FAST, "fast", QN_ROUTE_PRIVACY, "privacy"))
            .AddAttribute("Region",
                          "Row of the transport's latency table",
                          UintegerValue(0),
                          MakeUintegerAccessor(&NodeApp::m_region),
                          MakeUintegerChecker<uint32_t>())
            .AddAttribute("UplinkRate",
                          "bit/s",
                          UintegerValue(10000000),
                          MakeUintegerAccessor(&NodeApp::m_up),
                          MakeUintegerChecker<uint64_t>(1000))
            .AddAttribute("DownlinkRate",
                          "bit/s",
                          UintegerValue(50000000),
                          MakeUintegerAccessor(&NodeApp::m_down),
                          MakeUintegerChecker<uint64_t>(1000))
            .AddAttribute("AccessDelay",
                          "ns, one way, between the host and its region",
                          UintegerValue(0),
                          MakeUintegerAccessor(&NodeApp::m_delay),
                          MakeUintegerChecker<uint64_t>())
            .AddAttribute("Loss",
                          "Packets lost on the access link, either way, in millionths",
                          UintegerValue(0),
                          MakeUintegerAccessor(&NodeApp::m_loss),
                          MakeUintegerChecker<uint32_t>(0, 1000000))
            .AddAttribute("Country",
                          "Two capital letters, as the descriptor claims it; empty: unknown",
                          ns3::StringValue(""),
                          ns3::MakeStringAccessor(&NodeApp::m_country),
                          ns3::MakeStringChecker())
            .AddAttribute("Pool",
                          "Three-hop circuits a client keeps ready; 0: the core's default",
                          UintegerValue(0),
                          MakeUintegerAccessor(&NodeApp::m_pool),
                          MakeUintegerChecker<uint32_t>())
            .AddAttribute("CpuSpeed",
                          "Of the processor that costs were measured on, in thousandths",
                          UintegerValue(1000),
                          MakeUintegerAccessor(&NodeApp::m_cpuSpeed),
                          MakeUintegerChecker<uint32_t>(1))
            .AddAttribute("Returning",
                          "A client starts with the newest list, as if it had kept it",
                          ns3::BooleanValue(false),
                          ns3::MakeBooleanAccessor(&NodeApp::m_returning),
                          ns3::MakeBooleanChecker())
            .AddAttribute("MemoryLimit",
                          "Bytes the core may hold before it answers out of memory",
                          UintegerValue(UINT64_C(1) << 30),
                          MakeUintegerAccessor(&NodeApp::m_memoryLimit),
                          MakeUintegerChecker<uint64_t>())
            .AddTraceSource("LinkUp",
                            "A link to a neighbour was established",
                            MakeTraceSourceAccessor(&NodeApp::m_linkUp),
                            SIGNATURE)
            .AddTraceSource("LinkDown",
                            "A link ended",
                            MakeTraceSourceAccessor(&NodeApp::m_linkDown),
                            SIGNATURE)
            .AddTraceSource("Snapshot",
                            "A verified snapshot was taken into use",
                            MakeTraceSourceAccessor(&NodeApp::m_snapshot),
                            SIGNATURE)
            .AddTraceSource("CircuitBuilt",
                            "A circuit is ready; value is the build time in ns",
                            MakeTraceSourceAccessor(&NodeApp::m_circuitBuilt),
                            SIGNATURE)
            .AddTraceSource("CircuitEnded",
                            "A circuit ended or could not be built; value is its age in ns",
                            MakeTraceSourceAccessor(&NodeApp::m_circuitEnded),
                            SIGNATURE)
            .AddTraceSource("StreamOpened",
                            "The exit reached the destination; value is ns since the request",
                            MakeTraceSourceAccessor(&NodeApp::m_streamOpened),
                            SIGNATURE)
            .AddTraceSource("StreamFirstByte",
                            "First byte from the destination; value is ns since the request",
                            MakeTraceSourceAccessor(&NodeApp::m_streamFirst),
                            SIGNATURE)
            .AddTraceSource("StreamEnded",
                            "A stream ended; up and down are application bytes",
                            MakeTraceSourceAccessor(&NodeApp::m_streamEnded),
                            SIGNATURE);
    return tid;
}

NodeApp::NodeApp() = default;

NodeApp::~NodeApp()
{
    qn_keys_wipe(&m_keys);
}

void
NodeApp::DoDispose()
{
    m_timer.Cancel();
    m_resume.Cancel();
    if (m_node != nullptr)
    {
        qn_node_free(m_node);
        m_node = nullptr;
    }
    m_found = nullptr;
    m_conns.clear();
    m_origin.reset();
    Application::DoDispose();
}

void
NodeApp::Setup(SharedCore* shared, uint32_t index, const qn_addr& addr, const qn_keys& keys)
{
    m_shared = shared;
    m_index = index;
    m_addr = addr;
    m_keys = keys;
    qn_drbg_init(&m_drbg, "qnet-sim-node", shared->GetSeed(), index);
    m_host = shared->transport->AddHost({GetNode(), m_region, m_up, m_down, addr, m_delay, m_loss});
    if (m_mode != QN_CLIENT)
    {
        shared->listeners.insert(SharedCore::KeyOf(addr));
    }
}

void
NodeApp::SetOperator(const qn_secret32& seed)
{
    m_hasOperator = true;
    m_operator = seed;
}

void
NodeApp::SetHtx(const std::string* profile, const std::string* roots)
{
    m_profile = profile;
    m_roots = roots;
}

void
NodeApp::SetOrigin(std::unique_ptr<Origin> origin)
{
    m_origin = std::move(origin);
}

void
NodeApp::SetMirrorKeys(std::vector<uint8_t> keys, std::vector<uint8_t> replay)
{
    m_disk["mirror-keys"] = std::move(keys);
    m_disk["replay"] = std::move(replay);
}

bool
NodeApp::IsUp() const
{
    return m_node != nullptr;
}

uint32_t
NodeApp::GetIndex() const
{
    return m_index;
}

uint32_t
NodeApp::GetHost() const
{
    return m_host;
}

qn_mode
NodeApp::GetMode() const
{
    return m_mode;
}

int64_t
NodeApp::GetCpuNs() const
{
    return m_cpuSpent;
}

uint64_t
NodeApp::GetMemoryPeak() const
{
    return m_env.mem.peak;
}

qn_status
NodeApp::GetStatus() const
{
    qn_status status{};
    if (m_node != nullptr)
    {
        qn_node_status(m_node, &status);
    }
    if (m_past)
    {
        AddCounters(&status.counters, *m_past);
    }
    return status;
}

std::vector<qn_peerid>
NodeApp::GetHops(uint64_t circuit) const
{
    qn_peerid hop[3];
    uint8_t n = m_node != nullptr ? qn_node_hops(m_node, circuit, hop) : 0;
    return {hop, hop + n};
}

// ---- start and stop

qn_slice
NodeApp::Stored(const char* name) const
{
    auto found = m_disk.find(name);
    if (m_returning && found == m_disk.end() && std::string(name) == "snapshot")
    {
        const std::vector<uint8_t>& list = m_shared->newestList;
        return {list.data(), list.size()};
    }
    return found == m_disk.end() ? qn_slice{nullptr, 0}
                                 : qn_slice{found->second.data(), found->second.size()};
}

void
NodeApp::SetUnlisted(const qn_secret32& psk)
{
    m_unlisted = true;
    m_keepDisk = true; // invitations are made from what it stores
    m_psk = psk;
}

void
NodeApp::SetInvited(const std::string& text)
{
    m_invited = text;
}

qn_slice
NodeApp::GetStored(const char* name) const
{
    return Stored(name);
}

qn_node_cfg
NodeApp::MakeConfig() const
{
    qn_node_cfg cfg{};
    cfg.stored_snapshot = Stored("snapshot");
    cfg.mode = m_mode;
    cfg.route = m_route;
    cfg.lab = m_shared->network.lab;
    cfg.socks = m_mode == QN_CLIENT;
    cfg.carrier = m_profile != nullptr ? &qn_carrier_htx : &qn_carrier_bare;
    cfg.network = &m_shared->network;
    cfg.intern = m_shared->GetIntern();
    cfg.keys = m_keys;
    cfg.pool = m_pool;
    m_country.copy(cfg.country, sizeof cfg.country - 1);
    cfg.has_operator = m_hasOperator;
    cfg.operator_seed = m_operator;
    cfg.unlisted = m_unlisted;
    cfg.psk[0] = m_psk;
    cfg.psks_n = m_unlisted ? 1 : 0;
    cfg.invited = {reinterpret_cast<const uint8_t*>(m_invited.data()), m_invited.size()};
    if (m_mode != QN_CLIENT)
    {
        cfg.listen = m_addr;
        std::snprintf(cfg.contact, sizeof cfg.contact, "operator-%u@example.org", m_index);
    }
    return cfg;
}

qn_htx_cfg
NodeApp::MakeHtxConfig() const
{
    auto slice = [](const std::string& text) {
        return qn_slice{reinterpret_cast<const uint8_t*>(text.data()), text.size()};
    };
    qn_htx_cfg htx{};
    htx.profile = slice(*m_profile);
    htx.roots = slice(*m_roots);
    htx.origin = m_origin ? &m_origin->GetFacts() : nullptr;
    htx.stored_mirror_keys = Stored("mirror-keys");
    htx.stored_replay = Stored("replay");
    return htx;
}

/// Whether others can connect.
void
NodeApp::Door(bool open)
{
    if (m_addr.port != 0 && m_mode != QN_CLIENT)
    {
        m_shared->transport->Listen(m_addr, open ? this : nullptr);
    }
}

void
NodeApp::StartApplication()
{
    if (m_node != nullptr)
    {
        return;
    }
    m_env = m_shared->MakeEnv(&m_drbg);
    m_env.mem.limit = m_memoryLimit;
    m_env.wall += m_clockAhead;
    m_listVersion = 0;
    m_env.log = qn_log{LogLine, this, g_log.IsEnabled(ns3::LOG_INFO) ? QN_LOG_INFO : QN_LOG_ERROR};
    qn_node_cfg cfg = MakeConfig();
    qn_htx_cfg htx{};
    if (m_profile != nullptr)
    {
        htx = MakeHtxConfig();
        cfg.htx = &htx;
    }
    char why[160] = "";
    qn_err err = qn_node_new(&m_node, &cfg, &m_env, why);
    qn_keys_wipe(&cfg.keys);
    if (err != QN_OK)
    {
        NS_FATAL_ERROR("node " << m_index << " does not start: " << why << " (" << qn_err_name(err)
                               << ")");
    }
    if (m_shared->liar != nullptr)
    {
        qn_status status = GetStatus();
        liars_know(m_shared->liar, &m_env, &status.id);
    }
    Door(true);
    Drive();
    if (m_lies != 0)
    {
        LetGo(m_life);
    }
}

void
NodeApp::KeepDisk()
{
    m_keepDisk = true;
}

void
NodeApp::Boot()
{
    StartApplication();
}

void
NodeApp::StopApplication()
{
    Crash();
}

/// What has no time to end cleanly ends as the kernel would end it.
void
NodeApp::Crash()
{
    m_timer.Cancel();
    m_resume.Cancel();
    m_charged.reset();
    m_cpuFree = 0;
    m_armed = QN_NEVER;
    m_life++;
    m_socksPaused = false;
    std::vector<qn_conn> names;
    for (const auto& [c, e] : m_conns)
    {
        names.push_back(c);
    }
    std::sort(names.begin(), names.end()); // a hash table's order may not decide who hears first
    for (qn_conn c : names)
    {
        Entry e = m_conns[c];
        if (e.lingers)
        {
            e.conn->Reset(false);
        }
        else
        {
            e.conn->Close();
        }
    }
    m_found = nullptr;
    m_conns.clear();
    m_toSend.Clear();
    m_toRead.Clear();
    if (m_node != nullptr)
    {
        Door(false);
        m_past = std::make_unique<qn_counters>(GetStatus().counters);
        qn_node_free(m_node);
        m_node = nullptr;
    }
}

} // namespace qnet
