// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * One visit at an Origin.
 */
#ifndef QNET_SIM_ORIGIN_CONN_H
#define QNET_SIM_ORIGIN_CONN_H

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "ns3/event-id.h"

#include "origin-visit.h"
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

  private:
    void LocalBytes(const uint8_t* p, size_t n) override;
    void LocalEof() override;
    void LocalReset() override;

    /// Something the site was told, until its answer leaves.
    struct Turn
    {
        int64_t at;                          ///< ns: when it was told
        std::shared_future<OriginSaid> said; ///< by the sites' thread
        ns3::EventId speak;                  ///< when the answer leaves, if there is one
    };

    bool TakeProxyHeader();
    template <typename F>
    void Tell(F what);
    void Note(const Turn& turn);
    void Speak();
    void Send(const std::string& bytes, bool over);

    void WatchIdle();
    void IdleOver();
    void Retire();
    int64_t Wall() const;

    Origin* m_origin;
    uint64_t m_number;
    std::shared_ptr<LocalConn> m_conn;
    std::unique_ptr<OriginVisit> m_visit; ///< touched by the sites' thread only
    std::vector<Turn> m_turns;            ///< oldest first
    std::string m_in;                     ///< until the PROXY header is whole
    bool m_announced = false;             ///< it was
    bool m_ended = false;                 ///< EOF was sent
    bool m_left = false;                  ///< the peer sends no more
    int64_t m_heard = 0;                  ///< ns: the last request, or the beginning
    ns3::EventId m_patience;              ///< the site's, with an idle visit
    ns3::EventId m_age;                   ///< the site ends it then
};

} // namespace qnet

#endif
