// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-sections.h"

namespace qnet
{

namespace
{

constexpr uint64_t MS = 1000 * 1000;
constexpr uint64_t SECOND = 1000 * MS;
constexpr uint64_t HOUR = 3600 * SECOND;
constexpr uint64_t KIB = 1024;
constexpr uint64_t USERS_MAX = 10000;
constexpr uint64_t SERVERS_MAX = 200; ///< of one control: an address has a byte for them

uint32_t
AccessOf(MapReader& map, const std::string& key, const Network& network)
{
    std::vector<std::string> names;
    for (const AccessClass& each : network.access)
    {
        names.push_back(each.name);
    }
    const YamlNode& node = map.Need(key);
    return static_cast<uint32_t>(ChoiceOf(node, "access class", node.text, names));
}

ControlSpec
ReadControl(const YamlNode& item, const Scenario& scenario)
{
    std::vector<std::string> kinds;
    for (size_t i = 0; i < CONTROL_KINDS; i++)
    {
        kinds.emplace_back(ControlKindName(static_cast<ControlKind>(i)));
    }
    MapReader map(item, "a control");
    ControlSpec spec;
    spec.kind = static_cast<ControlKind>(map.NeedChoice("kind", kinds));
    spec.name = map.Text("name", ControlKindName(spec.kind));
    const YamlNode& region = map.Need("region");
    spec.region = RegionOf(region, region.text, scenario.network);
    const YamlNode& other = map.Need("servers_in");
    spec.serverRegion = RegionOf(other, other.text, scenario.network);
    spec.users = static_cast<uint32_t>(map.NeedNumber("users", Unit::Count, 1, USERS_MAX));
    spec.servers = static_cast<uint32_t>(map.Number("servers", Unit::Count, 1, 1, SERVERS_MAX));
    spec.access = AccessOf(map, "access", scenario.network);
    spec.serverAccess = AccessOf(map, "server_access", scenario.network);
    spec.think = map.Number("think", Unit::Time, 8 * SECOND, MS, 1000 * HOUR);
    spec.timeout = map.Number("timeout", Unit::Time, 30 * SECOND, MS, HOUR);
    spec.start = map.Number("start", Unit::Time, 0, 0, 1000 * HOUR);
    if (spec.kind != ControlKind::Browser)
    {
        spec.size = map.Number("size", Unit::Size, 57 * KIB, 1, 16 * KIB * KIB);
    }
    map.Done();
    return spec;
}

} // namespace

void
ReadControls(const YamlNode* node, Scenario& out)
{
    if (node == nullptr)
    {
        return;
    }
    if (node->kind != YamlNode::Kind::List)
    {
        node->Fail("control is a list");
    }
    for (const YamlNode& item : node->items)
    {
        ControlSpec spec = ReadControl(item, out);
        for (const ControlSpec& other : out.controls)
        {
            if (other.name == spec.name)
            {
                item.Fail("two controls are called \"" + spec.name + "\"; give each a name");
            }
        }
        out.controls.push_back(spec);
    }
}

} // namespace qnet
