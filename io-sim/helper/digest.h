// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * SHA-256, for digests of runs (libsodium's).
 */
#ifndef QNET_SIM_DIGEST_H
#define QNET_SIM_DIGEST_H

#include <string>

#include <sodium.h>

namespace qnet
{

class Sha256
{
  public:
    Sha256();
    void Add(const void* p, size_t n);
    void Add(const std::string& text);
    std::string Hex() const; ///< of what was added so far

  private:
    crypto_hash_sha256_state m_state;
};

} // namespace qnet

#endif
