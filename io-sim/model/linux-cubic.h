// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * CUBIC as Linux has it (net/ipv4/tcp_cubic.c of 6.x, RFC 9438, HyStart), in integers. What ns-3
 * 3.37's TcpCubic does otherwise, and a relay's conns feel, whose load comes and goes:
 *
 * - a window that was not used up does not grow (tcp_is_cwnd_limited); ns-3's grows by every
 *   acknowledgement, so that a conn that carried small objects for a while has a large one;
 * - slow start ends when round trips have grown by an eighth, within 4 to 16 ms, or a train of
 *   acknowledgements is half a round trip long; ns-3's when they have doubled, and it looks at the
 *   smoothed round trip;
 * - where CUBIC is slower than Reno it grows as Reno (tcp_friendliness).
 */
#ifndef QNET_SIM_LINUX_CUBIC_H
#define QNET_SIM_LINUX_CUBIC_H

#include "ns3/tcp-congestion-ops.h"

namespace qnet
{

class LinuxCubic final : public ns3::TcpCongestionOps
{
  public:
    static ns3::TypeId GetTypeId();

    /// After data was sent. \param outstanding packets that are not acknowledged \param full no
    /// other would have fitted into the window
    void NoteSent(ns3::Ptr<const ns3::TcpSocketState> tcb, uint32_t outstanding, bool full);
    /// Before an acknowledgement is processed: the age of the newest segment it is for; us, 0: it
    /// is for none that was sent once.
    void NoteRtt(int64_t us);

    std::string GetName() const override;
    uint32_t GetSsThresh(ns3::Ptr<const ns3::TcpSocketState> tcb, uint32_t bytesInFlight) override;
    void IncreaseWindow(ns3::Ptr<ns3::TcpSocketState> tcb, uint32_t segmentsAcked) override;
    void PktsAcked(ns3::Ptr<ns3::TcpSocketState> tcb,
                   uint32_t segmentsAcked,
                   const ns3::Time& rtt) override;
    void CongestionStateSet(ns3::Ptr<ns3::TcpSocketState> tcb,
                            ns3::TcpSocketState::TcpCongState_t newState) override;
    void CwndEvent(ns3::Ptr<ns3::TcpSocketState> tcb,
                   ns3::TcpSocketState::TcpCAEvent_t event) override;
    ns3::Ptr<ns3::TcpCongestionOps> Fork() override;

  private:
    static constexpr int64_t NONE = -1;

    bool IsLimited(const ns3::TcpSocketState& tcb) const;
    void Forget();
    void BeginRound(const ns3::TcpSocketState& tcb);
    void Watch(ns3::TcpSocketState& tcb, int64_t now);
    void BeginEpoch(uint64_t window, uint64_t acked, int64_t now);
    uint64_t Target(int64_t now) const;
    uint64_t SegmentsPerStep(uint64_t window, uint64_t acked, int64_t now);

    // Whether the window is used: of the packets between two acknowledgements of m_usedUntil.
    bool m_full = false;
    uint32_t m_mostOut = 0;
    ns3::SequenceNumber32 m_usedUntil;

    // CUBIC; segments, ms.
    uint64_t m_lastMax = 0;
    uint64_t m_origin = 0;
    uint64_t m_k = 0; ///< 1/1024 s
    int64_t m_epoch = NONE;
    uint64_t m_acked = 0;
    uint64_t m_reno = 0;
    uint64_t m_count = 0; ///< acknowledged since the window's last step
    int64_t m_lastSent = NONE;

    // HyStart; us.
    int64_t m_sample = 0;
    int64_t m_delayMin = 0;
    bool m_found = false;
    ns3::SequenceNumber32 m_roundEnd;
    int64_t m_roundStart = 0;
    int64_t m_lastAck = 0;
    int64_t m_roundRtt = 0;
    unsigned m_samples = 0;
};

} // namespace qnet

#endif
