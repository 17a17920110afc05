// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The options of the commands, read off the command line.
 */
#ifndef QNET_SIM_OPTIONS_H
#define QNET_SIM_OPTIONS_H

#include <stdexcept>
#include <string>
#include <vector>

#include "work-list.h"

namespace qnet
{

class UsageError : public std::runtime_error
{
  public:
    using std::runtime_error::runtime_error;
};

/// Takes options off the command line one by one.
class Arguments
{
  public:
    Arguments(int argc, char** argv)
        : m_words(argv + 1, argv + argc)
    {
    }

    bool
    Empty() const
    {
        return m_at == m_words.size();
    }

    bool AskForHelp() const;

    std::string
    Next()
    {
        return m_words[m_at++];
    }

    /// What follows `option`. Throws UsageError when nothing does.
    std::string Value(const std::string& option);

  private:
    std::vector<std::string> m_words;
    size_t m_at = 0;
};

/// Options of `run`, or of those that only read a scenario. Throws UsageError, as all here.
RunOptions ParseRun(Arguments& arguments, bool simulates);
/// Of `hosts`.
RunOptions ParseHosts(Arguments& arguments);
SweepOptions ParseSweep(Arguments& arguments);

} // namespace qnet

#endif
