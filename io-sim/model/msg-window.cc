// SPDX-License-Identifier: GPL-2.0-only
// How windows of the message channel grow: as those of Linux's CUBIC (linux-cubic.h), where that
// can be said without packets.
#include <algorithm>

#include "msg-conn.h"
#include "sim-time.h"

namespace qnet
{

namespace
{

/// Acknowledgements of two segments each are a train if they come within 2 ms of each other.
constexpr uint64_t TRAIN_RATE = 2 * 1500 * 8 * UINT64_C(500); ///< bit/s
constexpr uint64_t LOW_WINDOW = 16 * 1448;                    ///< bytes; below it nobody looks
constexpr uint64_t FIRST_STEP = 20; ///< before the first loss: 5 % a round trip

} // namespace

/// tcp_cwnd_validate: the strongest sign, within one window of data, that the window is needed.
void
MsgChannel::NoteUse(MsgSocket* s)
{
    bool full = s->m_inFlight >= s->m_window || (s->m_unsent.head != nullptr && !s->CanSend());
    if (s->m_acknowledged >= s->m_usedUntil || full || (!s->m_full && s->m_inFlight > s->m_mostOut))
    {
        s->m_full = full;
        s->m_mostOut = s->m_inFlight;
        s->m_usedUntil = s->m_sent;
    }
}

/// HyStart: on an idle line acknowledgements of half this window, which is what made it so large,
/// came for half a round trip without a pause.
bool
MsgChannel::IsTrain(const MsgSocket* s) const
{
    uint64_t rate = std::min(m_hosts[s->m_host].up, m_hosts[s->m_conn->Other(s)->m_host].down);
    return rate >= TRAIN_RATE && s->m_window >= LOW_WINDOW &&
           SerialisationNs(WireBytes(s->m_window), rate) > 2 * s->m_conn->latency;
}

void
MsgChannel::Grow(MsgSocket* s, uint64_t acknowledged, bool marked)
{
    if (marked)
    {
        if (s->m_acknowledged > s->m_recover)
        {
            s->m_recover = s->m_sent;
            s->m_window = std::max(s->m_window * 7 / 10, 2 * SEGMENT);
            s->m_threshold = s->m_window;
        }
        return;
    }
    bool slowStart = s->m_window < s->m_threshold;
    if (!s->m_full && !(slowStart && s->m_window < 2 * s->m_mostOut))
    {
        return;
    }
    if (slowStart)
    {
        s->m_window = std::min(s->m_window + acknowledged, m_maxWindow);
        s->m_threshold = IsTrain(s) ? s->m_window : s->m_threshold;
        return;
    }
    uint64_t more = s->m_recover == 0 ? acknowledged / FIRST_STEP
                                      : std::max<uint64_t>(acknowledged * SEGMENT / s->m_window, 1);
    s->m_window = std::min(s->m_window + more, m_maxWindow);
}

} // namespace qnet
