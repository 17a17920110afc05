// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Chunks: the unit the message channel moves. Two sizes from slabs that are never given back during
 * a run, so that carrying a gigabyte costs no heap traffic.
 */
#ifndef QNET_SIM_CHUNK_POOL_H
#define QNET_SIM_CHUNK_POOL_H

#include <cstdint>
#include <memory>
#include <vector>

namespace qnet
{

enum class ChunkKind : uint8_t
{
    Data,
    Fin,
    Rst
};

struct Chunk
{
    Chunk* next;
    uint32_t len; ///< bytes of data, consumed ones included
    uint32_t off; ///< bytes consumed
    uint32_t cap;
    ChunkKind kind;
    bool marked; ///< met a long queue on the way

    uint8_t*
    Data()
    {
        return reinterpret_cast<uint8_t*>(this + 1);
    }

    const uint8_t*
    Data() const
    {
        return reinterpret_cast<const uint8_t*>(this + 1);
    }
};

/// A FIFO threaded through the chunks themselves.
struct ChunkQueue
{
    Chunk* head = nullptr;
    Chunk* tail = nullptr;

    void Push(Chunk* c);
    Chunk* Pop(); ///< the queue must not be empty
};

class ChunkPool
{
  public:
    static constexpr uint32_t SMALL = 1536; ///< a lone S cell in its record, or a request
    static constexpr uint32_t LARGE = 16384;

    ChunkPool() = default;
    ChunkPool(const ChunkPool&) = delete;
    ChunkPool& operator=(const ChunkPool&) = delete;

    /// \return an empty chunk for at least `need` bytes (at most LARGE)
    Chunk* Get(uint32_t need, ChunkKind kind);
    void Put(Chunk* c);
    /// Puts back all of them.
    void Put(ChunkQueue& q);

  private:
    struct Class
    {
        Chunk* free = nullptr;
        std::vector<std::unique_ptr<uint8_t[]>> slabs;
    };

    static void Grow(Class& k, uint32_t cap);

    Class m_small;
    Class m_large;
};

} // namespace qnet

#endif
