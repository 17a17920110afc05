// SPDX-License-Identifier: GPL-2.0-only
#include "liar/liar.h"

#include "scenario-sections.h"

namespace qnet
{

namespace
{

constexpr uint64_t MS = 1000 * 1000;
constexpr uint64_t HOUR = UINT64_C(3600) * 1000 * MS;

/// Groups of QNet nodes; of those that may lie or lose disks, fewer.
uint32_t
GroupOf(const YamlNode& node, const Scenario& scenario, FaultKind kind)
{
    std::vector<std::string> names;
    std::vector<uint32_t> groups;
    for (uint32_t i = 0; i < scenario.groups.size(); i++)
    {
        Role role = scenario.groups[i].role;
        bool signs = i == scenario.signers;
        if (role != Role::Web && !(kind == FaultKind::DiskLoss && signs) &&
            !(kind == FaultKind::Lying && role == Role::Client))
        {
            names.push_back(scenario.groups[i].name);
            groups.push_back(i);
        }
    }
    return groups[ChoiceOf(node, "group", node.text, names)];
}

uint32_t
RegionNamed(const YamlNode& node, const Network& network)
{
    return static_cast<uint32_t>(ChoiceOf(node, "region", node.text, network.regions));
}

void
ReadRegionPair(MapReader& map, const Network& network, Fault& out)
{
    const YamlNode& pair = map.Need("regions");
    if (pair.kind != YamlNode::Kind::List || pair.items.size() != 2)
    {
        pair.Fail("a partition is between two regions, written [europe, asia]");
    }
    out.a = RegionNamed(pair.items[0], network);
    out.b = RegionNamed(pair.items[1], network);
}

/// How far clocks are off, and which way.
int64_t
ReadClock(MapReader& map)
{
    constexpr uint64_t SECOND = 1000 * MS;
    uint64_t ahead = map.Number("ahead", Unit::Time, 0, SECOND, 100000 * HOUR);
    uint64_t behind = map.Number("behind", Unit::Time, 0, SECOND, 100000 * HOUR);
    if ((ahead == 0) == (behind == 0))
    {
        map.GetNode().Fail("a clock is either ahead or behind");
    }
    return ahead > 0 ? static_cast<int64_t>(ahead / SECOND)
                     : -static_cast<int64_t>(behind / SECOND);
}

/// A list of lies; all of them if there is none.
int64_t
ReadLies(MapReader& map)
{
    std::vector<std::string> names;
    for (unsigned i = 0; i < LIES; i++)
    {
        names.emplace_back(lie_name(static_cast<lie>(i)));
    }
    const YamlNode* node = map.Maybe("lies");
    int64_t lies = node == nullptr ? (INT64_C(1) << LIES) - 1 : 0;
    if (node != nullptr)
    {
        MustBe(*node, YamlNode::Kind::List, "lies is a list");
        for (const YamlNode& item : node->items)
        {
            lies |= INT64_C(1) << ChoiceOf(item, "lie", item.text, names);
        }
    }
    return lies;
}

/// At one moment and for a while, or for good.
void
ReadSpan(MapReader& map, const Scenario& scenario, bool forGood, Fault& out)
{
    out.at = map.NeedNumber("at", Unit::Time, 0, scenario.stop);
    out.down = forGood ? map.Number("for", Unit::Time, 0, MS, 1000 * HOUR)
                       : map.NeedNumber("for", Unit::Time, MS, 1000 * HOUR);
}

/// A share of a group.
void
ReadVictims(MapReader& map, const Scenario& scenario, Fault& out)
{
    out.groups = {GroupOf(map.Need("group"), scenario, out.kind)};
    out.share = map.Number("share", Unit::Permille, 1000, 1, 1000);
}

void
ReadStorm(MapReader& map, const Scenario& scenario, Fault& out)
{
    const YamlNode& groups = MustBe(map.Need("groups"), YamlNode::Kind::List, "groups is a list");
    for (const YamlNode& item : groups.items)
    {
        // What it draws may be a lost disk.
        out.groups.push_back(GroupOf(item, scenario, FaultKind::DiskLoss));
    }
    out.count = map.NeedNumber("count", Unit::Count, 1, 1000);
    out.at = map.NeedNumber("at", Unit::Time, 0, scenario.stop);
    out.over = map.NeedNumber("over", Unit::Time, MS, scenario.stop);
}

Fault
ReadFault(const YamlNode& item, const Scenario& scenario)
{
    MapReader map(item, "a fault");
    Fault fault;
    fault.place = item.file + ":" + std::to_string(item.line);
    fault.kind = static_cast<FaultKind>(map.NeedChoice("kind",
                                                       {"crash",
                                                        "churn",
                                                        "partition",
                                                        "cut-off",
                                                        "slow",
                                                        "clock",
                                                        "disk-loss",
                                                        "lying",
                                                        "storm"}));
    switch (fault.kind)
    {
    case FaultKind::Crash:
    case FaultKind::DiskLoss:
        ReadVictims(map, scenario, fault);
        fault.at = map.NeedNumber("at", Unit::Time, 0, scenario.stop);
        fault.down = map.Number("back", Unit::Time, 0, MS, 1000 * HOUR);
        break;
    case FaultKind::Churn:
        fault.groups = {GroupOf(map.Need("group"), scenario, fault.kind)};
        fault.at = map.Number("at", Unit::Time, 0, 0, scenario.stop);
        fault.up = map.NeedNumber("up", Unit::Time, MS, 1000 * HOUR);
        fault.down = map.NeedNumber("down", Unit::Time, MS, 1000 * HOUR);
        break;
    case FaultKind::Partition:
        ReadRegionPair(map, scenario.network, fault);
        ReadSpan(map, scenario, false, fault);
        break;
    case FaultKind::CutOff:
        fault.a = fault.b = RegionNamed(map.Need("region"), scenario.network);
        ReadSpan(map, scenario, false, fault);
        break;
    case FaultKind::Slow:
        ReadVictims(map, scenario, fault);
        ReadSpan(map, scenario, true, fault);
        fault.value = static_cast<int64_t>(map.NeedNumber("to", Unit::Permille, 1, 1000));
        break;
    case FaultKind::Clock:
        ReadVictims(map, scenario, fault);
        ReadSpan(map, scenario, true, fault);
        fault.value = ReadClock(map);
        break;
    case FaultKind::Lying:
        ReadVictims(map, scenario, fault);
        ReadSpan(map, scenario, true, fault);
        fault.value = ReadLies(map);
        break;
    case FaultKind::Storm:
        ReadStorm(map, scenario, fault);
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
