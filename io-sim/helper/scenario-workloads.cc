// SPDX-License-Identifier: GPL-2.0-only
// "workload" of a scenario: what people do with the network.
#include "scenario-sections.h"
#include "trace-file.h"

namespace qnet
{

namespace
{

constexpr uint64_t MS = 1000 * 1000;
constexpr uint64_t SECOND = 1000 * MS;
constexpr uint64_t HOUR = 3600 * SECOND;
constexpr uint64_t KIB = 1024;
constexpr uint64_t MIB = KIB * KIB;
constexpr uint64_t OBJECT_MAX = 1024 * MIB;
constexpr uint64_t SEGMENTS_MAX = 100000;

const std::vector<std::string> KINDS = {
    "web", "reference", "browse", "bulk", "stream", "chat", "trace"};

/// A size, or weights of several.
std::vector<std::pair<uint64_t, uint64_t>>
ReadWeights(const YamlNode& node, Unit unit, uint64_t min, uint64_t max)
{
    if (node.kind == YamlNode::Kind::Scalar)
    {
        return {{NumberOf(node, unit, min, max), 1}};
    }
    MustBe(node, YamlNode::Kind::Map, "sizes are written {50 KiB: 4, 1 MiB: 1}");
    std::vector<std::pair<uint64_t, uint64_t>> weights;
    for (const auto& [text, weight] : node.keys)
    {
        YamlNode value = weight;
        value.text = text;
        weights.emplace_back(NumberOf(value, unit, min, max),
                             NumberOf(weight, Unit::Count, 1, WEIGHT_MAX));
    }
    return weights;
}

void
ReadSizes(MapReader& map, const std::string& key, std::vector<std::pair<uint64_t, uint64_t>>* out)
{
    *out = ReadWeights(map.Need(key), Unit::Size, 1, OBJECT_MAX);
}

void
ReadBrowse(MapReader& map, Habits& out)
{
    ReadSizes(map, "sizes", &out.sizes);
    ReadSizes(map, "object_sizes", &out.objectSizes);
    out.objects = ReadWeights(map.Need("objects"), Unit::Count, 0, 1000);
    out.think = map.NeedNumber("think", Unit::Time, 0, HOUR);
    out.away = map.NeedNumber("away", Unit::Time, 0, HOUR);
    out.stay = map.NeedNumber("stay", Unit::Permille, 0, 999);
}

void
ReadStream(MapReader& map, Habits& out)
{
    out.rate = map.NeedNumber("rate", Unit::Rate, 8000, 1000 * UINT64_C(1000000));
    out.segment = map.Number("segment", Unit::Time, 4 * SECOND, 100 * MS, 60 * SECOND);
    uint64_t length = map.NeedNumber("length", Unit::Time, out.segment, 24 * HOUR);
    uint64_t buffer = map.Number("buffer", Unit::Time, 30 * SECOND, out.segment, HOUR);
    out.length = std::min(length / out.segment, SEGMENTS_MAX);
    out.buffer = buffer / out.segment;
    out.think = map.Number("think", Unit::Time, 5 * SECOND, 0, HOUR);
}

void
ReadKind(MapReader& map, const std::string& folder, Scenario& scenario, Workload& out)
{
    Habits& habits = out.habits;
    uint64_t timeout = 60 * SECOND;
    switch (out.kind)
    {
    case WorkloadKind::Web:
        ReadSizes(map, "sizes", &habits.sizes);
        habits.think = map.NeedNumber("think", Unit::Time, 0, HOUR);
        break;
    case WorkloadKind::Reference:
        habits.sizes = {{320 * KIB, 1}};
        habits.think = map.Number("think", Unit::Time, 15 * SECOND, 0, HOUR);
        habits.atOnce = true;
        break;
    case WorkloadKind::Browse:
        ReadBrowse(map, habits);
        break;
    case WorkloadKind::Bulk:
        ReadSizes(map, "sizes", &habits.sizes);
        habits.think = map.Number("think", Unit::Time, 0, 0, HOUR);
        habits.atOnce = true;
        timeout = HOUR;
        break;
    case WorkloadKind::Stream:
        ReadStream(map, habits);
        break;
    case WorkloadKind::Chat:
        ReadSizes(map, "sizes", &habits.sizes);
        habits.think = map.NeedNumber("think", Unit::Time, MS, HOUR);
        break;
    case WorkloadKind::Trace:
        out.trace = map.Need("file").text;
        ReadTrace(map.Need("file"), folder, scenario.groups[out.clients].count, habits.trace);
        break;
    }
    habits.timeout = map.Number("timeout", Unit::Time, timeout, MS, 24 * HOUR);
    habits.warmup = static_cast<int64_t>(scenario.warmup);
}

} // namespace

const char*
WorkloadKindName(WorkloadKind kind)
{
    return KINDS[static_cast<size_t>(kind)].c_str();
}

void
ReadWorkload(const YamlNode* node, const std::string& path, Scenario& out)
{
    if (node == nullptr || (node->kind == YamlNode::Kind::List && node->items.empty()))
    {
        return; // an idle network is worth measuring too
    }
    MustBe(*node, YamlNode::Kind::List, "workload is a list");
    for (const YamlNode& item : node->items)
    {
        MapReader map(item, "a workload");
        Workload workload;
        workload.kind = static_cast<WorkloadKind>(map.NeedChoice("model", KINDS));
        workload.name = map.Text("name", WorkloadKindName(workload.kind));
        workload.clients = GroupIndex(out, map.Need("clients"), Role::Client);
        workload.servers = GroupIndex(out, map.Need("servers"), Role::Web);
        workload.after = map.Number("after", Unit::Time, 0, 0, HOUR);
        ReadKind(map, path.substr(0, path.rfind('/') + 1), out, workload);
        map.Done();
        for (const Workload& other : out.workloads)
        {
            if (other.name == workload.name)
            {
                item.Fail("two workloads are called \"" + other.name + "\"; give each a name");
            }
        }
        out.workloads.push_back(std::move(workload));
    }
}

} // namespace qnet
