// SPDX-License-Identifier: GPL-2.0-only
#include "browse-client.h"

#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::TypeId;

NS_OBJECT_ENSURE_REGISTERED(BrowseClient);

TypeId
BrowseClient::GetTypeId()
{
    static TypeId tid = TypeId("qnet::BrowseClient")
                            .SetParent<FetchClient>()
                            .SetGroupName("Qnet")
                            .AddConstructor<BrowseClient>();
    return tid;
}

void
BrowseClient::StartApplication()
{
    Later(m_draws->Exponential(m_habits->away), &BrowseClient::Visit, this);
}

/// Another site.
void
BrowseClient::Visit()
{
    m_page = Wish(0, AnyServer());
    m_page.user = AnyRoute();
    Open();
}

/// Another page of the same site.
void
BrowseClient::Open()
{
    m_since = NowNs();
    m_whole = true;
    m_left = 0;
    m_under = 1;
    m_page.object = m_draws->Pick(m_habits->sizes);
    Fetch(m_page);
}

/// The document names its objects, so they are asked for once it is here.
void
BrowseClient::Ended(SocksFetch& fetch)
{
    bool done = fetch.GetOutcome() == FetchOutcome::Done;
    bool document = m_left == 0 && m_under == 1 && fetch.GetStartNs() == m_since;
    m_under--;
    m_whole = m_whole && done;
    if (document && done)
    {
        m_left = m_draws->Pick(m_habits->objects);
    }
    // Not from inside the fetch that ended: starting others may free it.
    if (!m_awake)
    {
        m_awake = true;
        Later(0, &BrowseClient::More, this);
    }
}

void
BrowseClient::More()
{
    m_awake = false;
    while (m_left > 0 && m_under < AT_ONCE)
    {
        m_left--;
        m_under++;
        FetchRequest object = m_page;
        object.object = m_draws->Pick(m_habits->objectSizes);
        Fetch(object);
    }
    if (m_left == 0 && m_under == 0)
    {
        PageOver();
    }
}

void
BrowseClient::PageOver()
{
    if (m_whole && Counts(m_since))
    {
        m_experience.pages.push_back(static_cast<uint64_t>(NowNs() - m_since));
    }
    bool stays = m_draws->Below(1000) < m_habits->stay;
    uint64_t pause = m_draws->Exponential(m_habits->think);
    if (stays)
    {
        Later(pause, &BrowseClient::Open, this);
        return;
    }
    uint64_t away = m_draws->Exponential(m_habits->away);
    Later(pause + away, &BrowseClient::Visit, this);
}

} // namespace qnet
