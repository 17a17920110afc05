// SPDX-License-Identifier: GPL-2.0-only
// What ns-3 and the adapter take for a node that does nothing: bytes allocated with COUNT of them
// and with twice as many, less what their cores hold by their own account, by node. Counted by the
// allocator and not taken from the resident set, so it is the same every time. Once before the
// nodes start, when they have no core; and once after, when what OpenSSL holds for a core and what
// the allocator rounds up for it is counted too.
//
// usage: idle_node_sim MESH.yaml COUNT MOST MOST_RUNNING
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include <malloc.h>

#include "ns3/simulator.h"

#include "sim-time.h"
#include "simulation.h"

using namespace qnet;

namespace
{

constexpr const char* RESTING = "1 s"; ///< people start at 2 s
constexpr const char* RUNNING = "2001 ms";

int64_t
Allocated()
{
    struct mallinfo2 info = mallinfo2();
    return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

/// Bytes that are not the cores'. At the end of a run its results come on top.
void
Count(const Simulation* simulation, int64_t* taken)
{
    *taken = Allocated();
    for (const Member& member : simulation->GetMembers())
    {
        *taken -= static_cast<int64_t>(member.app->GetStatus().mem_used);
    }
}

/// What a run of so many people takes just before it stops.
int64_t
Taken(const char* mesh, int64_t count, const std::string& stop)
{
    Scenario scenario = ReadScenario(
        mesh, {"population.people.count=" + std::to_string(count), "general.stop=" + stop});
    int64_t before = Allocated();
    int64_t taken = 0;
    Simulation simulation(scenario, 1, Tier::M);
    auto last = static_cast<int64_t>(scenario.stop) - 1;
    ns3::Simulator::Schedule(Ns(last), &Count, &simulation, &taken);
    simulation.Run();
    return taken - before;
}

int64_t
EachTakes(const char* mesh, int64_t count, const std::string& stop)
{
    int64_t some = Taken(mesh, count, stop);
    return (Taken(mesh, 2 * count, stop) - some) / count;
}

} // namespace

int
main(int argc, char** argv)
{
    if (argc != 5)
    {
        std::fputs("usage: idle_node_sim MESH.yaml COUNT MOST MOST_RUNNING\n", stderr);
        return 2;
    }
    try
    {
        int64_t count = std::atoll(argv[2]);
        Taken(argv[1], 1, RUNNING); // what is made once a process is made now
        int64_t resting = EachTakes(argv[1], count, RESTING);
        int64_t running = EachTakes(argv[1], count, RUNNING);
        std::printf("%" PRId64 " bytes of ns-3 and the adapter for each node; %" PRId64
                    " when it has started\n",
                    resting,
                    running);
        return resting <= std::atoll(argv[3]) && running <= std::atoll(argv[4]) ? 0 : 1;
    }
    catch (const std::exception& error)
    {
        std::fprintf(stderr, "idle_node_sim: %s\n", error.what());
        return 1;
    }
}
