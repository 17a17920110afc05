// SPDX-License-Identifier: GPL-2.0-only
// A plan of faults as text: the rows of faults.csv.
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "liar/liar.h"

#include "fault-plan.h"
#include "yaml-tree.h"

namespace qnet
{

namespace
{

constexpr FaultKind KINDS[] = {FaultKind::Crash,
                               FaultKind::Churn,
                               FaultKind::Partition,
                               FaultKind::CutOff,
                               FaultKind::Slow,
                               FaultKind::Clock,
                               FaultKind::DiskLoss,
                               FaultKind::Lying};

/// The fields of a row; a faults.csv has seven and no quotes.
std::vector<std::string>
Fields(const std::string& line)
{
    std::vector<std::string> fields;
    std::istringstream in(line);
    for (std::string field; std::getline(in, field, ',');)
    {
        fields.push_back(field);
    }
    if (!line.empty() && line.back() == ',')
    {
        fields.emplace_back();
    }
    return fields;
}

bool
Number(const std::string& text, uint64_t* out)
{
    char rest = 0;
    return !text.empty() && text[0] != '-' &&
           std::sscanf(text.c_str(), "%" SCNu64 "%c", out, &rest) == 1;
}

bool
Signed(const std::string& text, int64_t* out)
{
    char rest = 0;
    return std::sscanf(text.c_str(), "%" SCNd64 "%c", out, &rest) == 1;
}

bool
RegionNamed(const std::string& text, const Network& network, uint32_t* out)
{
    for (uint32_t i = 0; i < network.regions.size(); i++)
    {
        if (network.regions[i] == text)
        {
            *out = i;
            return true;
        }
    }
    return false;
}

bool
ReadValue(const std::string& text, const Network& network, PlannedFault& out)
{
    size_t slash = text.find('/');
    switch (out.kind)
    {
    case FaultKind::Slow:
        return Signed(text, &out.value) && out.value >= 1 && out.value <= 1000;
    case FaultKind::Clock:
        return Signed(text, &out.value);
    case FaultKind::Lying:
        return ParseLies(text, &out.value);
    case FaultKind::Partition:
        return slash != std::string::npos && RegionNamed(text.substr(0, slash), network, &out.a) &&
               RegionNamed(text.substr(slash + 1), network, &out.b);
    case FaultKind::CutOff:
        out.b = 0;
        return RegionNamed(text, network, &out.a) && RegionNamed(text, network, &out.b);
    default:
        return text.empty();
    }
}

bool
ReadRow(const std::string& line, const Scenario& scenario, uint32_t nodes, PlannedFault& out)
{
    std::vector<std::string> f = Fields(line);
    uint64_t number = 0;
    uint64_t node = PlannedFault::NOBODY;
    if (f.size() != 7 || !Number(f[0], &number) || !Number(f[4], &out.from) ||
        (!f[5].empty() && !Number(f[5], &out.until)))
    {
        return false;
    }
    bool known = false;
    for (FaultKind kind : KINDS)
    {
        if (f[1] == FaultKindName(kind))
        {
            out.kind = kind;
            known = true;
        }
    }
    bool regions = out.kind == FaultKind::Partition || out.kind == FaultKind::CutOff;
    if (!known || (regions ? !f[2].empty() : !Number(f[2], &node) || node >= nodes))
    {
        return false;
    }
    out.number = static_cast<uint32_t>(number);
    out.node = static_cast<uint32_t>(node);
    return ReadValue(f[6], scenario.network, out);
}

} // namespace

std::string
LiesText(int64_t lies)
{
    std::string out;
    for (unsigned i = 0; i < LIES; i++)
    {
        if ((lies >> i & 1) != 0)
        {
            out += (out.empty() ? "" : "+") + std::string(lie_name(static_cast<lie>(i)));
        }
    }
    return out;
}

bool
ParseLies(const std::string& text, int64_t* out)
{
    *out = 0;
    std::istringstream in(text);
    for (std::string word; std::getline(in, word, '+');)
    {
        int64_t before = *out;
        for (unsigned i = 0; i < LIES; i++)
        {
            *out |= word == lie_name(static_cast<lie>(i)) ? INT64_C(1) << i : 0;
        }
        if (*out == before)
        {
            return false;
        }
    }
    return *out != 0;
}

const char*
FaultKindName(FaultKind kind)
{
    switch (kind)
    {
    case FaultKind::Crash:
        return "crash";
    case FaultKind::Churn:
        return "churn";
    case FaultKind::Partition:
        return "partition";
    case FaultKind::CutOff:
        return "cut-off";
    case FaultKind::Slow:
        return "slow";
    case FaultKind::Clock:
        return "clock";
    case FaultKind::DiskLoss:
        return "disk-loss";
    case FaultKind::Lying:
        return "lying";
    case FaultKind::Storm:
        break;
    }
    return "storm";
}

std::string
FaultValueText(const PlannedFault& fault, const Network& network)
{
    switch (fault.kind)
    {
    case FaultKind::Slow:
    case FaultKind::Clock:
        return std::to_string(fault.value);
    case FaultKind::Lying:
        return LiesText(fault.value);
    case FaultKind::Partition:
        return network.regions[fault.a] + "/" + network.regions[fault.b];
    case FaultKind::CutOff:
        return network.regions[fault.a];
    default:
        return "";
    }
}

std::vector<PlannedFault>
ReadFaultPlan(const std::string& path, const Scenario& scenario, uint32_t nodes)
{
    std::ifstream in(path);
    if (!in)
    {
        throw ScenarioError("cannot read " + path);
    }
    std::vector<PlannedFault> plan;
    std::string line;
    for (unsigned at = 1; std::getline(in, line); at++)
    {
        if (at == 1 && line.rfind("number,", 0) == 0)
        {
            continue;
        }
        PlannedFault fault;
        if (!ReadRow(line, scenario, nodes, fault))
        {
            throw ScenarioError(path + ":" + std::to_string(at) +
                                ": this is no row of a faults.csv of this scenario");
        }
        plan.push_back(fault);
    }
    return plan;
}

} // namespace qnet
