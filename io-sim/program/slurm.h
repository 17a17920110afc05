// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A work list as a job array of Slurm.
 */
#ifndef QNET_SIM_SLURM_H
#define QNET_SIM_SLURM_H

#include "work-list.h"

namespace qnet
{

/// Writes a script for sbatch that runs `tasks`, at most `jobs` at a time, from the folder that
/// this is called in. \param kib memory of one run. Throws OutputError
void WriteSlurm(const std::string& path,
                const std::vector<const Task*>& tasks,
                unsigned jobs,
                uint64_t kib);

} // namespace qnet

#endif
