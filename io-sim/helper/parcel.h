// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Values as bytes on their way from one process of a parallel run to another, which is the same
 * program on the same kind of machine: so they are as they lie in memory.
 */
#ifndef QNET_SIM_PARCEL_H
#define QNET_SIM_PARCEL_H

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace qnet
{

class Parcel
{
  public:
    Parcel() = default;

    explicit Parcel(std::string bytes)
        : m_bytes(std::move(bytes))
    {
    }

    const std::string&
    GetBytes() const
    {
        return m_bytes;
    }

    template <typename T>
    void
    Put(const T& value)
    {
        static_assert(std::is_trivially_copyable_v<T>, "a parcel carries plain values");
        m_bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }

    template <typename T>
    void
    PutAll(const std::vector<T>& values)
    {
        Put<uint64_t>(values.size());
        for (const T& value : values)
        {
            Put(value);
        }
    }

    /// In the order they were put. Throws std::runtime_error when there is no more.
    template <typename T>
    T
    Take()
    {
        T value;
        if (m_bytes.size() - m_at < sizeof value)
        {
            throw std::runtime_error("another process sent less than it has");
        }
        std::memcpy(&value, m_bytes.data() + m_at, sizeof value);
        m_at += sizeof value;
        return value;
    }

    /// Behind what is in `to` already.
    template <typename T>
    void
    TakeAll(std::vector<T>& to)
    {
        for (auto n = Take<uint64_t>(); n > 0; n--)
        {
            to.push_back(Take<T>());
        }
    }

  private:
    std::string m_bytes;
    size_t m_at = 0;
};

} // namespace qnet

#endif
