// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What censors did, side by side: circumvention blocked, collateral damage, and what it cost them.
 * docs/simulator.md describes columns and keys.
 */
#ifndef QNET_SIM_CENSOR_REPORT_H
#define QNET_SIM_CENSOR_REPORT_H

#include <string>
#include <vector>

#include <jansson.h>

#include "recorder.h"

namespace qnet
{

json_t* CensorsJson(const Simulation& s);
json_t* ControlsJson(const Simulation& s);
/// By region with a censor: what its people asked for and got, through QNet and beside it.
json_t* ReachJson(const Simulation& s, const Recorder& r);
/// censor.csv, censor-cost.csv and control.csv; nothing without censors and controls.
void WriteCensorFiles(const std::string& folder, const Simulation& s);

/// People of one region who go one way: QNet's, or a control's.
struct Reach
{
    uint32_t region;
    FlowSort sort; ///< Link: QNet's
    struct Try
    {
        int64_t start; ///< ns
        bool done;
    };

    std::vector<Try> tries; ///< over before the end of the run
};

/// Of all regions with a censor, in the order of regions and sorts.
std::vector<Reach> ReachOf(const Simulation& s, const Recorder& r);
/// "QNet", or the control's name.
const char* ReachLabel(FlowSort sort);

/// A row of the tables: what one censor did to one sort of flows.
struct CensorRow
{
    size_t censor;
    FlowSort sort;
};

/// Those that have any flows, by region, then as the scenario has the censors.
std::vector<CensorRow> CensorRows(const Simulation& s);

// Of summary.json, for people; each with a heading. Empty: there are none.
std::vector<std::vector<std::string>> BlockedTable(const json_t* summary);
std::vector<std::vector<std::string>> CostTable(const json_t* summary);
std::vector<std::vector<std::string>> ReachTable(const json_t* summary);

} // namespace qnet

#endif
