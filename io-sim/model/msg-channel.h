// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Tier M: a network of reliable conns without packets.
 *
 * A host has a fair-queued uplink (conns take turns, one chunk of at most 16 KiB each), a region
 * and a FIFO downlink. A chunk is serialised on its sender's uplink, travels for the latency of the
 * host pair and is serialised again on the receiver's downlink. A conn has a window: it starts
 * small, grows as bytes are consumed, and halves when the receiver's downlink marks a chunk because
 * its queue is long (marking stands in for loss: nothing is ever sent twice). A reader that does
 * not read holds the window shut, so back-pressure reaches the writer. Set-up costs one round trip.
 *
 * Only integers: bytes, bits per second and nanoseconds.
 */
#ifndef QNET_SIM_MSG_CHANNEL_H
#define QNET_SIM_MSG_CHANNEL_H

#include <map>
#include <memory>
#include <vector>

#include "ns3/object.h"

#include "byte-conn.h"
#include "chunk-pool.h"
#include "sim-time.h"

namespace qnet
{

class MsgChannel;
struct MsgConn;

/// One end of a conn across the MsgChannel.
class MsgSocket final : public ByteConn
{
  public:
    size_t Write(const qn_slice* v, unsigned n) override;
    unsigned Peek(qn_slice* v, unsigned max) const override;
    void Consume(size_t bytes) override;
    bool AtEof() const override;
    void Finish() override;
    void Close() override;
    void Reset(bool drain) override;

    /// Whoever accepts a socket says here who uses it, before anything else.
    void SetUser(ConnUser* user, uint32_t key);

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
    uint64_t m_threshold = 0; ///< the window doubles per round trip below, grows slowly above
    int64_t m_lastCut = 0;

    ChunkQueue m_received;
    bool m_markSeen = false; ///< a marked chunk was consumed and not yet echoed
};

/// Who listens on an address.
class MsgListener
{
  public:
    enum class Answer
    {
        Accepted, ///< the socket has a user now
        Refused,
        Busy ///< the SYN is lost, as with a full backlog; TCP will send it again
    };

    virtual Answer Accept(MsgSocket* socket, const qn_addr& from) = 0;

  protected:
    ~MsgListener() = default;
};

class MsgChannel : public ns3::Object
{
  public:
    static ns3::TypeId GetTypeId();
    MsgChannel();
    ~MsgChannel() override;

    struct HostConfig
    {
        uint32_t context; ///< ns-3 node id: events at this host run in its context
        uint32_t region;
        uint64_t up;   ///< bit/s
        uint64_t down; ///< bit/s
        qn_addr addr;  ///< where its conns come from (port unused)
    };

    struct HostStats
    {
        uint64_t sent;     ///< bytes put on the uplink, headers included
        uint64_t received; ///< bytes taken off the downlink, headers included
        uint64_t unsent;   ///< bytes waiting for the uplink now
        uint64_t marked;   ///< chunks that met a long downlink queue
    };

    /// One-way latency in ns between regions, row by row; `count` squared entries, symmetric.
    void SetLatency(uint32_t count, std::vector<uint64_t> table);
    uint32_t AddHost(const HostConfig& config);
    /// One listener per address and port; the last one wins. The address must be a host's.
    void Listen(const qn_addr& addr, MsgListener* listener);
    /// Answers by ConnOpened or ConnFailed later: REFUSED by a host where nobody listens,
    /// UNREACHABLE where there is no host.
    MsgSocket* Connect(uint32_t host, const qn_addr& to, ConnUser* user, uint32_t key);

    const HostStats& GetStats(uint32_t host) const;
    /// One way, the pair's own offset included.
    int64_t GetLatency(uint32_t a, uint32_t b) const;

  protected:
    void DoDispose() override;

  private:
    friend class MsgSocket;

    /// node.h: RESET and CLOSE wait for their last bytes no longer than this.
    static constexpr int64_t DRAIN_NS = 200 * NS_PER_MS;

    struct Host
    {
        HostConfig config{};
        HostStats stats{};
        bool busy = false;
        int64_t downFree = 0; ///< when the downlink has finished what arrived so far
        MsgSocket* ringHead = nullptr;
        MsgSocket* ringTail = nullptr;
    };

    using Address = std::pair<uint64_t, uint64_t>;
    static Address Key(const qn_addr& addr, bool withPort);

    void Append(MsgSocket* s, const uint8_t* p, uint32_t n);
    void AppendControl(MsgSocket* s, ChunkKind kind);
    void LetGo(MsgSocket* s);
    void Release(MsgConn* conn);
    void At(uint32_t host, int64_t delay, void (MsgChannel::*handler)(MsgSocket*), MsgSocket* s);
    void Kick(MsgSocket* s);
    void SendNext(Host& host);
    void DropUnsent(MsgSocket* s);
    void Grow(MsgSocket* s, uint64_t acknowledged, bool marked);
    void Receive(MsgSocket* s, Chunk* c);
    void ReceiveRst(MsgSocket* s);

    // Events
    void Syn(MsgSocket* s);
    void Opened(MsgSocket* s);
    void Refused(MsgSocket* s);
    void Unreachable(MsgSocket* s);
    void Sent(MsgSocket* s, Chunk* c);
    void Arrive(MsgSocket* to, Chunk* c);
    void Deliver(MsgSocket* to, Chunk* c);
    void Acknowledged(MsgSocket* s, uint64_t bytes, bool marked);
    void DrainOver(MsgSocket* s);
    void Abandoned(MsgSocket* s);

    uint32_t m_quantum = 0;
    uint64_t m_initialWindow = 0;
    uint64_t m_maxWindow = 0;
    uint64_t m_sendBuffer = 0;
    uint64_t m_markAbove = 0;
    uint64_t m_spread = 0;
    uint64_t m_salt = 0;

    uint32_t m_regions = 0;
    std::vector<uint64_t> m_latency;
    std::vector<Host> m_hosts;
    std::map<Address, MsgListener*> m_listening; ///< by address and port
    std::map<Address, uint32_t> m_addresses;     ///< hosts by address
    MsgConn* m_conns = nullptr;                  ///< all of them, for DoDispose
    ChunkPool m_pool;
};

} // namespace qnet

#endif
