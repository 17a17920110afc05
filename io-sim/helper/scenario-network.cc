// SPDX-License-Identifier: GPL-2.0-only
// "network" of a scenario: where hosts can be, how far apart, and how they are connected.
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
constexpr uint64_t RATE_MAX = 1000 * UINT64_C(1000000000);
constexpr uint64_t LOSS_MAX = 200000; ///< millionths; beyond it nothing is a network any more

std::vector<std::string>
ClassNames(const Network& network)
{
    std::vector<std::string> names;
    for (const AccessClass& access : network.access)
    {
        names.push_back(access.name);
    }
    return names;
}

/// A country as descriptors have it: two capital letters.
std::string
CountryOf(const YamlNode& node, const std::string& text)
{
    auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (text.size() != 2 || !capital(text[0]) || !capital(text[1]))
    {
        node.Fail("\"" + text + "\" is no country code such as DE");
    }
    return text;
}

void
ReadCountries(const YamlNode* node, Region& out)
{
    if (node == nullptr)
    {
        return;
    }
    if (node->kind == YamlNode::Kind::Scalar)
    {
        out.countries.emplace_back(CountryOf(*node, node->text), 1);
        return;
    }
    for (const auto& [name, weight] : node->keys)
    {
        out.countries.emplace_back(CountryOf(weight, name),
                                   NumberOf(weight, Unit::Count, 1, WEIGHT_MAX));
    }
}

/// "europe", or a map with more to say of it.
Region
ReadRegion(const YamlNode& node, const Network& network)
{
    Region region;
    if (node.kind == YamlNode::Kind::Scalar)
    {
        region.name = node.text;
        return region;
    }
    MapReader map(node, "a region");
    region.name = map.NeedText("name");
    region.people = map.Number("people", Unit::Count, 1, 0, WEIGHT_MAX);
    region.nodes = map.Number("nodes", Unit::Count, 1, 0, WEIGHT_MAX);
    ReadCountries(map.Maybe("country"), region);
    if (const YamlNode* access = map.Maybe("access"))
    {
        region.access = ReadAccessWeights(*access, network);
    }
    map.Done();
    return region;
}

void
ReadLocations(const YamlNode& node, Network& out)
{
    MustBe(node, YamlNode::Kind::List, "regions is a list of names");
    for (const YamlNode& item : node.items)
    {
        Region region = ReadRegion(item, out);
        if (std::count(out.regions.begin(), out.regions.end(), region.name) > 0)
        {
            item.Fail("region \"" + region.name + "\" stands twice");
        }
        out.regions.push_back(region.name);
        out.places.push_back(region);
    }
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

AccessClass
ReadClass(const std::string& name, const YamlNode& node)
{
    MapReader map(node, "access class " + name);
    AccessClass access;
    access.name = name;
    access.up = map.NeedNumber("up", Unit::Rate, 1000, RATE_MAX);
    access.down = map.NeedNumber("down", Unit::Rate, 1000, RATE_MAX);
    access.vary = map.Number("vary", Unit::Permille, 0, 0, 900);
    access.delay = map.Number("delay", Unit::Time, 0, 0, 10 * SECOND);
    access.delaySpread = map.Number("delay_spread", Unit::Time, 0, 0, 10 * SECOND);
    access.loss = map.Number("loss", Unit::Millionth, 0, 0, LOSS_MAX);
    map.Done();
    return access;
}

void
ReadConn(const YamlNode* node, Network& out)
{
    YamlNode none;
    none.kind = YamlNode::Kind::Map;
    MapReader map(node != nullptr ? *node : none, "network.conn");
    out.initialWindow = map.Number("initial_window", Unit::Size, 14480, 1448, 64 * MIB);
    out.maxWindow = map.Number("max_window", Unit::Size, MIB, 16 * KIB, 64 * MIB);
    out.sendBuffer = map.Number("send_buffer", Unit::Size, 32 * KIB, 16 * KIB, 16 * MIB);
    out.queueLimit = map.Number("queue_limit", Unit::Size, 300000, 16 * KIB, 64 * MIB);
    out.segment = map.Number("segment", Unit::Size, 1448, 536, 16 * KIB);
    map.Done();
}

void
ReadOrigin(const YamlNode* node, OriginHabits& out)
{
    YamlNode none;
    none.kind = YamlNode::Kind::Map;
    MapReader map(node != nullptr ? *node : none, "network.origin");
    auto time = [&map](const char* key, uint64_t missing, uint64_t max) {
        return static_cast<int64_t>(map.Number(key, Unit::Time, missing, 0, max));
    };
    out.delay = time("delay", MS, SECOND);
    out.service = time("service", 0, SECOND);
    out.idle = time("idle", 0, HOUR);
    out.age = time("age", 0, 24 * HOUR);
    out.requests = static_cast<uint32_t>(map.Number("requests", Unit::Count, 0, 0, 1000000000));
    for (const char* key : {"idle", "age"})
    {
        const YamlNode* value = map.Maybe(key);
        if (value != nullptr && NumberOf(*value, Unit::Time, 0, UINT64_MAX) % SECOND != 0)
        {
            value->Fail("an origin's limits are in whole seconds, as a peer's card says them");
        }
    }
    map.Done();
}

void
ReadCpu(const YamlNode* node, CpuCosts& out)
{
    if (node == nullptr)
    {
        return;
    }
    MapReader map(*node, "network.cpu");
    out.kib = map.Number("kib", Unit::Time, 0, 0, SECOND);
    out.cell = map.Number("cell", Unit::Time, 0, 0, SECOND);
    out.dh = map.Number("dh", Unit::Time, 0, 0, SECOND);
    out.handshake = map.Number("handshake", Unit::Time, 0, 0, SECOND);
    out.write = map.Number("write", Unit::Time, 0, 0, SECOND);
    map.Done();
}

/// Whose rules nodes follow: the carrier without disguise is allowed in a lab only.
void
ReadRules(MapReader& map, Network& out)
{
    if (const YamlNode* carrier = map.Maybe("carrier"))
    {
        out.carrier =
            static_cast<CarrierKind>(ChoiceOf(*carrier, "carrier", carrier->text, {"htx", "bare"}));
    }
    bool bare = out.carrier == CarrierKind::Bare;
    out.lab = bare;
    if (const YamlNode* rules = map.Maybe("rules"))
    {
        out.lab = ChoiceOf(*rules, "rules", rules->text, {"public", "lab"}) == 1;
        if (bare && !out.lab)
        {
            rules->Fail("the bare carrier has no disguise, so only a lab's rules allow it");
        }
    }
}

} // namespace

Weights<uint32_t>
ReadAccessWeights(const YamlNode& node, const Network& network)
{
    std::vector<std::string> classes = ClassNames(network);
    Weights<uint32_t> weights;
    auto add = [&](const YamlNode& at, const std::string& name, uint64_t weight) {
        weights.emplace_back(static_cast<uint32_t>(ChoiceOf(at, "access class", name, classes)),
                             weight);
    };
    if (node.kind == YamlNode::Kind::Scalar)
    {
        add(node, node.text, 1);
        return weights;
    }
    MustBe(node, YamlNode::Kind::Map, "access is a class, or {fibre: 2, dsl: 1}: weights");
    for (const auto& [name, value] : node.keys)
    {
        add(value, name, NumberOf(value, Unit::Count, 1, WEIGHT_MAX));
    }
    return weights;
}

void
ReadNetwork(const YamlNode& node, Network& out)
{
    MapReader map(node, "network");
    const YamlNode& regions = map.Need("regions");
    const YamlNode& latency = map.Need("latency");
    const YamlNode& access = MustBe(map.Need("access"),
                                    YamlNode::Kind::Map,
                                    "access is a map of classes, each {up: RATE, down: RATE}");
    for (const auto& [name, value] : access.keys)
    {
        out.access.push_back(ReadClass(name, value));
    }
    ReadLocations(regions, out);
    ReadLatency(latency, out);
    ReadConn(map.Maybe("conn"), out);
    out.dns = map.Number("dns", Unit::Time, 20 * MS, 0, HOUR);
    ReadRules(map, out);
    ReadOrigin(map.Maybe("origin"), out.origin);
    ReadCpu(map.Maybe("cpu"), out.cpu);
    map.Done();
}

} // namespace qnet
