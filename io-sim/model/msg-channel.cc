// SPDX-License-Identifier: GPL-2.0-only
#include "msg-channel.h"

#include <algorithm>
#include <cstring>

#include "ns3/log.h"
#include "ns3/simulator.h"
#include "ns3/uinteger.h"

#include "msg-conn.h"

NS_LOG_COMPONENT_DEFINE("QnetMsgChannel");

namespace qnet
{

using ns3::MakeUintegerAccessor;
using ns3::MakeUintegerChecker;
using ns3::Simulator;
using ns3::TypeId;
using ns3::UintegerValue;

NS_OBJECT_ENSURE_REGISTERED(MsgChannel);

TypeId
MsgChannel::GetTypeId()
{
    static TypeId tid =
        TypeId("qnet::MsgChannel")
            .SetParent<Transport>()
            .SetGroupName("Qnet")
            .AddConstructor<MsgChannel>()
            .AddAttribute("Quantum",
                          "Most bytes of a conn on an uplink before another conn gets its turn",
                          UintegerValue(16384),
                          MakeUintegerAccessor(&MsgChannel::m_quantum),
                          MakeUintegerChecker<uint32_t>(1024, ChunkPool::LARGE));
    return tid;
}

MsgChannel::MsgChannel() = default;
MsgChannel::~MsgChannel() = default;

void
MsgChannel::DoDispose()
{
    while (m_conns != nullptr)
    {
        MsgConn* conn = m_conns;
        m_conns = conn->next;
        delete conn; // its chunks belong to the pool's slabs
    }
    m_listening.clear();
    m_hosts.clear();
    Transport::DoDispose();
}

// ---- hosts and routes

void
MsgChannel::InstallHost(uint32_t host)
{
    const HostConfig& config = m_config[host];
    m_hosts.push_back({config.node->GetId(), config.up, config.down});
}

void
MsgChannel::Listen(const qn_addr& addr, ConnListener* listener)
{
    m_listening[Key(addr, true)] = listener;
}

/// What is being sent keeps the time it was given.
void
MsgChannel::SetRates(uint32_t host, uint64_t up, uint64_t down)
{
    m_hosts[host].up = up;
    m_hosts[host].down = down;
}

Transport::HostStats
MsgChannel::GetStats(uint32_t host) const
{
    return m_hosts[host].stats;
}

/// What is sent now arrives after this. TCP would send it again and again meanwhile.
int64_t
MsgChannel::Travel(const MsgConn* conn) const
{
    uint32_t a = m_config[conn->side[0].m_host].region;
    uint32_t b = m_config[conn->side[1].m_host].region;
    return conn->latency + WaitToPass(a, b);
}

uint64_t
MsgChannel::WireBytes(uint64_t data)
{
    return data + (data / SEGMENT + 1) * SEGMENT_HEADERS;
}

// ---- set-up

void
MsgChannel::At(uint32_t host, int64_t delay, void (MsgChannel::*handler)(MsgSocket*), MsgSocket* s)
{
    s->m_conn->refs++;
    Simulator::ScheduleWithContext(m_hosts[host].context, Ns(delay), handler, this, s);
}

TransportConn*
MsgChannel::Connect(uint32_t host, const qn_addr& to, ConnUser* user, uint32_t key)
{
    auto* conn = new MsgConn(this, m_conns);
    m_conns = conn;
    MsgSocket* near = &conn->side[0];
    near->m_host = host;
    near->SetUser(user, key);
    near->m_window = m_initialWindow;
    near->m_threshold = m_maxWindow;
    uint32_t target = HostAt(to);
    if (target == NO_HOST)
    {
        At(host, UNREACHABLE_NS, &MsgChannel::Unreachable, near);
        return near;
    }
    MsgSocket* far = &conn->side[1];
    far->m_host = target;
    far->m_window = m_initialWindow;
    far->m_threshold = m_maxWindow;
    conn->latency = GetLatency(host, far->m_host);
    conn->to = Key(to, true);
    if (Travel(conn) - conn->latency > SYN_PATIENCE_NS || !MayOpen(conn, to))
    {
        At(host, SYN_PATIENCE_NS, &MsgChannel::TimedOut, near);
        return near;
    }
    At(far->m_host, Travel(conn), &MsgChannel::Syn, far);
    return near;
}

void
MsgChannel::Syn(MsgSocket* far)
{
    MsgConn* conn = far->m_conn;
    MsgSocket* near = &conn->side[0];
    auto found = m_listening.find(conn->to);
    ConnListener* listener = found == m_listening.end() ? nullptr : found->second;
    bool wanted = near->m_state == MsgSocket::State::Opening && listener != nullptr;

    far->m_state = MsgSocket::State::Open;
    if (wanted && listener->Accept(far, m_config[near->m_host].addr))
    {
        At(near->m_host, Travel(conn), &MsgChannel::Opened, near);
    }
    else
    {
        far->m_state = MsgSocket::State::Dead;
        At(near->m_host, Travel(conn), &MsgChannel::Refused, near);
    }
    Release(conn);
}

void
MsgChannel::Opened(MsgSocket* s)
{
    if (s->m_state == MsgSocket::State::Opening)
    {
        s->m_state = MsgSocket::State::Open;
        if (s->m_user != nullptr)
        {
            s->m_user->ConnOpened(s->m_key);
        }
    }
    else
    {
        MsgSocket* far = s->m_conn->Other(s); // accepted for one who left meanwhile
        At(far->m_host, Travel(s->m_conn), &MsgChannel::Abandoned, far);
    }
    Release(s->m_conn);
}

void
MsgChannel::Abandoned(MsgSocket* far)
{
    if (far->m_state == MsgSocket::State::Open)
    {
        ReceiveRst(far);
    }
    Release(far->m_conn);
}

void
MsgChannel::Refused(MsgSocket* s)
{
    Fail(s, QN_REFUSED);
}

void
MsgChannel::Unreachable(MsgSocket* s)
{
    Fail(s, QN_UNREACHABLE);
}

void
MsgChannel::TimedOut(MsgSocket* s)
{
    Fail(s, QN_TIMEOUT);
}

void
MsgChannel::Fail(MsgSocket* s, qn_err why)
{
    if (s->m_state == MsgSocket::State::Opening)
    {
        ConnUser* user = s->m_user;
        s->m_state = MsgSocket::State::Dead;
        LetGo(s);
        if (user != nullptr)
        {
            user->ConnFailed(s->m_key, why);
        }
    }
    Release(s->m_conn);
}

// ---- sending

void
MsgChannel::Append(MsgSocket* s, const uint8_t* p, uint32_t n)
{
    s->m_unsentBytes += n;
    m_hosts[s->m_host].stats.unsent += n;
    while (n > 0)
    {
        Chunk* tail = s->m_unsent.tail;
        if (tail == nullptr || tail->len >= std::min(tail->cap, m_quantum))
        {
            tail = m_pool.Get(std::min(n, m_quantum), ChunkKind::Data);
            s->m_unsent.Push(tail);
        }
        uint32_t part = std::min(n, std::min(tail->cap, m_quantum) - tail->len);
        std::memcpy(tail->Data() + tail->len, p, part);
        tail->len += part;
        p += part;
        n -= part;
    }
}

void
MsgChannel::AppendControl(MsgSocket* s, ChunkKind kind)
{
    s->m_unsent.Push(m_pool.Get(0, kind));
    Kick(s);
}

void
MsgChannel::DropUnsent(MsgSocket* s)
{
    m_hosts[s->m_host].stats.unsent -= s->m_unsentBytes;
    s->m_unsentBytes = 0;
    m_pool.Put(s->m_unsent);
}

/// Queues a socket for its turn on the uplink if it has something it may send.
void
MsgChannel::Kick(MsgSocket* s)
{
    if (s->m_inRing || !s->CanSend())
    {
        return;
    }
    Host& host = m_hosts[s->m_host];
    s->m_inRing = true;
    s->m_ringNext = nullptr;
    s->m_conn->refs++;
    if (host.ringTail != nullptr)
    {
        host.ringTail->m_ringNext = s;
    }
    else
    {
        host.ringHead = s;
    }
    host.ringTail = s;
    if (!host.busy)
    {
        SendNext(host);
    }
}

void
MsgChannel::SendNext(Host& host)
{
    while (!host.busy && host.ringHead != nullptr)
    {
        MsgSocket* s = host.ringHead;
        host.ringHead = s->m_ringNext;
        if (host.ringHead == nullptr)
        {
            host.ringTail = nullptr;
        }
        s->m_inRing = false;
        if (s->CanSend())
        {
            Chunk* c = s->m_unsent.Pop();
            s->m_unsentBytes -= c->len;
            s->m_inFlight += c->len;
            s->m_sent += c->len;
            NoteUse(s);
            host.stats.unsent -= c->len;
            host.stats.sent += WireBytes(c->len);
            host.busy = true;
            s->m_conn->refs++; // the chunk's way to the other side
            Simulator::Schedule(
                Ns(SerialisationNs(WireBytes(c->len), host.up)), &MsgChannel::Sent, this, s, c);
        }
        Release(s->m_conn);
    }
}

void
MsgChannel::Sent(MsgSocket* s, Chunk* c)
{
    MsgSocket* to = s->m_conn->Other(s);
    Host& host = m_hosts[s->m_host];
    int64_t wait = 0;

    bool passes = MayPass(s, c, &wait);
    if (passes)
    {
        wait += Repair(s, c);
        int64_t arrival = std::max(NowNs() + Travel(s->m_conn) + wait, s->m_lastArrival);
        s->m_lastArrival = arrival;
        Simulator::ScheduleWithContext(
            m_hosts[to->m_host].context, Ns(arrival - NowNs()), &MsgChannel::Arrive, this, to, c);
    }
    else
    {
        m_pool.Put(c); // never acknowledged: the window stays shut behind it
    }
    host.busy = false;
    Kick(s);
    SendNext(host);
    if (s->m_wantWrite && s->m_unsentBytes <= m_sendBuffer / 2 && s->m_user != nullptr)
    {
        s->m_wantWrite = false;
        s->m_user->ConnWritable(s->m_key);
    }
    if (!passes)
    {
        Release(s->m_conn); // the chunk's way is over
    }
}

/// How long it takes until what was lost of a chunk has been noticed and sent again.
int64_t
MsgChannel::Repair(MsgSocket* s, Chunk* c)
{
    uint64_t packets = c->len / SEGMENT + 1;
    bool lost = Loses(s->m_host, packets);
    lost = Loses(s->m_conn->Other(s)->m_host, packets) || lost;
    c->marked = c->marked || lost;
    return lost ? 2 * s->m_conn->latency : 0;
}

// ---- on the border

void
MsgChannel::SetBorder(Border* border)
{
    m_border = border;
}

/// Asks the border about a SYN.
bool
MsgChannel::MayOpen(MsgConn* conn, const qn_addr& to)
{
    const HostConfig& near = m_config[conn->side[0].m_host];
    const HostConfig& far = m_config[conn->side[1].m_host];
    if (m_border == nullptr || near.region == far.region)
    {
        return true;
    }
    Border::Verdict v = m_border->Open(near.region, near.addr, far.region, to, &conn->flow);
    return v.act == Border::Act::Pass;
}

/// Asks the border about a chunk. A FIN or RST is judged as no bytes: it follows its flow. What a
/// policer would lose comes a round trip later at the earliest, and halves the window.
bool
MsgChannel::MayPass(MsgSocket* s, Chunk* c, int64_t* wait)
{
    constexpr unsigned TRIES = 3; // several policers, each of which may ask for more time
    MsgConn* conn = s->m_conn;
    if (conn->flow == Border::NO_FLOW)
    {
        return true;
    }
    bool up = s == &conn->side[0];
    Border::Verdict v = m_border->See(conn->flow, up, c->Data(), c->len);
    for (unsigned i = 0; v.act == Border::Act::Lose && i < TRIES; i++)
    {
        c->marked = true;
        *wait += std::max(v.waitNs, i == 0 ? 2 * conn->latency : 0);
        v = m_border->Again(conn->flow, up, c->len, *wait);
    }
    if (v.act == Border::Act::Reset)
    {
        TearDown(conn);
    }
    return v.act == Border::Act::Pass || v.act == Border::Act::Lose;
}

/// A RST to both ends, from the middle.
void
MsgChannel::TearDown(MsgConn* conn)
{
    for (MsgSocket& s : conn->side)
    {
        At(s.m_host, conn->latency, &MsgChannel::Abandoned, &s);
    }
}

// ---- receiving

void
MsgChannel::Arrive(MsgSocket* to, Chunk* c)
{
    Host& host = m_hosts[to->m_host];
    int64_t now = NowNs();
    int64_t queued = std::max<int64_t>(host.downFree - now, 0);

    if (queued > SerialisationNs(m_queueLimit, host.down))
    {
        c->marked = true;
        host.stats.congested++;
    }
    queued += SerialisationNs(WireBytes(c->len), host.down);
    host.downFree = now + queued;
    host.stats.received += WireBytes(c->len);
    Simulator::Schedule(Ns(queued), &MsgChannel::Deliver, this, to, c);
}

void
MsgChannel::Deliver(MsgSocket* to, Chunk* c)
{
    MsgConn* conn = to->m_conn;
    if (to->m_state == MsgSocket::State::Dead)
    {
        m_pool.Put(c);
    }
    else if (c->kind == ChunkKind::Rst)
    {
        m_pool.Put(c);
        ReceiveRst(to);
    }
    else
    {
        Receive(to, c);
    }
    Release(conn);
}

void
MsgChannel::Receive(MsgSocket* s, Chunk* c)
{
    if (c->kind == ChunkKind::Fin)
    {
        s->m_finReceived = true;
        m_pool.Put(c);
    }
    else
    {
        s->m_received.Push(c);
    }
    if (s->m_user != nullptr)
    {
        s->m_user->ConnReadable(s->m_key);
        return;
    }
    size_t all = 0; // nobody reads any more: what still comes in is thrown away
    for (const Chunk* each = s->m_received.head; each != nullptr; each = each->next)
    {
        all += each->len - each->off;
    }
    s->Consume(all);
}

void
MsgChannel::ReceiveRst(MsgSocket* s)
{
    ConnUser* user = s->m_user;
    s->m_state = MsgSocket::State::Dead;
    DropUnsent(s);
    m_pool.Put(s->m_received);
    LetGo(s);
    if (user != nullptr)
    {
        user->ConnReset(s->m_key);
    }
}

void
MsgChannel::Acknowledged(MsgSocket* s, uint64_t bytes, bool marked)
{
    s->m_inFlight -= bytes;
    s->m_acknowledged += bytes;
    Grow(s, bytes, marked);
    Kick(s);
    Release(s->m_conn);
}

void
MsgChannel::DrainOver(MsgSocket* s)
{
    if (s->m_unsent.head != nullptr)
    {
        DropUnsent(s);
        AppendControl(s, ChunkKind::Rst);
    }
    Release(s->m_conn);
}

// ---- lifetime

void
MsgChannel::LetGo(MsgSocket* s)
{
    s->m_user = nullptr;
    s->m_wantWrite = false;
}

void
MsgChannel::Release(MsgConn* conn)
{
    if (--conn->refs > 0 || conn->side[0].m_user != nullptr || conn->side[1].m_user != nullptr)
    {
        return;
    }
    for (MsgSocket& s : conn->side)
    {
        DropUnsent(&s);
        m_pool.Put(s.m_received);
    }
    if (conn->flow != Border::NO_FLOW)
    {
        m_border->Close(conn->flow);
    }
    *conn->link = conn->next;
    if (conn->next != nullptr)
    {
        conn->next->link = conn->link;
    }
    delete conn;
}

} // namespace qnet
