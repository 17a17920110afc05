// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Figures of what censors did: who was blocked, who got through when, and what it cost.
 */
#ifndef QNET_SIM_CENSOR_FIGURES_H
#define QNET_SIM_CENSOR_FIGURES_H

#include "figure-script.h"
#include "recorder.h"

namespace qnet
{

/// None without censors.
void AddCensorFigures(FigureSet& figures, const Simulation& simulation, const Recorder& recorder);

} // namespace qnet

#endif
