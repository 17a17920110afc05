// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Curves of several runs: their mean, with its 95 % interval as a band around it.
 */
#ifndef QNET_SIM_BANDS_H
#define QNET_SIM_BANDS_H

#include <string>
#include <vector>

#include "figure-script.h"
#include "interval.h"
#include "statistics.h"

namespace qnet
{

/// More could not be told apart.
constexpr size_t BANDS_MAX = 6;

/// What a legend can show of some text, quoted for gnuplot.
std::string Quoted(const std::string& text);

struct BandFigure
{
    std::string id;
    std::string title;
    std::string caption;
    std::string xlabel;
    std::string ylabel;
    std::string legend; ///< its heading; may be empty
};

/// One curve, by run.
struct Spread
{
    std::string name;
    std::vector<Distribution> runs;
};

/// A CDF over a logarithmic axis of seconds. Runs with few values are left out, as are curves of
/// less than half of their runs, and a figure without curves.
void AddCdfBands(FigureSet& figures, const BandFigure& figure, const std::vector<Spread>& curves);

/// A row of a picture over time: of each curve the values of its runs, permille.
struct TimeRow
{
    uint64_t at; ///< ns
    std::vector<std::vector<double>> values;
};

/// Shares over simulated time, 0 to 100 %.
void AddTimeBands(FigureSet& figures,
                  const BandFigure& figure,
                  const std::vector<std::string>& names,
                  const std::vector<TimeRow>& rows);

} // namespace qnet

#endif
