// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The command `run`: a scenario and a seed in, a folder of results out.
 */
#ifndef QNET_SIM_RUN_H
#define QNET_SIM_RUN_H

#include <cstdint>
#include <string>
#include <vector>

#include "scenario.h"

namespace qnet
{

/// Exit statuses, documented in --help.
enum Status
{
    STATUS_OK = 0,
    STATUS_VIOLATED = 1, ///< the run ended, but not as expected
    STATUS_USAGE = 2,    ///< options or scenario are wrong
    STATUS_OUTPUT = 3,   ///< results cannot be written
    STATUS_CORE = 4      ///< the simulated core could not be set up
};

/// What a run's digest is over, in this order.
constexpr const char* DIGESTED_FILES[] = {
    "events.csv", "streams.csv", "circuits.csv", "nodes.csv", "faults.csv", "summary.json"};

struct RunOptions
{
    std::string scenario;
    std::string out;
    bool hasSeed = false;
    uint64_t seed = 0;
    bool hasTier = false;
    Tier tier = Tier::M;
    std::vector<std::string> captures; ///< "group.number" of hosts
    std::string faults;                ///< a faults.csv to follow; empty: drawn from the seed
    bool plain = false;                ///< hold the speed against plain ns-3 TCP
    bool flows = false;                ///< let ns-3's FlowMonitor watch
    bool quiet = false;
    std::vector<std::string> sets;
};

/// Before a simulation: the event queue that is twice as quick as ns-3's own choice where tens of
/// thousands of timers wait. Another that NS_GLOBAL_VALUE names is kept, so that runs on two can be
/// held against each other.
void ChooseScheduler();

/// Throws ScenarioError, OutputError, std::runtime_error. \return STATUS_OK or STATUS_VIOLATED
int Run(const RunOptions& options);

} // namespace qnet

#endif
