// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What a site's program does about one visit: TLS and HTTP, without a clock or a network. It lives
 * on the sites' thread (OriginWorker) from its first byte to its end.
 */
#ifndef QNET_SIM_ORIGIN_VISIT_H
#define QNET_SIM_ORIGIN_VISIT_H

#include <memory>
#include <string>
#include <vector>

#include "origin-http.h"
#include "origin-worker.h"
#include "seeded-crypto.h"

namespace qnet
{

class OriginVisit
{
  public:
    /// \param server and stream, from which its random bytes come, outlive it
    /// \param requests that it answers before it retires; 0: any number
    OriginVisit(SSL_CTX* server, qn_drbg* stream, uint64_t requests);
    OriginVisit(const OriginVisit&) = delete;
    OriginVisit& operator=(const OriginVisit&) = delete;

    /// Bytes of the browser's TLS. \param wall Unix seconds
    OriginSaid Hear(const std::string& bytes, int64_t wall);
    /// The site has had enough: what was asked is still answered.
    OriginSaid Retire(int64_t wall);
    /// The browser sends no more.
    OriginSaid Leave();

    /// What the site has. Two pages of many records, then one of a single record.
    static const std::vector<OriginPage>& GetPages();

  private:
    void Begin();
    OriginSaid Run(int64_t wall);
    bool Read(int64_t wall);
    bool Write();
    OriginSaid Say();

    SSL_CTX* m_server;
    qn_drbg* m_stream;
    uint64_t m_most;
    SslPtr<SSL> m_ssl;                  ///< null until something was heard
    std::unique_ptr<OriginHttp> m_http; ///< null until the handshake is done
    bool m_over = false;
    uint64_t m_answered = 0; ///< requests that were told of
};

} // namespace qnet

#endif
