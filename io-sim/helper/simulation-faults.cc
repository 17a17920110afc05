// SPDX-License-Identifier: GPL-2.0-only
// How planned faults happen.
#include <algorithm>

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
    for (const PlannedFault& fault : m_faults)
    {
        if (fault.node == PlannedFault::NOBODY)
        {
            CutRegions(fault);
        }
        else if (IsHere(m_members[fault.node].region))
        {
            AddNodeFault(fault);
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

void
Simulation::AddNodeFault(const PlannedFault& fault)
{
    Ptr<NodeApp> app = m_members[fault.node].app;
    uint32_t context = app->GetNode()->GetId();
    bool ends = fault.until < m_scenario.stop;
    auto value = static_cast<uint32_t>(fault.value);
    auto from = [&](auto method, auto... with) {
        Simulator::ScheduleWithContext(context, At(fault.from), method, app, with...);
    };
    auto until = [&](auto method, auto... with) {
        if (ends)
        {
            Simulator::ScheduleWithContext(context, At(fault.until), method, app, with...);
        }
    };
    switch (fault.kind)
    {
    case FaultKind::Slow:
        from(&NodeApp::SetSlow, value);
        until(&NodeApp::SetSlow, UINT32_C(1000));
        break;
    case FaultKind::Clock:
        from(&NodeApp::SetClock, fault.value);
        until(&NodeApp::SetClock, INT64_C(0));
        break;
    case FaultKind::Lying:
        from(&NodeApp::SetLies, value);
        until(&NodeApp::SetLies, UINT32_C(0));
        break;
    default:
        from(&NodeApp::Crash);
        if (fault.kind == FaultKind::DiskLoss)
        {
            from(&NodeApp::LoseDisk);
        }
        if (ends)
        {
            app->KeepDisk();
        }
        until(&NodeApp::Boot);
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
