// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * report.html: the run for a person. One file, nothing loaded from elsewhere.
 */
#ifndef QNET_SIM_REPORT_H
#define QNET_SIM_REPORT_H

#include <string>
#include <vector>

#include "figures.h"
#include "plain-tcp.h"
#include "summary.h"

namespace qnet
{

/// What one process of a parallel run did.
struct ProcessFacts
{
    uint64_t wallMs;
    uint64_t waitedMs; ///< of these, for the others
    uint64_t cpuMs;    ///< without waiting
    uint64_t peakKib;
    uint64_t simulatorEvents;
    uint64_t sentBytes;    ///< by its hosts
    uint64_t crossedBytes; ///< to routers of other processes
    uint64_t crossedPackets;
};

/// What is true of this execution only, and so in no digest.
struct RunFacts
{
    std::string command; ///< to make this run again
    std::string digest;
    std::string when; ///< UTC
    std::string host;
    std::string compiler;
    std::string versions;
    uint64_t wallMs = 0;
    uint64_t peakKib = 0;
    uint64_t simulatorEvents = 0;
    uint64_t simulatedMs = 0;
    PlainSpeed plain;                    ///< wallMs 0: not measured
    std::vector<ProcessFacts> processes; ///< of a parallel run
};

struct ReportInput
{
    const Scenario& scenario;
    const json_t* summary;
    const std::vector<Verdict>& verdicts;
    const std::vector<Figure>& figures;
    const std::string& noFigures; ///< why there are no pictures, or ""
    const RunFacts& facts;
    Tier tier;
    const std::vector<std::vector<std::string>>& faults; ///< as FaultTable made it
};

/// Simulated seconds per wall second, to three digits behind the point.
std::string SpeedText(uint64_t simulatedMs, uint64_t wallMs);
/// What plain ns-3 TCP did in its time, in words.
std::string PlainText(const PlainSpeed& plain);

/// Writes `folder`/report.html, with the SVG files in `folder`/figs inside it.
void WriteReport(const std::string& folder, const ReportInput& input);

} // namespace qnet

#endif
