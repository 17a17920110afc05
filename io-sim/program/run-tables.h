// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What finished runs wrote, read again.
 */
#ifndef QNET_SIM_RUN_TABLES_H
#define QNET_SIM_RUN_TABLES_H

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace qnet
{

/// Of fetches that were measured and done, ns.
struct FetchTimes
{
    std::vector<uint64_t> first;
    std::vector<uint64_t> last;
};

/// By route and size in bytes.
using RunTimes = std::map<std::pair<std::string, uint64_t>, FetchTimes>;

/// From streams.csv of a run. Throws OutputError, as the next does.
RunTimes ReadTimes(const std::string& folder);

/// A table over time: its columns but time_ns, and of each row the time and the values; negative
/// where there is none.
struct TimeTable
{
    std::vector<std::string> names;
    std::vector<std::pair<uint64_t, std::vector<double>>> rows;
};

/// A file with numbers, the first column time_ns. None is an empty table.
TimeTable ReadTimeTable(const std::string& path);

} // namespace qnet

#endif
