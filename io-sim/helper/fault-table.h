// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What was drawn to fail, and what it met, as a person reads it.
 */
#ifndef QNET_SIM_FAULT_TABLE_H
#define QNET_SIM_FAULT_TABLE_H

#include <string>
#include <vector>

#include "recorder.h"

namespace qnet
{

constexpr size_t FAULT_TABLE_ROWS = 200; ///< the report's; faults.csv has all

/// A heading, and a row for each fault; empty without faults.
std::vector<std::vector<std::string>> FaultTable(const Simulation& simulation,
                                                 const Recorder& recorder);

} // namespace qnet

#endif
