// SPDX-License-Identifier: GPL-2.0-only
#include "run-tables.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "output-file.h"

namespace qnet
{

namespace
{

/// No cell of what is read here has a comma of its own.
std::vector<std::string>
CellsOf(const std::string& line)
{
    std::vector<std::string> cells(1);
    for (char c : line)
    {
        if (c == ',')
        {
            cells.emplace_back();
        }
        else if (c != '\r')
        {
            cells.back() += c;
        }
    }
    return cells;
}

size_t
ColumnOf(const std::vector<std::string>& head, const char* name, const std::string& path)
{
    auto found = std::find(head.begin(), head.end(), name);
    if (found == head.end())
    {
        throw OutputError(path + " has no column " + name + ": another qnet-sim wrote it");
    }
    return static_cast<size_t>(found - head.begin());
}

uint64_t
Whole(const std::string& cell)
{
    return std::strtoull(cell.c_str(), nullptr, 10);
}

} // namespace

RunTimes
ReadTimes(const std::string& folder)
{
    std::string path = folder + "/streams.csv";
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line))
    {
        throw OutputError("cannot read " + path);
    }
    std::vector<std::string> head = CellsOf(line);
    size_t route = ColumnOf(head, "route", path);
    size_t size = ColumnOf(head, "size_bytes", path);
    size_t first = ColumnOf(head, "ttfb_ns", path);
    size_t last = ColumnOf(head, "ttlb_ns", path);
    size_t outcome = ColumnOf(head, "outcome", path);
    size_t measured = ColumnOf(head, "measured", path);
    RunTimes times;
    while (std::getline(file, line))
    {
        std::vector<std::string> cells = CellsOf(line);
        if (cells.size() == head.size() && cells[outcome] == "done" && cells[measured] == "1")
        {
            FetchTimes& of = times[{cells[route], Whole(cells[size])}];
            of.first.push_back(Whole(cells[first]));
            of.last.push_back(Whole(cells[last]));
        }
    }
    return times;
}

TimeTable
ReadTimeTable(const std::string& path)
{
    TimeTable table;
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line))
    {
        return table;
    }
    table.names = CellsOf(line);
    table.names.erase(table.names.begin());
    while (std::getline(file, line))
    {
        std::vector<std::string> cells = CellsOf(line);
        std::vector<double> values;
        for (size_t i = 1; i < cells.size(); i++)
        {
            char* end = nullptr;
            double value = std::strtod(cells[i].c_str(), &end);
            values.push_back(end == cells[i].c_str() ? -1 : value);
        }
        values.resize(table.names.size(), -1);
        table.rows.emplace_back(Whole(cells[0]), std::move(values));
    }
    return table;
}

} // namespace qnet
