// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The results of many runs of a sweep: which are there, and their means with 95 % intervals.
 */
#ifndef QNET_SIM_MERGE_H
#define QNET_SIM_MERGE_H

#include <map>

#include "interval.h"
#include "summary.h"
#include "work-list.h"

namespace qnet
{

/// summary.json of a run, if it is there, whole, and of this scenario, tier and seed; else null.
JsonPtr ResultOf(const Task& task);
/// The most memory that a finished run took, from its run.json; 0 if it does not say.
uint64_t PeakKibOf(const std::string& folder);

/// Integers of summary.json by dotted path, and of each its values by seed.
using Metrics = std::map<std::string, std::map<uint64_t, double>>;

/// The finished runs of one cell.
struct MergedCell
{
    const Cell* cell;
    std::vector<const Task*> done;
    Metrics metrics;
    std::vector<size_t> met; ///< in how many of them each expectation of the scenario was met

    Interval Of(const std::string& metric) const;
};

/// What Merge found.
struct Merged
{
    std::vector<MergedCell> cells; ///< of the work list, in its order; some may be empty
    size_t runs = 0;
    size_t missing = 0;
    size_t met = 0; ///< runs that met all their expectations
};

/// As RFC 4180 has it.
std::string CsvCell(const std::string& text);

/// Writes one row per cell and metric into a CSV file. Throws OutputError, also when no run is
/// there.
Merged Merge(const WorkList& work, const std::string& path);

} // namespace qnet

#endif
