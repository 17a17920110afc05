// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * One end of a conn over ns-3's TCP.
 *
 * A FIN is only sent once all bytes before it are acknowledged: ns-3 3.37 takes any ACK in LAST_ACK
 * for the FIN's and then drops what was lost, and its receiver misplaces a FIN that shares a
 * segment with data. So an end of stream is heard one round trip later than from Linux.
 */
#ifndef QNET_SIM_TCP_CONN_H
#define QNET_SIM_TCP_CONN_H

#include <list>
#include <memory>

#include "ns3/event-id.h"

#include "linux-tcp.h"
#include "transport.h"

namespace qnet
{

class TcpTransport;

class TcpConn final : public TransportConn, private LinuxTcpOwner
{
  public:
    TcpConn(TcpTransport* transport, uint32_t host, ns3::Ptr<LinuxTcp> socket);
    ~TcpConn();
    TcpConn(const TcpConn&) = delete;
    TcpConn& operator=(const TcpConn&) = delete;

    void SetUser(ConnUser* user, uint32_t key) override;
    size_t Write(const qn_slice* v, unsigned n) override;
    unsigned Peek(qn_slice* v, unsigned max) const override;
    void Consume(size_t bytes) override;
    bool AtEof() const override;
    void Finish() override;
    void Close() override;
    void Reset(bool drain) override;

  private:
    friend class TcpTransport;

    void TcpNews() override;
    void TcpGaveUp() override;

    void BeOpen();
    void TellFailed(qn_err why);
    void TellReadable();
    void TellWritable();
    size_t Room() const;
    void Refill();
    void DropRead();
    void Discard();
    void CountUnsent();
    void MoveOn();
    void LetGo();
    void Abort();
    /// There is nobody to connect to.
    void FailLater(int64_t delay);

    TcpTransport* m_transport;
    uint32_t m_host;
    ns3::Ptr<LinuxTcp> m_socket;           ///< nullptr: there is nobody to connect to
    std::list<TcpConn*>::iterator m_place; ///< in the transport's list
    bool m_retired = false;                ///< will be deleted
    ns3::EventId m_timer;                  ///< of a drain, or of FailLater
    ConnUser* m_user = nullptr;            ///< nullptr: let go
    uint32_t m_key = 0;
    bool m_opening = true;
    bool m_wantWrite = false;
    bool m_finishing = false; ///< FIN once all is acknowledged
    bool m_finSent = false;
    bool m_aborting = false; ///< RST once all is acknowledged
    bool m_eofTold = false;
    uint32_t m_unsent = 0; ///< as last counted into the host's sum

    std::unique_ptr<uint8_t[]> m_read; ///< taken from the socket, not yet consumed
    uint32_t m_readBytes = 0;
    uint32_t m_readAt = 0;
};

} // namespace qnet

#endif
