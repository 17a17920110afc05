// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The results of many runs of a sweep: which are there, and their means with 95 % intervals.
 */
#ifndef QNET_SIM_MERGE_H
#define QNET_SIM_MERGE_H

#include "summary.h"
#include "work-list.h"

namespace qnet
{

/// summary.json of a run, if it is there, whole, and of this scenario, tier and seed; else null.
JsonPtr ResultOf(const Task& task);
/// The most memory that a finished run took, from its run.json; 0 if it does not say.
uint64_t PeakKibOf(const std::string& folder);

/// What Merge found.
struct Merged
{
    size_t runs = 0;
    size_t missing = 0;
    bool met = true; ///< whether every run met its expectations
};

/// Writes one row per cell and metric into a CSV file. Throws OutputError, also when no run is
/// there.
Merged Merge(const WorkList& work, const std::string& path);

} // namespace qnet

#endif
