// SPDX-License-Identifier: GPL-2.0-only
#include "sweep.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output-file.h"
#include "summary.h"

namespace qnet
{

namespace
{

/// Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom; beyond the table 1.96.
constexpr double STUDENT[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                              2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                              2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                              2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
constexpr double NORMAL = 1.96;

std::string
FolderOf(const SweepOptions& options, uint64_t seed)
{
    return options.run.out + "/seed-" + std::to_string(seed);
}

/// The results of a seed, if they are there, whole, and of this scenario and tier.
JsonPtr
ResultOf(const std::string& folder, const std::string& sha256, Tier tier)
{
    struct stat finished = {};
    if (stat((folder + "/report.html").c_str(), &finished) != 0) // a run writes it last
    {
        return nullptr;
    }
    JsonPtr json(json_load_file((folder + "/summary.json").c_str(), 0, nullptr));
    auto is = [&json](const char* key, const std::string& value) {
        const char* text = json_string_value(json_object_get(json.get(), key));
        return text != nullptr && value == text;
    };
    return is("scenario_sha256", sha256) && is("tier", TierName(tier)) ? std::move(json) : nullptr;
}

// ---- running

std::vector<std::string>
Command(const SweepOptions& options, uint64_t seed, Tier tier)
{
    std::vector<std::string> words = {"qnet-sim", "run", options.run.scenario};
    auto add = [&words](const std::string& option, const std::string& value) {
        words.push_back(option);
        words.push_back(value);
    };
    add("--seed", std::to_string(seed));
    add("--tier", TierName(tier));
    add("--out", FolderOf(options, seed));
    for (const std::string& set : options.run.sets)
    {
        add("--set", set);
    }
    words.push_back("--quiet");
    return words;
}

/// This program again, saying what it says into FOLDER.log.
pid_t
Start(const std::vector<std::string>& words, const std::string& folder)
{
    std::vector<char*> argv;
    for (const std::string& word : words)
    {
        argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    std::string log = folder + ".log";
    std::fflush(stdout);
    pid_t child = fork();
    if (child < 0)
    {
        throw std::runtime_error("cannot start another run");
    }
    if (child == 0)
    {
        int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        {
            _exit(STATUS_OUTPUT);
        }
        execv("/proc/self/exe", argv.data());
        _exit(STATUS_CORE);
    }
    return child;
}

/// The seeds that are to be run, a few at a time.
class Crew
{
  public:
    Crew(const SweepOptions& options, Tier tier, std::vector<uint64_t> seeds)
        : m_options(options),
          m_tier(tier),
          m_seeds(std::move(seeds)),
          m_start(std::time(nullptr))
    {
    }

    /// \return whether all runs met their expectations
    bool
    Work()
    {
        while (m_next < m_seeds.size() || !m_running.empty())
        {
            while (m_next < m_seeds.size() && m_running.size() < m_options.jobs)
            {
                uint64_t seed = m_seeds[m_next++];
                auto words = Command(m_options, seed, m_tier);
                m_running[Start(words, FolderOf(m_options, seed))] = seed;
            }
            WaitForOne();
        }
        return m_allMet;
    }

  private:
    void
    WaitForOne()
    {
        int status = 0;
        pid_t child = wait(&status);
        auto found = m_running.find(child);
        if (found == m_running.end())
        {
            return;
        }
        uint64_t seed = found->second;
        m_running.erase(found);
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_CORE;
        if (code != STATUS_OK && code != STATUS_VIOLATED)
        {
            m_next = m_seeds.size(); // nothing new; what runs may end
            while (wait(nullptr) > 0)
            {
            }
            throw std::runtime_error("the run with seed " + std::to_string(seed) + " failed; see " +
                                     FolderOf(m_options, seed) + ".log");
        }
        m_allMet = m_allMet && code == STATUS_OK;
        m_done++;
        auto spent = static_cast<uint64_t>(std::time(nullptr) - m_start);
        std::printf("seed %" PRIu64 " %s; %zu of %zu done, about %" PRIu64 " s left\n",
                    seed,
                    code == STATUS_OK ? "is fine" : "violates an expectation",
                    m_done,
                    m_seeds.size(),
                    spent * (m_seeds.size() - m_done) / m_done);
        std::fflush(stdout);
    }

    const SweepOptions& m_options;
    Tier m_tier;
    std::vector<uint64_t> m_seeds;
    size_t m_next = 0;
    size_t m_done = 0;
    bool m_allMet = true;
    std::map<pid_t, uint64_t> m_running;
    std::time_t m_start;
};

// ---- merging

using Metrics = std::map<std::string, std::vector<double>>;

void
Collect(const json_t* at, const std::string& path, Metrics& out)
{
    const char* key = nullptr;
    json_t* value = nullptr;
    json_object_foreach(const_cast<json_t*>(at), key, value)
    {
        std::string name = path.empty() ? key : path + "." + key;
        if (json_is_integer(value))
        {
            out[name].push_back(static_cast<double>(json_integer_value(value)));
        }
        else
        {
            Collect(value, name, out);
        }
    }
}

/// Half the width of the 95 % interval of the mean.
double
Margin(const std::vector<double>& v, double mean)
{
    double squares = 0;
    for (double x : v)
    {
        squares += (x - mean) * (x - mean);
    }
    size_t freedom = v.size() - 1;
    if (freedom == 0)
    {
        return 0;
    }
    size_t known = sizeof STUDENT / sizeof STUDENT[0];
    double t = freedom <= known ? STUDENT[freedom - 1] : NORMAL;
    double n = static_cast<double>(v.size());
    return t * std::sqrt(squares / static_cast<double>(freedom) / n);
}

void
WriteMerged(const std::string& path, const Metrics& metrics)
{
    OutputFile out(path);
    out.Write("metric,runs,mean,low95,high95,min,max\n");
    for (const auto& [name, values] : metrics)
    {
        double sum = 0;
        for (double x : values)
        {
            sum += x;
        }
        double mean = sum / static_cast<double>(values.size());
        double margin = Margin(values, mean);
        auto [least, most] = std::minmax_element(values.begin(), values.end());
        out.Printf("%s,%zu,%.1f,%.1f,%.1f,%.0f,%.0f\n",
                   name.c_str(),
                   values.size(),
                   mean,
                   mean - margin,
                   mean + margin,
                   *least,
                   *most);
    }
    out.Close();
}

} // namespace

int
Sweep(const SweepOptions& options)
{
    Scenario scenario = ReadScenario(options.run.scenario, options.run.sets);
    Tier tier = options.run.hasTier ? options.run.tier : scenario.tier;
    MakeFolder(options.run.out);
    std::vector<uint64_t> missing;
    for (uint64_t seed = options.firstSeed; seed <= options.lastSeed; seed++)
    {
        if (!ResultOf(FolderOf(options, seed), scenario.sha256, tier))
        {
            missing.push_back(seed);
        }
    }
    bool met = Crew(options, tier, missing).Work();
    Metrics metrics;
    for (uint64_t seed = options.firstSeed; seed <= options.lastSeed; seed++)
    {
        JsonPtr result = ResultOf(FolderOf(options, seed), scenario.sha256, tier);
        if (!result)
        {
            throw OutputError("no whole results in " + FolderOf(options, seed));
        }
        Collect(result.get(), "", metrics);
    }
    WriteMerged(options.run.out + "/sweep.csv", metrics);
    std::printf("merged: %s/sweep.csv\n", options.run.out.c_str());
    return met ? STATUS_OK : STATUS_VIOLATED;
}

} // namespace qnet
