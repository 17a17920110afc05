// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The pictures of a sweep: curves with bands over the seeds, and its headline figures against the
 * value that was swept. Data and scripts lie in figs/, as a run's do.
 */
#ifndef QNET_SIM_SWEEP_FIGURES_H
#define QNET_SIM_SWEEP_FIGURES_H

#include "figures.h"
#include "headlines.h"

namespace qnet
{

/// What a cell is called beside the others: its values.
std::string LabelOf(const Cell& cell);

/// Writes data and scripts into `folder`/figs. Throws OutputError.
std::vector<Figure> WriteSweepFigures(const std::string& folder,
                                      const Scenario& scenario,
                                      const Merged& merged,
                                      const std::vector<Headline>& headlines);

} // namespace qnet

#endif
