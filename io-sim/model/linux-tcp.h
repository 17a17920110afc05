// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * ns-3's TCP with the habits of Linux's that a relay depends on. ns-3 3.37 has none of them:
 *
 * - a reader that makes room tells the sender (tcp_cleanup_rbuf in Linux's net/ipv4/tcp.c); else a
 *   closed window opens only at the sender's next probe, after 6 s;
 * - a conn keeps little in its own host's queue (TCP small queues), where the device says how much;
 * - a segment that is lost again when it was sent again is noticed (RACK, RFC 8985) after a round
 *   trip and a quarter; else only the timer helps, after 1 s, and the window begins at one segment;
 * - timers are Linux's: an acknowledgement waits 40 ms at most, and the retransmission timer is a
 *   round trip and at least 200 ms (ns-3: 200 ms and 1 s);
 * - a conn over which nothing passes is given up after 15 retransmissions (ns-3: six, within a
 *   minute), so that it can outlast a partition;
 * - what waits for a window that the reader has closed is not lost: ns-3 takes it for that after a
 *   retransmission timeout, and begins again with a window of one segment;
 * - windows grow as Linux's CUBIC lets them (linux-cubic.h);
 * - a conn can be aborted by RST, and its owner can tell a peer's RST from a FIN.
 *
 * News is told after a segment was processed as a whole, so an owner may do anything then.
 */
#ifndef QNET_SIM_LINUX_TCP_H
#define QNET_SIM_LINUX_TCP_H

#include <map>
#include <memory>

#include "ns3/event-id.h"
#include "ns3/tcp-socket-base.h"

#include "cloud-device.h"
#include "linux-cubic.h"
#include "tcp-demux.h"

namespace qnet
{

class LinuxTcp;

/// Who owns a LinuxTcp.
class LinuxTcpOwner
{
  public:
    /// A segment came, or the host's queue took some: look at everything.
    virtual void TcpNews() = 0;
    /// Retransmissions led nowhere; the socket is dead.
    virtual void TcpGaveUp() = 0;

  protected:
    ~LinuxTcpOwner() = default;
};

/// Who owns a listening LinuxTcp.
class LinuxTcpAcceptor
{
  public:
    /// A handshake was completed. May set the socket's owner.
    virtual void TcpAccepted(ns3::Ptr<LinuxTcp> socket) = 0;

  protected:
    ~LinuxTcpAcceptor() = default;
};

class LinuxTcp final : public ns3::TcpSocketBase, private CloudDevice::FlowUser
{
  public:
    static ns3::TypeId GetTypeId();
    LinuxTcp();
    /// What a listening socket makes for each conn.
    LinuxTcp(const LinuxTcp& listening);
    ~LinuxTcp() override;

    struct Limits
    {
        uint32_t segment;       ///< data bytes of one
        uint32_t initialWindow; ///< segments
        uint32_t maxWindow;     ///< bytes
        unsigned synRetries;
    };

    /// A socket on a node with an Internet stack.
    static ns3::Ptr<LinuxTcp> Make(ns3::Ptr<ns3::Node> node, const Limits& limits);

    /// nullptr once nothing is left to send; TCP ends by itself then.
    void SetOwner(LinuxTcpOwner* owner);
    /// Of a listening socket. nullptr once nobody listens: handshakes under way end by RST.
    void SetAcceptor(LinuxTcpAcceptor* acceptor);
    /// Small queues: once the socket has both its addresses.
    void WatchQueue(CloudDevice* device);

    bool IsEstablished() const; ///< the handshake is done; may be half closed since
    bool IsDead() const;
    bool PeerFinished() const;              ///< FIN came, and all bytes before it
    bool AllAcknowledged() const;           ///< nothing written is still on its way
    uint32_t GetUnsent() const;             ///< bytes written and not yet on the host's queue
    uint32_t GetReceived() const;           ///< bytes to Recv
    ns3::Ipv4EndPoint* GetEndPoint() const; ///< nullptr: it has none yet, or none any more
    ns3::Ipv4Address GetPeer() const;
    uint16_t GetPeerPort() const;
    uint16_t GetLocalPort() const;

    /// After Recv: tells the sender if much room was made.
    void UpdateWindow();
    /// RST now; the owner hears nothing of it.
    void Abort();

  private:
    ns3::Ptr<TcpSocketBase> Fork() override;
    void DoForwardUp(ns3::Ptr<ns3::Packet> packet,
                     const ns3::Address& from,
                     const ns3::Address& to) override;
    void ReTxTimeout() override;
    void EstimateRtt(const ns3::TcpHeader& header) override;
    uint32_t SendDataPacket(ns3::SequenceNumber32 seq, uint32_t size, bool withAck) override;
    uint32_t AvailableWindow() const override;
    void FlowDrained() override;
    void BeKnown();
    void WatchHead();
    void SendHeadAgain();
    void GaveUp(ns3::Ptr<ns3::Socket>);

    LinuxCubic* m_cubic = nullptr; ///< the socket's congestion control
    LinuxTcpOwner* m_owner = nullptr;
    std::shared_ptr<LinuxTcpAcceptor*> m_acceptor; ///< shared by all that are being accepted
    CloudDevice* m_device = nullptr;
    uint64_t m_flow = 0;
    ns3::Ptr<TcpDemux> m_demux;                         ///< nullptr: the host has ns-3's own
    uint64_t m_name = 0;                                ///< by which the demux knows it; 0: not yet
    std::map<ns3::SequenceNumber32, ns3::Time> m_again; ///< when segments were last sent again
    ns3::EventId m_headTimer;                           ///< the first of these is late
    mutable bool m_windowEnd = false; ///< the peer takes no more, whatever ns-3 computes
};

} // namespace qnet

#endif
