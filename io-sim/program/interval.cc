// SPDX-License-Identifier: GPL-2.0-only
#include "interval.h"

#include <algorithm>
#include <cmath>

namespace qnet
{

namespace
{

/// 95 % quantiles for 1, 2, ... degrees of freedom; beyond the table the normal one.
constexpr double STUDENT[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                              2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                              2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                              2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
constexpr double NORMAL = 1.96;

double
Margin(const std::vector<double>& values, double mean)
{
    size_t freedom = values.size() - 1;
    if (freedom == 0)
    {
        return 0;
    }
    double squares = 0;
    for (double x : values)
    {
        squares += (x - mean) * (x - mean);
    }
    size_t known = sizeof STUDENT / sizeof STUDENT[0];
    double t = freedom <= known ? STUDENT[freedom - 1] : NORMAL;
    double n = static_cast<double>(values.size());
    return t * std::sqrt(squares / static_cast<double>(freedom) / n);
}

} // namespace

Interval
IntervalOf(const std::vector<double>& values)
{
    Interval out;
    out.runs = values.size();
    if (values.empty())
    {
        return out;
    }
    for (double x : values)
    {
        out.mean += x;
    }
    out.mean /= static_cast<double>(values.size());
    out.margin = Margin(values, out.mean);
    auto [least, most] = std::minmax_element(values.begin(), values.end());
    out.least = *least;
    out.most = *most;
    return out;
}

} // namespace qnet
