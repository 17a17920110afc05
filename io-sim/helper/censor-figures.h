// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Figures of what censors did: who was blocked, who got through when, and what it cost.
 */
#ifndef QNET_SIM_CENSOR_FIGURES_H
#define QNET_SIM_CENSOR_FIGURES_H

#include "figures.h"

namespace qnet
{

/// None without censors. \param figs the folder of figures, which is there
std::vector<Figure> WriteCensorFigures(const std::string& figs,
                                       const Simulation& simulation,
                                       const Recorder& recorder);

} // namespace qnet

#endif
