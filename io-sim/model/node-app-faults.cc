// SPDX-License-Identifier: GPL-2.0-only
// What goes wrong at a NodeApp, and what it may never do whatever goes wrong.
#include <algorithm>

#include "ns3/simulator.h"

extern "C"
{
#include "base/ipjudge.h"
}

#include "node-app.h"
#include "sim-time.h"

namespace qnet
{

using ns3::Simulator;

namespace
{

constexpr int64_t LET_GO_NS = 100 * NS_PER_MS; ///< how often lying hops look at what they hold

} // namespace

// ---- faults

void
NodeApp::LoseDisk()
{
    m_disk.clear();
    m_returning = false;
}

void
NodeApp::SetClock(int64_t ahead)
{
    m_clockAhead = ahead;
}

void
NodeApp::SetSlow(uint32_t permille)
{
    m_slow = permille;
    auto part = [permille](uint64_t rate) {
        return std::max(rate * permille / 1000, UINT64_C(1000));
    };
    m_shared->transport->SetRates(m_host, part(m_up), part(m_down));
}

void
NodeApp::SetLies(uint32_t lies)
{
    bool lied = m_lies != 0;
    m_lies = lies;
    liars_set(m_shared->liar, &m_env, lies);
    if (!lied && lies != 0)
    {
        LetGo(m_life);
    }
}

/// Held cells go on after the lies have ended, so this does for as long as the life does.
void
NodeApp::LetGo(uint32_t life)
{
    if (life != m_life)
    {
        return;
    }
    if (m_node != nullptr)
    {
        Enter();
        liars_release(m_shared->liar, m_node);
        Drive();
    }
    Simulator::Schedule(Ns(LET_GO_NS), &NodeApp::LetGo, this, life);
}

// ---- promises

const PromiseCounts&
NodeApp::GetBroken() const
{
    return m_broken;
}

/// After every step.
void
NodeApp::Watch()
{
    m_broken.memory += m_env.mem.used > m_memoryLimit / 10 * 11;
}

void
NodeApp::WatchDial(const qn_addr& to)
{
    if (m_shared->listeners.count(SharedCore::KeyOf(to)) != 0)
    {
        return;
    }
    m_broken.outside += m_mode == QN_CLIENT;
    m_broken.exits += !qn_ip_global(&to);
}

/// A client asks for the sites in front of nodes, and for nothing else.
void
NodeApp::WatchResolve(const qn_action& a)
{
    auto found = m_shared->names.find(std::string(a.dest.name, a.dest.name_len));
    bool node = found != m_shared->names.end() && !found->second.empty() &&
                m_shared->listeners.count(SharedCore::KeyOf(found->second[0])) != 0;
    m_broken.outside += m_mode == QN_CLIENT && !node;
}

} // namespace qnet
