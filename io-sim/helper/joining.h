// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * How clients find their way in, and what the lists weigh that they fetch on it.
 */
#ifndef QNET_SIM_JOINING_H
#define QNET_SIM_JOINING_H

#include "recorder.h"
#include "statistics.h"

namespace qnet
{

constexpr uint64_t JOIN_LIMITS_S[] = {5, 10, 30}; ///< within which joining is looked at

/// The clients of one group.
struct Joining
{
    uint64_t clients = 0; ///< that started within the run
    uint64_t never = 0;   ///< without a circuit to the end of the run
    std::vector<uint64_t>
        first;                  ///< ns from a client's start to its first circuit; UINT64_MAX: none
    std::vector<uint64_t> left; ///< ns from a client's start to the end of the run
    std::vector<uint64_t> Took() const; ///< `first`, of those who had one
    /// Of those who started at least so long before the end, how many had a circuit by then.
    uint64_t WithinPermille(uint64_t ns) const;
};

Joining JoiningOf(const Simulation& simulation, const Recorder& recorder, uint32_t group);

/// Lists that nodes sent each other and took into use. By what was sent: packed, or a difference.
struct DirectoryLoad
{
    std::vector<uint64_t> clients; ///< bytes that each client took
    std::vector<uint64_t> servers; ///< bytes that each node sent that sent any
    uint64_t peak = 0;             ///< bytes that came within one second, all together
    uint64_t busiestPeak = 0;      ///< that one node sent within one second
};

DirectoryLoad DirectoryLoadOf(const Simulation& simulation, const Recorder& recorder);

} // namespace qnet

#endif
