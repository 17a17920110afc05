// SPDX-License-Identifier: GPL-2.0-only
#include "slurm.h"

#include <algorithm>
#include <filesystem>

#include "output-file.h"
#include "shell-word.h"

namespace qnet
{

namespace
{

/// Slurm's MaxArraySize is 1001 unless a cluster says otherwise, and indices begin at 0.
constexpr size_t ARRAY_MAX = 1000;

} // namespace

void
WriteSlurm(const std::string& path,
           const std::vector<const Task*>& tasks,
           unsigned jobs,
           uint64_t kib)
{
    size_t array = std::min(tasks.size(), ARRAY_MAX);
    OutputFile out(path);
    out.Printf("#!/bin/bash\n"
               "#SBATCH --job-name=qnet-sim\n"
               "#SBATCH --array=1-%zu%%%u\n"
               "#SBATCH --ntasks=1 --cpus-per-task=1\n"
               "#SBATCH --mem=%lluM\n",
               array,
               jobs,
               static_cast<unsigned long long>(kib / 1024 + 1));
    out.Write(
        "# Runs of a sweep, by number, from the folder they were listed in; then: sweep --merge.\n"
        "set -eu -o pipefail\n"
        "cd " +
        ShellWord(std::filesystem::current_path().string()) + "\n");
    out.Write("sed -n \"${SLURM_ARRAY_TASK_ID}~" + std::to_string(std::max<size_t>(array, 1)) +
              "p\" <<'RUNS' | bash -eu\n");
    for (const Task* task : tasks)
    {
        out.Write(ShellLine(task->words) + "\n");
    }
    out.Write("RUNS\n");
    out.Close();
}

} // namespace qnet
