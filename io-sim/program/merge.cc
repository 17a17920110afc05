// SPDX-License-Identifier: GPL-2.0-only
#include "merge.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <sys/stat.h>

#include "output-file.h"

namespace qnet
{

namespace
{

/// Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom; beyond the table 1.96.
constexpr double STUDENT[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                              2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                              2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                              2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
constexpr double NORMAL = 1.96;

using Metrics = std::map<std::string, std::vector<double>>;

void
Collect(const json_t* at, const std::string& path, Metrics& out)
{
    const char* key = nullptr;
    json_t* value = nullptr;
    json_object_foreach(const_cast<json_t*>(at), key, value)
    {
        std::string name = path.empty() ? key : path + "." + key;
        if (json_is_integer(value))
        {
            out[name].push_back(static_cast<double>(json_integer_value(value)));
        }
        else
        {
            Collect(value, name, out);
        }
    }
}

/// Half the width of the 95 % interval of the mean.
double
Margin(const std::vector<double>& v, double mean)
{
    double squares = 0;
    for (double x : v)
    {
        squares += (x - mean) * (x - mean);
    }
    size_t freedom = v.size() - 1;
    if (freedom == 0)
    {
        return 0;
    }
    size_t known = sizeof STUDENT / sizeof STUDENT[0];
    double t = freedom <= known ? STUDENT[freedom - 1] : NORMAL;
    double n = static_cast<double>(v.size());
    return t * std::sqrt(squares / static_cast<double>(freedom) / n);
}

/// As RFC 4180 has it.
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

void
WriteRows(OutputFile& out, const Cell& cell, const Metrics& metrics)
{
    std::string where;
    for (const auto& [key, value] : cell.at)
    {
        where += CsvCell(value) + ",";
    }
    for (const auto& [name, values] : metrics)
    {
        double sum = 0;
        for (double x : values)
        {
            sum += x;
        }
        double mean = sum / static_cast<double>(values.size());
        double margin = Margin(values, mean);
        auto [least, most] = std::minmax_element(values.begin(), values.end());
        out.Write(where);
        out.Printf("%s,%zu,%.1f,%.1f,%.1f,%.0f,%.0f\n",
                   name.c_str(),
                   values.size(),
                   mean,
                   mean - margin,
                   mean + margin,
                   *least,
                   *most);
    }
}

bool
MetExpectations(const std::string& folder)
{
    JsonPtr facts(json_load_file((folder + "/run.json").c_str(), 0, nullptr));
    size_t i = 0;
    json_t* verdict = nullptr;
    json_array_foreach(json_object_get(facts.get(), "expectations"), i, verdict)
    {
        if (!json_is_true(json_object_get(verdict, "met")))
        {
            return false;
        }
    }
    return true;
}

} // namespace

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

Merged
Merge(const WorkList& work, const std::string& path)
{
    Merged found;
    std::map<const Cell*, Metrics> metrics;
    for (const Task& task : work.Tasks())
    {
        JsonPtr result = ResultOf(task);
        if (!result)
        {
            found.missing++;
            continue;
        }
        found.runs++;
        found.met = MetExpectations(task.folder) && found.met;
        Collect(result.get(), "", metrics[task.cell]);
    }
    if (found.runs == 0)
    {
        throw OutputError("no finished run of this sweep is there to merge");
    }
    OutputFile out(path);
    for (const auto& [key, value] : work.Cells().front().at)
    {
        out.Write(CsvCell(key) + ",");
    }
    out.Write("metric,runs,mean,low95,high95,min,max\n");
    for (const Cell& cell : work.Cells())
    {
        WriteRows(out, cell, metrics[&cell]);
    }
    out.Close();
    return found;
}

} // namespace qnet
