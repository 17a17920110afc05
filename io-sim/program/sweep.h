// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The command `sweep`: one scenario with many seeds, several at a time, merged into means with
 * 95 % intervals.
 */
#ifndef QNET_SIM_SWEEP_H
#define QNET_SIM_SWEEP_H

#include "run.h"

namespace qnet
{

struct SweepOptions
{
    RunOptions run; ///< seed and quiet are not looked at
    uint64_t firstSeed = 1;
    uint64_t lastSeed = 10;
    unsigned jobs = 1;
};

/// Writes `out`/seed-N for every seed that is not there already and `out`/sweep.csv.
/// \return STATUS_OK, or STATUS_VIOLATED when a run was; throws as Run does
int Sweep(const SweepOptions& options);

} // namespace qnet

#endif
