// SPDX-License-Identifier: GPL-2.0-only
#include "rank.h"

#include <stdexcept>

#ifdef QNET_NS3_MPI

#include <cinttypes>
#include <ctime>

#include <mpi.h>

#include "ns3/global-value.h"
#include "ns3/mpi-interface.h"
#include "ns3/simulator.h"
#include "ns3/string.h"

#include "csv.h"
#include "output-file.h"
#include "progress.h"
#include "recorder.h"
#include "yaml-tree.h"

namespace qnet
{

namespace
{

/// The processes of this run, and which of them this is. One that fails exits without End, and
/// mpirun then ends the others, which would wait for it.
class Processes
{
  public:
    Processes()
    {
        ns3::GlobalValue::Bind("SimulatorImplementationType",
                               ns3::StringValue("ns3::DistributedSimulatorImpl"));
        int argc = 0;
        char** argv = nullptr;
        ns3::MpiInterface::Enable(&argc, &argv);
    }

    Rank
    Get() const
    {
        return {ns3::MpiInterface::GetSystemId(), ns3::MpiInterface::GetSize()};
    }

    void
    WaitForAll() const
    {
        MPI_Barrier(ns3::MpiInterface::GetCommunicator());
    }

    void
    End() const
    {
        ns3::MpiInterface::Disable();
    }
};

int64_t
CpuMs()
{
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
WriteFacts(const std::string& path, Rank rank, uint64_t wallMs, int64_t cpuMs)
{
    OutputFile out(path);
    out.Printf("{\"rank\": %u, \"ranks\": %u, \"wall_ms\": %" PRIu64 ", \"cpu_ms\": %" PRId64
               ", \"simulator_events\": %" PRIu64 ", \"peak_rss_kib\": %" PRIu64 "}\n",
               rank.number,
               rank.of,
               wallMs,
               cpuMs,
               ns3::Simulator::GetEventCount(),
               PeakKib());
    out.Close();
}

void
Simulate(const RunOptions& options, const Scenario& scenario, const Processes& processes)
{
    Rank rank = processes.Get();
    std::string folder = options.out + "/rank-" + std::to_string(rank.number);
    MakeFolder(options.out);
    MakeFolder(folder);
    Simulation simulation(
        scenario, options.hasSeed ? options.seed : scenario.seed, Tier::P, std::string(), rank);
    OutputFile events(folder + "/events.csv");
    Recorder recorder(simulation, events);
    processes.WaitForAll(); // set-up is not what is measured
    Progress progress(scenario.stop, options.quiet || rank.number > 0);
    int64_t cpu = CpuMs();
    simulation.Run();
    recorder.RethrowFailure();
    progress.Done();
    WriteFacts(folder + "/rank.json", rank, progress.WallMs(), CpuMs() - cpu);
    WriteStreams(folder + "/streams.csv", simulation, recorder);
    WriteCircuits(folder + "/circuits.csv", recorder);
    events.Close();
}

} // namespace

int
RunRank(const RunOptions& options)
{
    Scenario scenario = ReadScenario(options.scenario, options.sets);
    if (!options.captures.empty() || !options.faults.empty() ||
        (options.hasTier && options.tier != Tier::P))
    {
        throw ScenarioError(
            "a parallel run is of tier P, draws its faults, and writes no captures");
    }
    Processes processes;
    Simulate(options, scenario, processes);
    processes.End();
    return STATUS_OK;
}

} // namespace qnet

#else

namespace qnet
{

int
RunRank(const RunOptions&)
{
    throw std::runtime_error("this qnet-sim was built on an ns-3 without MPI; tools/ns3-mpi builds "
                             "one with it");
}

} // namespace qnet

#endif
