// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Simulated time as whole nanoseconds, the only unit the model computes in.
 */
#ifndef QNET_SIM_TIME_H
#define QNET_SIM_TIME_H

#include <cstdint>

#include "ns3/simulator.h"

namespace qnet
{

inline constexpr int64_t NS_PER_MS = 1000 * 1000;
inline constexpr int64_t NS_PER_SECOND = 1000 * NS_PER_MS;

inline int64_t
NowNs()
{
    return ns3::Simulator::Now().GetNanoSeconds();
}

/// A delay; never negative.
inline ns3::Time
Ns(int64_t ns)
{
    return ns3::NanoSeconds(static_cast<uint64_t>(ns));
}

/// How long a link of this rate is busy with so many bytes.
inline int64_t
SerialisationNs(uint64_t bytes, uint64_t bitsPerSecond)
{
    return static_cast<int64_t>(bytes * 8 * 1000 * 1000 * 1000 / bitsPerSecond);
}

} // namespace qnet

#endif
