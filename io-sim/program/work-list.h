// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What a sweep has to run: every cell of a grid of values with every seed, each in a folder of its
 * own, as commands that this program, a shell, GNU parallel or Slurm can run.
 */
#ifndef QNET_SIM_WORK_LIST_H
#define QNET_SIM_WORK_LIST_H

#include <string>
#include <utility>
#include <vector>

#include "run.h"

namespace qnet
{

/// Runs of one sweep: cells times seeds.
constexpr uint64_t SWEEP_RUNS_MAX = 10000;

struct SweepOptions
{
    RunOptions run; ///< seed and quiet are not looked at; a value of `sets` may be a list
    uint64_t firstSeed = 1;
    uint64_t lastSeed = 10;
    unsigned jobs = 1;
    bool list = false;  ///< only print the commands
    bool merge = false; ///< only merge what is there
    std::string slurm;  ///< only write this job script; empty for none
};

/// One point of the grid.
struct Cell
{
    std::vector<std::pair<std::string, std::string>> at; ///< key and value of each list
    std::vector<std::string> sets;                       ///< KEY=VALUE of all, lists or not
    std::string name;                                    ///< its folder's; empty without lists
    std::string scenarioSha256;
    Tier tier = Tier::M;
    uint64_t nodes = 0;
};

/// One run.
struct Task
{
    const Cell* cell;
    uint64_t seed;
    std::string folder;
    std::vector<std::string> words; ///< of its command, the program first
};

/// "k=v1,v2" for several keys: every combination, the last key's values next to each other.
/// Commas in quotes and brackets part nothing. Throws ScenarioError.
std::vector<Cell> MakeGrid(const std::vector<std::string>& sets);

class WorkList
{
  public:
    /// Reads the scenario of each cell. Throws ScenarioError.
    explicit WorkList(const SweepOptions& options);
    WorkList(const WorkList&) = delete;
    WorkList& operator=(const WorkList&) = delete;

    const std::vector<Cell>&
    Cells() const
    {
        return m_cells;
    }

    const std::vector<Task>&
    Tasks() const
    {
        return m_tasks;
    }

    /// Of the first cell.
    const Scenario&
    GetScenario() const
    {
        return m_scenario;
    }

    /// Makes the folders that runs write theirs into. Throws OutputError.
    void MakeFolders() const;

  private:
    void AddTasks(const SweepOptions& options, const Cell& cell);

    std::string m_out;
    std::vector<Cell> m_cells;
    std::vector<Task> m_tasks;
    Scenario m_scenario;
};

} // namespace qnet

#endif
