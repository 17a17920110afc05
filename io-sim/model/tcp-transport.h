// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Conns over ns-3's TCP, whatever the network beneath: tiers T and P, or the user's own.
 */
#ifndef QNET_SIM_TCP_TRANSPORT_H
#define QNET_SIM_TCP_TRANSPORT_H

#include <list>
#include <memory>

#include "ns3/internet-stack-helper.h"

#include "linux-tcp.h"
#include "tcp-conn.h"

namespace qnet
{

class TcpTransport : public Transport
{
  public:
    static ns3::TypeId GetTypeId();
    TcpTransport();
    ~TcpTransport() override;

    void Listen(const qn_addr& addr, ConnListener* listener) override;
    TransportConn* Connect(uint32_t host, const qn_addr& to, ConnUser* user, uint32_t key) override;
    bool Capture(uint32_t host, ns3::Ptr<ns3::PcapFileWrapper> file) override;

    static ns3::Ipv4Address ToIpv4(const qn_addr& addr);
    static qn_addr FromIpv4(ns3::Ipv4Address address, uint16_t port);

  protected:
    void DoDispose() override;
    /// Stack, device and address. Who brings these only calls CountFrom.
    void InstallHost(uint32_t host) override;
    /// Hosts are counted from 0 on, as they come.
    void CountFrom(uint32_t host);
    /// The host's device and address go in here, beneath a stack that is already there.
    virtual void InstallDevice(uint32_t host) = 0;
    /// Where the sockets of this host are told how full its uplink is; null: nowhere.
    virtual CloudDevice* QueueOf(uint32_t host) const;
    virtual void InstallStack(ns3::InternetStackHelper& stack) = 0;

    /// Bytes its conns hold back from the uplink.
    uint64_t GetHeldBack(uint32_t host) const;
    uint32_t m_segment = 0;

  private:
    friend class TcpConn;

    /// One address and port that someone listens on.
    class Door final : public LinuxTcpAcceptor
    {
      public:
        Door(TcpTransport* transport, uint32_t host, ConnListener* listener, uint16_t port);
        ~Door();
        void TcpAccepted(ns3::Ptr<LinuxTcp> socket) override;

        ConnListener* listener;

      private:
        TcpTransport* m_transport;
        uint32_t m_host;
        ns3::Ptr<LinuxTcp> m_socket;
    };

    LinuxTcp::Limits GetLimits() const;
    TcpConn* Add(uint32_t host, ns3::Ptr<LinuxTcp> socket);
    /// The conn is deleted by an event of its own.
    void Retire(TcpConn* conn);
    void Delete(TcpConn* conn);

    std::map<Address, std::unique_ptr<Door>> m_doors; ///< by address and port
    std::list<TcpConn*> m_conns;
    std::vector<uint64_t> m_heldBack; ///< by host

    // Used again and again: 16 KB each are what an allocator has to search for.
    std::vector<std::unique_ptr<uint8_t[]>> m_spare; ///< buffers that conns read into
    std::vector<uint8_t> m_gathered;                 ///< what a conn is writing
};

} // namespace qnet

#endif
