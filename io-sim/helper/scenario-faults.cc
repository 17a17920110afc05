// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-sections.h"

namespace qnet
{

namespace
{

constexpr uint64_t MS = 1000 * 1000;
constexpr uint64_t HOUR = UINT64_C(3600) * 1000 * MS;

uint32_t
GroupOf(MapReader& map, const Scenario& scenario)
{
    std::vector<std::string> names;
    std::vector<uint32_t> groups;
    for (uint32_t i = 0; i < scenario.groups.size(); i++)
    {
        if (scenario.groups[i].role != Role::Web)
        {
            names.push_back(scenario.groups[i].name);
            groups.push_back(i);
        }
    }
    const YamlNode& node = map.Need("group");
    return groups[ChoiceOf(node, "group", node.text, names)];
}

void
ReadRegionPair(MapReader& map, const Network& network, Fault& out)
{
    const YamlNode& pair = map.Need("regions");
    if (pair.kind != YamlNode::Kind::List || pair.items.size() != 2)
    {
        pair.Fail("a partition is between two regions, written [europe, asia]");
    }
    auto region = [&](size_t i) {
        return static_cast<uint32_t>(
            ChoiceOf(pair.items[i], "region", pair.items[i].text, network.regions));
    };
    out.a = region(0);
    out.b = region(1);
}

Fault
ReadFault(const YamlNode& item, const Scenario& scenario)
{
    MapReader map(item, "a fault");
    Fault fault;
    fault.kind = static_cast<FaultKind>(map.NeedChoice("kind", {"crash", "churn", "partition"}));
    switch (fault.kind)
    {
    case FaultKind::Crash:
        fault.group = GroupOf(map, scenario);
        fault.share = map.Number("share", Unit::Permille, 1000, 1, 1000);
        fault.at = map.NeedNumber("at", Unit::Time, 0, scenario.stop);
        fault.down = map.Number("back", Unit::Time, 0, MS, 1000 * HOUR);
        break;
    case FaultKind::Churn:
        fault.group = GroupOf(map, scenario);
        fault.at = map.Number("at", Unit::Time, 0, 0, scenario.stop);
        fault.up = map.NeedNumber("up", Unit::Time, MS, 1000 * HOUR);
        fault.down = map.NeedNumber("down", Unit::Time, MS, 1000 * HOUR);
        break;
    case FaultKind::Partition:
        ReadRegionPair(map, scenario.network, fault);
        fault.at = map.NeedNumber("at", Unit::Time, 0, scenario.stop);
        fault.down = map.NeedNumber("for", Unit::Time, MS, 1000 * HOUR);
        break;
    }
    map.Done();
    return fault;
}

} // namespace

void
ReadFaults(const YamlNode* node, Scenario& out)
{
    if (node == nullptr)
    {
        return;
    }
    if (node->kind != YamlNode::Kind::List)
    {
        node->Fail("faults is a list");
    }
    for (const YamlNode& item : node->items)
    {
        out.faults.push_back(ReadFault(item, out));
    }
}

} // namespace qnet
