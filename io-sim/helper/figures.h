// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Figures: for each a small CSV and a gnuplot script that a person can read, change and run again
 * ("gnuplot figs/ttfb.gp" in the results folder). gnuplot is a program we start, not a library.
 */
#ifndef QNET_SIM_FIGURES_H
#define QNET_SIM_FIGURES_H

#include <string>
#include <vector>

#include "recorder.h"

namespace qnet
{

struct Figure
{
    std::string id; ///< file name without ending
    std::string title;
    std::string caption; ///< one honest paragraph
};

/// Writes data and scripts to `folder`/figs. Figures without data are left out.
std::vector<Figure> WriteFigures(const std::string& folder,
                                 const Simulation& simulation,
                                 const Recorder& recorder);

/// Runs gnuplot on each script. \return "" or a sentence saying why there are no pictures
std::string DrawFigures(const std::string& folder, const std::vector<Figure>& figures);

} // namespace qnet

#endif
