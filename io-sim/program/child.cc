// SPDX-License-Identifier: GPL-2.0-only
#include "child.h"

#include <cerrno>
#include <cstdio>
#include <stdexcept>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

namespace qnet
{

const char* const THIS_PROGRAM = "/proc/self/exe";

pid_t
StartChild(const char* program, const std::vector<std::string>& words, const std::string& log)
{
    std::vector<char*> argv;
    for (const std::string& word : words)
    {
        argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    std::fflush(stdout);
    pid_t child = fork();
    if (child < 0)
    {
        throw std::runtime_error("cannot start another process");
    }
    if (child == 0)
    {
        int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
        {
            _exit(STATUS_OUTPUT);
        }
        execvp(program, argv.data());
        _exit(STATUS_CORE);
    }
    return child;
}

int
ExitStatus(int waited)
{
    return WIFEXITED(waited) ? WEXITSTATUS(waited) : STATUS_CORE;
}

int
RunChild(const char* program, const std::vector<std::string>& words, const std::string& log)
{
    pid_t child = StartChild(program, words, log);
    int waited = 0;
    while (waitpid(child, &waited, 0) < 0)
    {
        if (errno != EINTR)
        {
            throw std::runtime_error("cannot wait for another process");
        }
    }
    return ExitStatus(waited);
}

} // namespace qnet
