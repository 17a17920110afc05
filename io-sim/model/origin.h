// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The web site a peer stands in front of: on the peer's own machine, TLS 1.3 by OpenSSL, HTTP/2 by
 * nghttp2, a handful of pages. It is told who comes by the PROXY protocol, version 2, as an
 * operator's own site is.
 */
#ifndef QNET_SIM_ORIGIN_H
#define QNET_SIM_ORIGIN_H

#include <memory>
#include <map>
#include <string>

#include "qnet/htx.h"

#include "local-conn.h"
#include "origin-authority.h"

namespace qnet
{

class OriginConn;

/// How a site answers, and when it ends a conn; 0: never.
struct OriginHabits
{
    int64_t delay = 0;     ///< ns: on the way to it and back
    int64_t service = 0;   ///< ns of its one CPU for each answer
    uint32_t requests = 0; ///< of one conn
    int64_t age = 0;       ///< ns
    int64_t idle = 0;      ///< ns without a request
};

class Origin
{
  public:
    /// \param authority outlives the origin
    /// \param name its DNS name
    /// \param index numbers the origin in this run: its random bytes depend on it and the seed
    Origin(OriginAuthority* authority,
           const std::string& name,
           uint64_t seed,
           uint64_t index,
           const OriginHabits& habits);
    ~Origin();
    Origin(const Origin&) = delete;
    Origin& operator=(const Origin&) = delete;

    /// As origin-check would measure them. Slices point into the origin.
    const qn_htx_origin& GetFacts() const;
    const std::string& GetName() const;
    /// The peer connects.
    std::shared_ptr<LocalConn> Open();

  private:
    friend class OriginConn;

    void Measure();
    /// How long the answers to so many requests take, from now.
    int64_t Serve(uint64_t requests);
    void Ended(uint64_t conn);
    /// To the sites' thread.
    std::future<OriginSaid> Give(OriginWorker::Job job);

    OriginAuthority* m_authority;
    std::string m_name;
    OriginHabits m_habits;
    int64_t m_free = 0; ///< ns: when its CPU is
    qn_drbg m_stream;
    SslPtr<SSL_CTX> m_server;
    qn_htx_origin m_facts{};
    std::map<uint64_t, std::unique_ptr<OriginConn>> m_conns; ///< by number
    uint64_t m_next = 0;
};

} // namespace qnet

#endif
