// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The command `rank`, which tools/ns3-mpi starts under mpirun: one process of a parallel run, which
 * writes the records of its own regions' nodes to OUT/rank-N.
 */
#ifndef QNET_SIM_RANK_H
#define QNET_SIM_RANK_H

#include "run.h"

namespace qnet
{

/// Throws ScenarioError, OutputError, std::runtime_error: also where ns-3 came without MPI.
int RunRank(const RunOptions& options);

} // namespace qnet

#endif
