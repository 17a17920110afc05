// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The command `sweep`: one scenario with many values and seeds, several at a time, merged into
 * means with 95 % intervals.
 */
#ifndef QNET_SIM_SWEEP_H
#define QNET_SIM_SWEEP_H

#include "work-list.h"

namespace qnet
{

/// Runs what is not there already, `out`/seed-N or `out`/CELL/seed-N, and writes `out`/sweep.csv;
/// or only lists, writes a job script or merges, as the options say. \return STATUS_OK, or
/// STATUS_VIOLATED when a run was; throws as Run does
int Sweep(const SweepOptions& options);

} // namespace qnet

#endif
