// SPDX-License-Identifier: GPL-2.0-only
#include "linux-cubic.h"

#include <algorithm>

#include "ns3/simulator.h"

namespace qnet
{

using ns3::Ptr;
using ns3::TcpSocketState;

NS_OBJECT_ENSURE_REGISTERED(LinuxCubic);

namespace
{

// tcp_cubic.c's constants, under its names.
constexpr uint64_t BETA_SCALE = 1024;
constexpr uint64_t BETA = 717;
constexpr unsigned CUBIC_HZ = 10;            ///< times are in 1/1024 s
constexpr uint64_t CUBE_RTT_SCALE = 41 * 10; ///< C = 0.4
constexpr uint64_t CUBE_FACTOR = (UINT64_C(1) << (10 + 3 * CUBIC_HZ)) / CUBE_RTT_SCALE;
constexpr uint64_t RENO_SCALE = 8 * (BETA_SCALE + BETA) / 3 / (BETA_SCALE - BETA);
constexpr uint64_t FIRST_STEP_MAX = 20; ///< before the first loss: 5 % a round trip
constexpr uint64_t STEP_MIN = 2;
constexpr uint64_t NEVER_STEP = 100;
constexpr uint64_t FAR = UINT64_C(1) << 17; ///< 128 s: 800,000 segments off

constexpr uint64_t LOW_WINDOW = 16; ///< segments; below it nothing is looked for
constexpr int64_t ACK_DELTA_US = 2000;
constexpr int64_t DELAY_MIN_US = 4000;
constexpr int64_t DELAY_MAX_US = 16000;
constexpr unsigned SAMPLES_MIN = 8;
constexpr int64_t QUIET_MS = 1000; ///< after a loss round trips say nothing
constexpr int64_t NO_RTT = INT64_MAX;

int64_t
NowUs()
{
    return ns3::Simulator::Now().GetMicroSeconds();
}

/// The largest number whose cube is not above.
uint64_t
CubeRoot(uint64_t value)
{
    uint64_t root = 0;
    for (int bit = 20; bit >= 0; bit--)
    {
        uint64_t next = root | UINT64_C(1) << bit;
        if (next * next * next <= value)
        {
            root = next;
        }
    }
    return root;
}

} // namespace

ns3::TypeId
LinuxCubic::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::LinuxCubic")
                                 .SetParent<ns3::TcpCongestionOps>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<LinuxCubic>();
    return tid;
}

std::string
LinuxCubic::GetName() const
{
    return "LinuxCubic";
}

Ptr<ns3::TcpCongestionOps>
LinuxCubic::Fork()
{
    return ns3::CopyObject<LinuxCubic>(this);
}

// ---- is the window used?

/// tcp_cwnd_validate: the strongest sign within one window of data.
void
LinuxCubic::NoteSent(Ptr<const TcpSocketState> tcb, uint32_t outstanding, bool full)
{
    m_lastSent = NowUs() / 1000;
    if (tcb->m_lastAckedSeq >= m_usedUntil || full || (!m_full && outstanding > m_mostOut))
    {
        m_full = full;
        m_mostOut = outstanding;
        m_usedUntil = tcb->m_highTxMark;
    }
}

bool
LinuxCubic::IsLimited(const TcpSocketState& tcb) const
{
    return m_full || (tcb.m_cWnd < tcb.m_ssThresh && tcb.GetCwndInSegments() < 2 * m_mostOut);
}

// ---- slow start ends

void
LinuxCubic::NoteRtt(int64_t us)
{
    m_sample = us;
}

void
LinuxCubic::BeginRound(const TcpSocketState& tcb)
{
    m_roundStart = m_lastAck = NowUs();
    m_roundEnd = tcb.m_highTxMark;
    m_roundRtt = NO_RTT;
    m_samples = 0;
}

void
LinuxCubic::PktsAcked(Ptr<TcpSocketState> tcb, uint32_t, const ns3::Time&)
{
    int64_t now = NowUs();
    if (m_sample <= 0 || (m_epoch != NONE && now / 1000 - m_epoch < QUIET_MS))
    {
        return;
    }
    m_delayMin = m_delayMin == 0 ? m_sample : std::min(m_delayMin, m_sample);
    if (!m_found && tcb->m_cWnd < tcb->m_ssThresh && tcb->GetCwndInSegments() >= LOW_WINDOW)
    {
        Watch(*tcb, now);
    }
}

/// hystart_update, without pacing.
void
LinuxCubic::Watch(TcpSocketState& tcb, int64_t now)
{
    if (tcb.m_lastAckedSeq > m_roundEnd)
    {
        BeginRound(tcb);
    }
    if (now - m_lastAck <= ACK_DELTA_US)
    {
        m_lastAck = now;
        m_found = m_found || now - m_roundStart > m_delayMin / 2;
    }
    m_roundRtt = std::min(m_roundRtt, m_sample);
    if (m_samples < SAMPLES_MIN)
    {
        m_samples++;
    }
    else
    {
        int64_t more = std::clamp(m_delayMin / 8, DELAY_MIN_US, DELAY_MAX_US);
        m_found = m_found || m_roundRtt > m_delayMin + more;
    }
    if (m_found)
    {
        tcb.m_ssThresh = tcb.m_cWnd;
    }
}

// ---- CUBIC

void
LinuxCubic::Forget()
{
    m_lastMax = m_origin = m_k = m_acked = m_reno = m_count = 0;
    m_epoch = NONE;
    m_delayMin = 0;
    m_found = false;
}

uint32_t
LinuxCubic::GetSsThresh(Ptr<const TcpSocketState> tcb, uint32_t)
{
    uint64_t window = tcb->GetCwndInSegments();
    m_epoch = NONE;
    m_lastMax = window < m_lastMax ? window * (BETA_SCALE + BETA) / (2 * BETA_SCALE) : window;
    uint64_t threshold = std::max<uint64_t>(window * BETA / BETA_SCALE, 2);
    return static_cast<uint32_t>(threshold * tcb->m_segmentSize);
}

void
LinuxCubic::CongestionStateSet(Ptr<TcpSocketState> tcb, TcpSocketState::TcpCongState_t newState)
{
    if (newState == TcpSocketState::CA_LOSS)
    {
        Forget();
        BeginRound(*tcb);
    }
}

/// A conn that sends again after a rest goes on where its curve was.
void
LinuxCubic::CwndEvent(Ptr<TcpSocketState>, TcpSocketState::TcpCAEvent_t event)
{
    if (event == TcpSocketState::CA_EVENT_TX_START && m_epoch != NONE && m_lastSent != NONE)
    {
        int64_t now = NowUs() / 1000;
        m_epoch = std::min(m_epoch + now - m_lastSent, now);
    }
}

void
LinuxCubic::BeginEpoch(uint64_t window, uint64_t acked, int64_t now)
{
    m_epoch = now;
    m_acked = acked;
    m_reno = window;
    m_k = m_lastMax <= window ? 0 : CubeRoot(CUBE_FACTOR * (m_lastMax - window));
    m_origin = std::max(m_lastMax, window);
}

/// The curve's value a round trip from now.
uint64_t
LinuxCubic::Target(int64_t now) const
{
    auto ms = static_cast<uint64_t>(now - m_epoch + m_delayMin / 1000);
    uint64_t t = (ms << CUBIC_HZ) / 1000;
    uint64_t off = std::min(t < m_k ? m_k - t : t - m_k, FAR); // its cube must fit
    uint64_t delta = (CUBE_RTT_SCALE * off * off * off) >> (10 + 3 * CUBIC_HZ);
    return t < m_k ? m_origin - std::min(delta, m_origin) : m_origin + delta;
}

/// How many acknowledged segments widen the window by one.
uint64_t
LinuxCubic::SegmentsPerStep(uint64_t window, uint64_t acked, int64_t now)
{
    m_acked += acked;
    if (m_epoch == NONE)
    {
        BeginEpoch(window, acked, now);
    }
    uint64_t target = Target(now);
    uint64_t step = target > window ? window / (target - window) : NEVER_STEP * window;
    if (m_lastMax == 0)
    {
        step = std::min(step, FIRST_STEP_MAX);
    }
    uint64_t perReno = std::max<uint64_t>(window * RENO_SCALE / 8, 1);
    m_reno += m_acked / perReno;
    m_acked %= perReno;
    if (m_reno > window)
    {
        step = std::min(step, window / (m_reno - window));
    }
    return std::max(step, STEP_MIN);
}

void
LinuxCubic::IncreaseWindow(Ptr<TcpSocketState> tcb, uint32_t segmentsAcked)
{
    if (!IsLimited(*tcb))
    {
        return;
    }
    uint64_t segment = tcb->m_segmentSize;
    uint64_t acked = segmentsAcked;
    if (tcb->m_cWnd < tcb->m_ssThresh)
    {
        uint64_t room = (tcb->m_ssThresh - tcb->m_cWnd + segment - 1) / segment;
        uint64_t taken = std::min(acked, room);
        tcb->m_cWnd += static_cast<uint32_t>(taken * segment);
        acked -= taken;
    }
    if (acked == 0)
    {
        return;
    }
    uint64_t step = SegmentsPerStep(tcb->GetCwndInSegments(), acked, NowUs() / 1000);
    if (m_count >= step)
    {
        m_count = 0;
        tcb->m_cWnd += static_cast<uint32_t>(segment);
    }
    m_count += acked;
    if (m_count >= step)
    {
        tcb->m_cWnd += static_cast<uint32_t>(m_count / step * segment);
        m_count %= step;
    }
}

} // namespace qnet
