// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The command `rank`, which tools/ns3-mpi starts under mpirun: one process of a parallel run. It
 * simulates its own regions' nodes and tells the first what happened to them; that one writes what
 * `run` does. OUT is a folder that all processes see.
 */
#ifndef QNET_SIM_RANK_H
#define QNET_SIM_RANK_H

#include "run.h"

namespace qnet
{

/// \return as Run does; STATUS_OK in all processes but the first. Throws ScenarioError,
/// OutputError, std::runtime_error: also where ns-3 came without MPI.
int RunRank(const RunOptions& options);

} // namespace qnet

#endif
