// SPDX-License-Identifier: GPL-2.0-only
// qnet-sim: the command line of the simulator.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>

#include <dirent.h>

#include "bundle.h"
#include "compare.h"
#include "hosts.h"
#include "huge-pages.h"
#include "map-reader.h"
#include "options.h"
#include "rank.h"
#include "output-file.h"
#include "run.h"
#include "scenario.h"
#include "schema.h"
#include "sweep.h"

namespace
{

using namespace qnet;

const char* const HELP =
    "qnet-sim - runs networks of QNet nodes in ns-3, reproducibly\n"
    "\n"
    "usage: qnet-sim run SCENARIO.yaml --out DIR [--seed N] [--tier M|T|P]\n"
    "                [--pcap NODE]... [--flows] [--faults FILE] [--plain-tcp]\n"
    "                [--set KEY=VALUE]... [--quiet]\n"
    "       qnet-sim check SCENARIO.yaml [--tier M|T|P] [--set KEY=VALUE]...\n"
    "       qnet-sim show SCENARIO.yaml [--set KEY=VALUE]...\n"
    "       qnet-sim hosts SCENARIO.yaml [--seed N] [--set KEY=VALUE]...\n"
    "       qnet-sim new NAME | reference\n"
    "       qnet-sim list [DIR]\n"
    "       qnet-sim compare DIR1 DIR2\n"
    "       qnet-sim sweep SCENARIO.yaml --seeds A-B --out DIR [--jobs N] [--tier M|T|P]\n"
    "                [--set KEY=VALUE[,VALUE]...]... [--list | --slurm FILE | --merge]\n"
    "       qnet-sim bundle DIR [--out FILE.tar]\n"
    "       qnet-sim verify FILE.tar\n"
    "       qnet-sim --help | --version\n"
    "\n"
    "run    simulates and writes DIR: summary.json, run.json, streams.csv, circuits.csv, "
    "nodes.csv,\n"
    "       figs/ and report.html. The last line is \"digest: \" and a SHA-256 that depends on "
    "scenario,\n"
    "       seed and tier only.\n"
    "check  reads a scenario and says whether it is fine, in that tier too.\n"
    "show   prints a scenario with all it extends and the map filled in; reads as it stands.\n"
    "hosts  prints as JSON who is where and how they are connected, with the latency of each "
    "pair.\n"
    "new    prints a small scenario that runs, with every other key as a comment.\n"
    "reference  prints the page of all keys, docs/scenario-reference.md.\n"
    "list   names the scenarios in a folder (sim-scenarios) with their questions.\n"
    "sweep    runs every seed from A to B, N at a time, with every combination of the values "
    "listed,\n"
    "         into DIR/seed-* or DIR/KEY=VALUE/seed-*; those that are there already are kept.\n"
    "         DIR/sweep.csv has the mean of every metric with its 95 % interval, DIR/report.html "
    "and\n"
    "         DIR/figs/ show them.\n"
    "         --list prints the commands of the runs that are not there, for GNU parallel;\n"
    "         --slurm FILE writes them as a job array for sbatch; --merge only merges.\n"
    "compare  shows two folders of results side by side: medians, p95, delivered bytes.\n"
    "bundle   packs a run to publish: DIR, and bundle.json with scenario, seed, versions and "
    "hashes.\n"
    "verify   checks a bundle's hashes, runs it again and says what differs; status 1 if anything "
    "does.\n"
    "\n"
    "--seed N         instead of the scenario's own\n"
    "--tier TIER      how faithful the network is: M (messages, fast), T (TCP, one hop between "
    "hosts),\n"
    "                 P (TCP over routers); instead of the scenario's own\n"
    "--pcap NODE      writes DIR/pcap/NODE.pcap, the packets of one host, such as people.0: the "
    "first\n"
    "                 member of the group people. Tiers T and P\n"
    "--faults FILE    follows the faults.csv of an earlier run, or some of its rows, instead of "
    "drawing\n"
    "                 faults from the seed\n"
    "--flows          writes DIR/flows.xml, what ns-3's FlowMonitor saw of every flow. Tiers T and "
    "P\n"
    "--plain-tcp      then lets ns-3's own TCP and applications carry the same bytes without QNet, "
    "for at\n"
    "                 most 120 s, and prints simulated seconds per wall second of both\n"
    "--set KEY=VALUE  changes the scenario: --set general.stop='10 s' --set "
    "population.homes.count=10\n"
    "--quiet          only warnings and the digest\n"
    "\n"
    "Exit status: 0 fine; 1 an expectation of the scenario was violated; 2 wrong usage or "
    "scenario;\n"
    "3 results cannot be written; 4 the simulation could not be set up.\n";

int
Check(const RunOptions& options)
{
    Scenario s = ReadScenario(options.scenario, options.sets);
    CheckTier(s, options.hasTier ? options.tier : s.tier);
    uint64_t nodes = 0;
    for (const Group& group : s.groups)
    {
        nodes += group.role == Role::Web ? 0 : group.count;
    }
    std::printf("%s: fine: %s, %llu nodes, %s of simulated time, sha256 %s\n",
                options.scenario.c_str(),
                s.name.c_str(),
                static_cast<unsigned long long>(nodes),
                FormatQuantity(s.stop, Unit::Time).c_str(),
                s.sha256.c_str());
    return STATUS_OK;
}

int
Show(const RunOptions& options)
{
    if (options.hasTier)
    {
        throw UsageError("show prints a scenario as it is for every tier; leave --tier out");
    }
    Scenario s = ReadScenario(options.scenario, options.sets);
    std::printf(
        "# %s, sha256 %s\n%s", options.scenario.c_str(), s.sha256.c_str(), s.canonical.c_str());
    return STATUS_OK;
}

int
New(const std::string& name)
{
    bool plain =
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!plain || name.empty() || name.front() == '-')
    {
        throw UsageError("new " + name + ": a name has small letters, digits and \"-\"");
    }
    std::fputs(SchemaTemplate(name).c_str(), stdout);
    return STATUS_OK;
}

int
List(const std::string& folder)
{
    std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(folder.c_str()), &closedir);
    if (!dir)
    {
        throw UsageError("no folder " + folder + " here; name the one with the scenarios");
    }
    std::vector<std::string> files;
    while (const dirent* entry = readdir(dir.get()))
    {
        std::string name = entry->d_name;
        if (name.size() > 5 && name.compare(name.size() - 5, 5, ".yaml") == 0)
        {
            files.push_back(folder + "/" + name);
        }
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files)
    {
        Scenario s = ReadScenario(file, {});
        std::printf("%s\n    %s\n", file.c_str(), s.question.c_str());
    }
    return STATUS_OK;
}

int
CompareFolders(Arguments& arguments)
{
    std::string left = arguments.Value("compare");
    Compare(left, arguments.Value("compare " + left));
    return STATUS_OK;
}

void
BundleFolder(Arguments& arguments)
{
    std::string folder = arguments.Value("bundle");
    std::string out;
    while (!arguments.Empty())
    {
        std::string word = arguments.Next();
        if (word != "--out")
        {
            throw UsageError("unknown option " + word + "; bundle has --out FILE.tar");
        }
        out = arguments.Value(word);
    }
    Bundle(folder, out);
}

int
Dispatch(Arguments arguments, char** argv)
{
    if (arguments.Empty())
    {
        std::fputs(HELP, stderr);
        return STATUS_USAGE;
    }
    std::string command = arguments.AskForHelp() ? "--help" : arguments.Next();
    if (command == "run")
    {
        RestartOnHugePages(argv);
        return Run(ParseRun(arguments, true));
    }
    if (command == "rank")
    {
        return RunRank(ParseRun(arguments, true));
    }
    if (command == "check")
    {
        return Check(ParseRun(arguments, false));
    }
    if (command == "show")
    {
        return Show(ParseRun(arguments, false));
    }
    if (command == "hosts")
    {
        return Hosts(ParseHosts(arguments));
    }
    if (command == "new")
    {
        return New(arguments.Value("new"));
    }
    if (command == "reference")
    {
        std::fputs(SchemaPage().c_str(), stdout);
        return STATUS_OK;
    }
    if (command == "list")
    {
        return List(arguments.Empty() ? "sim-scenarios" : arguments.Next());
    }
    if (command == "sweep")
    {
        return Sweep(ParseSweep(arguments));
    }
    if (command == "compare")
    {
        return CompareFolders(arguments);
    }
    if (command == "bundle")
    {
        BundleFolder(arguments);
        return STATUS_OK;
    }
    if (command == "verify")
    {
        return Verify(arguments.Value("verify"));
    }
    if (command == "--help" || command == "-h" || command == "help")
    {
        std::fputs(HELP, stdout);
        return STATUS_OK;
    }
    if (command == "--version")
    {
        std::puts("qnet-sim " QNET_VERSION);
        return STATUS_OK;
    }
    throw UsageError("unknown command " + command +
                     Suggestion(command,
                                {"run",
                                 "check",
                                 "show",
                                 "hosts",
                                 "new",
                                 "reference",
                                 "list",
                                 "compare",
                                 "sweep",
                                 "bundle",
                                 "verify",
                                 "--help",
                                 "--version"}));
}

int
Complain(const std::exception& error, int status)
{
    std::fprintf(stderr, "qnet-sim: %s\n", error.what());
    return status;
}

} // namespace

int
main(int argc, char** argv)
{
    try
    {
        int status = Dispatch(Arguments(argc, argv), argv);
        if (std::fflush(stdout) != 0)
        {
            std::perror("qnet-sim: standard output");
            return STATUS_OUTPUT;
        }
        return status;
    }
    catch (const UsageError& error)
    {
        return Complain(error, STATUS_USAGE);
    }
    catch (const ScenarioError& error)
    {
        return Complain(error, STATUS_USAGE);
    }
    catch (const OutputError& error)
    {
        return Complain(error, STATUS_OUTPUT);
    }
    catch (const std::bad_alloc&)
    {
        std::fputs("qnet-sim: out of memory\n", stderr);
        return STATUS_CORE;
    }
    catch (const std::exception& error)
    {
        return Complain(error, STATUS_CORE);
    }
}
