// SPDX-License-Identifier: GPL-2.0-only
// How a NodeApp keeps the law of qnet/node.h.
#include <algorithm>
#include <cstring>

#include "ns3/simulator.h"

#include "node-app.h"
#include "sim-time.h"

namespace qnet
{

using ns3::Simulator;

namespace
{

constexpr int64_t CLOSE_NS = 200 * NS_PER_MS; ///< node.h: CLOSE waits for its last bytes no longer
constexpr unsigned SLICES = 16;

} // namespace

// ---- the law of qnet/node.h

NodeApp::Entry*
NodeApp::Find(qn_conn c)
{
    if (m_found == nullptr || m_foundConn != c)
    {
        auto found = m_conns.find(c);
        m_foundConn = c;
        m_found = found == m_conns.end() ? nullptr : &found->second;
    }
    return m_found;
}

void
NodeApp::Forget(qn_conn c)
{
    m_found = nullptr;
    m_conns.erase(c);
}

void
NodeApp::Enter()
{
    m_shared->Stamp(&m_env);
    m_env.wall += m_clockAhead;
}

/// Performs all actions, moves the bytes they name while the processor is free, and arms the timer.
void
NodeApp::Drive()
{
    for (;;)
    {
        qn_action a;
        while (qn_node_next(m_node, &a))
        {
            Perform(a);
        }
        if ((m_toSend.IsEmpty() && m_toRead.IsEmpty()) || IsBusy())
        {
            break;
        }
        bool sends = !m_toSend.IsEmpty();
        qn_conn c = (sends ? m_toSend : m_toRead).Take();
        if (sends)
        {
            Flush(c);
        }
        else
        {
            Read(c);
        }
        Charge(1);
    }
    Watch();
    Arm();
}

// ---- the processor: a queue of one

/// Work is done at once, and the processor is busy for as long as it would have taken: what comes
/// next waits, but what this step said is on its way already.
void
NodeApp::Charge(uint64_t writes)
{
    const CpuCosts& cost = m_shared->cpu;
    if (!cost.Any())
    {
        return;
    }
    m_charged = m_charged ? std::move(m_charged) : std::make_unique<qn_counters>();
    const qn_counters& before = *m_charged;
    qn_counters now;
    qn_node_counters(m_node, &now);
    uint64_t cells = now.cells_forward + now.cells_backward;
    uint64_t cellsBefore = before.cells_forward + before.cells_backward;
    uint64_t ns = (now.aead_bytes - before.aead_bytes) * cost.kib / 1024 +
                  (cells - cellsBefore) * cost.cell + (now.dh - before.dh) * cost.dh +
                  (now.handshakes - before.handshakes) * cost.handshake + writes * cost.write;
    *m_charged = now;
    auto took = static_cast<int64_t>(ns * 1000 / m_cpuSpeed * 1000 / m_slow);
    m_cpuFree = std::max(m_cpuFree, NowNs()) + took;
    m_cpuSpent += took;
}

/// If it is, the work goes on when it no longer is.
bool
NodeApp::IsBusy()
{
    int64_t wait = m_cpuFree - NowNs();
    if (wait <= 0)
    {
        return false;
    }
    if (!m_resume.IsRunning())
    {
        m_resume = Simulator::Schedule(Ns(wait), &NodeApp::Resume, this);
    }
    return true;
}

void
NodeApp::Resume()
{
    Enter();
    Drive();
}

void
NodeApp::Perform(const qn_action& a)
{
    switch (a.type)
    {
    case QN_ACT_DIAL:
        Dial(a);
        break;
    case QN_ACT_RESOLVE:
        WatchResolve(a);
        Simulator::Schedule(Ns(m_shared->resolveNs),
                            &NodeApp::Resolved,
                            this,
                            m_life,
                            a.query,
                            std::string(a.dest.name, a.dest.name_len),
                            a.dest.port);
        break;
    case QN_ACT_SEND:
        QueueSend(a.conn);
        break;
    case QN_ACT_READ:
        QueueRead(a.conn);
        break;
    case QN_ACT_FINISH:
        if (Entry* e = Find(a.conn))
        {
            e->finishing = true;
            QueueSend(a.conn);
        }
        break;
    case QN_ACT_RESET:
        PerformReset(a);
        break;
    case QN_ACT_CLOSE:
        BeginClose(a.conn, false);
        break;
    case QN_ACT_LINGER_RESET:
        if (Entry* e = Find(a.conn))
        {
            e->lingers = a.on;
        }
        break;
    case QN_ACT_PAUSE_ACCEPT:
        if (a.purpose == QN_LISTEN_SOCKS)
        {
            m_socksPaused = a.on;
        }
        else
        {
            Door(!a.on);
        }
        break;
    case QN_ACT_EVENT:
        Observe(a.event);
        break;
    case QN_ACT_STORE:
        Store(a);
        break;
    case QN_ACT_STOPPED: // the simulation ends nodes, not the other way round
        break;
    }
}

void
NodeApp::Store(const qn_action& a)
{
    if (m_mode == QN_SUPER && std::string(a.name) == "snapshot")
    {
        m_shared->newestList.assign(a.bytes.p, a.bytes.p + a.bytes.n);
    }
    if (m_keepDisk)
    {
        std::vector<uint8_t>& file = m_disk[a.name];
        if (!a.append)
        {
            file.clear();
        }
        file.insert(file.end(), a.bytes.p, a.bytes.p + a.bytes.n);
    }
}

/// To another host, or to the web site on this one.
void
NodeApp::Dial(const qn_action& a)
{
    Entry& e = m_conns[a.conn];
    const qn_addr* site = m_origin ? &m_origin->GetFacts().addr : nullptr;
    if (site == nullptr || site->port != a.addr.port ||
        !std::equal(std::begin(site->ip), std::end(site->ip), std::begin(a.addr.ip)))
    {
        WatchDial(a.addr);
        e.conn = m_shared->transport->Connect(m_host, a.addr, this, a.conn);
        return;
    }
    e.local = m_origin->Open();
    e.local->SetNode(this, a.conn);
    e.conn = e.local.get();
    Simulator::ScheduleNow(&NodeApp::LocalOpened, this, m_life, a.conn);
}

void
NodeApp::LocalOpened(uint32_t life, qn_conn c)
{
    if (life == m_life && Find(c) != nullptr)
    {
        ConnOpened(c);
    }
}

void
NodeApp::PerformReset(const qn_action& a)
{
    Entry* e = Find(a.conn);
    if (e == nullptr)
    {
        return;
    }
    if (a.drain)
    {
        BeginClose(a.conn, true);
        return;
    }
    e->conn->Reset(false);
    Forget(a.conn);
}

/// From here on the conn only carries what peek still offers, for CLOSE_NS at most.
void
NodeApp::BeginClose(qn_conn c, bool byReset)
{
    Entry* e = Find(c);
    if (e != nullptr && !e->closing)
    {
        e->closing = true;
        e->resetting = byReset;
        QueueSend(c);
        Simulator::Schedule(Ns(CLOSE_NS), &NodeApp::CloseOver, this, m_life, c);
    }
}

void
NodeApp::FinishClose(qn_conn c)
{
    Entry* e = Find(c);
    if (e->resetting)
    {
        e->conn->Reset(true);
    }
    else
    {
        e->conn->Close();
    }
    Forget(c);
    qn_node_released(m_node, c);
}

void
NodeApp::Observe(const qn_event& event)
{
    Entry* e = event.conn != 0 ? Find(event.conn) : nullptr;
    if (event.type == QN_EV_STREAM_OPENED && e != nullptr && e->local)
    {
        e->local->SetRoute(event.hops, event.circuit);
    }
    switch (event.type)
    {
    case QN_EV_LINK_UP:
        m_linkUp(m_index, event);
        break;
    case QN_EV_LINK_DOWN:
        m_linkDown(m_index, event);
        break;
    case QN_EV_SNAPSHOT:
        m_broken.lists += GetStatus().snapshot_version < m_listVersion;
        m_listVersion = GetStatus().snapshot_version;
        m_snapshot(m_index, event);
        break;
    case QN_EV_CIRCUIT_BUILT:
        m_circuitBuilt(m_index, event);
        break;
    case QN_EV_CIRCUIT_ENDED:
        m_circuitEnded(m_index, event);
        break;
    case QN_EV_STREAM_OPENED:
        m_streamOpened(m_index, event);
        break;
    case QN_EV_STREAM_FIRST:
        m_streamFirst(m_index, event);
        break;
    case QN_EV_STREAM_ENDED:
        m_streamEnded(m_index, event);
        break;
    case QN_EV_EXIT:  // what the log of a real exit counts
    case QN_EV_CLOCK: // simulated clocks are right
        break;
    }
}

void
NodeApp::QueueSend(qn_conn c)
{
    Entry* e = Find(c);
    if (e != nullptr && !e->toSend)
    {
        e->toSend = true;
        m_toSend.Add(c);
    }
}

void
NodeApp::QueueRead(qn_conn c)
{
    Entry* e = Find(c);
    if (e != nullptr && !e->toRead)
    {
        e->toRead = true;
        m_toRead.Add(c);
    }
}

/// Moves what peek offers into the conn. \return true if all of it went
bool
NodeApp::Push(qn_conn c, Entry& e)
{
    qn_slice v[SLICES];
    for (;;)
    {
        unsigned n = qn_node_peek(m_node, c, v, SLICES);
        if (n == 0)
        {
            return true;
        }
        size_t taken = e.conn->Write(v, n);
        if (taken == 0)
        {
            return false;
        }
        qn_node_consume(m_node, c, taken);
    }
}

void
NodeApp::Flush(qn_conn c)
{
    Entry* e = Find(c);
    if (e == nullptr)
    {
        return;
    }
    e->toSend = false;
    if (!Push(c, *e))
    {
        return;
    }
    if (e->closing)
    {
        FinishClose(c);
    }
    else if (e->finishing)
    {
        e->conn->Finish();
    }
}

/// Hands received bytes to the node: one commit, then the actions it caused, until one side is
/// empty.
void
NodeApp::Read(qn_conn c)
{
    Entry* e = Find(c);
    if (e == nullptr || e->closing)
    {
        return;
    }
    e->toRead = false;
    qn_slice have[SLICES];
    unsigned pieces = e->conn->Peek(have, SLICES);
    if (pieces == 0)
    {
        if (e->conn->AtEof() && !e->eofTold)
        {
            e->eofTold = true;
            qn_node_ended(m_node, c, QN_END_EOF);
        }
        return;
    }
    qn_span room[SLICES];
    unsigned windows = qn_node_space(m_node, c, room, SLICES);
    size_t copied = 0;
    for (unsigned from = 0, to = 0; from < pieces && to < windows;)
    {
        size_t n = std::min(have[from].n, room[to].n);
        std::memcpy(room[to].p, have[from].p, n);
        copied += n;
        have[from] = qn_slice{have[from].p + n, have[from].n - n};
        room[to] = qn_span{room[to].p + n, room[to].n - n};
        from += have[from].n == 0;
        to += room[to].n == 0;
    }
    if (copied > 0)
    {
        e->conn->Consume(copied);
        qn_node_commit(m_node, c, copied);
        QueueRead(c); // there may be more, or the end
    }
}

void
NodeApp::Arm()
{
    qn_time due = qn_node_due(m_node);
    if (due >= m_armed)
    {
        return; // the event in place comes first; it will look again
    }
    m_timer.Cancel();
    m_armed = due;
    int64_t delay = due > m_env.now ? static_cast<int64_t>(due - m_env.now) : 0;
    m_timer = Simulator::Schedule(Ns(delay), &NodeApp::Tick, this);
}

void
NodeApp::Tick()
{
    m_armed = QN_NEVER;
    Enter();
    if (qn_node_due(m_node) <= m_env.now)
    {
        qn_node_tick(m_node);
        Charge(0);
    }
    Drive();
}

// ---- what happened

bool
NodeApp::Accept(TransportConn* conn, const qn_addr& from)
{
    Enter();
    qn_conn c = qn_node_accepted(m_node, QN_LISTEN_LINK, &from, &m_addr);
    if (c != 0)
    {
        conn->SetUser(this, c);
        m_conns[c].conn = conn;
    }
    Drive();
    return c != 0;
}

std::shared_ptr<LocalConn>
NodeApp::OpenSocks(LocalUser* program)
{
    if (m_node == nullptr || m_socksPaused)
    {
        return nullptr;
    }
    qn_addr from{4, {127, 0, 0, 1}, 40000};
    Enter();
    qn_conn c = qn_node_accepted(m_node, QN_LISTEN_SOCKS, &from, &from);
    std::shared_ptr<LocalConn> local;
    if (c != 0)
    {
        local = std::make_shared<LocalConn>(program);
        local->SetNode(this, c);
        Entry& e = m_conns[c];
        e.conn = local.get();
        e.local = local;
    }
    Drive();
    return local;
}

void
NodeApp::ConnOpened(uint32_t key)
{
    Enter();
    qn_node_opened(m_node, key);
    QueueRead(key);
    Drive();
}

void
NodeApp::ConnFailed(uint32_t key, qn_err why)
{
    Forget(key);
    Enter();
    qn_node_open_failed(m_node, key, why);
    Drive();
}

void
NodeApp::ConnReadable(uint32_t key)
{
    Enter();
    QueueRead(key);
    Drive();
}

void
NodeApp::ConnWritable(uint32_t key)
{
    Enter();
    QueueSend(key);
    Drive();
}

void
NodeApp::ConnReset(uint32_t key)
{
    Entry* e = Find(key);
    bool closing = e != nullptr && e->closing;
    Forget(key);
    Enter();
    if (closing)
    {
        qn_node_released(m_node, key);
    }
    else
    {
        qn_node_ended(m_node, key, QN_END_RESET);
    }
    Drive();
}

void
NodeApp::CloseOver(uint32_t life, qn_conn c)
{
    Entry* e = life == m_life ? Find(c) : nullptr;
    if (e == nullptr || !e->closing)
    {
        return; // its last bytes left in time
    }
    Enter();
    FinishClose(c);
    Drive();
}

void
NodeApp::Resolved(uint32_t life, uint32_t query, std::string name, uint16_t port)
{
    if (life != m_life)
    {
        return;
    }
    std::vector<qn_addr> found;
    auto entry = m_shared->names.find(name);
    if (entry != m_shared->names.end())
    {
        found = entry->second;
    }
    for (qn_addr& addr : found)
    {
        addr.port = port;
    }
    Enter();
    qn_node_resolved(m_node,
                     query,
                     found.data(),
                     static_cast<unsigned>(found.size()),
                     found.empty() ? QN_RESOLVE : QN_OK);
    Drive();
}

} // namespace qnet
