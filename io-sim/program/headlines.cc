// SPDX-License-Identifier: GPL-2.0-only
#include "headlines.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "statistics.h"

namespace qnet
{

namespace
{

constexpr size_t EXPECTED_MAX = 8; ///< figures of metrics that only the scenario knows

std::string
RouteText(const std::string& route)
{
    return route == "fast" ? "1 hop" : "3 hops";
}

class Finder
{
  public:
    Finder(const Scenario& scenario, const Merged& merged)
        : m_scenario(scenario),
          m_merged(merged)
    {
    }

    std::vector<Headline>
    Find()
    {
        for (const char* route : {"fast", "privacy"})
        {
            Waits(route);
        }
        Add({"build",
             "Circuit build time, 3 hops",
             "time to build",
             {{"circuits.build_ns.p50", "median"}, {"circuits.build_ns.p95", "p95"}}});
        Add({"failed", "Fetches that failed", "failed", {{"measured.failed_permille", "of all"}}});
        Add({"goodput",
             "Goodput of all clients",
             "delivered",
             {{"clients.goodput_bit_per_s", "together"}}});
        Loads();
        Censors();
        Expected();
        return std::move(m_found);
    }

  private:
    void
    Waits(const std::string& route)
    {
        std::string name = ", " + RouteText(route);
        auto both = [&route](const std::string& key) {
            std::string path = key + "." + route;
            return std::vector<std::pair<std::string, std::string>>{{path + ".p50", "median"},
                                                                    {path + ".p95", "p95"}};
        };
        Add({"first-" + route, "First byte" + name, "first byte", both("ttfb_ns")});
        Add({"answer-" + route, "Request to first byte" + name, "first byte", both("answer_ns")});
        for (const char* point : {"p50", "p95"})
        {
            Headline last = {"last-" + route + "-" + point,
                             std::string("Last byte") + name + ", " +
                                 (point == std::string("p50") ? "median" : "p95"),
                             "last byte",
                             {}};
            for (uint64_t size : SizesAsked(m_scenario))
            {
                std::string text = FormatQuantity(size, Unit::Size);
                std::string key = text;
                key.erase(std::remove(key.begin(), key.end(), ' '), key.end());
                last.metrics.emplace_back("ttlb_ns." + route + "." + key + "." + point, text);
            }
            Add(last);
        }
    }

    void
    Loads()
    {
        Headline load = {"load", "The fullest uplink of a group", "uplink in use", {}};
        for (const Group& group : m_scenario.groups)
        {
            load.metrics.emplace_back("loads." + group.name + ".busiest_permille", group.name);
        }
        Add(load);
    }

    void
    Censors()
    {
        static const char* const flows[][2] = {{"links", "QNet's links blocked"},
                                               {"browser", "Browsers' flows blocked"}};
        std::set<std::string> regions;
        for (const auto& [kind, title] : flows)
        {
            Headline blocked = {std::string("blocked-") + kind, title, "blocked", {}};
            for (const CensorSpec& censor : m_scenario.censors)
            {
                blocked.metrics.emplace_back(
                    "censor." + censor.name + "." + kind + ".blocked_permille", censor.name);
                regions.insert(m_scenario.network.regions[censor.region]);
            }
            Add(blocked);
        }
        Headline reach = {"reach", "Fetches that got through", "got through", {}};
        for (const std::string& region : regions)
        {
            reach.metrics.emplace_back("reach." + region + ".qnet.done_permille", region);
        }
        Add(reach);
    }

    void
    Expected()
    {
        size_t added = 0;
        for (const Expectation& expectation : m_scenario.expectations)
        {
            const std::string& what = expectation.what;
            if (added < EXPECTED_MAX && m_shown.count(what) == 0 && Varies(what))
            {
                std::string id = what;
                std::replace(id.begin(), id.end(), '.', '-');
                Add({"expected-" + id, what, "value", {{what, what}}});
                added++;
            }
        }
    }

    bool
    Varies(const std::string& metric) const
    {
        std::set<double> values;
        for (const MergedCell& cell : m_merged.cells)
        {
            auto found = cell.metrics.find(metric);
            if (found != cell.metrics.end())
            {
                for (const auto& [seed, value] : found->second)
                {
                    values.insert(value);
                }
            }
        }
        return values.size() > 1;
    }

    void
    Add(Headline headline)
    {
        auto nothing = [this](const auto& metric) {
            auto has = [&metric](const MergedCell& cell) { return cell.Of(metric.first).most > 0; };
            return std::none_of(m_merged.cells.begin(), m_merged.cells.end(), has);
        };
        headline.metrics.erase(
            std::remove_if(headline.metrics.begin(), headline.metrics.end(), nothing),
            headline.metrics.end());
        for (const auto& [path, name] : headline.metrics)
        {
            m_shown.insert(path);
        }
        if (!headline.metrics.empty())
        {
            m_found.push_back(std::move(headline));
        }
    }

    const Scenario& m_scenario;
    const Merged& m_merged;
    std::vector<Headline> m_found;
    std::set<std::string> m_shown;
};

} // namespace

std::vector<Headline>
HeadlinesOf(const Scenario& scenario, const Merged& merged)
{
    return Finder(scenario, merged).Find();
}

Scale
ScaleOf(const std::string& metric, double most)
{
    if (metric.find("bit_per_s") != std::string::npos)
    {
        return {1e6, "Mbit/s"};
    }
    switch (UnitOfMetric(metric))
    {
    case Unit::Time:
        return most < 1e9 ? Scale{1e6, "ms"} : Scale{1e9, "s"};
    case Unit::Size:
        return most < 1048576 ? Scale{1024, "KiB"} : Scale{1048576, "MiB"};
    case Unit::Permille:
        return {10, "%"};
    default:
        return {1, ""};
    }
}

double
MostOf(const Headline& headline, const Merged& merged)
{
    double most = 0;
    for (const MergedCell& cell : merged.cells)
    {
        for (const auto& [path, name] : headline.metrics)
        {
            most = std::max(most, cell.Of(path).most);
        }
    }
    return most;
}

std::string
IntervalText(const Interval& interval, const Scale& scale)
{
    if (interval.runs == 0)
    {
        return "-";
    }
    double mean = interval.mean / scale.by;
    double margin = interval.margin / scale.by;
    int digits = std::fabs(mean) + margin < 10 ? 2 : std::fabs(mean) + margin < 100 ? 1 : 0;
    char text[80];
    std::snprintf(text, sizeof text, "%.*f ± %.*f", digits, mean, digits, margin);
    return text;
}

} // namespace qnet
