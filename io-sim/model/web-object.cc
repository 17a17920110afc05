// SPDX-License-Identifier: GPL-2.0-only
#include "web-object.h"

#include <algorithm>
#include <cstring>

namespace qnet
{

namespace
{

/// Little-endian, whatever the machine; compilers make one store of it.
inline void
PutWord(uint8_t* out, uint64_t word)
{
    for (unsigned i = 0; i < 8; i++)
    {
        out[i] = static_cast<uint8_t>(word >> (8 * i));
    }
}

/// \return words
size_t
FillWords(uint64_t n, uint64_t from, uint8_t* out, size_t words)
{
    for (size_t i = 0; i < words; i++)
    {
        PutWord(out + 8 * i, WebObjectWord(n, from + i));
    }
    return words;
}

} // namespace

void
WebObjectFill(uint64_t n, uint64_t offset, uint8_t* out, size_t len)
{
    while (len > 0)
    {
        if (offset % 8 == 0 && len >= 8)
        {
            size_t whole = FillWords(n, offset / 8, out, len / 8) * 8;
            out += whole;
            offset += whole;
            len -= whole;
            continue;
        }
        uint8_t bytes[8]; // a start or an end within a word
        PutWord(bytes, WebObjectWord(n, offset / 8));
        auto skip = static_cast<size_t>(offset % 8);
        size_t part = std::min(8 - skip, len);
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
