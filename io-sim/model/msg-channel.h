// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Tier M: a network of reliable conns without packets.
 *
 * A host has a fair-queued uplink (conns take turns, one chunk of at most 16 KiB each), a region
 * and a FIFO downlink. A chunk is serialised on its sender's uplink, travels for the latency of the
 * host pair and is serialised again on the receiver's downlink. A conn has a window: it starts
 * small, grows as bytes are consumed, and shrinks to seven tenths (CUBIC, RFC 9438) when the
 * receiver's downlink marks a chunk because its queue is long, once for all that was on its way
 * then (marking stands in for loss: nothing is ever sent twice). A chunk of which the access link
 * of either host loses a packet arrives a round trip later, with all behind it, and shrinks the
 * window too: the throughput that loss costs, not its packets. A reader that does not read holds
 * the window shut, so back-pressure reaches the writer. Set-up costs one round trip. Between
 * regions that are cut off from each other everything waits until they no longer are.
 *
 * Only integers: bytes, bits per second and nanoseconds.
 */
#ifndef QNET_SIM_MSG_CHANNEL_H
#define QNET_SIM_MSG_CHANNEL_H

#include <map>
#include <vector>

#include "border.h"
#include "chunk-pool.h"
#include "sim-time.h"
#include "transport.h"

namespace qnet
{

class MsgChannel;
struct MsgConn;

/// One end of a conn across the MsgChannel.
class MsgSocket final : public TransportConn
{
  public:
    size_t Write(const qn_slice* v, unsigned n) override;
    unsigned Peek(qn_slice* v, unsigned max) const override;
    void Consume(size_t bytes) override;
    bool AtEof() const override;
    void Finish() override;
    void Close() override;
    void Reset(bool drain) override;

    void SetUser(ConnUser* user, uint32_t key) override;

  private:
    friend class MsgChannel;
    friend struct MsgConn;

    enum class State : uint8_t
    {
        Opening,
        Open,
        Dead ///< RST sent or received: nothing moves any more
    };

    bool CanSend() const;

    MsgConn* m_conn = nullptr;
    ConnUser* m_user = nullptr; ///< nullptr: let go
    uint32_t m_key = 0;
    uint32_t m_host = 0;
    State m_state = State::Opening;
    bool m_inRing = false;   ///< waits for the uplink's next turn
    bool m_finished = false; ///< FIN queued
    bool m_finReceived = false;
    bool m_wantWrite = false;
    MsgSocket* m_ringNext = nullptr;

    ChunkQueue m_unsent;
    uint32_t m_unsentBytes = 0;
    uint64_t m_inFlight = 0; ///< sent and not yet consumed by the other side
    uint64_t m_window = 0;
    uint64_t m_threshold = 0;    ///< the window doubles per round trip below, grows slowly above
    uint64_t m_sent = 0;         ///< since the conn began
    uint64_t m_acknowledged = 0; ///< of these
    uint64_t m_usedUntil = 0;    ///< m_full and m_mostOut are of what was sent before this
    uint64_t m_mostOut = 0;      ///< bytes in flight
    bool m_full = false;         ///< the window was used up
    uint64_t m_recover = 0;    ///< marks on what was sent before the last cut are of its congestion
    int64_t m_lastArrival = 0; ///< at the other side, of what was sent so far: nothing overtakes

    ChunkQueue m_received;
    bool m_markSeen = false; ///< a marked chunk was consumed and not yet echoed
};

class MsgChannel final : public Transport
{
  public:
    static ns3::TypeId GetTypeId();
    MsgChannel();
    ~MsgChannel() override;

    void Listen(const qn_addr& addr, ConnListener* listener) override;
    TransportConn* Connect(uint32_t host, const qn_addr& to, ConnUser* user, uint32_t key) override;
    void SetRates(uint32_t host, uint64_t up, uint64_t down) override;
    HostStats GetStats(uint32_t host) const override;
    /// Judges every conn between two regions from now on. \param border outlives the conns
    void SetBorder(Border* border);

  protected:
    void DoDispose() override;
    void InstallHost(uint32_t host) override;

  private:
    friend class MsgSocket;

    struct Host
    {
        uint32_t context; ///< ns-3 node id
        uint64_t up;
        uint64_t down;
        HostStats stats{};
        bool busy = false;
        int64_t downFree = 0; ///< when the downlink has finished what arrived so far
        MsgSocket* ringHead = nullptr;
        MsgSocket* ringTail = nullptr;
    };

    static uint64_t WireBytes(uint64_t data);
    int64_t Travel(const MsgConn* conn) const;
    bool MayOpen(MsgConn* conn, const qn_addr& to);
    bool MayPass(MsgSocket* s, Chunk* c, int64_t* wait);
    int64_t Repair(MsgSocket* s, Chunk* c);
    void TearDown(MsgConn* conn);
    void Append(MsgSocket* s, const uint8_t* p, uint32_t n);
    void AppendControl(MsgSocket* s, ChunkKind kind);
    void LetGo(MsgSocket* s);
    void Release(MsgConn* conn);
    void At(uint32_t host, int64_t delay, void (MsgChannel::*handler)(MsgSocket*), MsgSocket* s);
    void Kick(MsgSocket* s);
    void SendNext(Host& host);
    void DropUnsent(MsgSocket* s);
    static void NoteUse(MsgSocket* s);
    bool IsTrain(const MsgSocket* s) const;
    void Grow(MsgSocket* s, uint64_t acknowledged, bool marked);
    void Receive(MsgSocket* s, Chunk* c);
    void ReceiveRst(MsgSocket* s);

    // Events
    void Syn(MsgSocket* s);
    void Opened(MsgSocket* s);
    void Refused(MsgSocket* s);
    void Unreachable(MsgSocket* s);
    void TimedOut(MsgSocket* s);
    void Fail(MsgSocket* s, qn_err why);
    void Sent(MsgSocket* s, Chunk* c);
    void Arrive(MsgSocket* to, Chunk* c);
    void Deliver(MsgSocket* to, Chunk* c);
    void Acknowledged(MsgSocket* s, uint64_t bytes, bool marked);
    void DrainOver(MsgSocket* s);
    void Abandoned(MsgSocket* s);

    uint32_t m_quantum = 0;
    std::vector<Host> m_hosts;
    std::map<Address, ConnListener*> m_listening; ///< by address and port
    MsgConn* m_conns = nullptr;                   ///< all of them, for DoDispose
    ChunkPool m_pool;
    Border* m_border = nullptr;
};

} // namespace qnet

#endif
