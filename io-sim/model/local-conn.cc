// SPDX-License-Identifier: GPL-2.0-only
#include "local-conn.h"

#include "ns3/simulator.h"

namespace qnet
{

LocalConn::LocalConn(LocalUser* program)
    : m_program(program)
{
}

// ---- the program's side

void
LocalConn::Send(const void* p, size_t n)
{
    m_toNode.append(static_cast<const char*>(p), n);
    TellLater();
}

void
LocalConn::SendEof()
{
    m_eof = true;
    TellLater();
}

void
LocalConn::Abort()
{
    m_program = nullptr;
    m_aborted = true;
    TellLater();
}

void
LocalConn::Leave()
{
    m_program = nullptr;
}

void
LocalConn::TellLater()
{
    if (m_node != nullptr && !m_tellPending)
    {
        m_tellPending = true;
        ns3::Simulator::ScheduleNow([self = shared_from_this()]() { self->Tell(); });
    }
}

void
LocalConn::Tell()
{
    ConnUser* node = m_node;
    m_tellPending = false;
    if (node == nullptr)
    {
        return;
    }
    if (m_aborted)
    {
        m_node = nullptr;
        node->ConnReset(m_key);
    }
    else
    {
        node->ConnReadable(m_key);
    }
}

uint8_t
LocalConn::GetHops() const
{
    return m_hops;
}

uint64_t
LocalConn::GetCircuit() const
{
    return m_circuit;
}

// ---- the node's side

void
LocalConn::SetNode(ConnUser* node, uint32_t key)
{
    m_node = node;
    m_key = key;
}

void
LocalConn::SetRoute(uint8_t hops, uint64_t circuit)
{
    m_hops = hops;
    m_circuit = circuit;
}

size_t
LocalConn::Write(const qn_slice* v, unsigned n)
{
    size_t taken = 0;
    for (unsigned i = 0; i < n; i++)
    {
        if (m_program != nullptr)
        {
            m_program->LocalBytes(v[i].p, v[i].n);
        }
        taken += v[i].n;
    }
    return taken;
}

unsigned
LocalConn::Peek(qn_slice* v, unsigned max) const
{
    if (m_toNode.empty() || max == 0)
    {
        return 0;
    }
    v[0] = qn_slice{reinterpret_cast<const uint8_t*>(m_toNode.data()), m_toNode.size()};
    return 1;
}

void
LocalConn::Consume(size_t bytes)
{
    m_toNode.erase(0, bytes);
    if (m_toNode.empty())
    {
        std::string().swap(m_toNode); // thousands of conns rest at any time
    }
}

bool
LocalConn::AtEof() const
{
    return m_eof && m_toNode.empty();
}

void
LocalConn::Finish()
{
    if (m_program != nullptr && !m_finished)
    {
        m_finished = true;
        m_program->LocalEof();
    }
}

void
LocalConn::Close()
{
    Finish();
    m_program = nullptr;
    m_node = nullptr;
}

void
LocalConn::Reset(bool)
{
    LocalUser* program = m_program;
    m_program = nullptr;
    m_node = nullptr;
    if (program != nullptr)
    {
        program->LocalReset();
    }
}

} // namespace qnet
