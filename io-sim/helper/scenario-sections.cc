// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-sections.h"

#include <algorithm>

namespace qnet
{

namespace
{

constexpr uint64_t MS = 1000 * 1000;
constexpr uint64_t SECOND = 1000 * MS;
constexpr uint64_t HOUR = 3600 * SECOND;
constexpr uint64_t MEMORY_USUAL = UINT64_C(1) << 30; ///< as memory.max of qnet.conf(5)
constexpr uint64_t MEMORY_MOST = UINT64_C(1) << 40;
constexpr uint64_t NODES_MAX = 200000;     ///< of one group; beyond it memory ends first
constexpr uint64_t EPOCH = 1796000000;     ///< December 2026: the browser profiles are fresh
constexpr uint64_t EPOCH_MAX = 4102444800; ///< the year 2100

/// Unless the group says where its members are, they are where the map has such hosts.
Weights<uint32_t>
ReadRegions(const YamlNode* node, const Network& network, Role role)
{
    Weights<uint32_t> weights;
    if (node == nullptr)
    {
        for (uint32_t i = 0; i < network.regions.size(); i++)
        {
            const Region& place = network.places[i];
            weights.emplace_back(i, role == Role::Client ? place.people : place.nodes);
        }
        return weights;
    }
    MustBe(*node, YamlNode::Kind::Map, "regions are written {eu: 3, asia: 1}: names and weights");
    for (const auto& [name, value] : node->keys)
    {
        weights.emplace_back(RegionOf(value, name, network),
                             NumberOf(value, Unit::Count, 0, WEIGHT_MAX));
    }
    return weights;
}

Weights<qn_route>
ReadRoutes(const YamlNode* node)
{
    if (node == nullptr)
    {
        return {{QN_ROUTE_FAST, 1}}; // the shipped node's default
    }
    MapReader map(*node, "route");
    Weights<qn_route> weights;
    for (qn_route route : {QN_ROUTE_FAST, QN_ROUTE_PRIVACY})
    {
        uint64_t weight = map.Number(RouteName(route), Unit::Count, 0, 0, WEIGHT_MAX);
        if (weight > 0)
        {
            weights.emplace_back(route, weight);
        }
    }
    map.Done();
    if (weights.empty())
    {
        node->Fail("route needs a weight above 0 for fast or privacy");
    }
    return weights;
}

void
ReadStart(const YamlNode* node, Group& out)
{
    if (node == nullptr)
    {
        return;
    }
    MapReader map(*node, "start");
    out.startFrom = map.Number("from", Unit::Time, 0, 0, 1000 * HOUR);
    out.startOver = map.Number("over", Unit::Time, 0, 0, 1000 * HOUR);
    map.Done();
}

/// Clients may leave their access to what people have where they are.
void
ReadGroupAccess(MapReader& map, const Network& network, Group& out)
{
    const YamlNode* access = map.Maybe("access");
    bool mixed = out.role == Role::Client;
    for (const auto& [region, weight] : out.regions)
    {
        mixed = mixed && (weight == 0 || !network.places[region].access.empty());
    }
    if (access == nullptr && mixed)
    {
        return;
    }
    out.access = ReadAccessWeights(map.Need("access"), network);
}

Group
ReadGroup(const YamlNode& node, const Scenario& scenario)
{
    static const std::vector<std::string> roles = {"client", "relay", "exit", "super", "web"};
    MapReader map(node, "a population group");
    Group group;
    group.role = static_cast<Role>(map.NeedChoice("role", roles));
    group.name = map.Text("name", RoleName(group.role));
    group.count = static_cast<uint32_t>(map.NeedNumber("count", Unit::Count, 1, NODES_MAX));
    group.regions = ReadRegions(map.Maybe("regions"), scenario.network, group.role);
    ReadGroupAccess(map, scenario.network, group);
    if (group.role != Role::Web)
    {
        group.cpu = static_cast<uint32_t>(map.Number("cpu", Unit::Permille, 1000, 1, 1000000));
        group.memory = map.Number("memory", Unit::Size, MEMORY_USUAL, 1, MEMORY_MOST);
    }
    if (group.role == Role::Client)
    {
        group.routes = ReadRoutes(map.Maybe("route"));
        group.pool = static_cast<uint32_t>(map.Number("pool", Unit::Count, 0, 1, 64));
        group.returning = map.Number("returning", Unit::Permille, 0, 0, 1000);
    }
    ReadStart(map.Maybe("start"), group);
    map.Done();
    return group;
}

void
ReadRange(MapReader& map, Expectation& out, Unit unit)
{
    if (const YamlNode* equals = map.Maybe("equals"))
    {
        uint64_t value = NumberOf(*equals, unit, 0, UINT64_MAX);
        uint64_t slack = map.Number("tolerance", Unit::Permille, 0, 0, 1000);
        uint64_t part = value / 1000 * slack + value % 1000 * slack / 1000;
        out.min = value - part;
        out.max = value + part;
    }
    out.min = map.Number("at_least", unit, out.min, 0, UINT64_MAX);
    out.max = map.Number("at_most", unit, out.max, 0, UINT64_MAX);
}

} // namespace

std::vector<std::string>
GroupNames(const Scenario& scenario, Role role)
{
    std::vector<std::string> names;
    for (const Group& group : scenario.groups)
    {
        if (group.role == role)
        {
            names.push_back(group.name);
        }
    }
    return names;
}

uint32_t
GroupIndex(const Scenario& scenario, const YamlNode& node, Role role)
{
    ChoiceOf(node, std::string(RoleName(role)) + " group", node.text, GroupNames(scenario, role));
    for (uint32_t i = 0; i < scenario.groups.size(); i++)
    {
        if (scenario.groups[i].name == node.text)
        {
            return i;
        }
    }
    node.Fail("no such group"); // not reached: ChoiceOf would have failed
}

const YamlNode&
MustBe(const YamlNode& node, YamlNode::Kind kind, const std::string& what)
{
    if (node.kind != kind || (node.items.empty() && node.keys.empty() && node.text.empty()))
    {
        node.Fail(what);
    }
    return node;
}

uint32_t
RegionOf(const YamlNode& node, const std::string& text, const Network& network)
{
    return static_cast<uint32_t>(ChoiceOf(node, "region", text, network.regions));
}

Unit
UnitOfMetric(const std::string& path)
{
    auto has = [&path](const char* part) { return path.find(part) != std::string::npos; };
    if (path.size() > 2 && path.compare(path.size() - 2, 2, ".n") == 0) // how many were measured
    {
        return Unit::Count;
    }
    if (has("_ns"))
    {
        return Unit::Time;
    }
    if (has("bytes"))
    {
        return Unit::Size;
    }
    return has("permille") ? Unit::Permille : Unit::Count;
}

void
ReadGeneral(const YamlNode& node, Scenario& out)
{
    MapReader map(node, "general");
    out.name = map.NeedText("name");
    out.description = map.Text("description", "");
    out.question = map.Text("question", "");
    out.model = map.Text("model", "");
    out.metrics = map.Text("metrics", "");
    out.cannotSay = map.Text("cannot_say", "");
    out.seed = map.Number("seed", Unit::Count, 1, 0, UINT64_MAX);
    out.stop = map.NeedNumber("stop", Unit::Time, MS, 10000 * HOUR);
    out.warmup = map.Number("warmup", Unit::Time, 0, 0, out.stop);
    out.epoch = static_cast<int64_t>(map.Number("epoch", Unit::Count, EPOCH, 1, EPOCH_MAX));
    if (const YamlNode* tier = map.Maybe("tier"))
    {
        static const std::vector<std::string> tiers = {"M", "T", "P"};
        out.tier = static_cast<Tier>(ChoiceOf(*tier, "tier", tier->text, tiers));
    }
    map.Done();
}

void
ReadPopulation(const YamlNode& node, Scenario& out)
{
    MustBe(node, YamlNode::Kind::List, "population is a list of groups");
    for (const YamlNode& item : node.items)
    {
        Group group = ReadGroup(item, out);
        for (const Group& other : out.groups)
        {
            if (other.name == group.name)
            {
                item.Fail("two groups are called \"" + group.name + "\"; give each a name");
            }
        }
        out.groups.push_back(group);
    }
    if (GroupNames(out, Role::Super).empty())
    {
        node.Fail("population has no group of role super: nobody would sign the directory");
    }
}

void
ReadDirectory(const YamlNode* node, Scenario& out)
{
    for (uint32_t i = static_cast<uint32_t>(out.groups.size()); i-- > 0;)
    {
        out.signers = out.groups[i].role == Role::Super ? i : out.signers;
    }
    if (node != nullptr)
    {
        MapReader map(*node, "directory");
        out.signers = GroupIndex(out, map.Need("signed_by"), Role::Super);
        map.Done();
    }
}

void
ReadMeasure(const YamlNode* node, Scenario& out)
{
    out.interval = SECOND;
    if (node != nullptr)
    {
        MapReader map(*node, "measure");
        out.interval = map.Number("interval", Unit::Time, SECOND, 10 * MS, HOUR);
        map.Done();
    }
}

void
ReadExpect(const YamlNode* node, Scenario& out)
{
    if (node == nullptr)
    {
        return;
    }
    if (node->kind != YamlNode::Kind::List)
    {
        node->Fail("expect is a list");
    }
    for (const YamlNode& item : node->items)
    {
        MapReader map(item, "an expectation");
        Expectation expectation;
        expectation.what = map.NeedText("what");
        ReadRange(map, expectation, UnitOfMetric(expectation.what));
        map.Done();
        for (const auto& [key, value] : item.keys)
        {
            expectation.text += (key == "what" ? "" : " " + key + " ") + value.text;
        }
        expectation.place = item.file + ":" + std::to_string(item.line);
        out.expectations.push_back(expectation);
    }
}

} // namespace qnet
