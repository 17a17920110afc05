// SPDX-License-Identifier: GPL-2.0-only
#include "rank.h"

#include <stdexcept>

#ifdef QNET_NS3_MPI

#include <algorithm>
#include <climits>
#include <cstdio>
#include <ctime>

#include <mpi.h>

#include "ns3/global-value.h"
#include "ns3/mpi-interface.h"
#include "ns3/simulator.h"
#include "ns3/string.h"

#include "event-merge.h"
#include "output-file.h"
#include "parcel.h"
#include "progress.h"
#include "recorder.h"
#include "results.h"
#include "routed-tcp.h"
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
        m_rank = {ns3::MpiInterface::GetSystemId(), ns3::MpiInterface::GetSize()};
    }

    Rank
    Get() const
    {
        return m_rank;
    }

    void
    WaitForAll() const
    {
        MPI_Barrier(MPI_COMM_WORLD);
    }

    /// \return in the first process what each of the others sent, in their order; elsewhere nothing
    std::vector<std::string>
    Collect(const std::string& mine) const
    {
        std::vector<std::string> all;
        if (m_rank.number > 0)
        {
            Send(mine);
        }
        for (uint32_t from = 1; m_rank.number == 0 && from < m_rank.of; from++)
        {
            all.push_back(Receive(static_cast<int>(from)));
        }
        return all;
    }

    void
    End() const
    {
        ns3::MpiInterface::Disable();
    }

  private:
    static constexpr size_t PART = INT_MAX / 2; ///< what MPI counts in int

    static void
    Send(const std::string& bytes)
    {
        uint64_t size = bytes.size();
        MPI_Send(&size, 1, MPI_UINT64_T, 0, 0, MPI_COMM_WORLD);
        for (size_t at = 0; at < bytes.size(); at += PART)
        {
            auto n = static_cast<int>(std::min(PART, bytes.size() - at));
            MPI_Send(bytes.data() + at, n, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
        }
    }

    static std::string
    Receive(int from)
    {
        uint64_t size = 0;
        MPI_Recv(&size, 1, MPI_UINT64_T, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        std::string bytes(size, '\0');
        for (size_t at = 0; at < bytes.size(); at += PART)
        {
            auto n = static_cast<int>(std::min(PART, bytes.size() - at));
            MPI_Recv(&bytes[at], n, MPI_BYTE, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        }
        return bytes;
    }

    Rank m_rank;
};

uint64_t
ReadNs(clockid_t clock)
{
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000000 + static_cast<uint64_t>(t.tv_nsec);
}

/// What this process spent where processes wait for each other, which keeps a processor busy.
struct Waiting
{
    uint64_t wallNs = 0;
    uint64_t cpuNs = 0;
};

Waiting g_waiting;

std::string
EventsPath(const RunOptions& options, uint32_t rank)
{
    return options.out + "/events.rank-" + std::to_string(rank) + ".csv";
}

ProcessFacts
FactsOfThis(const Simulation& simulation, const Progress& progress)
{
    ProcessFacts facts{};
    facts.wallMs = progress.WallMs();
    facts.waitedMs = g_waiting.wallNs / 1000000;
    facts.cpuMs = (ReadNs(CLOCK_PROCESS_CPUTIME_ID) - g_waiting.cpuNs) / 1000000;
    facts.peakKib = PeakKib();
    facts.simulatorEvents = ns3::Simulator::GetEventCount();
    facts.sentBytes = simulation.GetSentBytes();
    auto& routed = dynamic_cast<const RoutedTcp&>(simulation.GetTransport());
    facts.crossedBytes = routed.GetCrossed().bytes;
    facts.crossedPackets = routed.GetCrossed().packets;
    return facts;
}

/// One file of all processes' events. \return its SHA-256
std::string
MergeEventsOf(const RunOptions& options, Rank rank)
{
    std::vector<std::string> parts;
    for (uint32_t i = 0; i < rank.of; i++)
    {
        parts.push_back(EventsPath(options, i));
    }
    std::string sha = MergeEvents(parts, options.out + "/events.csv");
    for (const std::string& part : parts)
    {
        std::remove(part.c_str());
    }
    return sha;
}

/// The first process has everybody's rows, and writes what one alone would have written.
int
WriteAll(const RunOptions& options,
         Rank rank,
         Simulation& simulation,
         Recorder& recorder,
         std::vector<ProcessFacts> processes,
         std::vector<std::string> others)
{
    for (std::string& bytes : others)
    {
        Parcel parcel(std::move(bytes));
        processes.push_back(parcel.Take<ProcessFacts>());
        simulation.AddResults(parcel);
        recorder.AddRows(parcel);
    }
    RunFacts facts =
        FactsOf(options, "tools/ns3-mpi run", "--ranks " + std::to_string(rank.of), simulation);
    for (const ProcessFacts& one : processes)
    {
        facts.wallMs = std::max(facts.wallMs, one.wallMs);
        facts.peakKib += one.peakKib;
        facts.simulatorEvents += one.simulatorEvents;
    }
    facts.processes = processes;
    std::string events = MergeEventsOf(options, rank);
    Results results = WriteData(options.out, simulation, recorder, events);
    Draw(options.out, simulation, recorder, results);
    return Publish(options, simulation.GetScenario(), Tier::P, results, facts);
}

int
Simulate(const RunOptions& options, const Scenario& scenario, const Processes& processes)
{
    Rank rank = processes.Get();
    if (rank.number == 0)
    {
        BeginResults(options, scenario);
    }
    processes.WaitForAll(); // for the folder
    ChooseScheduler();
    Progress progress(scenario.stop, options.quiet || rank.number > 0);
    uint64_t seed = options.hasSeed ? options.seed : scenario.seed;
    Simulation simulation(scenario, seed, Tier::P, std::string(), rank);
    OutputFile events(EventsPath(options, rank.number));
    Recorder recorder(simulation, events);
    simulation.Run();
    recorder.Finish();
    progress.Done();
    events.Close();
    ProcessFacts facts = FactsOfThis(simulation, progress);
    Parcel parcel;
    parcel.Put(facts);
    simulation.Pack(parcel);
    recorder.Pack(parcel);
    std::vector<std::string> others = processes.Collect(parcel.GetBytes());
    return rank.number == 0
               ? WriteAll(options, rank, simulation, recorder, {facts}, std::move(others))
               : STATUS_OK;
}

} // namespace

} // namespace qnet

/// MPI lets a program step in: this is what ns-3 calls at the end of each window of time.
extern "C" int
MPI_Allgather(const void* out,
              int outN,
              MPI_Datatype outType,
              void* in,
              int inN,
              MPI_Datatype inType,
              MPI_Comm all)
{
    uint64_t wall = qnet::ReadNs(CLOCK_MONOTONIC);
    uint64_t cpu = qnet::ReadNs(CLOCK_PROCESS_CPUTIME_ID);
    int rv = PMPI_Allgather(out, outN, outType, in, inN, inType, all);
    qnet::g_waiting.wallNs += qnet::ReadNs(CLOCK_MONOTONIC) - wall;
    qnet::g_waiting.cpuNs += qnet::ReadNs(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    return rv;
}

namespace qnet
{

int
RunRank(const RunOptions& options)
{
    Scenario scenario = ReadScenario(options.scenario, options.sets);
    if (!options.captures.empty() || !options.faults.empty() || options.flows || options.plain ||
        (options.hasTier && options.tier != Tier::P))
    {
        throw ScenarioError("a parallel run is of tier P, draws its faults, and has no captures, "
                            "FlowMonitor or plain TCP");
    }
    Processes processes;
    int status = Simulate(options, scenario, processes);
    processes.End();
    return status;
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
