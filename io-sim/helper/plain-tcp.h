// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What the simulator's speed is held against: ns-3's own TCP and applications, without QNet,
 * carrying the bytes that a run delivered, from the same web servers to the same clients over the
 * same access links, from the same moments on.
 */
#ifndef QNET_SIM_PLAIN_TCP_H
#define QNET_SIM_PLAIN_TCP_H

#include <vector>

#include "recorder.h"

namespace qnet
{

/// One stream of the run as a bulk transfer.
struct PlainFlow
{
    uint32_t server; ///< among PlainLoad::servers
    uint32_t client; ///< among PlainLoad::clients
    int64_t start;   ///< ns
    uint64_t bytes;
};

struct PlainLoad
{
    std::vector<Place> servers;
    std::vector<Place> clients;
    std::vector<PlainFlow> flows;
};

struct PlainSpeed
{
    uint64_t wantedBytes = 0;    ///< that the run delivered
    uint64_t deliveredBytes = 0; ///< that plain TCP did
    uint64_t simulatedMs = 0;
    uint64_t wallMs = 0;
    uint64_t simulatorEvents = 0;
};

/// After the run.
PlainLoad PlainLoadOf(const Simulation& simulation, const Recorder& recorder);
/// Packets of 1,448 bytes over point-to-point links and one router for each region. There must be
/// no other simulation by now. Ends early when it has taken `wallMs`.
PlainSpeed RunPlainTcp(const Scenario& scenario, const PlainLoad& load, uint64_t wallMs);

} // namespace qnet

#endif
