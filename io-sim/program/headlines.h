// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The figures that a sweep is read by: which metrics of summary.json, and in what units.
 */
#ifndef QNET_SIM_HEADLINES_H
#define QNET_SIM_HEADLINES_H

#include <string>
#include <utility>
#include <vector>

#include "merge.h"

namespace qnet
{

struct Headline
{
    std::string id;
    std::string title;
    std::string ylabel;                                       ///< without the unit
    std::vector<std::pair<std::string, std::string>> metrics; ///< path, and what it is called
};

/// Those of which a sweep has something to show: how long people waited, what failed, what was
/// carried, what censors took, and what the scenario expects something of.
std::vector<Headline> HeadlinesOf(const Scenario& scenario, const Merged& merged);

/// How values of a metric are shown.
struct Scale
{
    double by;
    std::string unit; ///< may be empty
};

/// \param most the largest value to show
Scale ScaleOf(const std::string& metric, double most);

/// The largest value that any run has of any of them.
double MostOf(const Headline& headline, const Merged& merged);

/// "1.23 ± 0.04", without its unit.
std::string IntervalText(const Interval& interval, const Scale& scale);

} // namespace qnet

#endif
