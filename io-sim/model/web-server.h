// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * An ordinary web server of the outside world: not a QNet node, and unaware of them.
 *
 * HTTP/1.1 (RFC 9112, 9.6). The response ends with FIN, unless the request asks to keep the conn:
 *
 *     GET /bytes/N     200, N bytes of web object N
 *     GET /reset/N/M   200, announces N bytes, sends M of them, then resets the conn
 *     anything else    404; 400 at once if it begins with no letter
 */
#ifndef QNET_SIM_WEB_SERVER_H
#define QNET_SIM_WEB_SERVER_H

#include <string>
#include <unordered_map>

#include "ns3/application.h"

#include "transport.h"

namespace qnet
{

class WebServer final : public ns3::Application, private ConnUser, private ConnListener
{
  public:
    static ns3::TypeId GetTypeId();

    /// \param addr where it listens, port included
    void Setup(ns3::Ptr<Transport> transport, const qn_addr& addr);
    uint32_t GetHost() const;
    uint64_t GetRequests() const;

  protected:
    void DoDispose() override;

  private:
    struct Session
    {
        TransportConn* socket = nullptr;
        std::string request; ///< until its empty line came
        std::string header;  ///< of the response, what is not sent yet
        uint64_t object = 0;
        uint64_t sent = 0; ///< bytes of the body
        uint64_t end = 0;  ///< bytes of the body to send
        bool resets = false;
        bool keeps = false; ///< the conn, for further requests
        bool answering = false;
        bool finished = false;
    };

    void StartApplication() override;
    void StopApplication() override;
    bool Accept(TransportConn* socket, const qn_addr& from) override;
    void ConnOpened(uint32_t key) override;
    void ConnFailed(uint32_t key, qn_err why) override;
    void ConnReadable(uint32_t key) override;
    void ConnWritable(uint32_t key) override;
    void ConnReset(uint32_t key) override;

    void Begin(Session& s);
    bool SendHeader(Session& s);
    void SendMore(uint32_t key);

    ns3::Ptr<Transport> m_transport;
    qn_addr m_addr{};
    uint32_t m_host = 0;
    uint32_t m_region = 0;
    uint64_t m_up = 0;
    uint64_t m_down = 0;
    uint64_t m_delay = 0;
    uint32_t m_loss = 0;
    uint32_t m_nextKey = 1;
    uint64_t m_requests = 0;
    std::unordered_map<uint32_t, Session> m_sessions;
};

} // namespace qnet

#endif
