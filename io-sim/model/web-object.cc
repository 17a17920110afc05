// SPDX-License-Identifier: GPL-2.0-only
#include "web-object.h"

#include <algorithm>
#include <cstring>

namespace qnet
{

void
WebObjectFill(uint64_t n, uint64_t offset, uint8_t* out, size_t len)
{
    while (len > 0)
    {
        uint64_t word = WebObjectWord(n, offset / 8);
        uint8_t bytes[8];
        for (unsigned i = 0; i < 8; i++)
        {
            bytes[i] = static_cast<uint8_t>(word >> (8 * i));
        }
        size_t skip = static_cast<size_t>(offset % 8);
        size_t part = std::min<size_t>(8 - skip, len);
        std::memcpy(out, bytes + skip, part);
        out += part;
        offset += part;
        len -= part;
    }
}

bool
WebObjectMatches(uint64_t n, uint64_t offset, const uint8_t* p, size_t len)
{
    uint8_t expected[512];
    while (len > 0)
    {
        size_t part = std::min(len, sizeof expected);
        WebObjectFill(n, offset, expected, part);
        if (std::memcmp(expected, p, part) != 0)
        {
            return false;
        }
        p += part;
        offset += part;
        len -= part;
    }
    return true;
}

} // namespace qnet
