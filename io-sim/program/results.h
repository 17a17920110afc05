// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * From a simulation that has run to the files in a folder, and what is printed about it. All throw
 * OutputError.
 */
#ifndef QNET_SIM_RESULTS_H
#define QNET_SIM_RESULTS_H

#include <string>
#include <vector>

#include "report.h"
#include "run.h"

namespace qnet
{

struct Results
{
    JsonPtr summary;
    std::string digest;
    std::vector<Verdict> verdicts;
    std::vector<Figure> figures;
    std::string noFigures;                        ///< why there are no pictures, or ""
    std::vector<std::vector<std::string>> faults; ///< as FaultTable made it
};

/// Makes the folder, and keeps the scenario and its traces in it: fails before the work, not after.
void BeginResults(const RunOptions& options, const Scenario& scenario);

/// What is known of this execution when it ends. \param program the words its command began with
/// \param more its options beside those that all have
RunFacts FactsOf(const RunOptions& options,
                 const std::string& program,
                 const std::string& more,
                 const Simulation& simulation);

/// Writes all that is digested. \param events the SHA-256 of events.csv
Results WriteData(const std::string& folder,
                  const Simulation& simulation,
                  const Recorder& recorder,
                  const std::string& events);

/// Writes figures: their data, scripts and, where gnuplot is, pictures.
void Draw(const std::string& folder,
          const Simulation& simulation,
          const Recorder& recorder,
          Results& results);

/// Writes run.json and the report, and prints. \return STATUS_OK or STATUS_VIOLATED
int Publish(const RunOptions& options,
            const Scenario& scenario,
            Tier tier,
            const Results& results,
            RunFacts facts);

} // namespace qnet

#endif
