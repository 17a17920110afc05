// SPDX-License-Identifier: GPL-2.0-only
#include "connected.h"

#include <map>

namespace qnet
{

namespace
{

struct Slot
{
    bool asked = false;
    bool served = false;
};

using Slots = std::vector<Slot>;

/// By user. A fetch counts where it began; one that the run's end cut off says nothing.
std::map<uint32_t, Slots>
SlotsOf(const Simulation& simulation, const Recorder& recorder)
{
    uint64_t width = simulation.GetScenario().stop / CONNECTED_SLOTS + 1;
    std::map<uint32_t, Slots> users;
    for (const StreamRow& row : recorder.GetStreams())
    {
        Slots& slots = users.try_emplace(row.client, CONNECTED_SLOTS).first->second;
        if (row.outcome != FetchOutcome::Unfinished)
        {
            Slot& slot = slots[static_cast<uint64_t>(row.start) / width];
            slot.asked = true;
            slot.served = slot.served || row.outcome == FetchOutcome::Done;
        }
    }
    return users;
}

void
Add(Connected& region, const Slots& slots)
{
    bool asked = false;
    bool connected = false;
    region.users++;
    for (size_t i = 0; i < CONNECTED_SLOTS; i++)
    {
        asked = asked || slots[i].asked;
        connected = slots[i].asked ? slots[i].served : connected;
        region.asked[i] += asked;
        region.connected[i] += connected;
    }
}

} // namespace

std::vector<Connected>
ConnectedOf(const Simulation& simulation, const Recorder& recorder)
{
    std::map<uint32_t, Connected> regions;
    for (const auto& [client, slots] : SlotsOf(simulation, recorder))
    {
        uint32_t region = simulation.GetMembers()[client].region;
        Add(regions.try_emplace(region, Connected{region}).first->second, slots);
    }
    std::vector<Connected> out;
    for (const auto& [region, connected] : regions)
    {
        out.push_back(connected);
    }
    return out;
}

uint64_t
SlotEnd(const Scenario& scenario, size_t slot)
{
    return scenario.stop * (slot + 1) / CONNECTED_SLOTS;
}

} // namespace qnet
