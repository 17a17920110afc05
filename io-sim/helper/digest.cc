// SPDX-License-Identifier: GPL-2.0-only
#include "digest.h"

namespace qnet
{

Sha256::Sha256()
{
    crypto_hash_sha256_init(&m_state);
}

void
Sha256::Add(const void* p, size_t n)
{
    crypto_hash_sha256_update(&m_state, static_cast<const unsigned char*>(p), n);
}

void
Sha256::Add(const std::string& text)
{
    Add(text.data(), text.size());
}

std::string
Sha256::Hex() const
{
    crypto_hash_sha256_state state = m_state;
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    return hex;
}

} // namespace qnet
