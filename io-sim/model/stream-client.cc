// SPDX-License-Identifier: GPL-2.0-only
#include "stream-client.h"

#include <algorithm>

#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::TypeId;

NS_OBJECT_ENSURE_REGISTERED(StreamClient);

TypeId
StreamClient::GetTypeId()
{
    static TypeId tid = TypeId("qnet::StreamClient")
                            .SetParent<FetchClient>()
                            .SetGroupName("Qnet")
                            .AddConstructor<StreamClient>();
    return tid;
}

void
StreamClient::StartApplication()
{
    Later(m_draws->Exponential(m_habits->think), &StreamClient::Begin, this);
}

void
StreamClient::Begin()
{
    uint64_t bits = m_habits->rate / 1000 * (m_habits->segment / 1000000);
    m_request = Wish(std::max<uint64_t>(bits / 8, 1), AnyServer());
    m_request.user = AnyRoute();
    m_request.keep = true;
    m_since = NowNs();
    m_here = 0;
    m_plays = false;
    m_kept = nullptr;
    Next();
}

void
StreamClient::Next()
{
    SocksFetch* kept = m_kept;
    m_kept = nullptr;
    FetchOn(kept, m_request);
}

/// A segment came: what it means for who watches.
void
StreamClient::Play()
{
    auto segment = static_cast<int64_t>(m_habits->segment);
    int64_t now = NowNs();
    bool counts = Counts(m_since);
    m_here++;
    if (!m_plays)
    {
        m_plays = m_here == std::min(FIRST, m_habits->length);
        m_dry = now + segment * static_cast<int64_t>(m_here);
        if (m_plays && counts)
        {
            m_experience.startups.push_back(static_cast<uint64_t>(now - m_since));
        }
    }
    else if (now > m_dry)
    {
        m_experience.stalls += counts ? 1 : 0;
        m_experience.stalledNs += counts ? static_cast<uint64_t>(now - m_dry) : 0;
        m_dry = now + segment;
    }
    else
    {
        m_dry += segment;
    }
    m_experience.playedNs += counts ? m_habits->segment : 0;
}

/// A segment that failed is asked for again; who waits sees it as a stall.
void
StreamClient::Ended(SocksFetch& fetch)
{
    m_kept = &fetch;
    if (fetch.GetOutcome() == FetchOutcome::Done)
    {
        Play();
    }
    if (m_here == m_habits->length)
    {
        int64_t rest = std::max<int64_t>(m_dry - NowNs(), 0);
        uint64_t pause = m_draws->Exponential(m_habits->think);
        Later(static_cast<uint64_t>(rest) + pause, &StreamClient::Begin, this);
        return;
    }
    // Enough ahead: the next is asked for when a segment has been played.
    auto full = static_cast<int64_t>(m_habits->buffer * m_habits->segment);
    int64_t over = m_plays ? m_dry - NowNs() - full : 0;
    bool failed = fetch.GetOutcome() != FetchOutcome::Done;
    Later(static_cast<uint64_t>(std::max<int64_t>(over, failed ? NS_PER_SECOND : 0)),
          &StreamClient::Next,
          this);
}

} // namespace qnet
