// SPDX-License-Identifier: GPL-2.0-only
#include "compare.h"

#include <cinttypes>
#include <cstdio>

#include "output-file.h"
#include "quantity.h"
#include "summary.h"

namespace qnet
{

namespace
{

JsonPtr
ReadSummary(const std::string& folder)
{
    std::string path = folder + "/summary.json";
    json_error_t error;
    JsonPtr json(json_load_file(path.c_str(), 0, &error));
    if (!json)
    {
        throw OutputError("cannot read " + path + ": " + error.text);
    }
    return json;
}

/// "+1.5 %": from a to b.
std::string
Change(uint64_t a, uint64_t b)
{
    if (a == 0)
    {
        return b == 0 ? "same" : "new";
    }
    uint64_t gap = b > a ? b - a : a - b;
    uint64_t permille = (gap * 1000 + a / 2) / a;
    return (b >= a ? "+" : "-") + std::to_string(permille / 10) + "." +
           std::to_string(permille % 10) + " %";
}

void
Row(const std::string& what, const std::string& a, const std::string& b, const std::string& change)
{
    std::printf("%-34s %14s %14s %10s\n", what.c_str(), a.c_str(), b.c_str(), change.c_str());
}

void
RowOf(const json_t* a, const json_t* b, const std::string& path, Unit unit)
{
    uint64_t left = 0;
    uint64_t right = 0;
    if (JsonLookUp(a, path, &left) && JsonLookUp(b, path, &right))
    {
        Row(path, FormatQuantity(left, unit), FormatQuantity(right, unit), Change(left, right));
    }
}

/// A distribution is an object with the members n, p50 and p95.
void
Distributions(const json_t* a, const json_t* b, const json_t* at, const std::string& path)
{
    uint64_t n = 0;
    if (JsonLookUp(at, "n", &n) && n > 0)
    {
        RowOf(a, b, path + ".n", Unit::Count);
        RowOf(a, b, path + ".p50", Unit::Time);
        RowOf(a, b, path + ".p95", Unit::Time);
        return;
    }
    const char* key = nullptr;
    json_t* value = nullptr;
    json_object_foreach(const_cast<json_t*>(at), key, value)
    {
        Distributions(a, b, value, path + "." + key);
    }
}

std::string
Title(const json_t* summary)
{
    uint64_t seed = 0;
    JsonLookUp(summary, "seed", &seed);
    const char* tier = json_string_value(json_object_get(summary, "tier"));
    return "tier " + std::string(tier != nullptr ? tier : "?") + " seed " + std::to_string(seed);
}

} // namespace

void
Compare(const std::string& left, const std::string& right)
{
    JsonPtr a = ReadSummary(left);
    JsonPtr b = ReadSummary(right);
    Row("", Title(a.get()), Title(b.get()), "change");
    RowOf(a.get(), b.get(), "streams.done", Unit::Count);
    RowOf(a.get(), b.get(), "streams.failed", Unit::Count);
    RowOf(a.get(), b.get(), "streams.delivered_bytes", Unit::Size);
    for (const char* what : {"ttfb_ns", "ttlb_ns"})
    {
        Distributions(a.get(), b.get(), json_object_get(a.get(), what), what);
    }
    Distributions(a.get(),
                  b.get(),
                  json_object_get(json_object_get(a.get(), "circuits"), "build_ns"),
                  "circuits.build_ns");
}

} // namespace qnet
