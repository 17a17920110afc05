// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Figures of people through what happens to them: joining, faults, partitions, who is served when.
 */
#ifndef QNET_SIM_PEOPLE_FIGURES_H
#define QNET_SIM_PEOPLE_FIGURES_H

#include "figure-script.h"
#include "recorder.h"

namespace qnet
{

/// Those of them that have something to show.
void AddPeopleFigures(FigureSet& figures, const Simulation& simulation, const Recorder& recorder);

} // namespace qnet

#endif
