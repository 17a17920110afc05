// SPDX-License-Identifier: GPL-2.0-only
#include "chunk-pool.h"

#include <new>

namespace qnet
{

void
ChunkQueue::Push(Chunk* c)
{
    c->next = nullptr;
    if (tail != nullptr)
    {
        tail->next = c;
    }
    else
    {
        head = c;
    }
    tail = c;
}

Chunk*
ChunkQueue::Pop()
{
    Chunk* c = head;
    head = c->next;
    if (head == nullptr)
    {
        tail = nullptr;
    }
    c->next = nullptr;
    return c;
}

void
ChunkPool::Grow(Class& k, uint32_t cap)
{
    constexpr size_t PER_SLAB = 64;
    size_t step = sizeof(Chunk) + cap;
    k.slabs.push_back(std::make_unique<uint8_t[]>(step * PER_SLAB));
    for (size_t i = 0; i < PER_SLAB; i++)
    {
        Chunk* c = new (k.slabs.back().get() + i * step) Chunk{};
        c->cap = cap;
        c->next = k.free;
        k.free = c;
    }
}

Chunk*
ChunkPool::Get(uint32_t need, ChunkKind kind)
{
    uint32_t cap = need <= SMALL ? SMALL : LARGE;
    Class& k = need <= SMALL ? m_small : m_large;
    if (k.free == nullptr)
    {
        Grow(k, cap);
    }
    Chunk* c = k.free;
    k.free = c->next;
    c->next = nullptr;
    c->len = 0;
    c->off = 0;
    c->kind = kind;
    c->marked = false;
    return c;
}

void
ChunkPool::Put(Chunk* c)
{
    Class& k = c->cap == SMALL ? m_small : m_large;
    c->next = k.free;
    k.free = c;
}

void
ChunkPool::Put(ChunkQueue& q)
{
    while (q.head != nullptr)
    {
        Put(q.Pop());
    }
}

} // namespace qnet
