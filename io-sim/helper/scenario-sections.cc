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
constexpr uint64_t KIB = 1024;
constexpr uint64_t MIB = KIB * KIB;
constexpr uint64_t NODES_MAX = 200000;     ///< of one group; beyond it memory ends first
constexpr uint64_t WEIGHT_MAX = 1000000;   ///< keeps sums far from overflow
constexpr uint64_t EPOCH = 1796000000;     ///< December 2026: the browser profiles are fresh
constexpr uint64_t EPOCH_MAX = 4102444800; ///< the year 2100

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

void
ReadLatency(const YamlNode& node, Network& out)
{
    MapReader map(node, "network.latency");
    size_t n = out.regions.size();
    uint64_t local = map.NeedNumber("local", Unit::Time, 1000, 10 * SECOND);
    out.spread = map.Number("spread", Unit::Time, 0, 0, SECOND);
    out.latency.assign(n * n, 0);
    for (size_t i = 0; i < n; i++)
    {
        out.latency[i * n + i] = local;
    }
    if (const YamlNode* between = map.Maybe("between"))
    {
        for (const YamlNode& item : between->items)
        {
            if (item.kind != YamlNode::Kind::List || item.items.size() != 3)
            {
                item.Fail("a latency is written [region, region, 40 ms]");
            }
            size_t a = RegionOf(item.items[0], item.items[0].text, out);
            size_t b = RegionOf(item.items[1], item.items[1].text, out);
            uint64_t ns = NumberOf(item.items[2], Unit::Time, 1000, 10 * SECOND);
            out.latency[a * n + b] = ns;
            out.latency[b * n + a] = ns;
        }
    }
    for (size_t i = 0; i < n * n; i++)
    {
        if (out.latency[i] == 0)
        {
            node.Fail("no latency between " + out.regions[i / n] + " and " + out.regions[i % n]);
        }
    }
    map.Done();
}

void
ReadConn(const YamlNode* node, Network& out)
{
    YamlNode none;
    none.kind = YamlNode::Kind::Map;
    MapReader map(node != nullptr ? *node : none, "network.conn");
    out.initialWindow = map.Number("initial_window", Unit::Size, 14480, 1448, 64 * MIB);
    out.maxWindow = map.Number("max_window", Unit::Size, MIB, 16 * KIB, 64 * MIB);
    out.sendBuffer = map.Number("send_buffer", Unit::Size, 64 * KIB, 16 * KIB, 16 * MIB);
    out.queueLimit = map.Number("queue_limit", Unit::Size, 300000, 16 * KIB, 64 * MIB);
    out.segment = map.Number("segment", Unit::Size, 1448, 536, 16 * KIB);
    map.Done();
}

Weights<uint32_t>
ReadRegions(const YamlNode* node, const Network& network)
{
    Weights<uint32_t> weights;
    if (node == nullptr)
    {
        for (uint32_t i = 0; i < network.regions.size(); i++)
        {
            weights.emplace_back(i, 1);
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
    out.startFrom = map.Number("from", Unit::Time, 0, 0, HOUR);
    out.startOver = map.Number("over", Unit::Time, 0, 0, HOUR);
    map.Done();
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
    group.regions = ReadRegions(map.Maybe("regions"), scenario.network);
    std::vector<std::string> classes;
    for (const AccessClass& access : scenario.network.access)
    {
        classes.push_back(access.name);
    }
    group.access = static_cast<uint32_t>(map.NeedChoice("access", classes));
    if (group.role == Role::Client)
    {
        group.routes = ReadRoutes(map.Maybe("route"));
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

Unit
UnitOfMetric(const std::string& path)
{
    auto has = [&path](const char* part) { return path.find(part) != std::string::npos; };
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
ReadNetwork(const YamlNode& node, Network& out)
{
    MapReader map(node, "network");
    const YamlNode& regions =
        MustBe(map.Need("regions"), YamlNode::Kind::List, "regions is a list of names");
    for (const YamlNode& region : regions.items)
    {
        if (std::count(out.regions.begin(), out.regions.end(), region.text) > 0)
        {
            region.Fail("region \"" + region.text + "\" stands twice");
        }
        out.regions.push_back(region.text);
    }
    ReadLatency(map.Need("latency"), out);
    const YamlNode& access = MustBe(map.Need("access"),
                                    YamlNode::Kind::Map,
                                    "access is a map of classes, each {up: RATE, down: RATE}");
    for (const auto& [name, value] : access.keys)
    {
        MapReader rates(value, "access class " + name);
        uint64_t up = rates.NeedNumber("up", Unit::Rate, 1000, 1000 * UINT64_C(1000000000));
        uint64_t down = rates.NeedNumber("down", Unit::Rate, 1000, 1000 * UINT64_C(1000000000));
        rates.Done();
        out.access.push_back({name, up, down});
    }
    ReadConn(map.Maybe("conn"), out);
    out.dns = map.Number("dns", Unit::Time, 20 * MS, 0, HOUR);
    if (const YamlNode* carrier = map.Maybe("carrier"))
    {
        out.carrier =
            static_cast<CarrierKind>(ChoiceOf(*carrier, "carrier", carrier->text, {"htx", "bare"}));
    }
    out.originDelay = map.Number("origin_delay", Unit::Time, MS, 0, SECOND);
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
ReadWorkload(const YamlNode* node, Scenario& out)
{
    if (node == nullptr)
    {
        return; // an idle network is worth measuring too
    }
    MustBe(*node, YamlNode::Kind::List, "workload is a list");
    for (const YamlNode& item : node->items)
    {
        MapReader map(item, "a workload");
        map.NeedChoice("model", {"web"});
        WebWorkload web;
        web.name = map.Text("name", "web");
        web.clients = GroupIndex(out, map.Need("clients"), Role::Client);
        web.servers = GroupIndex(out, map.Need("servers"), Role::Web);
        const YamlNode& sizes = MustBe(
            map.Need("sizes"), YamlNode::Kind::Map, "sizes are written {50 KiB: 4, 1 MiB: 1}");
        for (const auto& [text, weight] : sizes.keys)
        {
            YamlNode size = weight;
            size.text = text;
            web.sizes.emplace_back(NumberOf(size, Unit::Size, 1, 1024 * MIB),
                                   NumberOf(weight, Unit::Count, 1, WEIGHT_MAX));
        }
        web.think = map.NeedNumber("think", Unit::Time, 0, HOUR);
        web.timeout = map.Number("timeout", Unit::Time, 60 * SECOND, MS, HOUR);
        map.Done();
        out.workloads.push_back(web);
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
