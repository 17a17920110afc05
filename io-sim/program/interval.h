// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The mean of a few runs and how far it can be trusted.
 */
#ifndef QNET_SIM_INTERVAL_H
#define QNET_SIM_INTERVAL_H

#include <cstddef>
#include <vector>

namespace qnet
{

struct Interval
{
    size_t runs = 0;
    double mean = 0;
    double margin = 0; ///< half the width of the mean's 95 % interval; 0 of a single run
    double least = 0;
    double most = 0;
};

/// Student's t, two-sided. Of no values: nothing but zeros.
Interval IntervalOf(const std::vector<double>& values);

} // namespace qnet

#endif
