// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * An OpenSSL whose random bytes are the simulation's: web sites of the outside speak real TLS with
 * it and yet say the same bytes in every run (docs/decisions/0013).
 *
 * It is a library context of its own. The core's use of libcrypto, which asks for no random bytes,
 * does not meet it.
 */
#ifndef QNET_SIM_SEEDED_CRYPTO_H
#define QNET_SIM_SEEDED_CRYPTO_H

#include <memory>

#include <openssl/ssl.h>

#include "qnet/env.h"

namespace qnet
{

class SeededCrypto
{
  public:
    /// Throws std::runtime_error when OpenSSL lacks something.
    SeededCrypto();
    ~SeededCrypto();
    SeededCrypto(const SeededCrypto&) = delete;
    SeededCrypto& operator=(const SeededCrypto&) = delete;

    OSSL_LIB_CTX* Get() const;
    /// From now on this thread's random bytes come from this stream, which outlives their use.
    static void DrawFrom(qn_drbg* stream);

  private:
    OSSL_LIB_CTX* m_context;
    OSSL_PROVIDER* m_seeded;
    OSSL_PROVIDER* m_usual;
};

/// unique_ptr's deleter for OpenSSL's kinds of objects.
struct SslFree
{
    void operator()(SSL_CTX* p) const;
    void operator()(SSL* p) const;
    void operator()(EVP_PKEY* p) const;
    void operator()(X509* p) const;
};

template <typename T>
using SslPtr = std::unique_ptr<T, SslFree>;

} // namespace qnet

#endif
