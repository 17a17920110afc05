// SPDX-License-Identifier: GPL-2.0-only
// How planned faults happen.
#include <algorithm>
#include <set>

#include "ns3/simulator.h"

#include "sim-time.h"
#include "simulation.h"

namespace qnet
{

using ns3::Ptr;
using ns3::Simulator;

namespace
{

ns3::Time
At(uint64_t ns)
{
    return Ns(static_cast<int64_t>(ns));
}

} // namespace

/// \param plan a faults.csv; empty: drawn
void
Simulation::AddFaults(const std::string& plan)
{
    std::vector<std::vector<uint32_t>> members(m_scenario.groups.size());
    for (uint32_t i = 0; i < m_members.size(); i++)
    {
        members[m_members[i].group].push_back(i);
    }
    m_faults = plan.empty()
                   ? PlanFaults(m_scenario, members, m_seed)
                   : ReadFaultPlan(plan, m_scenario, static_cast<uint32_t>(m_members.size()));
    bool lies = std::any_of(m_faults.begin(), m_faults.end(), [](const PlannedFault& fault) {
        return fault.kind == FaultKind::Lying;
    });
    if (lies)
    {
        m_shared.liar = liars_new(m_seed);
        liars_attach(m_shared.liar);
    }
    m_faultsOf.resize(m_members.size());
    for (const PlannedFault& fault : m_faults)
    {
        if (fault.node == PlannedFault::NOBODY)
        {
            CutRegions(fault);
        }
        else
        {
            m_faultsOf[fault.node].push_back(fault);
        }
    }
    for (uint32_t i = 0; i < m_members.size(); i++)
    {
        if (IsHere(m_members[i].region))
        {
            AddNodeFaults(i);
        }
    }
}

void
Simulation::CutRegions(const PlannedFault& fault)
{
    for (uint32_t other = 0; other < m_scenario.network.regions.size(); other++)
    {
        bool cut = fault.kind == FaultKind::CutOff ? other != fault.a : other == fault.b;
        if (cut)
        {
            m_shared.transport->Cut(
                fault.a,
                other,
                static_cast<int64_t>(fault.from),
                static_cast<int64_t>(std::min<uint64_t>(fault.until, INT64_MAX)));
        }
    }
}

/// One event for each moment at which something of the node's begins or ends.
void
Simulation::AddNodeFaults(uint32_t node)
{
    const Ptr<NodeApp>& app = m_members[node].app;
    std::set<uint64_t> moments;
    for (const PlannedFault& fault : m_faultsOf[node])
    {
        moments.insert(fault.from);
        moments.insert(fault.until);
        if (IsOutage(fault.kind) && fault.until < m_scenario.stop)
        {
            app->KeepDisk();
        }
    }
    for (uint64_t at : moments)
    {
        if (at < m_scenario.stop)
        {
            Simulator::ScheduleWithContext(
                app->GetNode()->GetId(), At(at), &Simulation::Turn, this, node, at);
        }
    }
}

/// \param at now
void
Simulation::Turn(uint32_t node, uint64_t at)
{
    NodeApp& app = *m_members[node].app;
    const std::vector<PlannedFault>& faults = m_faultsOf[node];
    Plight before = at > 0 ? PlightAt(faults, at - 1) : Plight();
    Plight now = PlightAt(faults, at);
    if (now.down && !before.down)
    {
        app.Crash();
    }
    if (std::any_of(faults.begin(), faults.end(), [at](const PlannedFault& fault) {
            return fault.kind == FaultKind::DiskLoss && fault.from == at;
        }))
    {
        app.LoseDisk();
    }
    if (now.slow != before.slow)
    {
        app.SetSlow(now.slow);
    }
    if (now.clock != before.clock)
    {
        app.SetClock(now.clock);
    }
    if (now.lies != before.lies)
    {
        app.SetLies(now.lies);
    }
    if (before.down && !now.down)
    {
        app.Boot();
    }
}

const std::vector<PlannedFault>&
Simulation::GetFaults() const
{
    return m_faults;
}

const liar_counts*
Simulation::GetLies() const
{
    return m_shared.liar != nullptr ? liars_counted(m_shared.liar) : nullptr;
}

} // namespace qnet
