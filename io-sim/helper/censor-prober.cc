// SPDX-License-Identifier: GPL-2.0-only
#include "censor-prober.h"

#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::Simulator;

namespace
{

constexpr uint64_t RATE = 100000000;       ///< bit/s
constexpr uint8_t NETWORK[] = {199, 7, 7}; ///< of all probers

} // namespace

CensorProber::CensorProber(
    ns3::Ptr<Transport> transport, uint32_t region, uint8_t number, censor* state, Told told)
    : m_node(ns3::CreateObject<ns3::Node>()),
      m_transport(transport),
      m_state(state),
      m_told(std::move(told))
{
    qn_addr addr{4, {NETWORK[0], NETWORK[1], NETWORK[2], number}, 0};
    m_host = transport->AddHost({m_node, region, RATE, RATE, addr});
}

CensorProber::~CensorProber()
{
    m_due.Cancel();
    for (auto& [key, attempt] : m_attempts)
    {
        attempt.patience.Cancel();
    }
}

bool
CensorProber::IsOwn(const qn_addr& from)
{
    return from.family == 4 && from.ip[0] == NETWORK[0] && from.ip[1] == NETWORK[1] &&
           from.ip[2] == NETWORK[2];
}

/// One event for the earliest probe.
void
CensorProber::Arm()
{
    qn_time due = censor_probe_due(m_state);
    if (due >= m_armed)
    {
        return;
    }
    m_due.Cancel();
    m_armed = due;
    auto now = static_cast<qn_time>(NowNs());
    int64_t wait = due > now ? static_cast<int64_t>(due - now) : 0;
    m_due = Simulator::Schedule(Ns(wait), &CensorProber::Run, this);
}

void
CensorProber::Run()
{
    censor_probe probe;
    m_armed = QN_NEVER;
    while (censor_probe_next(m_state, static_cast<qn_time>(NowNs()), &probe))
    {
        Begin(probe);
    }
    Arm();
}

void
CensorProber::Begin(const censor_probe& probe)
{
    uint32_t key = m_nextKey++;
    Attempt& attempt = m_attempts[key];
    attempt.probe = probe;
    attempt.patience = Simulator::Schedule(
        Ns(static_cast<int64_t>(CENSOR_PROBE_PATIENCE)), &CensorProber::OutOfPatience, this, key);
    attempt.conn = m_transport->Connect(m_host, probe.server, this, key);
}

void
CensorProber::ConnOpened(uint32_t key)
{
    Attempt& attempt = m_attempts.at(key);
    attempt.reaction.opened = true;
    Push(attempt);
}

void
CensorProber::Push(Attempt& attempt)
{
    qn_slice rest{attempt.probe.bytes + attempt.sent, attempt.probe.n - attempt.sent};
    if (rest.n > 0)
    {
        attempt.sent += attempt.conn->Write(&rest, 1);
    }
}

void
CensorProber::ConnWritable(uint32_t key)
{
    Push(m_attempts.at(key));
}

void
CensorProber::ConnReadable(uint32_t key)
{
    Attempt& attempt = m_attempts.at(key);
    qn_slice piece;
    while (attempt.conn->Peek(&piece, 1) > 0)
    {
        censor_shape_add(&attempt.reaction.answer, piece);
        attempt.conn->Consume(piece.n);
    }
    if (attempt.conn->AtEof())
    {
        attempt.reaction.ended = true;
        OutOfPatience(key);
    }
}

void
CensorProber::ConnFailed(uint32_t key, qn_err)
{
    Conclude(key);
}

void
CensorProber::ConnReset(uint32_t key)
{
    m_attempts.at(key).reaction.ended = true;
    Conclude(key);
}

void
CensorProber::OutOfPatience(uint32_t key)
{
    m_attempts.at(key).conn->Reset(false);
    Conclude(key);
}

void
CensorProber::Conclude(uint32_t key)
{
    auto found = m_attempts.find(key);
    Attempt attempt = found->second;
    attempt.patience.Cancel();
    m_attempts.erase(found);
    m_told(attempt.probe.server, censor_probe_done(m_state, &attempt.probe, &attempt.reaction));
}

} // namespace qnet
