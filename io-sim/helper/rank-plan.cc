// SPDX-License-Identifier: GPL-2.0-only
#include "rank-plan.h"

#include <algorithm>
#include <numeric>

#include "placement.h"
#include "yaml-tree.h"

namespace qnet
{

namespace
{

/// ns-3's MPI engine receives a packet into 2,000 bytes, its own fields included.
constexpr uint64_t SEGMENT_MAX = 1448;

/// What a client's bytes cost at its own node, and then at the others they pass together.
constexpr uint64_t OWN = 1;
constexpr uint64_t PASSED = 2;

void
CheckDivisible(const Scenario& scenario, Tier tier, uint32_t ranks)
{
    if (tier != Tier::P)
    {
        throw ScenarioError("only tier P has links that may lead from one process to another; take "
                            "--tier P");
    }
    if (ranks > scenario.network.regions.size())
    {
        throw ScenarioError(std::to_string(ranks) + " processes for " +
                            std::to_string(scenario.network.regions.size()) +
                            " regions: a region is simulated by one process");
    }
    if (scenario.network.segment > SEGMENT_MAX)
    {
        throw ScenarioError("network.segment: at most " + std::to_string(SEGMENT_MAX) +
                            " B can be passed from process to process");
    }
    if (!scenario.censors.empty() || !scenario.controls.empty())
    {
        std::string place =
            scenario.censors.empty() ? "control" : scenario.censors.front().place + ": censor";
        throw ScenarioError(place + ": a censor and its controls see all borders, so not across "
                                    "processes");
    }
    if (scenario.entries.there)
    {
        throw ScenarioError("who hands out entries knows all of them: not across processes");
    }
    for (const Fault& fault : scenario.faults)
    {
        if (fault.kind == FaultKind::Lying)
        {
            throw ScenarioError(
                fault.place +
                ": lying: those who lie share what they know, so not across processes");
        }
    }
    for (const Group& group : scenario.groups)
    {
        if (group.returning > 0)
        {
            throw ScenarioError("group " + group.name +
                                " has members with a list of an earlier run (\"returning\"), which "
                                "come by it without a network: not across processes");
        }
    }
}

/// What a region's members have to do, roughly, in parts of one client's work.
std::vector<uint64_t>
WorkByRegion(const Scenario& scenario, uint64_t seed)
{
    uint64_t clients = 0;
    uint64_t others = 0;
    for (const Group& group : scenario.groups)
    {
        (group.role == Role::Client ? clients : others) += group.count;
    }
    uint64_t other = std::max<uint64_t>(PASSED * clients / std::max<uint64_t>(others, 1), 1);
    std::vector<uint64_t> work(scenario.network.regions.size());
    for (uint32_t i = 0; i < scenario.groups.size(); i++)
    {
        for (uint32_t member = 0; member < scenario.groups[i].count; member++)
        {
            uint32_t region = PlaceOf(scenario, seed, i, member).region;
            work[region] += scenario.groups[i].role == Role::Client ? OWN : other;
        }
    }
    return work;
}

/// A process may run ahead of another by what a packet takes between them: it must take time.
void
CheckDistances(const Scenario& scenario, const std::vector<uint32_t>& plan)
{
    const Network& network = scenario.network;
    size_t n = network.regions.size();
    for (size_t a = 0; a < n; a++)
    {
        for (size_t b = 0; b < a; b++)
        {
            uint64_t ends = network.latency[a * n + a] / 2 + network.latency[b * n + b] / 2;
            if (plan[a] != plan[b] && network.latency[a * n + b] <= ends)
            {
                throw ScenarioError("between " + network.regions[a] + " and " + network.regions[b] +
                                    " is no more latency than within them, so they cannot be "
                                    "simulated by two processes");
            }
        }
    }
}

} // namespace

std::vector<uint32_t>
PlanRanks(const Scenario& scenario, uint64_t seed, Tier tier, uint32_t ranks)
{
    std::vector<uint32_t> plan(scenario.network.regions.size());
    if (ranks == 1)
    {
        return plan;
    }
    CheckDivisible(scenario, tier, ranks);
    std::vector<uint64_t> work = WorkByRegion(scenario, seed);
    std::vector<uint32_t> order(work.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(
        order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return work[a] > work[b]; });
    // The largest first, each to who has least.
    std::vector<uint64_t> load(ranks);
    for (uint32_t region : order)
    {
        auto least = std::min_element(load.begin(), load.end());
        plan[region] = static_cast<uint32_t>(least - load.begin());
        *least += work[region] + 1; // one without members counts too, so that nobody stays idle
    }
    CheckDistances(scenario, plan);
    return plan;
}

} // namespace qnet
