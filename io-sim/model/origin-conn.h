// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * One visit at an Origin.
 */
#ifndef QNET_SIM_ORIGIN_CONN_H
#define QNET_SIM_ORIGIN_CONN_H

#include <memory>
#include <string>
#include <vector>

#include "ns3/event-id.h"

#include "origin-http.h"
#include "origin.h"

namespace qnet
{

class OriginConn final : private LocalUser
{
  public:
    OriginConn(Origin* origin, uint64_t number);
    ~OriginConn();
    OriginConn(const OriginConn&) = delete;
    OriginConn& operator=(const OriginConn&) = delete;

    std::shared_ptr<LocalConn> GetConn() const;

    /// What the site has. Two pages of many records, then one of a single record.
    static const std::vector<OriginPage>& GetPages();

  private:
    void LocalBytes(const uint8_t* p, size_t n) override;
    void LocalEof() override;
    void LocalReset() override;

    bool TakeProxyHeader();
    void Run();
    bool Read();
    bool Write();
    void Say();
    void Speak();

    void WatchIdle();
    void IdleOver();
    void Retire();
    std::string Date() const;

    Origin* m_origin;
    uint64_t m_number;
    std::shared_ptr<LocalConn> m_conn;
    SslPtr<SSL> m_ssl;
    std::unique_ptr<OriginHttp> m_http; ///< null until the handshake is done
    std::string m_in;                   ///< until the PROXY header is whole
    bool m_announced = false;           ///< it was
    bool m_ending = false;              ///< EOF goes behind what is in m_out
    bool m_ended = false;               ///< it was sent
    bool m_left = false;                ///< the peer sends no more
    std::string m_out;                  ///< said, not yet sent
    uint64_t m_answered = 0;            ///< requests whose time the site has spent
    int64_t m_heard = 0;                ///< ns: the last request, or the beginning
    ns3::EventId m_speak;
    ns3::EventId m_patience; ///< the site's, with an idle visit
    ns3::EventId m_age;      ///< the site ends it then
};

} // namespace qnet

#endif
