// SPDX-License-Identifier: GPL-2.0-only
#include "merge.h"

#include <algorithm>

#include <sys/stat.h>

#include "output-file.h"

namespace qnet
{

namespace
{

void
Collect(const json_t* at, const std::string& path, uint64_t seed, Metrics& out)
{
    const char* key = nullptr;
    json_t* value = nullptr;
    json_object_foreach(const_cast<json_t*>(at), key, value)
    {
        std::string name = path.empty() ? key : path + "." + key;
        if (json_is_integer(value))
        {
            out[name][seed] = static_cast<double>(json_integer_value(value));
        }
        else
        {
            Collect(value, name, seed, out);
        }
    }
}

void
WriteRows(OutputFile& out, const MergedCell& cell)
{
    std::string where;
    for (const auto& [key, value] : cell.cell->at)
    {
        where += CsvCell(value) + ",";
    }
    for (const auto& [name, values] : cell.metrics)
    {
        Interval i = cell.Of(name);
        out.Write(where);
        out.Printf("%s,%zu,%.1f,%.1f,%.1f,%.0f,%.0f\n",
                   name.c_str(),
                   i.runs,
                   i.mean,
                   i.mean - i.margin,
                   i.mean + i.margin,
                   i.least,
                   i.most);
    }
}

/// Adds what run.json says of the scenario's expectations. \return whether all were met
bool
CountExpectations(const std::string& folder, MergedCell& cell)
{
    JsonPtr facts(json_load_file((folder + "/run.json").c_str(), 0, nullptr));
    bool all = true;
    size_t i = 0;
    json_t* verdict = nullptr;
    json_array_foreach(json_object_get(facts.get(), "expectations"), i, verdict)
    {
        bool met = json_is_true(json_object_get(verdict, "met"));
        cell.met.resize(std::max(cell.met.size(), i + 1));
        cell.met[i] += met;
        all = all && met;
    }
    return all;
}

void
WriteTable(const Merged& merged, const std::string& path)
{
    OutputFile out(path);
    for (const auto& [key, value] : merged.cells.front().cell->at)
    {
        out.Write(CsvCell(key) + ",");
    }
    out.Write("metric,runs,mean,low95,high95,min,max\n");
    for (const MergedCell& cell : merged.cells)
    {
        WriteRows(out, cell);
    }
    out.Close();
}

} // namespace

std::string
CsvCell(const std::string& text)
{
    if (text.find_first_of(",\"") == std::string::npos)
    {
        return text;
    }
    std::string quoted = "\"";
    for (char c : text)
    {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + "\"";
}

JsonPtr
ResultOf(const Task& task)
{
    struct stat finished = {};
    if (stat((task.folder + "/report.html").c_str(), &finished) != 0) // a run writes it last
    {
        return nullptr;
    }
    JsonPtr json(json_load_file((task.folder + "/summary.json").c_str(), 0, nullptr));
    auto is = [&json](const char* key, const std::string& value) {
        const char* text = json_string_value(json_object_get(json.get(), key));
        return text != nullptr && value == text;
    };
    uint64_t seed = 0;
    bool same = is("scenario_sha256", task.cell->scenarioSha256) &&
                is("tier", TierName(task.cell->tier)) && JsonLookUp(json.get(), "seed", &seed) &&
                seed == task.seed;
    return same ? std::move(json) : nullptr;
}

uint64_t
PeakKibOf(const std::string& folder)
{
    JsonPtr facts(json_load_file((folder + "/run.json").c_str(), 0, nullptr));
    uint64_t kib = 0;
    return facts && JsonLookUp(facts.get(), "peak_rss_kib", &kib) ? kib : 0;
}

Interval
MergedCell::Of(const std::string& metric) const
{
    std::vector<double> values;
    auto found = metrics.find(metric);
    if (found != metrics.end())
    {
        for (const auto& [seed, value] : found->second)
        {
            values.push_back(value);
        }
    }
    return IntervalOf(values);
}

Merged
Merge(const WorkList& work, const std::string& path)
{
    Merged found;
    for (const Cell& cell : work.Cells())
    {
        found.cells.push_back({&cell, {}, {}, {}});
    }
    for (const Task& task : work.Tasks())
    {
        JsonPtr result = ResultOf(task);
        if (!result)
        {
            found.missing++;
            continue;
        }
        MergedCell& cell = found.cells[static_cast<size_t>(task.cell - work.Cells().data())];
        cell.done.push_back(&task);
        found.runs++;
        found.met += CountExpectations(task.folder, cell);
        Collect(result.get(), "", task.seed, cell.metrics);
    }
    if (found.runs == 0)
    {
        throw OutputError("no finished run of this sweep is there to merge");
    }
    WriteTable(found, path);
    return found;
}

} // namespace qnet
