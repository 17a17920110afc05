// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * ns-3's TCP of a host with hundreds of conns. ns-3 3.37 looks through all end points of a host for
 * every segment, which took most of a run in which relays have a thousand; this finds the conn by
 * its addresses, and leaves all it does not find to ns-3.
 */
#ifndef QNET_SIM_TCP_DEMUX_H
#define QNET_SIM_TCP_DEMUX_H

#include <cstdint>
#include <unordered_map>

#include "ns3/ipv4-address.h"
#include "ns3/tcp-l4-protocol.h"

namespace qnet
{

class LinuxTcp;

class TcpDemux final : public ns3::TcpL4Protocol
{
  public:
    static ns3::TypeId GetTypeId();
    TcpDemux();
    ~TcpDemux() override;

    /// Segments from there are this socket's, until it is forgotten or has no end point any more.
    void Know(uint64_t name, LinuxTcp* socket);
    /// Harmless where another socket has taken the name over.
    void Forget(uint64_t name, const LinuxTcp* socket);

    /// What a host's conns are told apart by.
    static uint64_t NameOf(ns3::Ipv4Address peer, uint16_t localPort, uint16_t peerPort);

    using TcpL4Protocol::Receive;
    ns3::IpL4Protocol::RxStatus Receive(ns3::Ptr<ns3::Packet> packet,
                                        const ns3::Ipv4Header& header,
                                        ns3::Ptr<ns3::Ipv4Interface> interface) override;

  private:
    std::unordered_map<uint64_t, LinuxTcp*> m_known; ///< looked up, never walked
};

} // namespace qnet

#endif
