// SPDX-License-Identifier: GPL-2.0-only
#include "sweep.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <map>

#include <sys/wait.h>

#include "child.h"
#include "merge.h"
#include "output-file.h"
#include "shell-word.h"
#include "slurm.h"
#include "sweep-figures.h"
#include "sweep-report.h"

namespace qnet
{

namespace
{

// ---- memory

/// A rule of thumb from the reference runs (results/README.md): 470 KiB at 10,000 nodes, 550 at
/// 1,000.
constexpr uint64_t KIB_PER_NODE = 560;
constexpr uint64_t KIB_OF_PROGRAM = 20 * 1024;

/// What one run may take: the most a finished one took, or else by the largest cell's nodes.
uint64_t
KibOfOne(const WorkList& work)
{
    uint64_t measured = 0;
    uint64_t guessed = 0;
    for (const Task& task : work.Tasks())
    {
        measured = std::max(measured, ResultOf(task) ? PeakKibOf(task.folder) : 0);
        guessed = std::max(guessed, KIB_OF_PROGRAM + KIB_PER_NODE * task.cell->nodes);
    }
    return measured > 0 ? measured : guessed;
}

/// MemAvailable of proc(5); 0 where there is none.
uint64_t
KibFree()
{
    std::FILE* file = std::fopen("/proc/meminfo", "r");
    uint64_t kib = 0;
    char line[128];
    while (file != nullptr && kib == 0 && std::fgets(line, sizeof line, file) != nullptr)
    {
        std::sscanf(line, "MemAvailable: %" SCNu64, &kib);
    }
    if (file != nullptr)
    {
        std::fclose(file);
    }
    return kib;
}

void
SayMemory(uint64_t kibOfOne, size_t atOnce)
{
    uint64_t kib = kibOfOne * atOnce;
    std::printf("%zu at a time, about %" PRIu64 " MiB together\n", atOnce, kib / 1024);
    uint64_t free = KibFree();
    if (free > 0 && kib > free)
    {
        std::fprintf(stderr,
                     "qnet-sim: only %" PRIu64
                     " MiB are free; take fewer --jobs if it does not end well\n",
                     free / 1024);
    }
}

// ---- running

/// What a task is called in a line for a person.
std::string
NameOf(const Task& task)
{
    return (task.cell->name.empty() ? "" : task.cell->name + " ") + "seed " +
           std::to_string(task.seed);
}

/// The runs that are to be made, a few at a time.
class Crew
{
  public:
    Crew(std::vector<const Task*> tasks, unsigned jobs)
        : m_tasks(std::move(tasks)),
          m_jobs(jobs),
          m_start(std::time(nullptr))
    {
    }

    void
    Work()
    {
        while (m_next < m_tasks.size() || !m_running.empty())
        {
            while (m_next < m_tasks.size() && m_running.size() < m_jobs)
            {
                const Task* task = m_tasks[m_next++];
                m_running[StartChild(THIS_PROGRAM, task->words, task->folder + ".log")] = task;
            }
            WaitForOne();
        }
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
        const Task& task = *found->second;
        m_running.erase(found);
        int code = ExitStatus(status);
        if (code != STATUS_OK && code != STATUS_VIOLATED)
        {
            m_next = m_tasks.size(); // nothing new; what runs may end
            while (wait(nullptr) > 0)
            {
            }
            throw std::runtime_error("the run " + NameOf(task) + " failed; see " + task.folder +
                                     ".log");
        }
        m_done++;
        auto spent = static_cast<uint64_t>(std::time(nullptr) - m_start);
        std::printf("%s %s, %" PRIu64 " MiB; %zu of %zu done, about %" PRIu64 " s left\n",
                    NameOf(task).c_str(),
                    code == STATUS_OK ? "is fine" : "violates an expectation",
                    PeakKibOf(task.folder) / 1024,
                    m_done,
                    m_tasks.size(),
                    spent * (m_tasks.size() - m_done) / m_done);
        std::fflush(stdout);
    }

    std::vector<const Task*> m_tasks;
    unsigned m_jobs;
    size_t m_next = 0;
    size_t m_done = 0;
    std::map<pid_t, const Task*> m_running;
    std::time_t m_start;
};

std::vector<const Task*>
Missing(const WorkList& work)
{
    std::vector<const Task*> missing;
    for (const Task& task : work.Tasks())
    {
        if (!ResultOf(task))
        {
            missing.push_back(&task);
        }
    }
    return missing;
}

/// The table, the pictures and the page, of what is there.
int
MergeAll(const WorkList& work, const SweepOptions& options)
{
    const std::string& folder = options.run.out;
    Merged merged = Merge(work, folder + "/sweep.csv");
    std::vector<Headline> headlines = HeadlinesOf(work.GetScenario(), merged);
    std::vector<Figure> figures = WriteSweepFigures(folder, work.GetScenario(), merged, headlines);
    std::string noFigures = DrawFigures(folder, figures);
    WriteSweepReport(folder, {options, work, merged, headlines, figures, noFigures});
    if (!noFigures.empty())
    {
        std::fprintf(stderr, "qnet-sim: no pictures: %s\n", noFigures.c_str());
    }
    std::printf("merged: %s/sweep.csv, %zu runs\nreport: %s/report.html\n",
                folder.c_str(),
                merged.runs,
                folder.c_str());
    if (merged.missing > 0)
    {
        throw OutputError(std::to_string(merged.missing) + " of " +
                          std::to_string(work.Tasks().size()) + " runs are missing, and so in " +
                          folder + "/sweep.csv");
    }
    return merged.met == merged.runs ? STATUS_OK : STATUS_VIOLATED;
}

int
List(const std::vector<const Task*>& tasks)
{
    for (const Task* task : tasks)
    {
        std::printf("%s\n", ShellLine(task->words).c_str());
    }
    return STATUS_OK;
}

} // namespace

int
Sweep(const SweepOptions& options)
{
    WorkList work(options);
    if (options.merge)
    {
        return MergeAll(work, options);
    }
    work.MakeFolders();
    std::vector<const Task*> missing = Missing(work);
    if (options.list)
    {
        return List(missing);
    }
    uint64_t kib = KibOfOne(work);
    if (!options.slurm.empty())
    {
        if (missing.empty()) // an array of no jobs is an error to sbatch
        {
            throw OutputError("every run is there, so there is no job to write; take --merge");
        }
        WriteSlurm(options.slurm, missing, options.jobs, kib + kib / 2);
        return STATUS_OK;
    }
    if (!missing.empty())
    {
        SayMemory(kib, std::min<size_t>(options.jobs, missing.size()));
        Crew(missing, options.jobs).Work();
    }
    return MergeAll(work, options);
}

} // namespace qnet
