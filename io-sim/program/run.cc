// SPDX-License-Identifier: GPL-2.0-only
#include "run.h"

#include <memory>

#include "ns3/global-value.h"
#include "ns3/map-scheduler.h"
#include "ns3/object-factory.h"
#include "ns3/pcap-file-wrapper.h"
#include "ns3/simulator.h"
#include "ns3/trace-helper.h"
#include "ns3/type-id.h"

#include "flow-watch.h"
#include "output-file.h"
#include "progress.h"
#include "recorder.h"
#include "results.h"

namespace qnet
{

namespace
{

constexpr uint64_t PLAIN_WALL_MS = 120000; ///< the most that plain TCP gets

void
StartCaptures(const RunOptions& options, Simulation& simulation)
{
    if (options.captures.empty())
    {
        return;
    }
    MakeFolder(options.out + "/pcap");
    for (const std::string& host : options.captures)
    {
        std::string path = options.out + "/pcap/" + host + ".pcap";
        auto file = ns3::CreateObject<ns3::PcapFileWrapper>();
        file->Open(path, std::ios::out);
        file->Init(ns3::PcapHelper::DLT_RAW);
        if (file->Fail())
        {
            throw OutputError("cannot write " + path);
        }
        simulation.Capture(host, file);
    }
}

} // namespace

void
ChooseScheduler()
{
    ns3::TypeIdValue chosen;
    ns3::GlobalValue::GetValueByName("SchedulerType", chosen);
    if (chosen.Get() == ns3::MapScheduler::GetTypeId())
    {
        ns3::ObjectFactory scheduler;
        scheduler.SetTypeId("ns3::PriorityQueueScheduler");
        ns3::Simulator::SetScheduler(scheduler);
    }
}

int
Run(const RunOptions& options)
{
    Scenario scenario = ReadScenario(options.scenario, options.sets);
    uint64_t seed = options.hasSeed ? options.seed : scenario.seed;
    Tier tier = options.hasTier ? options.tier : scenario.tier;
    CheckTier(scenario, tier);
    BeginResults(options, scenario);
    ChooseScheduler();
    Progress progress(scenario.stop, options.quiet);
    auto simulation = std::make_unique<Simulation>(scenario, seed, tier, options.faults);
    StartCaptures(options, *simulation);
    FlowWatch flows(options.flows, tier);
    OutputFile events(options.out + "/events.csv");
    Recorder recorder(*simulation, events);
    simulation->Run();
    recorder.Finish();
    progress.Done();

    RunFacts facts =
        FactsOf(options, "qnet-sim run", std::string("--tier ") + TierName(tier), *simulation);
    facts.simulatorEvents = ns3::Simulator::GetEventCount();
    Results results = WriteData(options.out, *simulation, recorder, events.Close());
    facts.wallMs = progress.WallMs();
    facts.peakKib = PeakKib();
    flows.Write(options.out + "/flows.xml");
    Draw(options.out, *simulation, recorder, results);
    if (options.plain)
    {
        PlainLoad load = PlainLoadOf(*simulation, recorder);
        simulation.reset(); // ns-3 has one simulation at a time
        facts.plain = RunPlainTcp(scenario, load, PLAIN_WALL_MS);
    }
    return Publish(options, scenario, tier, results, facts);
}

} // namespace qnet
