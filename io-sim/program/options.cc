// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <algorithm>

#include "map-reader.h"
#include "quantity.h"

namespace qnet
{

namespace
{

constexpr uint64_t JOBS_MAX = 256;

uint64_t
SeedOf(const std::string& text)
{
    uint64_t seed = 0;
    std::string why;
    if (!ParseQuantity(text, Unit::Count, &seed, &why))
    {
        throw UsageError("--seed " + text + ": " + why);
    }
    return seed;
}

Tier
TierOf(const std::string& text)
{
    Tier tier = Tier::M;
    if (!ParseTier(text, &tier))
    {
        throw UsageError("--tier " + text + ": tiers are M, T and P");
    }
    return tier;
}

void
ReadScenarioName(const std::string& word, const std::vector<std::string>& known, RunOptions& out)
{
    if (word[0] == '-')
    {
        throw UsageError("unknown option " + word + Suggestion(word, known));
    }
    if (!out.scenario.empty())
    {
        throw UsageError("one scenario at a time; \"" + word + "\" is a second one");
    }
    out.scenario = word;
}

void
CheckRun(const RunOptions& options, bool simulates)
{
    if (options.scenario.empty())
    {
        throw UsageError("which scenario? (qnet-sim list names them)");
    }
    if (simulates && options.out.empty())
    {
        throw UsageError("where to? (--out DIR)");
    }
}

/// Options that `run` and `sweep` share. \return whether `word` is one
bool
ReadShared(const std::string& word, Arguments& arguments, RunOptions& out)
{
    if (word == "--set")
    {
        out.sets.push_back(arguments.Value(word));
    }
    else if (word == "--out")
    {
        out.out = arguments.Value(word);
    }
    else if (word == "--tier")
    {
        out.tier = TierOf(arguments.Value(word));
        out.hasTier = true;
    }
    else
    {
        return false;
    }
    return true;
}

/// "3-7" or "3"
void
ReadSeeds(const std::string& text, SweepOptions& out)
{
    size_t dash = text.find('-');
    out.firstSeed = SeedOf(text.substr(0, dash));
    out.lastSeed = dash == std::string::npos ? out.firstSeed : SeedOf(text.substr(dash + 1));
    if (out.lastSeed < out.firstSeed || out.lastSeed - out.firstSeed >= SWEEP_RUNS_MAX)
    {
        throw UsageError("--seeds " + text + ": write 1-10, at most " +
                         std::to_string(SWEEP_RUNS_MAX) + " seeds");
    }
}

void
ReadOfSweep(const std::string& word, Arguments& arguments, SweepOptions& out)
{
    static const std::vector<std::string> known = {
        "--seeds", "--out", "--tier", "--jobs", "--set", "--list", "--slurm", "--merge", "--help"};
    if (word == "--seeds")
    {
        ReadSeeds(arguments.Value(word), out);
    }
    else if (word == "--jobs")
    {
        std::string jobs = arguments.Value(word);
        out.jobs = static_cast<unsigned>(
            std::min<uint64_t>(std::max<uint64_t>(SeedOf(jobs), 1), JOBS_MAX));
    }
    else if (word == "--list")
    {
        out.list = true;
    }
    else if (word == "--merge")
    {
        out.merge = true;
    }
    else if (word == "--slurm")
    {
        out.slurm = arguments.Value(word);
    }
    else if (!ReadShared(word, arguments, out.run))
    {
        ReadScenarioName(word, known, out.run);
    }
}

} // namespace

bool
Arguments::AskForHelp() const
{
    return std::find(m_words.begin(), m_words.end(), "--help") != m_words.end();
}

std::string
Arguments::Value(const std::string& option)
{
    if (Empty())
    {
        throw UsageError(option + " needs a value");
    }
    return Next();
}

RunOptions
ParseRun(Arguments& arguments, bool simulates)
{
    static const std::vector<std::string> known = {"--seed",
                                                   "--out",
                                                   "--tier",
                                                   "--pcap",
                                                   "--faults",
                                                   "--flows",
                                                   "--plain-tcp",
                                                   "--set",
                                                   "--quiet",
                                                   "--help",
                                                   "--version"};
    RunOptions options;
    while (!arguments.Empty())
    {
        std::string word = arguments.Next();
        if (simulates && word == "--seed")
        {
            options.seed = SeedOf(arguments.Value(word));
            options.hasSeed = true;
        }
        else if (simulates && word == "--pcap")
        {
            options.captures.push_back(arguments.Value(word));
        }
        else if (simulates && word == "--faults")
        {
            options.faults = arguments.Value(word);
        }
        else if (simulates && word == "--quiet")
        {
            options.quiet = true;
        }
        else if (simulates && word == "--plain-tcp")
        {
            options.plain = true;
        }
        else if (simulates && word == "--flows")
        {
            options.flows = true;
        }
        else if (!simulates && word != "--set" && word != "--tier")
        {
            ReadScenarioName(word, known, options);
        }
        else if (!ReadShared(word, arguments, options))
        {
            ReadScenarioName(word, known, options);
        }
    }
    CheckRun(options, simulates);
    return options;
}

RunOptions
ParseHosts(Arguments& arguments)
{
    static const std::vector<std::string> known = {"--seed", "--set", "--help"};
    RunOptions options;
    while (!arguments.Empty())
    {
        std::string word = arguments.Next();
        if (word == "--seed")
        {
            options.seed = SeedOf(arguments.Value(word));
            options.hasSeed = true;
        }
        else if (word == "--set")
        {
            options.sets.push_back(arguments.Value(word));
        }
        else
        {
            ReadScenarioName(word, known, options);
        }
    }
    CheckRun(options, false);
    return options;
}

SweepOptions
ParseSweep(Arguments& arguments)
{
    SweepOptions options;
    while (!arguments.Empty())
    {
        std::string word = arguments.Next();
        ReadOfSweep(word, arguments, options);
    }
    CheckRun(options.run, true);
    if (options.list + options.merge + !options.slurm.empty() > 1)
    {
        throw UsageError("one of --list, --slurm and --merge at a time");
    }
    return options;
}

} // namespace qnet
