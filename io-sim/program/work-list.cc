// SPDX-License-Identifier: GPL-2.0-only
#include "work-list.h"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <set>

#include "output-file.h"
#include "yaml-tree.h"

namespace qnet
{

namespace
{

std::string
Trimmed(const std::string& text)
{
    size_t first = text.find_first_not_of(' ');
    size_t last = text.find_last_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

/// The parts between commas that stand in no brackets and no quotes.
std::vector<std::string>
Parts(const std::string& text)
{
    std::vector<std::string> parts(1);
    int depth = 0;
    char quote = 0;
    for (char c : text)
    {
        if (quote != 0)
        {
            quote = c == quote ? 0 : quote;
        }
        else if (c == '\'' || c == '"')
        {
            quote = c;
        }
        else if (std::strchr("[{", c) != nullptr)
        {
            depth++;
        }
        else if (std::strchr("]}", c) != nullptr)
        {
            depth--;
        }
        else if (c == ',' && depth == 0)
        {
            parts.emplace_back();
            continue;
        }
        parts.back() += c;
    }
    return parts;
}

/// What a folder may be called everywhere.
std::string
Plain(const std::string& text)
{
    std::string plain;
    for (char c : text)
    {
        bool kept =
            std::isalnum(static_cast<unsigned char>(c)) || std::strchr("._-=", c) != nullptr;
        if (kept || (!plain.empty() && plain.back() != '_'))
        {
            plain += kept ? c : '_';
        }
    }
    return plain;
}

/// Every cell so far, once for each value of one more --set.
std::vector<Cell>
Multiplied(const std::vector<Cell>& cells, const std::string& set)
{
    size_t equals = set.find('=');
    std::string key = set.substr(0, equals);
    std::vector<std::string> values =
        Parts(equals == std::string::npos ? "" : set.substr(equals + 1));
    std::vector<Cell> out;
    for (Cell cell : cells)
    {
        if (values.size() == 1)
        {
            cell.sets.push_back(set);
            out.push_back(cell);
            continue;
        }
        for (const std::string& part : values)
        {
            std::string value = Trimmed(part);
            if (value.empty())
            {
                throw ScenarioError("--set " + set + ": a value of the list is empty");
            }
            Cell one = cell;
            one.at.emplace_back(key, value);
            one.sets.push_back(key + "=" + value);
            one.name += (cell.name.empty() ? "" : "+") + Plain(key + "=" + value);
            out.push_back(one);
        }
    }
    return out;
}

} // namespace

std::vector<Cell>
MakeGrid(const std::vector<std::string>& sets)
{
    std::vector<Cell> cells(1);
    for (const std::string& set : sets)
    {
        if (set.find('\n') != std::string::npos)
        {
            throw ScenarioError("a --set of a sweep is one line");
        }
        cells = Multiplied(cells, set);
        if (cells.size() > SWEEP_RUNS_MAX)
        {
            throw ScenarioError("more than " + std::to_string(SWEEP_RUNS_MAX) + " cells");
        }
    }
    std::set<std::string> names;
    for (const Cell& cell : cells)
    {
        if (!names.insert(cell.name).second)
        {
            throw ScenarioError("two cells of the grid would both be called " + cell.name);
        }
    }
    return cells;
}

WorkList::WorkList(const SweepOptions& options)
    : m_out(options.run.out),
      m_cells(MakeGrid(options.run.sets))
{
    uint64_t seeds = options.lastSeed - options.firstSeed + 1;
    if (seeds * m_cells.size() > SWEEP_RUNS_MAX)
    {
        throw ScenarioError(std::to_string(m_cells.size()) + " cells with " +
                            std::to_string(seeds) + " seeds are more than " +
                            std::to_string(SWEEP_RUNS_MAX) + " runs");
    }
    for (Cell& cell : m_cells)
    {
        Scenario scenario = ReadScenario(options.run.scenario, cell.sets);
        cell.scenarioSha256 = scenario.sha256;
        cell.tier = options.run.hasTier ? options.run.tier : scenario.tier;
        CheckTier(scenario, cell.tier);
        for (const Group& group : scenario.groups)
        {
            cell.nodes += group.role == Role::Web ? 0 : group.count;
        }
        if (&cell == m_cells.data())
        {
            m_scenario = std::move(scenario);
        }
    }
    for (const Cell& cell : m_cells)
    {
        AddTasks(options, cell);
    }
}

void
WorkList::AddTasks(const SweepOptions& options, const Cell& cell)
{
    std::string parent = m_out + (cell.name.empty() ? "" : "/" + cell.name);
    for (uint64_t seed = options.firstSeed; seed <= options.lastSeed; seed++)
    {
        Task task = {&cell, seed, parent + "/seed-" + std::to_string(seed), {}};
        task.words = {program_invocation_name,
                      "run",
                      options.run.scenario,
                      "--seed",
                      std::to_string(seed),
                      "--tier",
                      TierName(cell.tier),
                      "--out",
                      task.folder};
        for (const std::string& set : cell.sets)
        {
            task.words.insert(task.words.end(), {"--set", set});
        }
        task.words.emplace_back("--quiet");
        m_tasks.push_back(task);
    }
}

void
WorkList::MakeFolders() const
{
    MakeFolder(m_out);
    for (const Cell& cell : m_cells)
    {
        if (!cell.name.empty())
        {
            MakeFolder(m_out + "/" + cell.name);
        }
    }
}

} // namespace qnet
