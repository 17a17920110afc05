// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Other programs, and this one again.
 */
#ifndef QNET_SIM_CHILD_H
#define QNET_SIM_CHILD_H

#include <string>
#include <vector>

#include <sys/types.h>

namespace qnet
{

extern const char* const THIS_PROGRAM;

/// Starts `program`, found by PATH unless it has a slash, saying what it says into the file `log`.
/// Throws std::runtime_error. \return its process, to wait(2) for
pid_t StartChild(const char* program,
                 const std::vector<std::string>& words,
                 const std::string& log);

/// The same to its end. \return its exit status; STATUS_CORE if a signal ended it
int RunChild(const char* program, const std::vector<std::string>& words, const std::string& log);

/// What a process made of its exit status.
int ExitStatus(int waited);

} // namespace qnet

#endif
