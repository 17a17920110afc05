// SPDX-License-Identifier: GPL-2.0-only
#include "control-client.h"

#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::Simulator;

namespace
{

constexpr size_t REQUEST = 514; ///< bytes: a cell of Tor's
const char* const PAGES[] = {"/article", "/reports"};
constexpr unsigned PAGES_N = 2;

} // namespace

NS_OBJECT_ENSURE_REGISTERED(ControlClient);

ns3::TypeId
ControlClient::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::ControlClient")
                                 .SetParent<ns3::Application>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<ControlClient>();
    return tid;
}

ControlClient::ControlClient() = default;
ControlClient::~ControlClient() = default;

void
ControlClient::Setup(const SharedCore* shared,
                     const Transport::HostConfig& host,
                     ControlFlows* flows,
                     const ControlHabits* habits,
                     uint32_t index)
{
    m_shared = shared;
    m_host = shared->transport->AddHost(host);
    m_flows = flows;
    m_habits = habits;
    m_draws = std::make_unique<Draws>("qnet-sim-control", shared->GetSeed(), index);
    qn_drbg_init(&m_drbg, "qnet-sim-control-browser", shared->GetSeed(), index);
    m_env = shared->MakeEnv(&m_drbg);
}

uint32_t
ControlClient::GetHost() const
{
    return m_host;
}

const std::vector<ControlVisit>&
ControlClient::GetVisits() const
{
    return m_visits;
}

void
ControlClient::DoDispose()
{
    m_timer.Cancel();
    DropBrowser();
    m_conn = nullptr;
    Application::DoDispose();
}

void
ControlClient::DropBrowser()
{
    lab_browser_free(m_browser);
    m_browser = nullptr;
}

void
ControlClient::StartApplication()
{
    m_timer = Simulator::Schedule(Ns(static_cast<int64_t>(m_draws->Exponential(m_habits->think))),
                                  &ControlClient::Visit,
                                  this);
}

void
ControlClient::StopApplication()
{
    m_timer.Cancel();
}

void
ControlClient::Visit()
{
    const ControlSite& site = m_habits->servers[m_draws->Below(m_habits->servers.size())];
    m_visits.push_back({NowNs(), -1});
    m_out.clear();
    m_got = 0;
    m_went = false;
    if (m_flows->GetKind() == ControlKind::Browser)
    {
        m_shared->Stamp(&m_env);
        m_browser = lab_browser_new(m_habits->guise, &m_env, site.name.c_str(), PAGES, PAGES_N);
        if (m_browser == nullptr)
        {
            throw std::bad_alloc();
        }
    }
    else
    {
        m_out = m_flows->Issue(*m_draws);
        m_flight = m_flows->Flight(*m_draws).size();
        m_want = m_flight + m_flows->ContentSize(m_habits->size);
    }
    m_timer = Simulator::Schedule(
        Ns(static_cast<int64_t>(m_habits->timeout)), &ControlClient::OutOfPatience, this);
    m_conn = m_shared->transport->Connect(m_host, site.addr, this, ++m_key);
}

void
ControlClient::ConnOpened(uint32_t key)
{
    if (key == m_key)
    {
        Push();
    }
}

void
ControlClient::ConnWritable(uint32_t key)
{
    ConnOpened(key);
}

void
ControlClient::Push()
{
    if (m_browser != nullptr)
    {
        m_shared->Stamp(&m_env);
        qn_slice next = lab_browser_peek(m_browser);
        while (next.n > 0)
        {
            size_t n = m_conn->Write(&next, 1);
            lab_browser_consume(m_browser, n);
            next = n < next.n ? qn_slice{} : lab_browser_peek(m_browser);
        }
        return;
    }
    qn_slice all{reinterpret_cast<const uint8_t*>(m_out.data()), m_out.size()};
    m_out.erase(0, all.n > 0 ? m_conn->Write(&all, 1) : 0);
}

void
ControlClient::ConnReadable(uint32_t key)
{
    if (key != m_key || m_conn == nullptr)
    {
        return;
    }
    qn_slice piece;
    while (m_conn->Peek(&piece, 1) > 0)
    {
        Took(piece);
        m_conn->Consume(piece.n);
    }
    Push();
    if (IsDone() || m_conn->AtEof())
    {
        m_conn->Close();
        Conclude(IsDone());
    }
}

void
ControlClient::Took(const qn_slice& piece)
{
    m_got += piece.n;
    if (m_browser != nullptr)
    {
        m_shared->Stamp(&m_env);
        lab_browser_push(m_browser, piece);
    }
    else if (!m_went && m_flight > 0 && m_got >= m_flight)
    {
        m_went = true;
        m_out += m_flows->Content(*m_draws, REQUEST);
    }
}

bool
ControlClient::IsDone() const
{
    return m_browser != nullptr ? lab_browser_look(m_browser).answers == PAGES_N : m_got >= m_want;
}

void
ControlClient::ConnFailed(uint32_t key, qn_err)
{
    if (key == m_key)
    {
        Conclude(false);
    }
}

void
ControlClient::ConnReset(uint32_t key)
{
    ConnFailed(key, QN_GONE);
}

void
ControlClient::OutOfPatience()
{
    m_conn->Reset(false);
    Conclude(false);
}

void
ControlClient::Conclude(bool done)
{
    ControlVisit& visit = m_visits.back();
    visit.took = done ? NowNs() - visit.start : -1;
    m_conn = nullptr;
    m_key++; // what this conn still says is nobody's
    m_timer.Cancel();
    DropBrowser();
    StartApplication();
}

} // namespace qnet
