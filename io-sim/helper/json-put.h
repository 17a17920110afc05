// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Building summary.json: objects of integers and texts; out of memory is std::bad_alloc.
 */
#ifndef QNET_SIM_JSON_PUT_H
#define QNET_SIM_JSON_PUT_H

#include <new>
#include <string>

#include <jansson.h>

#include "statistics.h"

namespace qnet
{

inline json_t*
Object()
{
    json_t* object = json_object();
    if (object == nullptr)
    {
        throw std::bad_alloc();
    }
    return object;
}

inline void
Put(json_t* object, const std::string& key, json_t* value)
{
    if (json_object_set_new(object, key.c_str(), value) != 0)
    {
        throw std::bad_alloc();
    }
}

inline void
Put(json_t* object, const std::string& key, uint64_t value)
{
    Put(object, key, json_integer(static_cast<json_int_t>(value)));
}

inline void
Put(json_t* object, const std::string& key, const std::string& value)
{
    Put(object, key, json_string(value.c_str()));
}

/// Percentiles of nothing are no numbers: then only the count is there.
inline json_t*
DistributionJson(const Distribution& d)
{
    static const struct
    {
        const char* name;
        uint32_t permille;
    } points[] = {{"min", 0},
                  {"p5", 50},
                  {"p25", 250},
                  {"p50", 500},
                  {"p75", 750},
                  {"p90", 900},
                  {"p95", 950},
                  {"p99", 990},
                  {"max", 1000}};

    json_t* out = Object();
    Put(out, "n", d.Count());
    for (const auto& point : points)
    {
        if (d.Count() > 0)
        {
            Put(out, point.name, d.At(point.permille));
        }
    }
    return out;
}

} // namespace qnet

#endif
