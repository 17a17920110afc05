// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A server that controls go to (control-flow.h): a web site with TLS, or one end of another way
 * past a censor.
 */
#ifndef QNET_SIM_CONTROL_SERVER_H
#define QNET_SIM_CONTROL_SERVER_H

#include <map>
#include <memory>

#include "ns3/application.h"

#include "control-flow.h"
#include "origin.h"
#include "shared-core.h"

namespace qnet
{

class ControlServer final : public ns3::Application, private ConnUser, private ConnListener
{
  public:
    static ns3::TypeId GetTypeId();

    /// \param flows outlive it \param size of each answer, bytes; not for a site
    /// \param site null unless the kind is Browser
    void Setup(ns3::Ptr<Transport> transport,
               const Transport::HostConfig& host,
               uint16_t port,
               ControlFlows* flows,
               uint64_t size,
               std::unique_ptr<Origin> site,
               uint64_t seed,
               uint32_t index);
    uint32_t GetHost() const;

  protected:
    void DoDispose() override;

  private:
    struct Session
    {
        TransportConn* conn = nullptr;
        std::shared_ptr<LocalConn> site; ///< null: scripted
        std::string first;               ///< until it is known what it is
        bool greeted = false;
        bool silent = false;  ///< nothing more is said
        bool served = false;  ///< the answer has begun
        bool closing = false; ///< behind what is in `out`
        std::string out;
    };

    void StartApplication() override;
    void StopApplication() override;
    bool Accept(TransportConn* conn, const qn_addr& from) override;
    void ConnOpened(uint32_t key) override;
    void ConnFailed(uint32_t key, qn_err why) override;
    void ConnReadable(uint32_t key) override;
    void ConnWritable(uint32_t key) override;
    void ConnReset(uint32_t key) override;

    void Hear(Session& s, const qn_slice& piece);
    void Greet(Session& s);
    void FromSite(uint32_t key, Session& s);
    void Push(uint32_t key);
    void End(uint32_t key);

    ns3::Ptr<Transport> m_transport;
    ControlFlows* m_flows = nullptr;
    std::unique_ptr<Origin> m_site;
    std::unique_ptr<Draws> m_draws;
    qn_addr m_addr{};
    uint32_t m_host = 0;
    uint64_t m_size = 0;
    uint32_t m_nextKey = 2;
    std::map<uint32_t, Session>
        m_sessions; ///< by the even key of the outer conn; the site's is odd
};

} // namespace qnet

#endif
