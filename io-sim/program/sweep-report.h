// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * report.html of a sweep: what was asked, what came out with which interval over how many seeds,
 * against which baseline, the pictures, and what nobody may conclude.
 */
#ifndef QNET_SIM_SWEEP_REPORT_H
#define QNET_SIM_SWEEP_REPORT_H

#include "figures.h"
#include "headlines.h"

namespace qnet
{

struct SweepReportInput
{
    const SweepOptions& options;
    const WorkList& work;
    const Merged& merged;
    const std::vector<Headline>& headlines;
    const std::vector<Figure>& figures;
    const std::string& noFigures; ///< why there are no pictures, or ""
};

/// Writes `folder`/report.html, with the SVG files in `folder`/figs inside it. Throws OutputError.
void WriteSweepReport(const std::string& folder, const SweepReportInput& input);

} // namespace qnet

#endif
