// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The one certificate authority of the simulated web: a root that all simulated browsers trust and
 * an issuer beneath it, as public chains have one.
 */
#ifndef QNET_SIM_ORIGIN_AUTHORITY_H
#define QNET_SIM_ORIGIN_AUTHORITY_H

#include <string>

#include "origin-worker.h"
#include "seeded-crypto.h"

namespace qnet
{

class OriginAuthority
{
  public:
    /// \param epoch Unix seconds at simulated time zero: certificates are valid around it
    OriginAuthority(uint64_t seed, int64_t epoch);

    SeededCrypto& GetCrypto();
    /// Of all sites with this authority's certificates.
    OriginWorker& GetWorker();
    int64_t GetEpoch() const;
    const std::string& GetRoots() const; ///< PEM

    /// A TLS 1.3 server's context with a fresh key and chain for this DNS name. Draws from whatever
    /// stream SeededCrypto draws from.
    SslPtr<SSL_CTX> MakeServer(const std::string& name);

  private:
    SslPtr<EVP_PKEY> MakeKey() const;
    SslPtr<X509> Certify(EVP_PKEY* key,
                         const std::string& name,
                         bool authority,
                         X509* issuer,
                         EVP_PKEY* signer) const;

    SeededCrypto m_crypto;
    int64_t m_epoch;
    SslPtr<EVP_PKEY> m_rootKey;
    SslPtr<X509> m_root;
    SslPtr<EVP_PKEY> m_issuerKey;
    SslPtr<X509> m_issuer;
    std::string m_roots;
    OriginWorker m_worker; ///< ends before what its jobs use
};

} // namespace qnet

#endif
