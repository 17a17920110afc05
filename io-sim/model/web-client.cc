// SPDX-License-Identifier: GPL-2.0-only
#include "web-client.h"

#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::Simulator;
using ns3::TypeId;

NS_OBJECT_ENSURE_REGISTERED(WebClient);

TypeId
WebClient::GetTypeId()
{
    static TypeId tid = TypeId("qnet::WebClient")
                            .SetParent<ns3::Application>()
                            .SetGroupName("Qnet")
                            .AddConstructor<WebClient>()
                            .AddTraceSource("Fetched",
                                            "A fetch ended, well or not",
                                            ns3::MakeTraceSourceAccessor(&WebClient::m_fetched),
                                            "qnet::WebClient::FetchTracedCallback");
    return tid;
}

WebClient::WebClient() = default;
WebClient::~WebClient() = default;

void
WebClient::Setup(ns3::Ptr<NodeApp> node, uint32_t workload, const WebHabits* habits, uint64_t seed)
{
    m_node = node;
    m_habits = habits;
    m_draws = std::make_unique<Draws>(
        "qnet-sim-web-client", seed, static_cast<uint64_t>(workload) << 32 | node->GetIndex());
}

ns3::Ptr<NodeApp>
WebClient::GetNodeApp() const
{
    return m_node;
}

void
WebClient::Conclude()
{
    if (m_fetch && m_fetch->GetOutcome() == FetchOutcome::Unfinished)
    {
        m_fetched(m_node->GetIndex(), *m_fetch);
    }
}

void
WebClient::DoDispose()
{
    m_next.Cancel();
    m_giveUp.Cancel();
    m_fetch.reset();
    m_node = nullptr;
    Application::DoDispose();
}

void
WebClient::StartApplication()
{
    Think();
}

void
WebClient::StopApplication()
{
    m_next.Cancel();
    m_giveUp.Cancel();
    m_fetch.reset();
}

void
WebClient::Think()
{
    auto pause = static_cast<int64_t>(m_draws->Exponential(m_habits->think));
    m_next = Simulator::Schedule(Ns(pause), &WebClient::Next, this);
}

void
WebClient::Next()
{
    FetchRequest request;
    request.object = m_draws->Pick(m_habits->sizes);
    request.user = m_draws->Pick(m_habits->routes) == QN_ROUTE_FAST ? "fast" : "privacy";
    request.password = "web";
    request.host = m_habits->servers[m_draws->Below(m_habits->servers.size())];
    m_fetch.reset(new SocksFetch(m_node, this, request));
    m_giveUp =
        Simulator::Schedule(Ns(static_cast<int64_t>(m_habits->timeout)), &WebClient::GiveUp, this);
    if (!m_fetch->Start())
    {
        FetchEnded(*m_fetch);
    }
}

void
WebClient::GiveUp()
{
    m_fetch->GiveUp();
}

void
WebClient::FetchEnded(SocksFetch& fetch)
{
    m_giveUp.Cancel();
    m_fetched(m_node->GetIndex(), fetch);
    Think();
}

} // namespace qnet
