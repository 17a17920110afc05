// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The two shapes that most figures have: how long things took (CDFs), and something over time.
 */
#ifndef QNET_SIM_CURVES_H
#define QNET_SIM_CURVES_H

#include <string>
#include <vector>

#include "figure-script.h"
#include "statistics.h"

namespace qnet
{

constexpr size_t CURVE_MIN = 5; ///< fewer values do not make a curve

/// A column of a CDF's table.
struct Curve
{
    std::string name;
    std::string style; ///< gnuplot
    Distribution values;
};

/// For gnuplot's enhanced text, which takes an underscore as "lower".
std::string PlainLabel(const std::string& text);

/// One row per half percent: what a CDF needs, however many values there are. Curves of few values
/// are left out, and a figure without curves too.
/// \param settings gnuplot, after the usual ones; not empty: the axis begins where the curves do
void AddCdf(FigureSet& figures,
            const std::string& id,
            const std::string& title,
            const std::string& xlabel,
            const std::string& caption,
            std::vector<Curve> curves,
            const std::string& settings);

/// \param body plots; a time in ns divided by gnuplot's variable t is in the axis' unit
void AddOverTime(FigureSet& figures,
                 const Scenario& scenario,
                 const std::string& id,
                 const std::string& title,
                 const std::string& ylabel,
                 const std::string& caption,
                 const std::string& body);

} // namespace qnet

#endif
