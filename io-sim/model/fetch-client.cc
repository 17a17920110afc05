// SPDX-License-Identifier: GPL-2.0-only
#include "fetch-client.h"

#include <algorithm>

#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::Simulator;
using ns3::TypeId;

NS_OBJECT_ENSURE_REGISTERED(FetchClient);

TypeId
FetchClient::GetTypeId()
{
    static TypeId tid = TypeId("qnet::FetchClient")
                            .SetParent<ns3::Application>()
                            .SetGroupName("Qnet")
                            .AddTraceSource("Fetched",
                                            "A fetch ended, well or not",
                                            ns3::MakeTraceSourceAccessor(&FetchClient::m_fetched),
                                            "qnet::FetchClient::FetchTracedCallback");
    return tid;
}

FetchClient::FetchClient() = default;
FetchClient::~FetchClient() = default;

void
FetchClient::Setup(ns3::Ptr<NodeApp> node, uint32_t workload, const Habits* habits, uint64_t seed)
{
    m_node = node;
    m_workload = workload;
    m_habits = habits;
    m_draws = std::make_unique<Draws>(
        "qnet-sim-web-client", seed, static_cast<uint64_t>(workload) << 32 | node->GetIndex());
}

void
FetchClient::SetNumber(uint32_t number)
{
    m_number = number;
}

ns3::Ptr<NodeApp>
FetchClient::GetNodeApp() const
{
    return m_node;
}

const Experience&
FetchClient::GetExperience() const
{
    return m_experience;
}

void
FetchClient::Conclude()
{
    for (const Slot& slot : m_slots)
    {
        if (slot.fetch->GetOutcome() == FetchOutcome::Unfinished)
        {
            m_fetched(m_node->GetIndex(), m_workload, *slot.fetch);
        }
    }
}

void
FetchClient::DoDispose()
{
    StopApplication();
    m_node = nullptr;
    Application::DoDispose();
}

void
FetchClient::StopApplication()
{
    m_next.Cancel();
    for (Slot& slot : m_slots)
    {
        slot.giveUp.Cancel();
    }
    m_slots.clear();
}

// ---- for subclasses

bool
FetchClient::Counts(int64_t since) const
{
    return since >= m_habits->warmup;
}

uint64_t
FetchClient::AnyServer()
{
    return m_draws->Below(m_habits->servers.size());
}

std::string
FetchClient::AnyRoute()
{
    return m_draws->Pick(m_habits->routes) == QN_ROUTE_FAST ? "fast" : "privacy";
}

FetchRequest
FetchClient::Wish(uint64_t size, uint64_t server) const
{
    FetchRequest request;
    request.object = size;
    request.password = "web";
    request.host = m_habits->servers[server % m_habits->servers.size()];
    return request;
}

/// What ended is freed here: never from inside its own call.
void
FetchClient::Fetch(const FetchRequest& request)
{
    m_slots.erase(std::remove_if(m_slots.begin(),
                                 m_slots.end(),
                                 [](const Slot& slot) {
                                     return slot.fetch->GetOutcome() != FetchOutcome::Unfinished;
                                 }),
                  m_slots.end());
    Slot slot;
    slot.fetch.reset(new SocksFetch(m_node, this, request)); // its user is a private base
    SocksFetch* fetch = slot.fetch.get();
    Watch(slot);
    m_slots.push_back(std::move(slot));
    if (!fetch->Start())
    {
        FetchEnded(*fetch);
    }
}

void
FetchClient::FetchOn(SocksFetch* kept, const FetchRequest& request)
{
    if (kept != nullptr && kept->Again(request.object))
    {
        Watch(SlotOf(*kept));
        return;
    }
    Fetch(request);
}

void
FetchClient::Watch(Slot& slot)
{
    slot.giveUp = Simulator::Schedule(
        Ns(static_cast<int64_t>(m_habits->timeout)), &FetchClient::GiveUp, this, slot.fetch.get());
}

FetchClient::Slot&
FetchClient::SlotOf(const SocksFetch& fetch)
{
    return *std::find_if(m_slots.begin(), m_slots.end(), [&fetch](const Slot& slot) {
        return slot.fetch.get() == &fetch;
    });
}

void
FetchClient::GiveUp(SocksFetch* fetch)
{
    fetch->GiveUp();
}

void
FetchClient::FetchEnded(SocksFetch& fetch)
{
    SlotOf(fetch).giveUp.Cancel();
    m_fetched(m_node->GetIndex(), m_workload, fetch);
    Ended(fetch);
}

} // namespace qnet
