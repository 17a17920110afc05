// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The bytes of a web object, as a function that C++ and Python agree on (tests/sim/web_object.py),
 * so that a receiver can check every byte without being told any.
 *
 * Object N is N bytes long. Its bytes 8w .. 8w+7 are the little-endian bytes of mix(N, w).
 */
#ifndef QNET_SIM_WEB_OBJECT_H
#define QNET_SIM_WEB_OBJECT_H

#include <cstddef>
#include <cstdint>

namespace qnet
{

/// Word w of object n: no two words near each other are alike, and it costs no multiplication in a
/// row, because every byte that a run delivers is made once and checked once.
inline uint64_t
WebObjectWord(uint64_t n, uint64_t w)
{
    uint64_t x = (n + 1) * UINT64_C(0x9E3779B97F4A7C15) + w * UINT64_C(0xD1B54A32D192ED03);
    return x ^ (x >> 29) ^ (x << 17);
}

/// Writes bytes offset .. offset+len-1 of object n.
void WebObjectFill(uint64_t n, uint64_t offset, uint8_t* out, size_t len);
/// \return true if p holds bytes offset .. offset+len-1 of object n
bool WebObjectMatches(uint64_t n, uint64_t offset, const uint8_t* p, size_t len);

} // namespace qnet

#endif
