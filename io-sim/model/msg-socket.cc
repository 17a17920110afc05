// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>

#include "msg-conn.h"

namespace qnet
{

void
MsgSocket::SetUser(ConnUser* user, uint32_t key)
{
    m_user = user;
    m_key = key;
}

/// A message is sent as a whole, so windows are kept on the average: it goes if half of it fits.
bool
MsgSocket::CanSend() const
{
    const Chunk* head = m_unsent.head;
    return m_state != State::Opening && head != nullptr &&
           (head->kind != ChunkKind::Data || m_inFlight == 0 ||
            m_inFlight + head->len / 2 <= m_window);
}

size_t
MsgSocket::Write(const qn_slice* v, unsigned n)
{
    if (m_state != State::Open || m_finished)
    {
        return 0;
    }
    MsgChannel* channel = m_conn->channel;
    size_t taken = 0;
    for (unsigned i = 0; i < n; i++)
    {
        size_t room =
            channel->m_sendBuffer - std::min<size_t>(m_unsentBytes, channel->m_sendBuffer);
        auto part = static_cast<uint32_t>(std::min(v[i].n, room));
        if (part > 0)
        {
            channel->Append(this, v[i].p, part);
            taken += part;
        }
        if (part < v[i].n)
        {
            m_wantWrite = true;
            break;
        }
    }
    channel->Kick(this);
    return taken;
}

unsigned
MsgSocket::Peek(qn_slice* v, unsigned max) const
{
    unsigned n = 0;
    for (const Chunk* c = m_received.head; c != nullptr && n < max; c = c->next)
    {
        v[n++] = qn_slice{c->Data() + c->off, c->len - c->off};
    }
    return n;
}

void
MsgSocket::Consume(size_t bytes)
{
    if (bytes == 0 || m_state == State::Dead)
    {
        return;
    }
    size_t left = bytes;
    while (left > 0)
    {
        Chunk* c = m_received.head;
        auto part = static_cast<uint32_t>(std::min<size_t>(left, c->len - c->off));
        c->off += part;
        left -= part;
        m_markSeen = m_markSeen || c->marked;
        if (c->off == c->len)
        {
            m_conn->channel->m_pool.Put(m_received.Pop());
        }
    }
    // The acknowledgement costs no uplink: 52 bytes per 16 KiB chunk are within the model's error.
    MsgSocket* other = m_conn->Other(this);
    MsgChannel* channel = m_conn->channel;
    m_conn->refs++;
    ns3::Simulator::ScheduleWithContext(channel->m_hosts[other->m_host].context,
                                        Ns(channel->Travel(m_conn)),
                                        &MsgChannel::Acknowledged,
                                        channel,
                                        other,
                                        static_cast<uint64_t>(bytes),
                                        m_markSeen);
    m_markSeen = false;
}

bool
MsgSocket::AtEof() const
{
    return m_finReceived && m_received.head == nullptr;
}

void
MsgSocket::Finish()
{
    if (m_state == State::Open && !m_finished)
    {
        m_finished = true;
        m_conn->channel->AppendControl(this, ChunkKind::Fin);
    }
}

void
MsgSocket::Close()
{
    MsgConn* conn = m_conn;
    conn->refs++;
    conn->channel->LetGo(this);
    if (m_state == State::Opening)
    {
        m_state = State::Dead;
    }
    else
    {
        Finish();
        size_t unread = 0;
        for (const Chunk* c = m_received.head; c != nullptr; c = c->next)
        {
            unread += c->len - c->off;
        }
        Consume(unread); // what nobody will read may not hold the sender's window shut
    }
    conn->channel->Release(conn);
}

void
MsgSocket::Reset(bool drain)
{
    MsgConn* conn = m_conn;
    MsgChannel* channel = conn->channel;
    conn->refs++;
    channel->LetGo(this);
    if (m_state == State::Open)
    {
        m_finished = true;
        channel->m_pool.Put(m_received);
        if (drain && m_unsent.head != nullptr)
        {
            channel->At(m_host, MsgChannel::DRAIN_NS, &MsgChannel::DrainOver, this);
        }
        else
        {
            channel->DropUnsent(this);
        }
        channel->AppendControl(this, ChunkKind::Rst);
    }
    m_state = State::Dead;
    channel->Release(conn);
}

} // namespace qnet
