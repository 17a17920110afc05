// SPDX-License-Identifier: GPL-2.0-only
#include "linux-tcp.h"

#include <algorithm>

#include "ns3/boolean.h"
#include "ns3/double.h"
#include "ns3/ipv4-end-point.h"
#include "ns3/node.h"
#include "ns3/nstime.h"
#include "ns3/rtt-estimator.h"
#include "ns3/simulator.h"
#include "ns3/tcp-l4-protocol.h"
#include "ns3/tcp-prr-recovery.h"
#include "ns3/tcp-rx-buffer.h"
#include "ns3/tcp-tx-buffer.h"
#include "ns3/uinteger.h"

namespace qnet
{

using ns3::CreateObject;
using ns3::Ptr;
using ns3::UintegerValue;

NS_OBJECT_ENSURE_REGISTERED(LinuxTcp);

namespace
{

/// Linux allows two packets of at least two segments each, or 1 ms of the rate if that is more.
constexpr uint32_t SMALL_QUEUE_SEGMENTS = 4;
/// No packet of ours lives longer, so a finished conn need not wait for the usual 2 minutes.
constexpr double SEGMENT_LIFETIME_S = 1.0;
constexpr int64_t DELAYED_ACK_MS = 40; ///< TCP_DELACK_MIN
constexpr int64_t RTO_MIN_MS = 200;    ///< TCP_RTO_MIN, beside the round trip
constexpr unsigned RETRIES = 15;       ///< net.ipv4.tcp_retries2

bool
IsReset(const ns3::Packet& packet)
{
    ns3::TcpHeader header;
    packet.PeekHeader(header);
    return (header.GetFlags() & ns3::TcpHeader::RST) != 0;
}

} // namespace

ns3::TypeId
LinuxTcp::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::LinuxTcp")
                                 .SetParent<ns3::TcpSocketBase>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<LinuxTcp>();
    return tid;
}

LinuxTcp::LinuxTcp() = default;

LinuxTcp::LinuxTcp(const LinuxTcp& listening)
    : TcpSocketBase(listening),
      m_cubic(ns3::PeekPointer(ns3::DynamicCast<LinuxCubic>(m_congestionControl))),
      m_acceptor(listening.m_acceptor),
      m_demux(listening.m_demux)
{
}

LinuxTcp::~LinuxTcp()
{
    m_headTimer.Cancel();
    if (m_name != 0)
    {
        m_demux->Forget(m_name, this);
    }
}

Ptr<LinuxTcp>
LinuxTcp::Make(Ptr<ns3::Node> node, const Limits& limits)
{
    auto socket = CreateObject<LinuxTcp>();
    socket->SetNode(node);
    auto tcp = node->GetObject<ns3::TcpL4Protocol>();
    socket->SetTcp(tcp);
    socket->m_demux = ns3::DynamicCast<TcpDemux>(tcp);
    socket->SetRtt(CreateObject<ns3::RttMeanDeviation>());
    auto cubic = CreateObject<LinuxCubic>();
    socket->m_cubic = ns3::PeekPointer(cubic);
    socket->SetCongestionControlAlgorithm(cubic);
    socket->SetRecoveryAlgorithm(CreateObject<ns3::TcpPrrRecovery>());
    socket->SetAttribute("SegmentSize", UintegerValue(limits.segment));
    socket->SetAttribute("InitialCwnd", UintegerValue(limits.initialWindow));
    socket->SetAttribute("SndBufSize", UintegerValue(2 * limits.maxWindow));
    socket->SetAttribute("RcvBufSize", UintegerValue(limits.maxWindow));
    socket->SetAttribute("ConnTimeout", ns3::TimeValue(ns3::Seconds(1)));
    socket->SetAttribute("ConnCount", UintegerValue(1 + limits.synRetries));
    socket->SetAttribute("DataRetries", UintegerValue(RETRIES));
    socket->SetAttribute("MaxSegLifetime", ns3::DoubleValue(SEGMENT_LIFETIME_S));
    socket->SetAttribute("DelAckTimeout", ns3::TimeValue(ns3::MilliSeconds(DELAYED_ACK_MS)));
    socket->SetMinRto(ns3::MilliSeconds(RTO_MIN_MS));
    socket->SetClockGranularity(
        ns3::MilliSeconds(RTO_MIN_MS)); // what the estimate is raised by at least
    auto none = ns3::MakeNullCallback<void, Ptr<Socket>>();
    socket->SetConnectCallback(none,
                               ns3::MakeCallback(&LinuxTcp::GaveUp, ns3::PeekPointer(socket)));
    socket->SetCloseCallbacks(none, ns3::MakeCallback(&LinuxTcp::GaveUp, ns3::PeekPointer(socket)));
    return socket;
}

void
LinuxTcp::SetOwner(LinuxTcpOwner* owner)
{
    m_owner = owner;
    if (owner == nullptr && m_device != nullptr)
    {
        m_device->SetFlowUser(m_flow, nullptr); // it has nothing more to send
        m_device = nullptr;
    }
}

void
LinuxTcp::SetAcceptor(LinuxTcpAcceptor* acceptor)
{
    if (!m_acceptor)
    {
        m_acceptor = std::make_shared<LinuxTcpAcceptor*>();
    }
    *m_acceptor = acceptor;
}

void
LinuxTcp::WatchQueue(CloudDevice* device)
{
    m_flow = CloudDevice::FlowOf(GetPeer(), GetLocalPort(), GetPeerPort());
    m_device = device;
    device->SetFlowUser(m_flow, this);
}

bool
LinuxTcp::IsEstablished() const
{
    return m_state >= ESTABLISHED;
}

bool
LinuxTcp::IsDead() const
{
    return m_state == CLOSED;
}

bool
LinuxTcp::PeerFinished() const
{
    return m_tcb->m_rxBuffer->Finished();
}

bool
LinuxTcp::AllAcknowledged() const
{
    return m_txBuffer->Size() == 0;
}

uint32_t
LinuxTcp::GetUnsent() const
{
    return m_txBuffer->SizeFromSequence(m_tcb->m_nextTxSequence);
}

uint32_t
LinuxTcp::GetReceived() const
{
    return GetRxAvailable();
}

ns3::Ipv4EndPoint*
LinuxTcp::GetEndPoint() const
{
    return m_endPoint;
}

ns3::Ipv4Address
LinuxTcp::GetPeer() const
{
    return m_endPoint->GetPeerAddress();
}

uint16_t
LinuxTcp::GetPeerPort() const
{
    return m_endPoint->GetPeerPort();
}

uint16_t
LinuxTcp::GetLocalPort() const
{
    return m_endPoint->GetLocalPort();
}

/// Linux's rule: worth a segment of its own once the window is at least twice what the sender knows
/// of, and the sender knows of less than half the buffer.
void
LinuxTcp::UpdateWindow()
{
    uint32_t room = GetRcvBufSize() - GetRxAvailable();
    uint64_t known = m_advWnd.Get();
    if (m_endPoint != nullptr && m_state >= ESTABLISHED && 2 * known <= GetRcvBufSize() &&
        room >= 2 * known && room > m_tcb->m_segmentSize)
    {
        SendEmptyPacket(ns3::TcpHeader::ACK);
    }
}

void
LinuxTcp::Abort()
{
    SetOwner(nullptr);
    if (m_endPoint != nullptr)
    {
        SendRST();
    }
    m_state = CLOSED;
}

Ptr<ns3::TcpSocketBase>
LinuxTcp::Fork()
{
    auto fork = ns3::CopyObject<LinuxTcp>(this);
    auto none = ns3::MakeNullCallback<void, Ptr<Socket>>();
    fork->SetCloseCallbacks(none, ns3::MakeCallback(&LinuxTcp::GaveUp, ns3::PeekPointer(fork)));
    return fork;
}

void
LinuxTcp::DoForwardUp(Ptr<ns3::Packet> packet, const ns3::Address& from, const ns3::Address& to)
{
    bool refused = m_state == SYN_SENT && IsReset(*packet);
    if (m_name == 0 && m_demux && m_endPoint != nullptr && m_state != LISTEN)
    {
        BeKnown();
    }
    TcpSocketBase::DoForwardUp(packet, from, to);
    if (m_state == LISTEN || m_state == SYN_RCVD)
    {
        return;
    }
    if (refused && m_state == SYN_SENT)
    {
        CloseAndNotify(); // ns-3 3.37 ignores RFC 9293's RST with ACK here and would try again
    }
    if (m_owner == nullptr && m_acceptor && m_state != CLOSED)
    {
        LinuxTcpAcceptor* acceptor = *m_acceptor;
        m_acceptor.reset();
        if (acceptor == nullptr)
        {
            Abort();
            return;
        }
        acceptor->TcpAccepted(this);
    }
    WatchHead();
    if (m_owner != nullptr)
    {
        m_owner->TcpNews();
    }
}

/// With the first segment from the peer both addresses stand.
void
LinuxTcp::BeKnown()
{
    m_name = TcpDemux::NameOf(GetPeer(), GetLocalPort(), GetPeerPort());
    m_demux->Know(m_name, this);
}

/// Forgets what has arrived, and sets the timer by the first segment that has not, if that was sent
/// again. Once for each segment that comes: from a peer who says nothing RACK learns nothing, and
/// the retransmission timer, which waits longer each time, is all there is.
void
LinuxTcp::WatchHead()
{
    ns3::SequenceNumber32 head = m_txBuffer->HeadSequence();
    m_again.erase(m_again.begin(), m_again.lower_bound(head));
    m_headTimer.Cancel();
    if (m_again.empty() || m_again.begin()->first != head || m_state == CLOSED)
    {
        return;
    }
    ns3::Time late = m_again.begin()->second + m_rtt->GetEstimate() * 5 / 4;
    ns3::Time now = ns3::Simulator::Now();
    m_headTimer = ns3::Simulator::Schedule(
        late > now ? late - now : ns3::Time(0), &LinuxTcp::SendHeadAgain, this);
}

void
LinuxTcp::SendHeadAgain()
{
    if (m_endPoint != nullptr && m_state >= ESTABLISHED && m_txBuffer->Size() > 0)
    {
        SendDataPacket(m_txBuffer->HeadSequence(), m_tcb->m_segmentSize, true);
    }
}

/// With losses and a full receiver ns-3 3.37 asks for a segment of no bytes, over and over, and
/// then looks into the packet it did not get.
uint32_t
LinuxTcp::SendDataPacket(ns3::SequenceNumber32 seq, uint32_t size, bool withAck)
{
    m_windowEnd = size == 0;
    if (size == 0)
    {
        return 0;
    }
    if (seq < m_tcb->m_highTxMark.Get())
    {
        m_again[seq] = ns3::Simulator::Now();
    }
    uint32_t sent = TcpSocketBase::SendDataPacket(seq, size, withAck);
    uint32_t inFlight = BytesInFlight();
    uint32_t segment = m_tcb->m_segmentSize;
    m_cubic->NoteSent(m_tcb, inFlight / segment + 1, inFlight + segment > m_tcb->m_cWnd);
    return sent;
}

/// Linux has no timer while nothing is on its way; the next segment sets it again here.
void
LinuxTcp::ReTxTimeout()
{
    bool waits = m_state == ESTABLISHED || m_state == CLOSE_WAIT;
    if (!waits || UnAckDataCount() > 0)
    {
        TcpSocketBase::ReTxTimeout();
    }
}

/// Linux asks the newest segment that is acknowledged, since the oldest waited for an
/// acknowledgement that was delayed.
void
LinuxTcp::EstimateRtt(const ns3::TcpHeader& header)
{
    int64_t us = 0;
    for (const ns3::RttHistory& sent : m_history)
    {
        if (sent.seq + ns3::SequenceNumber32(sent.count) > header.GetAckNumber())
        {
            break;
        }
        us = sent.retx ? 0 : (ns3::Simulator::Now() - sent.time).GetMicroSeconds();
    }
    m_cubic->NoteRtt(us);
    TcpSocketBase::EstimateRtt(header);
}

uint32_t
LinuxTcp::AvailableWindow() const
{
    if (m_windowEnd)
    {
        m_windowEnd = false;
        return 0;
    }
    uint32_t window = TcpSocketBase::AvailableWindow();
    if (m_device == nullptr)
    {
        return window;
    }
    uint32_t most = SMALL_QUEUE_SEGMENTS * m_tcb->m_segmentSize;
    uint32_t queued = m_device->GetQueued(m_flow);
    return queued >= most ? 0 : std::min(window, most - queued);
}

/// Most often an acknowledgement has left, and nothing waits.
void
LinuxTcp::FlowDrained()
{
    if (m_endPoint == nullptr || m_state < ESTABLISHED)
    {
        return;
    }
    if (GetUnsent() > 0 || m_tcb->m_congState != ns3::TcpSocketState::CA_OPEN)
    {
        SendPendingData(true);
    }
    if (m_owner != nullptr)
    {
        m_owner->TcpNews();
    }
}

void
LinuxTcp::GaveUp(Ptr<Socket>)
{
    if (m_owner != nullptr)
    {
        m_owner->TcpGaveUp();
    }
}

} // namespace qnet
