// SPDX-License-Identifier: GPL-2.0-only
#include "web-client.h"

#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::TypeId;

NS_OBJECT_ENSURE_REGISTERED(WebClient);
NS_OBJECT_ENSURE_REGISTERED(TraceClient);
NS_OBJECT_ENSURE_REGISTERED(KeptClient);

// ---- fetch, think, fetch again

TypeId
WebClient::GetTypeId()
{
    static TypeId tid = TypeId("qnet::WebClient")
                            .SetParent<FetchClient>()
                            .SetGroupName("Qnet")
                            .AddConstructor<WebClient>();
    return tid;
}

void
WebClient::StartApplication()
{
    if (m_habits->atOnce)
    {
        Next();
        return;
    }
    Think();
}

void
WebClient::Think()
{
    Later(m_draws->Exponential(m_habits->think), &WebClient::Next, this);
}

void
WebClient::Next()
{
    uint64_t size = m_draws->Pick(m_habits->sizes);
    std::string route = AnyRoute();
    FetchRequest request = Wish(size, AnyServer());
    request.user = route;
    Fetch(request);
}

void
WebClient::Ended(SocksFetch&)
{
    Think();
}

// ---- traces

TypeId
TraceClient::GetTypeId()
{
    static TypeId tid = TypeId("qnet::TraceClient")
                            .SetParent<FetchClient>()
                            .SetGroupName("Qnet")
                            .AddConstructor<TraceClient>();
    return tid;
}

void
TraceClient::StartApplication()
{
    Wait();
}

/// What was to be asked before the client was there is left out.
void
TraceClient::Wait()
{
    const auto& mine = m_habits->trace[m_number];
    auto now = static_cast<uint64_t>(NowNs());
    while (m_at < mine.size() && mine[m_at].at < now)
    {
        m_at++;
    }
    if (m_at < mine.size())
    {
        Later(mine[m_at].at - now, &TraceClient::Next, this);
    }
}

void
TraceClient::Next()
{
    const Habits::Request& now = m_habits->trace[m_number][m_at++];
    FetchRequest request = Wish(now.size, now.server);
    request.user = AnyRoute();
    Fetch(request);
    Wait();
}

void
TraceClient::Ended(SocksFetch&)
{
}

// ---- one stream that is kept

TypeId
KeptClient::GetTypeId()
{
    static TypeId tid = TypeId("qnet::KeptClient")
                            .SetParent<FetchClient>()
                            .SetGroupName("Qnet")
                            .AddConstructor<KeptClient>();
    return tid;
}

void
KeptClient::StartApplication()
{
    m_request = Wish(0, AnyServer());
    m_request.user = AnyRoute();
    m_request.keep = true;
    if (m_habits->atOnce)
    {
        Next();
        return;
    }
    Think();
}

void
KeptClient::Think()
{
    Later(m_draws->Exponential(m_habits->think), &KeptClient::Next, this);
}

void
KeptClient::Next()
{
    m_request.object = m_draws->Pick(m_habits->sizes);
    SocksFetch* kept = m_kept;
    m_kept = nullptr;
    FetchOn(kept, m_request);
}

void
KeptClient::Ended(SocksFetch& fetch)
{
    m_kept = &fetch;
    Think();
}

} // namespace qnet
