// SPDX-License-Identifier: GPL-2.0-only
#include "placement.h"

#include "draws.h"

namespace qnet
{

namespace
{

/// Uniform within `vary` permille below and above.
uint64_t
Around(uint64_t rate, uint64_t vary, Draws& draws)
{
    uint64_t step = rate / 1000 * vary;
    return step > 0 ? rate - step + draws.Below(2 * step + 1) : rate;
}

} // namespace

Place
PlaceOf(const Scenario& scenario, uint64_t seed, uint32_t groupIndex, uint32_t member)
{
    const Group& group = scenario.groups[groupIndex];
    const Network& network = scenario.network;
    uint64_t index = static_cast<uint64_t>(groupIndex) << 32 | member;
    Draws where("qnet-sim-region", seed, index);
    Draws country("qnet-sim-country", seed, index);
    Draws kind("qnet-sim-access", seed, index);
    Draws line("qnet-sim-line", seed, index);

    Place place{};
    place.region = where.Pick(group.regions);
    const Region& region = network.places[place.region];
    if (!region.countries.empty())
    {
        place.country = country.Pick(region.countries);
    }
    const AccessClass& access =
        network.access[kind.Pick(group.access.empty() ? region.access : group.access)];
    place.up = Around(access.up, access.vary, line);
    place.down = Around(access.down, access.vary, line);
    place.delay = access.delay;
    if (access.delaySpread > 0)
    {
        place.delay += line.Below(access.delaySpread);
    }
    place.loss = static_cast<uint32_t>(access.loss);
    if (group.returning > 0)
    {
        Draws draws("qnet-sim-returning", seed, index);
        place.returning = draws.Below(1000) < group.returning;
    }
    return place;
}

} // namespace qnet
