// SPDX-License-Identifier: GPL-2.0-only
#include "tcp-conn.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "ns3/packet.h"
#include "ns3/simulator.h"

#include "sim-time.h"
#include "tcp-transport.h"

namespace qnet
{

using ns3::Ptr;
using ns3::Simulator;

namespace
{

constexpr uint32_t READ_BYTES = 16384; ///< held outside TCP's window, per conn that is read

} // namespace

TcpConn::TcpConn(TcpTransport* transport, uint32_t host, Ptr<LinuxTcp> socket)
    : m_transport(transport),
      m_host(host),
      m_socket(socket)
{
    if (m_socket)
    {
        m_socket->SetOwner(this);
    }
}

TcpConn::~TcpConn()
{
    m_timer.Cancel();
    if (m_socket)
    {
        m_socket->SetOwner(nullptr);
    }
}

void
TcpConn::SetUser(ConnUser* user, uint32_t key)
{
    m_user = user;
    m_key = key;
}

// ---- writing

size_t
TcpConn::Room() const
{
    uint32_t held = m_socket->GetUnsent();
    size_t most = m_transport->m_sendBuffer;
    return held >= most ? 0 : std::min<size_t>(most - held, m_socket->GetTxAvailable());
}

size_t
TcpConn::Write(const qn_slice* v, unsigned n)
{
    if (m_opening || m_finishing || m_aborting)
    {
        return 0;
    }
    size_t room = Room();
    std::vector<uint8_t>& bytes = m_transport->m_gathered;
    bytes.clear();
    for (unsigned i = 0; i < n; i++)
    {
        size_t part = std::min(v[i].n, room - bytes.size());
        bytes.insert(bytes.end(), v[i].p, v[i].p + part);
        m_wantWrite = m_wantWrite || part < v[i].n;
    }
    size_t taken = bytes.size();
    if (taken > 0)
    {
        m_socket->Send(ns3::Create<ns3::Packet>(bytes.data(), taken), 0);
        CountUnsent();
    }
    return taken;
}

void
TcpConn::CountUnsent()
{
    uint32_t now = m_socket->IsDead() ? 0 : m_socket->GetUnsent();
    m_transport->m_heldBack[m_host] += now;
    m_transport->m_heldBack[m_host] -= m_unsent;
    m_unsent = now;
}

// ---- reading

unsigned
TcpConn::Peek(qn_slice* v, unsigned max) const
{
    if (max == 0 || m_readAt == m_readBytes)
    {
        return 0;
    }
    v[0] = qn_slice{m_read.get() + m_readAt, m_readBytes - m_readAt};
    return 1;
}

void
TcpConn::Refill()
{
    uint32_t n = std::min(m_socket->GetReceived(), READ_BYTES);
    if (m_readAt < m_readBytes || n == 0)
    {
        return;
    }
    Ptr<ns3::Packet> packet = m_socket->Recv(n, 0);
    auto& spare = m_transport->m_spare;
    if (!m_read && spare.empty())
    {
        m_read = std::make_unique<uint8_t[]>(READ_BYTES);
    }
    else if (!m_read)
    {
        m_read = std::move(spare.back());
        spare.pop_back();
    }
    m_readBytes = packet->CopyData(m_read.get(), READ_BYTES);
    m_readAt = 0;
    m_socket->UpdateWindow();
}

void
TcpConn::Consume(size_t bytes)
{
    m_readAt += static_cast<uint32_t>(bytes);
    if (m_readAt == m_readBytes)
    {
        Refill();
    }
    if (m_readAt == m_readBytes)
    {
        DropRead(); // an idle conn costs no buffer
    }
}

void
TcpConn::DropRead()
{
    if (m_read)
    {
        m_transport->m_spare.push_back(std::move(m_read));
    }
    m_readAt = m_readBytes = 0;
}

void
TcpConn::Discard()
{
    while (m_socket->GetReceived() > 0)
    {
        m_socket->Recv(UINT32_MAX, 0);
    }
    m_socket->UpdateWindow();
}

bool
TcpConn::AtEof() const
{
    return m_readAt == m_readBytes && m_socket->GetReceived() == 0 && m_socket->PeerFinished();
}

// ---- news

void
TcpConn::TcpNews()
{
    CountUnsent();
    if (m_socket->IsDead() && !(m_socket->PeerFinished() && m_finSent))
    {
        TellFailed(QN_REFUSED);
        return;
    }
    if (m_opening)
    {
        BeOpen();
        if (m_user != nullptr)
        {
            m_user->ConnOpened(m_key);
        }
    }
    if (m_user != nullptr)
    {
        TellReadable();
    }
    if (m_user != nullptr)
    {
        TellWritable();
    }
    MoveOn();
}

void
TcpConn::TcpGaveUp()
{
    TellFailed(QN_TIMEOUT);
}

void
TcpConn::BeOpen()
{
    m_opening = false;
    CloudDevice* queue = m_transport->QueueOf(m_host);
    if (queue != nullptr)
    {
        m_socket->WatchQueue(queue);
    }
}

/// \param why if it never was open
void
TcpConn::TellFailed(qn_err why)
{
    ConnUser* user = m_user;
    bool opening = m_opening;
    LetGo();
    if (m_socket)
    {
        m_socket->SetOwner(nullptr);
    }
    m_transport->Retire(this);
    if (user != nullptr && opening)
    {
        user->ConnFailed(m_key, why);
    }
    else if (user != nullptr)
    {
        user->ConnReset(m_key);
    }
}

void
TcpConn::TellReadable()
{
    bool had = m_readAt < m_readBytes;
    if (!had)
    {
        Refill();
    }
    bool eof = !m_eofTold && AtEof();
    m_eofTold = m_eofTold || eof;
    if (eof || (!had && m_readAt < m_readBytes))
    {
        m_user->ConnReadable(m_key);
    }
}

void
TcpConn::TellWritable()
{
    if (m_wantWrite && Room() >= m_transport->m_sendBuffer / 2)
    {
        m_wantWrite = false;
        m_user->ConnWritable(m_key);
    }
}

/// What was asked for and had to wait: the FIN, the RST, the end.
void
TcpConn::MoveOn()
{
    if (m_aborting && m_socket->AllAcknowledged())
    {
        Abort();
        return;
    }
    if (m_finishing && !m_finSent && m_socket->AllAcknowledged())
    {
        m_finSent = true;
        m_socket->ShutdownSend();
    }
    if (m_user == nullptr && !m_aborting)
    {
        Discard();
        if (m_finSent && m_socket->PeerFinished())
        {
            m_socket->SetOwner(nullptr); // TCP does the rest by itself
            m_transport->Retire(this);
        }
    }
}

// ---- endings

void
TcpConn::LetGo()
{
    m_user = nullptr;
    m_wantWrite = false;
}

void
TcpConn::Finish()
{
    if (!m_finishing && !m_opening)
    {
        m_finishing = true;
        MoveOn();
    }
}

void
TcpConn::Close()
{
    LetGo();
    if (m_opening)
    {
        Abort();
        return;
    }
    DropRead();
    m_finishing = true;
    MoveOn();
}

void
TcpConn::Reset(bool drain)
{
    LetGo();
    if (drain && !m_opening && !m_socket->AllAcknowledged())
    {
        m_aborting = true;
        m_timer = Simulator::Schedule(Ns(Transport::DRAIN_NS), &TcpConn::Abort, this);
        return;
    }
    Abort();
}

void
TcpConn::Abort()
{
    if (m_socket)
    {
        m_socket->Abort();
        CountUnsent();
    }
    m_transport->Retire(this);
}

void
TcpConn::FailLater(int64_t delay)
{
    m_timer = Simulator::Schedule(Ns(delay), &TcpConn::TellFailed, this, QN_UNREACHABLE);
}

} // namespace qnet
