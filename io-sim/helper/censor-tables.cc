// SPDX-License-Identifier: GPL-2.0-only
#include "censor-report.h"

#include <functional>

#include "quantity.h"
#include "summary.h"

namespace qnet
{

namespace
{

using Table = std::vector<std::vector<std::string>>;

constexpr const char* SORTS[] = {"links", "bare", "shadowsocks", "tor", "browser", "web"};

uint64_t
Get(const json_t* json, const std::string& path)
{
    uint64_t value = 0;
    JsonLookUp(json, path, &value);
    return value;
}

/// "12 of 40 (30 %)", and what probes found.
std::string
Share(const json_t* tally, const char* part)
{
    uint64_t flows = Get(tally, "flows");
    if (flows == 0)
    {
        return "-";
    }
    uint64_t hit = Get(tally, part);
    std::string text = std::to_string(hit) + " of " + std::to_string(flows) + " (" +
                       FormatQuantity(hit * 1000 / flows, Unit::Permille) + ")";
    if (Get(tally, "probes") > 0)
    {
        text += "; " + std::to_string(Get(tally, "distinguishable")) + " of " +
                std::to_string(Get(tally, "probes")) + " probes";
    }
    return text;
}

void
EachCensor(const json_t* summary,
           const std::function<void(const std::string&, const json_t*)>& what)
{
    json_t* all = json_object_get(summary, "censor");
    for (void* i = json_object_iter(all); i != nullptr; i = json_object_iter_next(all, i))
    {
        what(json_object_iter_key(i), json_object_iter_value(i));
    }
}

std::string
TextOf(const json_t* json, const char* key)
{
    const char* text = json_string_value(json_object_get(json, key));
    return text != nullptr ? text : "";
}

} // namespace

Table
BlockedTable(const json_t* summary)
{
    Table rows = {{"region: censor", "QNet links", "bare", "shadowsocks", "tor", "browser", "web"}};
    EachCensor(summary, [&rows](const std::string& name, const json_t* censor) {
        std::vector<std::string> row = {TextOf(censor, "region") + ": " + name};
        bool slows = TextOf(censor, "kind") == "throttle";
        for (const char* sort : SORTS)
        {
            row.push_back(Share(json_object_get(censor, sort), slows ? "slowed" : "blocked"));
        }
        rows.push_back(row);
    });
    return rows;
}

Table
CostTable(const json_t* summary)
{
    Table rows = {{"region: censor",
                   "flows at once",
                   "state",
                   "inspections",
                   "bytes inspected",
                   "bytes that came by",
                   "packets lost",
                   "probes"}};
    EachCensor(summary, [&rows](const std::string& name, const json_t* censor) {
        rows.push_back({TextOf(censor, "region") + ": " + name,
                        std::to_string(Get(censor, "state_entries_max")),
                        FormatQuantity(Get(censor, "state_bytes_max"), Unit::Size),
                        std::to_string(Get(censor, "inspections")),
                        FormatQuantity(Get(censor, "inspected_bytes"), Unit::Size),
                        FormatQuantity(Get(censor, "seen_bytes"), Unit::Size),
                        std::to_string(Get(censor, "lost_packets")),
                        std::to_string(Get(censor, "probes"))});
    });
    return rows;
}

Table
ReachTable(const json_t* summary)
{
    Table rows = {{"region", "way", "tried", "done", ""}};
    json_t* regions = json_object_get(summary, "reach");
    for (void* i = json_object_iter(regions); i != nullptr; i = json_object_iter_next(regions, i))
    {
        json_t* ways = json_object_iter_value(i);
        for (void* k = json_object_iter(ways); k != nullptr; k = json_object_iter_next(ways, k))
        {
            const json_t* way = json_object_iter_value(k);
            rows.push_back({json_object_iter_key(i),
                            json_object_iter_key(k),
                            std::to_string(Get(way, "tries")),
                            std::to_string(Get(way, "done")),
                            FormatQuantity(Get(way, "done_permille"), Unit::Permille)});
        }
    }
    return rows;
}

} // namespace qnet
