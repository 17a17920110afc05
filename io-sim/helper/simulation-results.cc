// SPDX-License-Identifier: GPL-2.0-only
// What hosts had done and people had felt when a run ended, and how processes of a parallel run
// tell each other.
#include <algorithm>

#include "simulation.h"

namespace qnet
{

namespace
{

void
Add(Experience& all, const Experience& one)
{
    all.pages.insert(all.pages.end(), one.pages.begin(), one.pages.end());
    all.startups.insert(all.startups.end(), one.startups.begin(), one.startups.end());
    all.stalls += one.stalls;
    all.stalledNs += one.stalledNs;
    all.playedNs += one.playedNs;
}

void
Pack(Parcel& parcel, const Experience& experience)
{
    parcel.PutAll(experience.pages);
    parcel.PutAll(experience.startups);
    parcel.Put(experience.stalls);
    parcel.Put(experience.stalledNs);
    parcel.Put(experience.playedNs);
}

Experience
TakeExperience(Parcel& parcel)
{
    Experience taken;
    parcel.TakeAll(taken.pages);
    parcel.TakeAll(taken.startups);
    taken.stalls = parcel.Take<uint64_t>();
    taken.stalledNs = parcel.Take<uint64_t>();
    taken.playedNs = parcel.Take<uint64_t>();
    return taken;
}

} // namespace

void
Simulation::Conclude()
{
    m_results.assign(m_members.size() + m_servers.size(), HostResult{});
    for (const Member& member : m_members)
    {
        uint32_t host = member.app->GetHost();
        m_results.resize(std::max<size_t>(m_results.size(), host + 1));
        m_results[host] = {GetTransport().GetStats(host),
                           member.app->GetStatus().counters,
                           static_cast<uint64_t>(member.app->GetCpuNs()),
                           member.app->GetMemoryPeak(),
                           member.app->GetBroken()};
    }
    for (const auto& server : m_servers)
    {
        uint32_t host = server->GetHost();
        m_results.resize(std::max<size_t>(m_results.size(), host + 1));
        m_results[host].traffic = GetTransport().GetStats(host);
    }
    m_experiences.assign(m_scenario.workloads.size(), Experience());
    for (size_t i = 0; i < m_clients.size(); i++)
    {
        Add(m_experiences[m_clientWorkloads[i]], m_clients[i]->GetExperience());
    }
}

const HostResult&
Simulation::ResultOf(uint32_t host) const
{
    return m_results[host];
}

uint64_t
Simulation::GetSentBytes() const
{
    uint64_t sum = 0;
    for (const HostResult& host : m_results)
    {
        sum += host.traffic.sent;
    }
    return sum;
}

const Experience&
Simulation::ExperienceOf(uint32_t workload) const
{
    return m_experiences[workload];
}

/// Hosts by their numbers: who is whose is the same in every process, but not asked again.
void
Simulation::Pack(Parcel& parcel) const
{
    std::vector<uint32_t> mine;
    for (uint32_t host = 0; host < m_results.size(); host++)
    {
        if (IsHere(GetTransport().GetHost(host).region))
        {
            mine.push_back(host);
        }
    }
    parcel.PutAll(mine);
    for (uint32_t host : mine)
    {
        parcel.Put(m_results[host]);
    }
    for (const Experience& experience : m_experiences)
    {
        qnet::Pack(parcel, experience);
    }
}

void
Simulation::AddResults(Parcel& parcel)
{
    std::vector<uint32_t> theirs;
    parcel.TakeAll(theirs);
    for (uint32_t host : theirs)
    {
        m_results.at(host) = parcel.Take<HostResult>();
    }
    for (Experience& experience : m_experiences)
    {
        Add(experience, TakeExperience(parcel));
    }
}

} // namespace qnet
