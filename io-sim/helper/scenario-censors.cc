// SPDX-License-Identifier: GPL-2.0-only
#include "scenario-sections.h"

namespace qnet
{

namespace
{

constexpr uint64_t MS = 1000 * 1000;
constexpr uint64_t HOUR = UINT64_C(3600) * 1000 * MS;
constexpr uint64_t MIB = UINT64_C(1024) * 1024;
constexpr uint64_t RATE_MAX = UINT64_C(8000000000); ///< bit/s: lab/censor/throttle.c

const std::vector<const censor_kind*> KINDS = {&censor_ip,
                                               &censor_sni,
                                               &censor_keyword,
                                               &censor_throttle,
                                               &censor_freeze,
                                               &censor_encrypted,
                                               &censor_ja4,
                                               &censor_ports,
                                               &censor_shutdown,
                                               &censor_prober,
                                               &censor_duplicator};

std::vector<std::string>
KindNames()
{
    std::vector<std::string> names;
    for (const censor_kind* kind : KINDS)
    {
        names.emplace_back(censor_kind_name(kind));
    }
    return names;
}

const std::vector<YamlNode>&
ListOf(const YamlNode& node, const char* what)
{
    if (node.kind != YamlNode::Kind::List || node.items.empty())
    {
        node.Fail(std::string(what) + " is a list");
    }
    return node.items;
}

void
ReadGroups(const YamlNode& node, const Scenario& scenario, CensorSpec& out)
{
    std::vector<std::string> names;
    for (const Group& group : scenario.groups)
    {
        names.push_back(group.name);
    }
    for (const ControlSpec& control : scenario.controls)
    {
        names.push_back(control.name);
    }
    for (const YamlNode& item : ListOf(node, "groups"))
    {
        auto i = static_cast<uint32_t>(ChoiceOf(item, "group or control", item.text, names));
        auto groups = static_cast<uint32_t>(scenario.groups.size());
        (i < groups ? out.groups : out.controls).push_back(i < groups ? i : i - groups);
    }
}

void
ReadPorts(const YamlNode& node, CensorSpec& out)
{
    for (const YamlNode& item : ListOf(node, "ports"))
    {
        out.ports.push_back(static_cast<uint16_t>(NumberOf(item, Unit::Count, 1, UINT16_MAX)));
    }
}

/// When a server is probed after it was seen.
void
ReadDelays(MapReader& map, CensorSpec& out)
{
    const YamlNode& node = map.Need("delays");
    for (const YamlNode& item : ListOf(node, "delays"))
    {
        out.delays.push_back(NumberOf(item, Unit::Time, 0, 1000 * HOUR));
        if (out.delays.size() > CENSOR_DELAYS_MAX ||
            (out.delays.size() > 1 && out.delays.back() < out.delays[out.delays.size() - 2]))
        {
            item.Fail("delays are at most " + std::to_string(CENSOR_DELAYS_MAX) +
                      ", each no shorter than the one before");
        }
    }
}

void
ReadSchedule(MapReader& map, CensorSpec& out)
{
    out.from = map.Number("from", Unit::Time, 0, 0, 1000 * HOUR);
    out.until = map.Number("until", Unit::Time, 0, 0, 1000 * HOUR);
    if (out.until > 0 && out.until <= out.from)
    {
        map.Need("until").Fail("a censor's \"until\" comes after its \"from\"");
    }
}

void
ReadNames(const YamlNode& node, CensorSpec& out)
{
    for (const YamlNode& item : ListOf(node, "names"))
    {
        if (item.text.empty())
        {
            item.Fail("a listed name is empty");
        }
        out.names.push_back(item.text);
    }
}

/// The keys that this kind works with; any other is refused.
void
ReadParameters(MapReader& map, const Scenario& scenario, CensorSpec& out)
{
    bool named = out.kind == &censor_sni || out.kind == &censor_keyword || out.kind == &censor_ja4;
    if (out.kind == &censor_ip)
    {
        ReadGroups(map.Need("groups"), scenario, out);
        out.delay = map.Number("delay", Unit::Time, 0, 0, 1000 * HOUR);
    }
    if (named)
    {
        ReadNames(map.Need("names"), out);
    }
    if (named || out.kind == &censor_encrypted)
    {
        out.penalty = map.Number("penalty", Unit::Time, 0, 0, 1000 * HOUR);
    }
    if (out.kind == &censor_sni || out.kind == &censor_ja4)
    {
        out.reset =
            map.Maybe("action") != nullptr && map.NeedChoice("action", {"drop", "reset"}) == 1;
    }
    if (out.kind == &censor_encrypted)
    {
        out.share = static_cast<uint32_t>(map.Number("share", Unit::Permille, 1000, 1, 1000));
        out.strict =
            map.Maybe("rules") != nullptr && map.NeedChoice("rules", {"paper", "strict"}) == 1;
    }
    if (out.kind == &censor_throttle)
    {
        out.rate = map.NeedNumber("rate", Unit::Rate, 1000, RATE_MAX);
        out.burst = map.Number("burst", Unit::Size, 16384, 1500, 512 * MIB);
        if (const YamlNode* names = map.Maybe("names"))
        {
            ReadNames(*names, out);
        }
    }
    if (out.kind == &censor_ports)
    {
        ReadPorts(map.Need("ports"), out);
    }
    if (out.kind == &censor_prober || out.kind == &censor_duplicator)
    {
        ReadDelays(map, out);
    }
    if (out.kind == &censor_freeze)
    {
        out.limit = map.Number("limit", Unit::Size, 16384, 1, 1024 * MIB);
        if (const YamlNode* groups = map.Maybe("groups"))
        {
            ReadGroups(*groups, scenario, out);
        }
    }
}

} // namespace

void
ReadCensors(const YamlNode* node, Scenario& out)
{
    if (node == nullptr)
    {
        return;
    }
    if (node->kind != YamlNode::Kind::List)
    {
        node->Fail("censor is a list");
    }
    for (const YamlNode& item : node->items)
    {
        MapReader map(item, "a censor");
        CensorSpec spec;
        spec.place = item.file + ":" + std::to_string(item.line);
        spec.kind = KINDS[map.NeedChoice("kind", KindNames())];
        spec.name = map.Text("name", censor_kind_name(spec.kind));
        const YamlNode& region = map.Need("region");
        spec.region =
            static_cast<uint32_t>(ChoiceOf(region, "region", region.text, out.network.regions));
        ReadSchedule(map, spec);
        ReadParameters(map, out, spec);
        map.Done();
        for (const CensorSpec& other : out.censors)
        {
            if (other.name == spec.name)
            {
                item.Fail("two censors are called \"" + spec.name + "\"; give each a name");
            }
        }
        out.censors.push_back(spec);
    }
}

void
CheckTier(const Scenario& scenario, Tier tier)
{
    if (tier == Tier::T && !scenario.censors.empty())
    {
        const CensorSpec& first = scenario.censors.front();
        throw ScenarioError(first.place + ": censor \"" + first.name +
                            "\": tier T has no borders for it to stand on; take --tier M or P");
    }
}

void
ReadEntries(const YamlNode* node, Scenario& out)
{
    if (node == nullptr)
    {
        return;
    }
    constexpr uint64_t DAYS_MAX = 365;
    MapReader map(*node, "entries");
    EntriesSpec& entries = out.entries;
    entries.there = true;
    entries.group = GroupIndex(out, map.Need("group"), Role::Relay);
    entries.people = GroupIndex(out, map.Need("people"), Role::Client);
    entries.agents = static_cast<uint32_t>(map.Number("agents", Unit::Count, 0, 0, 1000));
    entries.day = map.Number("day", Unit::Time, 24 * HOUR, HOUR / 60, 24 * HOUR);
    entries.every = static_cast<uint32_t>(map.Number("every", Unit::Count, 7, 1, DAYS_MAX));
    entries.young = static_cast<uint32_t>(map.Number("young", Unit::Count, 30, 1, DAYS_MAX));
    entries.share = static_cast<uint32_t>(map.Number("share", Unit::Permille, 100, 10, 1000) / 10);
    entries.came = map.Number("came", Unit::Count, 0, 0, DAYS_MAX);
    map.Done();
    if (out.network.carrier != CarrierKind::Htx)
    {
        node->Fail("unlisted nodes are entered over HTX only: leave \"carrier: bare\" out");
    }
}

} // namespace qnet
