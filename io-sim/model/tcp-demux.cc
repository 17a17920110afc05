// SPDX-License-Identifier: GPL-2.0-only
#include "tcp-demux.h"

#include "ns3/ipv4-end-point.h"
#include "ns3/ipv4-interface.h"
#include "ns3/node.h"
#include "ns3/packet.h"
#include "ns3/tcp-header.h"

#include "linux-tcp.h"

namespace qnet
{

NS_OBJECT_ENSURE_REGISTERED(TcpDemux);

ns3::TypeId
TcpDemux::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::TcpDemux")
                                 .SetParent<ns3::TcpL4Protocol>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<TcpDemux>();
    return tid;
}

TcpDemux::TcpDemux() = default;
TcpDemux::~TcpDemux() = default;

uint64_t
TcpDemux::NameOf(ns3::Ipv4Address peer, uint16_t localPort, uint16_t peerPort)
{
    return static_cast<uint64_t>(peer.Get()) << 32 | static_cast<uint64_t>(localPort) << 16 |
           peerPort;
}

void
TcpDemux::Know(uint64_t name, LinuxTcp* socket)
{
    m_known[name] = socket;
}

void
TcpDemux::Forget(uint64_t name, const LinuxTcp* socket)
{
    auto found = m_known.find(name);
    if (found != m_known.end() && found->second == socket)
    {
        m_known.erase(found);
    }
}

/// ns-3's own, but for how the end point is found.
ns3::IpL4Protocol::RxStatus
TcpDemux::Receive(ns3::Ptr<ns3::Packet> packet,
                  const ns3::Ipv4Header& header,
                  ns3::Ptr<ns3::Ipv4Interface> interface)
{
    uint8_t b[4] = {}; // both ports come first
    packet->CopyData(b, sizeof b);
    auto peerPort = static_cast<uint16_t>(b[0] << 8 | b[1]);
    auto localPort = static_cast<uint16_t>(b[2] << 8 | b[3]);
    auto found = m_known.find(NameOf(header.GetSource(), localPort, peerPort));
    ns3::Ipv4EndPoint* end = found == m_known.end() ? nullptr : found->second->GetEndPoint();
    if (end == nullptr || end->GetLocalAddress() != header.GetDestination() || !end->IsRxEnabled())
    {
        return TcpL4Protocol::Receive(packet, header, interface);
    }
    if (ns3::Node::ChecksumEnabled())
    {
        ns3::TcpHeader tcp;
        RxStatus status = PacketReceived(packet, tcp, header.GetSource(), header.GetDestination());
        if (status != RX_OK)
        {
            return status;
        }
    }
    end->ForwardUp(packet, header, peerPort, interface);
    return RX_OK;
}

} // namespace qnet
