// SPDX-License-Identifier: GPL-2.0-only
#include "results.h"

#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>

#include "censor-report.h"
#include "csv.h"
#include "fault-table.h"
#include "json-put.h"
#include "output-file.h"
#include "shell-word.h"
#include "versions.h"

namespace qnet
{

namespace
{

void
WriteText(const std::string& path, const std::string& text)
{
    OutputFile out(path);
    out.Write(text);
    out.Close();
}

/// Traces are part of the scenario. What is named from its folder is kept where verify runs it
/// again.
void
CopyTraces(const RunOptions& options, const Scenario& scenario)
{
    namespace fs = std::filesystem;
    fs::path inputs = fs::path(options.out) / "inputs";
    std::error_code error;
    fs::remove_all(inputs, error); // of an earlier run
    for (const Workload& workload : scenario.workloads)
    {
        fs::path name = fs::path(workload.trace).lexically_normal();
        if (name.empty() || name.is_absolute() || *name.begin() == "..")
        {
            continue;
        }
        fs::create_directories((inputs / name).parent_path(), error);
        fs::copy_file(fs::path(options.scenario).parent_path() / name, inputs / name, error);
        if (error && error != std::errc::file_exists)
        {
            throw OutputError("cannot write " + (inputs / name).string() + ": " + error.message());
        }
        WriteText((inputs / "scenario.yaml").string(), scenario.canonical);
    }
}

/// Writes what is digested. \return the digest
std::string
WriteDigested(const std::string& folder,
              const Simulation& simulation,
              const Recorder& recorder,
              const std::string& events,
              const json_t* summary)
{
    std::map<std::string, std::string> sha = {{"events.csv", events}};
    sha["streams.csv"] = WriteStreams(folder + "/streams.csv", simulation, recorder);
    sha["circuits.csv"] = WriteCircuits(folder + "/circuits.csv", recorder);
    sha["nodes.csv"] = WriteNodes(folder + "/nodes.csv", simulation, recorder);
    sha["faults.csv"] = WriteFaults(folder + "/faults.csv", simulation);
    OutputFile out(folder + "/summary.json");
    out.Write(JsonText(summary));
    sha["summary.json"] = out.Close();
    Sha256 digest;
    for (const char* name : DIGESTED_FILES)
    {
        digest.Add(std::string(name) + " " + sha.at(name) + "\n");
    }
    return digest.Hex();
}

json_t*
VerdictJson(const Verdict& v)
{
    return json_pack("{s:s, s:s, s:I, s:b}",
                     "what",
                     v.expectation.what.c_str(),
                     "expected",
                     v.expectation.text.c_str(),
                     "actual",
                     static_cast<json_int_t>(v.actual),
                     "met",
                     v.met ? 1 : 0);
}

json_t*
PlainJson(const PlainSpeed& plain)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}",
                     "wall_ms",
                     static_cast<json_int_t>(plain.wallMs),
                     "simulated_ms",
                     static_cast<json_int_t>(plain.simulatedMs),
                     "wanted_bytes",
                     static_cast<json_int_t>(plain.wantedBytes),
                     "delivered_bytes",
                     static_cast<json_int_t>(plain.deliveredBytes),
                     "simulator_events",
                     static_cast<json_int_t>(plain.simulatorEvents));
}

json_t*
ProcessesJson(const std::vector<ProcessFacts>& processes)
{
    json_t* list = json_array();
    for (const ProcessFacts& one : processes)
    {
        json_t* out = Object();
        Put(out, "wall_ms", one.wallMs);
        Put(out, "waited_ms", one.waitedMs);
        Put(out, "cpu_ms", one.cpuMs);
        Put(out, "peak_rss_kib", one.peakKib);
        Put(out, "simulator_events", one.simulatorEvents);
        Put(out, "sent_bytes", one.sentBytes);
        Put(out, "crossed_bytes", one.crossedBytes);
        Put(out, "crossed_packets", one.crossedPackets);
        json_array_append_new(list, out);
    }
    return list;
}

std::string
FactsJson(const RunFacts& f, const std::vector<Verdict>& verdicts)
{
    JsonPtr out(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}",
                          "digest",
                          f.digest.c_str(),
                          "command",
                          f.command.c_str(),
                          "when",
                          f.when.c_str(),
                          "host",
                          f.host.c_str(),
                          "compiler",
                          f.compiler.c_str(),
                          "versions",
                          f.versions.c_str(),
                          "wall_ms",
                          static_cast<json_int_t>(f.wallMs),
                          "peak_rss_kib",
                          static_cast<json_int_t>(f.peakKib),
                          "simulator_events",
                          static_cast<json_int_t>(f.simulatorEvents),
                          "simulated_ms",
                          static_cast<json_int_t>(f.simulatedMs)));
    if (f.plain.wallMs > 0)
    {
        json_object_set_new(out.get(), "plain_tcp", PlainJson(f.plain));
    }
    if (!f.processes.empty())
    {
        json_object_set_new(out.get(), "processes", ProcessesJson(f.processes));
    }
    json_t* list = json_array();
    for (const Verdict& v : verdicts)
    {
        json_array_append_new(list, VerdictJson(v));
    }
    json_object_set_new(out.get(), "expectations", list);
    return JsonText(out.get());
}

bool
PrintVerdicts(const std::vector<Verdict>& verdicts)
{
    bool all = true;
    for (const Verdict& v : verdicts)
    {
        if (v.met)
        {
            continue;
        }
        all = false;
        std::string actual = v.found ? FormatQuantity(v.actual, UnitOfMetric(v.expectation.what))
                                     : "no such metric in summary.json";
        std::fprintf(stderr,
                     "qnet-sim: %s: expected %s, but it was %s\n",
                     v.expectation.place.c_str(),
                     v.expectation.text.c_str(),
                     actual.c_str());
    }
    return all;
}

void
PrintResult(const json_t* summary, const RunFacts& facts, const std::string& out)
{
    auto get = [summary](const char* path) {
        uint64_t value = 0;
        JsonLookUp(summary, path, &value);
        return value;
    };
    std::printf("%" PRIu64 " fetches done, %" PRIu64 " failed, %" PRIu64
                " unfinished; %s delivered; "
                "%" PRIu64 ".%" PRIu64 " s wall, %" PRIu64 " MiB\n",
                get("streams.done"),
                get("streams.failed"),
                get("streams.unfinished"),
                FormatQuantity(get("streams.delivered_bytes"), Unit::Size).c_str(),
                facts.wallMs / 1000,
                facts.wallMs % 1000 / 100,
                facts.peakKib / 1024);
    for (const char* route : {"fast", "privacy"})
    {
        std::string path = std::string("ttfb_ns.") + route;
        if (get((path + ".n").c_str()) > 0)
        {
            std::printf("time to first byte, %s: median %s, p95 %s\n",
                        route,
                        FormatQuantity(get((path + ".p50").c_str()), Unit::Time).c_str(),
                        FormatQuantity(get((path + ".p95").c_str()), Unit::Time).c_str());
        }
    }
    std::printf("simulated seconds per wall second: %s\n",
                SpeedText(facts.simulatedMs, facts.wallMs).c_str());
    if (facts.plain.wallMs > 0)
    {
        std::printf("plain ns-3 TCP, the same bytes:    %s\n", PlainText(facts.plain).c_str());
    }
    std::printf("report: %s/report.html\n", out.c_str());
}

} // namespace

void
BeginResults(const RunOptions& options, const Scenario& scenario)
{
    MakeFolder(options.out);
    WriteText(options.out + "/scenario.yaml", scenario.canonical);
    CopyTraces(options, scenario);
}

RunFacts
FactsOf(const RunOptions& options,
        const std::string& program,
        const std::string& more,
        const Simulation& simulation)
{
    RunFacts facts;
    facts.command = program + " " + ShellWord(options.scenario) + " --seed " +
                    std::to_string(simulation.GetSeed()) + " " + more + " --out " +
                    ShellWord(options.out);
    for (const std::string& host : options.captures)
    {
        facts.command += " --pcap " + ShellWord(host);
    }
    if (!options.faults.empty())
    {
        facts.command += " --faults " + ShellWord(options.faults);
    }
    for (const std::string& set : options.sets)
    {
        facts.command += " --set " + ShellWord(set);
    }
    char when[32] = "";
    std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &utc);
    facts.when = when;
    facts.host = HostText();
    facts.compiler = CompilerText();
    facts.versions = VersionsText();
    facts.simulatedMs = simulation.GetScenario().stop / 1000000;
    return facts;
}

Results
WriteData(const std::string& folder,
          const Simulation& simulation,
          const Recorder& recorder,
          const std::string& events)
{
    Results results{
        MakeSummary(simulation, recorder), "", {}, {}, "", FaultTable(simulation, recorder)};
    results.digest = WriteDigested(folder, simulation, recorder, events, results.summary.get());
    WriteCensorFiles(folder, simulation);
    results.verdicts = Judge(results.summary.get(), simulation.GetScenario().expectations);
    return results;
}

void
Draw(const std::string& folder,
     const Simulation& simulation,
     const Recorder& recorder,
     Results& results)
{
    results.figures = WriteFigures(folder, simulation, recorder);
    results.noFigures = DrawFigures(folder, results.figures);
}

int
Publish(const RunOptions& options,
        const Scenario& scenario,
        Tier tier,
        const Results& results,
        RunFacts facts)
{
    facts.digest = results.digest;
    WriteText(options.out + "/run.json", FactsJson(facts, results.verdicts));
    WriteReport(options.out,
                {scenario,
                 results.summary.get(),
                 results.verdicts,
                 results.figures,
                 results.noFigures,
                 facts,
                 tier,
                 results.faults});
    if (!results.noFigures.empty())
    {
        std::fprintf(stderr, "qnet-sim: no pictures: %s\n", results.noFigures.c_str());
    }
    if (!options.quiet)
    {
        PrintResult(results.summary.get(), facts, options.out);
    }
    bool met = PrintVerdicts(results.verdicts);
    std::printf("digest: %s\n", facts.digest.c_str());
    return met ? STATUS_OK : STATUS_VIOLATED;
}

} // namespace qnet
