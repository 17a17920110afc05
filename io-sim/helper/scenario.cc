// SPDX-License-Identifier: GPL-2.0-only
#include "scenario.h"

#include <algorithm>

#include "digest.h"
#include "map-reader.h"
#include "scenario-sections.h"
#include "shipped-file.h"

namespace qnet
{

namespace
{

constexpr unsigned EXTENDS_MAX = 8; ///< a longer chain is a circle

std::string
FolderOf(const std::string& path)
{
    size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

YamlNode
ReadWithBases(const std::string& path, unsigned depth)
{
    YamlNode tree = YamlReadFile(path);
    const YamlNode* extends = tree.Find("extends");
    if (extends == nullptr)
    {
        return tree;
    }
    if (depth >= EXTENDS_MAX)
    {
        extends->Fail("extends goes on for ever");
    }
    std::string file = extends->text;
    YamlNode base = ReadWithBases(file.front() == '/' ? file : FolderOf(path) + file, depth + 1);
    YamlMerge(base, tree);
    return base;
}

/// A name of a shipped file ("default" in maps/), a path from the scenario's folder, or what such a
/// file would say.
YamlNode
Unfolded(const YamlNode& node, const std::string& path, const std::string& shelf)
{
    if (node.kind != YamlNode::Kind::Scalar)
    {
        return node;
    }
    bool file =
        node.text.find('/') != std::string::npos || node.text.find(".yaml") != std::string::npos;
    std::string from = node.text.front() == '/' ? "" : FolderOf(path);
    return YamlReadFile(file ? from + node.text : ShippedPath(shelf + node.text + ".yaml"));
}

/// "network: {map: default}" stands for what that map says; the scenario's own keys go above it.
void
UnfoldNetwork(YamlNode& tree, const std::string& path)
{
    YamlNode* network = tree.Find("network");
    if (network == nullptr)
    {
        return;
    }
    if (YamlNode* cpu = network->Find("cpu"))
    {
        *cpu = Unfolded(*cpu, path, "cpu/");
    }
    if (const YamlNode* map = network->Find("map"))
    {
        YamlNode base = Unfolded(*map, path, "maps/");
        YamlNode own = *network;
        own.Remove("map");
        YamlMerge(base, own);
        *network = base;
    }
}

bool
SetsFile(const std::string& set)
{
    return set.compare(0, 12, "network.map=") == 0 || set.compare(0, 12, "network.cpu=") == 0;
}

/// Follows "population.homes.count": map keys, list items by name, role or number.
YamlNode*
Step(YamlNode* at, const std::string& key)
{
    if (at->kind == YamlNode::Kind::Map)
    {
        return at->Find(key);
    }
    for (size_t i = 0; i < at->items.size(); i++)
    {
        YamlNode& item = at->items[i];
        const YamlNode* name = item.Find("name");
        const YamlNode* role = item.Find("role");
        if ((name != nullptr && name->text == key) || std::to_string(i) == key ||
            (name == nullptr && role != nullptr && role->text == key))
        {
            return &item;
        }
    }
    return nullptr;
}

void
ApplySet(YamlNode& tree, const std::string& set)
{
    size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0)
    {
        throw ScenarioError("--set " + set + ": write --set key=value");
    }
    std::string path = set.substr(0, equals);
    YamlNode value = YamlReadText(set.substr(equals + 1), "--set " + path);
    YamlNode* at = &tree;
    for (size_t from = 0;;)
    {
        size_t dot = path.find('.', from);
        std::string key = path.substr(from, dot == std::string::npos ? dot : dot - from);
        YamlNode* next = Step(at, key);
        if (next == nullptr && dot == std::string::npos && at->kind == YamlNode::Kind::Map)
        {
            at->keys.emplace_back(key, value); // a key the file left at its default
            return;
        }
        if (next == nullptr)
        {
            throw ScenarioError("--set " + set + ": the scenario has no \"" + path.substr(0, dot) +
                                "\"");
        }
        if (dot == std::string::npos)
        {
            *next = value;
            return;
        }
        at = next;
        from = dot + 1;
    }
}

} // namespace

const char*
RoleName(Role role)
{
    static const char* const names[] = {"client", "relay", "exit", "super", "web"};
    return names[static_cast<size_t>(role)];
}

const char*
CarrierName(CarrierKind carrier)
{
    return carrier == CarrierKind::Htx ? "htx" : "bare";
}

const char*
TierName(Tier tier)
{
    static const char* const names[] = {"M", "T", "P"};
    return names[static_cast<size_t>(tier)];
}

bool
ParseTier(const std::string& text, Tier* out)
{
    for (Tier tier : {Tier::M, Tier::T, Tier::P})
    {
        if (text == TierName(tier))
        {
            *out = tier;
            return true;
        }
    }
    return false;
}

const char*
RouteName(qn_route route)
{
    return route == QN_ROUTE_FAST ? "fast" : "privacy";
}

qn_route
Group::UsualRoute() const
{
    qn_route route = QN_ROUTE_FAST;
    uint64_t most = 0;
    for (const auto& [each, weight] : routes)
    {
        route = weight > most ? each : route;
        most = std::max(most, weight);
    }
    return route;
}

Scenario
ReadScenario(const std::string& path, const std::vector<std::string>& sets)
{
    YamlNode tree = ReadWithBases(path, 0);
    for (const std::string& set : sets)
    {
        if (SetsFile(set))
        {
            ApplySet(tree, set);
        }
    }
    UnfoldNetwork(tree, path);
    for (const std::string& set : sets)
    {
        if (!SetsFile(set))
        {
            ApplySet(tree, set);
        }
    }
    Scenario out;
    MapReader map(tree, "a scenario");
    map.Maybe("extends");
    ReadGeneral(map.Need("general"), out);
    ReadNetwork(map.Need("network"), out.network);
    ReadPopulation(map.Need("population"), out);
    ReadDirectory(map.Maybe("directory"), out);
    ReadWorkload(map.Maybe("workload"), path, out);
    ReadFaults(map.Maybe("faults"), out);
    ReadControls(map.Maybe("control"), out);
    ReadCensors(map.Maybe("censor"), out);
    ReadEntries(map.Maybe("entries"), out);
    ReadMeasure(map.Maybe("measure"), out);
    ReadExpect(map.Maybe("expect"), out);
    map.Done();
    tree.Remove("extends");
    out.canonical = YamlDump(tree);
    Sha256 hash;
    hash.Add(out.canonical);
    for (const Workload& workload : out.workloads)
    {
        for (const auto& client : workload.habits.trace) // a file beside the scenario is part of it
        {
            for (const Habits::Request& request : client)
            {
                hash.Add(std::to_string(request.at) + "," + std::to_string(request.size) + "," +
                         std::to_string(request.server) + "\n");
            }
            hash.Add("\n");
        }
    }
    out.sha256 = hash.Hex();
    return out;
}

} // namespace qnet
