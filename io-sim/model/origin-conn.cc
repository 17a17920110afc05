// SPDX-License-Identifier: GPL-2.0-only
#include "origin-conn.h"

#include <algorithm>
#include <utility>

#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::Simulator;

namespace
{

constexpr size_t PROXY_HEAD = 16; ///< of a PROXY v2 header: signature, command, family, length

} // namespace

OriginConn::OriginConn(Origin* origin, uint64_t number)
    : m_origin(origin),
      m_number(number),
      m_conn(std::make_shared<LocalConn>(static_cast<LocalUser*>(this))),
      m_visit(std::make_unique<OriginVisit>(
          origin->m_server.get(), &origin->m_stream, origin->m_habits.requests))
{
    m_heard = NowNs();
    WatchIdle();
    if (origin->m_habits.age > 0)
    {
        m_age = Simulator::Schedule(Ns(origin->m_habits.age), &OriginConn::Retire, this);
    }
}

/// The visit ends where it lived, behind what it was told.
OriginConn::~OriginConn()
{
    for (Turn& turn : m_turns)
    {
        turn.speak.Cancel();
    }
    m_patience.Cancel();
    m_age.Cancel();
    m_conn->Leave();
    m_origin->Give(OriginWorker::Job([visit = std::move(m_visit)]() mutable {
        visit.reset();
        return OriginSaid();
    }));
}

std::shared_ptr<LocalConn>
OriginConn::GetConn() const
{
    return m_conn;
}

// ---- bytes

void
OriginConn::LocalBytes(const uint8_t* p, size_t n)
{
    if (m_ended || m_left)
    {
        return;
    }
    m_in.append(reinterpret_cast<const char*>(p), n);
    if (!m_announced && !TakeProxyHeader())
    {
        return;
    }
    Tell([visit = m_visit.get(), bytes = std::move(m_in), wall = Wall()]() {
        return visit->Hear(bytes, wall);
    });
    m_in = std::string();
}

/// \return true once it is gone from m_in
bool
OriginConn::TakeProxyHeader()
{
    if (m_in.size() < PROXY_HEAD)
    {
        return false;
    }
    auto byte = [this](size_t at) { return static_cast<size_t>(static_cast<uint8_t>(m_in[at])); };
    size_t whole = PROXY_HEAD + (byte(14) << 8 | byte(15));
    m_announced = m_in.size() >= whole;
    if (m_announced)
    {
        m_in.erase(0, whole);
    }
    return m_announced;
}

/// Its answer goes to the peer after the time that an answer takes. Whether there is one is looked
/// at only then, but where the time depends on it.
template <typename F>
void
OriginConn::Tell(F what)
{
    Turn turn{NowNs(), m_origin->Give(OriginWorker::Job(std::move(what))).share(), {}};
    uint64_t requests = 0;
    bool early = m_origin->m_habits.service > 0;
    if (early)
    {
        const OriginSaid& said = turn.said.get();
        requests = said.requests;
        Note(turn);
        if (said.bytes.empty() && !said.over)
        {
            return;
        }
    }
    if (!early || m_turns.empty())
    {
        turn.speak = Simulator::Schedule(Ns(m_origin->Serve(requests)), &OriginConn::Speak, this);
    }
    m_turns.push_back(std::move(turn));
}

void
OriginConn::Note(const Turn& turn)
{
    if (turn.said.get().requests > 0)
    {
        m_heard = turn.at;
    }
}

/// The oldest turn's time has come. If the site says something to it, all that it was told since is
/// answered along with it.
void
OriginConn::Speak()
{
    const OriginSaid& first = m_turns.front().said.get();
    if (first.bytes.empty() && !first.over)
    {
        Note(m_turns.front());
        m_turns.erase(m_turns.begin());
        return;
    }
    std::string bytes;
    bool over = false;
    for (Turn& turn : m_turns)
    {
        Note(turn);
        turn.speak.Cancel();
        bytes += turn.said.get().bytes;
        over = over || turn.said.get().over;
    }
    std::vector<Turn>().swap(m_turns); // thousands of visits rest at any time
    Send(bytes, over);
}

void
OriginConn::Send(const std::string& bytes, bool over)
{
    m_conn->Send(bytes.data(), bytes.size());
    if (over)
    {
        m_conn->SendEof();
        m_ended = true;
        if (m_left)
        {
            m_origin->Ended(m_number);
        }
    }
}

void
OriginConn::LocalEof()
{
    m_left = true;
    if (m_ended)
    {
        m_origin->Ended(m_number);
        return;
    }
    Tell([visit = m_visit.get()]() { return visit->Leave(); });
}

void
OriginConn::LocalReset()
{
    m_origin->Ended(m_number);
}

// ---- what the site has had enough of

/// No event per request: the one in place looks again when it comes.
void
OriginConn::WatchIdle()
{
    int64_t idle = m_origin->m_habits.idle;
    if (idle > 0 && !m_patience.IsRunning())
    {
        m_patience = Simulator::Schedule(Ns(m_heard + idle - NowNs()), &OriginConn::IdleOver, this);
    }
}

void
OriginConn::IdleOver()
{
    std::for_each(m_turns.begin(), m_turns.end(), [this](const Turn& turn) { Note(turn); });
    if (m_heard + m_origin->m_habits.idle > NowNs())
    {
        WatchIdle();
        return;
    }
    Retire();
}

void
OriginConn::Retire()
{
    if (!m_ended && !m_left)
    {
        Tell([visit = m_visit.get(), wall = Wall()]() { return visit->Retire(wall); });
    }
}

int64_t
OriginConn::Wall() const
{
    return m_origin->m_authority->GetEpoch() + NowNs() / NS_PER_SECOND;
}

} // namespace qnet
