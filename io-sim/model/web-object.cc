// SPDX-License-Identifier: GPL-2.0-only
#include "web-object.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

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

void
Make(uint64_t n, uint64_t offset, uint8_t* out, size_t len)
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

/// The small objects that were asked for last, made once in a thread: many people ask for the same
/// ones again and again, and every byte of theirs is checked.
class Shelf
{
  public:
    /// \return all of object n, or null: it is too large, or others are asked for as often
    const uint8_t*
    Get(uint64_t n)
    {
        if (n == 0 || n > OBJECT_MAX)
        {
            return nullptr;
        }
        Place& place = m_places[(n * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - PLACE_BITS)];
        if (place.n == n)
        {
            place.next = 0;
            return place.bytes.data();
        }
        if (place.next != n) // once is no reason: making it costs as much as many pieces
        {
            place.next = n;
            return nullptr;
        }
        place.n = n;
        place.bytes.resize(n);
        Make(n, 0, place.bytes.data(), n);
        return place.bytes.data();
    }

  private:
    static constexpr uint64_t OBJECT_MAX = 1 << 20;
    static constexpr unsigned PLACE_BITS = 4;

    struct Place
    {
        uint64_t n = 0;
        uint64_t next = 0; ///< was asked for last, and is not here
        std::vector<uint8_t> bytes;
    };

    std::array<Place, size_t{1} << PLACE_BITS> m_places;
};

const uint8_t*
Whole(uint64_t n)
{
    static thread_local Shelf shelf;
    return shelf.Get(n);
}

} // namespace

void
WebObjectFill(uint64_t n, uint64_t offset, uint8_t* out, size_t len)
{
    const uint8_t* whole = Whole(n);
    if (whole == nullptr || offset + len > n)
    {
        Make(n, offset, out, len);
        return;
    }
    std::memcpy(out, whole + offset, len);
}

bool
WebObjectMatches(uint64_t n, uint64_t offset, const uint8_t* p, size_t len)
{
    const uint8_t* whole = Whole(n);
    if (whole != nullptr && offset + len <= n)
    {
        return std::memcmp(whole + offset, p, len) == 0;
    }
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
